/* Sums of probabilities and rows of the map against the whole map in fp64. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"
#include "tessera/tessera_probe.h"
#include "tessera/tessera_set.h"

typedef enum probe_sees { ALL, CAUSAL, NEAR_2D, PACKED } probe_sees;

typedef struct probe_case {
    const char *name;
    int batch, heads, kv_heads, nq, nk, d;
    probe_sees sees;
    int block_q, block_k, rows;
    bool key_sums, bias, softcap;
} probe_case;

static const probe_case cases[] = {
    {"all", 1, 2, 1, 37, 83, 24, ALL, 5, 7, 9, true, false, false},
    {"causal-bias-cap", 2, 2, 2, 129, 150, 64, CAUSAL, 64, 64, 17, true, true, true},
    {"near-2d", 1, 3, 3, 221, 221, 16, NEAR_2D, 20, 13, 70, true, false, false},
    {"packed", 1, 2, 2, 90, 101, 8, PACKED, 16, 16, 11, true, false, false},
    {"keys-only-long", 1, 1, 1, 4500, 300, 8, CAUSAL, 0, 0, 0, true, false, false},
    {"blocks-only-large", 1, 1, 1, 4700, 65, 8, ALL, 4600, 64, 0, false, false, false},
    {"one-large-block", 1, 1, 1, 2100, 1100, 8, ALL, 2100, 1100, 0, false, false, false},
    {"rows-of-many-keys", 1, 1, 1, 40, 9000, 8, ALL, 0, 0, 40, false, false, false},
    {"rows-only", 1, 1, 1, 70, 64, 32, ALL, 0, 0, 130, false, true, false},
    {"one", 1, 1, 1, 1, 1, 1, ALL, 1, 1, 1, true, false, false},
};

enum { GRID_H = 13, GRID_W = 17, WINDOW_H = 5, WINDOW_W = 6, CUTS = 4 };
static const int64_t cu_q[CUTS + 1] = {0, 31, 31, 70, 90}, cu_k[CUTS + 1] = {0, 40, 52, 52, 101};

/* NATTEN's inward window on one axis. */
static bool near_axis(int64_t q, int64_t k, int64_t extent, int64_t window)
{
    int64_t start = q - window / 2;
    if (start > extent - window) start = extent - window;
    if (start < 0) start = 0;
    return k >= start && k < start + window;
}

static bool sees(const probe_case *c, int64_t i, int64_t j)
{
    if (c->sees == CAUSAL) return j <= i + c->nk - c->nq;
    if (c->sees == NEAR_2D) return near_axis(i / GRID_W, j / GRID_W, GRID_H, WINDOW_H) && near_axis(i % GRID_W, j % GRID_W, GRID_W, WINDOW_W);
    if (c->sees == PACKED)
        for (int s = 0; s < CUTS; s++)
            if (i >= cu_q[s] && i < cu_q[s + 1]) return j >= cu_k[s] && j < cu_k[s + 1];
    return true;
}

static tsr_status make_set(const probe_case *c, tsr_set **out)
{
    const tsr_set_node window[3] = {
        {.op = TSR_SET_LAW, .axis = TSR_AXIS_H, .left = WINDOW_H / 2, .right = WINDOW_H - 1 - WINDOW_H / 2, .flags = TSR_LAW_INWARD},
        {.op = TSR_SET_LAW, .axis = TSR_AXIS_W, .left = WINDOW_W / 2, .right = WINDOW_W - 1 - WINDOW_W / 2, .flags = TSR_LAW_INWARD},
        {.op = TSR_SET_ALL_OF, .count = 2}};
    const tsr_set_desc near = {.nodes = window, .node_count = 3, .grid = {1, GRID_H, GRID_W}},
                       packed = {.cu_queries = cu_q, .cu_keys = cu_k, .segments = CUTS};
    *out = NULL;
    return c->sees == NEAR_2D ? tsr_set_create(&near, out) : c->sees == PACKED ? tsr_set_create(&packed, out) : TSR_OK;
}

/* Everything of one case, in host memory, and where it lies on the device. */
enum { Q, K, V, BIAS, O, LSE, KEYS, BLOCKS, ROWS, TENSORS };
typedef struct probe_run {
    const probe_case *c;
    size_t size[TENSORS]; /* floats; 0: none */
    float *host[TENSORS];
    tsr_buffer *buf[TENSORS];
    int64_t *rows;
    int64_t block_rows, block_columns;
    double *map; /* [B,H,nq,nk] */
    tsr_set *set;
    tsr_attention *plan;
    tsr_probe *probe;
} probe_run;

