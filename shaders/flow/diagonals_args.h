/* The interface of the diagonals kernel: sums along the diagonals of maps. */
#define DIAGONALS_SPECS(S) S(0, LANES, 64)
#define DIAGONALS_SHAPES(S)

/* x: fp32 [.., heads, rows, columns] of strides s0 .. s3; y: packed [.., heads, parts, columns]: of part rows each. An invocation makes
 * width diagonals: items in all, blocks a row of y. */
#define DIAGONALS_PARAMS(F)                                                                        \
    F(i64, items) F(i64, s0) F(i64, s1) F(i64, s2) F(i64, s3) F(i32, heads) F(i32, rows) F(i32, columns) F(i32, parts) F(i32, part) \
    F(i32, width) F(i32, blocks)

#define DIAGONALS_ARGS(RO, RW) RO(x) RW(y)
