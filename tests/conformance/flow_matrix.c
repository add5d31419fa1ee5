/* Products of matrices and softmax beside fp64: extents of 1, primes, long sums, all storage types, heads in groups. */
#include "flow_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Rows of a and b, and what is between. Heads: of a, of b; 0: drawn. */
typedef struct matrix_case {
    const char *name;
    int64_t rows, columns, inner, heads[2], batch[2];
    enum { DOT, L1, PRODUCT, PRODUCT_TRANSPOSED } kind;
    tsr_dtype a, b;
    double scale;
    bool strided;
} matrix_case;

static const matrix_case table[] = {
    {.name = "dot", .rows = 65, .columns = 131, .inner = 64, .scale = 0.125},
    {.name = "dot-one", .rows = 1, .columns = 1, .inner = 1},
    {.name = "dot-row", .rows = 1, .columns = 300, .inner = 33, .strided = true},
    {.name = "dot-column", .rows = 257, .columns = 1, .inner = 97},
    {.name = "dot-f16", .rows = 66, .columns = 67, .inner = 40, .a = TSR_F16, .b = TSR_F16},
    {.name = "dot-bf16", .rows = 31, .columns = 129, .inner = 65, .a = TSR_BF16, .b = TSR_F32, .strided = true},
    {.name = "dot-groups", .rows = 17, .columns = 43, .inner = 24, .heads = {6, 2}},
    {.name = "dot-groups-of-a", .rows = 17, .columns = 43, .inner = 24, .heads = {2, 4}, .batch = {1, 3}},
    {.name = "dot-long", .rows = 5, .columns = 7, .inner = 10007, .b = TSR_F16},
    {.name = "dot-tiles", .rows = 200, .columns = 150, .inner = 128, .heads = {2, 2}, .strided = true},
    {.name = "l1", .kind = L1, .rows = 70, .columns = 131, .inner = 67, .scale = 0.5},
    {.name = "l1-f16", .kind = L1, .rows = 3, .columns = 17, .inner = 129, .a = TSR_F16, .b = TSR_BF16, .strided = true},
    {.name = "product", .kind = PRODUCT, .rows = 67, .columns = 64, .inner = 131},
    {.name = "product-f16", .kind = PRODUCT, .rows = 33, .columns = 65, .inner = 97, .b = TSR_F16, .heads = {4, 2}},
    {.name = "product-strided", .kind = PRODUCT, .rows = 33, .columns = 17, .inner = 70, .strided = true},
    {.name = "product-long", .kind = PRODUCT, .rows = 3, .columns = 5, .inner = 9001},
    {.name = "transposed", .kind = PRODUCT_TRANSPOSED, .rows = 40, .columns = 41, .inner = 331},
    {.name = "transposed-bf16", .kind = PRODUCT_TRANSPOSED, .rows = 129, .columns = 16, .inner = 65, .a = TSR_BF16, .heads = {1, 3}, .strided = true},
    {.name = "transposed-long", .kind = PRODUCT_TRANSPOSED, .rows = 7, .columns = 9, .inner = 20011, .strided = true},
};

typedef struct matrix_run {
    const matrix_case *c;
    const flow_array *a, *b;
    int64_t heads;
    double scale;
} matrix_run;

static double element(const void *user, int64_t n, int64_t h, int64_t r, int64_t column)
{
    const matrix_run *m = user;
    double sum = 0;
    for (int64_t k = 0; k < m->c->inner; k++) {
        const double a = m->c->kind == PRODUCT_TRANSPOSED ? flow_at_head(m->a, n, h, m->heads, k, r) : flow_at_head(m->a, n, h, m->heads, r, k);
        const double b = m->c->kind >= PRODUCT ? flow_at_head(m->b, n, h, m->heads, k, column) : flow_at_head(m->b, n, h, m->heads, column, k);
        sum += m->c->kind == L1 ? fabs(a - b) : a * b;
    }
    return sum * m->scale;
}

