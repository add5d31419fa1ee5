/* Expressions that users write: masks and scores, over the pair at hand and the user's own numbers.
 *
 * Text: statements `name = expression;` and at last one expression, C-like: numbers, ( ), ?:, || && !,
 * == != < <= > >=, + - * / %, unary -, calls of abs min max floor exp log sqrt tanh pow clamp, and tensors
 * indexed as name[i, j]. Comments run from # to the end of a line.
 * Names: b, h, q, kv (whole numbers: batch, head, query, key), nq, nk; qt, qh, qw, kt, kh, kw (grid
 * coordinates, -1 outside the grid or without one); score (fp32; scores only), the user's scalars and tensors.
 * Whole numbers divide and take remainders towards minus infinity; / of two whole numbers is a real number,
 * floor(a / b) the quotient. A tensor's index outside its shape reads 0. */
#ifndef TESSERA_EXPRESSION_H
#define TESSERA_EXPRESSION_H

#include "tessera.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tsr_expression_kind {
    TSR_EXPRESSION_MASK = 0, /* a number or a truth value: not 0 means may attend */
    TSR_EXPRESSION_SCORE = 1 /* the score that replaces `score`, a number */
} tsr_expression_kind;

typedef struct tsr_named_scalar {
    const char *name;
    float value;
} tsr_named_scalar;

typedef struct tsr_named_tensor {
    const char *name;
    uint32_t rank; /* 1..4 */
    int64_t shape[4];
    const float *data; /* row-major; copied */
} tsr_named_tensor;

typedef struct tsr_expression_desc {
    const char *text;
    size_t length; /* 0: text ends with a NUL */
    tsr_expression_kind kind;
    const tsr_named_scalar *scalars;
    size_t scalar_count;
    const tsr_named_tensor *tensors;
    size_t tensor_count;
    uint64_t reserved[4];
} tsr_expression_desc;

/* A tsr_expression is immutable; any thread may use it. Parses and checks. TSR_ERROR_COMPILE: the text begins with "line L, column C: ", and names what was
 * expected. Everything is copied. */
TSR_API tsr_status tsr_expression_create(const tsr_expression_desc *desc, tsr_expression **out);
TSR_API void tsr_expression_destroy(tsr_expression *expression);

#ifdef __cplusplus
}
#endif
#endif
