/* Tokens in tiles of any kind, for definitions of systems: the tile of each token is all there is to it. */
#ifndef TILING_H
#define TILING_H

#include "system.h"

typedef struct tiling {
    int64_t n, count; /* tokens, tiles */
    int64_t *tile;    /* [n]; NULL: no memory */
} tiling;

/* count 0: ceil(n / size) tiles of size tokens in order; else all in tile 0, for the caller to fill in. */
tiling tiling_make(int64_t n, int64_t size, int64_t count);
/* Mean rows of x [n, d] for each tile, [count, d]; of tiles without tokens 0. The second: malloc'd; NULL: no memory. */
void tiling_mean_rows(const tiling *t, const double *x, int64_t d, double *mean);
double *tiling_means(const tiling *t, const double *x, int64_t d);
/* Mean queries times mean keys of head h, times scale: [q->count, k->count], malloc'd. */
double *tiling_scores(const system_problem *p, int64_t b, int64_t h, const tiling *q, const tiling *k, double scale);
/* Head h of o: a query sees the keys whose tile on [q->count, k->count] marks for its own, none after it if causal. */
bool tiling_attend(const system_problem *p, int64_t b, int64_t h, const tiling *q, const tiling *k, const uint8_t *on, bool causal);
/* Each batch and head in turn. */
bool system_heads(system_problem *p, bool (*head)(system_problem *p, int64_t b, int64_t h));

#endif
