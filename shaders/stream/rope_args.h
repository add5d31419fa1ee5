/* The interface of the rope kernel: rows of one tensor to rows of another, pairs of channels turned on the way. */

#define ROPE_SPECS(S) S(0, LANES, 64)
#define ROPE_SHAPES(S)

/* Types and layouts are parameters, so that one compiled kernel serves every caller's tensors: it waits for memory anyway.
 * Strides of batch, head and row are bytes, of channels elements. half_pairs 0: pair p is channels 2 p and 2 p + 1; 1: p and
 * p + end2. Pairs before end0 belong to axis 0, before end1 to axis 1,
 * before end2 to axis 2; channels from 2 end2 on are copied. */
#define ROPE_PARAMS(F)                                                                           \
    F(i64, src_sb) F(i64, src_sh) F(i64, src_sn) F(i64, dst_sb) F(i64, dst_sh) F(i64, dst_sn)      \
    F(i32, src_sd) F(i32, dst_sd) F(i32, src_dt) F(i32, dst_dt) F(i32, half_pairs) F(i32, batch) F(i32, heads) F(i32, d)                            \
    F(i32, end0) F(i32, end1) F(i32, end2)

/* list: five i32 for each row: its place in src, in dst, and in table the first cosine of each axis. table: cosine and sine of
 * each pair. */
#define ROPE_ARGS(RO, RW) RO(src) RO(list) RO(table) RW(dst)
