/* Memory of definitions, and tilings in it. */
#include <stdlib.h>

#include "desk.h"

enum { PIECES = sizeof((tile_desk){.count = 0}.pieces) / sizeof(void *) };

void *tile_take(tile_desk *desk, int64_t count, size_t size)
{
    void *piece = desk->failed || desk->count == PIECES ? NULL : calloc((size_t)count + 1, size);
    if (piece)
        desk->pieces[desk->count++] = piece;
    else
        desk->failed = true;
    return piece;
}

double *tile_numbers(tile_desk *desk, int64_t count) { return tile_take(desk, count, sizeof(double)); }

bool tile_clear(tile_desk *desk)
{
    for (int i = 0; i < desk->count; i++) free(desk->pieces[i]);
    return !desk->failed;
}

int64_t tile_number(int64_t tokens, int64_t size) { return (tokens + size - 1) / size; }

tiling tile_runs(tile_desk *desk, int64_t tokens, int64_t size)
{
    const tiling t = {.n = tokens, .count = tile_number(tokens, size), .tile = tile_take(desk, tokens, sizeof(*t.tile))};
    for (int64_t i = 0; t.tile && i < tokens; i++) t.tile[i] = i / size;
    return t;
}

tiling tile_boxes(tile_desk *desk, const system_problem *p, const int64_t box[3], int64_t text)
{
    const int64_t *grid = p->grid, cells = grid[0] * grid[1] * grid[2], before = tile_number(p->text_before, text);
    const int64_t high = tile_number(grid[1], box[1]), wide = tile_number(grid[2], box[2]), boxes = tile_number(grid[0], box[0]) * high * wide;
    const tiling t = {.n = p->nk, .count = before + boxes + tile_number(p->text_after, text), .tile = tile_take(desk, p->nk, sizeof(*t.tile))};
    for (int64_t i = 0; t.tile && i < p->nk; i++) {
        const int64_t g = i - p->text_before, a = g / (grid[1] * grid[2]), h = g / grid[2] % grid[1], w = g % grid[2];
        if (g < 0)
            t.tile[i] = i / text;
        else if (g < cells)
            t.tile[i] = before + (a / box[0] * high + h / box[1]) * wide + w / box[2];
        else
            t.tile[i] = before + boxes + (g - cells) / text;
    }
    return t;
}

int64_t tile_place(const system_problem *p, int64_t i) { return i + p->nk - p->nq; }
