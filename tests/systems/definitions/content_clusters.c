/* Systems whose queries and keys meet in clusters or buckets, by what they hold. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "systems/system.h"

enum { MOST = 256, CLUSTERS = 16, WIDEST = 64, ITERATIONS = 10 };

static int64_t whole(const system_problem *p, const char *parameter) { return (int64_t)system_value(p, parameter); }

/* The index of the largest of x [n]. */
static int64_t largest(system_problem *p, const double *x, int64_t n)
{
    uint8_t chosen[MOST] = {0};
    int64_t at = 0;
    system_top(p, x, NULL, n, 1, chosen);
    while (!chosen[at]) at++;
    return at;
}

/* K-means by dot products or distances over x [n,d] from evenly spaced rows. Balanced: clusters take the best rows left, one cluster after
 * another. labels: where the last round put each row; centres: the means then. */
typedef struct k_means {
    double centres[CLUSTERS][WIDEST];
    int64_t labels[MOST];
} k_means;

static double likeness(const double *x, const double *centre, int64_t d, bool dots)
{
    double sum = 0;
    for (int64_t c = 0; c < d; c++) sum += dots ? x[c] * centre[c] : -(x[c] - centre[c]) * (x[c] - centre[c]) / 2;
    return sum;
}

static void assign(system_problem *p, const double *x, int64_t n, int64_t d, int64_t count, bool balanced, k_means *m)
{
    for (int64_t i = 0; i < n && !balanced; i++) {
        double like[CLUSTERS];
        for (int64_t c = 0; c < count; c++) like[c] = likeness(x + i * d, m->centres[c], d, true);
        m->labels[i] = largest(p, like, count);
    }
    uint8_t left[MOST];
    memset(left, 1, sizeof(left));
    int64_t remaining = n;
    for (int64_t c = 0; c < count && balanced; c++) {
        double like[MOST];
        uint8_t taken[MOST] = {0};
        for (int64_t i = 0; i < n; i++) like[i] = likeness(x + i * d, m->centres[c], d, false);
        const int64_t share = (remaining + count - c - 1) / (count - c);
        system_top(p, like, left, n, share, taken);
        for (int64_t i = 0; i < n; i++) {
            if (!taken[i]) continue;
            m->labels[i] = c;
            left[i] = 0;
        }
        remaining -= share;
    }
}

static void cluster(system_problem *p, const double *x, int64_t n, int64_t d, int64_t count, bool balanced, k_means *m)
{
    for (int64_t c = 0; c < count; c++) memcpy(m->centres[c], x + n / count * c * d, (size_t)d * sizeof(*x));
    for (int round = 0; round < ITERATIONS; round++) {
        int64_t size[CLUSTERS] = {0};
        assign(p, x, n, d, count, balanced, m);
        for (int64_t i = 0; i < n; i++)
            if (size[m->labels[i]]++ == 0) memset(m->centres[m->labels[i]], 0, sizeof(m->centres[0]));
        for (int64_t i = 0; i < n; i++)
            for (int64_t c = 0; c < d; c++) m->centres[m->labels[i]][c] += x[i * d + c] / (double)size[m->labels[i]];
    }
}

/* Routing Transformer: the second half of the heads attends within clusters of normalised keys, the first within a window. */
static void routes(system_problem *p, int64_t b, int64_t h, k_means *m, int64_t *query)
{
    const int64_t count = whole(p, "clusters");
    double keys[MOST * WIDEST];
    for (int64_t j = 0; j < p->nk; j++) {
        const double *k = system_k(p, b, h, j), norm = sqrt(system_dot(k, k, p->d));
        for (int64_t c = 0; c < p->d; c++) keys[j * p->d + c] = k[c] / norm;
    }
    cluster(p, keys, p->nk, p->d, count, false, m);
    for (int64_t i = 0; i < p->nq; i++) {
        double like[CLUSTERS];
        for (int64_t c = 0; c < count; c++) like[c] = system_dot(system_q(p, b, h, i), m->centres[c], p->d);
        query[i] = largest(p, like, count);
    }
}