static void free_run(probe_run *r)
{
    tsr_probe_destroy(r->probe);
    tsr_attention_destroy(r->plan);
    tsr_set_destroy(r->set);
    for (int i = 0; i < TENSORS; i++) {
        tsr_buffer_destroy(r->buf[i]);
        free(r->host[i]);
    }
    free(r->rows);
    free(r->map);
}

static bool make(probe_run *r, oracle_rng *rng)
{
    const probe_case *c = r->c;
    const size_t heads = (size_t)(c->batch * c->heads), kv = (size_t)(c->batch * c->kv_heads), nq = (size_t)c->nq, nk = (size_t)c->nk,
                 d = (size_t)c->d;
    r->block_rows = c->block_q ? (c->nq + c->block_q - 1) / c->block_q : 0;
    r->block_columns = c->block_k ? (c->nk + c->block_k - 1) / c->block_k : 0;
    const size_t size[TENSORS] = {heads * nq * d,
                                  kv * nk * d,
                                  kv * nk * d,
                                  c->bias ? nq * nk : 0,
                                  heads * nq * d,
                                  heads * nq,
                                  c->key_sums ? heads * nk : 0,
                                  heads * (size_t)(r->block_rows * r->block_columns),
                                  heads * (size_t)c->rows * nk};
    for (int i = 0; i < TENSORS; i++) {
        r->size[i] = size[i];
        if (!(r->host[i] = malloc((size[i] + 1) * sizeof(float)))) return false;
        for (size_t n = 0; n < size[i]; n++) r->host[i][n] = i <= BIAS ? (float)oracle_normal(rng) : NAN;
    }
    r->rows = malloc(((size_t)c->rows + 1) * sizeof(*r->rows));
    r->map = calloc(heads * nq * nk, sizeof(double));
    for (int i = 0; r->rows && i < c->rows; i++) r->rows[i] = oracle_below(rng, (uint32_t)c->nq);
    return r->rows && r->map;
}

static void reference(probe_run *r)
{
    const probe_case *c = r->c;
    const int64_t nq = c->nq, nk = c->nk, d = c->d;
    for (int64_t row = 0; row < c->batch * c->heads * nq; row++) {
        const int64_t i = row % nq, h = row / nq % c->heads, b = row / nq / c->heads, kv = b * c->kv_heads + h / (c->heads / c->kv_heads);
        double *const p = r->map + row * nk, scale = 1 / sqrt((double)d);
        double top = -INFINITY, sum = 0;
        for (int64_t j = 0; j < nk; j++) {
            double s = 0;
            for (int64_t n = 0; n < d; n++) s += (double)r->host[Q][row * d + n] * (double)r->host[K][(kv * nk + j) * d + n];
            s *= scale;
            if (c->softcap) s = 3 * tanh(s / 3);
            if (c->bias) s += (double)r->host[BIAS][i * nk + j];
            p[j] = sees(c, i, j) ? s : -INFINITY;
            top = fmax(top, p[j]);
        }
        for (int64_t j = 0; j < nk; j++) sum += p[j] = top == -INFINITY ? 0 : exp(p[j] - top);
        for (int64_t j = 0; j < nk && sum > 0; j++) p[j] /= sum;
    }
}

