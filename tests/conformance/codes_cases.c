/* Attention in codes: against its own formula in fp64, where no code hangs on rounding, and against exact attention. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/codes.h"
#include "tessera/tessera_set.h"
#include "whole.h"

typedef struct codes_case {
    const char *name;
    int batch, heads, kv_heads, nq, nk, d, dv;
    tsr_codes codes;
    tsr_dtype dtype; /* of q, k, v and o */
    bool causal, sink;
    float softcap;
    uint32_t splits, tile;
    int dilation; /* of a set, whose keys lie apart; 0: none */
    bool played;  /* of tile model packed: also where there are no dot products of int8, and half a minute goes into compiling what plays them */
    double limit; /* of the error against exact attention; 0: not compared */
} codes_case;

#define SHAPE(b, h, kv, nq, nk, d, dv) b, h, kv, nq, nk, d, dv
static const codes_case cases[] = {
    {"plain", SHAPE(1, 2, 2, 131, 203, 64, 64), .codes = {.bits = 8}, .limit = 2e-2},
    {"smooth", SHAPE(2, 2, 1, 131, 203, 64, 64), .codes = {.bits = 8, .smooth = 1}, .limit = 2e-2},
    {"rows", SHAPE(1, 2, 2, 67, 129, 64, 64), .codes = {.bits = 8, .query_rows = 1, .key_rows = 1, .smooth = 1}, .limit = 2e-2},
    {"odd-groups", SHAPE(1, 4, 2, 90, 301, 67, 35), .codes = {.bits = 8, .query_rows = 37, .key_rows = 301, .smooth = 1}, .limit = 2e-2},
    {"long-heads", SHAPE(1, 1, 1, 33, 70, 160, 130), .codes = {.bits = 8, .query_rows = 32, .smooth = 1}, .limit = 2e-2},
    {"causal-sink-cap", SHAPE(1, 4, 2, 90, 150, 32, 32), .codes = {.bits = 8, .smooth = 1, .key_rows = 16}, .causal = true, .sink = true,
     .softcap = 20, .limit = 2e-2},
    {"splits", SHAPE(1, 2, 2, 5, 400, 32, 32), .codes = {.bits = 8, .smooth = 1, .query_rows = 4}, .sink = true, .splits = 3, .limit = 2e-2},
    {"four-bits", SHAPE(1, 2, 2, 65, 129, 32, 32), .codes = {.bits = 4, .smooth = 1}},
    {"f16-values", SHAPE(1, 2, 2, 131, 203, 64, 64), .codes = {.bits = 8, .smooth = 1, .values = TSR_F16}, .limit = 2e-2},
    {"f16-tensors", SHAPE(1, 2, 2, 70, 203, 32, 34), .codes = {.bits = 8, .smooth = 1, .values = TSR_F16}, .dtype = TSR_F16, .limit = 2e-2},
    {"i8-values", SHAPE(1, 4, 2, 131, 203, 64, 64), .codes = {.bits = 8, .smooth = 1, .values = TSR_I8}, .limit = 4e-2},
    {"i8-values-sink", SHAPE(2, 2, 2, 67, 300, 19, 21), .codes = {.bits = 8, .values = TSR_I8}, .sink = true, .limit = 4e-2},
    {"simt", SHAPE(1, 2, 1, 70, 131, 16, 20), .codes = {.bits = 8, .smooth = 1, .values = TSR_I8}, .tile = TSR_TILE_SIMT, .limit = 4e-2},
    {"matrix-f16", SHAPE(1, 4, 2, 70, 203, 67, 35), .codes = {.bits = 8, .smooth = 1, .values = TSR_F16}, .tile = TSR_TILE_MATRIX, .limit = 2e-2},
    {"matrix-i8", SHAPE(2, 2, 1, 67, 131, 64, 64), .codes = {.bits = 8, .smooth = 1, .values = TSR_I8}, .tile = TSR_TILE_MATRIX, .limit = 4e-2},
    {"matrix-i8-slices", SHAPE(1, 2, 2, 5, 200, 24, 130), .codes = {.bits = 8, .values = TSR_I8}, .sink = true, .tile = TSR_TILE_MATRIX,
     .limit = 4e-2},
    {"matrix-i8-causal", SHAPE(1, 2, 2, 83, 115, 40, 24), .codes = {.bits = 8, .values = TSR_I8}, .causal = true, .tile = TSR_TILE_MATRIX,
     .limit = 4e-2},
    {"matrix-i8-splits", SHAPE(1, 2, 2, 5, 400, 24, 24), .codes = {.bits = 8, .smooth = 1, .values = TSR_I8}, .sink = true, .splits = 3,
     .tile = TSR_TILE_MATRIX, .limit = 4e-2},
    {"matrix-f16-tensors", SHAPE(1, 2, 2, 35, 139, 128, 72), .codes = {.bits = 8, .smooth = 1, .query_rows = 32, .values = TSR_F16}, .dtype = TSR_F16,
     .sink = true, .tile = TSR_TILE_MATRIX, .limit = 2e-2},
    {"matrix-rows-cap", SHAPE(1, 2, 1, 67, 131, 48, 64), .codes = {.bits = 8, .query_rows = 1, .key_rows = 16, .values = TSR_F16}, .dtype = TSR_F16,
     .causal = true, .softcap = 20, .tile = TSR_TILE_MATRIX, .limit = 2e-2},
    {"matrix-i8-gathered", SHAPE(1, 2, 1, 67, 331, 64, 64), .codes = {.bits = 8, .values = TSR_I8}, .dilation = 3, .tile = TSR_TILE_MATRIX},
    {"packed", SHAPE(1, 4, 2, 70, 203, 67, 35), .codes = {.bits = 8, .smooth = 1}, .tile = TSR_TILE_PACKED, .played = true, .limit = 2e-2},
    {"packed-rows-cap", SHAPE(1, 2, 1, 67, 131, 40, 64), .codes = {.bits = 8, .query_rows = 1, .key_rows = 16}, .dtype = TSR_F16, .causal = true,
     .softcap = 20, .tile = TSR_TILE_PACKED, .limit = 2e-2},
    {"packed-f16", SHAPE(1, 4, 2, 70, 203, 128, 72), .codes = {.bits = 8, .smooth = 1, .values = TSR_F16}, .tile = TSR_TILE_PACKED, .played = true,
     .limit = 2e-2},
    {"packed-f16-tensors", SHAPE(1, 2, 2, 35, 139, 200, 136), .codes = {.bits = 8, .smooth = 1, .query_rows = 32, .values = TSR_F16},
     .dtype = TSR_F16, .sink = true, .tile = TSR_TILE_PACKED, .limit = 2e-2},
    {"packed-i8", SHAPE(2, 2, 1, 67, 131, 64, 64), .codes = {.bits = 8, .smooth = 1, .values = TSR_I8}, .tile = TSR_TILE_PACKED, .played = true,
     .limit = 4e-2},
    {"packed-i8-slices", SHAPE(1, 2, 2, 5, 200, 19, 133), .codes = {.bits = 8, .values = TSR_I8}, .sink = true, .tile = TSR_TILE_PACKED,
     .limit = 4e-2},
    {"packed-i8-causal", SHAPE(1, 2, 2, 83, 115, 40, 24), .codes = {.bits = 8, .values = TSR_I8}, .causal = true, .tile = TSR_TILE_PACKED,
     .limit = 4e-2},
    {"packed-i8-splits", SHAPE(1, 2, 2, 5, 400, 24, 24), .codes = {.bits = 8, .smooth = 1, .values = TSR_I8}, .sink = true, .splits = 3,
     .tile = TSR_TILE_PACKED, .limit = 4e-2},
    {"packed-gathered", SHAPE(1, 2, 1, 67, 331, 64, 64), .codes = {.bits = 8}, .dilation = 3, .tile = TSR_TILE_PACKED},
    {"packed-i8-gathered", SHAPE(1, 2, 1, 67, 331, 40, 64), .codes = {.bits = 8, .values = TSR_I8}, .dilation = 3, .tile = TSR_TILE_PACKED},
    {"packed-no-keys", SHAPE(1, 2, 2, 3, 0, 8, 8), .codes = {.bits = 8, .smooth = 1, .values = TSR_I8}, .sink = true, .tile = TSR_TILE_PACKED},
    {"i8-values-causal", SHAPE(1, 2, 2, 83, 115, 40, 24), .codes = {.bits = 8, .values = TSR_I8}, .causal = true, .limit = 4e-2},
    {"i8-values-splits", SHAPE(1, 2, 2, 5, 400, 24, 24), .codes = {.bits = 8, .smooth = 1, .values = TSR_I8}, .splits = 3, .limit = 4e-2},
    {"passes", SHAPE(1, 1, 1, 40, 2200, 64, 64), .codes = {.bits = 8, .smooth = 1, .values = TSR_I8}, .limit = 4e-2},
    {"one", SHAPE(1, 1, 1, 1, 1, 1, 1), .codes = {.bits = 8, .smooth = 1}, .limit = 2e-2},
    {"no-keys", SHAPE(1, 2, 2, 3, 0, 8, 8), .codes = {.bits = 8, .smooth = 1, .values = TSR_I8}, .sink = true},
};

