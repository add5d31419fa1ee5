/* Systems of video whose heads look along frames, along time, at diagonals or at tiles near by. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "systems/desk.h"

static bool written(const system_problem *p, int64_t tile, int64_t size)
{
    return tile * size < p->text_before || (tile + 1) * size > p->nk - p->text_after;
}

/* Where token i stands when tokens of the grid are ordered frame by frame, or place by place. */
static int64_t stand(const system_problem *p, int64_t i, bool spatial)
{
    const int64_t g = i - p->text_before, frame = p->grid[1] * p->grid[2];
    if (spatial || g < 0 || g >= p->grid[0] * frame) return i;
    return p->text_before + g % frame * p->grid[0] + g / frame;
}

/* Sparse VideoGen: tiles within reach, those of the first so many tokens of a frame, and text. */
static bool banded(const system_problem *p, int64_t i, int64_t j, bool spatial)
{
    const int64_t size = (int64_t)system_value(p, "tile"), r = stand(p, i, spatial) / size, c = stand(p, j, spatial) / size;
    const double n = (double)p->nq, density = system_value(p, "density") - 2 * (double)(p->text_before + p->text_after) / n;
    const int64_t reach = (int64_t)ceil(n * (1 - sqrt(1 - density)) / (double)size);
    return llabs(r - c) <= reach || c * size < p->text_before + p->grid[1] * p->grid[2] || written(p, r, size) || written(p, c, size);
}

static bool sparse_videogen(system_problem *p)
{
    tile_desk desk = {.count = 0};
    uint8_t *see = tile_take(&desk, p->nk, 1);
    double *dense = tile_numbers(&desk, p->dv), *sparse = tile_numbers(&desk, p->dv);
    const int64_t step = tile_number(p->nq, (int64_t)system_value(p, "samples"));
    for (int64_t bh = 0; !desk.failed && bh < p->b * p->h; bh++) {
        const int64_t b = bh / p->h, h = bh % p->h;
        double loss[2] = {0, 0}; /* temporal, spatial */
        for (int64_t i = 0; i < p->nq; i += step) {
            system_attend(p, b, h, i, NULL, dense);
            for (int spatial = 0; spatial < 2; spatial++) {
                for (int64_t j = 0; j < p->nk; j++) see[j] = banded(p, i, j, spatial);
                system_attend(p, b, h, i, see, sparse);
                for (int64_t e = 0; e < p->dv; e++) loss[spatial] += (sparse[e] - dense[e]) * (sparse[e] - dense[e]);
            }
        }
        system_gap(p, loss[0] - loss[1], loss[0]);
        for (int64_t i = 0; i < p->nq; i++) {
            for (int64_t j = 0; j < p->nk; j++) see[j] = banded(p, i, j, loss[1] <= loss[0]);
            system_attend(p, b, h, i, see, system_o(p, b, h, i));
        }
    }
    return tile_clear(&desk);
}

/* Sparse-vDiT: what a head of this kind sees of tile c from tile r. */
static bool of_kind(const system_problem *p, int kind, int64_t r, int64_t c)
{
    const int64_t size = (int64_t)system_value(p, "tile"), apart = llabs(r - c) * size, frame = p->grid[1] * p->grid[2];
    const int64_t next = apart % frame < frame - apart % frame ? apart % frame : frame - apart % frame;
    if (kind == 4) return false;
    if (written(p, r, size) || written(p, c, size)) return true;
    if (kind == 1) return (double)apart <= system_value(p, "width") * (double)p->nk / 2;
    if (kind == 2) return (double)next <= system_value(p, "width_multi") * (double)p->nk / 2;
    return kind == 0 || c % (int64_t)system_value(p, "stripe") == 0;
}

