/* What is kept: eviction by the kinds' rules, slots for new tokens, and the times at which keys are seen. All has been checked before. */
#include <inttypes.h>
#include <string.h>

#include "stream/stream.h"

int32_t stream_find(const stream_state *state, int64_t id)
{
    int64_t low = 0, high = state->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (state->slots[state->order[middle]].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < state->count && state->slots[state->order[low]].id == id ? state->order[low] : -1;
}

void stream_position(const tsr_stream *s, const tsr_stream_tokens *tokens, int64_t index, int64_t id, int64_t *out)
{
    const tsr_stream_rope *r = &s->desc.rope;
    const int64_t grid[TSR_STREAM_AXES] = {id / (r->grid[0] * r->grid[1]), id / r->grid[1] % r->grid[0], id % r->grid[1]};
    for (uint32_t a = 0; a < TSR_STREAM_AXES; a++) {
        out[a] = 0;
        if (a < r->axes) out[a] = tokens->positions ? tokens->positions[index * r->axes + a] : grid[a];
    }
}

/* Does slot a leave before slot b? */
static bool sooner(const stream_state *state, int32_t a, int32_t b)
{
    const stream_slot *x = &state->slots[a], *y = &state->slots[b];
    return x->score != y->score ? x->score < y->score : x->id > y->id;
}

/* Heap sort, as the C library's own may allocate. */
static void sift(const stream_state *state, int32_t *heap, int64_t at, int64_t count)
{
    for (int64_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && sooner(state, heap[child], heap[child + 1])) child++;
        if (!sooner(state, heap[at], heap[child])) return;
        const int32_t swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
        at = child;
    }
}

static void sort_candidates(const stream_state *state, int32_t *list, int64_t count)
{
    for (int64_t i = count / 2; i-- > 0;) sift(state, list, i, count);
    for (int64_t i = count; i-- > 1;) {
        const int32_t last = list[0];
        list[0] = list[i];
        list[i] = last;
        sift(state, list, 0, i);
    }
}

/* Marks `drop` tokens of a kind's window: by score, the newest `recent` apart, or the oldest. */
static void mark(tsr_stream *s, int kind, int64_t drop)
{
    const stream_state *n = &s->now;
    const bool by_score = s->desc.kinds[kind].rule == TSR_STREAM_LOWEST_SCORE;
    const int64_t most = by_score ? n->kept[kind] - s->recent[kind] : drop;
    int64_t count = 0;
    for (int64_t i = 0; i < n->count && count < most; i++) {
        const stream_slot *slot = &n->slots[n->order[i]];
        if (slot->kind == kind && slot->sink < 0) s->candidates[count++] = n->order[i];
    }
    if (by_score) sort_candidates(n, s->candidates, count);
    for (int64_t i = 0; i < drop && i < count; i++) s->leaves[s->candidates[i]] = 1;
}

tsr_status stream_make_room(tsr_stream *s, int64_t count, const uint8_t *kinds)
{
    const stream_state *n = &s->now;
    int64_t fresh[TSR_STREAM_KINDS] = {0}, drop[TSR_STREAM_KINDS] = {0};
    for (int64_t i = 0; i < count; i++) {
        const uint32_t kind = kinds ? kinds[i] : 0;
        if (kind >= s->desc.kind_count)
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument kinds[%" PRId64 "] is %u; expected one of the %u kinds", i, kind, s->desc.kind_count);
        fresh[kind]++;
    }
    for (uint32_t k = 0; k < s->desc.kind_count; k++) {
        const tsr_stream_kind *rule = &s->desc.kinds[k];
        const int64_t sinks = s->sink_count[k] - n->sunk[k], given = fresh[k], limit = s->window[k] - s->recent[k];
        fresh[k] = fresh[k] > sinks ? fresh[k] - sinks : 0;
        if (fresh[k] > limit)
            return tsr_fail(TSR_ERROR_ARGUMENT,
                            "argument count gives %" PRId64 " tokens of kind %u beyond %" PRId64 " sinks; expected at most the %" PRId64
                            " that its window holds",
                            given - (given - fresh[k]), k, given - fresh[k], limit);
        if (n->kept[k] + fresh[k] <= s->window[k]) continue;
        if (rule->rule == TSR_STREAM_BY_LIST)
            return tsr_fail(TSR_ERROR_ARGUMENT,
                            "argument count gives %" PRId64 " tokens of kind %u; its window holds %" PRId64 " of %" PRId64
                            "; expected room, which tsr_stream_evict makes",
                            fresh[k], k, n->kept[k], s->window[k]);
        int64_t target = s->window[k] - fresh[k];
        if (s->keep[k] > 0 && s->keep[k] < target) target = s->keep[k];
        drop[k] = n->kept[k] - target;
    }
    for (uint32_t k = 0; k < s->desc.kind_count; k++)
        if (drop[k] > 0) mark(s, (int)k, drop[k]);
    return TSR_OK;
}

