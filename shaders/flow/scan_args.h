/* The interface of the scan kernel: y[i] = decay[i] y[i-1] + x[i] along an axis, in chunks. */
#define SCAN_SPECS(S) S(0, LANES, 64)
#define SCAN_SHAPES(S)

/* m1, m2, m3: extents with the axis' own replaced by the number of chunks; ends, factors and carry are packed so. y is packed with the axis
 * of extent: y_step from one place to the next, and strides y0 .. y3 (the axis' own 0). x and decay likewise: strides, step, heads shared by
 * x_group. An invocation sees to width columns of one chunk: items in all, blocks a row.
 * ends_only 1: each chunk's end, as if nothing were before it, goes to ends, the product of its decays to factors; y is not written.
 * carried: carry is what comes before each chunk. */
#define SCAN_PARAMS(F)                                                                             \
    F(i64, items) F(i64, s0) F(i64, s1) F(i64, s2) F(i64, s3) F(i64, step) F(i64, d0) F(i64, d1) F(i64, d2) F(i64, d3) F(i64, d_step) \
    F(i64, y0) F(i64, y1) F(i64, y2) F(i64, y3) F(i64, y_step) F(i32, m1) F(i32, m2) F(i32, m3) F(i32, axis) F(i32, width) F(i32, blocks) \
    F(i32, dt) F(i32, extent) F(i32, chunk) F(i32, decays) F(i32, exclusive) F(i32, ends_only) F(i32, carried) F(i32, x_group) F(i32, d_group)

/* decay: fp32. */
#define SCAN_ARGS(RO, RW) RO(x) RO(decay) RO(carry) RW(y) RW(ends) RW(factors)
