/* The attention grid: every feature, crossed, at awkward sizes, against the fp64 reference. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

typedef enum spread { NONE, FULL, BATCH, HEADS, ROW, COLUMN } spread; /* which axes of bias or mask are 1 */

typedef struct grid_case {
    tsr_dtype q, k, v, o;
    int batch, heads, kv_heads, nq, nk, d, dv;
    bool bnhd, padded;
    tsr_set set;
    float scale, softcap, loud; /* loud: factor on q, for large scores */
    spread bias, mask;
    tsr_dtype bias_dtype;
    bool sink, lse;
    uint32_t splits, tile;
} grid_case;

#define CAUSAL                                                                                                                                       \
    {                                                                                                                                                \
        1, TSR_ALIGN_BOTTOM_RIGHT, TSR_UNBOUNDED, 0                                                                                                  \
    }
#define DENSE(n, m, D) .batch = 1, .heads = 2, .kv_heads = 2, .nq = n, .nk = m, .d = D, .dv = D
#define TYPE(t) .q = t, .k = t, .v = t, .o = t

static const struct {
    const char *name;
    grid_case c;
} fixed[] = {
    {"single", {TYPE(TSR_F32), DENSE(1, 1, 64), .lse = true}},
    {"no-keys", {TYPE(TSR_F32), DENSE(3, 0, 64), .lse = true}},
    {"no-queries", {TYPE(TSR_F32), DENSE(0, 7, 64), .lse = true}},
    {"no-keys-sink", {TYPE(TSR_F32), DENSE(3, 0, 64), .lse = true, .sink = true}},
    {"d1", {TYPE(TSR_F32), DENSE(17, 65, 1), .lse = true}},
    {"d3", {TYPE(TSR_F32), DENSE(65, 17, 3), .lse = true}},
    {"d40", {TYPE(TSR_F16), DENSE(113, 203, 40), .lse = true}},
    {"d59", {TYPE(TSR_BF16), DENSE(108, 256, 59)}},
    {"d96-dv32", {TYPE(TSR_F32), .batch = 1, .heads = 2, .kv_heads = 1, .nq = 63, .nk = 129, .d = 96, .dv = 32, .lse = true}},
    {"d111-dv160", {TYPE(TSR_F32), .batch = 1, .heads = 1, .kv_heads = 1, .nq = 37, .nk = 101, .d = 111, .dv = 160}},
    {"d128-f32", {TYPE(TSR_F32), DENSE(128, 217, 128), .lse = true}},
    {"d256", {TYPE(TSR_F16), DENSE(33, 113, 256), .lse = true}},
    {"d384", {TYPE(TSR_F32), .batch = 1, .heads = 1, .kv_heads = 1, .nq = 41, .nk = 67, .d = 384, .dv = 384}},
    {"d512", {TYPE(TSR_F32), .batch = 1, .heads = 1, .kv_heads = 1, .nq = 19, .nk = 65, .d = 512, .dv = 512, .lse = true}},
    {"d1024", {TYPE(TSR_F16), .batch = 1, .heads = 1, .kv_heads = 1, .nq = 13, .nk = 67, .d = 1024, .dv = 1024}},
    {"long", {TYPE(TSR_F32), .batch = 1, .heads = 1, .kv_heads = 1, .nq = 64, .nk = 1023, .d = 64, .dv = 64, .lse = true}},
    {"split2", {TYPE(TSR_F32), DENSE(3, 1024, 64), .lse = true, .splits = 2}},
    {"split5", {TYPE(TSR_F16), DENSE(1, 339, 64), .lse = true, .splits = 5}},
    {"split17-causal-sink", {TYPE(TSR_F32), DENSE(3, 799, 64), .lse = true, .splits = 17, .set = CAUSAL, .sink = true}},
    {"split-empty", {TYPE(TSR_F32), DENSE(2, 3, 64), .lse = true, .splits = 3}},
    {"loud", {TYPE(TSR_F32), DENSE(65, 129, 64), .loud = 3000, .lse = true}},
    {"loud-f16", {TYPE(TSR_F16), DENSE(65, 129, 64), .loud = 1000}},
    {"scale", {TYPE(TSR_F32), DENSE(65, 129, 64), .scale = 0.7f}},
    {"cap1", {TYPE(TSR_F32), DENSE(65, 129, 64), .softcap = 1, .loud = 4}},
    {"cap15", {TYPE(TSR_F32), DENSE(113, 203, 64), .softcap = 15, .loud = 8, .lse = true}},
    {"cap50-causal", {TYPE(TSR_F16), DENSE(113, 203, 64), .softcap = 50, .loud = 8, .set = CAUSAL}},
    {"causal-short-keys", {TYPE(TSR_F32), DENSE(203, 113, 64), .set = CAUSAL, .lse = true}},
    {"causal-decode", {TYPE(TSR_F32), DENSE(1, 239, 64), .set = CAUSAL, .lse = true}},
    {"causal-square", {TYPE(TSR_BF16), DENSE(127, 127, 64), .set = CAUSAL, .lse = true}},
    {"causal-top-left", {TYPE(TSR_F32), DENSE(113, 203, 64), .set = {1, TSR_ALIGN_TOP_LEFT, TSR_UNBOUNDED, 0}, .lse = true}},
    {"window", {TYPE(TSR_F32), DENSE(257, 512, 64), .set = {1, TSR_ALIGN_BOTTOM_RIGHT, 40, 7}, .lse = true}},
    {"window-zero", {TYPE(TSR_F32), DENSE(130, 130, 64), .set = {1, TSR_ALIGN_BOTTOM_RIGHT, 0, 0}, .lse = true}},
    {"window-beyond", {TYPE(TSR_F32), DENSE(64, 9, 64), .set = {1, TSR_ALIGN_TOP_LEFT, 3, 0}, .lse = true}},
    {"bias-full", {TYPE(TSR_F32), DENSE(65, 129, 64), .bias = FULL, .lse = true}},
    {"bias-heads-f16",
     {TYPE(TSR_F16), .batch = 2, .heads = 4, .kv_heads = 2, .nq = 65, .nk = 67, .d = 64, .dv = 64, .bias = HEADS, .bias_dtype = TSR_F16}},
    {"bias-row-bf16",
     {TYPE(TSR_F32), .batch = 2, .heads = 2, .kv_heads = 2, .nq = 65, .nk = 67, .d = 64, .dv = 64, .bias = ROW, .bias_dtype = TSR_BF16}},
    {"mask-full", {TYPE(TSR_F32), DENSE(65, 129, 64), .mask = FULL, .lse = true}},
    {"mask-batch", {TYPE(TSR_F32), .batch = 3, .heads = 2, .kv_heads = 1, .nq = 33, .nk = 67, .d = 64, .dv = 64, .mask = BATCH, .lse = true}},
    {"mask-column", {TYPE(TSR_F32), DENSE(65, 129, 64), .mask = COLUMN, .lse = true}},
    {"mask-row-sink", {TYPE(TSR_F32), DENSE(65, 129, 64), .mask = ROW, .sink = true, .lse = true}},
    {"everything",
     {TYPE(TSR_F16), .batch = 2, .heads = 4, .kv_heads = 2, .nq = 67, .nk = 131, .d = 64, .dv = 64, .bias = FULL, .mask = FULL, .set = CAUSAL,
      .softcap = 20, .sink = true, .lse = true, .bnhd = true}},
    {"mixed-types", {.q = TSR_F16, .k = TSR_BF16, .v = TSR_F32, .o = TSR_F16, DENSE(65, 129, 64), .lse = true}},
    {"tile-simt", {TYPE(TSR_F32), DENSE(70, 131, 64), .lse = true, .tile = TSR_TILE_SIMT}},
    {"tile-simt-d40-causal", {TYPE(TSR_F16), DENSE(113, 203, 40), .set = CAUSAL, .lse = true, .tile = TSR_TILE_SIMT}},
    {"tile-subgroup", {TYPE(TSR_F32), DENSE(70, 131, 64), .lse = true, .tile = TSR_TILE_SUBGROUP}},
    {"tile-vector", {TYPE(TSR_F32), DENSE(70, 131, 64), .lse = true, .tile = TSR_TILE_VECTOR}},
};

