/* The interface of the compute kernel: an expression, worked out for each element of a packed fp32 tensor.
 * MATH: bits of COMPUTE_MATH_.., the functions that the expression uses: an interpreter's branches cost even where they are not taken. */
#define COMPUTE_SPECS(S) S(0, LANES, 64) S(1, MATH, 0)
#define COMPUTE_SHAPES(S)

/* Extents of the result; elements: their product; chunk: elements of one workgroup; first, last: words of the program in code. */
#define COMPUTE_PARAMS(F) F(i32, heads) F(i32, rows) F(i32, columns) F(i32, elements) F(i32, chunk) F(i32, first) F(i32, last)

#define COMPUTE_ARGS(RO, RW) RO(code) RO(t0) RO(t1) RO(t2) RO(t3) RO(t4) RO(t5) RO(t6) RO(t7) RW(result)

/* code: for each tensor its strides in elements as i64 (batch, head, row, column), heads of the result that share one of its own, and
 * its tsr_dtype; then the program in postfix order: operation + 256 operands + 65536 argument, and one word behind it.
 * A number stands in the word after its operation. */
#define COMPUTE_TENSOR_WORDS 10
#define COMPUTE_TENSORS 8
#define COMPUTE_I32 4 /* of tsr_dtype */
#define COMPUTE_DEPTH 16  /* of the stack */
#define COMPUTE_WORDS 256 /* of a program: an invocation's loops end on some devices */

#define COMPUTE_NUMBER 0
#define COMPUTE_LOAD 1  /* argument: the tensor */
#define COMPUTE_PLACE 2 /* argument: 0 batch, 1 head, 2 row, 3 column */
#define COMPUTE_ADD 3
#define COMPUTE_SUBTRACT 4
#define COMPUTE_MULTIPLY 5
#define COMPUTE_DIVIDE 6
#define COMPUTE_REMAINDER 7
#define COMPUTE_LESS 8
#define COMPUTE_AT_MOST 9
#define COMPUTE_EQUAL 10
#define COMPUTE_DIFFERENT 11
#define COMPUTE_AND 12
#define COMPUTE_OR 13
#define COMPUTE_NOT 14
#define COMPUTE_NEGATE 15
#define COMPUTE_CHOOSE 16 /* ? : */
#define COMPUTE_MIN 17
#define COMPUTE_MAX 18
#define COMPUTE_ABS 19
#define COMPUTE_RELU 20
#define COMPUTE_SIGN 21
#define COMPUTE_FLOOR 22
#define COMPUTE_CEIL 23
#define COMPUTE_ROUND 24
#define COMPUTE_SQRT 25
#define COMPUTE_EXP 26
#define COMPUTE_LN 27
#define COMPUTE_LOG2 28
#define COMPUTE_POW 29
#define COMPUTE_SIGMOID 30
#define COMPUTE_SILU 31
#define COMPUTE_TANH 32
#define COMPUTE_ELU 33
#define COMPUTE_SOFTPLUS 34
#define COMPUTE_OPERATIONS 35

#define COMPUTE_MATH_EXP 1 /* exp, sigmoid, silu */
#define COMPUTE_MATH_LOG 2 /* ln, log2 */
#define COMPUTE_MATH_REST 4 /* pow, tanh, elu, softplus */