/* One element moved off a tie, to a value of the storage type. */
static void nudge(float *x, double step, tsr_dtype dtype)
{
    uint32_t stored;
    oracle_store(dtype, &stored, 0, (double)*x + 0.2 * step);
    *x = (float)oracle_load(dtype, &stored, 0);
}

/* Moves ties of rows [n][d] in groups; whether there were any. */
static bool clear_rows(float *x, int64_t n, int64_t d, int64_t group, double levels, const double *centre, tsr_dtype dtype)
{
    bool any = false;
    for (int64_t first = 0; first < n; first += group) {
        const int64_t end = (first + group < n ? first + group : n) * d;
        double most = 0;
        for (int64_t e = first * d; e < end; e++) most = fmax(most, fabs((double)x[e] - (centre ? centre[e % d] : 0)));
        const double step = oracle_step(most, levels);
        for (int64_t e = first * d; e < end; e++) {
            if (!oracle_tie((double)x[e] - (centre ? centre[e % d] : 0), step)) continue;
            nudge(&x[e], step, dtype);
            any = true;
        }
    }
    return any;
}

static bool clear_columns(float *x, int64_t n, int64_t d, tsr_dtype dtype)
{
    bool any = false;
    for (int64_t c = 0; c < d; c++) {
        double most = 0;
        for (int64_t r = 0; r < n; r++) most = fmax(most, fabs((double)x[r * d + c]));
        for (int64_t r = 0; r < n; r++) {
            if (!oracle_tie((double)x[r * d + c], oracle_step(most, 127))) continue;
            nudge(&x[r * d + c], oracle_step(most, 127), dtype);
            any = true;
        }
    }
    return any;
}

