/* The interface of the flash kernel, shared by the kernel's text and the engine that calls it.
 *
 * lists, in words of 32 bits, places counted from its start: for each batch and head {tiles, pieces, rows}; tiles [q_tiles]
 * of {rows, count}; rows: indices of queries; pieces [q_tiles][splits][passes] of {entries, count}; entries of {first
 * key, keys, block}: block -1 is a run of keys, else keys lie at the distances of unit block / 2, and are tested
 * against the bits behind these unless block % 2. Units have BC words and are counted from blocks_at: unit 0 has the
 * distances 0, 1, ... of a run; then blocks follow, a unit of distances each and, where keys are tested, BC x words of bits,
 * a bit for each column.
 *
 * skip: by how much all scores of a tile have to be below the running maximum for the tile to be passed over, as HAS_SKIP says;
 * skipped: of each workgroup, u32, how many tiles were (of the first slice of value channels; the others 0).
 *
 * CODES: q and k are rows of codes as quantize_args.h says: q's steps have the factor scale in them, q's shifts are part of each score. V_DT
 * int8: likewise, with steps of the columns. P_DT: what probabilities are rounded to, as the types of storage; int8: in steps of 1/127.
 *
 * user: the numbers of a score expression, as engine/expression/expression.h lays them out.
 *
 * Strides: _sb, _sh, _sn in bytes, _sd in elements; _ss steps over the splits, lse_plane over the planes of
 * log-sum-exps that passes leave to each other, two for each slice of value channels, four where P_DT is not fp32 (0: one pass). */

/* Constants of one compiled kernel. *_DT are storage types; BIAS_DT -1: no bias. GATHERED:
 * keys of a tile may lie apart; TESTED: some tiles have bits that count; TAGGED: see tsr_attention_args. D_CHUNK: head dims
 * staged at a time; KV_CHUNK: value rows staged at a time; DV_SLICE: value channels of one workgroup. */
#define FLASH_SPECS(S)                                                                             \
    S(0, LANES, 64) S(1, D, 64) S(2, D_CHUNK, 64) S(3, DV_SLICE, 64) S(4, KV_CHUNK, 64)            \
    S(5, Q_DT, 0) S(6, K_DT, 0) S(7, V_DT, 0) S(8, O_DT, 0) S(9, BIAS_DT, -1)                      \
    S(10, HAS_MASK, 0) S(11, HAS_SINK, 0) S(12, HAS_LSE, 0) S(13, HAS_CAP, 0)                       \
    S(14, GATHERED, 0) S(15, TESTED, 0) S(16, TAGGED, 0) S(17, HAS_SKIP, 0)             \
    S(18, CODES, 0) S(19, P_DT, 0)

/* Registers: RM x RN micro-tiles (RN in columns of VW queries), LN invocations side by side, BC keys.
 * In tile model simt RM and RN are multiples of 4, as is D_CHUNK, and BC = RM LANES / LN: a tile of scores is one micro-tile of
 * each invocation; LANES is a multiple of RN LN / 4, and no less than RN LN. */
#define FLASH_SHAPES(S) S(20, RM, 4) S(21, RN, 4) S(22, LN, 8) S(23, BC, 64)

#define FLASH_PARAMS(F)                                                                            \
    F(i64, q_sb) F(i64, q_sh) F(i64, q_sn) F(i64, k_sb) F(i64, k_sh) F(i64, k_sn)                  \
    F(i64, v_sb) F(i64, v_sh) F(i64, v_sn) F(i64, o_sb) F(i64, o_sh) F(i64, o_sn) F(i64, o_ss)     \
    F(i64, lse_sb) F(i64, lse_sh) F(i64, lse_sn) F(i64, lse_ss) F(i64, lse_plane)                 \
    F(i64, bias_sb) F(i64, bias_sh) F(i64, bias_sn) F(i64, bias_sk)                                \
    F(i64, mask_sb) F(i64, mask_sh) F(i64, mask_sn) F(i64, mask_sk)                                \
    F(i64, blocks_at)                                                                              \
    F(i32, q_sd) F(i32, k_sd) F(i32, v_sd) F(i32, o_sd) F(i32, sink_sh)                            \
    F(i32, heads) F(i32, group_heads) F(i32, nq) F(i32, nk) F(i32, dv)                             \
    F(i32, splits) F(i32, pass) F(i32, passes) F(i32, q_tiles) F(i32, dv_slices)                   \
    F(f32, scale) F(f32, softcap) F(f32, skip)

#define FLASH_ARGS(RO, RW)                                                                         \
    RO(q) RO(k) RO(v) RO(bias) RO(mask) RO(sink) RO(lists) RO(query_tags) RO(key_tags) RO(user) RW(o) RW(lse) RW(skipped)
