/* Systems that choose keys one by one, or by the page. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "systems/desk.h"

/* Softmax of query i's scores over the keys up to and with its own place, or all. */
static void attention_row(const system_problem *p, int64_t b, int64_t h, int64_t i, bool causal, uint8_t *see, double *row)
{
    for (int64_t j = 0; j < p->nk; j++) {
        see[j] = !causal || j <= tile_place(p, i);
        row[j] = system_dot(system_q(p, b, h, i), system_k(p, b, h, j), p->d) / sqrt((double)p->d);
    }
    system_softmax(row, see, p->nk);
}

/* Sampled rows' attention, summed by column: the fewest columns with alpha of it, and the last keys. */
static bool sample_attention(system_problem *p)
{
    tile_desk desk = {.count = 0};
    double *sum = tile_numbers(&desk, p->nk), *row = tile_numbers(&desk, p->nk);
    uint8_t *chosen = tile_take(&desk, p->nk, 1), *see = tile_take(&desk, p->nk, 1);
    const int64_t step = llround(1 / system_value(p, "sampled")), last = (int64_t)ceil(system_value(p, "local") * (double)p->nk);
    for (int64_t bh = 0; !desk.failed && bh < p->b * p->h; bh++) {
        const int64_t b = bh / p->h, h = bh % p->h;
        memset(sum, 0, (size_t)p->nk * sizeof(*sum));
        memset(chosen, 0, (size_t)p->nk);
        for (int64_t i = step - 1; i < p->nq; i += step) {
            attention_row(p, b, h, i, true, see, row);
            for (int64_t j = 0; j < p->nk; j++) sum[j] += row[j];
        }
        system_top_mass(p, sum, NULL, p->nk, system_value(p, "alpha"), true, chosen);
        for (int64_t i = 0; i < p->nq; i++) {
            const int64_t at = tile_place(p, i);
            for (int64_t j = 0; j < p->nk; j++) see[j] = j <= at && (chosen[j] || at - j < last);
            system_attend(p, b, h, i, see, system_o(p, b, h, i));
        }
    }
    return tile_clear(&desk);
}

/* Which other tokens a block's queries attend to most, chosen in run 0 for each key head. */
static bool dllm_choose(system_problem *p, uint8_t *kept)
{
    tile_desk desk = {.count = 0};
    double *mean = tile_numbers(&desk, p->nk), *widest = tile_numbers(&desk, p->nk), *row = tile_numbers(&desk, p->nk);
    uint8_t *may = tile_take(&desk, p->nk, 1), *see = tile_take(&desk, p->nk, 1);
    const int64_t group = p->h / p->hkv, first = (int64_t)system_value(p, "first");
    for (int64_t bg = 0; !desk.failed && bg < p->b * p->hkv; bg++) {
        memset(mean, 0, (size_t)p->nk * sizeof(*mean));
        for (int64_t hi = 0; hi < group * p->nq; hi++) {
            attention_row(p, bg / p->hkv, bg % p->hkv * group + hi / p->nq, hi % p->nq, false, see, row);
            for (int64_t j = 0; j < p->nk; j++) mean[j] += row[j] / (double)(group * p->nq);
        }
        int64_t others = 0;
        for (int64_t j = 0; j < p->nk; j++) {
            widest[j] = fmax(mean[j], fmax(j > 0 ? mean[j - 1] : 0, j + 1 < p->nk ? mean[j + 1] : 0));
            may[j] = j < first || j >= first + p->nq;
            others += may[j];
        }
        system_top(p, widest, may, p->nk, (int64_t)(system_value(p, "keep") * (double)others), kept + bg * p->nk);
    }
    return tile_clear(&desk);
}

static bool sparse_dllm(system_problem *p)
{
    const int64_t first = (int64_t)system_value(p, "first");
    if (p->run == 0) {
        p->state = calloc((size_t)(p->b * p->hkv * p->nk), 1);
        if (!p->state || !dllm_choose(p, p->state)) return false;
    }
    uint8_t *see = malloc((size_t)p->nk);
    for (int64_t row = 0; see && row < p->b * p->h * p->nq; row++) {
        const int64_t i = row % p->nq, h = row / p->nq % p->h, b = row / p->nq / p->h;
        const uint8_t *kept = (const uint8_t *)p->state + (b * p->hkv + h / (p->h / p->hkv)) * p->nk;
        for (int64_t j = 0; j < p->nk; j++) see[j] = kept[j] || (j >= first && j < first + p->nq);
        system_attend(p, b, h, i, see, system_o(p, b, h, i));
    }
    free(see);
    return see != NULL;
}

