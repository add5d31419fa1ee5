/* Systems trained or calibrated to be sparse, whose queries choose blocks or tokens of the past: NSA, NOSA, Double Sparsity. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "systems/tiling.h"

/* Blocks of keys, one every stride, and what a group's heads make of them together. */
typedef struct group {
    int64_t block, stride, count;
    double *mean_k, *mean_v, *weight, *sum, *other; /* other: [Dv] */
    uint8_t *chosen, *see;
} group;

static void group_drop(group *g)
{
    void *const memory[] = {g->mean_k, g->mean_v, g->weight, g->sum, g->other, g->chosen, g->see};
    for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++) free(memory[i]);
}

/* Of head h's group. */
static bool group_make(const system_problem *p, int64_t b, int64_t h, int64_t block, int64_t stride, group *g)
{
    const size_t count = (size_t)((p->nk - block) / stride + 1);
    *g = (group){.block = block, .stride = stride, .count = (int64_t)count};
    g->mean_k = malloc(count * (size_t)p->d * sizeof(double));
    g->mean_v = malloc(count * (size_t)p->dv * sizeof(double));
    g->weight = malloc(count * sizeof(double));
    g->sum = malloc((size_t)p->nk * sizeof(double));
    g->other = malloc((size_t)p->dv * sizeof(double));
    g->chosen = malloc((size_t)p->nk);
    g->see = malloc((size_t)p->nk);
    for (int64_t c = 0; g->mean_k && g->mean_v && c < g->count; c++) {
        system_mean(system_k(p, b, h, 0), c * stride, c * stride + block, p->d, g->mean_k + c * p->d);
        system_mean(system_v(p, b, h, 0), c * stride, c * stride + block, p->dv, g->mean_v + c * p->dv);
    }
    return g->mean_k && g->mean_v && g->weight && g->sum && g->other && g->chosen && g->see;
}

/* The weights of a query's attention to the mean keys of the blocks that end at or before it; their number. */
static int64_t compressed(const system_problem *p, int64_t b, int64_t h, int64_t row, group *g)
{
    const int64_t tokens = row + p->nk - p->nq + 1, blocks = tokens < g->block ? 0 : (tokens - g->block) / g->stride + 1;
    for (int64_t c = 0; c < blocks; c++) g->weight[c] = system_dot(system_q(p, b, h, row), g->mean_k + c * p->d, p->d) / sqrt((double)p->d);
    system_softmax(g->weight, NULL, blocks);
    return blocks;
}

/* For each tile, the weights of the group's heads in each of its strides, summed over the blocks that cover the stride; complete blocks. */
static int64_t group_weights(const system_problem *p, int64_t b, int64_t h, int64_t row, int64_t tile, group *g)
{
    const int64_t heads = p->h / p->hkv;
    int64_t blocks = 0;
    memset(g->sum, 0, (size_t)p->nk * sizeof(double));
    for (int64_t x = h / heads * heads; x < (h / heads + 1) * heads; x++) {
        blocks = compressed(p, b, x, row, g);
        for (int64_t c = 0; c < blocks; c++)
            for (int64_t at = c * g->stride; at < c * g->stride + g->block; at += g->stride) g->sum[at / tile] += g->weight[c];
    }
    return blocks;
}

static double gate(const system_problem *p, const char *name, int64_t b, int64_t h, int64_t row)
{
    return 1 / (1 + exp(-system_data(p, name)[(b * p->h + h) * p->nq + row]));
}

/* NSA: gates times attention to means of two strides, to the chosen tiles (the first and the two latest always), to the last keys. */
static bool nsa_head(system_problem *p, int64_t b, int64_t h)
{
    const int64_t tile = (int64_t)system_value(p, "tile"), window = (int64_t)system_value(p, "window"), stride = (int64_t)system_value(p, "stride");
    group g;
    const bool ok = group_make(p, b, h, 2 * stride, stride, &g);
    for (int64_t row = 0; ok && row < p->nq; row++) {
        const int64_t i = row + p->nk - p->nq, own = i / tile, fixed = own < 2 ? own + 1 : 3;
        double *o = system_o(p, b, h, row);
        group_weights(p, b, h, row, tile, &g);
        memset(g.chosen, 0, (size_t)p->nk);
        g.chosen[0] = g.chosen[own] = g.chosen[own ? own - 1 : 0] = 1;
        system_top(p, g.sum, NULL, own, (int64_t)system_value(p, "keep") - fixed, g.chosen);
        for (int64_t j = 0; j < p->nk; j++) g.see[j] = j <= i && g.chosen[j / tile];
        system_attend(p, b, h, row, g.see, o);
        for (int64_t j = 0; j < p->nk; j++) g.see[j] = j <= i && j > i - window;
        system_attend(p, b, h, row, g.see, g.other);
        const int64_t blocks = compressed(p, b, h, row, &g);
        for (int64_t c = 0; c < p->dv; c++) {
            o[c] = gate(p, "gate_selected", b, h, row) * o[c] + gate(p, "gate_window", b, h, row) * g.other[c];
            for (int64_t x = 0; x < blocks; x++) o[c] += gate(p, "gate_compressed", b, h, row) * g.weight[x] * g.mean_v[x * p->dv + c];
        }
    }
    group_drop(&g);
    return ok;
}

