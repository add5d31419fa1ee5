/* The description of a stream: defaults, sizes, and every mistake named before anything is allocated. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "stream/stream.h"

enum { MAX_CHANNELS = 1024 };
static const int64_t max_tokens = 1 << 28;

#define EXPECT(condition, ...)                                                                                                                       \
    do {                                                                                                                                             \
        if (!(condition)) return tsr_fail(TSR_ERROR_ARGUMENT, __VA_ARGS__);                                                                          \
    } while (0)

static bool is_float(tsr_dtype dtype) { return dtype == TSR_F32 || dtype == TSR_F16 || dtype == TSR_BF16; }

static tsr_status check_shapes(const tsr_stream_desc *d)
{
    EXPECT(d->batch >= 1 && d->batch <= INT32_MAX, "argument batch is %" PRId64 "; expected 1 to 2^31 - 1", d->batch);
    EXPECT(d->heads_kv >= 1 && d->heads_kv <= INT32_MAX, "argument heads_kv is %" PRId64 "; expected 1 to 2^31 - 1", d->heads_kv);
    EXPECT(d->heads_q >= 1 && d->heads_q <= INT32_MAX && d->heads_q % d->heads_kv == 0,
           "argument heads_q is %" PRId64 "; expected a multiple of the %" PRId64 " heads of keys", d->heads_q, d->heads_kv);
    EXPECT(d->d >= 1 && d->d <= MAX_CHANNELS, "argument d is %" PRId64 "; expected 1 to %d", d->d, MAX_CHANNELS);
    EXPECT(d->dv >= 1 && d->dv <= MAX_CHANNELS, "argument dv is %" PRId64 "; expected 1 to %d", d->dv, MAX_CHANNELS);
    EXPECT(is_float(d->k_dtype), "argument k_dtype is %d (%s); expected f32, f16 or bf16", (int)d->k_dtype, tsr_dtype_name(d->k_dtype));
    EXPECT(is_float(d->v_dtype), "argument v_dtype is %d (%s); expected f32, f16 or bf16", (int)d->v_dtype, tsr_dtype_name(d->v_dtype));
    EXPECT(d->causal <= 1, "argument causal is %u; expected 0 or 1", d->causal);
    EXPECT(d->lse <= 1, "argument lse is %u; expected 0 or 1", d->lse);
    EXPECT(d->probabilities <= 1, "argument probabilities is %u; expected 0 or 1", d->probabilities);
    EXPECT(d->time == TSR_STREAM_TIME_KEPT || d->time == TSR_STREAM_TIME_CLOSED, "argument time is %d; expected a tsr_stream_time", (int)d->time);
    EXPECT(d->sink_overlap <= 1, "argument sink_overlap is %u; expected 0 or 1", d->sink_overlap);
    EXPECT(d->sink_overlap == 0 || d->time == TSR_STREAM_TIME_CLOSED, "argument sink_overlap is 1; expected 0 where time is kept");
    EXPECT(d->ema >= 0 && d->ema < 1, "argument ema is %g; expected 0, or a share below 1", d->ema);
    for (size_t i = 0; i < sizeof(d->reserved) / sizeof(d->reserved[0]); i++)
        EXPECT(d->reserved[i] == 0, "argument reserved[%zu] is %u; expected 0", i, d->reserved[i]);
    return TSR_OK;
}

static tsr_status check_kind(tsr_stream *s, int i)
{
    tsr_stream_kind *k = &s->desc.kinds[i];
    if (k->frame == 0) k->frame = 1;
    const int64_t values[] = {k->frame, k->sink, k->window, k->keep, k->recent};
    static const char *const names[] = {"frame", "sink", "window", "keep", "recent"};
    for (int j = 0; j < 5; j++)
        EXPECT(values[j] >= 0 && values[j] <= max_tokens, "argument kinds[%d].%s is %" PRId64 "; expected 0 to %" PRId64, i, names[j], values[j],
               max_tokens);
    EXPECT(k->rule == TSR_STREAM_OLDEST || k->rule == TSR_STREAM_LOWEST_SCORE || k->rule == TSR_STREAM_BY_LIST,
           "argument kinds[%d].rule is %d; expected a tsr_stream_evict_rule", i, (int)k->rule);
    EXPECT(k->rule == TSR_STREAM_LOWEST_SCORE || (k->keep == 0 && k->recent == 0),
           "argument kinds[%d].%s is %" PRId64 "; expected 0 where the rule is not lowest score", i, k->keep ? "keep" : "recent",
           k->keep ? k->keep : k->recent);
    EXPECT(k->keep <= k->window, "argument kinds[%d].keep is %" PRId64 "; expected at most its window of %" PRId64, i, k->keep, k->window);
    EXPECT(k->recent <= (k->keep ? k->keep : k->window), "argument kinds[%d].recent is %" PRId64 "; expected at most the %" PRId64 " that are kept",
           i, k->recent, k->keep ? k->keep : k->window);
    EXPECT(k->sink + k->window > 0 && (k->sink + k->window) * k->frame <= max_tokens,
           "argument kinds[%d] keeps %" PRId64 " + %" PRId64 " frames of %" PRId64 " tokens; expected 1 to %" PRId64 " tokens", i, k->sink, k->window,
           k->frame, max_tokens);
    s->sink_of[i] = s->sinks;
    s->sink_count[i] = k->sink * k->frame;
    s->window[i] = k->window * k->frame;
    s->keep[i] = k->keep * k->frame;
    s->recent[i] = k->recent * k->frame;
    s->sinks += s->sink_count[i];
    s->capacity += s->sink_count[i] + s->window[i];
    return TSR_OK;
}

static tsr_status check_rope(tsr_stream *s)
{
    tsr_stream_rope *r = &s->desc.rope;
    EXPECT(r->axes <= TSR_STREAM_AXES, "argument rope.axes is %u; expected at most %d", r->axes, TSR_STREAM_AXES);
    EXPECT(r->half <= 1, "argument rope.half is %u; expected 0 or 1", r->half);
    EXPECT(r->joint <= 1, "argument rope.joint is %u; expected 0 or 1", r->joint);
    EXPECT(r->together <= 1, "argument rope.together is %u; expected 0 or 1", r->together);
    int64_t channels = 0;
    for (uint32_t a = 0; a < TSR_STREAM_AXES; a++) {
        s->first_pair[a] = s->all_pairs;
        if (a >= r->axes) {
            EXPECT(r->channels[a] == 0, "argument rope.channels[%u] is %" PRId64 "; expected 0 beyond the %u axes", a, r->channels[a], r->axes);
            continue;
        }
        EXPECT(r->channels[a] >= 0 && r->channels[a] <= s->desc.d && r->channels[a] % 2 == 0,
               "argument rope.channels[%u] is %" PRId64 "; expected an even number up to the %" PRId64 " channels of a key", a, r->channels[a],
               s->desc.d);
        if (r->theta[a] == 0) r->theta[a] = 10000;
        EXPECT(isfinite(r->theta[a]) && r->theta[a] > 0, "argument rope.theta[%u] is %g; expected a number above 0", a, r->theta[a]);
        s->pairs[a] = (int32_t)(r->channels[a] / 2);
        s->all_pairs += s->pairs[a];
        channels += r->channels[a];
    }
    EXPECT(channels <= s->desc.d, "argument rope.channels add up to %" PRId64 "; expected at most the %" PRId64 " channels of a key", channels,
           s->desc.d);
    EXPECT(s->desc.time == TSR_STREAM_TIME_KEPT || r->axes > 0, "argument time closes gaps; expected rotary axes, or time kept");
    for (int i = 0; i < 2; i++) {
        if (r->grid[i] == 0) r->grid[i] = 1;
        EXPECT(r->grid[i] >= 1 && r->grid[i] <= max_tokens, "argument rope.grid[%d] is %" PRId64 "; expected 1 or more", i, r->grid[i]);
    }
    return TSR_OK;
}

static tsr_status check_counts(tsr_stream *s)
{
    tsr_stream_desc *d = &s->desc;
    int64_t most = 0;
    for (int i = 0; i < TSR_STREAM_PLANS && d->queries[i] != 0; i++) {
        EXPECT(d->queries[i] > 0 && d->queries[i] <= max_tokens, "argument queries[%d] is %" PRId64 "; expected 1 to %" PRId64, i, d->queries[i],
               max_tokens);
        for (int j = 0; j < i; j++)
            EXPECT(d->queries[j] != d->queries[i], "argument queries[%d] is %" PRId64 ", as is queries[%d]", i, d->queries[i], j);
        most = d->queries[i] > most ? d->queries[i] : most;
        s->plan_count++;
    }
    EXPECT(most > 0, "argument queries[0] is 0; expected the queries of a call");
    if (d->chunk == 0) d->chunk = most < s->capacity ? most : s->capacity;
    EXPECT(d->chunk > 0 && d->chunk <= s->capacity, "argument chunk is %" PRId64 "; expected 1 to the %" PRId64 " tokens that are kept", d->chunk,
           s->capacity);
    int64_t rows = 0, heads = 0;
    const int64_t longest = most > s->capacity ? most : s->capacity;
    if (!tsr_mul(longest, d->batch, &rows) || !tsr_mul(rows, d->heads_q, &heads) || heads > INT32_MAX ||
        (longest + d->chunk) * 2 * s->all_pairs > INT32_MAX)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "%" PRId64 " tokens in %" PRId64 " x %" PRId64 " heads; expected fewer than 2^31 rows", longest,
                        d->batch, d->heads_q);
    return TSR_OK;
}

tsr_status stream_describe(const tsr_stream_desc *in, tsr_stream *s)
{
    s->desc = *in;
    tsr_status status = check_shapes(&s->desc);
    if (status != TSR_OK) return status;
    EXPECT(in->kind_count >= 1 && in->kind_count <= TSR_STREAM_KINDS, "argument kind_count is %u; expected 1 to %d", in->kind_count,
           TSR_STREAM_KINDS);
    for (uint32_t i = 0; i < in->kind_count; i++)
        if ((status = check_kind(s, (int)i)) != TSR_OK) return status;
    EXPECT(in->ema == 0 || s->sinks > 0, "argument ema is %g; expected 0 where there are no sinks", in->ema);
    EXPECT(s->capacity <= max_tokens, "argument kinds keep %" PRId64 " tokens; expected at most %" PRId64, s->capacity, max_tokens);
    if ((status = check_rope(s)) != TSR_OK) return status;
    return check_counts(s);
}
