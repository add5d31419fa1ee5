/* The interface of the merge kernel: partial states of a split key range to one output row. */
#define MERGE_SPECS(S) S(0, LANES, 64) S(1, O_DT, 0) S(2, HAS_LSE, 0) S(3, HAS_SINK, 0) S(4, SPLITS, 2)
#define MERGE_SHAPES(S)
#define MERGE_PARAMS(F)                                                                            \
    F(i64, o_sb) F(i64, o_sh) F(i64, o_sn) F(i64, lse_sb) F(i64, lse_sh) F(i64, lse_sn)            \
    F(i64, rows) F(i32, o_sd) F(i32, sink_sh) F(i32, heads) F(i32, nq) F(i32, dv)
#define MERGE_ARGS(RO, RW) RO(part_o) RO(part_lse) RO(sink) RW(o) RW(lse)
