/* Attention with an expression, as score or as mask: made, run on the device, compared with the reference. */
#ifndef EXPRESSION_CASES_H
#define EXPRESSION_CASES_H

#include "suite.h"
#include "tessera/tessera_expression.h"
#include "tessera/tessera_set.h"

enum { EXPRESSION_MAX_TENSORS = 4, EXPRESSION_MAX_ELEMENTS = 1024 };

/* Inputs and outputs of one attention, all in host memory, all f32 but the mask. */
typedef struct expression_problem {
    tsr_attention_desc desc; /* score and sets filled in by the run */
    tsr_expression_desc expression;
    tsr_set_desc set; /* its grid, if any; its nodes filled in by the run */
    float *q, *k, *v, *bias, *o, *lse;
    uint8_t *mask;
} expression_problem;

/* Random inputs for a description with its shapes; false: no memory. expression_free in any case. */
bool expression_make(expression_problem *p, const tsr_attention_desc *desc, oracle_rng *r);
void expression_free(expression_problem *p);

/* Runs and fetches o and lse, which are poisoned before. */
tsr_status expression_run(expression_problem *p, tsr_device *dev);

/* The same by the reference. */
bool expression_reference(const expression_problem *p, double (*score)(const void *user, double score, int64_t b, int64_t h, int64_t i, int64_t j),
                          const void *user, double *o, double *lse);

/* expression_random.c: random formulas, a different one for each head, each query seeing one key only. */
suite_verdict expression_random(const suite_case *c, suite_run_context *run);

/* expression_probe.c */
suite_verdict expression_probe(const suite_case *c, suite_run_context *run);

#endif