enum { FIXED = sizeof(fixed) / sizeof(fixed[0]), SAMPLED = 80 };

/* Crosses the features at random, from a seed of its own so that names stay; a handful of head dims and
 * types keeps the number of kernels to compile down. */
static grid_case sample(int number)
{
    static const int pairs[][2] = {{1, 147}, {113, 203}, {128, 217}, {113, 211}, {108, 256}, {256, 113}, {239, 1},
                                   {799, 3}, {3, 799},   {64, 128},  {127, 255}, {2, 2},     {17, 1023}};
    static const int dims[] = {64, 128, 80};
    static const tsr_dtype types[] = {TSR_F32, TSR_F16, TSR_BF16};
    oracle_rng r = oracle_seed(1000 + (uint64_t)number);
    const int family = number % 8; /* one set of compiled features each */
    const int *pair = pairs[oracle_below(&r, 13)];
    const tsr_dtype type = types[family % 3];
    grid_case c = {TYPE(type), .batch = 1 + (int)oracle_below(&r, 2), .heads = 4, .nq = pair[0], .nk = pair[1]};
    c.kv_heads = 1 << oracle_below(&r, 3);
    c.d = c.dv = dims[family < 6 ? 0 : family - 5];
    c.bnhd = oracle_below(&r, 2);
    c.padded = oracle_below(&r, 2);
    c.lse = family % 2;
    c.sink = family == 3;
    if (family == 1 || family == 4 || family == 6) c.set = (tsr_set)CAUSAL;
    if (family == 2)
        c.set = (tsr_set){1, oracle_below(&r, 2) ? TSR_ALIGN_TOP_LEFT : TSR_ALIGN_BOTTOM_RIGHT, oracle_below(&r, 200),
                          oracle_below(&r, 3) ? oracle_below(&r, 60) : TSR_UNBOUNDED};
    if (family == 4) c.bias = 1 + oracle_below(&r, 5);
    if (family == 5) c.mask = 1 + oracle_below(&r, 5);
    if (family == 5) c.softcap = 30;
    return c;
}

