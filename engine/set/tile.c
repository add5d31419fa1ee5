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
    free(e->grid.bits);
    free(e);
}

uint64_t *tsr_tile_need(tsr_tile_eval *e, uint64_t **bits, int64_t count)
{
    if (!*bits && !(*bits = malloc((size_t)(count ? count : 1) * sizeof(**bits)))) e->failed = true;
    return *bits;
}

static bool on_grid(const product *p) { return p->by_axis[1] || p->by_axis[2] || p->by_axis[3]; }

static uint64_t axis_at(const product *p, int axis, int64_t i) { return p->by_axis[axis] ? p->axis[axis][i] : UINT64_MAX; }

/* Multiplies out the grid's axes alone: a line of the grid at a time, near ones in one span. */
static void expand_grid(tsr_tile_eval *e, const product *p, tokens *out)
{
    enum { NEAR = 256 };
    const int64_t *g = e->s.set->grid, text = e->s.set->text_before;
    out->count = 0;
    if (!tsr_tile_need(e, &out->bits, e->s.nk)) return;
    int64_t first = 0, written = -1; /* of the span at hand; -1: none */
    for (int64_t t = 0; t < g[0]; t++) {
        const uint64_t in_t = axis_at(p, 1, t) & p->rows;
        for (int64_t y = 0; in_t && y < g[1]; y++) {
            const uint64_t in_y = in_t & axis_at(p, 2, y);
            if (!in_y) continue;
            const int64_t row = text + (t * g[1] + y) * g[2];
            if (written >= 0 && row - written > NEAR) {
                tsr_tokens_add(e, out, first, written, false);
                written = -1;
            }
            if (written < 0) first = written = row;
            memset(out->bits + written, 0, (size_t)(row - written) * sizeof(*out->bits));
            for (int64_t x = 0; x < g[2]; x++) out->bits[row + x] = in_y & axis_at(p, 3, x);
            written = row + g[2];
        }
    }
    if (written >= 0) tsr_tokens_add(e, out, first, written, false);
}

/* The expressions, on runs of keys that some row may still see. */
static void evaluate_later(tsr_tile_eval *e, product *p)
{
    tokens *t = &p->t;
    tsr_tokens_mask(e, t, e->all);
    uint64_t *seen = NULL;
    if (e->failed || !tsr_tile_need(e, &seen, e->s.nk)) return;
    for (int i = 0; i < p->later_count; i++) {
        for (int n = 0; n < t->count; n++) {
            for (int64_t k = t->spans[n].first, last = t->spans[n].last; k < last && !e->failed; k++) {
                int64_t end = k;
                while (end < last && t->bits[end]) end++;
                if (end > k && !tsr_set_expression_bits(&e->s, p->later[i], e->rows, e->count, k, end - k, seen)) e->failed = true;
                for (int64_t j = k; j < end && !e->failed; j++) t->bits[j] &= seen[j - k];
                k = end;
            }
        }
    }
    p->later_count = 0;
    free(seen);
}

/* p becomes a factor over tokens. */
static void multiply(tsr_tile_eval *e, product *p)
{
    if (p->rows == 0) {
        p->t.count = 0;
        p->later_count = 0;
    } else if (on_grid(p)) {
        expand_grid(e, p, &e->grid);
        if (p->by_axis[0]) {
            tsr_tokens_intersect(e, &p->t, &e->grid);
        } else {
            const tokens swap = p->t;
            p->t = e->grid, e->grid = swap;
        }
    } else {
        if (!p->by_axis[0]) {
            p->t.count = 0;
            tsr_tokens_add(e, &p->t, 0, e->s.nk, true);
        }
        if (p->rows != e->all) tsr_tokens_mask(e, &p->t, p->rows);
    }
    if (e->failed) return;
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
    tsr_tokens_intersect(e, &a->t, &b->t);
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
                if (!e->failed) tsr_tokens_unite(e, &to->t, &to[a].t);
            }
        }
        if (n->op == TSR_SET_NOT && !e->failed) tsr_tokens_complement(e, &to->t);
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
    *out = (tsr_tile_keys){t->bits, t->spans, t->count};
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
    for (int i = 0; i < p->t.count; i++) {
        const tsr_keys_span *span = &p->t.spans[i];
        if (span->full) *out += span->last - span->first;
        for (int64_t k = span->first; k < span->last && !span->full; k++) *out += p->t.bits[k] != 0;
    }
    return TSR_OK;
}
