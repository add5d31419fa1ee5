/* Scores of tokens: given by the caller, or from queries: how much keys take part in them. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "stream/key_dot_args.h"
#include "stream/query_sum_args.h"
#include "stream/stream.h"

typedef struct query_sum_params {
    QUERY_SUM_PARAMS(TSR_PARAM_FIELD)
} query_sum_params;
typedef struct key_dot_params {
    KEY_DOT_PARAMS(TSR_PARAM_FIELD)
} key_dot_params;

static tsr_status sum_scores(tsr_stream *s, const tsr_stream_scores *in, int64_t rows)
{
    memset(s->score_sums, 0, (size_t)s->capacity * sizeof(*s->score_sums));
    for (int64_t r = 0; r < rows; r++) {
        const float *row = in->host ? in->host + r * s->capacity : s->scores;
        if (!in->host) {
            const uint64_t bytes = (uint64_t)s->capacity * sizeof(float);
            const tsr_status status = tsr_buffer_read(in->span.buffer, in->span.offset + (uint64_t)r * bytes, s->scores, bytes);
            if (status != TSR_OK) return status;
        }
        for (int64_t i = 0; i < s->capacity; i++) s->score_sums[i] += (double)row[i];
    }
    return TSR_OK;
}

static tsr_status check_scores(const tsr_stream *s, const tsr_stream_scores *in, int64_t rows)
{
    if (rows < 0 || rows > INT32_MAX) return tsr_fail(TSR_ERROR_ARGUMENT, "argument rows is %" PRId64 "; expected 1 or more", in->rows);
    if (!in->host && !in->span.buffer) return tsr_fail(TSR_ERROR_ARGUMENT, "argument scores has neither host nor span; expected one of them");
    if (!in->host && in->span.buffer->dev != s->dev) return tsr_fail(TSR_ERROR_ARGUMENT, "argument span.buffer belongs to another device");
    const uint64_t bytes = (uint64_t)rows * (uint64_t)s->capacity * sizeof(float);
    if (!in->host && (in->span.offset > in->span.buffer->size || bytes > in->span.buffer->size - in->span.offset))
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument span needs %" PRIu64 " bytes from offset %" PRIu64 "; its buffer has %" PRIu64, bytes,
                        in->span.offset, in->span.buffer->size);
    if (!isfinite(in->decay)) return tsr_fail(TSR_ERROR_ARGUMENT, "argument decay is %g; expected a finite number", in->decay);
    return TSR_OK;
}

/* All are looked at before any is taken. */
static tsr_status take_scores(tsr_stream *s, double decay)
{
    for (int64_t i = 0; i < s->now.count; i++) {
        const int32_t slot = s->now.order[i];
        if (!isfinite(decay * s->now.slots[slot].score + s->score_sums[slot]))
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument scores has %g for slot %d, of token %" PRId64 "; expected finite numbers",
                            s->score_sums[slot], slot, s->now.slots[slot].id);
    }
    for (int64_t i = 0; i < s->now.count; i++) {
        stream_slot *slot = &s->now.slots[s->now.order[i]];
        slot->score = decay * slot->score + s->score_sums[s->now.order[i]];
    }
    return TSR_OK;
}

tsr_status tsr_stream_score(tsr_stream *s, const tsr_stream_scores *in)
{
    tsr_status status = stream_check_usable(s, in, "scores");
    if (status != TSR_OK) return status;
    const int64_t rows = in->rows ? in->rows : 1;
    if ((status = check_scores(s, in, rows)) != TSR_OK || (status = sum_scores(s, in, rows)) != TSR_OK) return status;
    return take_scores(s, in->decay);
}

tsr_status stream_take_scores(tsr_stream *s, tsr_span span, int64_t rows, double decay)
{
    const tsr_stream_scores scores = {.span = span};
    const tsr_status status = sum_scores(s, &scores, rows);
    return status == TSR_OK ? take_scores(s, decay) : status;
}

