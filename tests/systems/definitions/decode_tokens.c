/* Systems that estimate the score of every key and attend to the single tokens whose estimates are highest. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "systems/system.h"

enum { MOST = 256 };

/* Keys up to the query's own place, the last query standing at the last key. */
static int64_t seen(const system_problem *p, int64_t i) { return i + 1 + p->nk - p->nq; }

/* Loki: scores of the first components of q and k in a given basis [1,Hkv,D,D], whose columns are the components. */
static bool loki(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    const int64_t rank = (int64_t)ceil(system_value(p, "rank") * (double)p->d);
    const double *basis = system_data(p, "basis") + h / (p->h / p->hkv) * p->d * p->d;
    double score[MOST] = {0};
    for (int64_t j = 0; j < seen(p, i); j++)
        for (int64_t r = 0; r < rank; r++) {
            double x = 0, y = 0;
            for (int64_t c = 0; c < p->d; c++) {
                x += system_q(p, b, h, i)[c] * basis[c * p->d + r];
                y += system_k(p, b, h, j)[c] * basis[c * p->d + r];
            }
            score[j] += x * y;
        }
    system_top(p, score, NULL, seen(p, i), (int64_t)fmax(1, floor(system_value(p, "keep") * (double)seen(p, i))), see);
    return true;
}

static bool define_loki(system_problem *p) { return system_choose(p, loki); }

/* Adamas: two bits for each channel of the Hadamard transform of x, by the quartiles of a normal distribution. */
static void codes(system_problem *p, const double *x, int *code)
{
    double turned[SYSTEM_CHANNELS], square = 0;
    for (int64_t c = 0; c < p->d; c++) {
        turned[c] = 0;
        for (int64_t e = 0; e < p->d; e++) turned[c] += __builtin_parityll((unsigned long long)(c & e)) ? -x[e] : x[e];
        square += turned[c] * turned[c] / (double)p->d;
    }
    const double edge = system_value(p, "edge") * sqrt(square);
    for (int64_t c = 0; c < p->d; c++) {
        code[c] = 0;
        for (int e = -1; e <= 1; e++) {
            code[c] += turned[c] > e * edge;
            system_gap(p, turned[c] - e * edge, sqrt(square));
        }
    }
}

static bool adamas(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    int query[SYSTEM_CHANNELS], key[SYSTEM_CHANNELS];
    double nearness[MOST] = {0};
    codes(p, system_q(p, b, h, i), query);
    for (int64_t j = 0; j < seen(p, i); j++) {
        codes(p, system_k(p, b, h, j), key);
        for (int64_t c = 0; c < p->d; c++) nearness[j] -= abs(query[c] - key[c]);
    }
    system_top(p, nearness, NULL, seen(p, i), (int64_t)system_value(p, "budget"), see);
    return true;
}

static bool define_adamas(system_problem *p) { return system_choose(p, adamas); }

/* A head's probabilities of query i. */
static void shares(const system_problem *p, int64_t b, int64_t h, int64_t i, double *x)
{
    for (int64_t j = 0; j < seen(p, i); j++) x[j] = system_dot(system_q(p, b, h, i), system_k(p, b, h, j), p->d) / sqrt((double)p->d);
    system_softmax(x, NULL, seen(p, i));
}

/* Runs 0, every, 2 every, ...: all is seen, and what rank puts first for a query is kept for the runs between, for all heads. */
static bool layers(system_problem *p, void (*rank)(system_problem *p, int64_t b, int64_t i, uint8_t *kept))
{
    const bool selecting = p->run % (int64_t)system_value(p, "every") == 0;
    const int64_t n = p->b * p->nq * p->nk;
    if (!p->state && !(p->state = malloc((size_t)n))) return false;
    uint8_t *kept = p->state, all[MOST];
    if (selecting) memset(kept, 0, (size_t)n);
    for (int64_t b = 0; b < p->b; b++)
        for (int64_t i = 0; i < p->nq; i++) {
            uint8_t *row = kept + (b * p->nq + i) * p->nk;
            if (selecting) rank(p, b, i, row);
            for (int64_t j = 0; j < p->nk; j++) all[j] = j < seen(p, i);
            for (int64_t h = 0; h < p->h; h++) system_attend(p, b, h, i, selecting ? all : row, system_o(p, b, h, i));
        }
    return true;
}

/* DELTA: probabilities summed over the heads. */
static void delta(system_problem *p, int64_t b, int64_t i, uint8_t *kept)
{
    double sum[MOST] = {0}, x[MOST];
    for (int64_t h = 0; h < p->h; h++) {
        shares(p, b, h, i, x);
        for (int64_t j = 0; j < seen(p, i); j++) sum[j] += x[j];
    }
    system_top(p, sum, NULL, seen(p, i), (int64_t)system_value(p, "budget"), kept);
}

static bool define_delta(system_problem *p) { return layers(p, delta); }

/* LessIsMore: each head's best tokens, ranked together by their probabilities, and the recent ones. */
static void less_is_more(system_problem *p, int64_t b, int64_t i, uint8_t *kept)
{
    const int64_t n = seen(p, i), budget = (int64_t)system_value(p, "budget"), recent = (int64_t)(system_value(p, "recent") * (double)budget);
    double best[MOST], x[MOST];
    uint8_t older[MOST];
    for (int64_t j = 0; j < n; j++) {
        best[j] = -INFINITY;
        older[j] = j < n - recent;
        kept[j] = !older[j];
    }
    for (int64_t h = 0; h < p->h; h++) {
        uint8_t own[MOST] = {0};
        shares(p, b, h, i, x);
        system_top(p, x, older, n, budget - recent, own);
        for (int64_t j = 0; j < n; j++)
            if (own[j]) best[j] = fmax(best[j], x[j]);
    }
    system_top(p, best, older, n, budget - recent, kept);
}

static bool define_less_is_more(system_problem *p) { return layers(p, less_is_more); }

const system_case systems_decode_tokens[] = {
    {.recipe = "loki",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 3,
     .nk = 131,
     .d = 24,
     .dv = 20,
     .parameters = {{"rank", 0.3}, {"keep", 0.23}},
     .inputs = {{.name = "basis", .shape = {1, 2, 24, 24}, .scale = 0.2}},
     .define = define_loki},
    {.recipe = "adamas",
     .b = 1,
     .h = 4,
     .hkv = 2,
     .nq = 5,
     .nk = 97,
     .d = 16,
     .dv = 16,
     .parameters = {{"budget", 23}, {"edge", 0.6745}},
     .define = define_adamas},
    {.recipe = "adamas",
     .b = 2,
     .h = 2,
     .hkv = 2,
     .nq = 1,
     .nk = 61,
     .d = 32,
     .dv = 8,
     .parameters = {{"budget", 50}, {"edge", 0.5}},
     .define = define_adamas},
    {.recipe = "delta",
     .b = 2,
     .h = 6,
     .hkv = 3,
     .nq = 2,
     .nk = 113,
     .d = 16,
     .dv = 24,
     .parameters = {{"budget", 17}, {"every", 2}},
     .runs = 3,
     .define = define_delta},
    {.recipe = "less_is_more",
     .b = 1,
     .h = 4,
     .hkv = 1,
     .nq = 3,
     .nk = 127,
     .d = 20,
     .dv = 16,
     .parameters = {{"budget", 29}, {"recent", 0.3}, {"every", 3}},
     .runs = 4,
     .define = define_less_is_more},
    {0},
};
