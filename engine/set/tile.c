/* Evaluates a set for a tile of queries: for every key, a bit for each row that sees it.
 *
 * On the way a set is kept as a product, as long as it is one: a factor for each grid axis and one over the
 * tokens, so that a window on a grid costs the length of its axes and not of its volume. Unions and complements
 * multiply it out. */
#include <stdlib.h>
#include <string.h>

#include "set.h"

/* A factor over tokens: 0 outside [first, last), all ones in [full_first, full_last), bits elsewhere. */
typedef struct tokens {
    uint64_t *bits; /* [nk], allocated at first use */
    int64_t first, full_first, full_last, last;
} tokens;

typedef struct product {
    uint64_t rows;     /* what is left of each row before all else */
    bool by_axis[4];   /* which factors there are; [0]: tokens */
    uint64_t *axis[4]; /* [1..3]: [extent], allocated at first use */
    tokens t;
} product;

struct tsr_tile_eval {
    tsr_sequence s;
    product *stack;
    uint64_t *line; /* a factor by coordinate, before div and mod are undone */
    int64_t line_size;
    const int64_t *rows;
    int count;
    uint64_t all;
    bool failed; /* for want of memory */
};

tsr_status tsr_tile_eval_create(const tsr_sequence *s, tsr_tile_eval **out)
{
    tsr_tile_eval *e = calloc(1, sizeof(*e));
    if (e) e->stack = calloc(TSR_SET_MAX_DEPTH, sizeof(*e->stack));
    if (!e || !e->stack) {
        tsr_tile_eval_destroy(e);
        return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory to evaluate a set");
    }
    e->s = *s;
    *out = e;
    return TSR_OK;
}

void tsr_tile_eval_destroy(tsr_tile_eval *e)
{
    if (!e) return;
    for (int i = 0; e->stack && i < TSR_SET_MAX_DEPTH; i++) {
        free(e->stack[i].t.bits);
        for (int a = 1; a < 4; a++) free(e->stack[i].axis[a]);
    }
    free(e->stack);
    free(e->line);
    free(e);
}

static uint64_t *need(tsr_tile_eval *e, uint64_t **bits, int64_t count)
{
    if (!*bits && !(*bits = malloc((size_t)(count ? count : 1) * sizeof(**bits)))) e->failed = true;
    return *bits;
}

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