static bool define_routing(system_problem *p)
{
    k_means m;
    int64_t query[MOST];
    uint8_t see[MOST];
    for (int64_t head = 0; head < p->b * p->h; head++) {
        const int64_t b = head / p->h, h = head % p->h;
        const bool local = h < p->h / 2;
        if (!local) routes(p, b, h, &m, query);
        for (int64_t i = 0; i < p->nq; i++) {
            const int64_t at = i + p->nk - p->nq;
            for (int64_t j = 0; j < p->nk; j++) see[j] = j <= at && (local ? at - j < whole(p, "window") : m.labels[j] == query[i]);
            system_attend(p, b, h, i, see, system_o(p, b, h, i));
        }
    }
    return true;
}

/* Sparse Flash Attention: the nearest of turned axes and their opposites. */
static int64_t bucket(system_problem *p, const double *x)
{
    const int64_t half = whole(p, "buckets") / 2;
    double along[MOST];
    for (int64_t a = 0; a < half; a++) {
        along[a] = 0;
        for (int64_t c = 0; c < p->d; c++) along[a] += __builtin_parityll((unsigned long long)(c & (a + 1))) ? -x[c] : x[c];
        along[half + a] = -along[a];
    }
    return largest(p, along, 2 * half);
}

static bool hashed(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    const int64_t own = bucket(p, system_q(p, b, h, i));
    for (int64_t j = 0; j <= i + p->nk - p->nq; j++) see[j] = bucket(p, system_k(p, b, h, j)) == own;
    return true;
}

static bool define_hashed(system_problem *p) { return system_choose(p, hashed); }

/* BOAT: the mean of attention within windows of the image and within balanced clusters of the keys of all heads. */
static bool define_boat(system_problem *p)
{
    const int64_t side = whole(p, "window"), size = whole(p, "size"), width = p->hkv * p->d;
    double features[MOST * WIDEST], near[SYSTEM_CHANNELS];
    k_means m;
    uint8_t see[MOST];
    for (int64_t row = 0; row < p->b * p->h * p->nq; row++) {
        const int64_t b = row / (p->h * p->nq), h = row / p->nq % p->h, i = row % p->nq;
        if (row % (p->h * p->nq) == 0) {
            for (int64_t j = 0; j < p->nk; j++)
                for (int64_t c = 0; c < width; c++) features[j * width + c] = system_k(p, b, c / p->d * (p->h / p->hkv), j)[c % p->d];
            cluster(p, features, p->nk, width, (p->nk + size - 1) / size, true, &m);
        }
        for (int64_t j = 0; j < p->nk; j++) see[j] = i / p->grid[2] / side == j / p->grid[2] / side && i % p->grid[2] / side == j % p->grid[2] / side;
        system_attend(p, b, h, i, see, near);
        for (int64_t j = 0; j < p->nk; j++) see[j] = m.labels[i] == m.labels[j];
        system_attend(p, b, h, i, see, system_o(p, b, h, i));
        for (int64_t c = 0; c < p->dv; c++) system_o(p, b, h, i)[c] = (system_o(p, b, h, i)[c] + near[c]) / 2;
    }
    return true;
}

const system_case systems_content_clusters[] = {
    {.recipe = "routing_transformer",
     .b = 1,
     .h = 4,
     .hkv = 2,
     .nq = 101,
     .nk = 101,
     .d = 16,
     .dv = 24,
     .parameters = {{"window", 13}, {"clusters", 5}},
     .define = define_routing},
    {.recipe = "routing_transformer",
     .b = 2,
     .h = 2,
     .hkv = 1,
     .nq = 7,
     .nk = 113,
     .d = 24,
     .dv = 16,
     .parameters = {{"window", 20}, {"clusters", 4}},
     .define = define_routing},
    {.recipe = "sparse_flash_attention",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 127,
     .nk = 127,
     .d = 16,
     .dv = 16,
     .parameters = {{"buckets", 6}},
     .define = define_hashed},
    {.recipe = "sparse_flash_attention",
     .b = 1,
     .h = 2,
     .hkv = 2,
     .nq = 3,
     .nk = 139,
     .d = 32,
     .dv = 24,
     .parameters = {{"buckets", 14}},
     .define = define_hashed},
    {.recipe = "boat",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 99,
     .nk = 99,
     .d = 16,
     .dv = 16,
     .grid = {1, 9, 11},
     .parameters = {{"window", 4}, {"size", 15}},
     .define = define_boat},
    {0},
};
