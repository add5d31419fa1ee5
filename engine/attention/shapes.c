/* Which shapes of the flash kernel a device can run, best guess first: pure functions of its facts, no device needed. */
#include "shapes.h"

size_t tsr_attention_shapes(const tsr_device_info *info, const tsr_attention_desc *desc, tsr_tile tile, tsr_tiling out[TSR_MAX_SHAPES])
{
    switch (tile) {
    case TSR_TILE_VECTOR:
        return tsr_shapes_vector(info, desc, out);
    case TSR_TILE_SUBGROUP:
        return tsr_shapes_subgroup(info, desc, out);
    case TSR_TILE_MATRIX:
        return tsr_shapes_matrix(info, desc, out);
    case TSR_TILE_PACKED:
        return tsr_shapes_packed(info, desc, out);
    default:
        return tsr_shapes_simt(info, desc, out);
    }
}

tsr_status tsr_attention_allows(const tsr_device_info *info, const tsr_attention_desc *desc, tsr_tile tile)
{
    switch (tile) {
    case TSR_TILE_VECTOR:
        if (info->vector_width >= 4) return TSR_OK;
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument tile is vector; %s has no wide vectors", info->id);
    case TSR_TILE_SUBGROUP:
        if ((info->features & TSR_FEATURE_SUBGROUP) && info->subgroup_max <= 32 && info->subgroup_min == info->subgroup_max) return TSR_OK;
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument tile is subgroup; %s has no sub-groups of one size up to 32", info->id);
    case TSR_TILE_MATRIX:
        return tsr_matrix_allows(info, desc);
    case TSR_TILE_PACKED:
        return tsr_packed_allows(info, desc);
    default:
        if (info->max_workgroup >= 64) return TSR_OK;
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument tile is simt; %s runs workgroups of %u only", info->id, info->max_workgroup);
    }
}

size_t tsr_attention_candidates(const tsr_device_info *info, const tsr_attention_desc *desc, tsr_tiling out[TSR_MAX_CANDIDATES])
{
    /* Matrices first where they are hardware; the model that suits the device; the others, unless they are out of the question: CPUs take
     * minutes to compile what is meant for GPUs. */
    const tsr_tile suits = tsr_tile_for(info);
    const bool gpu = info->type != TSR_DEVICE_CPU, dot = tsr_packed_suits(info, desc);
    const tsr_tile order[] = {
        gpu ? TSR_TILE_MATRIX : suits, dot ? TSR_TILE_PACKED : suits, suits, TSR_TILE_SIMT, TSR_TILE_PACKED, TSR_TILE_SUBGROUP, TSR_TILE_MATRIX};
    size_t count = 0;
    uint32_t seen = 0;
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        const tsr_tile tile = order[i];
        if (seen >> tile & 1 || (desc->tile && desc->tile != (uint32_t)tile) || (!desc->tile && suits == TSR_TILE_VECTOR && tile != suits)) continue;
        seen |= 1u << tile;
        tsr_tiling shapes[TSR_MAX_SHAPES];
        if (tsr_attention_allows(info, desc, tile) != TSR_OK) continue;
        const size_t more = tsr_attention_shapes(info, desc, tile, shapes);
        for (size_t j = 0; j < more && count < TSR_MAX_CANDIDATES; j++) out[count++] = shapes[j];
    }
    return count;
}
