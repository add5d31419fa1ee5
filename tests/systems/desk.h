/* Memory of one definition, given back at once, and the tilings in it. */
#ifndef DESK_H
#define DESK_H

#include "tiling.h"

/* Pieces are zeroed; after a failure all are NULL. */
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
tiling tile_runs(tile_desk *desk, int64_t tokens, int64_t size);
/* Boxes of the grid, and runs of text tokens before and after it. */
tiling tile_boxes(tile_desk *desk, const system_problem *p, const int64_t box[3], int64_t text);

/* Where the last query stands at the last key. */
int64_t tile_place(const system_problem *p, int64_t i);

#endif
