/* Expressions that users write: masks and scores, over the pair at hand and the user's own numbers.
 *
 * Text: statements `name = expression;` and at last one expression, C-like: numbers, ( ), ?:, || && !,
 * == != < <= > >=, + - * / %, unary -, calls of abs min max floor exp log sqrt tanh pow clamp, and tensors
 * indexed as name[i, j]. Comments run from # to the end of a line.
 * Names: b, h, q, kv (whole numbers: batch, head, query, key), nq, nk; qt, qh, qw, kt, kh, kw (grid
 * coordinates, -1 outside the grid or without one); score (fp32; scores only), the user's scalars and tensors.
 *
 * Whole numbers are exact, in 64 bits, and wrap; they divide and take remainders towards minus infinity:
 * / of two whole numbers is a real number, floor(a / b) the exact quotient; a % 0 and floor(a / 0) are 0.
 * Reals are fp32, and IEEE 754 as far as the device is; what is mixed becomes real, floor of a real whole
 * again (cut to 32 bits, 0 for NaN). Conditions take numbers, not 0 being true; a truth value is no number
 * (c ? 1 : 0 makes one). A tensor's index is whole; outside its shape it reads 0.
 * q, kv, nq and nk count whole sequences, also where a set packs segments; coordinates are then the
 * segment's own, in masks only. Both kinds know the grid of the set beside or around them.
 *
 * Limits: 65536 bytes, 128 names and levels, 512 operations, 256 scalars, 64 tensors of 2^28 elements
 * together, 2^28 tokens. Plans whose scores differ in the values of scalars and tensors alone share their kernels. */
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
