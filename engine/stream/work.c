/* What a call tells the device: parameters, lists and angles in one piece, then the kernels that read them. */
#include <string.h>

#include "stream/blend_args.h"
#include "stream/rope_args.h"
#include "stream/stream.h"

typedef struct rope_params {
    ROPE_PARAMS(TSR_PARAM_FIELD)
} rope_params;
typedef struct blend_params {
    BLEND_PARAMS(TSR_PARAM_FIELD)
} blend_params;

tsr_status stream_kernels(tsr_stream *s)
{
    s->tile = tsr_tile_for(&s->dev->info);
    s->lanes = s->tile == TSR_TILE_VECTOR ? 1 : s->tile == TSR_TILE_SUBGROUP ? (int32_t)s->dev->info.subgroup_max : 64;
    const int32_t specs[BK_MAX_SPECS] = {s->lanes};
    tsr_status status = tsr_kernel_get(s->dev, "rope", s->tile, specs, &s->rope);
    if (status == TSR_OK && s->desc.ema > 0) status = tsr_kernel_get(s->dev, "blend", s->tile, specs, &s->blend);
    if (status == TSR_OK && stream_scored(s)) status = tsr_kernel_get(s->dev, "query_sum", s->tile, specs, &s->query_sum);
    if (status == TSR_OK && stream_scored(s)) status = tsr_kernel_get(s->dev, "key_dot", s->tile, specs, &s->key_dot);
    return status;
}

void stream_stage_begin(tsr_stream *s)
{
    s->staged = s->table_at = 0;
    s->calls++; /* forgets the angles of the last call */
}

/* The size was chosen for the largest of calls (create.c). */
void *stream_stage(tsr_stream *s, uint64_t bytes, uint64_t *offset)
{
    *offset = s->staged;
    s->staged += (bytes + 7) / 8 * 8;
    return s->staging + *offset;
}

tsr_status stream_send(tsr_stream *s) { return tsr_buffer_write(s->block, 0, s->staging, s->staged); }

stream_move stream_stage_move(tsr_stream *s, stream_tensor src, stream_tensor dst, int64_t rows, bool turn)
{
    stream_move move = {.src = src, .dst = dst, .rows = rows, .heads = src.layout.shape[1]};
    const tsr_layout *const l[2] = {&src.layout, &dst.layout};
    int64_t steps[2][3];
    for (int i = 0; i < 2; i++)
        for (int axis = 0; axis < 3; axis++) steps[i][axis] = l[i]->stride[axis] * (int64_t)tsr_dtype_size(l[i]->dtype);
    const rope_params params = {
        .src_sb = steps[0][0],
        .src_sh = steps[0][1],
        .src_sn = steps[0][2],
        .dst_sb = steps[1][0],
        .dst_sh = steps[1][1],
        .dst_sn = steps[1][2],
        .src_sd = (int32_t)src.layout.stride[3],
        .dst_sd = (int32_t)dst.layout.stride[3],
        .src_dt = (int32_t)src.layout.dtype,
        .dst_dt = (int32_t)dst.layout.dtype,
        .half_pairs = (int32_t)s->desc.rope.half,
        .batch = (int32_t)s->desc.batch,
        .heads = (int32_t)move.heads,
        .d = (int32_t)src.layout.shape[3],
        .end0 = turn ? s->pairs[0] : 0,
        .end1 = turn ? s->pairs[0] + s->pairs[1] : 0,
        .end2 = turn ? s->all_pairs : 0,
    };
    memcpy(stream_stage(s, sizeof(params), &move.params), &params, sizeof(params));
    move.entries = stream_stage(s, (uint64_t)rows * STREAM_ENTRY * sizeof(int32_t), &move.list);
    return move;
}

void stream_entry(tsr_stream *s, int32_t *entry, int64_t from, int64_t to, const int64_t *position, int64_t time, bool turn)
{
    entry[0] = (int32_t)from;
    entry[1] = (int32_t)to;
    const int64_t moved = time - position[0];
    for (int axis = 0; axis < TSR_STREAM_AXES; axis++)
        entry[2 + axis] =
            turn && s->pairs[axis] > 0 ? stream_angle_at(s, axis, position[axis] + (axis == 0 || s->desc.rope.together ? moved : 0)) : 0;
}

