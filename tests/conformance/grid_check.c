/* The verdict on a problem of the grid: right within the bounds, the same bits each time, nothing else written. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grid.h"

/* Moves an output out of what came back, packed; the poison that was sent takes its place. */
static void take(grid_run *g, int which, unsigned char *out)
{
    const grid_tensor *t = &g->t[which];
    const size_t size = tsr_dtype_size(t->layout.dtype);
    for (int64_t e = 0; t->used && e < grid_elements(t); e++) {
        unsigned char *back = g->b[t->buffer].back + grid_place_of(t, e);
        memcpy(out + (size_t)e * size, back, size);
        memset(back, 0xff, size);
    }
}

static bool nothing_else_written(const grid_run *g)
{
    bool same = true;
    for (int i = 0; i < g->buffers; i++) same = same && memcmp(g->b[i].sent, g->b[i].back, (size_t)g->b[i].bytes) == 0;
    return same;
}

typedef struct grid_result {
    int64_t rows, values;
    unsigned char *o, *lse;               /* as stored, packed */
    double *is, *want, *plain, *lse_want; /* decoded; the references */
} grid_result;

static bool allocate(grid_result *r, const grid_run *g)
{
    r->rows = grid_elements(&g->t[GRID_O]) / g->c->dv;
    r->values = grid_elements(&g->t[GRID_O]);
    const size_t n = (size_t)r->values + 1, rows = (size_t)r->rows + 1;
    r->o = malloc(n * sizeof(float));
    r->lse = malloc(rows * sizeof(float));
    r->is = malloc(n * sizeof(double));
    r->want = malloc(n * sizeof(double));
    r->plain = malloc(n * sizeof(double));
    r->lse_want = malloc(rows * sizeof(double));
    return r->o && r->lse && r->is && r->want && r->plain && r->lse_want;
}

static void free_result(grid_result *r)
{
    free(r->o);
    free(r->lse);
    free(r->is);
    free(r->want);
    free(r->plain);
    free(r->lse_want);
}

static suite_verdict check_lse(const grid_result *r, suite_run_context *run)
{
    for (int64_t row = 0; row < r->rows; row++) {
        const double is = oracle_load(TSR_F32, r->lse, row), want = r->lse_want[row];
        if (!(isinf(want) ? is == want : fabs(is - want) <= 5e-6 * fmax(1, fabs(want))))
            return suite_say(run, SUITE_FAIL, "log-sum-exp of row %lld is %.9g; expected %.9g", (long long)row, is, want);
    }
    return SUITE_PASS;
}

/* A device may flush fp32 subnormals to zero: only their size counts. */
static suite_verdict check_tiny(const grid_result *r, suite_run_context *run)
{
    for (int64_t e = 0; e < r->values; e++)
        if (!(fabs(r->is[e] - r->want[e]) <= (double)FLT_MIN))
            return suite_say(run, SUITE_FAIL, "element %lld is %g; expected %g", (long long)e, r->is[e], r->want[e]);
    return SUITE_PASS;
}

/* What an error may be where plain fp32 happens to be exact, as with a single key: the rounding of the division; and with loud
 * scores, which differ by whole weights once rounded, that of the largest of them. */
static double slack(const grid_case *c, const grid_result *r)
{
    double largest = 1;
    if (c->loud >= 1000 && c->softcap == 0)
        for (int64_t row = 0; row < r->rows; row++) largest = fmax(largest, isinf(r->lse_want[row]) ? 0 : fabs(r->lse_want[row]));
    return (double)FLT_EPSILON * largest;
}

/* In tile models matrix and packed probabilities are rounded to the inputs' type, each by half of its last place at most. */
static double rounding(const grid_case *c)
{
    if (c->tile != TSR_TILE_MATRIX && c->tile != TSR_TILE_PACKED) return 0;
    return c->v == TSR_BF16 ? exp2(-8) : exp2(-11);
}

static suite_verdict check_values(const grid_case *c, const grid_result *r, suite_run_context *run)
{
    static const double limits[] = {[TSR_F32] = 2e-6, [TSR_F16] = 1e-3, [TSR_BF16] = 8e-3};
    for (int64_t e = 0; e < r->values; e++) {
        if (isnan(r->is[e])) return suite_say(run, SUITE_FAIL, "element %lld of row %lld is NaN", (long long)(e % c->dv), (long long)(e / c->dv));
        if (isinf(r->lse_want[e / c->dv]) && r->is[e] != 0)
            return suite_say(run, SUITE_FAIL, "row %lld with no key has %g; expected 0", (long long)(e / c->dv), r->is[e]);
    }
    if (c->values == V_SUBNORMAL && c->v != TSR_F16) return check_tiny(r, run);
    const double error = oracle_error(r->is, r->want, (uint64_t)r->values), base = oracle_error(r->plain, r->want, (uint64_t)r->values);
    /* Scores near 1e4 round to 1e-3, and what lies below the normal numbers of f16 to more: there only plain fp32 is the measure. */
    const bool rough = c->loud >= 1000 || c->values == BIAS_LOWEST || c->values == V_SUBNORMAL;
    const double limit = rough ? INFINITY : fmax(limits[c->o], rounding(c)), allowed = 2 * base + slack(c, r) + rounding(c);
    if (!(error <= limit) || !(error <= allowed))
        return suite_say(run, SUITE_FAIL, "error %.2e; expected at most %.0e and %.2e, plain fp32 has %.2e", error, limit, allowed, base);
    return suite_say(run, SUITE_PASS, "error %.1e, plain fp32 %.1e", error, base);
}

