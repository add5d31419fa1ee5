/* Shapes for a CPU behind a GPU interface, a sub-group being one of its vectors. */
#include "shapes.h"

static tsr_tiling shape(const tsr_device_info *info, const tsr_attention_desc *d, int32_t rm, int32_t rn, int32_t bc)
{
    const int32_t lanes = (int32_t)info->subgroup_max;
    return (tsr_tiling){.tile = TSR_TILE_SUBGROUP,
                        .lanes = lanes,
                        .ln = lanes,
                        .rm = rm,
                        .rn = rn,
                        .bc = bc,
                        .d_chunk = (int32_t)d->q.shape[3],
                        .kv_chunk = bc,
                        .dv_slice = (int32_t)d->v.shape[3],
                        .query_tile = rn * lanes};
}

/* What counts there is the number of loads, one for each row and one for each column of a micro-tile; and, where there is little to
 * do, the seconds that the driver takes to compile a large one. */
size_t tsr_shapes_subgroup(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling out[TSR_MAX_SHAPES])
{
    const int32_t lanes = (int32_t)info->subgroup_max, most = tsr_min32(4, TSR_TILE_MAX / lanes);
    const int32_t rn = d->q.shape[2] <= lanes ? 1 : most, rm = d->q.shape[2] <= 8 * lanes ? 8 : 16;
    size_t count = 0;
    tsr_shapes_add(out, &count, shape(info, d, rm, rn, 64));
    tsr_shapes_add(out, &count, shape(info, d, rm == 8 ? 16 : 8, rn, 64));
    return count;
}