/* Until no code hangs on how fp32 rounds. */
static bool clear_ties(whole *a, const codes_case *c)
{
    const tsr_codes *codes = &a->desc.codes;
    const double levels = exp2((double)codes->bits - 1) - 1;
    double *mean = malloc((size_t)c->d * sizeof(*mean));
    bool any = mean != NULL;
    for (int round = 0; any && round < 1000; round++) {
        any = false;
        for (int64_t h = 0; h < (int64_t)c->batch * c->heads; h++)
            any = clear_rows(a->q + h * c->nq * c->d, c->nq, c->d, codes->query_rows, levels, NULL, c->dtype) || any;
        for (int64_t h = 0; c->nk > 0 && h < (int64_t)c->batch * c->kv_heads; h++) {
            float *const k = a->k + h * c->nk * c->d;
            if (codes->smooth) oracle_means(k, c->nk, c->d, mean);
            any = clear_rows(k, c->nk, c->d, codes->key_rows, levels, codes->smooth ? mean : NULL, c->dtype) || any;
            if (codes->values == TSR_I8) any = clear_columns(a->v + h * c->nk * c->dv, c->nk, c->dv, c->dtype) || any;
        }
    }
    const bool clear = mean && !any;
    free(mean);
    return clear;
}

static void store(float *x, const tsr_layout *l)
{
    for (size_t i = 0; i < whole_size(l); i++) nudge(&x[i], 0, l->dtype);
}

