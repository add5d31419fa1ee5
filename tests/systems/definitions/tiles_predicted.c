/* Systems that predict from means, samples or antidiagonals which tiles of a sequence matter. */
#include <math.h>
#include <string.h>

#include "systems/desk.h"

/* A learned gate of means of queries, and of the greatest, the least and the mean of keys. */
static void seer_gate(const system_problem *p, int64_t b, int64_t h, int64_t first, int64_t last, double *gate_q, double *gate_k)
{
    const int64_t d = p->d;
    const double *wq = system_data(p, "wq") + h * d * d, *wk = system_data(p, "wk") + h / (p->h / p->hkv) * 3 * d * d;
    memset(gate_q, 0, (size_t)d * sizeof(*gate_q));
    memset(gate_k, 0, (size_t)d * sizeof(*gate_k));
    for (int64_t e = 0; e < d; e++) {
        double mean_q = 0, mean_k = 0, high = -INFINITY, low = INFINITY;
        for (int64_t i = first; i < last; i++) {
            const double k = system_k(p, b, h, i)[e];
            mean_q += system_q(p, b, h, i)[e] / (double)(last - first);
            mean_k += k / (double)(last - first);
            high = fmax(high, k);
            low = fmin(low, k);
        }
        for (int64_t out = 0; out < d; out++) {
            gate_q[out] += mean_q * (wq[e * d + out] + (e == out));
            gate_k[out] += high * wk[e * d + out] + low * wk[(d + e) * d + out] + mean_k * (wk[(2 * d + e) * d + out] + (e == out));
        }
    }
}

static bool seer_attention(system_problem *p)
{
    tile_desk desk = {.count = 0};
    const int64_t size = (int64_t)system_value(p, "tile"), n = tile_number(p->nq, size);
    double *gate_q = tile_numbers(&desk, n * p->d), *gate_k = tile_numbers(&desk, n * p->d), *row = tile_numbers(&desk, n);
    uint8_t *on = tile_take(&desk, n * n, 1), *may = tile_take(&desk, n, 1);
    const tiling labels = tile_runs(&desk, p->nk, size);
    for (int64_t bh = 0; !desk.failed && bh < p->b * p->h; bh++) {
        const int64_t b = bh / p->h, h = bh % p->h;
        for (int64_t t = 0; t < n; t++) {
            const int64_t last = (t + 1) * size < p->nq ? (t + 1) * size : p->nq;
            seer_gate(p, b, h, t * size, last, gate_q + t * p->d, gate_k + t * p->d);
        }
        memset(on, 0, (size_t)(n * n));
        for (int64_t t = 0; t < n; t++) {
            for (int64_t u = 0; u < n; u++) {
                row[u] = system_dot(gate_q + t * p->d, gate_k + u * p->d, p->d) / sqrt((double)p->d);
                may[u] = u <= t;
            }
            system_softmax(row, may, n);
            may[t] = 0;
            on[t * n + t] = 1;
            system_top(p, row, may, n, (int64_t)ceil(system_value(p, "keep") * (double)(t + 1)) - 1, on + t * n);
        }
        desk.failed |= !tiling_attend(p, b, h, &labels, &labels, on, true);
    }
    return tile_clear(&desk);
}

