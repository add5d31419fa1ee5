/* Recipes with steps in tests: sizes, tensors, runs and their ends. Comparing is in flow_compare.c. */
#include "flow_case.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_INPUT = 5 }; /* behind q, k, v, o, lse */

bool flow_case_ok(const flow_case *f) { return f->verdict == SUITE_PASS; }

void flow_case_fail(flow_case *f, const char *format, ...)
{
    if (!flow_case_ok(f)) return;
    f->verdict = SUITE_FAIL;
    va_list args;
    va_start(args, format);
    vsnprintf(f->run->message, f->run->size, format, args);
    va_end(args);
}

static bool check(flow_case *f, tsr_status status, const char *what)
{
    if (status != TSR_OK && flow_case_ok(f)) f->verdict = suite_error(f->run, status, what);
    return flow_case_ok(f);
}

int64_t flow_case_draw(flow_case *f, int64_t low, int64_t high) { return low + oracle_below(&f->rng, (uint32_t)(high - low + 1)); }

flow_array *flow_case_array(flow_case *f, int64_t b, int64_t h, int64_t r, int64_t c)
{
    flow_array *a = calloc(1, sizeof(*a));
    if (a) {
        *a = (flow_array){.shape = {b, h, r, c}, .x = calloc((size_t)(b * h * r * c + 1), sizeof(double)), .next = f->arrays};
        f->arrays = a;
    }
    if (!a || !a->x) flow_case_fail(f, "no memory for %lld numbers", (long long)(b * h * r * c));
    return a && a->x ? a : NULL;
}

static int64_t elements(const int64_t shape[4]) { return shape[0] * shape[1] * shape[2] * shape[3]; }

/* Strides over axes in a random order, the dense one with a step at times, rows with gaps. */
static void scatter(flow_case *f, flow_case_tensor *t)
{
    int order[4] = {3, 2, 1, 0};
    for (int i = 3; i > 0; i--) {
        const int other = (int)flow_case_draw(f, 0, i), swap = order[i];
        order[i] = order[other], order[other] = swap;
    }
    int64_t step = flow_case_draw(f, 1, 2);
    for (int i = 0; i < 4; i++) {
        t->layout.stride[order[i]] = step;
        step = step * t->layout.shape[order[i]] + flow_case_draw(f, 0, 3);
    }
    t->first = flow_case_draw(f, 0, 5);
    t->room = t->first + step;
}

static int64_t place(const flow_case_tensor *t, int64_t e)
{
    const int64_t *shape = t->layout.shape, *stride = t->layout.stride;
    int64_t at = t->first;
    for (int i = 3; i >= 0; i--) {
        at += e % shape[i] * stride[i];
        e /= shape[i];
    }
    return at;
}

/* Values to the buffer, rounded, NaN around them. */
static void upload(flow_case *f, flow_case_tensor *t)
{
    const size_t size = tsr_dtype_size(t->layout.dtype);
    void *data = malloc((size_t)t->room * size);
    if (!data) flow_case_fail(f, "no memory for %s", t->name);
    for (int64_t i = 0; data && i < t->room; i++) oracle_store(t->layout.dtype, data, i, NAN);
    for (int64_t e = 0; data && e < elements(t->layout.shape); e++) {
        if (t->values) {
            oracle_store(t->layout.dtype, data, place(t, e), t->values->x[e]);
            t->values->x[e] = oracle_load(t->layout.dtype, data, place(t, e));
        }
    }
    if (data && flow_case_ok(f)) check(f, tsr_buffer_write(t->buffer, 0, data, (uint64_t)t->room * size), "writing a tensor");
    free(data);
}

static flow_case_tensor *add(flow_case *f, const char *name, tsr_dtype dtype, const int64_t shape[4])
{
    if (f->tensor_count == FLOW_CASE_TENSORS) flow_case_fail(f, "the test has more tensors than %d", FLOW_CASE_TENSORS);
    if (!flow_case_ok(f)) return NULL;
    flow_case_tensor *t = &f->tensors[f->tensor_count++];
    *t = (flow_case_tensor){.layout = {dtype, {shape[0], shape[1], shape[2], shape[3]}, {0}}};
    snprintf(t->name, sizeof(t->name), "%s", name);
    int64_t step = 1;
    for (int i = 3; i >= 0; i--) {
        t->layout.stride[i] = step;
        step *= shape[i];
    }
    t->room = step + 1;
    if (f->n.strided) scatter(f, t);
    check(f, tsr_buffer_create(f->run->dev, (uint64_t)t->room * tsr_dtype_size(dtype), &t->buffer), "a tensor's memory");
    return t;
}

