/* The interface of the tile_masks kernel: which queries of a query tile select which unit of keys, from a map over tiles.
 *
 * One invocation sees to group_units units of a piece.
 * The map's row of a query is place / query_size, or its label where query_size is 0; its column likewise of the unit's first key.
 * words: [pieces][units][3]: {kind + 4 pairs, bits of queries 0 to 31, bits of 32 to 63}; kind 0: no query, 1: all of the tile see
 * all of the unit, 2: some. first_source: words hold nothing yet; last_source: the band is applied, kind and pairs are told. */
#include "pieces.h"

#define TILE_MASKS_SPECS(S) S(0, LANES, 64)
#define TILE_MASKS_SHAPES(S)
#define TILE_MASKS_PARAMS(F)                                                                 \
    PIECE_PARAMS(F)                                                                                \
    F(i64, map_sb) F(i64, map_sh) F(i64, map_sr) F(i64, map_sc)                                    \
    F(i64, query_label_sb) F(i64, query_label_sh) F(i64, key_label_sb) F(i64, key_label_sh)        \
    F(i32, map_group) F(i32, query_label_group) F(i32, key_label_group) F(i32, query_size) F(i32, key_size) \
    F(i32, group_units) F(i32, unit_groups) F(i32, first_source) F(i32, last_source)
#define TILE_MASKS_ARGS(RO, RW) RO(map) RO(query_order) RO(key_order) RO(query_label) RO(key_label) RW(words)
