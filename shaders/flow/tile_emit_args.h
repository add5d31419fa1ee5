/* The interface of the tile_emit kernel: writes the gathered keys, and the bits of those that some queries see, where tile_scan placed
 * them. One workgroup sees to group_units units of one piece; see tile_masks_args.h for the words. */
#define TILE_EMIT_SPECS(S) S(0, LANES, 64)
#define TILE_EMIT_SHAPES(S)
#define TILE_EMIT_PARAMS(F)                                                                        \
    F(i64, left) F(i64, right) F(i64, shift)                                                       \
    F(i64, query_order_sb) F(i64, query_order_sh) F(i64, key_order_sb) F(i64, key_order_sh)        \
    F(i32, query_order_group) F(i32, key_order_group) F(i32, query_ordered) F(i32, key_ordered)    \
    F(i32, heads) F(i32, nq) F(i32, nk) F(i32, q_tiles) F(i32, query_tile) F(i32, key_tile) F(i32, bit_words) F(i32, units) F(i32, unit_size) \
    F(i32, group_units) F(i32, unit_groups) F(i32, first) F(i32, bounded) F(i32, blocks_at) F(i32, block_room)
#define TILE_EMIT_ARGS(RO, RW) RO(query_order) RO(key_order) RO(words) RO(counts) RW(lists)
