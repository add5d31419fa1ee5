/* Asks a device for the layout of its matrices, and remembers the answer. */
#include "layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "matrix/layout_args.h"

#define LAYOUT_ID(id, NAME, value) LAYOUT_##NAME = id,
enum { LAYOUT_SPECS(LAYOUT_ID) };
typedef struct layout_params {
    LAYOUT_PARAMS(TSR_PARAM_FIELD)
} layout_params;

struct tsr_matrix_entry {
    tsr_matrix_entry *next;
    tsr_dtype input;
    tsr_matrix_layout layout;
};

const tsr_matrix_shape *tsr_matrix_shape_for(const tsr_device_info *info, tsr_dtype input)
{
    const char *const a = input == TSR_I8 ? "s8" : tsr_dtype_name(input), *const c = input == TSR_I8 ? "s32" : "f32";
    const tsr_matrix_shape *best = NULL;
    for (uint32_t i = 0; i < info->matrix_count && i < 16 && (info->features & TSR_FEATURE_MATRIX); i++) {
        const tsr_matrix_shape *s = &info->matrix[i];
        if (strcmp(s->a, a) != 0 || strcmp(s->c, c) != 0) continue;
        const uint32_t size = s->m * s->n * s->k, most = best ? best->m * best->n * best->k : 0;
        if (size > most || (size == most && s->m == s->n && s->n == s->k)) best = s;
    }
    return best;
}

static bool reduces(const tsr_device *dev, tsr_dtype input)
{
    return (dev->info.features & TSR_FEATURE_MATRIX_REDUCED) && tsr_kernel_matrix_built("flash_reduced", input);
}

/* What TESSERA_MATRIX_LAYOUT says; *known is false where it says nothing. */
static tsr_status from_environment(const tsr_device *dev, tsr_dtype input, tsr_matrix_layout *l, bool *known)
{
    static const struct {
        const char *name;
        tsr_matrix_lines rows, columns;
        tsr_matrix_pass to_a, to_b;
        int32_t pair;
    } all[] = {{.name = "memory"},
               {.name = "rdna3", .columns = {1, 0, 16}, .to_b = TSR_PASS_PAIRS, .pair = 16},
               {.name = "rdna4", .columns = {1, 0, 16}, .to_b = TSR_PASS_SAME},
               {.name = "nvidia", .rows = {2, 1, 3}, .to_a = TSR_PASS_SAME}};
    const char *name = getenv("TESSERA_MATRIX_LAYOUT");
    *known = name && name[0];
    if (*known && strcmp(name, "reduced") == 0) {
        l->reduced = reduces(dev, input);
        if (l->reduced) return TSR_OK;
        return tsr_fail(TSR_ERROR_UNSUPPORTED,
                        "environment variable TESSERA_MATRIX_LAYOUT is 'reduced'; %s or this build has no reductions of %s matrices", dev->info.id,
                        tsr_dtype_name(input));
    }
    for (size_t i = 0; *known && i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(name, all[i].name) != 0) continue;
        l->rows = all[i].rows;
        l->columns = all[i].columns;
        l->to_a = all[i].to_a;
        l->to_b = all[i].to_b;
        l->pair = all[i].pair;
        tsr_matrix_order_known(name, l);
        return TSR_OK;
    }
    if (!*known) return TSR_OK;
    return tsr_fail(TSR_ERROR_ARGUMENT, "environment variable TESSERA_MATRIX_LAYOUT is '%s'; expected memory, reduced, rdna3, rdna4 or nvidia", name);
}

