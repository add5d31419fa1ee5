/* Decoders and encoders against other implementations' results (tests/golden): whole, streamed, in stripes, with frames in host memory, under
 * every scheme of names, and in fp16. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "golden/golden.h"
#include "suite.h"

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

static const golden_mode modes[] = {{.name = "whole"},
                                    {.name = "streamed", .streamed = true},
                                    {.name = "stripes of 1", .stripe_rows = 1},
                                    {.name = "stripes of 3", .stripe_rows = 3},
                                    {.name = "host caches", .host_caches = 1},
                                    {.name = "both", .stripe_rows = 2, .host_caches = 1, .streamed = true}};

enum { MODES = sizeof(modes) / sizeof(modes[0]) };

typedef struct work {
    suite_run_context *run;
    const golden *g;
    float *whole, *other; /* results */
    double worst, rms;    /* of all clips, against the fixture */
    double apart;         /* of all modes, against the first */
} work;

static int64_t values_of(const golden_clip *clip) { return clip->result[0] * clip->result[1] * clip->result[2] * clip->result[3]; }

static void against_fixture(work *w, const golden_clip *clip, const float *got)
{
    double largest = 0, error = 0, squares = 0, all = 0;
    for (int64_t i = 0; i < clip->count; i++) {
        const double want = clip->unit * clip->expected[i], e = fabs((double)got[i * clip->every] - want);
        if (!(e <= error)) error = e; /* NaN is an error */
        if (fabs(want) > largest) largest = fabs(want);
        squares += e * e;
        all += want * want;
    }
    if (!(error / largest <= w->worst)) w->worst = error / largest;
    if (!(sqrt(squares / all) <= w->rms)) w->rms = sqrt(squares / all);
}

static void against_whole(work *w, const golden_clip *clip)
{
    double largest = 0, error = 0;
    for (int64_t i = 0; i < values_of(clip); i++) {
        const double e = fabs((double)w->other[i] - (double)w->whole[i]);
        if (!(e <= error)) error = e;
        if (fabs((double)w->whole[i]) > largest) largest = fabs((double)w->whole[i]);
    }
    if (!(error / largest <= w->apart)) w->apart = error / largest;
}

static suite_verdict run_clip(work *w, tsr_decoder *dec, const golden_clip *clip, const golden_mode *mode, float *result)
{
    int64_t frames = 0;
    const tsr_status status = golden_run(dec, w->g, clip, mode, result, &frames);
    if (status != TSR_OK) return suite_error(w->run, status, mode->name);
    if (frames == clip->result[0]) return SUITE_PASS;
    return suite_say(w->run, SUITE_FAIL, "%s: %lld frames of %lld; expected %lld", mode->name, (long long)frames, (long long)clip->shape[0],
                     (long long)clip->result[0]);
}

/* A decoder of the fixture's weights under a scheme. */
static suite_verdict make(work *w, int scheme, tsr_precision precision, tsr_dtype dtype, bool raw, const char *spoiled, tsr_decoder **dec)
{
    const golden *g = w->g;
    const tsr_decoder_desc desc = {.family = g->family,
                                   .variant = g->variant[0] ? g->variant : NULL,
                                   .precision = precision,
                                   .latents = raw ? TSR_LATENTS_RAW : TSR_LATENTS_NORMALIZED,
                                   .encoder = g->encoder};
    char path[] = "/tmp/tessera-golden-XXXXXX";
    const int fd = mkstemp(path);
    if (fd < 0 || !golden_write(g, scheme, dtype, spoiled, path)) {
        if (fd >= 0) unlink(path);
        if (fd >= 0) close(fd);
        return suite_say(w->run, SUITE_FAIL, "cannot write '%s'", path);
    }
    tsr_tensors *file = NULL;
    tsr_status status = tsr_tensors_open(path, &file);
    if (status == TSR_OK) status = tsr_decoder_create(w->run->dev, file, &desc, dec);
    tsr_tensors_close(file);
    unlink(path);
    close(fd);
    return status == TSR_OK ? SUITE_PASS : suite_error(w->run, status, g->schemes[scheme]);
}

/* Is clip, run by that mode, as the fixture says; whole or other has it then. */
static suite_verdict check_clip(work *w, tsr_decoder *dec, const golden_clip *clip, int mode)
{
    float *result = mode == 0 ? w->whole : w->other;
    const suite_verdict v = run_clip(w, dec, clip, &modes[mode], result);
    if (v != SUITE_PASS) return v;
    against_fixture(w, clip, result);
    if (mode > 0) against_whole(w, clip);
    return v;
}

/* Every clip, in the first `used` modes. */
static suite_verdict check_modes(work *w, tsr_precision precision, tsr_dtype dtype, int used)
{
    tsr_decoder *decs[2] = {0};
    suite_verdict v = SUITE_PASS;
    for (int i = 0; i < w->g->clip_count && v == SUITE_PASS; i++) {
        const golden_clip *clip = &w->g->clips[i];
        if (!decs[clip->raw]) v = make(w, 0, precision, dtype, clip->raw, NULL, &decs[clip->raw]);
        for (int mode = 0; mode < used && v == SUITE_PASS; mode++) v = check_clip(w, decs[clip->raw], clip, mode);
    }
    for (int i = 0; i < 2; i++) tsr_decoder_destroy(decs[i]);
    return v;
}