typedef struct host_tensor {
    oracle_tensor t;
    uint64_t bytes; /* with guards */
    tsr_buffer *buf;
} host_tensor;

enum { GUARD = 64 }; /* elements after the last */

/* Strides of a [B,H,N,D] tensor: in this order or as BNHD, with holes between rows where padded. */
static void set_layout(host_tensor *h, tsr_dtype dtype, int64_t b, int64_t heads, int64_t n, int64_t d, bool bnhd, bool padded)
{
    tsr_layout *l = &h->t.layout;
    *l = (tsr_layout){.dtype = dtype, .shape = {b, heads, n, d}};
    const int64_t row = d + (padded ? 5 : 0), m = n > 0 ? n : 1;
    l->stride[3] = 1;
    l->stride[2] = bnhd ? heads * row : row;
    l->stride[1] = bnhd ? row : m * row;
    l->stride[0] = heads * m * row + (padded ? 3 : 0);
}

static bool allocate(host_tensor *h)
{
    int64_t extent = 0;
    const tsr_layout *l = &h->t.layout;
    if (l->shape[0] && l->shape[1] && l->shape[2] && l->shape[3])
        for (int i = 0; i < 4; i++) extent += (l->shape[i] - 1) * l->stride[i];
    h->bytes = (uint64_t)(extent + 1 + GUARD) * tsr_dtype_size(l->dtype);
    h->t.data = malloc((size_t)h->bytes);
    if (h->t.data) memset(h->t.data, 0xff, (size_t)h->bytes); /* NaN in every floating type */
    return h->t.data != NULL;
}

static int64_t place_of(const tsr_layout *l, int64_t e)
{
    int64_t at = 0;
    for (int i = 3; i >= 0; i--) {
        at += e % l->shape[i] * l->stride[i];
        e /= l->shape[i];
    }
    return at;
}

static int64_t elements(const tsr_layout *l) { return l->shape[0] * l->shape[1] * l->shape[2] * l->shape[3]; }