/* An invocation adds up so many rows: drivers end loops that are too long. */
enum { PART_ROWS = 16384 };

void stream_set_parts(tsr_stream *s)
{
    const int64_t group = s->desc.heads_q / s->desc.heads_kv;
    s->part_rows = group < PART_ROWS ? PART_ROWS / group : 1;
    s->parts = (s->desc.queries[0] + s->part_rows - 1) / s->part_rows;
}

bool stream_scored(const tsr_stream *s)
{
    for (uint32_t k = 0; k < s->desc.kind_count; k++)
        if (s->desc.kinds[k].rule == TSR_STREAM_LOWEST_SCORE) return true;
    return false;
}

static int64_t blocks(const tsr_stream *s, int64_t count) { return (count + s->lanes - 1) / s->lanes; }

static tsr_status run(tsr_stream *s, int64_t rows, uint64_t sum_at, uint64_t dot_at)
{
    const int64_t heads = s->desc.batch * s->desc.heads_kv, parts = (rows + s->part_rows - 1) / s->part_rows;
    bk_buffer *block = s->block->bk;
    const bk_binding sum[] = {{block, sum_at}, {s->q->bk, 0}, {s->sums->bk, 0}};
    const bk_binding dot[] = {{block, dot_at}, {s->k->bk, 0}, {s->sums->bk, 0}, {s->dots->bk, 0}};
    const tsr_status status = tsr_dispatch(s->dev, s->query_sum, sum, 0, (uint32_t)(parts * heads * blocks(s, s->desc.d)));
    return status == TSR_OK ? tsr_dispatch(s->dev, s->key_dot, dot, 0, (uint32_t)(heads * blocks(s, s->capacity))) : status;
}

tsr_status tsr_stream_participate(tsr_stream *s, const tsr_stream_queries *in, double decay)
{
    stream_tensor q;
    tsr_status status = stream_check_usable(s, in, "queries");
    if (status != TSR_OK) return status;
    if (!s->sums) return tsr_fail(TSR_ERROR_ARGUMENT, "argument stream has no kind that goes by score; expected rule lowest score");
    if (!isfinite(decay)) return tsr_fail(TSR_ERROR_ARGUMENT, "argument decay is %g; expected a finite number", decay);
    if ((status = stream_check_queries(s, in, &q)) != TSR_OK) return status;
    const tsr_stream_desc *d = &s->desc;
    const int64_t rows = in->count, heads = d->batch * d->heads_kv;
    const query_sum_params sum = {.head_stride = rows * d->d,
                                  .rows = (int32_t)rows,
                                  .part = (int32_t)s->part_rows,
                                  .group = (int32_t)(d->heads_q / d->heads_kv),
                                  .heads = (int32_t)heads,
                                  .d = (int32_t)d->d,
                                  .blocks = (int32_t)blocks(s, d->d)};
    const key_dot_params dot = {.dt = (int32_t)d->k_dtype,
                                .capacity = (int32_t)s->capacity,
                                .parts = (int32_t)((rows + s->part_rows - 1) / s->part_rows),
                                .heads = (int32_t)heads,
                                .d = (int32_t)d->d,
                                .blocks = (int32_t)blocks(s, s->capacity)};
    uint64_t sum_at, dot_at;
    stream_stage_begin(s);
    memcpy(stream_stage(s, sizeof(sum), &sum_at), &sum, sizeof(sum));
    memcpy(stream_stage(s, sizeof(dot), &dot_at), &dot, sizeof(dot));
    const stream_move move = stream_stage_queries(s, in, &q, rows);
    s->table_at = s->staged;
    stream_list_queries(s, in, &move);
    status = stream_send(s);
    if (status == TSR_OK) status = stream_run_move(s, &move);
    if (status == TSR_OK) status = run(s, rows, sum_at, dot_at);
    return status == TSR_OK ? stream_take_scores(s, (tsr_span){s->dots, 0}, heads, decay) : status;
}
