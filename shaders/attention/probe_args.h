/* The interface of the probe kernel: flash's, without values, and with what is looked at. */
#include "flash_args.h"

/* MODE 0: sums over the queries of a tile, found [slab_tiles][nk], a row for each query tile of a slab. MODE 1: the
 * probabilities themselves, found [B Hq][nq][nk], where nq counts the selected rows in their order. fill: only
 * zeroes, for the keys that no tile has. */
#define PROBE_SPECS(S) FLASH_SPECS(S) S(24, MODE, 0)
#define PROBE_SHAPES FLASH_SHAPES
#define PROBE_PARAMS(F) FLASH_PARAMS(F) F(i32, slab_tiles) F(i32, map_rows) F(i32, fill)
#define PROBE_ARGS(RO, RW)                                                                         \
    RO(q) RO(k) RO(bias) RO(mask) RO(lse) RO(lists) RO(query_tags) RO(key_tags) RO(user) RW(found)
