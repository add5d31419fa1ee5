/* The interface of the tile_emit kernel: writes the gathered keys, and the bits of those that some queries see, where tile_scan placed
 * them. One workgroup sees to group_units units of one piece; see tile_masks_args.h for the words. */
#include "pieces.h"

#define TILE_EMIT_SPECS(S) S(0, LANES, 64)
#define TILE_EMIT_SHAPES(S)
#define TILE_EMIT_PARAMS(F)                                                                  \
    PIECE_PARAMS(F) F(i32, group_units) F(i32, unit_groups)
#define TILE_EMIT_ARGS(RO, RW) RO(query_order) RO(key_order) RO(words) RO(counts) RW(lists)
