/* The interface of the tile_labels kernel: what else is to be known of sorted tokens. */
#define TILE_LABELS_SPECS(S) S(0, LANES, 64)
#define TILE_LABELS_SHAPES(S)

/* size: tokens of a tile; 0: tokens were sorted by label, of which there are tiles. x: as of the sorting kernels. items: tokens, and with labels
 * tiles + 1 more, for each of all heads. */
#define TILE_LABELS_PARAMS(F)                                                                      \
    F(i64, x_sb) F(i64, x_sh) F(i64, x_sc) F(i32, heads) F(i32, tokens) F(i32, tiles) F(i32, size) F(i32, items) F(i32, all_items)

/* order: i32 [batch heads, tokens]; labels: likewise, the tile of each token; offsets: i32 [batch heads, tiles + 1], unused with size. */
#define TILE_LABELS_ARGS(RO, RW) RO(x) RO(order) RW(labels) RW(offsets)