static tsr_status compute(probe_run *r, tsr_device *dev)
{
    const probe_case *c = r->c;
    const int64_t b = c->batch, h = c->heads, kv = c->kv_heads, nq = c->nq, nk = c->nk, d = c->d;
    tsr_status s = make_set(c, &r->set);
    for (int i = 0; i < TENSORS && s == TSR_OK; i++) {
        if (!r->size[i]) continue;
        s = tsr_buffer_create(dev, r->size[i] * sizeof(float), &r->buf[i]);
        if (s == TSR_OK) s = tsr_buffer_write(r->buf[i], 0, r->host[i], r->size[i] * sizeof(float));
    }
    const tsr_set *const sets[] = {r->set};
    tsr_probe_desc desc = {.attention = {.q = {.shape = {b, h, nq, d}},
                                         .k = {.shape = {b, kv, nk, d}},
                                         .v = {.shape = {b, kv, nk, d}},
                                         .o = {.shape = {b, h, nq, d}},
                                         .lse = {.shape = {b, h, nq, 1}},
                                         .softcap = c->softcap ? 3.0f : 0.0f,
                                         .sets = sets,
                                         .set_count = r->set != NULL},
                           .key_sums = c->key_sums,
                           .block_q = c->block_q,
                           .block_k = c->block_k,
                           .rows = r->rows,
                           .row_count = (uint64_t)c->rows};
    if (c->bias) desc.attention.bias = (tsr_layout){.shape = {1, 1, nq, nk}};
    if (c->sees == CAUSAL) desc.attention.band = (tsr_band){.bounded = 1, .left = TSR_UNBOUNDED};
    const tsr_attention_args run = {
        .q = {r->buf[Q], 0}, .k = {r->buf[K], 0}, .v = {r->buf[V], 0}, .bias = {r->buf[BIAS], 0}, .o = {r->buf[O], 0}, .lse = {r->buf[LSE], 0}};
    const tsr_probe_args look = {.q = run.q,
                                 .k = run.k,
                                 .bias = run.bias,
                                 .lse = run.lse,
                                 .key_sums = {r->buf[KEYS], 0},
                                 .block_sums = {r->buf[BLOCKS], 0},
                                 .rows = {r->buf[ROWS], 0}};
    if (s == TSR_OK) s = tsr_attention_prepare(dev, &desc.attention, &r->plan);
    if (s == TSR_OK) s = tsr_probe_prepare(dev, &desc, &r->probe);
    if (s == TSR_OK) s = tsr_attention_run(r->plan, &run);
    for (int again = 0; again < 2 && s == TSR_OK; again++) s = tsr_probe_run(r->probe, &look); /* nothing is left from the first */
    for (int i = KEYS; i < TENSORS && s == TSR_OK; i++)
        if (r->size[i]) s = tsr_buffer_read(r->buf[i], 0, r->host[i], r->size[i] * sizeof(float));
    return s;
}

/* The largest error of any output, relative to the largest value of its kind. */
static double worst(const probe_run *r)
{
    const probe_case *c = r->c;
    const int64_t heads = c->batch * c->heads, nq = c->nq, nk = c->nk, cells = r->block_rows * r->block_columns;
    double error = 0;
    double *const sums = calloc((size_t)(nk + cells + 1), sizeof(double));
    if (!sums) return NAN;
    for (int64_t h = 0; h < heads; h++) {
        const double *const map = r->map + h * nq * nk;
        memset(sums, 0, (size_t)(nk + cells) * sizeof(double));
        for (int64_t i = 0; i < nq; i++) {
            for (int64_t j = 0; j < nk; j++) {
                sums[j] += map[i * nk + j];
                if (cells) sums[nk + i / c->block_q * r->block_columns + j / c->block_k] += map[i * nk + j];
            }
        }
        for (int64_t j = 0; c->key_sums && j < nk; j++) error = fmax(error, fabs((double)r->host[KEYS][h * nk + j] - sums[j]) / fmax(1, sums[j]));
        for (int64_t j = 0; j < cells; j++) error = fmax(error, fabs((double)r->host[BLOCKS][h * cells + j] - sums[nk + j]) / fmax(1, sums[nk + j]));
        for (int64_t i = 0; i < c->rows; i++)
            for (int64_t j = 0; j < nk; j++) error = fmax(error, fabs((double)r->host[ROWS][(h * c->rows + i) * nk + j] - map[r->rows[i] * nk + j]));
    }
    /* fmax drops NaN, which the outputs were poisoned with. */
    for (int t = KEYS; t < TENSORS; t++)
        for (size_t n = 0; n < r->size[t]; n++) error = isnan(r->host[t][n]) ? INFINITY : error;
    free(sums);
    return error;
}

static suite_verdict run_probe(const suite_case *c, suite_run_context *run)
{
    probe_run r = {.c = &cases[c->number]};
    oracle_rng rng = oracle_seed(run->seed + (uint64_t)c->number);
    if (!make(&r, &rng)) {
        free_run(&r);
        return suite_say(run, SUITE_FAIL, "no memory");
    }
    const tsr_status s = compute(&r, run->dev);
    suite_verdict verdict;
    if (s != TSR_OK) {
        verdict = suite_error(run, s, "looking into attention");
    } else {
        reference(&r);
        const double error = worst(&r), bound = 1e-5;
        verdict = suite_say(run, error <= bound ? SUITE_PASS : SUITE_FAIL, "error %.1e; expected at most %.0e", error, bound);
    }
    free_run(&r);
    return verdict;
}

int suite_add_probe(suite *s)
{
    char name[112];
    for (int i = 0; i < (int)(sizeof(cases) / sizeof(cases[0])); i++) {
        snprintf(name, sizeof(name), "probe/%s/%dx%d", cases[i].name, cases[i].nq, cases[i].nk);
        if (!suite_add(s, name, run_probe, NULL, i)) return 0;
    }
    return 1;
}