/* Queries that are not compared count as right where they were written at all. */
static void leave_out(const grid_run *g, grid_result *r)
{
    for (int64_t row = 0; row < r->rows; row++) {
        if (oracle_sampled(g->rows, row % g->c->nq)) continue;
        r->lse_want[row] = g->c->lse ? oracle_load(TSR_F32, r->lse, row) : 0;
        for (int64_t e = row * g->c->dv; e < (row + 1) * g->c->dv; e++) {
            r->want[e] = r->plain[e] = 0;
            r->is[e] = isnan(r->is[e]) ? NAN : 0;
        }
    }
}

static suite_verdict check_first(grid_run *g, grid_result *r, suite_run_context *run)
{
    oracle_attention_inputs in = {.q = grid_sent(g, GRID_Q),
                                  .k = grid_sent(g, GRID_K),
                                  .v = grid_sent(g, GRID_V),
                                  .bias = grid_sent(g, GRID_BIAS),
                                  .mask = grid_sent(g, GRID_MASK),
                                  .sink = grid_sent(g, GRID_SINK),
                                  .pairs = g->c->sets ? g->heads.pairs_of : NULL,
                                  .rows = g->rows};
    take(g, GRID_O, r->o);
    take(g, GRID_LSE, r->lse);
    if (!nothing_else_written(g)) return suite_say(run, SUITE_FAIL, "something was written beside the outputs");
    tsr_attention_desc desc = g->desc;
    if (in.pairs) desc.band.bounded = 0; /* they know of it */
    if (!oracle_attention(&desc, &in, r->want, r->lse_want) || !oracle_plain(&desc, &in, r->plain))
        return suite_say(run, SUITE_FAIL, "no memory for the reference");
    for (int64_t e = 0; e < r->values; e++) r->is[e] = oracle_load(g->c->o, r->o, e);
    leave_out(g, r);
    const suite_verdict v = check_values(g->c, r, run);
    if (v != SUITE_PASS || !g->c->lse) return v;
    return check_lse(r, run);
}

/* Once more, whole or in pieces: the same bits, and again nothing else. */
static suite_verdict check_again(grid_run *g, const grid_result *first, bool pieces, suite_run_context *run)
{
    const char *what = pieces ? "a run in pieces" : "a second run";
    const tsr_status s = grid_run_device(g, run->dev, pieces);
    if (s != TSR_OK) return suite_error(run, s, what);
    const size_t o_bytes = (size_t)first->values * tsr_dtype_size(g->c->o), lse_bytes = g->c->lse ? (size_t)first->rows * sizeof(float) : 0;
    unsigned char *o = malloc(o_bytes + 1), *lse = malloc(lse_bytes + 1);
    suite_verdict v = SUITE_PASS;
    if (!o || !lse) {
        v = suite_say(run, SUITE_FAIL, "no memory to compare two runs");
    } else {
        take(g, GRID_O, o);
        take(g, GRID_LSE, lse);
        if (memcmp(o, first->o, o_bytes) != 0 || memcmp(lse, first->lse, lse_bytes) != 0)
            v = suite_say(run, SUITE_FAIL, "%s gave other bits", what);
        else if (!nothing_else_written(g))
            v = suite_say(run, SUITE_FAIL, "%s wrote beside the outputs", what);
    }
    free(o);
    free(lse);
    return v;
}

suite_verdict grid_verdict(const grid_case *c, uint64_t seed, suite_run_context *run)
{
    grid_run g;
    grid_result r = {0};
    suite_verdict v = SUITE_PASS;
    if (!grid_make(&g, c, seed) || !allocate(&r, &g)) {
        v = suite_say(run, SUITE_FAIL, "no memory for the inputs");
    } else {
        const tsr_status s = grid_run_device(&g, run->dev, false);
        v = s == TSR_OK ? check_first(&g, &r, run) : suite_error(run, s, "running");
    }
    if (v == SUITE_PASS && c->sets) v = grid_check_plan(&g, run);
    const bool once = c->row_step > 1;
    if (v == SUITE_PASS && !once) v = check_again(&g, &r, false, run);
    if (v == SUITE_PASS && !once) v = check_again(&g, &r, true, run);
    free_result(&r);
    grid_free(&g);
    return v;
}
