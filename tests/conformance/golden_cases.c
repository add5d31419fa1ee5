/* Decoders and encoders against other implementations' results: the fixtures of tests/golden, each in fp32, in fp16, and in tile
 * model matrix. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden_work.h"

#ifdef __SANITIZE_ADDRESS__
enum { UNDER_SANITIZER = 1 };
#else
enum { UNDER_SANITIZER = 0 };
#endif

enum { FIXTURES = 256, NAME = 64 };

static char names[FIXTURES][NAME];
static int count;

/* The environment's, which has to be there, or the source tree's, which need not. */
static const char *folder(bool *required)
{
    const char *said = getenv("TESSERA_GOLDEN");
    *required = said && said[0];
    return *required ? said : GOLDEN_FOLDER;
}

static suite_verdict run_f32(golden_work *w)
{
    static const double bound = 1e-3, bound_apart = 1e-5;
    suite_verdict v = golden_check_modes(w, TSR_PRECISION_F32, w->g->heavy);
    if (v == SUITE_PASS && w->g->scheme_count > 1) v = golden_check_names(w);
    if (v == SUITE_PASS && !w->g->heavy) v = golden_check_spoiled(w, bound);
    if (v != SUITE_PASS) return v;
    return suite_say(w->run, w->worst <= bound && w->apart <= bound_apart ? SUITE_PASS : SUITE_FAIL,
                     "largest error %.1e of the largest value (%.0e allowed), rms %.1e; modes apart by %.1e (%.0e allowed)", w->worst, bound, w->rms,
                     w->apart, bound_apart);
}

static suite_verdict run_f16(golden_work *w)
{
    static const double bound = 1e-2;
    const suite_verdict v = golden_check_modes(w, TSR_PRECISION_F16, w->g->heavy);
    if (v != SUITE_PASS) return v;
    return suite_say(w->run, w->worst <= bound ? SUITE_PASS : SUITE_FAIL,
                     "largest error %.1e of the largest value (%.0e allowed), rms %.1e; modes apart by %.1e; %u layers kept in fp32", w->worst, bound,
                     w->rms, w->apart, w->layers_in_f32);
}

static suite_verdict run_matrix(golden_work *w)
{
    w->tile = TSR_TILE_MATRIX;
    const suite_verdict v = run_f16(w);
    if (v == SUITE_PASS && w->layers_in_matrix == 0)
        return suite_say(w->run, SUITE_UNSUPPORTED, "no convolution runs in cooperative matrices of fp16 on this device and build");
    return v;
}

/* Does a true width take minutes here? Then the message says so. */
static bool takes_minutes(suite_run_context *run)
{
    const tsr_device_info *info = tsr_device_info_of(run->dev);
    const bool software = info->type == TSR_DEVICE_CPU && strcmp(info->backend, "vulkan") == 0;
    if (!UNDER_SANITIZER && !software) return false;
    suite_say(run, SUITE_UNSUPPORTED, "a true width takes minutes %s", software ? "on a software rasteriser" : "under a sanitizer");
    return true;
}

static suite_verdict run_fixture(const suite_case *c, suite_run_context *run)
{
    bool required;
    char why[512];
    golden g;
    golden_work w;
    const bool matrix = c->params && *(const int *)c->params;
    if (matrix && suite_lacks_matrices(run)) return SUITE_UNSUPPORTED;
    if (!golden_open(folder(&required), names[c->number], &g, why, sizeof(why))) return suite_say(run, SUITE_FAIL, "%s", why);
    suite_verdict v = SUITE_UNSUPPORTED;
    if (!g.heavy || !takes_minutes(run)) {
        const bool room = golden_work_open(&w, &g, run);
        suite_verdict (*const check)(golden_work * w) = matrix ? run_matrix : c->params ? run_f16 : run_f32;
        v = room ? check(&w) : suite_say(run, SUITE_FAIL, "no memory");
        golden_work_close(&w);
    }
    golden_close(&g);
    return v;
}

static suite_verdict run_missing(const suite_case *c, suite_run_context *run)
{
    (void)c;
    bool required;
    const char *where = folder(&required);
    return suite_say(run, required ? SUITE_FAIL : SUITE_UNSUPPORTED,
                     "no fixtures in '%s', %s; TESSERA_GOLDEN names a folder that has them: tests/golden of the sources", where,
                     required ? "which TESSERA_GOLDEN names" : "decoders are not checked against others' results");
}

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

/* The fixtures that the folder has. */
static void list(void)
{
    static const char end[] = ".json";
    bool required;
    DIR *dir = opendir(folder(&required));
    count = 0;
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL && count < FIXTURES;) {
        const size_t length = strlen(e->d_name), bare = length - strlen(end);
        if (length <= strlen(end) || bare >= NAME || strcmp(e->d_name + bare, end) != 0) continue;
        memcpy(names[count], e->d_name, bare);
        names[count++][bare] = '\0';
    }
    if (dir) closedir(dir);
    qsort(names, (size_t)count, NAME, by_name);
}

int suite_add_golden(suite *s)
{
    static const int in_matrices[] = {0, 1};
    char name[112];
    list();
    if (count == 0) return suite_add(s, "golden/fixtures", run_missing, NULL, 0);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "golden/%s/f32", names[i]);
        if (!suite_add(s, name, run_fixture, NULL, i)) return 0;
        suite_mark_sampled(s);
        snprintf(name, sizeof(name), "golden/%s/f16", names[i]);
        if (!suite_add(s, name, run_fixture, &in_matrices[0], i)) return 0;
        suite_mark_compiled(s);
        snprintf(name, sizeof(name), "golden/%s/matrix", names[i]);
        if (!suite_add(s, name, run_fixture, &in_matrices[1], i)) return 0;
        suite_mark_compiled(s);
    }
    return 1;
}
