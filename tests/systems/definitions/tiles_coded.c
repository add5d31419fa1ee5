/* Systems that score with 8-bit codes: all pairs, or tiles predicted from those whose tokens are alike. */
#include <math.h>
#include <string.h>

#include "systems/desk.h"

/* Rows of x [n, d] less shift, rounded to multiples of each group's largest magnitude / 127. */
static void coded(const double *x, const double *shift, int64_t n, int64_t d, int64_t group, double *out)
{
    for (int64_t first = 0; first < n; first += group) {
        const int64_t last = first + group < n ? first + group : n;
        double largest = 0;
        for (int64_t e = first * d; e < last * d; e++) largest = fmax(largest, fabs(x[e] - (shift ? shift[e % d] : 0)));
        const double step = largest / 127 + 1e-7;
        for (int64_t e = first * d; e < last * d; e++) out[e] = round((x[e] - (shift ? shift[e % d] : 0)) / step) * step;
    }
}

static double half(double x)
{
    uint16_t bits;
    oracle_store(TSR_F16, &bits, 0, x);
    return oracle_load(TSR_F16, &bits, 0);
}

/* Attention of one query with coded q and k [.., D]. */
static void attend_coded(system_problem *p, int64_t b, int64_t h, int64_t i, const uint8_t *see, const double *q, const double *k, double *row)
{
    double *o = system_o(p, b, h, i);
    for (int64_t j = 0; j < p->nk; j++) row[j] = system_dot(q + i * p->d, k + j * p->d, p->d) / sqrt((double)p->d);
    system_softmax(row, see, p->nk);
    memset(o, 0, (size_t)p->dv * sizeof(*o));
    for (int64_t j = 0; j < p->nk; j++)
        for (int64_t e = 0; e < p->dv; e++) o[e] += row[j] * half(system_v(p, b, h, j)[e]);
}

static bool sage_attention(system_problem *p)
{
    tile_desk desk = {.count = 0};
    double *q = tile_numbers(&desk, p->nq * p->d), *k = tile_numbers(&desk, p->nk * p->d), *mean = tile_numbers(&desk, p->d);
    double *row = tile_numbers(&desk, p->nk);
    for (int64_t bh = 0; !desk.failed && bh < p->b * p->h; bh++) {
        const int64_t b = bh / p->h, h = bh % p->h;
        system_mean(system_k(p, b, h, 0), 0, p->nk, p->d, mean);
        coded(system_q(p, b, h, 0), NULL, p->nq, p->d, 128, q);
        coded(system_k(p, b, h, 0), mean, p->nk, p->d, 64, k);
        for (int64_t i = 0; i < p->nq; i++) attend_coded(p, b, h, i, NULL, q, k, row);
    }
    return tile_clear(&desk);
}

/* Are the tokens of each tile of x less shift alike: the mean cosine of all their pairs, themselves among them. */
static void alike(system_problem *p, const double *x, const double *shift, int64_t n, int64_t size, uint8_t *trusted)
{
    for (int64_t first = 0; first < n; first += size) {
        const int64_t last = first + size < n ? first + size : n;
        double sum = 0;
        for (int64_t i = first; i < last; i++) {
            for (int64_t j = first; j < last; j++) {
                double ij = 0, ii = 0, jj = 0;
                for (int64_t e = 0; e < p->d; e++) {
                    const double s = shift ? shift[e] : 0, a = x[i * p->d + e] - s, c = x[j * p->d + e] - s;
                    ij += a * c;
                    ii += a * a;
                    jj += c * c;
                }
                sum += ij / sqrt(ii * jj);
            }
        }
        sum /= (double)((last - first) * (last - first));
        system_gap(p, sum - system_value(p, "alike"), 1);
        trusted[first / size] = sum > system_value(p, "alike");
    }
}

/* Of a row's trusted tiles the highest before their mass reaches the threshold, at least one. */
static void likely(system_problem *p, double *row, const uint8_t *trusted, int64_t n, uint8_t *on)
{
    int64_t count = 0;
    for (int64_t c = 0; c < n; c++) on[c] = 0;
    system_softmax(row, trusted, n);
    system_top_mass(p, row, trusted, n, system_value(p, "kept"), false, on);
    for (int64_t c = 0; c < n; c++) count += on[c];
    if (count == 0) system_top(p, row, trusted, n, 1, on);
}

static bool sparge_attn(system_problem *p)
{
    tile_desk desk = {.count = 0};
    const int64_t tall = (int64_t)system_value(p, "query_tile"), wide = (int64_t)system_value(p, "key_tile");
    const int64_t rows = tile_number(p->nq, tall), columns = tile_number(p->nk, wide);
    double *q = tile_numbers(&desk, p->nq * p->d), *k = tile_numbers(&desk, p->nk * p->d), *mean = tile_numbers(&desk, p->d);
    double *mean_q = tile_numbers(&desk, rows * p->d), *mean_k = tile_numbers(&desk, columns * p->d);
    double *map = tile_numbers(&desk, columns), *row = tile_numbers(&desk, p->nk);
    uint8_t *trusted_q = tile_take(&desk, rows, 1), *trusted_k = tile_take(&desk, columns, 1), *on = tile_take(&desk, columns, 1);
    uint8_t *see = tile_take(&desk, p->nk, 1);
    const tiling query = tile_runs(&desk, p->nq, tall), key = tile_runs(&desk, p->nk, wide);
    for (int64_t bh = 0; !desk.failed && bh < p->b * p->h; bh++) {
        const int64_t b = bh / p->h, h = bh % p->h;
        system_mean(system_k(p, b, h, 0), 0, p->nk, p->d, mean);
        alike(p, system_q(p, b, h, 0), NULL, p->nq, tall, trusted_q);
        alike(p, system_k(p, b, h, 0), mean, p->nk, wide, trusted_k);
        tiling_mean_rows(&query, system_q(p, b, h, 0), p->d, mean_q);
        tiling_mean_rows(&key, system_k(p, b, h, 0), p->d, mean_k);
        coded(system_q(p, b, h, 0), NULL, p->nq, p->d, 128, q);
        coded(system_k(p, b, h, 0), mean, p->nk, p->d, 64, k);
        for (int64_t t = 0; t < rows; t++) {
            for (int64_t c = 0; c < columns; c++)
                map[c] = (system_dot(mean_q + t * p->d, mean_k + c * p->d, p->d) - system_dot(mean_q + t * p->d, mean, p->d)) / sqrt((double)p->d);
            likely(p, map, trusted_k, columns, on);
            for (int64_t j = 0; j < p->nk; j++) see[j] = on[key.tile[j]] || !trusted_k[key.tile[j]] || !trusted_q[t];
            for (int64_t i = t * tall; i < p->nq && i < (t + 1) * tall; i++) attend_coded(p, b, h, i, see, q, k, row);
        }
    }
    return tile_clear(&desk);
}

const system_case systems_tiles_coded[] = {
    {.recipe = "sage_attention", .b = 2, .h = 4, .hkv = 2, .nq = 155, .nk = 203, .d = 32, .dv = 24, .tolerance = 4e-4, .define = sage_attention},
    {.recipe = "sparge_attn",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 155,
     .nk = 203,
     .d = 16,
     .dv = 24,
     .parameters = {{"alike", 0.09375}, {"kept", 0.625}, {"query_tile", 16}, {"key_tile", 8}},
     .tolerance = 4e-4,
     .define = sparge_attn},
    {0},
};
