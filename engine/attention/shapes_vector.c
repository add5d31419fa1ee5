/* Shapes for one invocation that owns a tile, in wide vectors. */
#include "shapes.h"

static tsr_tiling shape(const tsr_device_info *info, const tsr_attention_desc *d, int32_t rm, int32_t rn, int32_t bc)
{
    return (tsr_tiling){.tile = TSR_TILE_VECTOR,
                        .lanes = 1,
                        .ln = 1,
                        .rm = rm,
                        .rn = rn,
                        .bc = bc,
                        .d_chunk = (int32_t)d->q.shape[3],
                        .kv_chunk = bc,
                        .dv_slice = (int32_t)d->v.shape[3],
                        .query_tile = rn * (int32_t)info->vector_width};
}

/* Registers of a micro-tile must leave room for operands: 4 x 4 vectors of 16 (AVX-512: 0.7 of FMA
 * peak), 4 x 3 where there are only 16 vector registers. One vector of queries where there are few. */
size_t tsr_shapes_vector(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling out[TSR_MAX_SHAPES])
{
    const int32_t width = (int32_t)info->vector_width, wide = width >= 16 ? 4 : 3;
    const bool few = d->q.shape[2] <= width;
    size_t count = 0;
    tsr_shapes_add(out, &count, shape(info, d, 4, few ? 1 : wide, 64));
    tsr_shapes_add(out, &count, shape(info, d, 4, few ? wide : 1, 64));
    return count;
}
