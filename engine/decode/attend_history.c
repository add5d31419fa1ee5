/* History of attention over frames: keys and values that stay, and partial results that are merged. */
#include <string.h>

#include "attend.h"
#include "attention/merge_args.h"
#include "flow/move_args.h"

#define MERGE_ID(id, NAME, value) ATTEND_MERGE_##NAME = id,
enum { MERGE_SPECS(MERGE_ID) };
typedef struct merge_params {
    MERGE_PARAMS(TSR_PARAM_FIELD)
} merge_params;
typedef struct move_params {
    MOVE_PARAMS(TSR_PARAM_FIELD)
} move_params;

static uint64_t state_bytes(const tsr_attend *a) { return (uint64_t)(a->pixels * a->channels) * sizeof(float); }

uint64_t tsr_attend_state_bytes(const tsr_attend *a) { return ATTEND_STATES * (state_bytes(a) + (uint64_t)a->pixels * sizeof(float)); }

tsr_span tsr_attend_state(const tsr_attend *a, int64_t index) { return (tsr_span){a->states, (uint64_t)index * state_bytes(a)}; }
tsr_span tsr_attend_sums(const tsr_attend *a, int64_t index)
{
    return (tsr_span){a->states, ATTEND_STATES * state_bytes(a) + (uint64_t)(index * a->pixels) * sizeof(float)};
}

static bk_binding bind(tsr_span span) { return span.buffer ? (bk_binding){span.buffer->bk, span.offset} : (bk_binding){NULL, 0}; }

static int32_t lanes_of(const tsr_attend *a)
{
    const tsr_tile tile = tsr_tile_for(&a->dev->info);
    return tile == TSR_TILE_VECTOR ? 1 : tile == TSR_TILE_SUBGROUP ? (int32_t)a->dev->info.subgroup_max : 64;
}

static tsr_status merge(tsr_attend *a, int64_t first, const tsr_rows *y, bool dry)
{
    const tsr_dtype dtype = y ? y->dtype : TSR_F32;
    const int32_t specs[BK_MAX_SPECS] = {
        [ATTEND_MERGE_LANES] = lanes_of(a), [ATTEND_MERGE_O_DT] = (int32_t)dtype, [ATTEND_MERGE_HAS_LSE] = !y, [ATTEND_MERGE_SPLITS] = 2};
    bk_kernel *kernel;
    bk_binding block;
    tsr_status status = tsr_kernel_get(a->dev, "merge", tsr_tile_for(&a->dev->info), specs, &kernel);
    merge_params params;
    memset(&params, 0, sizeof(params)); /* padding too: blocks are found by their bytes */
    params.o_sn = a->channels * (int64_t)tsr_dtype_size(dtype);
    params.lse_sn = sizeof(float);
    params.rows = a->pixels;
    params.o_sd = 1;
    params.heads = 1;
    params.nq = (int32_t)a->pixels;
    params.dv = (int32_t)a->channels;
    if (status == TSR_OK) status = tsr_params_get(&a->merges, &params, &block);
    if (status != TSR_OK || dry) return status;
    const int64_t third = 2 - 2 * first;
    const tsr_span none = {NULL, 0}, parts = tsr_attend_state(a, first), sums = tsr_attend_sums(a, first);
    const tsr_span to = y ? y->at : tsr_attend_state(a, third), to_sums = y ? none : tsr_attend_sums(a, third);
    const bk_binding bindings[] = {block, bind(parts), bind(sums), bind(none), bind(to), bind(to_sums)};
    return tsr_dispatch(a->dev, kernel, bindings, 0, (uint32_t)a->pixels);
}

static tsr_status keep(tsr_attend *a, const tsr_rows *x, const attend_keys *keys, bool dry)
{
    const bool vector = tsr_tile_for(&a->dev->info) == TSR_TILE_VECTOR;
    const int32_t specs[BK_MAX_SPECS] = {lanes_of(a)}, columns = 2 * (int32_t)a->channels, width = vector ? columns : 4;
    bk_kernel *kernel;
    bk_binding block;
    tsr_status status = tsr_kernel_get(a->dev, "move", tsr_tile_for(&a->dev->info), specs, &kernel);
    move_params params;
    memset(&params, 0, sizeof(params));
    params.blocks = (int32_t)tsr_ceil_div(columns, width);
    params.items = a->pixels * params.blocks;
    params.width = width;
    params.s2 = 3 * a->channels;
    params.y2 = columns;
    params.s3 = params.y3 = 1;
    params.n1 = params.x_group = params.index_group = params.div = 1;
    params.n2 = (int32_t)a->pixels;
    params.n3 = columns;
    params.axis = 4; /* none is mapped */
    params.dt = params.y_dt = (int32_t)x->dtype;
    if (status == TSR_OK) status = tsr_params_get(&a->moves, &params, &block);
    if (status != TSR_OK || dry) return status;
    const bk_binding from = {x->at.buffer->bk, x->at.offset + (uint64_t)a->channels * tsr_dtype_size(x->dtype)};
    const bk_binding bindings[] = {block, from, {NULL, 0}, {keys->buffer->bk, 0}};
    return tsr_dispatch(a->dev, kernel, bindings, 0, (uint32_t)tsr_ceil_div(params.items, specs[0]));
}

tsr_status tsr_attend_keep(tsr_attend *a, const tsr_rows *x, const attend_keys *keys) { return keep(a, x, keys, false); }

tsr_status tsr_attend_merge(tsr_attend *a, int64_t first, const tsr_rows *y) { return merge(a, first, y, false); }

tsr_status tsr_attend_history(tsr_attend *a, tsr_dtype dtype)
{
    const tsr_rows frame = {.dtype = dtype};
    tsr_params_init(&a->merges, a->dev, sizeof(merge_params));
    tsr_params_init(&a->moves, a->dev, sizeof(move_params));
    tsr_status status = merge(a, 0, NULL, true);
    if (status == TSR_OK) status = merge(a, 0, &frame, true);
    return status == TSR_OK ? keep(a, &frame, NULL, true) : status;
}
