/* What changes a stream: appending, replacing, evicting. All checks come first, then the device, then the state. */
#include <inttypes.h>
#include <string.h>

#include "stream/stream.h"

#define SHAPE_FORMAT "[%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "]"
#define SHAPE(l) (l)[0], (l)[1], (l)[2], (l)[3]

tsr_status stream_check_usable(const tsr_stream *s, const void *argument, const char *name)
{
    if (!s || !argument) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", s ? name : "stream");
    if (s->broken)
        return tsr_fail(TSR_ERROR_INTERNAL,
                        "argument stream lost its keys when the device failed; expected tsr_stream_clear or tsr_stream_load first");
    return TSR_OK;
}

tsr_status stream_check_tensor(const tsr_stream *s, const char *name, const tsr_layout *in, const tsr_span *span, const int64_t shape[4], bool output,
                               stream_tensor *out)
{
    if (in->dtype != TSR_F32 && in->dtype != TSR_F16 && in->dtype != TSR_BF16)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s.dtype is %d (%s); expected f32, f16 or bf16", name, (int)in->dtype,
                        tsr_dtype_name(in->dtype));
    if (memcmp(in->shape, shape, sizeof(in->shape)) != 0)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s.shape is " SHAPE_FORMAT "; expected " SHAPE_FORMAT, name, SHAPE(in->shape), SHAPE(shape));
    const tsr_status status = tsr_layout_check(name, in, output, &out->layout);
    if (status != TSR_OK) return status;
    int64_t reach;
    if (!tsr_mul(out->layout.shape[3], out->layout.stride[3], &reach) || reach > INT32_MAX)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument %s.stride[3] is %" PRId64 "; expected a last axis within 2^31 elements", name,
                        out->layout.stride[3]);
    const uint64_t size = tsr_dtype_size(in->dtype), bytes = (uint64_t)tsr_layout_extent(&out->layout) * size;
    if (!span->buffer) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s_span.buffer is NULL; expected a buffer", name);
    if (span->buffer->dev != s->dev) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s_span.buffer belongs to another device", name);
    if (span->offset % size)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s_span.offset is %" PRIu64 "; expected a multiple of %" PRIu64, name, span->offset, size);
    if (span->offset > span->buffer->size || bytes > span->buffer->size - span->offset)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s_span needs %" PRIu64 " bytes from offset %" PRIu64 "; its buffer has %" PRIu64, name, bytes,
                        span->offset, span->buffer->size);
    out->span = *span;
    return TSR_OK;
}

static tsr_status check_tokens(const tsr_stream *s, const tsr_stream_tokens *t, int64_t most, stream_new *out)
{
    if (t->count < 1 || t->count > most)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument count is %" PRId64 "; expected 1 to %" PRId64 " tokens", t->count, most);
    const tsr_stream_desc *d = &s->desc;
    out->count = t->count;
    const int64_t k[4] = {d->batch, d->heads_kv, t->count, d->d}, v[4] = {d->batch, d->heads_kv, t->count, d->dv};
    const tsr_status status = stream_check_tensor(s, "k", &t->k, &t->k_span, k, false, &out->k);
    return status == TSR_OK ? stream_check_tensor(s, "v", &t->v, &t->v_span, v, false, &out->v) : status;
}

static tsr_status check_positions(const tsr_stream *s, const tsr_stream_tokens *t)
{
    static const int64_t exact = (int64_t)1 << 52; /* positions pass through doubles */
    const stream_state *now = &s->now;
    int64_t last = now->count > 0 ? now->slots[now->order[now->count - 1]].position[0] : INT64_MIN;
    if (now->next_id > exact - t->count) return tsr_fail(TSR_ERROR_UNSUPPORTED, "the stream has come to its end: 2^52 tokens");
    for (int64_t i = 0; i < t->count && s->desc.rope.axes > 0; i++) {
        int64_t position[TSR_STREAM_AXES];
        stream_position(s, t, i, now->next_id + i, position);
        for (uint32_t a = 0; a < s->desc.rope.axes; a++)
            if (position[a] > exact || position[a] < -exact)
                return tsr_fail(TSR_ERROR_ARGUMENT, "argument positions[%" PRId64 "] is %" PRId64 " on axis %u; expected at most 2^52 in size", i,
                                position[a], a);
        if (s->desc.time == TSR_STREAM_TIME_CLOSED && position[0] < last)
            return tsr_fail(TSR_ERROR_ARGUMENT,
                            "argument positions[%" PRId64 "] has time %" PRId64 "; expected at least %" PRId64
                            ", that of the token before, where gaps are closed",
                            i, position[0], last);
        last = position[0];
    }
    return TSR_OK;
}

