/* Looking into a stream. */
#include <string.h>

#include "stream/stream.h"

tsr_status tsr_stream_list(const tsr_stream *s, tsr_stream_token *out, size_t room, size_t *count)
{
    if (!s || !count || (!out && room > 0)) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !s ? "stream" : !count ? "count" : "out");
    for (int64_t i = 0; i < s->now.count && (uint64_t)i < room; i++) {
        const stream_slot *slot = &s->now.slots[s->now.order[i]];
        out[i] = (tsr_stream_token){.id = slot->id, .time = slot->time, .score = slot->score, .slot = s->now.order[i]};
        out[i].kind = (uint8_t)slot->kind;
        out[i].sink = slot->sink >= 0;
        memcpy(out[i].position, slot->position, sizeof(out[i].position));
    }
    *count = (size_t)s->now.count;
    return TSR_OK;
}

tsr_status tsr_stream_get_info(const tsr_stream *s, tsr_stream_info *out)
{
    if (!s || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", s ? "out" : "stream");
    *out = (tsr_stream_info){
        .capacity = s->capacity,
        .kept = s->now.count,
        .appended = s->now.next_id,
        .evicted = s->now.evicted,
        .turned = s->turned,
        .device_bytes = s->device_bytes,
        .host_bytes = s->host_bytes,
    };
    for (uint32_t k = 0; k < s->desc.kind_count; k++) {
        out->sinks += s->now.sunk[k];
        out->kind_kept[k] = s->now.sunk[k] + s->now.kept[k];
    }
    return TSR_OK;
}

tsr_status tsr_stream_get_view(const tsr_stream *s, tsr_stream_view *out)
{
    if (!s || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", s ? "out" : "stream");
    *out = (tsr_stream_view){stream_key_layout(s), stream_value_layout(s), {s->k, 0}, {s->v, 0}};
    return TSR_OK;
}
