/* Evaluates a set for a tile of queries: for every key, a bit for each row that sees it.
 *
 * On the way a set is kept as a product, as long as it is one: a factor for each grid axis and one over the
 * tokens, so that a window on a grid costs the length of its axes and not of its volume. Unions and complements
 * multiply it out. */
#include <stdlib.h>
#include <string.h>

#include "product.h"

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

uint64_t *tsr_tile_need(tsr_tile_eval *e, uint64_t **bits, int64_t count)
{
    if (!*bits && !(*bits = malloc((size_t)(count ? count : 1) * sizeof(**bits)))) e->failed = true;
    return *bits;
}

static uint64_t token_at(const tokens *t, int64_t k)
{
    return k < t->first || k >= t->last ? 0 : k >= t->full_first && k < t->full_last ? UINT64_MAX : t->bits[k];
}

static bool on_grid(const product *p) { return p->by_axis[1] || p->by_axis[2] || p->by_axis[3]; }

static uint64_t axis_at(const product *p, int axis, int64_t i) { return p->by_axis[axis] ? p->axis[axis][i] : UINT64_MAX; }

/* Multiplies out the grid's axes: p keeps the factor over tokens alone. */
static void multiply_grid(tsr_tile_eval *e, product *p)
{
    const int64_t *g = e->s.set->grid, text = e->s.set->text_before;
    const tokens old = p->by_axis[0] ? p->t : (tokens){.bits = p->t.bits, .full_last = e->s.nk, .last = e->s.nk};
    if (!tsr_tile_need(e, &p->t.bits, e->s.nk)) return;
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

/* The expressions, on runs of keys that some row may still see. */
static void evaluate_later(tsr_tile_eval *e, product *p)
{
    tokens *t = &p->t;
    uint64_t *seen = NULL;
    if (!tsr_tile_need(e, &t->bits, e->s.nk) || !tsr_tile_need(e, &seen, t->last - t->first)) return;
    for (int64_t k = t->first; k < t->last; k++) t->bits[k] = token_at(t, k) & e->all;
    t->full_first = t->full_last = t->last;
    for (int i = 0; i < p->later_count && !e->failed; i++) {
        for (int64_t k = t->first; k < t->last && !e->failed; k++) {
            int64_t end = k;
            while (end < t->last && t->bits[end]) end++;
            if (end > k && !tsr_set_expression_bits(&e->s, p->later[i], e->rows, e->count, k, end - k, seen)) e->failed = true;
            for (int64_t j = k; j < end && !e->failed; j++) t->bits[j] &= seen[j - k];
            k = end;
        }
    }
    p->later_count = 0;
    free(seen);
}

/* p becomes a factor over tokens. */
static void multiply(tsr_tile_eval *e, product *p)
{
    if (p->rows == 0) {
        p->t = (tokens){.bits = p->t.bits};
        p->later_count = 0;
    } else if (on_grid(p)) {
        multiply_grid(e, p);
    } else if (!p->by_axis[0]) {
        p->t = (tokens){.bits = p->t.bits, .full_last = e->s.nk, .last = e->s.nk};
    }
    if (!on_grid(p) && p->rows != e->all && p->rows != 0) {
        if (!tsr_tile_need(e, &p->t.bits, e->s.nk)) return;
        for (int64_t k = p->t.first; k < p->t.last; k++) p->t.bits[k] = token_at(&p->t, k) & p->rows;
        p->t.full_first = p->t.full_last = p->t.last;
    }
    if (p->later_count) evaluate_later(e, p);
    p->rows = e->all;
    memset(p->by_axis, 0, sizeof(p->by_axis));
    p->by_axis[0] = true;
}

/* a becomes a and b. */
static void intersect(tsr_tile_eval *e, product *a, product *b)
{
    if (a->later_count + b->later_count > MAX_LATER) multiply(e, b);
    if (e->failed) return;
    for (int i = 0; i < b->later_count; i++) a->later[a->later_count++] = b->later[i];
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
    tokens r = {.bits = tsr_tile_need(e, &a->t.bits, e->s.nk), .first = max64(a->t.first, b->t.first), .last = min64(a->t.last, b->t.last)};
    if (!r.bits) return;
    if (r.last < r.first) r.last = r.first;
    r.full_first = max64(a->t.full_first, b->t.full_first), r.full_last = min64(a->t.full_last, b->t.full_last);
    if (r.full_first >= r.full_last) r.full_first = r.full_last = r.last;
    for (int64_t k = r.first; k < r.full_first; k++) r.bits[k] = token_at(&a->t, k) & token_at(&b->t, k);
    for (int64_t k = r.full_last; k < r.last; k++) r.bits[k] = token_at(&a->t, k) & token_at(&b->t, k);
    a->t = r;
}

/* Of the rows of a factor over tokens, from one of its bounds to the next: none, all, or as its bits say. */
typedef enum span_kind { SPAN_NONE, SPAN_ALL, SPAN_BITS } span_kind;

static span_kind kind_at(const tokens *t, int64_t k)
{
    return k < t->first || k >= t->last ? SPAN_NONE : k >= t->full_first && k < t->full_last ? SPAN_ALL : SPAN_BITS;
}

/* a becomes a or b; both are factors over tokens. Where one of them is empty or full, nothing is looked at key by key. */
static void unite(tsr_tile_eval *e, product *a, const product *b)
{
    if (b->t.first >= b->t.last) return;
    if (a->t.first >= a->t.last) a->t.first = a->t.full_first = a->t.full_last = a->t.last = b->t.first;
    tokens r = {.bits = tsr_tile_need(e, &a->t.bits, e->s.nk), .first = min64(a->t.first, b->t.first), .last = max64(a->t.last, b->t.last)};
    if (!r.bits) return;
    const tokens *longer = a->t.full_last - a->t.full_first >= b->t.full_last - b->t.full_first ? &a->t : &b->t;
    r.full_first = longer->full_first, r.full_last = longer->full_last;
    if (r.full_first >= r.full_last) r.full_first = r.full_last = r.last;
    const int64_t bounds[] = {a->t.first,      a->t.full_first, a->t.full_last, a->t.last,    b->t.first,
                              b->t.full_first, b->t.full_last,  b->t.last,      r.full_first, r.full_last};
    for (int64_t k = r.first, end; k < r.last; k = end) {
        end = r.last;
        for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
            if (bounds[i] > k && bounds[i] < end) end = bounds[i];
        if (k >= r.full_first && k < r.full_last) continue;
        const span_kind of_a = kind_at(&a->t, k), of_b = kind_at(&b->t, k);
        const size_t bytes = (size_t)(end - k) * sizeof(*r.bits);
        if (of_a == SPAN_ALL || of_b == SPAN_ALL)
            for (int64_t i = k; i < end; i++) r.bits[i] = e->all;
        else if (of_a == SPAN_BITS && of_b == SPAN_BITS)
            for (int64_t i = k; i < end; i++) r.bits[i] |= b->t.bits[i];
        else if (of_b == SPAN_BITS)
            memcpy(r.bits + k, b->t.bits + k, bytes);
        else if (of_a == SPAN_NONE)
            memset(r.bits + k, 0, bytes);
    }
    a->t = r;
}

static void complement(tsr_tile_eval *e, product *p)
{
    if (!tsr_tile_need(e, &p->t.bits, e->s.nk)) return;
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
    e->stack[0].later_count = 0;
    for (size_t i = 0; i < set->node_count && !e->failed; i++) {
        const tsr_set_node *n = &set->nodes[i];
        if (n->op < TSR_SET_ALL_OF) {
            tsr_tile_leaf(e, n, &e->stack[top++]);
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
    if (on_grid(p) && !p->by_axis[0] && !p->later_count) { /* rows that form a box see a product of keys */
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
    *out = p->t.full_last - p->t.full_first;
    for (int64_t k = p->t.first; k < p->t.full_first; k++) *out += p->t.bits[k] != 0;
    for (int64_t k = p->t.full_last; k < p->t.last; k++) *out += p->t.bits[k] != 0;
    return TSR_OK;
}