static flow_array *add_random(flow_case *f, const char *name, tsr_dtype dtype, const int64_t shape[4])
{
    flow_case_tensor *t = add(f, name, dtype, shape);
    flow_array *a = t ? flow_case_array(f, shape[0], shape[1], shape[2], shape[3]) : NULL;
    for (int64_t e = 0; a && e < elements(shape); e++) a->x[e] = oracle_normal(&f->rng);
    if (a) t->values = a;
    return a;
}

flow_array *flow_case_input(flow_case *f, const char *name, tsr_dtype dtype, int64_t b, int64_t h, int64_t r, int64_t c)
{
    return add_random(f, name, dtype, (const int64_t[4]){b, h, r, c});
}

void flow_case_parameter(flow_case *f, const char *name, double value)
{
    if (f->parameter_count == FLOW_CASE_PARAMETERS)
        flow_case_fail(f, "the test has more parameters than %d", FLOW_CASE_PARAMETERS);
    else
        f->parameters[f->parameter_count++] = (tsr_named_scalar){name, (float)value};
}

static int64_t pick(flow_case *f, const int64_t *list, size_t count) { return list[oracle_below(&f->rng, (uint32_t)count)]; }
#define PICK(f, list) pick(f, list, sizeof(list) / sizeof((list)[0]))

/* Awkward numbers: 1, primes, powers of two and their neighbours. */
static void draw_sizes(flow_case *f)
{
    static const int64_t heads[] = {1, 2, 3, 4, 6, 8}, tokens[] = {1, 2, 3, 5, 16, 17, 31, 64, 65, 97, 127, 128, 131, 200, 211},
                         channels[] = {1, 3, 8, 16, 17, 24, 32, 40, 64};
    flow_sizes *n = &f->n;
    if (!n->b) n->b = flow_case_draw(f, 1, 2);
    if (!n->h) n->h = PICK(f, heads);
    while (!n->hkv || n->h % n->hkv) n->hkv = flow_case_draw(f, 1, n->h);
    if (!n->nq) n->nq = PICK(f, tokens);
    if (!n->nk) n->nk = PICK(f, tokens);
    if (!n->d) n->d = PICK(f, channels);
    if (!n->dv) n->dv = n->d;
}

void flow_case_begin(flow_case *f, suite_run_context *run, const char *name, flow_sizes n)
{
    *f = (flow_case){.run = run, .rng = oracle_seed(suite_seed_of(name, run->seed)), .n = n};
    draw_sizes(f);
    n = f->n;
    f->q = add_random(f, "q", n.dtype, (const int64_t[4]){n.b, n.h, n.nq, n.d});
    f->k = add_random(f, "k", n.dtype, (const int64_t[4]){n.b, n.hkv, n.nk, n.d});
    f->v = add_random(f, "v", n.dtype, (const int64_t[4]){n.b, n.hkv, n.nk, n.dv});
    add(f, "o", TSR_F32, (const int64_t[4]){n.b, n.h, n.nq, n.dv});
    add(f, "lse", TSR_F32, (const int64_t[4]){n.b, n.h, n.nq, 1});
}

static tsr_span span_of(const flow_case_tensor *t) { return (tsr_span){t->buffer, (uint64_t)t->first * tsr_dtype_size(t->layout.dtype)}; }

static tsr_status prepare(flow_case *f, const char *format, va_list args)
{
    char text[16384];
    const int length = vsnprintf(text, sizeof(text), format, args);
    if (length < 0 || (size_t)length >= sizeof(text)) flow_case_fail(f, "the test's recipe is longer than %zu", sizeof(text));
    if (!flow_case_ok(f)) return TSR_ERROR_INTERNAL;
    for (char *c = text; *c; c++) *c = *c == '\'' ? '"' : *c;
    tsr_flow_input inputs[FLOW_CASE_TENSORS];
    const int input_count = f->tensor_count - FIRST_INPUT;
    for (int i = 0; i < input_count; i++) inputs[i] = (tsr_flow_input){f->tensors[FIRST_INPUT + i].name, f->tensors[FIRST_INPUT + i].layout};
    const tsr_flow_desc desc = {.text = text,
                                .q = f->tensors[0].layout,
                                .k = f->tensors[1].layout,
                                .v = f->tensors[2].layout,
                                .o = f->tensors[3].layout,
                                .lse = f->wants_lse ? f->tensors[4].layout : (tsr_layout){0},
                                .grid = {f->n.grid[0], f->n.grid[1], f->n.grid[2]},
                                .inputs = inputs,
                                .input_count = (size_t)input_count,
                                .parameters = f->parameters,
                                .parameter_count = f->parameter_count,
                                .keep = !f->sparing};
    return tsr_flow_prepare(f->run->dev, &desc, &f->flow);
}

