/* Attending: queries are rotated into a packed copy, tags say who sees what, the smallest plan that holds the queries runs,
 * and its rows go where the caller wants them. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "stream/stream.h"

/* The time and position of the query that belongs to a token. */
static void place_query(const tsr_stream *s, const tsr_stream_queries *in, int64_t index, const stream_slot *token, int64_t *position, int64_t *time)
{
    memset(position, 0, TSR_STREAM_AXES * sizeof(*position));
    if (in->positions) {
        for (uint32_t a = 0; a < s->desc.rope.axes; a++) position[a] = in->positions[index * s->desc.rope.axes + a];
        *time = position[0];
        return;
    }
    memcpy(position, token->position, TSR_STREAM_AXES * sizeof(*position));
    *time = token->time;
}

/* Key tags: -1 where no token is, 0 for tokens before the first query's, then 1, 2, ... from that on. */
static void write_tags(const tsr_stream *s, const tsr_stream_queries *in, int64_t first, int64_t rows, int32_t *keys, int32_t *queries)
{
    const stream_state *now = &s->now;
    for (int64_t i = 0; i < s->capacity; i++) keys[i] = -1;
    for (int64_t i = 0; i < now->count; i++) {
        const int64_t id = now->slots[now->order[i]].id;
        keys[now->order[i]] = id < first ? 0 : (int32_t)(id - first + 1);
    }
    for (int64_t i = 0; i < rows; i++) {
        queries[2 * i] = i < in->count ? 0 : INT32_MAX; /* rows to spare see nothing */
        queries[2 * i + 1] = i >= in->count ? INT32_MIN : s->desc.causal ? (int32_t)i + 1 : INT32_MAX;
    }
}

tsr_status stream_check_queries(const tsr_stream *s, const tsr_stream_queries *in, stream_tensor *q)
{
    static const int64_t exact = (int64_t)1 << 52;
    const tsr_stream_desc *d = &s->desc;
    const int64_t kept = s->now.count;
    if (kept == 0) return tsr_fail(TSR_ERROR_ARGUMENT, "argument stream holds no token; expected one to attend to");
    if (in->count < 1 || in->count > d->queries[0])
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument count is %" PRId64 "; expected 1 to %" PRId64 " queries", in->count, d->queries[0]);
    if (in->before < 0 || in->before > kept || in->count > kept - in->before)
        return tsr_fail(TSR_ERROR_ARGUMENT,
                        "argument count is %" PRId64 " queries and before %" PRId64 ": beyond the end of the %" PRId64 " tokens that are kept",
                        in->count, in->before, kept);
    const int32_t *newest = s->now.order + kept - in->before - in->count;
    if (s->now.slots[newest[in->count - 1]].id - s->now.slots[newest[0]].id != in->count - 1)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument count is %" PRId64 " queries; expected consecutive tokens, of which some are not kept any more",
                        in->count);
    for (int64_t i = 0; in->positions && i < in->count * (int64_t)d->rope.axes; i++)
        if (in->positions[i] > exact || in->positions[i] < -exact)
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument positions has %" PRId64 "; expected at most 2^52 in size", in->positions[i]);
    const int64_t shape[4] = {d->batch, d->heads_q, in->count, d->d};
    return stream_check_tensor(s, "q", &in->q, &in->q_span, shape, false, q);
}

static tsr_status check_outputs(const tsr_stream *s, const tsr_stream_queries *in, stream_tensor *o, stream_tensor *lse)
{
    const int64_t shape_o[4] = {s->desc.batch, s->desc.heads_q, in->count, s->desc.dv};
    const tsr_status status = stream_check_tensor(s, "o", &in->o, &in->o_span, shape_o, true, o);
    if (status != TSR_OK) return status;
    if (in->score > 1) return tsr_fail(TSR_ERROR_ARGUMENT, "argument score is %u; expected 0 or 1", in->score);
    if (in->score && !s->desc.probabilities)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument score is 1; expected 0, as the description has no probabilities");
    if (!isfinite(in->decay)) return tsr_fail(TSR_ERROR_ARGUMENT, "argument decay is %g; expected a finite number", in->decay);
    memset(lse, 0, sizeof(*lse));
    if (!in->lse.buffer) return TSR_OK;
    if (!s->desc.lse) return tsr_fail(TSR_ERROR_ARGUMENT, "argument lse has a buffer; expected none, as the description has no lse");
    const int64_t shape[4] = {s->desc.batch, s->desc.heads_q, in->count, 1};
    const tsr_layout packed = {TSR_F32, {shape[0], shape[1], shape[2], 1}, {0}};
    return stream_check_tensor(s, "lse", &packed, &in->lse, shape, true, lse);
}

static tsr_layout internal(const tsr_stream *s, int64_t rows, int64_t planned, int64_t channels)
{
    const int64_t heads = s->desc.heads_q;
    return (tsr_layout){TSR_F32, {s->desc.batch, heads, rows, channels}, {heads * planned * channels, planned * channels, channels, 1}};
}