static suite_verdict run_matrix(const suite_case *sc, suite_run_context *run)
{
    const matrix_case *c = sc->params;
    flow_case f;
    flow_case_begin(&f, run, sc->name, (flow_sizes){.b = 1, .h = 1, .hkv = 1, .nq = 3, .nk = 3, .d = 4, .strided = c->strided});
    matrix_run m = {.c = c, .scale = c->scale != 0 ? c->scale : 1};
    int64_t heads[2], batch[2], shape[4];
    for (int i = 0; i < 2; i++) heads[i] = c->heads[i] ? c->heads[i] : 2, batch[i] = c->batch[i] ? c->batch[i] : 2;
    const bool over = c->kind == PRODUCT_TRANSPOSED, under = c->kind >= PRODUCT;
    const flow_array *a = m.a = flow_case_input(&f, "a", c->a, batch[0], heads[0], over ? c->inner : c->rows, over ? c->rows : c->inner);
    const flow_array *b = m.b = flow_case_input(&f, "b", c->b, batch[1], heads[1], under ? c->inner : c->columns, under ? c->columns : c->inner);
    if (!a || !b) return flow_case_end(&f);
    char members[96] = "";
    if (c->kind == L1) snprintf(members, sizeof(members), ", 'inner': 'l1', 'scale': %g", m.scale);
    if (c->kind == DOT && c->scale != 0) snprintf(members, sizeof(members), ", 'scale': %g", m.scale);
    if (over) snprintf(members, sizeof(members), ", 'transpose_a': true");
    flow_case_start(&f,
                    "{'inputs': {'a': {'shape': [%lld,%lld,%lld,%lld]}, 'b': {'shape': [%lld,%lld,%lld,%lld]}},"
                    " 'steps': {'c': {'%s': {'a': 'a', 'b': 'b'%s}}, 'o': '0 * q'}}",
                    (long long)a->shape[0], (long long)a->shape[1], (long long)a->shape[2], (long long)a->shape[3], (long long)b->shape[0],
                    (long long)b->shape[1], (long long)b->shape[2], (long long)b->shape[3], under ? "product" : "dot", members);
    shape[0] = batch[0] > batch[1] ? batch[0] : batch[1];
    shape[1] = m.heads = heads[0] > heads[1] ? heads[0] : heads[1];
    shape[2] = c->rows, shape[3] = c->columns;
    /* Rounding of sums of normal numbers, each of about the square root of their number. */
    flow_case_expect(&f, "c", shape, element, &m, 1e-6 * sqrt((double)c->inner) * (c->kind == L1 ? 1 : 2));
    return flow_case_end(&f);
}

typedef struct softmax_case {
    const char *name;
    int64_t shape[4], where[4]; /* where[0] 0: none */
    double loud;
    bool strided;
    enum { PLAIN, DEAD, INFINITE } values; /* rows of -inf; one element that is +inf or NaN */
} softmax_case;

static const softmax_case softmaxes[] = {
    {.name = "plain", .shape = {2, 3, 7, 131}},
    {.name = "one", .shape = {1, 1, 1, 1}},
    {.name = "columns-1", .shape = {2, 2, 5, 1}, .where = {2, 2, 5, 1}},
    {.name = "loud", .shape = {1, 2, 11, 67}, .loud = 300},
    {.name = "long", .shape = {1, 1, 3, 20011}, .where = {1, 1, 1, 20011}},
    {.name = "where", .shape = {2, 4, 9, 65}, .where = {2, 4, 9, 65}, .strided = true},
    {.name = "where-row", .shape = {1, 4, 9, 65}, .where = {1, 2, 1, 65}},
    {.name = "where-column", .shape = {2, 2, 17, 33}, .where = {1, 1, 17, 1}},
    {.name = "where-wider", .shape = {1, 1, 3, 17}, .where = {2, 3, 3, 17}},
    {.name = "dead", .shape = {1, 3, 8, 35}, .values = DEAD},
    {.name = "not-a-number", .shape = {1, 3, 8, 35}, .values = INFINITE},
};

typedef struct softmax_run {
    const softmax_case *c;
    const flow_array *x, *w;
    flow_array *top, *sum;
    int64_t heads, columns;
    bool lse;
} softmax_run;

/* The largest element that counts of each row, and the sum of exponentials above it. */
static void sum_rows(flow_case *f, softmax_run *s, const int64_t shape[4])
{
    s->top = flow_case_array(f, shape[0], shape[1], shape[2], 1);
    s->sum = flow_case_array(f, shape[0], shape[1], shape[2], 1);
    for (int64_t row = 0; flow_case_ok(f) && row < shape[0] * shape[1] * shape[2]; row++) {
        const int64_t r = row % shape[2], h = row / shape[2] % shape[1], b = row / shape[2] / shape[1];
        double top = -INFINITY, sum = 0;
        for (int pass = 0; pass < 2; pass++)
            for (int64_t i = 0; i < s->columns; i++) {
                if (s->w && flow_at_head(s->w, b, h, s->heads, r, i) == 0) continue;
                const double x = flow_at_head(s->x, b, h, s->heads, r, i);
                if (pass == 0)
                    top = x > top ? x : top;
                else if (x != -INFINITY)
                    sum += exp(x - top);
            }
        s->top->x[row] = top, s->sum->x[row] = sum;
    }
}

static double softmax_at(const void *user, int64_t b, int64_t h, int64_t r, int64_t column)
{
    const softmax_run *s = user;
    const double top = flow_at(s->top, b, h, r, 0), sum = flow_at(s->sum, b, h, r, 0);
    if (s->lse) return sum > 0 ? top + log(sum) : -INFINITY;
    if (sum <= 0 || (s->w && flow_at_head(s->w, b, h, s->heads, r, column) == 0)) return 0;
    return exp(flow_at_head(s->x, b, h, s->heads, r, column) - top) / sum;
}

