/* Sparse VideoGen2: clusters of queries and of keys, and which pairs of them attend. */
#include <math.h>
#include <string.h>

#include "systems/desk.h"

static double distance(const double *a, const double *b, int64_t d)
{
    double sum = 0;
    for (int64_t e = 0; e < d; e++) sum += (a[e] - b[e]) * (a[e] - b[e]);
    return sum;
}

/* K-means from every so manieth row: labels of the last assignment, and the means of its members; a cluster without any stays where it is. */
static void k_means(system_problem *p, const double *x, int64_t n, int64_t count, int64_t *labels, double *centres, double *sizes)
{
    const int64_t d = p->d;
    for (int64_t c = 0; c < count; c++) memcpy(centres + c * d, x + c * (n / count) * d, (size_t)d * sizeof(*centres));
    for (int64_t round = 0; round < (int64_t)system_value(p, "iterations"); round++) {
        memset(sizes, 0, (size_t)count * sizeof(*sizes));
        for (int64_t i = 0; i < n; i++) {
            double nearest = INFINITY, next = INFINITY;
            for (int64_t c = 0; c < count; c++) {
                const double far = distance(x + i * d, centres + c * d, d);
                next = fmin(next, fmax(far, nearest));
                if (far >= nearest) continue;
                nearest = far;
                labels[i] = c;
            }
            system_gap(p, next - nearest, next);
            sizes[labels[i]]++;
        }
        for (int64_t c = 0; c < count; c++)
            if (sizes[c] > 0) memset(centres + c * d, 0, (size_t)d * sizeof(*centres));
        for (int64_t i = 0; i < n; i++)
            for (int64_t e = 0; e < d; e++) centres[labels[i] * d + e] += x[i * d + e] / sizes[labels[i]];
    }
}

static bool svg2(system_problem *p)
{
    tile_desk desk = {.count = 0};
    const int64_t rows = (int64_t)system_value(p, "query_clusters"), columns = (int64_t)system_value(p, "key_clusters");
    tiling query = tile_runs(&desk, p->nq, 1), key = tile_runs(&desk, p->nk, 1);
    query.count = rows;
    key.count = columns;
    double *centre_q = tile_numbers(&desk, rows * p->d), *centre_k = tile_numbers(&desk, columns * p->d);
    double *size_q = tile_numbers(&desk, rows), *size_k = tile_numbers(&desk, columns), *map = tile_numbers(&desk, columns);
    uint8_t *on = tile_take(&desk, rows * columns, 1), *may = tile_take(&desk, columns, 1);
    for (int64_t bh = 0; !desk.failed && bh < p->b * p->h; bh++) {
        const int64_t b = bh / p->h, h = bh % p->h;
        k_means(p, system_q(p, b, h, 0), p->nq, rows, query.tile, centre_q, size_q);
        k_means(p, system_k(p, b, h, 0), p->nk, columns, key.tile, centre_k, size_k);
        memset(on, 0, (size_t)(rows * columns));
        for (int64_t r = 0; r < rows; r++) {
            double sum = 0;
            int64_t taken = 0;
            for (int64_t c = 0; c < columns; c++) {
                may[c] = size_k[c] > 0;
                map[c] = size_k[c] * exp(system_dot(centre_q + r * p->d, centre_k + c * p->d, p->d) / sqrt((double)p->d));
                sum += map[c];
            }
            for (int64_t c = 0; c < columns; c++) map[c] /= sum;
            system_top_mass(p, map, may, columns, system_value(p, "kept"), true, on + r * columns);
            for (int64_t c = 0; c < columns; c++) taken += on[r * columns + c];
            system_top(p, map, may, columns, (int64_t)(system_value(p, "least") * (double)columns) - taken, on + r * columns);
        }
        desk.failed |= !tiling_attend(p, b, h, &query, &key, on, false);
    }
    return tile_clear(&desk);
}

const system_case systems_semantic_clusters[] = {
    {.recipe = "svg2",
     .b = 1,
     .h = 2,
     .hkv = 1,
     .nq = 403,
     .nk = 403,
     .d = 16,
     .dv = 24,
     .grid = {3, 7, 7},
     .text_after = 256,
     .parameters = {{"query_clusters", 7}, {"key_clusters", 13}, {"iterations", 2}, {"kept", 0.375}, {"least", 0.25}},
     .random = true,
     .define = svg2},
    {0},
};