static bk_binding bind(tsr_span span) { return (bk_binding){span.buffer->bk, span.offset}; }

tsr_status stream_run_move(tsr_stream *s, const stream_move *move)
{
    if (move->rows == 0) return TSR_OK;
    bk_buffer *block = s->block->bk;
    const bk_binding bindings[] = {{block, move->params}, bind(move->src.span), {block, move->list}, {block, s->table_at}, bind(move->dst.span)};
    return tsr_dispatch(s->dev, s->rope, bindings, 0, (uint32_t)(move->rows * s->desc.batch * move->heads));
}

/* Sinks and what is blended into them, of keys and of values. */
typedef struct blend_job {
    uint64_t keys, values, list; /* in block */
} blend_job;

static uint64_t stage_blend_params(tsr_stream *s, const tsr_layout *cache, bool first)
{
    const int64_t size = (int64_t)tsr_dtype_size(cache->dtype);
    const blend_params params = {
        .sb = cache->stride[0] * size,
        .sh = cache->stride[1] * size,
        .sn = cache->stride[2] * size,
        .dt = (int32_t)cache->dtype,
        .first = first,
        .batch = (int32_t)s->desc.batch,
        .heads = (int32_t)s->desc.heads_kv,
        .d = (int32_t)cache->shape[3],
        .sinks = (int32_t)s->sinks,
        .factor = (float)s->desc.ema,
    };
    uint64_t at;
    memcpy(stream_stage(s, sizeof(params), &at), &params, sizeof(params));
    return at;
}

static blend_job stage_blend(tsr_stream *s, const stream_blend *list, int64_t count, bool first)
{
    const tsr_layout k = stream_key_layout(s), v = stream_value_layout(s);
    blend_job job = {.keys = stage_blend_params(s, &k, first), .values = stage_blend_params(s, &v, first)};
    memcpy(stream_stage(s, (uint64_t)count * sizeof(*list), &job.list), list, (size_t)count * sizeof(*list));
    return job;
}

static tsr_status run_blend(tsr_stream *s, const blend_job *job, int64_t from, int64_t count)
{
    if (count == 0) return TSR_OK;
    const int64_t heads = s->desc.batch * s->desc.heads_kv;
    bk_buffer *block = s->block->bk;
    const bk_binding keys[] = {{block, job->keys}, {block, job->list}, {s->exact_k->bk, 0}, {s->raw ? s->raw->bk : s->k->bk, 0}};
    const bk_binding values[] = {{block, job->values}, {block, job->list}, {s->exact_v->bk, 0}, {s->v->bk, 0}};
    tsr_status status = tsr_dispatch(s->dev, s->blend, keys, (uint32_t)(from * heads), (uint32_t)(count * heads));
    if (status == TSR_OK) status = tsr_dispatch(s->dev, s->blend, values, (uint32_t)(from * heads), (uint32_t)(count * heads));
    return status;
}

/* A sink that takes in several tokens takes them in one after the other: no dispatch has a sink twice. */
static tsr_status run_blends(tsr_stream *s, const blend_job *job)
{
    tsr_status status = TSR_OK;
    int64_t at = 0;
    for (uint32_t k = 0; k < s->desc.kind_count; k++) {
        for (int64_t left = s->blends_of[k]; left > 0 && status == TSR_OK;) {
            const int64_t part = left < s->sink_count[k] ? left : s->sink_count[k];
            status = run_blend(s, job, at, part);
            at += part;
            left -= part;
        }
    }
    return status;
}

/* Sinks among the tokens given, whose averages begin; they take the place of the blends in the list. */
static int64_t list_first(tsr_stream *s, int64_t count)
{
    int64_t first = 0;
    for (int64_t i = 0; i < count && s->desc.ema > 0; i++) {
        const stream_slot *slot = &s->now.slots[s->targets[i]];
        if (slot->sink >= 0) s->blends[first++] = (stream_blend){slot->sink, s->targets[i], s->targets[i]};
    }
    return first;
}

