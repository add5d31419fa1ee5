/* Tiles passed over online: none of them by a wide margin, the right ones by a narrow one, and how far off the result is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/tessera_set.h"
#include "whole.h"

enum { WIDEST = 64 }; /* queries of a tile */

typedef struct skip_case {
    const char *name;
    int heads, kv_heads, nq, nk, d;
    bool causal, sink;
    uint32_t splits, tile;
} skip_case;

static const skip_case cases[] = {
    {"plain", 2, 2, 131, 451, 32, false, false, 1, 0},
    {"causal-gqa", 4, 2, 203, 330, 24, true, false, 1, 0},
    {"sink", 2, 1, 65, 200, 64, false, true, 1, 0},
    {"splits", 2, 2, 70, 700, 16, false, false, 3, 0},
    {"simt", 2, 2, 70, 451, 16, false, false, 1, TSR_TILE_SIMT},
    {"matrix", 2, 2, 70, 451, 16, false, false, 1, TSR_TILE_MATRIX},
    {"one-query", 3, 3, 1, 1030, 16, false, false, 1, 0},
};

/* Loud keys in every second head of k: at the front, as sinks are, and at the front of each split; few elsewhere. */
static bool make(whole *a, const skip_case *c, oracle_rng *rng)
{
    if (!whole_make(a, 1, c->heads, c->kv_heads, c->nq, c->nk, c->d, c->d, rng)) return false;
    for (int64_t j = 0; j < (int64_t)c->kv_heads * c->nk; j++) {
        const bool loud = j / c->nk % 2 == 0 && (j % c->nk % 256 == 3 || oracle_below(rng, 400) == 0);
        a->k[j * c->d] = loud ? 4 * sqrtf((float)c->d) : 0;
    }
    for (int64_t i = 0; i < (int64_t)c->heads * c->nq; i++) a->q[i * c->d] = 4 + (float)oracle_below(rng, 100) / 100;
    a->desc.splits = c->splits, a->desc.tile = c->tile;
    if (c->causal) a->desc.band = (tsr_band){.bounded = 1, .left = TSR_UNBOUNDED};
    if (c->sink) a->desc.sink = (tsr_layout){.shape = {1, c->heads, 1, 1}};
    if (c->tile == TSR_TILE_MATRIX) whole_inputs_f16(a);
    return true;
}

/* Far below 2^-126 no weight is left: the bits are those of no skipping at all. */
static suite_verdict run_never(const suite_case *sc, suite_run_context *run)
{
    const skip_case *c = &cases[sc->number];
    if (suite_takes_minutes(run, cases[sc->number].tile)) return SUITE_UNSUPPORTED;
    oracle_rng rng = oracle_seed(suite_seed_of(sc->name, run->seed));
    whole a;
    suite_verdict v = SUITE_FAIL;
    float *o = NULL, *lse = NULL;
    if (!make(&a, c, &rng) || !(o = malloc(4 * whole_size(&a.desc.o))) || !(lse = malloc(4 * whole_size(&a.desc.lse)))) {
        v = suite_say(run, SUITE_FAIL, "no memory");
    } else {
        tsr_status s = whole_run(&a, run->dev);
        memcpy(o, a.o, 4 * whole_size(&a.desc.o));
        memcpy(lse, a.lse, 4 * whole_size(&a.desc.lse));
        a.desc.skip = 1000;
        if (s == TSR_OK) s = whole_run(&a, run->dev);
        if (s != TSR_OK)
            v = suite_error(run, s, "running");
        else if (memcmp(o, a.o, 4 * whole_size(&a.desc.o)) || memcmp(lse, a.lse, 4 * whole_size(&a.desc.lse)))
            v = suite_say(run, SUITE_FAIL, "other bits than without skipping");
        else
            v = SUITE_PASS;
    }
    free(o);
    free(lse);
    whole_free(&a);
    return v;
}

