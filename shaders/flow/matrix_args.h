/* The interface of the matrix kernel: C[r,c] = scale sum over k of A(r,k) B(k,c), for many heads. */

/* L1 1: the sum of |A(r,k) - B(k,c)|. ROWS: rows of a workgroup; K_CHUNK: products of a part of a sum, staged together. */
#define MATRIX_SPECS(S)                                                                            \
    S(0, LANES, 64) S(1, A_DT, 0) S(2, B_DT, 0) S(3, L1, 0) S(4, ROWS, 64) S(5, K_CHUNK, 32)
#define MATRIX_SHAPES(S) S(6, RM, 8) S(7, RN, 4) S(8, LN, 8)

/* Strides in elements: of batch, head, row or column, and k. a_group: heads of the result that share one of a's. The sum runs over k from
 * k_first on, k_count of them; add 1: onto what is in c. */
#define MATRIX_PARAMS(F)                                                                           \
    F(i64, a_sb) F(i64, a_sh) F(i64, a_sr) F(i64, a_sk) F(i64, b_sb) F(i64, b_sh) F(i64, b_sk) F(i64, b_sc) \
    F(i32, a_group) F(i32, b_group) F(i32, heads) F(i32, rows) F(i32, columns) F(i32, row_tiles) F(i32, column_tiles) \
    F(i32, k_first) F(i32, k_count) F(i32, add) F(f32, scale)

/* c: fp32, packed [batch, heads, rows, columns]. */
#define MATRIX_ARGS(RO, RW) RO(a) RO(b) RW(c)
