/* The interface of the query_sum kernel: sums over queries, in parts of the rows. */
#define QUERY_SUM_SPECS(S) S(0, LANES, 64)
#define QUERY_SUM_SHAPES(S)

/* q: fp32, its heads head_stride elements apart, rows packed. group: query heads of one key head;
 * part: rows of one part; heads: batch heads_kv; blocks:
 * of LANES channels. One workgroup sees to one block of one head in one part. */
#define QUERY_SUM_PARAMS(F)                                                                        \
    F(i64, head_stride) F(i32, rows) F(i32, part) F(i32, group) F(i32, heads) F(i32, d) F(i32, blocks)

/* sums: fp32 [parts, batch heads_kv, d]. */
#define QUERY_SUM_ARGS(RO, RW) RO(q) RW(sums)
