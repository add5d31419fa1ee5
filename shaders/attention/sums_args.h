/* The interface of the sums kernel. slab [slab_tiles][nk]: sums over the queries of each tile, in
 * a ring: the first of so many tiles is in row `first`. One invocation makes one sum
 * over them in groups of group_tiles, and over keys in groups of group_keys: found [groups][columns]. Of each group it
 * takes part_tiles tiles from skip_tiles on, and part_keys keys from skip_keys on. */
#define SUMS_SPECS(S) S(0, LANES, 64)
#define SUMS_SHAPES(S)
#define SUMS_PARAMS(F)                                                                             \
    F(i64, out_at) F(i32, tiles) F(i32, nk) F(i32, group_tiles) F(i32, group_keys) F(i32, columns) \
    F(i32, groups) F(i32, add) F(i32, first) F(i32, slab_tiles)                                 \
    F(i32, skip_tiles) F(i32, part_tiles) F(i32, skip_keys) F(i32, part_keys)
#define SUMS_ARGS(RO, RW) RO(slab) RW(found)