/* The first clip under the other schemes of names, which make the same net. */
static suite_verdict check_names(work *w)
{
    const golden_clip *clip = &w->g->clips[0];
    suite_verdict v = SUITE_PASS;
    for (int scheme = 0; scheme < w->g->scheme_count && v == SUITE_PASS; scheme++) {
        tsr_decoder *dec = NULL;
        v = make(w, scheme, TSR_PRECISION_F32, w->g->storage, clip->raw, NULL, &dec);
        if (v == SUITE_PASS) v = check_clip(w, dec, clip, scheme == 0 ? 0 : 1);
        tsr_decoder_destroy(dec);
    }
    return v;
}

/* A weight that the clips use, by the seed. */
static const char *any_weight(const work *w)
{
    const char *part = w->g->encoder ? "encoder." : "decoder.", *name = NULL;
    oracle_rng r = oracle_seed(w->run->seed);
    int tensors = 0;
    while (golden_tensor(w->g, 0, tensors)) tensors++;
    while (!name || !strstr(name, ".weight") || strncmp(name, part, strlen(part)) != 0)
        name = golden_tensor(w->g, 0, (int)oracle_below(&r, (uint32_t)tensors));
    return name;
}

/* With one weight spoiled, the first clip must not be as the fixture says: else this theme could not fail. */
static suite_verdict check_spoiled(work *w, double bound)
{
    const golden *g = w->g;
    const char *name = any_weight(w);
    work spoiled = {.run = w->run, .g = g, .whole = w->whole, .other = w->other};
    tsr_decoder *dec = NULL;
    suite_verdict v = make(&spoiled, 0, TSR_PRECISION_F32, g->storage, g->clips[0].raw, name, &dec);
    if (v == SUITE_PASS) v = check_clip(&spoiled, dec, &g->clips[0], 0);
    tsr_decoder_destroy(dec);
    if (v != SUITE_PASS || !(spoiled.worst <= bound)) return v;
    return suite_say(w->run, SUITE_FAIL, "with '%s' negated the error is %.1e: the fixture does not see it", name, spoiled.worst);
}

static suite_verdict judge(work *w, double bound)
{
    const bool ok = w->worst <= bound && w->apart <= 1e-5;
    return suite_say(w->run, ok ? SUITE_PASS : SUITE_FAIL,
                     "largest error %.1e of the largest value (%.0e allowed), rms %.1e; modes apart by %.1e (1e-05 allowed)", w->worst, bound, w->rms,
                     w->apart);
}

static suite_verdict run_f32(work *w)
{
    static const double bound = 1e-3;
    suite_verdict v = check_modes(w, TSR_PRECISION_F32, w->g->storage, w->g->heavy ? 1 : MODES);
    if (v == SUITE_PASS && w->g->scheme_count > 1) v = check_names(w);
    if (v == SUITE_PASS && !w->g->heavy) v = check_spoiled(w, bound);
    return v == SUITE_PASS ? judge(w, bound) : v;
}

static suite_verdict run_f16(work *w)
{
    suite_verdict v = check_modes(w, TSR_PRECISION_F16, w->g->storage == TSR_F32 ? TSR_F16 : w->g->storage, 1);
    return v == SUITE_PASS ? judge(w, 1e-2) : v;
}

static suite_verdict run_fixture(const suite_case *c, suite_run_context *run)
{
    bool required;
    char why[512];
    golden g;
    if (!golden_open(folder(&required), names[c->number], &g, why, sizeof(why))) return suite_say(run, SUITE_FAIL, "%s", why);
    int64_t most = 0;
    for (int i = 0; i < g.clip_count; i++)
        if (values_of(&g.clips[i]) > most) most = values_of(&g.clips[i]);
    work w = {.run = run, .g = &g, .whole = malloc((size_t)most * sizeof(float)), .other = malloc((size_t)most * sizeof(float))};
    suite_verdict v = SUITE_FAIL;
    suite_say(run, v, "no memory");
    if (g.heavy && UNDER_SANITIZER)
        v = suite_say(run, SUITE_UNSUPPORTED, "true widths take minutes under a sanitizer");
    else if (w.whole && w.other)
        v = c->params ? run_f16(&w) : run_f32(&w);
    free(w.whole);
    free(w.other);
    golden_close(&g);
    return v;
}

static suite_verdict run_missing(const suite_case *c, suite_run_context *run)
{
    (void)c;
    bool required;
    const char *where = folder(&required);
    return suite_say(run, required ? SUITE_FAIL : SUITE_UNSUPPORTED,
                     "SKIPPED: no fixtures in '%s'; TESSERA_GOLDEN names a folder that has them (tests/golden of the sources)", where);
}

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

/* The fixtures that the folder has. */
static void list(void)
{
    bool required;
    DIR *dir = opendir(folder(&required));
    count = 0;
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL && count < FIXTURES;) {
        const size_t length = strlen(e->d_name);
        if (length <= 5 || length - 5 >= NAME || strcmp(e->d_name + length - 5, ".json") != 0) continue;
        memcpy(names[count], e->d_name, length - 5);
        names[count++][length - 5] = '\0';
    }
    if (dir) closedir(dir);
    qsort(names, (size_t)count, NAME, by_name);
}

int suite_add_golden(suite *s)
{
    static const int f16 = 1;
    char name[112];
    list();
    if (count == 0) return suite_add(s, "golden/fixtures", run_missing, NULL, 0);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "golden/%s/f32", names[i]);
        if (!suite_add(s, name, run_fixture, NULL, i)) return 0;
        snprintf(name, sizeof(name), "golden/%s/f16", names[i]);
        if (!suite_add(s, name, run_fixture, &f16, i)) return 0;
    }
    return 1;
}