/* The error that tsr_attention_desc.skip promises at most, against fp64; and that something was passed over. */
static suite_verdict check_bound(const whole *a, suite_run_context *run)
{
    const size_t values = whole_size(&a->desc.o), rows = whole_size(&a->desc.lse);
    const int64_t dv = a->desc.v.shape[3];
    double *want = malloc(values * sizeof(*want)), *lse = malloc(rows * sizeof(*lse));
    tsr_attention_desc desc = a->desc;
    desc.q.dtype = desc.k.dtype = desc.v.dtype = TSR_F32; /* as they are held here */
    const oracle_attention_inputs in = {.q = whole_tensor(&desc.q, a->q),
                                        .k = whole_tensor(&desc.k, a->k),
                                        .v = whole_tensor(&desc.v, a->v),
                                        .sink = whole_tensor(&a->desc.sink, a->desc.sink.shape[1] ? a->sink : NULL)};
    suite_verdict v = SUITE_PASS;
    if (!want || !lse || !oracle_attention(&desc, &in, want, lse)) v = suite_say(run, SUITE_FAIL, "no memory for the reference");
    double largest = 0, worst = 0;
    for (size_t i = 0; i < whole_size(&a->desc.v); i++) largest = fmax(largest, fabs((double)a->v[i]));
    const double lost = (double)a->desc.k.shape[2] * exp2(-(double)a->desc.skip);
    for (size_t i = 0; v == SUITE_PASS && i < values; i++) {
        const double error = fabs((double)a->o[i] - want[i]),
                     rounding = a->desc.tile == TSR_TILE_MATRIX ? exp2(-11) * largest : 0; /* of weights to fp16 */
        const double limit = 2 * lost * largest + rounding + 1e-5;
        worst = fmax(worst, error);
        if (!(error <= limit)) v = suite_say(run, SUITE_FAIL, "row %zu is off by %.1e; expected at most %.1e", i / (size_t)dv, error, limit);
    }
    for (size_t i = 0; v == SUITE_PASS && i < rows; i++)
        if (!(fabs((double)a->lse[i] - lse[i]) <= 2 * lost + 1e-5 * fabs(lse[i]) + 1e-5))
            v = suite_say(run, SUITE_FAIL, "log-sum-exp of row %zu is %.7g; expected %.7g", i, (double)a->lse[i], lse[i]);
    uint64_t skipped = 0;
    for (uint64_t i = 0; i < a->info.tile_count; i++) skipped += a->skipped[i];
    if (v == SUITE_PASS && (skipped == 0 || skipped >= a->info.tiles_visited))
        v = suite_say(run, SUITE_FAIL, "%llu of %llu tiles were passed over; expected some", (unsigned long long)skipped,
                      (unsigned long long)a->info.tiles_visited);
    if (v == SUITE_PASS)
        suite_say(run, v, "%llu of %llu tiles passed over, error %.1e, promised %.1e", (unsigned long long)skipped,
                  (unsigned long long)a->info.tiles_visited, worst, 2 * lost * largest);
    free(want);
    free(lse);
    return v;
}

/* What the definition passes over, tile by tile: for tiles of keys in order, without passes and splits. */
typedef struct walk {
    const whole *a;
    int64_t rows[WIDEST], row_count;
    double top[WIDEST];
    uint32_t skipped;
    bool close; /* some decision hangs on the rounding of a score */
} walk;

static double score(const whole *a, int64_t h, int64_t i, int64_t j)
{
    const int64_t d = a->desc.q.shape[3], heads = a->desc.q.shape[1], kv = h / (heads / a->desc.k.shape[1]);
    const float *q = a->q + (h * a->desc.q.shape[2] + i) * d, *k = a->k + (kv * a->desc.k.shape[2] + j) * d;
    double s = 0;
    for (int64_t n = 0; n < d; n++) s += (double)q[n] * (double)k[n];
    return s / sqrt((double)d);
}

