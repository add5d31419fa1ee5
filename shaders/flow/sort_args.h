/* The interface of the sorting kernels sort_count, sort_scan and sort_move: tokens of each run by ascending key, equal ones in their order. A pass
 * goes by BITS bits of the key: each invocation counts its chunk of tokens by digit, the counts are summed up, each invocation puts its
 * tokens where they belong. */
#define SORT_COUNT_SPECS(S) S(0, LANES, 64) S(1, BITS, 4)
#define SORT_COUNT_SHAPES(S)
#define SORT_MOVE_SPECS(S) SORT_COUNT_SPECS(S)
#define SORT_MOVE_SHAPES(S)
#define SORT_SCAN_SPECS(S) S(0, LANES, 64)
#define SORT_SCAN_SHAPES(S)

/* x: fp32, strides in elements; runs of `run` tokens, in chunks; invocations: over all heads. labels: keys are whole numbers below it, 0: any
 * numbers. has_order 0: this is the first pass. shift: the digit's first bit. */
#define SORT_COUNT_PARAMS(F)                                                                       \
    F(i64, x_sb) F(i64, x_sh) F(i64, x_sc) F(i32, heads) F(i32, tokens) F(i32, run) F(i32, runs) F(i32, chunk) F(i32, chunks) \
    F(i32, invocations) F(i32, labels) F(i32, has_order) F(i32, shift)
#define SORT_MOVE_PARAMS(F) SORT_COUNT_PARAMS(F)
/* entries: of a run's counts; an invocation sees to share of them. */
#define SORT_SCAN_PARAMS(F) F(i32, entries) F(i32, share)

/* order, sorted: i32 [batch heads, tokens]; found: u32 [batch heads, runs, digits, chunks]: counts, then where each begins in its run. */
#define SORT_COUNT_ARGS(RO, RW) RO(x) RO(order) RW(found)
#define SORT_MOVE_ARGS(RO, RW) RO(x) RO(order) RO(found) RW(sorted)
#define SORT_SCAN_ARGS(RO, RW) RW(found)
