/* The interface of the softmax kernel: rows of x, of those elements where `where` is not 0. */

/* LSE 1: ln of the sum of exponentials in place of the softmax. */
#define SOFTMAX_SPECS(S) S(0, LANES, 64) S(1, LSE, 0)
#define SOFTMAX_SHAPES(S)

/* x and where are fp32, their strides in elements, their columns 1 or (where's) 0 apart; groups: heads of the result that share one of theirs. */
#define SOFTMAX_PARAMS(F)                                                                          \
    F(i64, x_sb) F(i64, x_sh) F(i64, x_sr) F(i64, w_sb) F(i64, w_sh) F(i64, w_sr) F(i32, w_sc) F(i32, x_group) F(i32, w_group) \
    F(i32, has_where) F(i32, heads) F(i32, rows) F(i32, columns)

/* y: packed [batch, heads, rows, columns], with LSE [.., rows, 1]. */
#define SOFTMAX_ARGS(RO, RW) RO(x) RO(where) RW(y)