static void walk_tile(walk *w, int64_t h, int64_t first, int64_t last)
{
    double most[WIDEST], nearest = -INFINITY;
    for (int64_t r = 0; r < w->row_count; r++) {
        most[r] = -INFINITY;
        for (int64_t j = first; j < last; j++) most[r] = fmax(most[r], score(w->a, h, w->rows[r], j));
        nearest = fmax(nearest, (most[r] - w->top[r]) / log(2.0) + (double)w->a->desc.skip);
    }
    w->close = w->close || fabs(nearest) < 1e-3;
    w->skipped += nearest < 0;
    for (int64_t r = 0; r < w->row_count && nearest >= 0; r++) w->top[r] = fmax(w->top[r], most[r]);
}

static suite_verdict check_counts(const whole *a, suite_run_context *run)
{
    const tsr_schedule *schedule;
    const tsr_status s = tsr_attention_get_schedule(a->plan, 0, &schedule);
    if (s != TSR_OK) return suite_error(run, s, "the schedule");
    const uint64_t heads = (uint64_t)a->desc.q.shape[1], tiles = a->info.tile_count / heads;
    const int64_t nk = a->desc.k.shape[2], bc = a->info.key_tile;
    uint64_t sure = 0;
    for (uint64_t n = 0; n < a->info.tile_count; n++) {
        walk w = {.a = a};
        tsr_schedule_tile tile = {.rows = w.rows};
        tsr_schedule_get_tile(schedule, n % tiles, &tile);
        w.row_count = tile.row_count;
        for (int64_t r = 0; r < w.row_count; r++) w.top[r] = -INFINITY;
        for (int64_t j = 0; j < nk; j += bc) walk_tile(&w, (int64_t)(n / tiles), j, j + bc < nk ? j + bc : nk);
        sure += !w.close;
        if (!w.close && a->skipped[n] != w.skipped)
            return suite_say(run, SUITE_FAIL, "piece %llu passed over %u tiles; expected %u", (unsigned long long)n, a->skipped[n], w.skipped);
    }
    return suite_say(run, 2 * sure > a->info.tile_count ? SUITE_PASS : SUITE_FAIL, "%llu of %llu pieces compared", (unsigned long long)sure,
                     (unsigned long long)a->info.tile_count);
}

/* One run with skipping, and what is checked of it. */
static suite_verdict run_skipping(const suite_case *sc, suite_run_context *run, float skip,
                                  suite_verdict (*check)(const whole *, suite_run_context *))
{
    if (suite_takes_minutes(run, cases[sc->number].tile)) return SUITE_UNSUPPORTED;
    oracle_rng rng = oracle_seed(suite_seed_of(sc->name, run->seed));
    whole a;
    suite_verdict v;
    if (!make(&a, &cases[sc->number], &rng)) {
        v = suite_say(run, SUITE_FAIL, "no memory");
    } else {
        a.desc.skip = skip;
        const tsr_status s = whole_run(&a, run->dev);
        v = s == TSR_OK ? check(&a, run) : suite_error(run, s, "running");
    }
    whole_free(&a);
    return v;
}

static suite_verdict run_bound(const suite_case *sc, suite_run_context *run) { return run_skipping(sc, run, 15, check_bound); }

/* 21: now one side, now the other. */
static suite_verdict run_counts(const suite_case *sc, suite_run_context *run) { return run_skipping(sc, run, 21, check_counts); }

int suite_add_skips(suite *s)
{
    char name[112];
    for (int i = 0; i < (int)(sizeof(cases) / sizeof(cases[0])); i++) {
        const skip_case *c = &cases[i];
        snprintf(name, sizeof(name), "skip/never/%s/%dx%d", c->name, c->nq, c->nk);
        if (!suite_add(s, name, run_never, NULL, i)) return 0;
        snprintf(name, sizeof(name), "skip/bound/%s/%dx%d", c->name, c->nq, c->nk);
        if (!suite_add(s, name, run_bound, NULL, i)) return 0;
        snprintf(name, sizeof(name), "skip/counts/%s/%dx%d", c->name, c->nq, c->nk);
        if (!c->causal && c->splits == 1 && !suite_add(s, name, run_counts, NULL, i)) return 0;
    }
    return 1;
}