static tsr_status ask(tsr_device *dev, tsr_dtype input, tsr_matrix_layout *l, bool *sensible)
{
    const size_t words = 6 * (size_t)TSR_LAYOUT_ELEMENTS * (size_t)l->subgroup + 3, found_at = 256;
    const int32_t specs[BK_MAX_SPECS] = {
        [LAYOUT_LANES] = l->subgroup, [LAYOUT_SUBGROUP] = l->subgroup, [LAYOUT_MM] = l->m, [LAYOUT_MN] = l->n, [LAYOUT_MK] = l->k};
    const layout_params params = {.elements = TSR_LAYOUT_ELEMENTS};
    bk_kernel *kernel = NULL;
    tsr_buffer *buf = NULL;
    *sensible = false;
    uint32_t *found = calloc(words, sizeof(*found));
    tsr_status s = found ? TSR_OK : tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the layout of a matrix");
    if (s == TSR_OK) s = tsr_kernel_get_matrix(dev, "layout", input, specs, NULL, &kernel);
    if (s == TSR_OK) s = tsr_buffer_create(dev, found_at + words * sizeof(*found), &buf);
    if (s == TSR_OK) s = tsr_buffer_write(buf, 0, &params, sizeof(params));
    if (s == TSR_OK) s = tsr_buffer_write(buf, found_at, found, words * sizeof(*found)); /* zeros, where a device runs nothing */
    if (s == TSR_OK) s = tsr_dispatch(dev, kernel, (bk_binding[]){{buf->bk, 0}, {buf->bk, found_at}}, 0, 1);
    if (s == TSR_OK) s = tsr_buffer_read(buf, found_at, found, words * sizeof(*found));
    if (s == TSR_OK) *sensible = tsr_matrix_layout_read(found, TSR_LAYOUT_ELEMENTS, l->subgroup, l);
    if (s == TSR_OK && *sensible) tsr_matrix_order_read(found, TSR_LAYOUT_ELEMENTS, l->subgroup, l);
    tsr_buffer_destroy(buf);
    free(found);
    return s;
}

/* The answer depends on the driver, and is stored only where it makes sense. */
static tsr_status from_device(tsr_device *dev, tsr_dtype input, tsr_matrix_layout *l)
{
    enum { FORMAT = 3 };
    const bk_services *services = &dev->ctx->services;
    char identity[1024];
    snprintf(identity, sizeof(identity), "%d %s %s %s %s %dx%dx%d %s %d", FORMAT, dev->info.backend, dev->info.name, dev->info.driver,
             dev->info.version, l->m, l->n, l->k, tsr_dtype_name(input), l->subgroup);
    size_t size = 0;
    tsr_matrix_layout *stored = services->cache_load(services->ctx, "matrix-layout", identity, strlen(identity), &size);
    const bool there = stored && size == sizeof(*stored);
    if (there) *l = *stored;
    free(stored);
    if (there) return TSR_OK;
    bool sensible;
    const tsr_status s = ask(dev, input, l, &sensible);
    if (s == TSR_OK && sensible) services->cache_store(services->ctx, "matrix-layout", identity, strlen(identity), l, sizeof(*l));
    return s;
}

tsr_status tsr_matrix_layout_get(tsr_device *dev, const tsr_matrix_shape *shape, tsr_dtype input, tsr_matrix_layout *out)
{
    tsr_matrix_layout l;
    memset(&l, 0, sizeof(l)); /* bytes between the fields too: it goes to the cache */
    l.m = (int32_t)shape->m;
    l.n = (int32_t)shape->n;
    l.k = (int32_t)shape->k;
    l.subgroup = (int32_t)dev->info.subgroup_min;
    for (const tsr_matrix_entry *e = dev->matrices; e; e = e->next) {
        if (e->input != input || e->layout.m != l.m || e->layout.n != l.n || e->layout.k != l.k) continue;
        *out = e->layout;
        return TSR_OK;
    }
    bool known;
    tsr_status s = from_environment(dev, input, &l, &known);
    if (s == TSR_OK && !known && l.subgroup <= TSR_LAYOUT_LANES) s = from_device(dev, input, &l);
    if (s == TSR_OK && !known) l.reduced = !l.rows.count && !l.columns.count && reduces(dev, input);
    tsr_matrix_entry *e = s == TSR_OK ? malloc(sizeof(*e)) : NULL;
    if (s != TSR_OK) return s;
    if (!e) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the layout of a matrix");
    *e = (tsr_matrix_entry){dev->matrices, input, l};
    dev->matrices = e;
    *out = l;
    return TSR_OK;
}

void tsr_matrix_layouts_free(tsr_device *dev)
{
    while (dev->matrices) {
        tsr_matrix_entry *next = dev->matrices->next;
        free(dev->matrices);
        dev->matrices = next;
    }
}
