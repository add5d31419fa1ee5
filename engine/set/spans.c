/* Factors over tokens as ascending spans of keys: intersection, union, complement. */
#include <string.h>

#include "product.h"

static void fill(tokens *t, int64_t first, int64_t last, uint64_t bits)
{
    for (int64_t k = first; k < last; k++) t->bits[k] = bits;
}

void tsr_tokens_add(tsr_tile_eval *e, tokens *t, int64_t first, int64_t last, bool full)
{
    if (first >= last) return;
    tsr_keys_span *before = t->count ? &t->spans[t->count - 1] : NULL;
    if (before && before->last == first && before->full == full) {
        before->last = last;
        return;
    }
    if (t->count < TSR_TILE_SPANS) {
        t->spans[t->count++] = (tsr_keys_span){first, last, full};
        return;
    }
    if (!tsr_tile_need(e, &t->bits, e->s.nk)) return;
    if (before->full) fill(t, before->first, before->last, e->all);
    fill(t, before->last, first, 0);
    if (full) fill(t, first, last, e->all);
    before->last = last;
    before->full = false;
}

void tsr_tokens_mask(tsr_tile_eval *e, tokens *t, uint64_t rows)
{
    if (t->count && !tsr_tile_need(e, &t->bits, e->s.nk)) return;
    for (int i = 0; i < t->count; i++) {
        tsr_keys_span *span = &t->spans[i];
        if (span->full) fill(t, span->first, span->last, rows);
        for (int64_t k = span->first; k < span->last && !span->full; k++) t->bits[k] &= rows;
        span->full = false;
    }
}

void tsr_tokens_intersect(tsr_tile_eval *e, tokens *a, const tokens *b)
{
    const tokens old = *a; /* its spans; the bits are changed in place, behind where they are read */
    a->count = 0;
    for (int i = 0, j = 0; i < old.count && j < b->count && !e->failed;) {
        const tsr_keys_span *x = &old.spans[i], *y = &b->spans[j];
        const int64_t first = max64(x->first, y->first), last = min64(x->last, y->last);
        if (first < last && !(x->full && y->full)) {
            if (!tsr_tile_need(e, &a->bits, e->s.nk)) return;
            if (x->full)
                memcpy(a->bits + first, b->bits + first, (size_t)(last - first) * sizeof(*a->bits));
            else
                for (int64_t k = first; k < last && !y->full; k++) a->bits[k] &= b->bits[k];
        }
        tsr_tokens_add(e, a, first, last, x->full && y->full);
        if (x->last < y->last)
            i++;
        else
            j++;
    }
}

/* The span of t at or after key k, if any, from *i on; is k in it? */
static bool at_key(const tokens *t, int *i, int64_t k)
{
    while (*i < t->count && t->spans[*i].last <= k) ++*i;
    return *i < t->count && t->spans[*i].first <= k;
}

void tsr_tokens_unite(tsr_tile_eval *e, tokens *a, const tokens *b)
{
    if (b->count == 0) return;
    const tokens old = *a;
    a->count = 0;
    int i = 0, j = 0;
    for (int64_t k = 0, end; k < e->s.nk && !e->failed; k = end) {
        const bool in_a = at_key(&old, &i, k), in_b = at_key(b, &j, k);
        end = e->s.nk; /* up to here nothing changes */
        if (i < old.count) end = min64(end, in_a ? old.spans[i].last : old.spans[i].first);
        if (j < b->count) end = min64(end, in_b ? b->spans[j].last : b->spans[j].first);
        if (!in_a && !in_b) continue;
        const bool full = (in_a && old.spans[i].full) || (in_b && b->spans[j].full);
        if (in_b && !full) {
            if (!tsr_tile_need(e, &a->bits, e->s.nk)) return;
            if (in_a)
                for (int64_t n = k; n < end; n++) a->bits[n] |= b->bits[n];
            else
                memcpy(a->bits + k, b->bits + k, (size_t)(end - k) * sizeof(*a->bits));
        }
        tsr_tokens_add(e, a, k, end, full);
    }
}

void tsr_tokens_complement(tsr_tile_eval *e, tokens *a)
{
    const tokens old = *a;
    int64_t k = 0;
    a->count = 0;
    for (int i = 0; i < old.count; i++) {
        const tsr_keys_span *span = &old.spans[i];
        tsr_tokens_add(e, a, k, span->first, true);
        for (int64_t n = span->first; n < span->last && !span->full; n++) a->bits[n] = ~a->bits[n] & e->all;
        if (!span->full) tsr_tokens_add(e, a, span->first, span->last, false);
        k = span->last;
    }
    tsr_tokens_add(e, a, k, e->s.nk, true);
}