stream_move stream_stage_queries(tsr_stream *s, const tsr_stream_queries *in, const stream_tensor *q, int64_t rows)
{
    const stream_tensor own = {internal(s, in->count, rows, s->desc.d), {s->q, 0}};
    return stream_stage_move(s, *q, own, in->count, s->all_pairs > 0);
}

void stream_list_queries(tsr_stream *s, const tsr_stream_queries *in, const stream_move *move)
{
    const int32_t *tokens = s->now.order + s->now.count - in->before - in->count;
    for (int64_t i = 0; i < in->count; i++) {
        int64_t position[TSR_STREAM_AXES], time;
        place_query(s, in, i, &s->now.slots[tokens[i]], position, &time);
        stream_entry(s, move->entries + i * STREAM_ENTRY, i, i, position, time, s->all_pairs > 0);
    }
}

/* Rows to the same rows, as they are. */
static void list_rows(tsr_stream *s, const stream_move *move)
{
    static const int64_t none[TSR_STREAM_AXES];
    for (int64_t i = 0; i < move->rows; i++) stream_entry(s, move->entries + i * STREAM_ENTRY, i, i, none, 0, false);
}

/* A stream that has just begun pays for the slots in use only: whole tiles of them. */
static tsr_status narrow(tsr_stream *s, int plan)
{
    const int64_t tile = s->plans[plan]->info.key_tile;
    int64_t keys = 0;
    for (int64_t i = 0; i < s->now.count; i++)
        if (s->now.order[i] >= keys) keys = s->now.order[i] + 1;
    keys = (keys + tile - 1) / tile * tile;
    if (keys > s->capacity) keys = s->capacity;
    if (keys == s->plan_keys[plan]) return TSR_OK;
    s->plan_keys[plan] = keys;
    return tsr_attention_set_keys(s->plans[plan], keys);
}

/* Probabilities as the run left them: its queries, its log-sum-exps, its tags. */
static tsr_status score(tsr_stream *s, int plan, const tsr_attention_args *run, double decay)
{
    const tsr_span sums = {s->probabilities, 0};
    const tsr_probe_args args = {
        .q = run->q, .k = run->k, .lse = run->lse, .query_tags = run->query_tags, .key_tags = run->key_tags, .key_sums = sums};
    const tsr_status status = tsr_probe_run(s->probes[plan], &args);
    return status == TSR_OK ? stream_take_scores(s, sums, s->desc.batch * s->desc.heads_q, decay) : status;
}

tsr_status tsr_stream_attend(tsr_stream *s, const tsr_stream_queries *in)
{
    stream_tensor q, o, lse;
    tsr_status status = stream_check_usable(s, in, "queries");
    if (status != TSR_OK || (status = stream_check_queries(s, in, &q)) != TSR_OK || (status = check_outputs(s, in, &o, &lse)) != TSR_OK)
        return status;
    int plan = s->plan_count - 1;
    while (s->desc.queries[plan] < in->count) plan--;
    const int64_t n = in->count, rows = s->desc.queries[plan];
    const int32_t *tokens = s->now.order + s->now.count - in->before - n;
    const stream_tensor own_o = {internal(s, n, rows, s->desc.dv), {s->o, 0}}, own_lse = {internal(s, n, rows, 1), {s->lse, 0}};
    stream_stage_begin(s);
    stream_move moves[3] = {stream_stage_queries(s, in, &q, rows), stream_stage_move(s, own_o, o, n, false), {.rows = 0}};
    if (lse.span.buffer) moves[2] = stream_stage_move(s, own_lse, lse, n, false);
    uint64_t key_tags, query_tags;
    int32_t *keys = stream_stage(s, (uint64_t)s->capacity * sizeof(*keys), &key_tags);
    int32_t *queries = stream_stage(s, (uint64_t)rows * 2 * sizeof(*queries), &query_tags);
    write_tags(s, in, s->now.slots[tokens[0]].id, rows, keys, queries);
    s->table_at = s->staged;
    stream_list_queries(s, in, &moves[0]);
    for (int m = 1; m < 3; m++) list_rows(s, &moves[m]);
    const tsr_attention_args args = {
        .q = {s->q, 0},
        .k = {s->k, 0},
        .v = {s->v, 0},
        .o = {s->o, 0},
        .lse = {s->lse, 0},
        .query_tags = {s->block, query_tags},
        .key_tags = {s->block, key_tags},
    };
    status = narrow(s, plan);
    if (status == TSR_OK) status = stream_send(s);
    if (status == TSR_OK) status = stream_run_move(s, &moves[0]);
    if (status == TSR_OK) status = tsr_attention_run(s->plans[plan], &args);
    for (int m = 1; m < 3 && status == TSR_OK; m++) status = stream_run_move(s, &moves[m]);
    return status == TSR_OK && in->score ? score(s, plan, &args, in->decay) : status;
}