static void fill(host_tensor *h, oracle_rng *r, double amplitude, double mean)
{
    for (int64_t e = 0; e < elements(&h->t.layout); e++)
        oracle_store(h->t.layout.dtype, h->t.data, place_of(&h->t.layout, e), mean + amplitude * oracle_normal(r));
}

static void set_spread(host_tensor *h, tsr_dtype dtype, spread s, const grid_case *c)
{
    set_layout(h, dtype, s == FULL || s == BATCH ? c->batch : 1, s == FULL || s == HEADS ? c->heads : 1, s == COLUMN ? 1 : c->nq,
               s == ROW ? 1 : c->nk, false, false);
}

enum { Q, K, V, BIAS, MASK, SINK, O, LSE, TENSORS };

typedef struct grid_run {
    const grid_case *c;
    host_tensor t[TENSORS];
    bool used[TENSORS];
    tsr_attention_desc desc;
    tsr_attention *plan;
} grid_run;

static bool make_inputs(grid_run *g, uint64_t seed)
{
    const grid_case *c = g->c;
    host_tensor *t = g->t;
    oracle_rng r = oracle_seed(seed);
    set_layout(&t[Q], c->q, c->batch, c->heads, c->nq, c->d, c->bnhd, c->padded);
    set_layout(&t[K], c->k, c->batch, c->kv_heads, c->nk, c->d, c->bnhd, c->padded);
    set_layout(&t[V], c->v, c->batch, c->kv_heads, c->nk, c->dv, c->bnhd, false);
    set_layout(&t[O], c->o, c->batch, c->heads, c->nq, c->dv, c->bnhd, c->padded);
    set_layout(&t[LSE], TSR_F32, c->batch, c->heads, c->nq, 1, false, c->padded);
    set_spread(&t[BIAS], c->bias_dtype, c->bias, c);
    set_spread(&t[MASK], TSR_U8, c->mask, c);
    set_layout(&t[SINK], TSR_F32, 1, c->heads, 1, 1, false, false);
    const bool used[TENSORS] = {true, true, true, c->bias != NONE, c->mask != NONE, c->sink, true, c->lse};
    memcpy(g->used, used, sizeof(used));
    for (int i = 0; i < TENSORS; i++)
        if (g->used[i] && !allocate(&t[i])) return false;
    fill(&t[Q], &r, c->loud != 0 ? (double)c->loud : 1, 0);
    fill(&t[K], &r, 1, 0);
    fill(&t[V], &r, 1, 0.25);
    if (c->bias != NONE) fill(&t[BIAS], &r, 1.5, 0);
    if (c->sink) fill(&t[SINK], &r, 2, 0);
    if (c->mask != NONE) { /* about a third hidden, and some rows wholly */
        for (int64_t e = 0; e < elements(&t[MASK].t.layout); e++) {
            const bool dead_row = e / t[MASK].t.layout.shape[3] % 7 == 3;
            ((uint8_t *)t[MASK].t.data)[place_of(&t[MASK].t.layout, e)] =
                dead_row || oracle_below(&r, 3) == 0 ? 0 : (uint8_t)(1 + oracle_below(&r, 255));
        }
    }
    g->desc = (tsr_attention_desc){.q = t[Q].t.layout,
                                   .k = t[K].t.layout,
                                   .v = t[V].t.layout,
                                   .o = t[O].t.layout,
                                   .scale = c->scale,
                                   .softcap = c->softcap,
                                   .set = c->set,
                                   .splits = c->splits,
                                   .tile = c->tile};
    if (g->used[BIAS]) g->desc.bias = t[BIAS].t.layout;
    if (g->used[MASK]) g->desc.mask = t[MASK].t.layout;
    if (g->used[SINK]) g->desc.sink = t[SINK].t.layout;
    if (g->used[LSE]) g->desc.lse = t[LSE].t.layout;
    return true;
}

