/* Shapes of convolutions in tile model matrix: how sub-groups and their fragments cover a tile. */
#include <stdlib.h>

#include "conv.h"
#include "matrix/layout.h"

/* down x across sub-groups, each with rm fragments of pixels x rn of channels. */
typedef struct cover {
    int32_t down, across, rm, rn;
} cover;
static const cover covers[] = {{2, 2, 4, 4}, {2, 2, 4, 3}, {2, 2, 4, 2}, {2, 2, 2, 4}, {2, 2, 2, 2},
                               {4, 1, 4, 3}, {4, 1, 2, 4}, {4, 1, 2, 2}, {4, 1, 4, 1}, {4, 1, 2, 1}};
enum { COVERS = sizeof(covers) / sizeof(covers[0]) };

const char *tsr_conv_matrix_kernel(const tsr_conv *conv) { return conv->dev->info.features & TSR_FEATURE_DPAS ? "conv_dpas" : "conv"; }

/* What the device multiplies at a time, and in sub-groups of what size; false: no matrices of fp16. */
static bool find_matrix(const tsr_device_info *info, tsr_matrix_shape *out, int32_t *subgroup)
{
    const int32_t columns = tsr_dpas_columns(info, TSR_F16);
    const tsr_matrix_shape *const listed = tsr_matrix_shape_for(info, TSR_F16);
    if (!columns && !listed) return false;
    *out = columns ? (tsr_matrix_shape){.m = TSR_DPAS_ROWS, .n = (uint32_t)columns, .k = 16} : *listed;
    *subgroup = columns ? columns : (int32_t)info->subgroup_min;
    return *subgroup > 0;
}

/* Channels that are staged at a time: two steps of a matrix or more, unless that fills much up with zeros. */
static int32_t chunk_for(int32_t cin, int32_t k)
{
    const int32_t large = k < 32 ? 32 : k, small = k < 16 ? 16 : k;
    const int64_t with_large = tsr_ceil_div(cin, large) * large, with_small = tsr_ceil_div(cin, small) * small;
    return with_large * 8 <= with_small * 9 ? large : small;
}

static tsr_conv_shape shape_of(const tsr_conv *conv, const tsr_matrix_shape *m, int32_t subgroup, const cover *c)
{
    tsr_conv_shape s = {.tile = TSR_TILE_MATRIX,
                        .subgroup = subgroup,
                        .mm = (int32_t)m->m,
                        .mn = (int32_t)m->n,
                        .mk = (int32_t)m->k,
                        .ln = c->across,
                        .rm = c->rm,
                        .rn = c->rn};
    s.lanes = c->down * c->across * s.subgroup;
    s.chunk = chunk_for(conv->cin, s.mk);
    s.columns = c->across * c->rn * s.mn;
    const int64_t patch = tsr_conv_patch(conv, &s, c->down * c->rm, s.mm), sums = tsr_ceil_div((int64_t)c->down * s.mm * s.columns, 4);
    const int64_t words = patch > sums ? patch : sums;
    s.patch = words < INT32_MAX / 16 ? (int32_t)words : INT32_MAX / 16;
    return s;
}

/* Can the kernel be this? Invocations share a pass of sums evenly, a step of a matrix is whole 16-byte words, registers hold the sums. */
static bool runs(const tsr_conv *conv, const tsr_conv_shape *s)
{
    const tsr_device_info *info = &conv->dev->info;
    const int32_t side = s->columns % s->subgroup == 0 ? s->subgroup : s->mn;
    return s->mk % 8 == 0 && s->chunk % s->mk == 0 && s->subgroup % s->mn == 0 && s->mm * side % (s->ln * s->subgroup) == 0 &&
           s->rm * s->rn * s->mm * s->mn <= 128 * s->subgroup && (uint32_t)s->lanes <= info->max_workgroup &&
           (uint32_t)s->patch * 16 <= info->shared_bytes;
}

tsr_status tsr_conv_order(tsr_conv *conv)
{
    const tsr_conv_shape *s = &conv->shape;
    const bool dpas = tsr_dpas_columns(&conv->dev->info, TSR_F16) != 0;
    const size_t count = (size_t)s->mk * (size_t)s->mn;
    tsr_matrix_layout layout = {.b_elements = s->mk}; /* of Intel's engines: a column to an invocation */
    conv->wide = tsr_conv_wide_shape(conv, s);
    conv->run = s->mk;
    conv->abreast = s->mn;
    conv->packed = (int32_t)tsr_ceil_div(conv->cin, s->chunk) * s->chunk;
    conv->places = malloc(count * sizeof(*conv->places));
    if (!conv->places) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for an order of %zu weights", count);
    const tsr_status status = dpas ? TSR_OK : tsr_matrix_layout_get(conv->dev, tsr_matrix_shape_for(&conv->dev->info, TSR_F16), TSR_F16, &layout);
    if (status != TSR_OK) return status;
    conv->own = layout.b_elements % 8 == 0 ? layout.b_elements : 0;
    for (size_t i = 0; i < count; i++) {
        const size_t by_column = (size_t)s->mn * (i % (size_t)s->mk) + i / (size_t)s->mk;
        conv->places[conv->own && !dpas ? layout.b_places[i] : by_column] = (uint16_t)i;
    }
    return TSR_OK;
}

size_t tsr_conv_matrix_shapes(const tsr_conv *conv, tsr_conv_shape out[TSR_MAX_CONV_MATRIX_SHAPES])
{
    tsr_matrix_shape m;
    int32_t subgroup;
    double costs[COVERS];
    size_t count = 0;
    if (conv->depthwise || conv->dtype != TSR_F16 || !tsr_kernel_matrix_built(tsr_conv_matrix_kernel(conv), TSR_F16) ||
        !find_matrix(&conv->dev->info, &m, &subgroup))
        return 0;
    for (size_t i = 0; i < COVERS; i++) {
        const tsr_conv_shape s = shape_of(conv, &m, subgroup, &covers[i]);
        if (!runs(conv, &s) || tsr_conv_wide_shape(conv, &s).chunk % s.mk != 0) continue;
        /* Columns that are multiplied, and the loads for each product. A CPU has matrices for programs' tests: what is compiled soonest. */
        const double columns = (double)(tsr_ceil_div(conv->made, s.columns) * s.columns), products = s.rm * s.rn;
        const double cost = conv->dev->info.type == TSR_DEVICE_CPU ? products : columns * (1 + (s.rm + s.rn) / (2 * products));
        size_t at = count++;
        for (; at > 0 && cost < costs[at - 1]; at--) {
            costs[at] = costs[at - 1];
            out[at] = out[at - 1];
        }
        costs[at] = cost;
        out[at] = s;
    }
    return count;
}