static bool make(whole *a, const codes_case *c, oracle_rng *rng)
{
    if (!whole_make(a, c->batch, c->heads, c->kv_heads, c->nq, c->nk, c->d, c->dv, rng)) return false;
    /* Channels of k lie around means of their own, which smoothing is there for. */
    for (int64_t h = 0; c->codes.smooth && h < (int64_t)c->batch * c->kv_heads; h++) {
        for (int64_t n = 0; n < c->d; n++) {
            const float centre = 3 * (float)oracle_normal(rng);
            for (int64_t j = 0; j < c->nk; j++) a->k[(h * c->nk + j) * c->d + n] += centre;
        }
    }
    a->desc.q.dtype = a->desc.k.dtype = a->desc.v.dtype = a->desc.o.dtype = c->dtype;
    store(a->q, &a->desc.q);
    store(a->k, &a->desc.k);
    store(a->v, &a->desc.v);
    a->desc.codes = c->codes, a->desc.softcap = c->softcap, a->desc.splits = c->splits ? c->splits : 1, a->desc.tile = c->tile;
    if (a->desc.codes.query_rows == 0) a->desc.codes.query_rows = 128;
    if (a->desc.codes.key_rows == 0) a->desc.codes.key_rows = 64;
    if (c->causal) a->desc.band = (tsr_band){.bounded = 1, .left = TSR_UNBOUNDED};
    if (c->sink) a->desc.sink = (tsr_layout){.shape = {1, c->heads, 1, 1}};
    return clear_ties(a, c);
}

typedef struct reference {
    double *o, *lse, *slack, *exact, *exact_lse, *is;
} reference;

static bool refer(const whole *a, const codes_case *c, reference *r)
{
    const size_t values = whole_size(&a->desc.o) + 1, rows = whole_size(&a->desc.lse) + 1;
    double **const all[] = {&r->o, &r->exact, &r->is, &r->lse, &r->slack, &r->exact_lse};
    for (int i = 0; i < 6; i++)
        if (!(*all[i] = malloc((i < 3 ? values : rows) * sizeof(double)))) return false;
    tsr_attention_desc exact = a->desc;
    exact.codes = (tsr_codes){0};
    exact.q.dtype = exact.k.dtype = exact.v.dtype = TSR_F32; /* as they are held here */
    const oracle_attention_inputs in = {.q = whole_tensor(&exact.q, a->q),
                                        .k = whole_tensor(&exact.k, a->k),
                                        .v = whole_tensor(&exact.v, a->v),
                                        .sink = whole_tensor(&a->desc.sink, c->sink ? a->sink : NULL)};
    const oracle_coded_inputs coded = {a->q, a->k, a->v, c->sink ? a->sink : NULL, a->info.key_tile, a->info.query_tile, c->dilation};
    return oracle_attention(&exact, &in, r->exact, r->exact_lse) && oracle_coded(&a->desc, &coded, r->o, r->lse, r->slack);
}

static suite_verdict compare(const whole *a, const codes_case *c, const reference *r, suite_run_context *run)
{
    const size_t values = whole_size(&a->desc.o), rows = whole_size(&a->desc.lse), dv = (size_t)c->dv;
    for (size_t i = 0; i < rows; i++)
        if (!(isinf(r->lse[i]) ? (double)a->lse[i] == r->lse[i] : fabs((double)a->lse[i] - r->lse[i]) <= 1e-5 * fmax(1, fabs(r->lse[i]))))
            return suite_say(run, SUITE_FAIL, "log-sum-exp of row %zu is %.8g; expected %.8g", i, (double)a->lse[i], r->lse[i]);
    double slack = 0;
    for (size_t i = 0; i < values; i++) {
        const double is = (double)a->o[i], off = is - r->o[i];
        if (isnan(is)) return suite_say(run, SUITE_FAIL, "element %zu of row %zu is NaN", i % dv, i / dv);
        r->is[i] = r->o[i] + copysign(fmax(0, fabs(off) - r->slack[i / dv]), off);
        slack = fmax(slack, r->slack[i / dv]);
    }
    /* Drivers round to fp16 as they like; and where a set decides where tiles begin, probabilities may be rounded against another maximum. */
    const double rounding = c->dilation && c->codes.values == TSR_I8                   ? 5e-3
                            : c->tile == TSR_TILE_MATRIX && c->codes.values == TSR_F16 ? exp2(-11)
                                                                                       : 0;
    const double limit = rounding + (c->dtype == TSR_F32 ? 2e-6 : 5e-4), error = oracle_error(r->is, r->o, values);
    for (size_t i = 0; i < values; i++) r->is[i] = (double)a->o[i];
    const double loss = oracle_error(r->is, r->exact, values);
    const bool right = error <= limit && (c->limit == 0 || (loss <= c->limit && loss > 0) || c->nk <= 1);
    return suite_say(run, right ? SUITE_PASS : SUITE_FAIL, "error %.1e (at most %.0e, beside %.0e in a row), %.1e from exact attention (%.0e)", error,
                     limit, slack, loss, c->limit);
}