/* Runs on the device; outputs come back into the host copies, which were poisoned. */
static tsr_status run_device(grid_run *g, tsr_device *dev)
{
    tsr_status s = g->plan ? TSR_OK : tsr_attention_prepare(dev, &g->desc, &g->plan);
    for (int i = 0; i < TENSORS && s == TSR_OK; i++) {
        if (!g->used[i]) continue;
        if (!g->t[i].buf) s = tsr_buffer_create(dev, g->t[i].bytes, &g->t[i].buf);
        if (i >= O) memset(g->t[i].t.data, 0xff, (size_t)g->t[i].bytes);
        if (s == TSR_OK) s = tsr_buffer_write(g->t[i].buf, 0, g->t[i].t.data, g->t[i].bytes);
    }
    const tsr_attention_args args = {.q = {g->t[Q].buf, 0},
                                     .k = {g->t[K].buf, 0},
                                     .v = {g->t[V].buf, 0},
                                     .bias = {g->t[BIAS].buf, 0},
                                     .mask = {g->t[MASK].buf, 0},
                                     .sink = {g->t[SINK].buf, 0},
                                     .o = {g->t[O].buf, 0},
                                     .lse = {g->t[LSE].buf, 0}};
    if (s == TSR_OK) s = tsr_attention_run(g->plan, &args);
    for (int i = O; i < TENSORS && s == TSR_OK; i++)
        if (g->used[i]) s = tsr_buffer_read(g->t[i].buf, 0, g->t[i].t.data, g->t[i].bytes);
    return s;
}

/* What lies between and behind the elements must still be the poison. */
static bool guards_hold(const host_tensor *h)
{
    const size_t size = tsr_dtype_size(h->t.layout.dtype), n = (size_t)h->bytes / size;
    unsigned char *mine = calloc(n, 1);
    bool ok = mine != NULL;
    for (int64_t e = 0; ok && e < elements(&h->t.layout); e++) mine[place_of(&h->t.layout, e)] = 1;
    for (size_t i = 0; ok && i < n; i++)
        for (size_t b = 0; b < size && !mine[i]; b++) ok = ok && ((unsigned char *)h->t.data)[i * size + b] == 0xff;
    free(mine);
    return ok;
}

static suite_verdict check_lse(grid_run *g, const double *lse, suite_run_context *run)
{
    const tsr_layout *l = &g->t[LSE].t.layout;
    for (int64_t e = 0; e < elements(l); e++) {
        const double is = oracle_load(TSR_F32, g->t[LSE].t.data, place_of(l, e)), tolerance = 5e-6 * fmax(1, fabs(lse[e]));
        const bool ok = isinf(lse[e]) ? is == lse[e] : fabs(is - lse[e]) <= tolerance;
        if (!ok) return suite_say(run, SUITE_FAIL, "log-sum-exp of row %lld is %.9g; expected %.9g", (long long)e, is, lse[e]);
    }
    return SUITE_PASS;
}

static suite_verdict check(grid_run *g, suite_run_context *run)
{
    static const double limits[] = {[TSR_F32] = 2e-6, [TSR_F16] = 1e-3, [TSR_BF16] = 8e-3};
    const tsr_layout *l = &g->t[O].t.layout;
    const int64_t n = elements(l), rows = n / g->c->dv;
    double *is = malloc((size_t)(n + 1) * 8), *want = malloc((size_t)(n + 1) * 8), *plain = malloc((size_t)(n + 1) * 8),
           *lse = malloc((size_t)(rows + 1) * 8);
    suite_verdict v = SUITE_PASS;
    if (!is || !want || !plain || !lse) {
        v = suite_say(run, SUITE_FAIL, "no memory for the reference");
    } else {
        const oracle_attention_inputs in = {g->t[Q].t, g->t[K].t, g->t[V].t, g->t[BIAS].t, g->t[MASK].t, g->t[SINK].t};
        oracle_attention(&g->desc, &in, want, lse);
        oracle_plain(&g->desc, &in, plain);
        for (int64_t e = 0; e < n; e++) is[e] = oracle_load(l->dtype, g->t[O].t.data, place_of(l, e));
        const double error = oracle_error(is, want, (uint64_t)n), base = oracle_error(plain, want, (uint64_t)n), limit = limits[l->dtype];
        const bool loud = g->c->loud >= 1000; /* scores near 1e4 round to 1e-3: only the plain error counts */
        v = suite_say(run, SUITE_PASS, "error %.1e, plain fp32 %.1e", error, base);
        if (!(error <= 2 * base + 3e-7) || !(loud || error <= limit))
            v = suite_say(run, SUITE_FAIL, "error %.2e; expected at most %.0e and twice plain fp32's %.2e", error, limit, base);
        for (int64_t e = 0; e < n && v == SUITE_PASS; e++)
            if (isinf(lse[e / g->c->dv]) && is[e] != 0) v = suite_say(run, SUITE_FAIL, "a row with no key has %g; expected 0", is[e]);
        if (v == SUITE_PASS && g->used[LSE]) {
            const suite_verdict more = check_lse(g, lse, run);
            if (more != SUITE_PASS) v = more;
        }
    }
    for (int i = O; i < TENSORS && v == SUITE_PASS; i++)
        if (g->used[i] && !guards_hold(&g->t[i])) v = suite_say(run, SUITE_FAIL, "something was written beside %s", i == O ? "o" : "lse");
    free(is);
    free(want);
    free(plain);
    free(lse);
    return v;
}

