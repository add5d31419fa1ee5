/* Quantised values and constant tensors of steps. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "flow_case.h"

typedef struct quantize_case {
    const char *name, *per; /* as the recipe has it */
    int64_t rows;           /* of a group; 0: all */
    bool columns;           /* each column is a group of its own */
    int bits;
} quantize_case;

static const quantize_case cases[] = {{"all", "'all'", 0, false, 8},   {"row", "'row'", 1, false, 4},          {"column", "'column'", 0, true, 8},
                                      {"16-rows", "16", 16, false, 5}, {"formula", "'size + 2'", 7, false, 2}, {"16-bits", "'row'", 1, false, 16}};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

/* The largest magnitude of an element's group. */
static double group_top(const flow_array *x, const quantize_case *c, const int64_t at[4])
{
    const int64_t rows = c->rows ? c->rows : x->shape[2], first = at[2] / rows * rows;
    double top = 0;
    for (int64_t r = first; r < first + rows && r < x->shape[2]; r++)
        for (int64_t col = 0; col < x->shape[3]; col++)
            if (!c->columns || col == at[3]) top = fmax(top, fabs(flow_at(x, at[0], at[1], r, col)));
    return top;
}

static suite_verdict run_quantize(const suite_case *suite, suite_run_context *run)
{
    const quantize_case *c = &cases[suite->number];
    flow_case f;
    flow_case_begin(&f, run, suite->name, (flow_sizes){.strided = suite->number % 2 == 0, .dtype = (tsr_dtype)(suite->number % 3)});
    for (int64_t i = 0; f.q && i < f.n.d && f.n.nq > 1; i++) f.q->x[i] = 0; /* a row of nothing */
    flow_case_start(
        &f, "{'parameters': {'size': 5, 'x': 3, 'top': 0, 'levels': 2}, 'steps': {'y': {'quantize': {'of': 'q', 'bits': %d, 'per': %s}}, 'o': 'q'}}",
        c->bits, c->per);
    const flow_array *y = flow_case_step(&f, "y");
    for (int64_t e = 0; y && e < f.n.b * f.n.h * f.n.nq * f.n.d && flow_case_ok(&f); e++) {
        const int64_t at[4] = {e / f.n.d / f.n.nq / f.n.h, e / f.n.d / f.n.nq % f.n.h, e / f.n.d % f.n.nq, e % f.n.d};
        const double x = f.q->x[e], top = group_top(f.q, c, at), step = top / (exp2(c->bits - 1) - 1), want = top > 0 ? round(x / step) * step : 0;
        const double off = fabs(fabs(x / step - trunc(x / step)) - 0.5); /* from where fp32 may round the other way */
        if (!(fabs(y->x[e] - want) <= 1e-6 * fabs(want)) && !(off < 1e-3 && fabs(y->x[e] - want) <= step * 1.001))
            flow_case_fail(&f, "%.9g of a group with %.9g becomes %.9g; expected %.9g", x, top, y->x[e], want);
    }
    f.compared = y != NULL;
    return flow_case_end(&f);
}

static double hadamard(const void *user, int64_t b, int64_t h, int64_t r, int64_t c)
{
    (void)user, (void)b, (void)h;
    return r == 0 || c == 0 ? 1 : (r % 2 && c % 2 ? -1 : 1) * hadamard(NULL, 0, 0, r / 2, c / 2);
}

static double identity(const void *user, int64_t b, int64_t h, int64_t r, int64_t c) { return (void)user, (void)b, (void)h, r == c; }

/* As random as it should be, the same again for a seed, and another for another. */
static suite_verdict run_constant(const suite_case *suite, suite_run_context *run)
{
    flow_case f;
    flow_case_begin(&f, run, suite->name, (flow_sizes){.d = 32});
    flow_case_start(&f, "{'steps': {'had': {'constant': {'kind': 'hadamard', 'shape': [1, 2, 'D', 'D']}},"
                        " 'id': {'constant': {'kind': 'identity', 'shape': [1, 1, 5, 'D']}},"
                        " 'a': {'constant': {'kind': 'normal', 'shape': [1, 1, 125, 'D * D']}},"
                        " 'b': {'constant': {'kind': 'normal', 'shape': [1, 1, 125, 'D * D'], 'seed': 1}},"
                        " 'c': {'constant': {'kind': 'normal', 'shape': [1, 1, 125, 'D * D'], 'seed': 2}}, 'o': 'q'}}");
    flow_case_expect(&f, "had", (const int64_t[4]){1, 2, 32, 32}, hadamard, NULL, 0);
    flow_case_expect(&f, "id", (const int64_t[4]){1, 1, 5, 32}, identity, NULL, 0);
    const flow_array *a = flow_case_step(&f, "a"), *c = flow_case_step(&f, "c");
    flow_case_compare(&f, "b", a, 0);
    double mean = 0, square = 0, fourth = 0, neighbours = 0, seeds = 0;
    const int64_t count = 125 * 32 * 32;
    for (int64_t i = 0; a && c && i < count; i++) {
        const double x = a->x[i] / (double)count;
        mean += x;
        square += x * a->x[i];
        fourth += x * pow(a->x[i], 3);
        neighbours += x * a->x[(i + 1) % count];
        seeds += x * c->x[i];
    }
    if (flow_case_ok(&f) &&
        !(fabs(mean) < 0.015 && fabs(square - 1) < 0.02 && fabs(fourth - 3) < 0.15 && fabs(neighbours) < 0.015 && fabs(seeds) < 0.015))
        flow_case_fail(&f, "a normal table has mean %g, variance %g, fourth moment %g, correlations %g and %g", mean, square, fourth, neighbours,
                       seeds);
    return flow_case_end(&f);
}

int suite_add_flow_quantize(suite *s)
{
    char name[64];
    for (int i = 0; i < CASES; i++) {
        snprintf(name, sizeof(name), "flow/quantize/%s", cases[i].name);
        if (!suite_add(s, name, run_quantize, NULL, i)) return 0;
    }
    return suite_add(s, "flow/constant", run_constant, NULL, 0);
}