tsr_status tsr_stream_append(tsr_stream *s, const tsr_stream_tokens *tokens, int64_t *first_id)
{
    stream_new fresh;
    tsr_status status = stream_check_usable(s, tokens, "tokens");
    if (status != TSR_OK || (status = check_tokens(s, tokens, s->desc.chunk, &fresh)) != TSR_OK || (status = check_positions(s, tokens)) != TSR_OK)
        return status;
    stream_begin(s);
    if ((status = stream_make_room(s, tokens->count, tokens->kinds)) != TSR_OK) return status;
    stream_remove_marked(s);
    stream_place(s, tokens);
    stream_set_times(s);
    status = stream_commit(s, &fresh);
    if (status == TSR_OK && first_id) *first_id = s->now.next_id - tokens->count;
    return status;
}

/* The slot of a token that is kept; -1, with the error said: it is not, or ids name it twice (marked in s->leaves). */
static int32_t find(const tsr_stream *s, const int64_t *ids, int64_t index)
{
    const int32_t slot = stream_find(&s->now, ids[index]);
    if (slot >= 0 && !s->leaves[slot]) return slot;
    if (slot >= 0)
        tsr_fail(TSR_ERROR_ARGUMENT, "argument ids[%" PRId64 "] is %" PRId64 ", which comes twice", index, ids[index]);
    else if (ids[index] < 0 || ids[index] >= s->now.next_id)
        tsr_fail(TSR_ERROR_ARGUMENT, "argument ids[%" PRId64 "] is %" PRId64 "; expected one of the %" PRId64 " tokens appended so far", index,
                 ids[index], s->now.next_id);
    else
        tsr_fail(TSR_ERROR_ARGUMENT, "argument ids[%" PRId64 "] is %" PRId64 "; expected a token that is still kept", index, ids[index]);
    return -1;
}

tsr_status tsr_stream_replace(tsr_stream *s, const tsr_stream_tokens *tokens, const int64_t *ids)
{
    stream_new fresh;
    tsr_status status = stream_check_usable(s, tokens, "tokens");
    if (status != TSR_OK || (status = check_tokens(s, tokens, s->now.count, &fresh)) != TSR_OK) return status;
    stream_begin(s);
    for (int64_t i = 0; i < tokens->count; i++) {
        const int32_t slot = ids ? find(s, ids, i) : s->now.order[s->now.count - tokens->count + i];
        if (slot < 0) return TSR_ERROR_ARGUMENT;
        s->targets[i] = slot;
        s->leaves[slot] = s->stale[slot] = 1;
    }
    return stream_commit(s, &fresh);
}

tsr_status tsr_stream_evict(tsr_stream *s, const int64_t *ids, size_t count)
{
    tsr_status status = stream_check_usable(s, ids, "ids");
    if (status != TSR_OK) return status;
    if (count < 1 || (uint64_t)count > (uint64_t)s->now.count)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument count is %zu; expected 1 to the %" PRId64 " tokens that are kept", count, s->now.count);
    stream_begin(s);
    for (size_t i = 0; i < count; i++) {
        const int32_t slot = find(s, ids, (int64_t)i);
        if (slot < 0) return TSR_ERROR_ARGUMENT;
        if (s->now.slots[slot].sink >= 0)
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument ids[%zu] is %" PRId64 ", a sink; expected tokens of a window", i, ids[i]);
        s->leaves[slot] = 1;
    }
    stream_remove_marked(s);
    stream_set_times(s);
    return stream_commit(s, NULL);
}
