/* The interface of the slashes kernel: the tiles that some marked diagonal meets. */
#define SLASHES_SPECS(S) S(0, LANES, 64)
#define SLASHES_SHAPES(S)

/* sums: fp32 [.., heads, 1, keys], packed: of the marks 0 and 1 of the diagonals, sums up to and with each. y: packed [.., heads, rows_of_tiles,
 * columns_of_tiles], of size x size pairs of rows x keys. */
#define SLASHES_PARAMS(F) F(i64, items) F(i32, rows) F(i32, keys) F(i32, size) F(i32, row_tiles) F(i32, key_tiles)

#define SLASHES_ARGS(RO, RW) RO(sums) RW(y)
