/* Systems that measure the mass of attention in tiles once and use the choice in later runs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "systems/desk.h"

/* The mass of attention in each pair of tiles of one head, [n, n]. */
static void tile_mass(const system_problem *p, int64_t b, int64_t h, int64_t size, double *row, double *map)
{
    const int64_t n = tile_number(p->nk, size);
    memset(map, 0, (size_t)(n * n) * sizeof(*map));
    for (int64_t i = 0; i < p->nq; i++) {
        for (int64_t j = 0; j < p->nk; j++) row[j] = system_dot(system_q(p, b, h, i), system_k(p, b, h, j), p->d) / sqrt((double)p->d);
        system_softmax(row, NULL, p->nk);
        for (int64_t j = 0; j < p->nk; j++) map[i / size * n + j / size] += row[j];
    }
}

static int64_t tokens_in(int64_t tile, int64_t size, int64_t tokens) { return (tile + 1) * size < tokens ? size : tokens - tile * size; }

/* The share of the prompt's tiles, and of the others, with the highest mean. */
static void sparsed_choose(system_problem *p, int64_t size, double *map, uint8_t *may, uint8_t *on)
{
    const int64_t n = tile_number(p->nk, size);
    for (int64_t t = 0; t < n; t++) {
        for (int64_t u = 0; u < n; u++) map[t * n + u] /= (double)(tokens_in(t, size, p->nq) * tokens_in(u, size, p->nk));
        for (int part = 0; part < 2; part++) {
            int64_t candidates = 0;
            for (int64_t u = 0; u < n; u++) candidates += may[u] = (u * size < (int64_t)system_value(p, "prompt")) == (part == 0);
            system_top(p, map + t * n, may, n, (int64_t)ceil(system_value(p, "keep") * (double)candidates), on + t * n);
        }
    }
}

static bool sparsed(system_problem *p)
{
    tile_desk desk = {.count = 0};
    const int64_t size = (int64_t)system_value(p, "tile"), n = tile_number(p->nk, size);
    double *row = tile_numbers(&desk, p->nk), *map = tile_numbers(&desk, n * n);
    uint8_t *may = tile_take(&desk, n, 1);
    const tiling labels = tile_runs(&desk, p->nk, size);
    if (!p->state) p->state = calloc((size_t)(p->b * p->h * n * n), 1);
    for (int64_t bh = 0; p->state && !desk.failed && bh < p->b * p->h; bh++) {
        uint8_t *on = (uint8_t *)p->state + bh * n * n;
        if (p->run == 0) {
            tile_mass(p, bh / p->h, bh % p->h, size, row, map);
            sparsed_choose(p, size, map, may, on);
        }
        desk.failed |= !tiling_attend(p, bh / p->h, bh % p->h, &labels, &labels, on, false);
    }
    return tile_clear(&desk) && p->state;
}

/* The tiles of the highest mass among those of all heads; each tile of queries sees its own. */
static bool adaspa(system_problem *p)
{
    tile_desk desk = {.count = 0};
    const int64_t size = (int64_t)system_value(p, "tile"), n = tile_number(p->nk, size), all = p->h * n * n;
    double *row = tile_numbers(&desk, p->nk), *map = tile_numbers(&desk, all);
    uint8_t *may = tile_take(&desk, all, 1);
    const tiling labels = tile_runs(&desk, p->nk, size);
    if (!p->state) p->state = malloc((size_t)(p->b * all));
    for (int64_t b = 0; p->state && !desk.failed && b < p->b; b++) {
        uint8_t *on = (uint8_t *)p->state + b * all;
        if (p->run % (int64_t)system_value(p, "every") == 0) {
            for (int64_t h = 0; h < p->h; h++) tile_mass(p, b, h, size, row, map + h * n * n);
            for (int64_t e = 0; e < all; e++) {
                on[e] = e / n % n == e % n;
                may[e] = !on[e];
            }
            system_top(p, map, may, all, (int64_t)(system_value(p, "keep") * (double)all) - p->h * n, on);
        }
        for (int64_t h = 0; h < p->h; h++) desk.failed |= !tiling_attend(p, b, h, &labels, &labels, on + h * n * n, false);
    }
    return tile_clear(&desk) && p->state;
}

const system_case systems_tiles_measured[] = {
    {.recipe = "sparsed",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 150,
     .nk = 150,
     .d = 16,
     .dv = 24,
     .parameters = {{"tile", 16}, {"keep", 0.375}, {"prompt", 50}},
     .runs = 3,
     .define = sparsed},
    {.recipe = "adaspa",
     .b = 2,
     .h = 3,
     .hkv = 3,
     .nq = 137,
     .nk = 137,
     .d = 16,
     .dv = 16,
     .parameters = {{"tile", 16}, {"keep", 0.25}, {"every", 2}},
     .runs = 4,
     .define = adaspa},
    {0},
};
