/* Creating a stream: everything that it will ever need, of host and device. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stream/stream.h"

static tsr_layout packed(tsr_dtype dtype, int64_t batch, int64_t heads, int64_t rows, int64_t channels)
{
    return (tsr_layout){dtype, {batch, heads, rows, channels}, {heads * rows * channels, rows * channels, channels, 1}};
}

tsr_layout stream_key_layout(const tsr_stream *s) { return packed(s->desc.k_dtype, s->desc.batch, s->desc.heads_kv, s->capacity, s->desc.d); }

tsr_layout stream_value_layout(const tsr_stream *s) { return packed(s->desc.v_dtype, s->desc.batch, s->desc.heads_kv, s->capacity, s->desc.dv); }

void stream_begin(tsr_stream *s)
{
    memset(s->leaves, 0, (size_t)s->capacity);
    memset(s->stale, 0, (size_t)s->capacity);
    memset(s->blends_of, 0, sizeof(s->blends_of));
    s->gone_count = s->blend_count = 0;
}

void stream_forget(tsr_stream *s)
{
    const stream_state now = s->now;
    memset(now.slots, 0, (size_t)s->capacity * sizeof(*now.slots));
    memset(now.order, 0, (size_t)s->capacity * sizeof(*now.order));
    memset(now.used, 0, (size_t)s->capacity);
    s->now = (stream_state){.slots = now.slots, .order = now.order, .used = now.used};
    s->turned = 0;
    s->broken = false;
}

/* Host memory, zeroed and counted. */
static bool host(tsr_stream *s, void *pointer, uint64_t count, uint64_t size)
{
    void *memory = calloc(count ? count : 1, size);
    memcpy(pointer, &memory, sizeof(memory));
    s->host_bytes += count * size;
    return memory != NULL;
}

static tsr_status create_host(tsr_stream *s)
{
    const uint64_t n = (uint64_t)s->capacity, most = (uint64_t)s->desc.queries[0], pairs = (uint64_t)s->all_pairs;
    const uint64_t rows = n > most ? n : most, entry = STREAM_ENTRY * sizeof(int32_t);
    s->angle_room = 16;
    while (s->angle_room < 2 * TSR_STREAM_AXES * (rows + n)) s->angle_room *= 2;
    /* Parameters; five lists of rows, blends and the sinks' beginnings; tags; angles of as many positions. */
    s->staging_size = 4096 + 5 * rows * entry + 2 * n * sizeof(stream_blend) + (2 * rows + n) * sizeof(int32_t) + rows * pairs * 2 * sizeof(float);
    bool ok = host(s, &s->turns, pairs, sizeof(*s->turns)) && host(s, &s->sink_slot, (uint64_t)s->sinks, sizeof(*s->sink_slot));
    stream_state *const states[] = {&s->now, &s->next};
    for (int i = 0; i < 2; i++)
        ok = ok && host(s, &states[i]->slots, n, sizeof(stream_slot)) && host(s, &states[i]->order, n, sizeof(int32_t)) &&
             host(s, &states[i]->used, n, 1);
    ok = ok && host(s, &s->gone, n, sizeof(*s->gone)) && host(s, &s->leaves, n, 1) && host(s, &s->stale, n, 1) &&
         host(s, &s->candidates, n, sizeof(*s->candidates)) && host(s, &s->targets, n, sizeof(*s->targets)) &&
         host(s, &s->blends, n, sizeof(*s->blends)) && host(s, &s->angles, s->angle_room, sizeof(*s->angles)) &&
         host(s, &s->staging, s->staging_size, 1) && host(s, &s->scores, n, sizeof(*s->scores)) && host(s, &s->score_sums, n, sizeof(*s->score_sums));
    if (!ok) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a stream's %" PRIu64 " bytes", s->host_bytes);
    return TSR_OK;
}

static void set_turns(tsr_stream *s)
{
    const tsr_stream_rope *r = &s->desc.rope;
    for (uint32_t a = 0; a < r->axes; a++) {
        for (int32_t p = 0; p < s->pairs[a]; p++) {
            const double i = r->joint ? s->first_pair[a] + p : p, n = r->joint ? 2.0 * s->all_pairs : (double)r->channels[a];
            s->turns[s->first_pair[a] + p] = pow(r->theta[a], -2 * i / n) / 6.283185307179586476925;
        }
    }
}

/* Device memory, zeroed: attention multiplies what no query sees by 0, and NaN would stay NaN. */
static tsr_status device(tsr_stream *s, uint64_t size, tsr_buffer **out)
{
    const uint64_t part = s->staging_size; /* nothing is staged yet */
    tsr_status status = tsr_buffer_create(s->dev, size, out);
    for (uint64_t at = 0; at < size && status == TSR_OK; at += part)
        status = tsr_buffer_write(*out, at, s->staging, size - at < part ? size - at : part);
    s->device_bytes += size;
    return status;
}

static uint64_t layout_size(const tsr_layout *l) { return (uint64_t)tsr_layout_extent(l) * tsr_dtype_size(l->dtype); }

