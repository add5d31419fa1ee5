/* The statistic of a group norm: moments of chunks of pixels, merged on the device into one of all frames. */
#include "decode/moments_args.h"
#include "decode/moments_merge_args.h"
#include "norm.h"

#define MOMENTS_ID(id, NAME, value) TSR_SPEC_ID_NAME(MOMENTS, NAME) = id,
enum { MOMENTS_SPECS(MOMENTS_ID) MOMENTS_SHAPES(MOMENTS_ID) };
typedef struct moments_params {
    MOMENTS_PARAMS(TSR_PARAM_FIELD)
} moments_params;
typedef struct merge_params {
    MOMENTS_MERGE_PARAMS(TSR_PARAM_FIELD)
} merge_params;

/* Channels times chunks of a dispatch: enough for large GPUs, little enough memory for each of many norms. Pixels of a chunk; a short one is not
 * worth its place in the merge. */
enum { MOMENTS_MOST = 65536, CHUNK_MOST = 512, CHUNK_LEAST = 64, STATE = 5 };

static int32_t chunks_most(const tsr_norm *norm) { return norm->channels < MOMENTS_MOST ? MOMENTS_MOST / norm->channels : 1; }

/* Bytes of what runs read: three numbers for each channel. */
static uint64_t stat_bytes(const tsr_norm *norm) { return 3 * (uint64_t)norm->channels * sizeof(float); }

tsr_status tsr_norm_group_create(tsr_norm *norm)
{
    tsr_params_init(&norm->sums, norm->dev, sizeof(moments_params));
    tsr_params_init(&norm->merges, norm->dev, sizeof(merge_params));
    const uint64_t found = (uint64_t)chunks_most(norm) * stat_bytes(norm);
    tsr_status status = tsr_buffer_create(norm->dev, found, &norm->found);
    if (status == TSR_OK) status = tsr_buffer_create(norm->dev, stat_bytes(norm) + (uint64_t)norm->groups * STATE * sizeof(float), &norm->stat);
    return status;
}

tsr_status tsr_norm_clear(tsr_norm *norm)
{
    norm->empty = true;
    return TSR_OK;
}

/* A dispatch of each kernel over some of the rows' pixels. */
typedef struct piece {
    bk_kernel *moments, *merge;
    int32_t team; /* channels of a group of lanes */
    int32_t pixels, chunk;
    bool first;
} piece;

static tsr_status kernels(const tsr_norm *norm, tsr_dtype dtype, piece *p)
{
    const tsr_device_info *const info = &norm->dev->info;
    const bool vector = norm->tile == TSR_TILE_VECTOR, subgroup = norm->tile == TSR_TILE_SUBGROUP;
    const int32_t most = info->max_workgroup < 256 ? 64 : 256, lanes = vector ? 1 : subgroup ? (int32_t)info->subgroup_max : most;
    const int32_t team = vector ? 1 : tsr_team_of(norm->channels, subgroup ? lanes : 64);
    const int32_t specs[BK_MAX_SPECS] = {
        [MOMENTS_LANES] = lanes,
        [MOMENTS_CHANNELS] = norm->channels,
        [MOMENTS_XT] = (int32_t)dtype,
        [MOMENTS_TEAM] = team,
    };
    const int32_t merge_specs[BK_MAX_SPECS] = {vector ? 1 : subgroup ? lanes : 64};
    p->team = vector ? (int32_t)info->vector_width : team;
    const tsr_status status = tsr_kernel_get(norm->dev, "moments", norm->tile, specs, &p->moments);
    return status == TSR_OK ? tsr_kernel_get(norm->dev, "moments_merge", norm->tile, merge_specs, &p->merge) : status;
}

static tsr_status add(tsr_norm *norm, const piece *p, bk_binding x, bool dry)
{
    tsr_device *const dev = norm->dev;
    const int32_t blocks = (int32_t)tsr_ceil_div(norm->channels, p->team), chunks = (int32_t)tsr_ceil_div(p->pixels, p->chunk);
    const moments_params sums = {.pixels = p->pixels, .chunk = p->chunk, .blocks = blocks};
    const merge_params merges = {.pixels = p->pixels,
                                 .chunk = p->chunk,
                                 .chunks = chunks,
                                 .channels = norm->channels,
                                 .per = norm->channels / norm->groups,
                                 .first = p->first,
                                 .has_scale = norm->has_scale,
                                 .eps = norm->eps};
    bk_binding sums_block, merges_block;
    tsr_status status = tsr_params_get(&norm->sums, &sums, &sums_block);
    if (status == TSR_OK) status = tsr_params_get(&norm->merges, &merges, &merges_block);
    if (status != TSR_OK || dry) return status;
    const bk_binding found = {norm->found->bk, 0}, scale = {norm->factors ? norm->factors->bk : NULL, 0};
    const bk_binding sums_bindings[] = {sums_block, x, found};
    const bk_binding merges_bindings[] = {merges_block, found, scale, {norm->stat->bk, stat_bytes(norm)}, {norm->stat->bk, 0}};
    status = tsr_dispatch(dev, p->moments, sums_bindings, 0, (uint32_t)chunks * (uint32_t)blocks);
    return status == TSR_OK ? tsr_dispatch(dev, p->merge, merges_bindings, 0, (uint32_t)norm->groups) : status;
}

tsr_status tsr_norm_add(tsr_norm *norm, const tsr_norm_args *args)
{
    const int64_t pixels = (int64_t)args->rows * args->width, most = (int64_t)chunks_most(norm) * CHUNK_MOST;
    bk_binding x = tsr_rows_at(&args->x, args->row, args->width, norm->channels);
    piece p;
    tsr_status status = kernels(norm, args->x.dtype, &p);
    for (int64_t at = 0; at < pixels && status == TSR_OK; at += most) {
        p.pixels = (int32_t)(pixels - at < most ? pixels - at : most);
        const int32_t chunk = (int32_t)tsr_ceil_div(p.pixels, chunks_most(norm));
        p.chunk = chunk < CHUNK_LEAST ? CHUNK_LEAST : chunk;
        /* Dry, both kinds of a statistic's beginning: the caller need not tell which one a run will meet. */
        if (args->dry) {
            p.first = true;
            status = add(norm, &p, x, true);
        }
        p.first = norm->empty && !args->dry;
        if (status == TSR_OK) status = add(norm, &p, x, args->dry);
        if (status == TSR_OK && !args->dry) norm->empty = false;
        x.offset += (uint64_t)most * (uint64_t)norm->channels * tsr_dtype_size(args->x.dtype);
    }
    return status;
}
