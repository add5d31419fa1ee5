/* What cases of tiles and of clusters expect of a step t of tiles, read through further steps. */
#ifndef FLOW_TILES_H
#define FLOW_TILES_H

#include "flow_case.h"

#define FLOW_TILES_PARTS "'order_of': '0 + t.order', 'labels_of': '0 + t.labels', 'sizes_of': '0 + t.sizes'"

/* Tokens, tile after tile; the tile of each; the tokens of each tile. */
typedef struct tiles_expected {
    flow_array *order, *labels, *sizes;
} tiles_expected;

/* All 0, for so many tokens and tiles of each head. */
tiles_expected flow_tiles_expected(flow_case *f, int64_t b, int64_t h, int64_t n, int64_t tiles);
void flow_tiles_compare(flow_case *f, const tiles_expected *e);

#endif
