/* Features of places in a grid: random Fourier features, whose dot products fall with distance. */
#include <math.h>
#include <stdlib.h>

#include "realistic_internal.h"

static const double pi = 3.14159265358979323846;

bool realistic_places(const realistic_pattern *p, int64_t d, oracle_rng *r, const int64_t behind[3], double *out)
{
    int64_t used = 0;
    for (int a = 0; a < 3; a++) used += p->reach[a] >= 0;
    for (int64_t e = 0; e < p->tokens * d; e++) out[e] = 0;
    int64_t pairs_left = d / 2, channel = 0;
    for (int64_t a = 0, turn = 0; a < 3; a++) {
        if (p->reach[a] < 0) continue;
        const int64_t pairs = pairs_left / (used - turn++), extent = p->grid[a];
        double *table = malloc((size_t)(extent * pairs * 2) * sizeof(*table));
        if (!table) return false;
        /* One frequency from each of `pairs` equal parts of the band: on average their sum is a sinc as wide as the reach, and no
         * distance has all of them in step again. */
        const double highest = pi / (double)(p->reach[a] + 1), length = sqrt(1.0 / (double)(pairs * used));
        for (int64_t m = 0; m < pairs; m++) {
            const double f = highest * ((double)m + realistic_uniform(r)) / (double)pairs, phase = 2 * pi * realistic_uniform(r);
            for (int64_t x = 0; x < extent; x++) {
                table[(x * pairs + m) * 2] = length * cos(f * (double)x + phase);
                table[(x * pairs + m) * 2 + 1] = length * sin(f * (double)x + phase);
            }
        }
        for (int64_t i = 0; i < p->places; i++) {
            int64_t at[3];
            realistic_place(p->grid, i, at);
            int64_t x = at[a];
            if (behind) x = x < behind[a] ? 0 : x - behind[a];
            for (int64_t c = 0; c < pairs * 2; c++) out[i * d + channel + c] = table[x * pairs * 2 + c];
        }
        free(table);
        pairs_left -= pairs;
        channel += pairs * 2;
    }
    return true;
}

bool realistic_smooth(const realistic_pattern *p, int64_t count, oracle_rng *r, double *out)
{
    double *waves = malloc((size_t)count * 4 * sizeof(*waves));
    if (!waves) return false;
    for (int64_t c = 0; c < count; c++) {
        for (int a = 0; a < 3; a++) waves[c * 4 + a] = 3 * pi * (realistic_uniform(r) - 0.5) / (double)p->grid[a];
        waves[c * 4 + 3] = 2 * pi * realistic_uniform(r);
    }
    for (int64_t i = 0; i < p->tokens; i++) {
        int64_t at[3] = {0, 0, 0};
        if (i < p->places) realistic_place(p->grid, i, at);
        for (int64_t c = 0; c < count; c++) {
            const double *w = waves + c * 4;
            out[i * count + c] = sqrt(2.0) * cos(w[0] * (double)at[0] + w[1] * (double)at[1] + w[2] * (double)at[2] + w[3]);
        }
    }
    free(waves);
    return true;
}
