/* What the kernels that turn maps into lists share: pieces, units, orders and the band.
 *
 * Queries and keys stand in the order of their tiles: place p is query query_order[p] (or p), and likewise for keys. A query tile is
 * query_tile places, a unit unit_size places of keys. A piece is a query tile of one head; a launch does pieces [first, first +
 * pieces), numbered head by head. Of the lists, block_room units of key_tile words from blocks_at on are a piece's. */
#ifndef TSR_FLOW_PIECES_H
#define TSR_FLOW_PIECES_H

#define PIECE_PARAMS(F)                                                                            \
    F(i64, left) F(i64, right) F(i64, shift)                                                       \
    F(i64, query_order_sb) F(i64, query_order_sh) F(i64, key_order_sb) F(i64, key_order_sh)        \
    F(i32, query_order_group) F(i32, key_order_group) F(i32, query_ordered) F(i32, key_ordered) F(i32, bounded) \
    F(i32, heads) F(i32, nq) F(i32, nk) F(i32, q_tiles) F(i32, query_tile) F(i32, key_tile) F(i32, bit_words) \
    F(i32, units) F(i32, unit_size) F(i32, first) F(i32, pieces) F(i32, blocks_at) F(i32, block_room)

#endif