/* Keys whose stored rotation is out of date, in s->candidates. */
static int64_t list_stale(tsr_stream *s)
{
    int64_t count = 0;
    for (int64_t i = 0; i < s->now.count; i++) {
        const int32_t slot = s->now.order[i];
        if (s->stale[slot] && s->raw) s->candidates[count++] = slot;
        s->stale[slot] = 0;
    }
    return count;
}

/* Slots that were emptied and not filled again. They are zeroed: attention multiplies what no query sees by 0, and a NaN that came
 * in would outlive its token. */
static int64_t list_empty(tsr_stream *s)
{
    int64_t count = 0;
    for (int64_t i = 0; i < s->gone_count; i++)
        if (!s->now.used[s->gone[i]]) s->gone[count++] = s->gone[i];
    return count;
}

static stream_tensor zeros(const tsr_stream *s, const stream_tensor *like)
{
    const tsr_layout *l = &like->layout;
    return (stream_tensor){{TSR_F32, {l->shape[0], l->shape[1], 1, l->shape[3]}, {0, 0, 0, 1}}, {s->zeros, 0}};
}

tsr_status stream_commit(tsr_stream *s, const stream_new *fresh)
{
    static const stream_new none = {0};
    if (!fresh) fresh = &none;
    const int64_t stale = list_stale(s), empty = list_empty(s), rows = fresh->count;
    const bool turn = s->all_pairs > 0 && !s->raw;
    const stream_tensor k = {stream_key_layout(s), {s->k, 0}}, v = {stream_value_layout(s), {s->v, 0}}, raw = {k.layout, {s->raw, 0}};
    stream_stage_begin(s);
    const blend_job blends = stage_blend(s, s->blends, s->blend_count, false);
    const int64_t first = list_first(s, rows);
    const blend_job begins = stage_blend(s, s->blends, first, true);
    enum { MOVES = 5 };
    stream_move moves[MOVES] = {{.rows = 0}};
    if (rows > 0) {
        moves[0] = stream_stage_move(s, fresh->k, s->raw ? raw : k, rows, turn);
        moves[1] = stream_stage_move(s, fresh->v, v, rows, false);
    }
    if (stale > 0) moves[2] = stream_stage_move(s, raw, k, stale, true);
    if (empty > 0) {
        moves[3] = stream_stage_move(s, zeros(s, &k), k, empty, false);
        moves[4] = stream_stage_move(s, zeros(s, &v), v, empty, false);
    }
    s->table_at = s->staged;
    for (int64_t i = 0; i < empty; i++)
        for (int m = 3; m < MOVES; m++)
            stream_entry(s, moves[m].entries + i * STREAM_ENTRY, 0, s->gone[i], s->now.slots[s->gone[i]].position, 0, false);
    for (int64_t i = 0; i < rows; i++) {
        const stream_slot *slot = &s->now.slots[s->targets[i]];
        stream_entry(s, moves[0].entries + i * STREAM_ENTRY, i, s->targets[i], slot->position, slot->time, turn);
        stream_entry(s, moves[1].entries + i * STREAM_ENTRY, i, s->targets[i], slot->position, slot->time, false);
    }
    for (int64_t i = 0; i < stale; i++) {
        const stream_slot *slot = &s->now.slots[s->candidates[i]];
        stream_entry(s, moves[2].entries + i * STREAM_ENTRY, s->candidates[i], s->candidates[i], slot->position, slot->time, true);
    }
    tsr_status status = stream_send(s);
    if (status == TSR_OK) status = run_blends(s, &blends);
    for (int i = 0; i < MOVES && status == TSR_OK; i++) status = stream_run_move(s, &moves[i]);
    if (status == TSR_OK) status = run_blend(s, &begins, 0, first);
    if (status != TSR_OK) {
        s->broken = true;
        return status;
    }
    s->turned = turn ? rows : stale;
    return TSR_OK;
}