/* The same run twice must give the same bits. */
static suite_verdict check_repeat(grid_run *g, suite_run_context *run)
{
    void *before = malloc((size_t)g->t[O].bytes);
    if (!before) return suite_say(run, SUITE_FAIL, "no memory to compare two runs");
    memcpy(before, g->t[O].t.data, (size_t)g->t[O].bytes);
    const tsr_status s = run_device(g, run->dev);
    suite_verdict v = SUITE_PASS;
    if (s != TSR_OK)
        v = suite_error(run, s, "a second run");
    else if (memcmp(before, g->t[O].t.data, (size_t)g->t[O].bytes) != 0)
        v = suite_say(run, SUITE_FAIL, "a second run gave other bits");
    free(before);
    return v;
}

static suite_verdict run_grid(const suite_case *c, suite_run_context *run)
{
    const grid_case sampled = c->number >= FIXED ? sample(c->number) : fixed[c->number].c;
    grid_run g = {.c = &sampled};
    suite_verdict v;
    if (!make_inputs(&g, run->seed * 7919 + (uint64_t)c->number)) {
        v = suite_say(run, SUITE_FAIL, "no memory for the inputs");
    } else {
        const tsr_status s = run_device(&g, run->dev);
        v = s == TSR_OK ? check(&g, run) : suite_error(run, s, "running");
        if (v == SUITE_PASS && c->number % 5 == 0) {
            const suite_verdict repeat = check_repeat(&g, run);
            if (repeat != SUITE_PASS) v = repeat;
        }
    }
    for (int i = 0; i < TENSORS; i++) {
        tsr_buffer_destroy(g.t[i].buf);
        free(g.t[i].t.data);
    }
    tsr_attention_destroy(g.plan);
    return v;
}

int suite_add_attention(suite *s)
{
    static const char *const spreads[] = {"", "-full", "-batch", "-heads", "-row", "-column"};
    char name[112];
    for (int i = 0; i < FIXED + SAMPLED; i++) {
        const grid_case c = i < FIXED ? fixed[i].c : sample(i);
        if (i < FIXED)
            snprintf(name, sizeof(name), "attention/%s/%dx%d", fixed[i].name, c.nq, c.nk);
        else
            snprintf(name, sizeof(name), "attention/grid%d/%s/d%d/h%d-%d%s%s%s%s%s%s%s%s%s/%dx%d", i - FIXED, tsr_dtype_name(c.q), c.d, c.heads,
                     c.kv_heads, c.bnhd ? "/bnhd" : "", c.padded ? "/padded" : "", c.set.bounded ? (c.set.right == 0 ? "/causal" : "/window") : "",
                     c.softcap > 0 ? "/cap" : "", c.bias ? "/bias" : "", spreads[c.bias], c.mask ? "/mask" : "", spreads[c.mask],
                     c.sink ? "/sink" : "", c.nq, c.nk);
        if (!suite_add(s, name, run_grid, NULL, i)) return 0;
    }
    return 1;
}
