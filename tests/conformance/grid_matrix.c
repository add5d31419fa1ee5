/* Grid theme "matrix": rows of the other tables once more in tile model matrix, whose inputs are of one type of 16 bits. */
#include <stdio.h>

#include "grid.h"

static const grid_theme *const replayed[] = {&grid_shapes,  &grid_dims,    &grid_sets,   &grid_scores,
                                             &grid_hostile, &grid_layouts, &grid_splits, &grid_tiles};
enum { THEMES = sizeof(replayed) / sizeof(replayed[0]), MAX_D = 256 };

static void make(int number, grid_named *out)
{
    int t = 0;
    while (number >= replayed[t]->count) number -= replayed[t++]->count;
    const grid_theme *theme = replayed[t];
    grid_named from = {0};
    if (theme->table)
        from = theme->table[number];
    else
        theme->make(number, &from);
    *out = from;
    out->c.q = out->c.k = out->c.v = from.c.q == TSR_BF16 ? TSR_BF16 : TSR_F16;
    out->c.tile = TSR_TILE_MATRIX;
    if (out->c.d > MAX_D) out->c.d = number % 2 ? MAX_D : 80;
    snprintf(out->name, sizeof(out->name), "%s.%.50s", theme->name, from.name);
}

int grid_matrix_count(void)
{
    int count = 0;
    for (int i = 0; i < THEMES; i++) count += replayed[i]->count;
    return count;
}

const grid_theme grid_matrix = {"matrix", 0, NULL, make};
