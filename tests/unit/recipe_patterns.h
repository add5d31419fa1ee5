/* Definitions of patterns written out by hand, and random parameters for them: what test_recipe.c compares. */
#ifndef RECIPE_PATTERNS_H
#define RECIPE_PATTERNS_H

#include "oracle/oracle.h"

/* What a case draws: the sequence, and the pattern's numbers. */
typedef struct world {
    bool gridded;
    int64_t grid[3], before, after, nq, nk, first;
    int64_t p[3][3]; /* three parameters for each axis; of sequences [.][0] */
    bool flag[3];
    int64_t ids[64];
    char text[512]; /* the SET */
} world;

typedef struct pattern {
    const char *name;
    void (*make)(world *w);                             /* draws parameters and writes the SET */
    bool (*sees)(const world *w, int64_t q, int64_t k); /* the definition */
    bool grid, sequence;                                /* the worlds that it is drawn in */
} pattern;
extern const pattern sequence_patterns[], grid_patterns[]; /* the last one has no name */

/* test_recipe.c */
int64_t draw(int64_t lo, int64_t hi);
void write_set(world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool place(const world *w, int64_t token, int64_t x[3]); /* coordinates on the grid; false: text */
int64_t token_of(const world *w, int64_t q);             /* where query q stands in the sequence */

#endif
