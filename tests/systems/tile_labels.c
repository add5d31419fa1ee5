/* Tiles as labels of tokens, and attention by maps of tiles. */
#include <stdlib.h>
#include <string.h>

#include "tile_labels.h"

void *tile_take(tile_desk *desk, int64_t count, size_t size)
{
    void *piece = desk->failed || desk->count == 24 ? NULL : calloc((size_t)count + 1, size);
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

int64_t *tile_runs(tile_desk *desk, int64_t tokens, int64_t size)
{
    int64_t *labels = tile_take(desk, tokens, sizeof(*labels));
    for (int64_t i = 0; labels && i < tokens; i++) labels[i] = i / size;
    return labels;
}

int64_t *tile_boxes(tile_desk *desk, const system_problem *p, const int64_t box[3], int64_t text)
{
    const int64_t *grid = p->grid, cells = grid[0] * grid[1] * grid[2], before = tile_number(p->text_before, text);
    const int64_t high = tile_number(grid[1], box[1]), wide = tile_number(grid[2], box[2]), boxes = tile_number(grid[0], box[0]) * high * wide;
    int64_t *labels = tile_take(desk, p->nk, sizeof(*labels));
    for (int64_t i = 0; labels && i < p->nk; i++) {
        const int64_t g = i - p->text_before, t = g / (grid[1] * grid[2]), h = g / grid[2] % grid[1], w = g % grid[2];
        if (g < 0)
            labels[i] = i / text;
        else if (g < cells)
            labels[i] = before + (t / box[0] * high + h / box[1]) * wide + w / box[2];
        else
            labels[i] = before + boxes + (g - cells) / text;
    }
    return labels;
}

int64_t tile_labelled(const int64_t *labels, int64_t tokens)
{
    int64_t count = 0;
    for (int64_t i = 0; i < tokens; i++)
        if (labels[i] >= count) count = labels[i] + 1;
    return count;
}

void tile_means(const double *x, const int64_t *labels, int64_t tokens, int64_t d, double *means)
{
    const int64_t tiles = tile_labelled(labels, tokens);
    memset(means, 0, (size_t)(tiles * d) * sizeof(*means));
    for (int64_t tile = 0; tile < tiles; tile++) {
        double count = 0;
        for (int64_t i = 0; i < tokens; i++) {
            if (labels[i] != tile) continue;
            count++;
            for (int64_t e = 0; e < d; e++) means[tile * d + e] += x[i * d + e];
        }
        for (int64_t e = 0; count > 0 && e < d; e++) means[tile * d + e] /= count;
    }
}

int64_t tile_place(const system_problem *p, int64_t i) { return i + p->nk - p->nq; }

void tile_attend(system_problem *p, int64_t b, int64_t h, const tile_map *map, uint8_t *see)
{
    for (int64_t i = 0; i < p->nq; i++) {
        const uint8_t *row = map->on + map->query[i] * map->columns;
        for (int64_t j = 0; j < p->nk; j++) see[j] = row[map->key[j]] && (!map->causal || j <= tile_place(p, i));
        system_attend(p, b, h, i, see, system_o(p, b, h, i));
    }
}
