/* Leaves of a set for a tile of queries: windows, ranges, ids and blocks as factors over an axis or over the tokens. */
#include <stdlib.h>
#include <string.h>

#include "product.h"

/* Where each row's window begins and ends, and of these the smallest and the largest. */
typedef struct windows {
    tsr_law_view row[TSR_TILE_MAX];
    bool placed[TSR_TILE_MAX]; /* false: no coordinate, nothing seen */
} windows;

static void law_windows(const tsr_tile_eval *e, const tsr_set_node *n, windows *w)
{
    for (int i = 0; i < e->count; i++) {
        int64_t x;
        w->placed[i] = tsr_axis_place(&e->s, n->axis, e->rows[i] + e->s.set->query_first, &x);
        if (w->placed[i]) w->row[i] = tsr_law_of(&e->s, n, x);
        if (w->placed[i] && w->row[i].lo >= w->row[i].hi) w->placed[i] = false;
    }
}

/* A window without holes along the tokens: its middle, which all rows see, is not written out. */
static void band_tokens(tsr_tile_eval *e, const tsr_set_node *n, tokens *t)
{
    windows w;
    law_windows(e, n, &w);
    t->count = 0;
    int64_t lo = INT64_MAX, lo_most = 0, hi = 0, hi_least = INT64_MAX;
    bool every = true;
    for (int i = 0; i < e->count; i++) {
        every = every && w.placed[i];
        if (!w.placed[i]) continue;
        lo = min64(lo, w.row[i].lo), lo_most = max64(lo_most, w.row[i].lo);
        hi = max64(hi, w.row[i].hi), hi_least = min64(hi_least, w.row[i].hi);
    }
    if (lo >= hi) return;
    const bool full = every && lo_most < hi_least;
    const int64_t full_first = full ? lo_most : hi, full_last = full ? hi_least : hi;
    if ((full_first > lo || full_last < hi) && !tsr_tile_need(e, &t->bits, e->s.nk)) return;
    for (int64_t k = lo; k < full_first; k++) t->bits[k] = 0;
    for (int64_t k = full_last; k < hi; k++) t->bits[k] = 0;
    for (int i = 0; i < e->count; i++) {
        if (!w.placed[i]) continue;
        const uint64_t bit = UINT64_C(1) << i;
        for (int64_t k = w.row[i].lo; k < min64(full_first, w.row[i].hi); k++) t->bits[k] |= bit;
        for (int64_t k = max64(full_last, w.row[i].lo); k < w.row[i].hi; k++) t->bits[k] |= bit;
    }
    tsr_tokens_add(e, t, lo, full_first, false);
    tsr_tokens_add(e, t, full_first, full_last, true);
    tsr_tokens_add(e, t, full_last, hi, false);
}

/* Places among the tokens of a key that a row sees at one power of two; empty where it sees none. */
static void power_places(const tsr_tile_eval *e, const tsr_set_node *n, const tsr_law_view *v, int power, int64_t *first, int64_t *last)
{
    const int64_t step = power / 2 ? INT64_C(1) << (power / 2 - 1) : 0, p = power % 2 ? v->position + step : v->position - step;
    *first = *last = 0;
    if (p < v->lo || p >= v->hi) return;
    *first = max64((p * n->dilation + v->residue) * n->div - n->origin, 0);
    *last = min64((p * n->dilation + v->residue + 1) * n->div - n->origin, e->s.nk);
}

/* Distances that are powers of two, along the tokens: only what lies near them is written. */
static void powers_tokens(tsr_tile_eval *e, const tsr_set_node *n, tokens *t)
{
    enum { POWERS = 2 * 44 }; /* before and after the query; no sequence is longer */
    tsr_keys_span near[POWERS];
    int count = 0;
    windows w;
    law_windows(e, n, &w);
    t->count = 0;
    if (!tsr_tile_need(e, &t->bits, e->s.nk)) return;
    for (int power = 0; power < POWERS; power++) {
        tsr_keys_span all = {e->s.nk, 0, false};
        for (int i = 0; i < e->count; i++) {
            int64_t first = 0, last = 0;
            if (w.placed[i]) power_places(e, n, &w.row[i], power, &first, &last);
            if (first < last) all.first = min64(all.first, first), all.last = max64(all.last, last);
        }
        if (all.first >= all.last) continue;
        int at = count++;
        for (; at > 0 && near[at - 1].first > all.first; at--) near[at] = near[at - 1];
        near[at] = all;
    }
    int64_t written = 0;
    for (int i = 0; i < count; i++) {
        const int64_t first = max64(near[i].first, written);
        for (int64_t k = first; k < near[i].last; k++) t->bits[k] = 0;
        tsr_tokens_add(e, t, first, near[i].last, false);
        written = max64(written, near[i].last);
    }
    for (int power = 0; power < POWERS; power++) {
        for (int i = 0; i < e->count; i++) {
            int64_t first = 0, last = 0;
            if (w.placed[i]) power_places(e, n, &w.row[i], power, &first, &last);
            for (int64_t k = first; k < last; k++) t->bits[k] |= UINT64_C(1) << i;
        }
    }
}