/* The same bits when codes are made anew. */
static suite_verdict again(whole *a, suite_run_context *run)
{
    const size_t bytes = whole_size(&a->desc.o) * sizeof(float);
    float *first = malloc(bytes + 1);
    suite_verdict v = first ? SUITE_PASS : suite_say(run, SUITE_FAIL, "no memory");
    if (first) memcpy(first, a->o, bytes);
    if (v == SUITE_PASS) {
        const tsr_status s = whole_run(a, run->dev);
        if (s != TSR_OK)
            v = suite_error(run, s, "running again");
        else if (memcmp(first, a->o, bytes))
            v = suite_say(run, SUITE_FAIL, "a second run gave other bits");
    }
    free(first);
    return v;
}

static suite_verdict run_codes(const suite_case *sc, suite_run_context *run)
{
    const codes_case *c = &cases[sc->number];
    if (suite_takes_minutes(run, c->tile)) return SUITE_UNSUPPORTED;
    if (c->tile == TSR_TILE_PACKED && !c->played && !(tsr_device_info_of(run->dev)->features & TSR_FEATURE_INT8_DOT))
        return suite_say(run, SUITE_UNSUPPORTED, "this device has no dot products of int8, which other cases play");
    oracle_rng rng = oracle_seed(suite_seed_of(sc->name, run->seed));
    whole a;
    reference r = {0};
    suite_verdict v;
    const tsr_set_node law = {.op = TSR_SET_LAW, .left = TSR_UNBOUNDED, .right = TSR_UNBOUNDED, .dilation = c->dilation};
    tsr_set *set = NULL;
    if (!make(&a, c, &rng)) {
        v = suite_say(run, SUITE_FAIL, "no inputs without ties");
    } else {
        tsr_status s = c->dilation ? tsr_set_create(&(tsr_set_desc){.nodes = &law, .node_count = 1}, &set) : TSR_OK;
        const tsr_set *const sets[] = {set};
        if (set) a.desc.sets = sets, a.desc.set_count = 1;
        if (s == TSR_OK) s = whole_run(&a, run->dev);
        if (s != TSR_OK)
            v = suite_error(run, s, "running");
        else if (!refer(&a, c, &r))
            v = suite_say(run, SUITE_FAIL, "no memory for the reference");
        else
            v = compare(&a, c, &r, run);
        if (v == SUITE_PASS) v = again(&a, run);
    }
    tsr_set_destroy(set);
    double *const all[] = {r.o, r.lse, r.slack, r.exact, r.exact_lse, r.is};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) free(all[i]);
    whole_free(&a);
    return v;
}

int suite_add_codes(suite *s)
{
    char name[112];
    for (int i = 0; i < (int)(sizeof(cases) / sizeof(cases[0])); i++) {
        snprintf(name, sizeof(name), "codes/%s/%dx%d", cases[i].name, cases[i].nq, cases[i].nk);
        if (!suite_add(s, name, run_codes, NULL, i)) return 0;
        if (cases[i].tile == TSR_TILE_PACKED) suite_mark_sampled(s);
    }
    return 1;
}
