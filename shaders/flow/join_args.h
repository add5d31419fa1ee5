/* The interface of the join kernel: two states of attention become one. */
#define JOIN_SPECS(S) S(0, LANES, 64)
#define JOIN_SHAPES(S)

/* Outputs: fp32 of strides a0 .. a3 and b0 .. b3; log-sum-exps of strides m0 .. m2 and n0 .. n2. The results are packed [.., n1, n2, n3] and
 * [.., n1, n2, 1] (e1, e2, e3 here). An invocation makes width columns of a row: items in all, blocks a row. */
#define JOIN_PARAMS(F)                                                                             \
    F(i64, items) F(i64, a0) F(i64, a1) F(i64, a2) F(i64, a3) F(i64, b0) F(i64, b1) F(i64, b2) F(i64, b3) F(i64, m0) F(i64, m1) F(i64, m2) \
    F(i64, n0) F(i64, n1) F(i64, n2) F(i32, e1) F(i32, e2) F(i32, e3) F(i32, width) F(i32, blocks) F(i32, a_group) F(i32, b_group) \
    F(i32, m_group) F(i32, n_group)

#define JOIN_ARGS(RO, RW) RO(first) RO(first_lse) RO(second) RO(second_lse) RW(y) RW(lse)