/* A law as bits by coordinate: [*first, *last) of e->line. */
static void law_line(tsr_tile_eval *e, const tsr_set_node *n, int64_t count, int64_t *first, int64_t *last)
{
    windows w;
    law_windows(e, n, &w);
    const int64_t d = n->dilation;
    *first = count, *last = 0;
    for (int i = 0; i < e->count; i++) {
        if (!w.placed[i]) continue;
        *first = min64(*first, w.row[i].lo * d + w.row[i].residue);
        *last = max64(*last, (w.row[i].hi - 1) * d + w.row[i].residue + 1);
    }
    *last = min64(*last, count);
    if (*first >= *last) *first = *last = 0;
    if (*first == *last) return;
    memset(e->line + *first, 0, (size_t)(*last - *first) * sizeof(*e->line));
    for (int i = 0; i < e->count; i++) {
        if (!w.placed[i]) continue;
        const tsr_law_view *v = &w.row[i];
        const uint64_t bit = UINT64_C(1) << i;
        if (n->flags & TSR_LAW_POWERS) {
            for (int64_t step = 0; step < max64(v->hi - v->position, v->position - v->lo + 1); step = step ? 2 * step : 1) {
                for (int side = -1; side <= 1; side += 2) {
                    const int64_t p = v->position + side * step;
                    if (p >= v->lo && p < v->hi) e->line[p * d + v->residue] |= bit;
                }
            }
            continue;
        }
        const int64_t begin = v->lo * d + v->residue, end = v->hi * d + v->residue; /* turned on here, off there, added up below */
        e->line[begin] ^= bit;
        if (end < *last) e->line[end] ^= bit;
    }
    if (n->flags & TSR_LAW_POWERS) return;
    for (int64_t y = *first + d; y < *last; y++) e->line[y] ^= e->line[y - d];
}

static void keys_line(tsr_tile_eval *e, const tsr_set_node *n, int64_t *first, int64_t *last)
{
    tsr_range_of(&e->s, n, first, last);
    for (int64_t y = *first; y < *last; y++) e->line[y] = e->all;
}

/* LAW or KEYS as a factor: bits by coordinate, then by place. */
static void axis_factor(tsr_tile_eval *e, const tsr_set_node *n, product *p)
{
    const int64_t extent = tsr_axis_extent(&e->s, n->axis), count = tsr_law_coordinates(n, extent);
    int64_t first, last;
    if (count > e->line_size) {
        free(e->line);
        e->line = NULL;
        e->line_size = max64(count, e->s.nk);
        if (!tsr_tile_need(e, &e->line, e->line_size)) {
            e->line_size = 0;
            return;
        }
    }
    if (n->op == TSR_SET_LAW)
        law_line(e, n, count, &first, &last);
    else
        keys_line(e, n, &first, &last);
    p->by_axis[n->axis] = true;
    uint64_t *to;
    int64_t from = 0, end = extent;
    if (n->axis == TSR_AXIS_TOKEN) {
        if (!(to = tsr_tile_need(e, &p->t.bits, e->s.nk))) return;
        if (!n->mod) from = max64(0, first * n->div - n->origin), end = max64(from, min64(extent, last * n->div - n->origin));
        if (first >= last) end = from;
        p->t.count = 0;
        tsr_tokens_add(e, &p->t, from, end, false);
    } else if (!(to = tsr_tile_need(e, &p->axis[n->axis], extent))) {
        return;
    }
    if (n->div == 1 && !n->mod && !n->origin) { /* coordinates are places */
        if (end > from) memset(to + from, 0, (size_t)(end - from) * sizeof(*to));
        if (last > first) memcpy(to + first, e->line + first, (size_t)(last - first) * sizeof(*to));
        return;
    }
    for (int64_t x = from; x < end; x++) {
        const int64_t y = tsr_law_coordinate(n, x);
        to[x] = y >= first && y < last ? e->line[y] : 0;
    }
}

