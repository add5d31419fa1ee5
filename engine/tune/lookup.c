/* Which measured choice counts here: of this device, its driver, and the kernels of this build. */
#include <stdio.h>
#include <string.h>

#include "tune.h"

/* FNV-1a, 64 bits. */
static uint64_t hash(uint64_t h, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++) h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
    return h;
}

uint64_t tsr_tune_version(const bk_kernel_source *source)
{
    if (!source) return 0;
    uint64_t h = hash(UINT64_C(0xcbf29ce484222325), source->spirv, source->spirv ? source->spirv_size : 0);
    h = hash(h, source->dot_spirv, source->dot_spirv ? source->dot_spirv_size : 0);
    return hash(h, source->opencl, source->opencl ? strlen(source->opencl) : 0);
}

void tsr_tune_sign(tsr_tune_entry *e, const tsr_device_info *info)
{
    snprintf(e->backend, sizeof(e->backend), "%s", info->backend);
    snprintf(e->device, sizeof(e->device), "%s", info->name);
    snprintf(e->vendor, sizeof(e->vendor), "%s", info->vendor);
    snprintf(e->driver, sizeof(e->driver), "%s", info->driver);
    snprintf(e->driver_version, sizeof(e->driver_version), "%s", info->version);
}

bool tsr_tune_of_device(const tsr_tune_entry *e, const tsr_device_info *info)
{
    return strcmp(e->backend, info->backend) == 0 && strcmp(e->device, info->name) == 0 && strcmp(e->vendor, info->vendor) == 0;
}

/* The version of a driver as short as a line allows. */
static void driver_text(char text[96], const char *driver, const char *version) { snprintf(text, 96, "%.44s %.44s", driver, version); }

static bool same_driver(const tsr_tune_entry *e, const tsr_device_info *info)
{
    return strcmp(e->driver, info->driver) == 0 && strcmp(e->driver_version, info->version) == 0;
}

/* The candidate that m is; count: none. *lacks: what is wrong with it. */
static size_t candidate_of(const tsr_tune_measured *m, const tsr_tune_candidate *candidates, size_t count, const char **lacks)
{
    for (size_t i = 0; i < count; i++) {
        if (!tsr_tune_same(&m->shape, &candidates[i].shape)) continue;
        if (tsr_tune_version(candidates[i].source) == m->version) return i;
        *lacks = "its kernels have changed since";
    }
    return count;
}

/* The first measured shape of an entry that is a candidate of today's kernels; the default, where that is as good. */
static void pick(const tsr_tune_entry *e, const tsr_tune_candidate *candidates, size_t count, tsr_tune_found *out)
{
    const char *lacks = "none of its shapes is a candidate";
    const tsr_tune_measured *best = NULL, *usual = NULL;
    size_t best_at = count;
    for (size_t m = 0; m < e->count; m++) {
        const tsr_tune_measured *one = &e->measured[m];
        if (best && !one->is_default) continue;
        const size_t at = candidate_of(one, candidates, count, &lacks);
        if (one->is_default) usual = one;
        if (at == count || (best && one->seconds > TSR_TUNE_MARGIN * best->seconds)) continue;
        best = one;
        best_at = at;
    }
    if (!best) {
        snprintf(out->why, sizeof(out->why), "entry of %s ignored: %s", e->date, lacks);
        return;
    }
    *out = (tsr_tune_found){.found = true, .index = best_at};
    if (best == usual)
        snprintf(out->why, sizeof(out->why), "tuned on %s with this driver: the default is best", e->date);
    else if (usual)
        snprintf(out->why, sizeof(out->why), "tuned on %s with this driver: %.2f x the default", e->date, usual->seconds / best->seconds);
    else
        snprintf(out->why, sizeof(out->why), "tuned on %s with this driver", e->date);
}

void tsr_tuning_find(tsr_tuning *t, const tsr_device_info *info, const char *kernel, const char *problem, const tsr_tune_candidate *candidates,
                     size_t count, tsr_tune_found *out)
{
    *out = (tsr_tune_found){0};
    tsr_tune_entry e;
    for (size_t i = 0; tsr_tuning_get(t, i, &e); i++) {
        if (!tsr_tune_of_device(&e, info) || strcmp(e.kernel, kernel) != 0 || strcmp(e.problem, problem) != 0) continue;
        if (same_driver(&e, info)) {
            pick(&e, candidates, count, out);
            return; /* there is one with this driver */
        }
        char was[96];
        driver_text(was, e.driver, e.driver_version);
        snprintf(out->why, sizeof(out->why), "entry of %s ignored: the driver was %s", e.date, was);
    }
}

/* Is the version that of a kernel of this build? Those of matrices and of words are one for each type, and of matrices some are for engines. */
static bool known(const char *kernel, const tsr_tune_measured *m)
{
    char dpas[64];
    snprintf(dpas, sizeof(dpas), "%.50s_dpas", kernel);
    for (const bk_kernel_source *s = tsr_kernel_source_next(NULL); s; s = tsr_kernel_source_next(s)) {
        const bool named = strcmp(s->name, kernel) == 0 || strcmp(s->name, dpas) == 0;
        if (named && s->tile == m->shape.tile && tsr_tune_version(s) == m->version) return true;
    }
    return false;
}

const char *tsr_tune_stale(const tsr_tune_entry *e, const tsr_device_info *info, char text[TSR_WHY])
{
    if (!same_driver(e, info)) {
        char was[96];
        driver_text(was, e->driver, e->driver_version);
        snprintf(text, TSR_WHY, "the driver was %s", was);
        return text;
    }
    for (size_t i = 0; i < e->count; i++)
        if (known(e->kernel, &e->measured[i])) return NULL;
    snprintf(text, TSR_WHY, "its kernels have changed since");
    return text;
}
