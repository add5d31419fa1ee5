/* Shapes for Intel's matrix engines, whose operands are registers in a known order. */
#include "matrix/layout.h"
#include "shapes.h"

enum { SLICE = 128, ROWS = TSR_DPAS_ROWS };

/* Bytes of shared memory, as dpas_memory.h has them; more: scores pass through it too. */
static uint64_t shared_bytes(const tsr_tiling *t, const tsr_attention_desc *d, bool more)
{
    const int64_t head = d->q.shape[3] * (d->codes.bits ? 1 : 2), keys = (t->bc + t->query_tile) * tsr_ceil_div(head, 32) * 32;
    const int64_t values = t->bc * tsr_ceil_div(t->dv_slice, ROWS) * ROWS * 2;
    return (uint64_t)(keys + values + (more ? 4 * t->bc * t->query_tile : 0) + 8 * 4 * (int64_t)t->query_tile + 1024);
}

size_t tsr_shapes_dpas(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling out[TSR_MAX_SHAPES])
{
    /* Sub-groups, matrices of queries of each, keys: best guess first. Outputs of 64 channels and two matrices of queries are half of 256
     * registers, those of 128 channels and one. */
    static const int32_t wishes[][3] = {{4, 2, 16}, {8, 1, 32}, {4, 1, 32}, {8, 1, 16}, {4, 1, 16}, {2, 1, 16}};
    const int32_t side = tsr_dpas_columns(info, tsr_matrix_input(d));
    const size_t first = d->q.shape[3] > 64 || d->v.shape[3] > 64 ? 3 : tsr_by_memory(d) ? 1 : 0;
    size_t count = 0;
    enum { WISHES = sizeof(wishes) / sizeof(wishes[0]) };
    for (size_t i = 0; side && i < WISHES; i++) {
        const tsr_tiling t =
            tsr_group_tiling(wishes[(first + i) % WISHES], side, side, (int32_t)d->q.shape[3], tsr_min32((int32_t)d->v.shape[3], SLICE));
        if (!tsr_group_fits(&t) || (uint32_t)t.lanes > info->max_workgroup || shared_bytes(&t, d, true) > info->shared_bytes) continue;
        tsr_shapes_add(out, &count, t);
    }
    return count;
}
