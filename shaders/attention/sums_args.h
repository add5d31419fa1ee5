/* The interface of the sums kernel. slab [tiles][nk]: sums over the queries of each tile. One invocation makes one sum
 * over tiles [0, tiles) in groups of group_tiles, and over keys in groups of group_keys: found [groups][columns]. */
#define SUMS_SPECS(S) S(0, LANES, 64)
#define SUMS_SHAPES(S)
#define SUMS_PARAMS(F)                                                                             \
    F(i64, out_at) F(i32, tiles) F(i32, nk) F(i32, group_tiles) F(i32, group_keys) F(i32, columns) \
    F(i32, groups) F(i32, add)
#define SUMS_ARGS(RO, RW) RO(slab) RW(found)
