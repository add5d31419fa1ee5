/* Tiles as labels of tokens: what definitions of systems that choose tiles from the data share. */
#ifndef TILE_LABELS_H
#define TILE_LABELS_H

#include "system.h"

/* Memory of one definition, given back at once. Pieces are zeroed; after a failure all are NULL. */
typedef struct tile_desk {
    void *pieces[24];
    int count;
    bool failed;
} tile_desk;
void *tile_take(tile_desk *desk, int64_t count, size_t size);
double *tile_numbers(tile_desk *desk, int64_t count);
/* false: something failed. */
bool tile_clear(tile_desk *desk);

int64_t tile_number(int64_t tokens, int64_t size);
/* Runs of size tokens. */
int64_t *tile_runs(tile_desk *desk, int64_t tokens, int64_t size);
/* Boxes of the grid, and runs of text tokens before and after it. */
int64_t *tile_boxes(tile_desk *desk, const system_problem *p, const int64_t box[3], int64_t text);
/* The largest label and one. */
int64_t tile_labelled(const int64_t *labels, int64_t tokens);
/* Means of the rows of x with each label, [tiles, d]. */
void tile_means(const double *x, const int64_t *labels, int64_t tokens, int64_t d, double *means);

/* Where the last query stands at the last key. */
int64_t tile_place(const system_problem *p, int64_t i);

/* o of one head: query i sees key j where on [.., columns] says so for their labels, and causality allows it. */
typedef struct tile_map {
    const uint8_t *on;
    int64_t columns;
    const int64_t *query, *key;
    bool causal;
} tile_map;
void tile_attend(system_problem *p, int64_t b, int64_t h, const tile_map *map, uint8_t *see);

#endif