static tsr_status create_device(tsr_stream *s)
{
    const tsr_stream_desc *d = &s->desc;
    const tsr_layout k = stream_key_layout(s), v = stream_value_layout(s);
    tsr_layout exact_k = packed(TSR_F32, d->batch, d->heads_kv, s->sinks, d->d), exact_v = packed(TSR_F32, d->batch, d->heads_kv, s->sinks, d->dv);
    const bool scored = stream_scored(s);
    const bool two = s->all_pairs > 0 && (d->time == TSR_STREAM_TIME_CLOSED || d->ema > 0);
    const uint64_t rows = (uint64_t)(d->batch * d->heads_q * d->queries[0]);
    const struct {
        tsr_buffer **buffer;
        uint64_t size;
        bool wanted;
    } buffers[] = {
        {&s->block, s->staging_size, true},
        {&s->k, layout_size(&k), true},
        {&s->zeros, (uint64_t)(d->d > d->dv ? d->d : d->dv) * 4, true},
        {&s->raw, layout_size(&k), two},
        {&s->v, layout_size(&v), true},
        {&s->exact_k, layout_size(&exact_k), d->ema > 0},
        {&s->exact_v, layout_size(&exact_v), d->ema > 0},
        {&s->q, rows * (uint64_t)d->d * 4, true},
        {&s->o, rows * (uint64_t)d->dv * 4, true},
        {&s->lse, rows * 4, d->lse || d->probabilities},
        {&s->probabilities, (uint64_t)(d->batch * d->heads_q * s->capacity) * 4, d->probabilities != 0},
        {&s->sums, (uint64_t)(s->parts * d->batch * d->heads_kv * d->d) * 4, scored},
        {&s->dots, (uint64_t)(d->batch * d->heads_kv * s->capacity) * 4, scored},
    };
    tsr_status status = TSR_OK;
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]) && status == TSR_OK; i++)
        if (buffers[i].wanted) status = device(s, buffers[i].size, buffers[i].buffer);
    return status;
}

static tsr_status create_plans(tsr_stream *s)
{
    const tsr_stream_desc *d = &s->desc;
    for (int i = 0; i < s->plan_count; i++) {
        const int64_t n = d->queries[i];
        tsr_attention_desc desc = {
            .q = packed(TSR_F32, d->batch, d->heads_q, n, d->d),
            .k = stream_key_layout(s),
            .v = stream_value_layout(s),
            .o = packed(TSR_F32, d->batch, d->heads_q, n, d->dv),
            .scale = d->scale,
            .softcap = d->softcap,
            .tagged = 1,
        };
        if (d->lse || d->probabilities) desc.lse = packed(TSR_F32, d->batch, d->heads_q, n, 1);
        const tsr_probe_desc probe = {.attention = desc, .key_sums = 1};
        tsr_status status = tsr_attention_prepare(s->dev, &desc, &s->plans[i]);
        if (status == TSR_OK && d->probabilities) status = tsr_probe_prepare(s->dev, &probe, &s->probes[i]);
        if (status != TSR_OK) return status;
        s->device_bytes += s->plans[i]->info.workspace + (s->probes[i] ? tsr_probe_workspace(s->probes[i]) : 0);
        s->plan_keys[i] = s->capacity;
    }
    return TSR_OK;
}

/* Largest first. */
static void order_plans(tsr_stream *s)
{
    for (int i = 1; i < s->plan_count; i++) {
        for (int j = i; j > 0 && s->desc.queries[j] > s->desc.queries[j - 1]; j--) {
            const int64_t swap = s->desc.queries[j];
            s->desc.queries[j] = s->desc.queries[j - 1];
            s->desc.queries[j - 1] = swap;
        }
    }
}

tsr_status tsr_stream_create(tsr_device *dev, const tsr_stream_desc *desc, tsr_stream **out)
{
    if (!dev || !desc || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !dev ? "dev" : !desc ? "desc" : "out");
    *out = NULL;
    tsr_stream *s = calloc(1, sizeof(*s));
    if (!s) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a stream of %zu bytes", sizeof(*s));
    s->dev = dev;
    s->host_bytes = sizeof(*s);
    tsr_status status = stream_describe(desc, s);
    if (status == TSR_OK) {
        order_plans(s);
        status = create_host(s);
    }
    if (status == TSR_OK) {
        set_turns(s);
        stream_set_parts(s);
        status = stream_kernels(s);
    }
    const uint32_t limit = tsr_loop_limit(dev);
    if (status == TSR_OK && stream_scored(s) && limit > 0 && (uint64_t)(s->parts * s->desc.d) > limit / 2)
        status = tsr_fail(TSR_ERROR_UNSUPPORTED, "%s: %" PRId64 " queries of %" PRId64 " channels in one call are more than scores can be made of",
                          dev->info.id, s->desc.queries[0], s->desc.d);
    if (status == TSR_OK) status = create_device(s);
    if (status == TSR_OK) status = create_plans(s);
    if (status != TSR_OK) {
        tsr_stream_destroy(s);
        return status;
    }
    *out = s;
    return TSR_OK;
}

void tsr_stream_destroy(tsr_stream *s)
{
    if (!s) return;
    for (int i = 0; i < TSR_STREAM_PLANS; i++) {
        tsr_attention_destroy(s->plans[i]);
        tsr_probe_destroy(s->probes[i]);
    }
    tsr_buffer *const buffers[] = {s->block, s->k,   s->raw,  s->v,    s->exact_k,       s->exact_v, s->q,
                                   s->o,     s->lse, s->sums, s->dots, s->probabilities, s->zeros};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) tsr_buffer_destroy(buffers[i]);
    void *const memory[] = {s->turns,      s->sink_slot, s->now.slots, s->now.order, s->now.used, s->next.slots,
                            s->next.order, s->next.used, s->gone,      s->leaves,    s->stale,    s->candidates,
                            s->targets,    s->blends,    s->angles,    s->staging,   s->scores,   s->score_sums};
    for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++) free(memory[i]);
    free(s);
}

tsr_status tsr_stream_clear(tsr_stream *s)
{
    if (!s) return tsr_fail(TSR_ERROR_ARGUMENT, "argument stream is NULL");
    stream_forget(s);
    return TSR_OK;
}