/* Runs are layers: every so many, each query's highest scores; the others take the same places. */
static bool tidal_decode(system_problem *p)
{
    const int64_t rows = p->b * p->h * p->nq;
    if (!p->state) p->state = malloc((size_t)(rows * p->nk));
    tile_desk desk = {.count = 0};
    double *score = tile_numbers(&desk, p->nk);
    uint8_t *may = tile_take(&desk, p->nk, 1);
    for (int64_t row = 0; p->state && !desk.failed && row < rows; row++) {
        const int64_t i = row % p->nq, h = row / p->nq % p->h, b = row / p->nq / p->h;
        uint8_t *chosen = (uint8_t *)p->state + row * p->nk;
        if (p->run % (int64_t)system_value(p, "every") == 0) {
            for (int64_t j = 0; j < p->nk; j++) {
                score[j] = system_dot(system_q(p, b, h, i), system_k(p, b, h, j), p->d);
                may[j] = j <= tile_place(p, i);
            }
            memset(chosen, 0, (size_t)p->nk);
            system_top(p, score, may, p->nk, (int64_t)system_value(p, "count"), chosen);
        }
        system_attend(p, b, h, i, chosen, system_o(p, b, h, i));
    }
    return tile_clear(&desk) && p->state;
}

/* The greatest score that any key within the page's bounds could have. */
static bool quest(system_problem *p)
{
    tile_desk desk = {.count = 0};
    const int64_t size = (int64_t)system_value(p, "page"), pages = tile_number(p->nk, size), budget = (int64_t)system_value(p, "budget") / size;
    double *bound = tile_numbers(&desk, pages);
    uint8_t *may = tile_take(&desk, pages, 1), *chosen = tile_take(&desk, pages, 1), *see = tile_take(&desk, p->nk, 1);
    for (int64_t row = 0; !desk.failed && row < p->b * p->h * p->nq; row++) {
        const int64_t i = row % p->nq, h = row / p->nq % p->h, b = row / p->nq / p->h;
        const double *q = system_q(p, b, h, i);
        for (int64_t page = 0; page < pages; page++) {
            may[page] = page * size <= tile_place(p, i);
            chosen[page] = 0;
            bound[page] = 0;
            for (int64_t e = 0; e < p->d; e++) {
                double best = -INFINITY;
                for (int64_t j = page * size; j < p->nk && j < (page + 1) * size; j++) best = fmax(best, q[e] * system_k(p, b, h, j)[e]);
                bound[page] += best;
            }
        }
        system_top(p, bound, may, pages, budget > 3 ? budget : 3, chosen);
        for (int64_t j = 0; j < p->nk; j++) see[j] = chosen[j / size] && j <= tile_place(p, i);
        system_attend(p, b, h, i, see, system_o(p, b, h, i));
    }
    return tile_clear(&desk);
}

const system_case systems_keys_chosen[] = {
    {.recipe = "sample_attention",
     .b = 1,
     .h = 4,
     .hkv = 2,
     .nq = 149,
     .nk = 149,
     .d = 16,
     .dv = 24,
     .parameters = {{"alpha", 0.75}, {"sampled", 0.125}, {"local", 0.0625}},
     .define = sample_attention},
    {.recipe = "sparse_dllm",
     .b = 1,
     .h = 4,
     .hkv = 2,
     .nq = 24,
     .nk = 137,
     .d = 16,
     .dv = 16,
     .parameters = {{"first", 40}, {"keep", 0.375}},
     .runs = 3,
     .define = sparse_dllm},
    {.recipe = "tidal_decode",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 2,
     .nk = 131,
     .d = 32,
     .dv = 16,
     .parameters = {{"count", 29}, {"every", 3}},
     .runs = 5,
     .define = tidal_decode},
    {.recipe = "quest",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 5,
     .nk = 141,
     .d = 16,
     .dv = 16,
     .parameters = {{"page", 8}, {"budget", 50}},
     .define = quest},
    {0},
};