static void spoil(flow_case *f, const softmax_case *c, flow_array *x)
{
    const int64_t columns = c->shape[3], rows = c->shape[0] * c->shape[1] * c->shape[2];
    for (int64_t i = 0; i < rows * columns; i++) {
        if (c->loud != 0) x->x[i] *= c->loud;
        if (c->values == DEAD && (i / columns % 3 == 0 || oracle_below(&f->rng, 3) == 0)) x->x[i] = -INFINITY;
    }
    if (c->values == INFINITE) x->x[flow_case_draw(f, 0, columns - 1)] = NAN, x->x[columns + flow_case_draw(f, 0, columns - 1)] = INFINITY;
}

/* The first two rows have one element each that is no finite number: they are NaN whole, the others as ever. */
static void expect_spoilt(flow_case *f, const softmax_run *s)
{
    const flow_array *y = flow_case_step(f, "y"), *l = flow_case_step(f, "l");
    const int64_t columns = s->columns;
    for (int64_t i = 0; y && l && i < y->shape[1] * y->shape[2] * columns; i++) {
        const int64_t row = i / columns;
        const double want = softmax_at(s, 0, row / y->shape[2], row % y->shape[2], i % columns);
        if (row < 2 ? !(isnan(y->x[i]) && isnan(l->x[row])) : !(fabs(y->x[i] - want) < 1e-6))
            flow_case_fail(f, "row %lld has %g, ln of the sum %g; expected %g", (long long)row, y->x[i], l->x[row], row < 2 ? NAN : want);
    }
    f->compared = y && l;
}

static suite_verdict run_softmax(const suite_case *sc, suite_run_context *run)
{
    const softmax_case *c = sc->params;
    flow_case f;
    flow_case_begin(&f, run, sc->name, (flow_sizes){.b = 1, .h = 1, .hkv = 1, .nq = 3, .nk = 3, .d = 4, .strided = c->strided});
    softmax_run s = {.c = c, .columns = c->shape[3]};
    int64_t shape[4];
    for (int i = 0; i < 4; i++) shape[i] = c->shape[i] > c->where[i] ? c->shape[i] : c->where[i];
    s.heads = shape[1];
    flow_array *x = flow_case_input(&f, "x", TSR_F32, c->shape[0], c->shape[1], c->shape[2], c->shape[3]), *w = NULL;
    if (c->where[0]) w = flow_case_input(&f, "w", TSR_F32, c->where[0], c->where[1], c->where[2], c->where[3]);
    if (!flow_case_ok(&f)) return flow_case_end(&f);
    s.x = x, s.w = w;
    spoil(&f, c, x);
    for (int64_t i = 0; w && i < w->shape[0] * w->shape[1] * w->shape[2] * w->shape[3]; i++) w->x[i] = (double)oracle_below(&f.rng, 2);
    char input[128] = "";
    if (w)
        snprintf(input, sizeof(input), ", 'w': {'shape': [%lld,%lld,%lld,%lld]}", (long long)w->shape[0], (long long)w->shape[1],
                 (long long)w->shape[2], (long long)w->shape[3]);
    flow_case_start(&f,
                    "{'inputs': {'x': {'shape': [%lld,%lld,%lld,%lld]}%s}, 'steps': {'y': {'softmax': {'of': 'x'%s}},"
                    " 'l': {'lse': {'of': 'x'%s}}, 'o': '0 * q'}}",
                    (long long)c->shape[0], (long long)c->shape[1], (long long)c->shape[2], (long long)c->shape[3], input, w ? ", 'where': 'w'" : "",
                    w ? ", 'where': 'w'" : "");
    sum_rows(&f, &s, shape);
    if (c->values == INFINITE) {
        expect_spoilt(&f, &s);
        return flow_case_end(&f);
    }
    flow_case_expect(&f, "y", shape, softmax_at, &s, c->loud != 0 ? 4e-5 : 1e-6);
    s.lse = true, shape[3] = 1;
    flow_case_expect(&f, "l", shape, softmax_at, &s, 1e-6);
    return flow_case_end(&f);
}

int suite_add_flow_matrix(suite *s)
{
    char name[96];
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        snprintf(name, sizeof(name), "flow/matrix/%s", table[i].name);
        if (!suite_add(s, name, run_matrix, &table[i], (int)i)) return 0;
    }
    for (size_t i = 0; i < sizeof(softmaxes) / sizeof(softmaxes[0]); i++) {
        snprintf(name, sizeof(name), "flow/softmax/%s", softmaxes[i].name);
        if (!suite_add(s, name, run_softmax, &softmaxes[i], (int)i)) return 0;
    }
    return 1;
}