static uint64_t queries_rows(const tsr_tile_eval *e, const tsr_set_node *n)
{
    uint64_t bits = 0;
    int64_t first, last, x;
    tsr_range_of(&e->s, n, &first, &last);
    for (int i = 0; i < e->count; i++) {
        if (!tsr_axis_place(&e->s, n->axis, e->rows[i] + e->s.set->query_first, &x)) continue;
        x = tsr_law_coordinate(n, x);
        if (x >= first && x < last) bits |= UINT64_C(1) << i;
    }
    return bits;
}

static void ids_tokens(tsr_tile_eval *e, const tsr_set_node *n, uint64_t *bits)
{
    int32_t id[TSR_TILE_MAX]; /* each id of the tile once, with the rows that have it */
    uint64_t rows[TSR_TILE_MAX];
    int ids = 0;
    for (int i = 0; i < e->count; i++) {
        const int32_t own = n->query_ids[e->s.first_q + e->rows[i]];
        int at = 0;
        while (at < ids && id[at] != own) at++;
        if (at == ids) id[ids] = own, rows[ids++] = 0;
        rows[at] |= UINT64_C(1) << i;
    }
    for (int64_t k = 0; k < e->s.nk; k++) {
        const int32_t key = n->key_ids[e->s.first_k + k];
        uint64_t seen = 0;
        for (int i = 0; i < ids; i++) seen |= tsr_ids_hold(n, id[i], key) ? rows[i] : 0;
        bits[k] = seen;
    }
}

static void blocks_tokens(tsr_tile_eval *e, const tsr_set_node *n, uint64_t *bits)
{
    uint64_t seen = 0;
    for (int64_t k = 0; k < e->s.nk; k++) {
        const int64_t column = k / n->block_k;
        if (k % n->block_k == 0) {
            seen = 0;
            for (int i = 0; i < e->count && column < n->block_columns; i++) {
                const int64_t row = e->rows[i] / n->block_q;
                if (row < n->block_rows && n->blocks[row * n->block_columns + column]) seen |= UINT64_C(1) << i;
            }
        }
        bits[k] = seen;
    }
}

/* On the tokens as they are. */
static bool is_plain(const tsr_set_node *n) { return n->axis == TSR_AXIS_TOKEN && n->div == 1 && !n->mod && !n->origin; }

static bool is_band(const tsr_set_node *n) { return n->op == TSR_SET_LAW && is_plain(n) && n->dilation == 1 && !(n->flags & TSR_LAW_POWERS); }

void tsr_tile_leaf(tsr_tile_eval *e, const tsr_set_node *n, product *p)
{
    p->rows = e->all;
    memset(p->by_axis, 0, sizeof(p->by_axis));
    p->later_count = 0;
    if (n->op == TSR_SET_QUERIES) {
        p->rows = queries_rows(e, n);
    } else if (is_band(n)) {
        p->by_axis[0] = true;
        band_tokens(e, n, &p->t);
    } else if (n->op == TSR_SET_KEYS && is_plain(n)) {
        int64_t first, last;
        tsr_range_of(&e->s, n, &first, &last);
        p->by_axis[0] = true;
        p->t.count = 0;
        tsr_tokens_add(e, &p->t, first, last, true);
    } else if (n->op == TSR_SET_LAW && n->flags & TSR_LAW_POWERS && n->axis == TSR_AXIS_TOKEN && !n->mod) {
        p->by_axis[0] = true;
        powers_tokens(e, n, &p->t);
    } else if (n->op == TSR_SET_LAW || n->op == TSR_SET_KEYS) {
        axis_factor(e, n, p);
    } else if (n->op == TSR_SET_EXPRESSION) {
        p->later[p->later_count++] = n;
    } else {
        p->by_axis[0] = true;
        p->t.count = 0;
        tsr_tokens_add(e, &p->t, 0, e->s.nk, false);
        if (!tsr_tile_need(e, &p->t.bits, e->s.nk)) return;
        if (n->op == TSR_SET_IDS)
            ids_tokens(e, n, p->t.bits);
        else
            blocks_tokens(e, n, p->t.bits);
    }
}
