/* Expressions of steps against trees of the same operations in fp64. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow_tree.h"

enum { SAMPLES = 4000, RANDOM = 24, BRIEF = 8 };

/* A tensor that some axes of the result repeat. */
static void draw_tensor(flow_tree *t, bool whole)
{
    flow_case *f = t->f;
    const int64_t *n = t->shape;
    const char name[] = {'t', (char)('0' + t->tensor_count), '\0'};
    const tsr_dtype dtype = (tsr_dtype)flow_case_draw(f, TSR_F32, TSR_BF16);
    int64_t shape[4], heads = n[1];
    while (!whole && (n[1] % heads || heads == n[1])) {
        heads = flow_case_draw(f, 1, n[1]);
        if (n[1] == 1) break;
    }
    for (int i = 0; i < 4; i++) shape[i] = whole || flow_case_draw(f, 0, 1) ? n[i] : i == 1 ? heads : 1;
    t->tensors[t->tensor_count++] = flow_case_input(f, name, dtype, shape[0], shape[1], shape[2], shape[3]);
}

static void list_inputs(const flow_tree *t, char *text, size_t room)
{
    size_t used = 0;
    for (int i = 0; i < t->tensor_count && t->tensors[i]; i++) {
        const int64_t *s = t->tensors[i]->shape;
        used += (size_t)snprintf(text + used, room - used, "%s't%d': {'shape': [%d, %d, %d, %d]}", i ? ", " : "", i, (int)s[0], (int)s[1], (int)s[2],
                                 (int)s[3]);
    }
}

static void compare(flow_tree *t, int root)
{
    flow_case *f = t->f;
    const flow_array *got = flow_case_step(f, "e");
    int sure = 0;
    for (int i = 0; i < 4 && got; i++)
        if (got->shape[i] != t->shape[i]) {
            flow_case_fail(f, "the result has %d at axis %d; expected %d: %.200s", (int)got->shape[i], i, (int)t->shape[i], t->text);
            return;
        }
    for (int n = 0; n < SAMPLES && got && flow_case_ok(f); n++) {
        int64_t at[4], e = 0;
        for (int i = 0; i < 4; i++) {
            at[i] = flow_case_draw(f, 0, t->shape[i] - 1);
            e = e * t->shape[i] + at[i];
        }
        const flow_tree_value want = flow_tree_at(t, root, at);
        if (!want.sure) continue;
        sure++;
        const double x = got->x[e];
        if (x == want.x || (isnan(x) && isnan(want.x)) || fabs(x - want.x) <= want.error) continue;
        flow_case_fail(f, "[%d,%d,%d,%d] of [%d,%d,%d,%d] is %.9g; expected %.9g within %.2g: %.300s", (int)at[0], (int)at[1], (int)at[2], (int)at[3],
                       (int)t->shape[0], (int)t->shape[1], (int)t->shape[2], (int)t->shape[3], x, want.x, want.error, t->text);
    }
    /* Rounding to storage may leave a few elements, of a small tensor all, near a jump. */
    const bool small = t->shape[0] * t->shape[1] * t->shape[2] * t->shape[3] < 100;
    if (got) f->compared = f->compared || small || sure > SAMPLES / 20;
}

/* Is fp32 sure of enough of its values to be compared? */
static bool telling(const flow_tree *t, int root)
{
    enum { TRIES = 100 };
    int sure = 0;
    for (int n = 0; n < TRIES; n++) {
        int64_t at[4];
        for (int i = 0; i < 4; i++) at[i] = flow_case_draw(t->f, 0, t->shape[i] - 1);
        sure += flow_tree_at(t, root, at).sure;
    }
    return sure > TRIES / 8;
}

typedef int (*draw_root)(flow_tree *t, int number);