static uint64_t token_at(const tokens *t, int64_t k)
{
    return k < t->first || k >= t->last ? 0 : k >= t->full_first && k < t->full_last ? UINT64_MAX : t->bits[k];
}

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
    *t = (tokens){.bits = t->bits};
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
    t->first = lo, t->last = hi;
    t->full_first = full ? lo_most : hi, t->full_last = full ? hi_least : hi;
    if ((t->full_first > lo || t->full_last < hi) && !need(e, &t->bits, e->s.nk)) return;
    for (int64_t k = lo; k < t->full_first; k++) t->bits[k] = 0;
    for (int64_t k = t->full_last; k < hi; k++) t->bits[k] = 0;
    for (int i = 0; i < e->count; i++) {
        if (!w.placed[i]) continue;
        const uint64_t bit = UINT64_C(1) << i;
        for (int64_t k = w.row[i].lo; k < min64(t->full_first, w.row[i].hi); k++) t->bits[k] |= bit;
        for (int64_t k = max64(t->full_last, w.row[i].lo); k < w.row[i].hi; k++) t->bits[k] |= bit;
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
        if (!need(e, &e->line, e->line_size)) {
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
        if (!(to = need(e, &p->t.bits, e->s.nk))) return;
        if (!n->mod) from = max64(0, first * n->div - n->origin), end = max64(from, min64(extent, last * n->div - n->origin));
        if (first >= last) end = from;
        p->t.first = from, p->t.last = p->t.full_first = p->t.full_last = end;
    } else if (!(to = need(e, &p->axis[n->axis], extent))) {
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

static bool is_band(const tsr_set_node *n)
{
    return n->op == TSR_SET_LAW && n->axis == TSR_AXIS_TOKEN && n->div == 1 && !n->mod && !n->origin && n->dilation == 1 &&
           !(n->flags & TSR_LAW_POWERS);
}

static void leaf(tsr_tile_eval *e, const tsr_set_node *n, product *p)
{
    p->rows = e->all;
    memset(p->by_axis, 0, sizeof(p->by_axis));
    if (n->op == TSR_SET_QUERIES) {
        p->rows = queries_rows(e, n);
    } else if (is_band(n)) {
        p->by_axis[0] = true;
        band_tokens(e, n, &p->t);
    } else if (n->op == TSR_SET_LAW || n->op == TSR_SET_KEYS) {
        axis_factor(e, n, p);
    } else {
        p->by_axis[0] = true;
        p->t.first = 0, p->t.full_first = p->t.full_last = p->t.last = e->s.nk;
        if (!need(e, &p->t.bits, e->s.nk)) return;
        if (n->op == TSR_SET_IDS)
            ids_tokens(e, n, p->t.bits);
        else if (n->op == TSR_SET_BLOCKS)
            blocks_tokens(e, n, p->t.bits);
        else if (!tsr_set_expression_bits(&e->s, n, e->rows, e->count, 0, e->s.nk, p->t.bits))
            e->failed = true;
    }
}

/* a becomes a and b. */
static void intersect(tsr_tile_eval *e, product *a, product *b)
{
    a->rows &= b->rows;
    for (int x = 1; x < 4; x++) {
        if (!b->by_axis[x]) continue;
        if (!a->by_axis[x]) {
            uint64_t *const swap = a->axis[x];
            a->axis[x] = b->axis[x], b->axis[x] = swap;
            a->by_axis[x] = true;
            continue;
        }
        for (int64_t i = 0; i < e->s.set->grid[x - 1]; i++) a->axis[x][i] &= b->axis[x][i];
    }
    if (!b->by_axis[0]) return;
    if (!a->by_axis[0]) {
        const tokens swap = a->t;
        a->t = b->t, b->t = swap;
        a->by_axis[0] = true;
        return;
    }
    tokens r = {.bits = need(e, &a->t.bits, e->s.nk), .first = max64(a->t.first, b->t.first), .last = min64(a->t.last, b->t.last)};
    if (!r.bits) return;
    if (r.last < r.first) r.last = r.first;
    r.full_first = max64(a->t.full_first, b->t.full_first), r.full_last = min64(a->t.full_last, b->t.full_last);
    if (r.full_first >= r.full_last) r.full_first = r.full_last = r.last;
    for (int64_t k = r.first; k < r.full_first; k++) r.bits[k] = token_at(&a->t, k) & token_at(&b->t, k);
    for (int64_t k = r.full_last; k < r.last; k++) r.bits[k] = token_at(&a->t, k) & token_at(&b->t, k);
    a->t = r;
}

static bool on_grid(const product *p) { return p->by_axis[1] || p->by_axis[2] || p->by_axis[3]; }

static uint64_t axis_at(const product *p, int axis, int64_t i) { return p->by_axis[axis] ? p->axis[axis][i] : UINT64_MAX; }

/* Multiplies out the grid's axes: p keeps the factor over tokens alone. */
static void multiply_grid(tsr_tile_eval *e, product *p)
{
    const int64_t *g = e->s.set->grid, text = e->s.set->text_before;
    const tokens old = p->by_axis[0] ? p->t : (tokens){.bits = p->t.bits, .full_last = e->s.nk, .last = e->s.nk};
    if (!need(e, &p->t.bits, e->s.nk)) return;
    tokens r = {.bits = p->t.bits, .first = -1};
    int64_t written = 0; /* up to here r.bits is */
    for (int64_t t = 0; t < g[0]; t++) {
        const uint64_t in_t = axis_at(p, 1, t) & p->rows;
        if (!in_t) continue;
        for (int64_t y = 0; y < g[1]; y++) {
            const uint64_t in_y = in_t & axis_at(p, 2, y);
            if (!in_y) continue;
            const int64_t row = text + (t * g[1] + y) * g[2];
            if (r.first < 0) r.first = written = row;
            memset(r.bits + written, 0, (size_t)(row - written) * sizeof(*r.bits));
            for (int64_t x = 0; x < g[2]; x++) r.bits[row + x] = in_y & axis_at(p, 3, x) & token_at(&old, row + x);
            written = row + g[2];
        }
    }
    if (r.first < 0) r.first = 0;
    r.last = r.full_first = r.full_last = max64(written, r.first);
    p->t = r;
}

/* p becomes a factor over tokens. */
static void multiply(tsr_tile_eval *e, product *p)
{
    if (on_grid(p)) {
        multiply_grid(e, p);
    } else if (!p->by_axis[0]) {
        p->t = (tokens){.bits = p->t.bits, .full_last = e->s.nk, .last = e->s.nk};
    }
    if (!on_grid(p) && p->rows != e->all) {
        if (!need(e, &p->t.bits, e->s.nk)) return;
        for (int64_t k = p->t.first; k < p->t.last; k++) p->t.bits[k] = token_at(&p->t, k) & p->rows;
        p->t.full_first = p->t.full_last = p->t.last;
    }
    p->rows = e->all;
    memset(p->by_axis, 0, sizeof(p->by_axis));
    p->by_axis[0] = true;
}

/* a becomes a or b; both are factors over tokens. */
static void unite(tsr_tile_eval *e, product *a, const product *b)
{
    if (b->t.first >= b->t.last) return;
    tokens r = {.bits = need(e, &a->t.bits, e->s.nk), .first = min64(a->t.first, b->t.first), .last = max64(a->t.last, b->t.last)};
    if (!r.bits) return;
    if (a->t.first >= a->t.last) r.first = b->t.first, r.last = b->t.last;
    const tokens *longer = a->t.full_last - a->t.full_first >= b->t.full_last - b->t.full_first ? &a->t : &b->t;
    r.full_first = longer->full_first, r.full_last = longer->full_last;
    if (r.full_first >= r.full_last) r.full_first = r.full_last = r.last;
    for (int64_t k = r.first; k < r.full_first; k++) r.bits[k] = (token_at(&a->t, k) | token_at(&b->t, k)) & e->all;
    for (int64_t k = r.full_last; k < r.last; k++) r.bits[k] = (token_at(&a->t, k) | token_at(&b->t, k)) & e->all;
    a->t = r;
}

static void complement(tsr_tile_eval *e, product *p)
{
    if (!need(e, &p->t.bits, e->s.nk)) return;
    for (int64_t k = 0; k < e->s.nk; k++) p->t.bits[k] = ~token_at(&p->t, k) & e->all;
    p->t.first = 0;
    p->t.full_first = p->t.full_last = p->t.last = e->s.nk;
}

static tsr_status evaluate(tsr_tile_eval *e, const int64_t *rows, int count)
{
    const tsr_set *set = e->s.set;
    e->rows = rows, e->count = count, e->all = count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
    e->failed = false;
    size_t top = 0;
    e->stack[0].rows = e->all;
    memset(e->stack[0].by_axis, 0, sizeof(e->stack[0].by_axis));
    for (size_t i = 0; i < set->node_count && !e->failed; i++) {
        const tsr_set_node *n = &set->nodes[i];
        if (n->op < TSR_SET_ALL_OF) {
            leaf(e, n, &e->stack[top++]);
            continue;
        }
        top -= n->count;
        product *const to = &e->stack[top++];
        if (n->op != TSR_SET_ALL_OF) multiply(e, to);
        for (uint32_t a = 1; a < n->count && !e->failed; a++) {
            if (n->op == TSR_SET_ALL_OF) {
                intersect(e, to, to + a);
            } else {
                multiply(e, to + a);
                if (!e->failed) unite(e, to, to + a);
            }
        }
        if (n->op == TSR_SET_NOT && !e->failed) complement(e, to);
    }
    return e->failed ? tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory to evaluate a set over %lld keys", (long long)e->s.nk) : TSR_OK;
}

tsr_status tsr_tile_eval_run(tsr_tile_eval *e, const int64_t *rows, int count, tsr_tile_keys *out)
{
    tsr_status s = evaluate(e, rows, count);
    if (s != TSR_OK) return s;
    multiply(e, &e->stack[0]);
    if (e->failed) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory to evaluate a set over %lld keys", (long long)e->s.nk);
    const tokens *t = &e->stack[0].t;
    *out = (tsr_tile_keys){t->bits, t->first, t->full_first, t->full_last, t->last};
    return TSR_OK;
}

tsr_status tsr_tile_eval_count(tsr_tile_eval *e, const int64_t *rows, int count, int64_t *out)
{
    tsr_status s = evaluate(e, rows, count);
    if (s != TSR_OK) return s;
    product *p = &e->stack[0];
    *out = 0;
    if (on_grid(p) && !p->by_axis[0]) { /* rows that form a box see a product of keys */
        *out = p->rows != 0;
        for (int a = 1; a < 4; a++) {
            int64_t seen = 0;
            for (int64_t i = 0; i < e->s.set->grid[a - 1]; i++) seen += (axis_at(p, a, i) & p->rows) != 0;
            *out *= seen;
        }
        return TSR_OK;
    }
    multiply(e, p);
    if (e->failed) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory to evaluate a set over %lld keys", (long long)e->s.nk);
    for (int64_t k = p->t.first; k < p->t.last; k++) *out += k >= p->t.full_first && k < p->t.full_last ? 1 : p->t.bits[k] != 0;
    return TSR_OK;
}
