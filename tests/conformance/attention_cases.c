/* The attention grid: names, seeds and the order of its themes. */
#include <stdio.h>

#include "grid.h"

static const grid_theme *const themes[] = {&grid_shapes, &grid_dims, &grid_sets,  &grid_scores, &grid_hostile, &grid_layouts,
                                           &grid_splits, &grid_long, &grid_tiles, &grid_cross,  &grid_matrix, &grid_packed};

static grid_named case_of(const grid_theme *theme, int number)
{
    grid_named n = {0};
    if (!theme->table)
        theme->make(number, &n);
    else
        n = theme->table[number];
    return n;
}

static suite_verdict run_theme(const suite_case *c, suite_run_context *run)
{
    const grid_named n = case_of(c->params, c->number);
    return grid_verdict(&n.c, suite_seed_of(c->name, run->seed), run);
}

int suite_add_attention(suite *s)
{
    char name[112];
    for (size_t t = 0; t < sizeof(themes) / sizeof(themes[0]); t++) {
        const int count = themes[t] == &grid_matrix ? grid_matrix_count() : themes[t]->count;
        for (int i = 0; i < count; i++) {
            const grid_named n = case_of(themes[t], i);
            snprintf(name, sizeof(name), "attention/%s/%s/%dx%d", themes[t]->name, n.name, n.c.nq, n.c.nk);
            if (!suite_add(s, name, run_theme, themes[t], i)) return 0;
            if (n.c.sampled) suite_mark_sampled(s);
        }
    }
    return 1;
}