static suite_verdict run_tree(const suite_case *c, suite_run_context *run, draw_root draw, flow_sizes sizes)
{
    flow_case f;
    flow_tree *t = calloc(1, sizeof(*t));
    if (!t) return suite_say(run, SUITE_FAIL, "no memory");
    char inputs[1024] = "";
    sizes.strided = c->number % 2 == 0;
    flow_case_begin(&f, run, c->name, sizes);
    flow_case_parameter(&f, "keep", 0.375);
    flow_case_parameter(&f, "slope", -1.5);
    t->f = &f;
    memcpy(t->shape, (const int64_t[4]){f.n.b, f.n.h, f.n.nq, f.n.d}, sizeof(t->shape));
    const int tensors = c->number % 3 ? 3 : 10;
    for (int i = 0; i < tensors; i++) draw_tensor(t, i == 0);
    int root = draw(t, c->number);
    for (int n = 0; n < 5000 && flow_case_ok(&f) && !telling(t, root); n++) {
        t->count = 0;
        root = draw(t, c->number);
    }
    flow_tree_write(t, root);
    list_inputs(t, inputs, sizeof(inputs));
    flow_case_start(&f, "{'parameters': {'keep': 7, 'slope': 0}, 'inputs': {%s}, 'steps': {'e': '%s', 'o': 'q'}}", inputs, t->text);
    compare(t, root);
    free(t);
    return flow_case_end(&f);
}

/* The first tensor has all extents; what stands beside it may repeat. */
static int any(flow_tree *t, int number)
{
    static const char *const with[] = {"+", "*", "-", "max", "<"};
    return flow_tree_operation(t, with[number % 5], flow_tree_tensor(t, 0), flow_tree_draw(t, 1 + number % 8), 0);
}

/* More than a launch holds: a stack that runs over, tensors without end, a long program. */
static int large(flow_tree *t, int number)
{
    static const char *const safe[] = {"*", "-", "max", "min", "<"};
    int root = flow_tree_tensor(t, 0);
    for (int i = 0; i < 90; i++) {
        const int next = number == 0 ? flow_tree_tensor(t, i % t->tensor_count)
                                     : flow_tree_operation(t, safe[i % 5], flow_tree_draw(t, 0), flow_tree_draw(t, 0), 0);
        root = number == 2 ? flow_tree_operation(t, "+", root, next, 0) : flow_tree_operation(t, i % 2 ? "+" : "max", next, root, 0);
        if (i == 40 && number != 2) break; /* the text of one to the right nests */
    }
    return root;
}

static suite_verdict run_any(const suite_case *c, suite_run_context *run) { return run_tree(c, run, any, (flow_sizes){0}); }
static suite_verdict run_large(const suite_case *c, suite_run_context *run) { return run_tree(c, run, large, (flow_sizes){0}); }

/* Few operations over many elements, for which devices compile kernels. */
static int brief(flow_tree *t, int number) { return any(t, number % 4); }

static suite_verdict run_brief(const suite_case *c, suite_run_context *run)
{
    return run_tree(c, run, brief, (flow_sizes){.b = 1 + c->number % 2, .h = 4, .hkv = 2, .nq = c->number % 2 ? 521 : 1103, .nk = 3, .d = 67});
}

typedef struct sweep {
    const char *name;
    double (*of)(double);
    double low, high; /* of the argument */
} sweep;

static double silu(double x) { return x / (1 + exp(-x)); }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }
static double elu(double x) { return x > 0 ? x : expm1(x); }
static double relu(double x) { return fmax(x, 0); }
static double sign(double x) { return (x > 0) - (x < 0); }

static const sweep sweeps[] = {{"exp", exp, -87, 88.7},         {"ln", log, 1e-37, 3},         {"log2", log2, 0.5, 3e38}, {"sqrt", sqrt, 0, 1e30},
                               {"tanh", tanh, -10, 10},         {"sigmoid", sigmoid, -80, 90}, {"silu", silu, -80, 90},   {"elu", elu, -20, 3},
                               {"softplus", softplus, -80, 90}, {"floor", floor, -9e6, 9e6},   {"ceil", ceil, -40, 40},   {"round", round, -40, 40},
                               {"relu", relu, -2, 2},           {"sign", sign, -1, 1},         {"abs", fabs, -3e38, 3e38}};
enum { SWEEPS = sizeof(sweeps) / sizeof(sweeps[0]) };

