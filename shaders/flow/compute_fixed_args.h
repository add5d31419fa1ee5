/* The interface of the compute_fixed kernel: as compute, for long tensors and short programs. The program is a part of the kernel: drivers
 * unroll and fold it. AXES: bits 1, 2, 4 where the result has several rows, heads, batches. COUNT: words. */
#define COMPUTE_FIXED_SPECS(S)                                                                     \
    S(0, LANES, 64) S(1, AXES, 0) S(2, COUNT, 1)                                                   \
    S(3, W0, 0) S(4, W1, 0) S(5, W2, 0) S(6, W3, 0) S(7, W4, 0) S(8, W5, 0)      \
    S(9, W6, 0) S(10, W7, 0) S(11, W8, 0) S(12, W9, 0) S(13, W10, 0)                \
    S(14, W11, 0) S(15, W12, 0) S(16, W13, 0) S(17, W14, 0) S(18, W15, 0)
#define COMPUTE_FIXED_SHAPES(S)
#define COMPUTE_FIXED_WORDS 16
#define COMPUTE_FIXED_FIRST 3 /* the constant of W0 */

/* As of compute; elements of one invocation: chunk / LANES. */
#define COMPUTE_FIXED_PARAMS(F) F(i32, heads) F(i32, rows) F(i32, columns) F(i32, elements) F(i32, chunk)

/* code: for each tensor its strides (batch, head, row, column), which fit 32 bits, and how many heads share one of its own; then the
 * program's numbers. */
#define COMPUTE_FIXED_ARGS(RO, RW) RO(code) RO(t0) RO(t1) RO(t2) RO(t3) RO(t4) RO(t5) RO(t6) RO(t7) RW(result)
#define COMPUTE_FIXED_TENSOR_WORDS 5

/* A word: operation + 256 operands + 65536 argument: a number is operation COMPUTE_FIXED_NUMBER and its word in code; a tensor
 * is its index + 8 dtype + 64 kind of its columns + 256 where heads share. */
#define COMPUTE_FIXED_NUMBER 255
#define COMPUTE_FIXED_REPEATED 0
#define COMPUTE_FIXED_DENSE 1
#define COMPUTE_FIXED_SPREAD 2