void stream_remove_marked(tsr_stream *s)
{
    stream_state *n = &s->now;
    int64_t stay = 0;
    s->gone_count = s->blend_count = 0;
    for (int64_t i = 0; i < n->count; i++) {
        const int32_t slot = n->order[i];
        if (!s->leaves[slot]) {
            n->order[stay++] = slot;
            continue;
        }
        s->leaves[slot] = 0;
        n->used[slot] = 0;
        s->gone[s->gone_count++] = slot;
    }
    n->count = stay;
    n->evicted += s->gone_count;
    for (uint32_t k = 0; k < s->desc.kind_count; k++) {
        s->blends_of[k] = 0;
        for (int64_t i = 0; i < s->gone_count; i++) {
            if (n->slots[s->gone[i]].kind != (int32_t)k) continue;
            n->kept[k]--;
            const int64_t nth = n->left[k]++;
            if (s->desc.ema == 0 || s->sink_count[k] == 0) continue;
            const int32_t sink = (int32_t)(s->sink_of[k] + nth % s->sink_count[k]);
            s->blends[s->blend_count++] = (stream_blend){sink, s->sink_slot[sink], s->gone[i]};
            s->stale[s->sink_slot[sink]] = 1;
            s->blends_of[k]++;
        }
    }
}

void stream_place(tsr_stream *s, const tsr_stream_tokens *tokens)
{
    stream_state *n = &s->now;
    int32_t slot = 0;
    for (int64_t i = 0; i < tokens->count; i++, slot++) {
        while (n->used[slot]) slot++;
        const int kind = tokens->kinds ? tokens->kinds[i] : 0;
        stream_slot *t = &n->slots[slot];
        *t = (stream_slot){.id = n->next_id++, .kind = kind, .sink = -1};
        stream_position(s, tokens, i, t->id, t->position);
        t->time = t->position[0];
        if (n->sunk[kind] < s->sink_count[kind]) {
            t->sink = (int32_t)(s->sink_of[kind] + n->sunk[kind]++);
            s->sink_slot[t->sink] = slot;
        } else {
            n->kept[kind]++;
        }
        n->used[slot] = 1;
        n->order[n->count++] = slot;
        s->targets[i] = slot;
        s->stale[slot] = 1;
    }
}

void stream_set_times(tsr_stream *s)
{
    stream_state *n = &s->now;
    if (s->desc.time != TSR_STREAM_TIME_CLOSED || n->count == 0) return;
    const stream_slot *younger = NULL;
    for (int64_t i = n->count; i-- > 0;) {
        stream_slot *t = &n->slots[n->order[i]];
        int64_t time = t->position[0];
        if (younger) {
            int64_t apart = younger->position[0] - t->position[0];
            const bool overlap = s->desc.sink_overlap && t->sink >= 0 && younger->sink < 0;
            if (younger->id != t->id + 1 && apart > 0) apart = overlap ? 0 : 1;
            time = younger->time - apart;
        }
        if (time != t->time) s->stale[n->order[i]] = 1;
        t->time = time;
        younger = t;
    }
}