static bool nsa(system_problem *p) { return system_heads(p, nsa_head); }

/* NOSA: of complete blocks, the best for the query, then of the others the most important ever; the first and the latest always. */
static bool nosa_head(system_problem *p, int64_t b, int64_t h)
{
    const int64_t tile = (int64_t)system_value(p, "tile"), window = (int64_t)system_value(p, "window");
    const double *importance = system_data(p, "importance") + (b * p->hkv + h / (p->h / p->hkv)) * p->nk;
    group g;
    const bool ok = group_make(p, b, h, tile, tile, &g);
    for (int64_t row = 0; ok && row < p->nq; row++) {
        const int64_t i = row + p->nk - p->nq, blocks = group_weights(p, b, h, row, tile, &g);
        memset(g.chosen, 0, (size_t)p->nk);
        for (int64_t j = 0; j <= i; j++) g.chosen[j / tile] |= j < tile || j > i - window;
        for (int64_t c = 0; c < blocks; c++) system_mean(importance, c * tile, (c + 1) * tile, 1, &g.weight[c]);
        system_top(p, g.sum, NULL, blocks, (int64_t)system_value(p, "aware"), g.chosen);
        system_top(p, g.weight, NULL, blocks, (int64_t)system_value(p, "agnostic"), g.chosen);
        for (int64_t j = 0; j < p->nk; j++) g.see[j] = j <= i && g.chosen[j / tile];
        system_attend(p, b, h, row, g.see, system_o(p, b, h, row));
    }
    group_drop(&g);
    return ok;
}

static bool nosa(system_problem *p) { return system_heads(p, nosa_head); }

/* Double Sparsity: channels by mean |q| times mean |k| of run 0; tokens by the scores of these channels. */
static void calibrate(system_problem *p, int64_t b, int64_t h, uint8_t *channel)
{
    double x[SYSTEM_CHANNELS];
    for (int64_t c = 0; c < p->d; c++) {
        double query = 0, key = 0;
        for (int64_t i = 0; i < p->nq; i++) query += fabs(system_q(p, b, h, i)[c]) / (double)p->nq;
        for (int64_t j = 0; j < p->nk; j++) key += fabs(system_k(p, b, h, j)[c]) / (double)p->nk;
        x[c] = query * key;
    }
    system_top(p, x, NULL, p->d, (int64_t)fmax(floor(system_value(p, "channels") * (double)p->d), 1), channel);
}

static bool double_sparsity_query(system_problem *p, int64_t b, int64_t h, int64_t row, uint8_t *see)
{
    const uint8_t *channel = (const uint8_t *)p->state + (b * p->h + h) * p->d;
    const int64_t past = row + p->nk - p->nq + 1;
    double *score = calloc((size_t)past, sizeof(*score));
    if (!score) return false;
    for (int64_t j = 0; j < past; j++)
        for (int64_t c = 0; c < p->d; c++) score[j] += channel[c] ? system_q(p, b, h, row)[c] * system_k(p, b, h, j)[c] : 0;
    system_top(p, score, NULL, past, (int64_t)ceil(system_value(p, "keep") * (double)past), see);
    free(score);
    return true;
}

static bool double_sparsity(system_problem *p)
{
    if (!p->state) {
        p->state = calloc((size_t)(p->b * p->h), (size_t)p->d);
        for (int64_t i = 0; p->state && i < p->b * p->h; i++) calibrate(p, i / p->h, i % p->h, (uint8_t *)p->state + i * p->d);
    }
    return p->state && system_choose(p, double_sparsity_query);
}

const system_case systems_native_blocks[] = {
    {.recipe = "nsa",
     .b = 1,
     .h = 4,
     .hkv = 2,
     .nq = 109,
     .nk = 131,
     .d = 16,
     .dv = 24,
     .parameters = {{"stride", 3}, {"tile", 9}, {"keep", 5}, {"window", 15}},
     .inputs = {{.name = "gate_compressed", .shape = {1, 4, 109, 1}, .scale = 1},
                {.name = "gate_selected", .shape = {1, 4, 109, 1}, .scale = 1},
                {.name = "gate_window", .shape = {1, 4, 109, 1}, .scale = 1}},
     .define = nsa},
    {.recipe = "nosa",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 47,
     .nk = 151,
     .d = 20,
     .dv = 16,
     .parameters = {{"tile", 8}, {"aware", 3}, {"agnostic", 4}, {"window", 13}},
     .inputs = {{.name = "importance", .shape = {2, 2, 1, 151}, .scale = 1}},
     .define = nosa},
    {.recipe = "double_sparsity",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 9,
     .nk = 137,
     .d = 32,
     .dv = 20,
     .parameters = {{"channels", 0.14}, {"keep", 0.13}},
     .runs = 2,
     .define = double_sparsity},
    {0},
};
