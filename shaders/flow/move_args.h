/* The interface of the move kernel: elements of one tensor to places of another. */
#define MOVE_SPECS(S) S(0, LANES, 64)
#define MOVE_SHAPES(S)

/* y has extents [.., n1, n2, n3] and strides y0 .. y3; x has strides s0 .. s3 and heads shared by x_group. Along axis (4: none; its stride is
 * step, and 0 among s0 .. s3) place p of y has the element of place j of x: the number that index says (indexed 1: i32, 2: fp32), or p / div,
 * or with flip the mirror image of p within its run of flip places. Where j is not in [0, extent): fill.
 * dt 4: i32, which become numbers; bits: y is i32 too, else of storage type y_dt. An invocation moves width columns of a row: items in all, blocks a row. */
#define MOVE_PARAMS(F)                                                                             \
    F(i64, items) F(i64, s0) F(i64, s1) F(i64, s2) F(i64, s3) F(i64, step) F(i64, y0) F(i64, y1) F(i64, y2) F(i64, y3) \
    F(i64, index_b) F(i64, index_h) F(i64, index_step) F(i32, n1) F(i32, n2) F(i32, n3) F(i32, axis) F(i32, width) F(i32, blocks) \
    F(i32, dt) F(i32, y_dt) F(i32, bits) F(i32, extent) F(i32, div) F(i32, flip) F(i32, indexed) F(i32, x_group) F(i32, index_group) F(f32, fill)

#define MOVE_ARGS(RO, RW) RO(x) RO(index) RW(y)
