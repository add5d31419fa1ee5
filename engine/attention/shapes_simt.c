/* Shapes for a workgroup that stages tiles in shared memory. */
#include "shapes.h"

/* 64 invocations hold 64 keys x 64 queries in 8 x 8 registers; with a slice of 128 value channels the
 * outputs take 128 more. Shared memory: 8 KiB of queries, 8 to 16 of keys or values, 16 of scores. */
size_t tsr_shapes_simt(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling out[TSR_MAX_SHAPES])
{
    (void)info;
    size_t count = 0;
    const tsr_tiling t = {.tile = TSR_TILE_SIMT,
                          .lanes = 64,
                          .ln = 8,
                          .rm = 8,
                          .rn = 4,
                          .bc = 64,
                          .d_chunk = tsr_min32((int32_t)d->q.shape[3], 32),
                          .dv_slice = tsr_min32((int32_t)d->v.shape[3], 128),
                          .kv_chunk = 16,
                          .query_tile = 32};
    tsr_shapes_add(out, &count, t);
    return count;
}