/* Keys by their importance to the last queries, within segments; tiles of them by their means. */
static bool pbs_attn(system_problem *p)
{
    tile_desk desk = {.count = 0};
    const int64_t size = (int64_t)system_value(p, "tile"), segment = (int64_t)system_value(p, "segment"), n = tile_number(p->nq, size);
    double *important = tile_numbers(&desk, p->nk), *row = tile_numbers(&desk, p->nk), *map = tile_numbers(&desk, n);
    double *mean_q = tile_numbers(&desk, n * p->d), *mean_k = tile_numbers(&desk, n * p->d);
    uint8_t *on = tile_take(&desk, n * n, 1), *may = tile_take(&desk, n, 1), *see = tile_take(&desk, p->nk, 1);
    const tiling runs = tile_runs(&desk, p->nk, size), labels = tile_runs(&desk, p->nk, size);
    for (int64_t bh = 0; !desk.failed && bh < p->b * p->h; bh++) {
        const int64_t b = bh / p->h, h = bh % p->h;
        memset(important, 0, (size_t)p->nk * sizeof(*important));
        for (int64_t i = p->nq - size; i < p->nq; i++) {
            for (int64_t j = 0; j < p->nk; j++) {
                row[j] = system_dot(system_q(p, b, h, i), system_k(p, b, h, j), p->d) / sqrt((double)p->d);
                see[j] = j <= i;
            }
            system_softmax(row, see, p->nk);
            for (int64_t j = 0; j < p->nk; j++) important[j] += row[j];
        }
        for (int64_t j = 0; j < p->nk; j++) {
            int64_t place = j / segment * segment;
            for (int64_t other = place; other < p->nk && other < j / segment * segment + segment; other++)
                place += important[other] > important[j] || (important[other] == important[j] && other < j);
            labels.tile[j] = place / size;
        }
        tiling_mean_rows(&runs, system_q(p, b, h, 0), p->d, mean_q);
        tiling_mean_rows(&labels, system_k(p, b, h, 0), p->d, mean_k);
        memset(on, 0, (size_t)(n * n));
        for (int64_t t = 0; t < n; t++) {
            for (int64_t u = 0; u < n; u++) {
                map[u] = system_dot(mean_q + t * p->d, mean_k + u * p->d, p->d) / sqrt((double)p->d);
                may[u] = u * size / segment <= t * size / segment;
            }
            system_softmax(map, may, n);
            system_top_mass(p, map, may, n, system_value(p, "kept"), true, on + t * n);
            for (int64_t u = 0; u < n; u++) on[t * n + u] |= u * size / segment == t * size / segment;
        }
        desk.failed |= !tiling_attend(p, b, h, &runs, &labels, on, true);
    }
    return tile_clear(&desk);
}

/* The greatest attention between sampled tokens of two tiles. */
static bool video_blade(system_problem *p)
{
    tile_desk desk = {.count = 0};
    const int64_t size = (int64_t)system_value(p, "tile"), every = (int64_t)system_value(p, "sampled"), n = tile_number(p->nk, size);
    const int64_t few = tile_number(p->nk, every);
    double *row = tile_numbers(&desk, few), *map = tile_numbers(&desk, n * n);
    uint8_t *on = tile_take(&desk, n * n, 1);
    const tiling labels = tile_runs(&desk, p->nk, size);
    for (int64_t bh = 0; !desk.failed && bh < p->b * p->h; bh++) {
        const int64_t b = bh / p->h, h = bh % p->h;
        memset(map, 0, (size_t)(n * n) * sizeof(*map));
        memset(on, 0, (size_t)(n * n));
        for (int64_t i = 0; i < p->nq; i += every) {
            for (int64_t j = 0; j < few; j++) row[j] = system_dot(system_q(p, b, h, i), system_k(p, b, h, j * every), p->d) / sqrt((double)p->d);
            system_softmax(row, NULL, few);
            for (int64_t j = 0; j < few; j++) {
                double *greatest = map + i / size * n + j * every / size;
                *greatest = fmax(*greatest, row[j]);
            }
        }
        for (int64_t t = 0; t < n; t++) system_top(p, map + t * n, NULL, n, (int64_t)ceil(system_value(p, "keep") * (double)n), on + t * n);
        desk.failed |= !tiling_attend(p, b, h, &labels, &labels, on, false);
    }
    return tile_clear(&desk);
}

