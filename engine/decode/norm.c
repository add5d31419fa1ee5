/* Norms over the channels of pixels, with scale, shift, modulation and activation: made ready and run. */
#include "norm.h"

#include <limits.h>
#include <stdlib.h>

#include "decode/norm_args.h"

#define NORM_ID(id, NAME, value) TSR_SPEC_ID_NAME(NORM, NAME) = id,
enum { NORM_SPECS(NORM_ID) NORM_SHAPES(NORM_ID) };
typedef struct norm_params {
    NORM_PARAMS(TSR_PARAM_FIELD)
} norm_params;

bk_binding tsr_rows_at(const tsr_rows *rows, int32_t row, int32_t width, int32_t channels)
{
    if (!rows->at.buffer) return (bk_binding){NULL, 0};
    const uint64_t pitch = (uint64_t)width * (uint64_t)channels * tsr_dtype_size(rows->dtype);
    return (bk_binding){rows->at.buffer->bk, rows->at.offset + (uint64_t)(row - rows->first) * pitch};
}

int32_t tsr_team_of(int32_t n, int32_t most)
{
    int32_t team = 1;
    while (team < n && team < most) team *= 2;
    return team;
}

static tsr_status check(const tsr_norm_desc *desc, int32_t channels)
{
    if (channels < 1 || channels > INT32_MAX / 64) return tsr_fail(TSR_ERROR_ARGUMENT, "%s: a norm of %d channels", desc->name, channels);
    if (desc->kind < TSR_NORM_NONE || desc->kind > TSR_NORM_GROUP || desc->act < TSR_ACT_NONE || desc->act > TSR_ACT_SILU)
        return tsr_fail(TSR_ERROR_INTERNAL, "%s: norm kind %d, activation %d are unknown", desc->name, (int)desc->kind, (int)desc->act);
    const int32_t groups = desc->groups ? desc->groups : 32;
    if (desc->kind == TSR_NORM_GROUP && (groups < 0 || channels % groups != 0))
        return tsr_fail(TSR_ERROR_ARGUMENT, "%s: %d channels in %d groups; expected a multiple", desc->name, channels, groups);
    return TSR_OK;
}

static tsr_status upload(tsr_norm *norm, const tsr_norm_desc *desc)
{
    const uint64_t bytes = (uint64_t)norm->channels * sizeof(float);
    norm->has_scale = desc->scale != NULL;
    norm->has_shift = desc->shift != NULL;
    if (!norm->has_scale && !norm->has_shift) return TSR_OK;
    tsr_status status = tsr_buffer_create(norm->dev, 2 * bytes, &norm->factors);
    if (status == TSR_OK && norm->has_scale) status = tsr_buffer_write(norm->factors, 0, desc->scale, bytes);
    if (status == TSR_OK && norm->has_shift) status = tsr_buffer_write(norm->factors, bytes, desc->shift, bytes);
    return status;
}

static tsr_status create(tsr_device *dev, const tsr_norm_desc *desc, int32_t channels, tsr_norm **out)
{
    tsr_status status = check(desc, channels);
    if (status != TSR_OK) return status;
    tsr_norm *norm = malloc(sizeof(*norm));
    if (!norm) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a norm of %zu bytes", sizeof(*norm));
    *norm = (tsr_norm){.dev = dev,
                       .tile = tsr_tile_for(&dev->info),
                       .channels = channels,
                       .groups = desc->groups ? desc->groups : 32,
                       .kind = desc->kind,
                       .act = desc->act,
                       .eps = desc->eps,
                       .modulated = desc->modulation != TSR_NONE,
                       .empty = true};
    tsr_params_init(&norm->runs, dev, sizeof(norm_params));
    status = upload(norm, desc);
    if (status == TSR_OK && norm->kind == TSR_NORM_GROUP) status = tsr_norm_group_create(norm);
    if (status != TSR_OK) {
        tsr_norm_destroy(norm);
        return status;
    }
    *out = norm;
    return TSR_OK;
}

tsr_status tsr_norm_create(tsr_device *dev, const tsr_norm_desc *desc, int32_t channels, tsr_norm **out)
{
    const tsr_status status = create(dev, desc, channels, out);
    free(desc->scale);
    free(desc->shift);
    return status;
}

void tsr_norm_destroy(tsr_norm *norm)
{
    if (!norm) return;
    tsr_buffer_destroy(norm->factors);
    tsr_buffer_destroy(norm->stat);
    tsr_buffer_destroy(norm->found);
    tsr_params_free(&norm->runs);
    tsr_params_free(&norm->sums);
    tsr_params_free(&norm->merges);
    free(norm);
}

static uint64_t size_of(const tsr_buffer *buffer) { return buffer ? buffer->size : 0; }