/* Values at the edges: zeros, infinities, NaN, halves, what is about to run over, and what no fp32 below 2^-126 needs to tell from 0. */
static const double edges[] = {0,          -0.0,      INFINITY, -INFINITY,  NAN,    0.5,        -0.5,      1.5,       -2.5,      1,    -1,
                               0.49999997, 8388607.5, 8388609,  -8388607.5, 3e9,    -3e9,       88.72283,  88.72285,  89,        1e38, -104,
                               -200,       1e-6,      -1e-6,    0.625,      -0.625, 0.41421357, 1.4142135, 1.4142137, 0.70710677};
enum { EDGES = sizeof(edges) / sizeof(edges[0]), FEW = 3000, MANY = (1 << 17) + 7 };

/* Of one function over all arguments. */
static void check_function(flow_case *f, const sweep *s, const flow_array *x)
{
    const flow_array *y = flow_case_step(f, s->name);
    for (int64_t e = 0; y && e < x->shape[3] && flow_case_ok(f); e++) {
        const double got = y->x[e], want = isnan(x->x[e]) ? NAN : s->of(x->x[e]), error = fabs(got - want) / fabs(want);
        const bool over = fabs(want) > 3.4028235e38 && got == copysign(INFINITY, want), under = fabs(want) < 1.2e-36 && fabs(got) < 1.2e-36;
        if (got == want || (isnan(got) && isnan(want)) || over || under) continue;
        if (error > f->worst) {
            f->worst = error;
            snprintf(f->worst_name, sizeof(f->worst_name), "%s", s->name);
        }
        if (!(error <= 3e-7)) flow_case_fail(f, "%s(%.9g) is %.9g; expected %.9g", s->name, x->x[e], got, want);
    }
    f->compared = y != NULL;
}

/* Every function over every other's arguments too; so many that devices compile it, or not. */
static suite_verdict run_functions(const suite_case *c, suite_run_context *run)
{
    flow_case f;
    char text[2048];
    size_t used = 0;
    const int count = c->number ? MANY : FEW;
    flow_case_begin(&f, run, c->name, (flow_sizes){.b = 1, .h = 1, .nq = 1, .nk = 1, .d = 1});
    flow_array *x = flow_case_input(&f, "x", TSR_F32, 1, 1, 1, count);
    for (int i = 0; i < count && x; i++) {
        const sweep *s = &sweeps[i % SWEEPS];
        x->x[i] = i < EDGES ? edges[i] : s->low + (s->high - s->low) * pow((double)flow_case_draw(&f, 0, 1 << 20) / (1 << 20), i % 2 ? 1 : 12);
    }
    for (int h = 0; h < SWEEPS; h++) used += (size_t)snprintf(text + used, sizeof(text) - used, "'%s': '%s(x)', ", sweeps[h].name, sweeps[h].name);
    flow_case_start(&f, "{'inputs': {'x': {'shape': [1, 1, 1, %d]}}, 'steps': {%s 'o': 'q'}}", count, text);
    for (int h = 0; h < SWEEPS && x; h++) check_function(&f, &sweeps[h], x);
    return flow_case_end(&f);
}

int suite_add_flow_values(suite *s)
{
    char name[64];
    for (int i = 0; i < RANDOM; i++) {
        snprintf(name, sizeof(name), "flow/expressions/random-%d", i);
        if (!suite_add(s, name, run_any, NULL, i)) return 0;
    }
    for (int i = 0; i < BRIEF; i++) {
        snprintf(name, sizeof(name), "flow/expressions/brief-%d", i);
        if (!suite_add(s, name, run_brief, NULL, i)) return 0;
    }
    for (int i = 0; i < 3; i++) {
        static const char *const kinds[] = {"stack", "tensors", "long"};
        snprintf(name, sizeof(name), "flow/expressions/large-%s", kinds[i]);
        if (!suite_add(s, name, run_large, NULL, i)) return 0;
    }
    return suite_add(s, "flow/expressions/functions", run_functions, NULL, 0) &&
           suite_add(s, "flow/expressions/functions-compiled", run_functions, NULL, 1);
}
