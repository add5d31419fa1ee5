/* The interface of the columns kernel. MODE 0: sums of a column over rows, times factor; 1: the largest magnitude. A group takes the
 * rows [part x rows, part x rows + rows) and span columns of one head: found [heads][parts][columns], fp32. */
#define COLUMNS_SPECS(S) S(0, LANES, 64) S(1, SRC_DT, 0) S(2, MODE, 0)
#define COLUMNS_SHAPES(S)
#define COLUMNS_PARAMS(F)                                                                          \
    F(i64, sb) F(i64, sh) F(i64, sn) F(i32, sd) F(i32, heads) F(i32, n) F(i32, columns)            \
    F(i32, rows) F(i32, parts) F(i32, span) F(i32, spans) F(f32, factor)
#define COLUMNS_ARGS(RO, RW) RO(src) RW(found)