uint64_t tsr_norm_bytes(const tsr_norm *norm)
{
    return size_of(norm->factors) + size_of(norm->stat) + size_of(norm->found) + tsr_params_bytes(&norm->runs) + tsr_params_bytes(&norm->sums) +
           tsr_params_bytes(&norm->merges);
}

/* Lanes of a group, lanes for each pixel, pixels for each such team. */
typedef struct norm_shape {
    int32_t lanes, team, pixels;
} norm_shape;

/* On GPUs a lane takes about four channels. In all, a lane goes round few enough times for drivers that end long loops. */
static norm_shape shape_of(const tsr_norm *norm)
{
    const tsr_device_info *const info = &norm->dev->info;
    if (norm->tile == TSR_TILE_VECTOR) return (norm_shape){1, 1, 32};
    const bool subgroup = norm->tile == TSR_TILE_SUBGROUP;
    const int32_t lanes = subgroup ? (int32_t)info->subgroup_max : 64;
    const int32_t team = tsr_team_of(subgroup ? norm->channels : (int32_t)tsr_ceil_div(norm->channels, 4), lanes);
    const int64_t rounds = 4 * tsr_ceil_div(norm->channels, team), limit = 16384 / rounds, most = subgroup ? 16 : 4;
    return (norm_shape){lanes, team, (int32_t)(limit < 1 ? 1 : limit < most ? limit : most)};
}

tsr_status tsr_norm_run(tsr_norm *norm, const tsr_norm_args *args)
{
    tsr_device *const dev = norm->dev;
    const norm_shape shape = shape_of(norm);
    const int64_t pixels = (int64_t)args->rows * args->width, each = (int64_t)(shape.lanes / shape.team) * shape.pixels;
    if (pixels <= 0) return TSR_OK;
    if (pixels > INT32_MAX - each) return tsr_fail(TSR_ERROR_UNSUPPORTED, "a norm of %lld pixels; expected fewer than 2^31", (long long)pixels);
    if (norm->kind == TSR_NORM_GROUP && norm->empty && !args->dry) return tsr_fail(TSR_ERROR_INTERNAL, "a group norm of which no frame was added");
    const int32_t specs[BK_MAX_SPECS] = {
        [NORM_LANES] = shape.lanes,
        [NORM_CHANNELS] = norm->channels,
        [NORM_KIND] = (int32_t)norm->kind,
        [NORM_ACT] = (int32_t)norm->act,
        [NORM_XT] = (int32_t)args->x.dtype,
        [NORM_YT] = (int32_t)args->y.dtype,
        [NORM_MT] = norm->modulated ? (int32_t)args->modulation.dtype : -1,
        /* A group norm's scale is in its statistic. */
        [NORM_HAS_SCALE] = norm->has_scale && norm->kind != TSR_NORM_GROUP,
        [NORM_HAS_SHIFT] = norm->has_shift,
        [NORM_WATCH] = args->overflow.buffer != NULL,
        [NORM_TEAM] = shape.team,
        [NORM_PIXELS] = shape.pixels,
    };
    bk_kernel *kernel;
    tsr_status status = tsr_kernel_get(dev, "norm", norm->tile, specs, &kernel);
    if (status != TSR_OK) return status;
    norm_params params = {.pixels = (int32_t)pixels, .eps = norm->eps};
    if (norm->modulated) {
        const int32_t shift = args->modulation_shift, width = args->width >> shift, height = args->height >> shift;
        params.width = args->width;
        params.row = args->row;
        params.mod_shift = shift;
        params.mod_width = width > 0 ? width : 1;
        params.mod_first = args->modulation.first;
        params.mod_last = height > 0 ? height - 1 : 0;
    }
    bk_binding block;
    status = tsr_params_get(&norm->runs, &params, &block);
    if (status != TSR_OK || args->dry) return status;
    bk_buffer *const factors = norm->factors ? norm->factors->bk : NULL, *const stat = norm->stat ? norm->stat->bk : NULL;
    const bk_binding bindings[] = {
        block,
        tsr_rows_at(&args->x, args->row, args->width, norm->channels),
        {factors, 0},
        {factors, factors ? (uint64_t)norm->channels * sizeof(float) : 0},
        {stat, 0},
        {args->modulation.at.buffer ? args->modulation.at.buffer->bk : NULL, args->modulation.at.offset},
        {args->overflow.buffer ? args->overflow.buffer->bk : NULL, args->overflow.offset},
        tsr_rows_at(&args->y, args->row, args->width, norm->channels),
    };
    return tsr_dispatch(dev, kernel, bindings, 0, (uint32_t)tsr_ceil_div(pixels, each));
}