tsr_status flow_case_prepare(flow_case *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const tsr_status status = prepare(f, format, args);
    va_end(args);
    return status;
}

void flow_case_start(flow_case *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const tsr_status status = prepare(f, format, args);
    va_end(args);
    check(f, status, "preparing a recipe");
    for (int i = 0; i < f->tensor_count && flow_case_ok(f); i++) upload(f, &f->tensors[i]);
    flow_case_run(f, 0);
}

void flow_case_run(flow_case *f, uint64_t number)
{
    if (!flow_case_ok(f)) return;
    tsr_span inputs[FLOW_CASE_TENSORS];
    for (int i = FIRST_INPUT; i < f->tensor_count; i++) inputs[i - FIRST_INPUT] = span_of(&f->tensors[i]);
    const tsr_flow_args args = {.q = span_of(&f->tensors[0]),
                                .k = span_of(&f->tensors[1]),
                                .v = span_of(&f->tensors[2]),
                                .o = span_of(&f->tensors[3]),
                                .lse = f->wants_lse ? span_of(&f->tensors[4]) : (tsr_span){0},
                                .inputs = inputs,
                                .run = number};
    if (!check(f, tsr_flow_run(f->flow, &args), "running a recipe")) return;
    tsr_flow_report report;
    check(f, tsr_flow_get_report(f->flow, &report), "a recipe's report");
}

static flow_case_tensor *find(flow_case *f, const char *name)
{
    for (int i = 0; i < f->tensor_count; i++)
        if (strcmp(f->tensors[i].name, name) == 0) return &f->tensors[i];
    flow_case_fail(f, "the test has no tensor %s", name);
    return NULL;
}

void flow_case_change(flow_case *f, const char *name)
{
    flow_case_tensor *t = flow_case_ok(f) ? find(f, name) : NULL;
    if (t) upload(f, t);
}

const flow_array *flow_case_output(flow_case *f, const char *name)
{
    const flow_case_tensor *t = flow_case_ok(f) ? find(f, name) : NULL;
    if (!t) return NULL;
    const int64_t *shape = t->layout.shape;
    const size_t bytes = (size_t)t->room * tsr_dtype_size(t->layout.dtype);
    flow_array *a = flow_case_array(f, shape[0], shape[1], shape[2], shape[3]);
    void *data = malloc(bytes);
    if (!data) flow_case_fail(f, "no memory for %s", name);
    if (a && data && check(f, tsr_buffer_read(t->buffer, 0, data, bytes), "reading an output"))
        for (int64_t e = 0; e < elements(shape); e++) a->x[e] = oracle_load(t->layout.dtype, data, place(t, e));
    free(data);
    return flow_case_ok(f) ? a : NULL;
}

const flow_array *flow_case_step(flow_case *f, const char *name)
{
    int64_t shape[4];
    if (!flow_case_ok(f) || !check(f, tsr_flow_read(f->flow, name, shape, NULL, 0), name)) return NULL;
    const int64_t count = elements(shape);
    flow_array *a = flow_case_array(f, shape[0], shape[1], shape[2], shape[3]);
    float *data = malloc((size_t)(count + 1) * sizeof(*data));
    if (!data) flow_case_fail(f, "no memory for %s", name);
    if (a && data && check(f, tsr_flow_read(f->flow, name, shape, data, (uint64_t)count), name))
        for (int64_t e = 0; e < count; e++) a->x[e] = (double)data[e];
    free(data);
    return flow_case_ok(f) ? a : NULL;
}

suite_verdict flow_case_end(flow_case *f)
{
    tsr_flow_destroy(f->flow);
    for (int i = 0; i < f->tensor_count; i++) tsr_buffer_destroy(f->tensors[i].buffer);
    while (f->arrays) {
        flow_array *next = f->arrays->next;
        free(f->arrays->x);
        free(f->arrays);
        f->arrays = next;
    }
    if (!flow_case_ok(f)) return f->verdict;
    return f->compared ? suite_say(f->run, SUITE_PASS, "worst error %.2g of what is allowed, of %s", f->worst, f->worst_name)
                       : suite_say(f->run, SUITE_FAIL, "the test compared nothing");
}
