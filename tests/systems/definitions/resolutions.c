/* Systems in which less important blocks act by means or sums: MRA, PSA, Rectified SpaAttn, SLA. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "systems/tiling.h"

/* A mean of values under construction: weights need no normalisation, since scores of tests are small. */
typedef struct average {
    double weight, sum[SYSTEM_CHANNELS];
} average;

static void average_add(average *a, double weight, const double *v, int64_t dv)
{
    a->weight += weight;
    for (int64_t c = 0; c < dv; c++) a->sum[c] += weight * v[c];
}

/* Adds keys [first, last) of head h for query i, size at a time as their mean key and value, counted size times. */
static void add_means(const system_problem *p, int64_t b, int64_t h, int64_t i, int64_t first, int64_t last, int64_t size, average *a)
{
    double k[SYSTEM_CHANNELS], v[SYSTEM_CHANNELS];
    for (int64_t j = first; j < last; j += size) {
        const int64_t end = j + size < last ? j + size : last;
        system_mean(system_k(p, b, h, 0), j, end, p->d, k);
        system_mean(system_v(p, b, h, 0), j, end, p->dv, v);
        average_add(a, (double)(end - j) * exp(system_dot(system_q(p, b, h, i), k, p->d) / sqrt((double)p->d)), v, p->dv);
    }
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* MRA-2: blocks that are not among the best of the whole map have the exponential of their mean score everywhere. */
static bool mra_head(system_problem *p, int64_t b, int64_t h)
{
    const int64_t tile = (int64_t)system_value(p, "tile");
    tiling q = tiling_make(p->nq, tile, 0), k = tiling_make(p->nk, tile, 0);
    double *score = q.tile && k.tile ? tiling_scores(p, b, h, &q, &k, 1 / sqrt((double)p->d)) : NULL;
    uint8_t *on = calloc((size_t)(q.count * k.count), 1);
    const bool ok = score && on;
    if (ok) system_top(p, score, NULL, q.count * k.count, (int64_t)system_value(p, "per_row") * q.count, on);
    for (int64_t i = 0; ok && i < p->nq; i++) {
        average a = {0};
        for (int64_t j = 0; j < p->nk; j++) {
            const int64_t at = q.tile[i] * k.count + k.tile[j];
            const double exact = system_dot(system_q(p, b, h, i), system_k(p, b, h, j), p->d) / sqrt((double)p->d);
            average_add(&a, exp(on[at] ? exact : score[at]), system_v(p, b, h, j), p->dv);
        }
        for (int64_t c = 0; c < p->dv; c++) system_o(p, b, h, i)[c] = a.sum[c] / a.weight;
    }
    free(q.tile);
    free(k.tile);
    free(score);
    free(on);
    return ok;
}

static bool mra(system_problem *p) { return system_heads(p, mra_head); }

/* PSA: the best blocks whole, the next by means of 2, of 4, of 8 keys, the rest not at all. */
static bool psa_head(system_problem *p, int64_t b, int64_t h)
{
    static const char *const quotas[] = {"eighths", "quarters", "halves", "whole"};
    const int64_t key_tile = (int64_t)system_value(p, "key_tile");
    tiling q = tiling_make(p->nq, (int64_t)system_value(p, "query_tile"), 0), k = tiling_make(p->nk, key_tile, 0);
    double *score = q.tile && k.tile ? tiling_scores(p, b, h, &q, &k, 1) : NULL;
    const size_t pairs = (size_t)q.count * (size_t)k.count;
    uint8_t *on = calloc(pairs, 1);
    int64_t *size = calloc(pairs, sizeof(*size));
    const bool ok = score && on && size;
    for (int level = 0; ok && level < 4; level++) {
        memset(on, 0, pairs);
        for (int64_t row = 0; row < q.count; row++)
            system_top(p, score + row * k.count, NULL, k.count, (int64_t)fmax(floor(system_value(p, quotas[level]) * (double)k.count), 1),
                       on + row * k.count);
        for (int64_t x = 0; x < q.count * k.count; x++)
            if (on[x]) size[x] = 8 >> level;
    }
    for (int64_t i = 0; ok && i < p->nq; i++) {
        average a = {0};
        for (int64_t c = 0; c < k.count; c++)
            if (size[q.tile[i] * k.count + c])
                add_means(p, b, h, i, c * key_tile, least((c + 1) * key_tile, p->nk), size[q.tile[i] * k.count + c], &a);
        for (int64_t c = 0; c < p->dv; c++) system_o(p, b, h, i)[c] = a.sum[c] / a.weight;
    }
    free(q.tile);
    free(k.tile);
    free(score);
    free(on);
    free(size);
    return ok;
}

static bool psa(system_problem *p) { return system_heads(p, psa_head); }

/* Is a block's weight recovered? Its keys spread the score by a variance; the mean of exponentials is then exp(variance / 2) times that of the mean.
 */
static bool gains(system_problem *p, int64_t b, int64_t h, const double *mean_q, int64_t first, int64_t last)
{
    double sum = 0;
    for (int64_t c = 0; c < p->d; c++) {
        double mean = 0, variance = 0;
        for (int64_t j = first; j < last; j++) mean += system_k(p, b, h, j)[c] / (double)(last - first);
        for (int64_t j = first; j < last; j++) variance += pow(system_k(p, b, h, j)[c] - mean, 2) / (double)(last - first);
        sum += mean_q[c] * mean_q[c] * variance / (double)p->d;
    }
    const double error = exp(sum / 2) - 1;
    system_gap(p, error - system_value(p, "error"), system_value(p, "error"));
    return error < system_value(p, "error");
}

/* Rectified SpaAttn: pooled weights of blocks; critical ones share their sum exactly, others act by mean values where that gains. */
static bool rectified_head(system_problem *p, int64_t b, int64_t h)
{
    const int64_t query_tile = (int64_t)system_value(p, "query_tile"), key_tile = (int64_t)system_value(p, "key_tile");
    tiling q = tiling_make(p->nq, query_tile, 0), k = tiling_make(p->nk, key_tile, 0);
    double *weight = q.tile && k.tile ? tiling_scores(p, b, h, &q, &k, 1 / sqrt((double)p->d)) : NULL;
    double mean[SYSTEM_CHANNELS], value[SYSTEM_CHANNELS], rest[SYSTEM_CHANNELS];
    uint8_t *on = calloc((size_t)k.count, 1), *see = malloc((size_t)p->nk);
    const bool ok = weight && on && see;
    for (int64_t row = 0; ok && row < q.count; row++) {
        const int64_t end = least((row + 1) * query_tile, p->nq);
        double *w = weight + row * k.count, critical = 0;
        for (int64_t c = 0; c < k.count; c++) w[c] += log((double)(least((c + 1) * key_tile, p->nk) - c * key_tile));
        system_softmax(w, NULL, k.count);
        memset(on, 0, (size_t)k.count);
        memset(rest, 0, sizeof(rest));
        system_top(p, w, NULL, k.count, (int64_t)fmax(floor(system_value(p, "density") * (double)k.count), 1), on);
        system_mean(system_q(p, b, h, 0), row * query_tile, end, p->d, mean);
        for (int64_t c = 0; c < k.count; c++) {
            const int64_t last = least((c + 1) * key_tile, p->nk);
            critical += on[c] ? w[c] : 0;
            if (on[c] || !gains(p, b, h, mean, c * key_tile, last)) continue;
            system_mean(system_v(p, b, h, 0), c * key_tile, last, p->dv, value);
            for (int64_t x = 0; x < p->dv; x++) rest[x] += w[c] * value[x];
        }
        for (int64_t j = 0; j < p->nk; j++) see[j] = on[k.tile[j]];
        for (int64_t i = row * query_tile; i < end; i++) {
            system_attend(p, b, h, i, see, system_o(p, b, h, i));
            for (int64_t x = 0; x < p->dv; x++) system_o(p, b, h, i)[x] = critical * system_o(p, b, h, i)[x] + rest[x];
        }
    }
    free(q.tile);
    free(k.tile);
    free(weight);
    free(on);
    free(see);
    return ok;
}

static bool rectified_spaattn(system_problem *p) { return system_heads(p, rectified_head); }

/* SLA: softmax attention to critical blocks plus a projection of linear attention, with softmax features, to marginal ones. */
static void linear(const system_problem *p, int64_t b, int64_t h, int64_t i, const uint8_t *see, double *o)
{
    double q[SYSTEM_CHANNELS], k[SYSTEM_CHANNELS];
    average a = {0};
    memcpy(q, system_q(p, b, h, i), (size_t)p->d * sizeof(*q));
    system_softmax(q, NULL, p->d);
    for (int64_t j = 0; j < p->nk; j++) {
        if (!see[j]) continue;
        memcpy(k, system_k(p, b, h, j), (size_t)p->d * sizeof(*k));
        system_softmax(k, NULL, p->d);
        average_add(&a, system_dot(q, k, p->d), system_v(p, b, h, j), p->dv);
    }
    for (int64_t c = 0; c < p->dv; c++) o[c] = a.weight > 0 ? a.sum[c] / a.weight : 0;
}

static bool sla_head(system_problem *p, int64_t b, int64_t h)
{
    const int64_t tile = (int64_t)system_value(p, "tile");
    const double *projection = system_data(p, "projection") + h * p->dv * p->dv;
    tiling q = tiling_make(p->nq, tile, 0), k = tiling_make(p->nk, tile, 0);
    double *score = q.tile && k.tile ? tiling_scores(p, b, h, &q, &k, 1 / sqrt((double)p->d)) : NULL, other[SYSTEM_CHANNELS];
    const int64_t critical = (int64_t)fmax(floor(system_value(p, "critical") * (double)k.count), 1);
    uint8_t *on = calloc(2 * (size_t)k.count, 1), *kept = on + k.count, *see = malloc((size_t)p->nk);
    const bool ok = score && on && see;
    for (int64_t i = 0; ok && i < p->nq; i++) {
        const double *row = score + q.tile[i] * k.count;
        memset(on, 0, 2 * (size_t)k.count);
        system_top(p, row, NULL, k.count, critical, on);
        system_top(p, row, NULL, k.count, k.count - (int64_t)floor(system_value(p, "negligible") * (double)k.count), kept);
        for (int64_t j = 0; j < p->nk; j++) see[j] = on[k.tile[j]];
        system_attend(p, b, h, i, see, system_o(p, b, h, i));
        for (int64_t j = 0; j < p->nk; j++) see[j] = kept[k.tile[j]] && !on[k.tile[j]];
        linear(p, b, h, i, see, other);
        for (int64_t x = 0; x < p->dv; x++)
            for (int64_t y = 0; y < p->dv; y++) system_o(p, b, h, i)[x] += other[y] * projection[y * p->dv + x];
    }
    free(q.tile);
    free(k.tile);
    free(score);
    free(on);
    free(see);
    return ok;
}

static bool sla(system_problem *p) { return system_heads(p, sla_head); }

const system_case systems_resolutions[] = {
    {.recipe = "mra", .b = 2, .h = 4, .hkv = 2, .nq = 131, .nk = 127, .d = 16, .dv = 24, .parameters = {{"tile", 11}, {"per_row", 3}}, .define = mra},
    {.recipe = "psa",
     .b = 1,
     .h = 4,
     .hkv = 2,
     .nq = 113,
     .nk = 235,
     .d = 24,
     .dv = 16,
     .parameters = {{"query_tile", 21}, {"key_tile", 16}, {"whole", 0.22}, {"halves", 0.43}, {"quarters", 0.61}, {"eighths", 0.83}},
     .define = psa},
    {.recipe = "rectified_spaattn",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 109,
     .nk = 139,
     .d = 20,
     .dv = 16,
     .parameters = {{"query_tile", 9}, {"key_tile", 13}, {"density", 0.31}, {"error", 0.05}},
     .define = rectified_spaattn},
    {.recipe = "sla",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 103,
     .nk = 145,
     .d = 16,
     .dv = 20,
     .parameters = {{"tile", 12}, {"critical", 0.25}, {"negligible", 0.33}},
     .inputs = {{.name = "projection", .shape = {1, 4, 20, 20}, .scale = 0.4}},
     .define = sla},
    {0},
};
