/* The interface of the tile_scan kernel: one invocation walks the units of one piece and lays out the lists that the flash kernel
 * walks (shaders/attention/flash_args.h), of the pieces [first, first + pieces) of this launch.
 *
 * words: as of tile_masks; {kind + 4 pairs} becomes {kind + 4 place}, the place of the unit's first key among the gathered keys of its
 * kind, kind 3 for units that are part of a run. counts [B,H,query tiles][4]: keys gathered for all queries, keys gathered with
 * bits, tiles of keys visited, pairs.
 * runs: units that all queries see are runs of keys, and whole tiles of them. entry_room: entries of a piece; block_room: units of key_tile words of a piece. */
#include "pieces.h"

#define TILE_SCAN_SPECS(S) S(0, LANES, 64)
#define TILE_SCAN_SHAPES(S)
#define TILE_SCAN_PARAMS(F)                                                                  \
    PIECE_PARAMS(F)                                                                                \
    F(i64, entries_at) F(i32, runs) F(i32, tiles_at) F(i32, rows_at) F(i32, pieces_at) F(i32, entry_room) \
    F(i32, passes) F(i32, pass_tiles)
#define TILE_SCAN_ARGS(RO, RW) RO(query_order) RW(words) RW(lists) RW(counts)
