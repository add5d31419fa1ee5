/* What the parts of the generator share. */
#ifndef REALISTIC_INTERNAL_H
#define REALISTIC_INTERNAL_H

#include "oracle.h"
#include "realistic.h"

/* Of one batch row and key head: each use has numbers of its own, so that what one of them draws moves no other. */
enum {
    REALISTIC_FOR_CONTENT,
    REALISTIC_FOR_COLUMNS,
    REALISTIC_FOR_PLACES,
    REALISTIC_FOR_MIXING,
    REALISTIC_FOR_KEYS,
    REALISTIC_FOR_VALUES,
    REALISTIC_FOR_QUERIES
};
oracle_rng realistic_rng(const realistic_desc *d, int64_t b, int64_t head, int use);
double realistic_uniform(oracle_rng *r); /* in [0, 1) */

/* Coordinates of a token of the grid. */
void realistic_place(const int64_t grid[3], int64_t i, int64_t at[3]);

/* Features of places: [tokens, d], of length 1 for tokens of the grid and 0 for text, whose dot product falls with the distance on the axes
 * where reach is not -1, over about that far. behind (NULL: none) moves each token back. */
bool realistic_places(const realistic_pattern *p, int64_t d, oracle_rng *r, const int64_t behind[3], double *out);
/* Smooth random functions of the place, `count` for each token, of mean square 1. */
bool realistic_smooth(const realistic_pattern *p, int64_t count, oracle_rng *r, double *out);

#endif