static bool sparse_vdit(system_problem *p)
{
    tile_desk desk = {.count = 0};
    uint8_t *see = tile_take(&desk, p->nk, 1);
    const int64_t size = (int64_t)system_value(p, "tile");
    for (int64_t row = 0; !desk.failed && row < p->b * p->h * p->nq; row++) {
        const int64_t i = row % p->nq, h = row / p->nq % p->h, b = row / p->nq / p->h;
        const double *loss = system_data(p, "loss") + h * 5;
        int kind = 0;
        for (int other = 1; other < 5; other++)
            if (loss[other] < loss[kind]) kind = other;
        for (int64_t j = 0; j < p->nk; j++) see[j] = of_kind(p, kind, i / size, j / size);
        system_attend(p, b, h, i, see, system_o(p, b, h, i));
    }
    return tile_clear(&desk);
}

/* Sliding tiles on one axis: the window's centre is moved inwards. */
static bool slides(int64_t query, int64_t key, int64_t tiles, int64_t window)
{
    const int64_t reach = window / 2;
    int64_t centre = query > reach ? query : reach;
    if (centre > tiles - 1 - reach) centre = tiles - 1 - reach;
    return llabs(centre - key) <= reach;
}

static bool nabla(system_problem *p)
{
    tile_desk desk = {.count = 0};
    const int64_t size = (int64_t)system_value(p, "patch"), high = tile_number(p->grid[1], size), wide = tile_number(p->grid[2], size);
    const tiling labels = tile_boxes(&desk, p, (const int64_t[3]){1, size, size}, 64);
    const int64_t n = labels.count;
    double *mean_q = tile_numbers(&desk, n * p->d), *mean_k = tile_numbers(&desk, n * p->d), *row = tile_numbers(&desk, n);
    uint8_t *on = tile_take(&desk, n * n, 1);
    for (int64_t bh = 0; !desk.failed && bh < p->b * p->h; bh++) {
        const int64_t b = bh / p->h, h = bh % p->h;
        tiling_mean_rows(&labels, system_q(p, b, h, 0), p->d, mean_q);
        tiling_mean_rows(&labels, system_k(p, b, h, 0), p->d, mean_k);
        memset(on, 0, (size_t)(n * n));
        for (int64_t r = 0; r < n; r++) {
            for (int64_t c = 0; c < n; c++) row[c] = system_dot(mean_q + r * p->d, mean_k + c * p->d, p->d) / sqrt((double)p->d);
            system_softmax(row, NULL, n);
            system_top_mass(p, row, NULL, n, system_value(p, "kept"), true, on + r * n);
            for (int64_t c = 0; c < n; c++)
                on[r * n + c] |= slides(r / (high * wide), c / (high * wide), p->grid[0], (int64_t)system_value(p, "window_t")) &&
                                 slides(r / wide % high, c / wide % high, high, (int64_t)system_value(p, "window_h")) &&
                                 slides(r % wide, c % wide, wide, (int64_t)system_value(p, "window_w"));
        }
        desk.failed |= !tiling_attend(p, b, h, &labels, &labels, on, false);
    }
    return tile_clear(&desk);
}

const system_case systems_video_heads[] = {
    {.recipe = "sparse_videogen",
     .b = 1,
     .h = 4,
     .hkv = 2,
     .nq = 886,
     .nk = 886,
     .d = 16,
     .dv = 24,
     .grid = {10, 7, 9},
     .text_after = 256,
     .parameters = {{"density", 0.8125}, {"tile", 16}, {"samples", 20}},
     .define = sparse_videogen},
    {.recipe = "sparse_vdit",
     .b = 2,
     .h = 6,
     .hkv = 3,
     .nq = 456,
     .nk = 456,
     .d = 16,
     .dv = 16,
     .grid = {5, 5, 8},
     .text_after = 256,
     .parameters = {{"tile", 8}, {"width", 0.125}, {"width_multi", 0.046875}, {"stripe", 5}},
     .inputs = {{"loss", {1, 6, 1, 5}, 1, 0, NULL}},
     .define = sparse_vdit},
    {.recipe = "nabla",
     .b = 1,
     .h = 4,
     .hkv = 2,
     .nq = 286,
     .nk = 286,
     .d = 16,
     .dv = 16,
     .grid = {2, 11, 13},
     .parameters = {{"patch", 4}, {"kept", 0.25}, {"window_t", 1}, {"window_h", 3}, {"window_w", 3}},
     .define = nabla},
    {0},
};