/* The mass of strided groups: the scores of the pairs on an antidiagonal, added up. Tokens beyond the end are zero. */
static void antidiagonals(const system_problem *p, int64_t b, int64_t h, int64_t stride, int64_t a, uint8_t *see, double *row)
{
    const int64_t groups = tile_number(p->nk, stride);
    for (int64_t c = 0; c < groups; c++) {
        row[c] = 0;
        see[c] = c <= a;
        for (int64_t s = 0; s < stride; s++) {
            const int64_t i = a * stride + stride - 1 - s, j = c * stride + s;
            if (i < p->nq && j < p->nk)
                row[c] += system_dot(system_q(p, b, h, i), system_k(p, b, h, j), p->d) / (sqrt((double)p->d) * (double)stride);
        }
    }
    system_softmax(row, see, groups);
}

/* The first tile and the own one; then the highest, while what is before them is less than the threshold's part of all. */
static void xattention_row(system_problem *p, const double *map, int64_t t, uint8_t *on)
{
    double total = 0, taken = 0;
    for (int64_t u = 0; u <= t; u++) total += map[u];
    on[0] = on[t] = 1;
    taken = map[0] + (t > 0 ? map[t] : 0);
    const double goal = system_value(p, "threshold") * total;
    for (;;) {
        int64_t best = -1;
        p->margin = fmin(p->margin, fabs(taken - goal) / goal);
        for (int64_t u = 0; u <= t; u++)
            if (!on[u] && (best < 0 || map[u] > map[best])) best = u;
        if (best < 0 || taken >= goal) return;
        for (int64_t u = 0; u <= t; u++)
            if (!on[u] && u != best) p->margin = fmin(p->margin, fabs(map[best] - map[u]) / map[best]);
        taken += map[best];
        on[best] = 1;
    }
}

static bool xattention(system_problem *p)
{
    tile_desk desk = {.count = 0};
    const int64_t size = (int64_t)system_value(p, "tile"), stride = (int64_t)system_value(p, "stride"), n = tile_number(p->nk, size);
    const int64_t groups = tile_number(p->nk, stride);
    double *row = tile_numbers(&desk, groups), *map = tile_numbers(&desk, n * n);
    uint8_t *on = tile_take(&desk, n * n, 1), *see = tile_take(&desk, p->nk, 1);
    const tiling labels = tile_runs(&desk, p->nk, size);
    for (int64_t bh = 0; !desk.failed && bh < p->b * p->h; bh++) {
        const int64_t b = bh / p->h, h = bh % p->h;
        memset(map, 0, (size_t)(n * n) * sizeof(*map));
        memset(on, 0, (size_t)(n * n));
        for (int64_t a = 0; a < groups; a++) {
            antidiagonals(p, b, h, stride, a, see, row);
            for (int64_t c = 0; c < groups; c++) map[a * stride / size * n + c * stride / size] += row[c];
        }
        for (int64_t t = 0; t < n; t++) xattention_row(p, map + t * n, t, on + t * n);
        desk.failed |= !tiling_attend(p, b, h, &labels, &labels, on, true);
    }
    return tile_clear(&desk);
}

const system_case systems_tiles_predicted[] = {
    {.recipe = "seer_attention",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 139,
     .nk = 139,
     .d = 16,
     .dv = 24,
     .parameters = {{"tile", 16}, {"keep", 0.375}},
     .inputs = {{"wq", {1, 4, 16, 16}, 0.25, 0, NULL}, {"wk", {1, 2, 48, 16}, 0.25, 0, NULL}},
     .define = seer_attention},
    {.recipe = "pbs_attn",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 157,
     .nk = 157,
     .d = 16,
     .dv = 16,
     .parameters = {{"tile", 16}, {"segment", 32}, {"kept", 0.5}},
     .define = pbs_attn},
    {.recipe = "blade",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 150,
     .nk = 150,
     .d = 16,
     .dv = 16,
     .parameters = {{"tile", 16}, {"sampled", 4}, {"keep", 0.25}},
     .define = video_blade},
    {.recipe = "xattention",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 155,
     .nk = 155,
     .d = 16,
     .dv = 16,
     .parameters = {{"tile", 16}, {"stride", 4}, {"threshold", 0.625}},
     .define = xattention},
    {0},
};
