/* Recipes with steps in tests: random tensors, a run, and steps read back beside what the definition gives in fp64.
 *
 *     flow_case f;
 *     flow_case_begin(&f, run, (flow_sizes){.b = 1, .h = 4, .hkv = 2, .nq = 37, .nk = 41, .d = 16, .dv = 16});
 *     flow_array *gate = flow_case_input(&f, "gate", TSR_F32, 1, 4, 37, 1);
 *     flow_case_start(&f, "{'inputs': {'gate': {'shape': [1,'H','Nq',1]}}, 'steps': {'m': ..., 'o': 'gate * q'}}");
 *     flow_case_expect(&f, "m", shape, my_value, &mine, 1e-6);
 *     return flow_case_end(&f);
 *
 * After a failure everything does nothing, and reads give NaN: only flow_case_end needs to be looked at. */
#ifndef FLOW_CASE_H
#define FLOW_CASE_H

#include "suite.h"
#include "tessera/tessera_flow.h"

/* Values in fp64, packed; those of q, k, v and inputs as their storage type rounds them. */
typedef struct flow_array {
    int64_t shape[4];
    double *x;
    struct flow_array *next; /* of the case's list, which frees them */
} flow_array;

/* The element at a place, where an axis of 1 is repeated; NaN outside. The second: where the tensor meets one of so many heads, which share its own
 * by groups. */
double flow_at(const flow_array *a, int64_t b, int64_t h, int64_t r, int64_t c);
double flow_at_head(const flow_array *a, int64_t b, int64_t h, int64_t heads, int64_t r, int64_t c);

typedef struct flow_sizes {
    int64_t b, h, hkv, nq, nk, d, dv; /* 0: drawn, hkv to divide h, dv like d */
    int64_t grid[3];
    tsr_dtype dtype; /* of q, k and v */
    bool strided;    /* axes of q, k, v and inputs in another order, with gaps */
} flow_sizes;

enum { FLOW_CASE_TENSORS = 16, FLOW_CASE_PARAMETERS = 8 };

/* A tensor of the caller's: its values, and where they lie. */
typedef struct flow_case_tensor {
    char name[32];
    flow_array *values;
    tsr_layout layout;
    int64_t first, room; /* elements of the buffer: before the tensor, and in all */
    tsr_buffer *buffer;
} flow_case_tensor;

typedef struct flow_case {
    suite_run_context *run;
    suite_verdict verdict;
    oracle_rng rng;
    flow_sizes n;
    flow_array *q, *k, *v;
    flow_case_tensor tensors[FLOW_CASE_TENSORS]; /* q, k, v, o, lse, then inputs */
    int tensor_count;
    tsr_named_scalar parameters[FLOW_CASE_PARAMETERS];
    size_t parameter_count;
    bool wants_lse; /* set before the start: the recipe's lse goes to the caller too */
    bool sparing;   /* set before the start: without keep, as callers run recipes */
    bool compared;
    tsr_flow *flow;
    flow_array *arrays;
    double worst; /* of the errors that flow_case_expect met, as parts of what was allowed */
    char worst_name[32];
} flow_case;

/* Draws the sizes that are 0, and q, k, v: normal numbers. The seed is that of the case's name. */
void flow_case_begin(flow_case *f, suite_run_context *run, const char *name, flow_sizes n);
/* A further tensor of normal numbers; what is written to its x before the start is what the recipe sees, once it is rounded. */
flow_array *flow_case_input(flow_case *f, const char *name, tsr_dtype dtype, int64_t b, int64_t h, int64_t r, int64_t c);
void flow_case_parameter(flow_case *f, const char *name, double value);
/* A number from low to high. */
int64_t flow_case_draw(flow_case *f, int64_t low, int64_t high);
/* New values of the case's own, all 0. */
flow_array *flow_case_array(flow_case *f, int64_t b, int64_t h, int64_t r, int64_t c);

/* Prepares the recipe, in which ' stands for ", with keep, and makes run 0. The second only prepares, and says how that ended. */
void flow_case_start(flow_case *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
tsr_status flow_case_prepare(flow_case *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One more run; after flow_case_change the tensor of that name has the values that its x has now. */
void flow_case_run(flow_case *f, uint64_t number);
void flow_case_change(flow_case *f, const char *name);

/* The tensor of a step ("o" too), NULL after a failure. */
const flow_array *flow_case_step(flow_case *f, const char *name);
/* What the kernel wrote to the caller's o [B,H,Nq,Dv] or lse. */
const flow_array *flow_case_output(flow_case *f, const char *name);

/* Compares a step with value() at each place of shape. An error may be tolerance times the larger of 1 and the value; 0: equal. Infinities
 * have to be equal, NaN fails. */
typedef double (*flow_value_of)(const void *user, int64_t b, int64_t h, int64_t r, int64_t c);
void flow_case_expect(flow_case *f, const char *name, const int64_t shape[4], flow_value_of value, const void *user, double tolerance);
/* The same of the caller's o or lse. */
void flow_case_expect_output(flow_case *f, const char *name, flow_value_of value, const void *user, double tolerance);
void flow_case_compare(flow_case *f, const char *name, const flow_array *expected, double tolerance);

/* Fails the case; the first failure stays. */
void flow_case_fail(flow_case *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool flow_case_ok(const flow_case *f);

/* A family of cases: run is called with numbers from 0 on, between begin and end. Every other number is strided, the storage type goes round. */
typedef struct flow_family {
    const char *name;
    void (*run)(flow_case *f, int number);
    int count;
    flow_sizes n; /* what is not drawn */
} flow_family;
int flow_case_add(suite *s, const flow_family *families, size_t count);

/* Frees everything; the verdict, and a message with the largest error. */
suite_verdict flow_case_end(flow_case *f);

#endif
