/* Systems whose tiles are known beforehand, by head, frame, window or stride, or chosen once for all queries. */
#include <math.h>

#include "systems/system.h"

enum { MOST = 256 };

static int64_t whole(const system_problem *p, const char *parameter) { return (int64_t)system_value(p, parameter); }

/* S2-Attention: tiles near to the query's own, and every stride-th by head. */
static bool s2(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    (void)b;
    const int64_t tile = whole(p, "tile"), at = i + p->nk - p->nq;
    for (int64_t j = 0; j <= at; j++) see[j] = at / tile - j / tile < whole(p, "local") || (j / tile + h + 1) % whole(p, "stride") == 0;
    return true;
}

static bool define_s2(system_problem *p) { return system_choose(p, s2); }

/* Sparse Transformer, CIFAR-10: the last 128 keys and itself, and every 128-th before it. */
static bool strided(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    (void)b, (void)h;
    for (int64_t j = 0; j <= i && j < p->nk; j++) see[j] = i - j <= 128 || (i - j) % 128 == 0;
    return true;
}

static bool define_strided(system_problem *p) { return system_choose(p, strided); }

/* Sparse Transformer, Enwik8: its block of 128 keys, and the last 32 of each block before. */
static bool fixed(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    (void)b, (void)h;
    for (int64_t j = 0; j <= i && j < p->nk; j++) see[j] = j / 128 == i / 128 || j % 128 >= 96;
    return true;
}

static bool define_fixed(system_problem *p) { return system_choose(p, fixed); }

/* Efficient-vDiT, 2:6: the first and the fifth of eight frames see all and are seen by all. */
static bool vdit(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    (void)b, (void)h;
    const int64_t plane = p->grid[1] * p->grid[2], own = i / plane;
    for (int64_t j = 0; j < p->nk; j++) see[j] = own == j / plane || own % 4 == 0 || j / plane % 4 == 0;
    return true;
}

static bool define_vdit(system_problem *p) { return system_choose(p, vdit); }

/* GNA: on each axis queries move in strides, and share the window around the middle of their stride, shifted into the axis. */
static bool gna(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    (void)b, (void)h;
    static const int64_t window[3] = {18, 24, 24}, stride[3] = {16, 8, 8};
    const int64_t at[3] = {i / p->grid[2] / p->grid[1], i / p->grid[2] % p->grid[1], i % p->grid[2]};
    int64_t first[3];
    for (int a = 0; a < 3; a++) {
        int64_t leader = at[a] / stride[a] * stride[a] + stride[a] / 2;
        if (leader > p->grid[a] - 1) leader = p->grid[a] - 1;
        first[a] = leader - window[a] / 2;
        if (first[a] < 0) first[a] = 0;
        if (first[a] > p->grid[a] - window[a]) first[a] = p->grid[a] - window[a];
    }
    for (int64_t t = first[0]; t < first[0] + window[0]; t++)
        for (int64_t y = first[1]; y < first[1] + window[1]; y++)
            for (int64_t x = first[2]; x < first[2] + window[2]; x++) see[(t * p->grid[1] + y) * p->grid[2] + x] = 1;
    return true;
}

static bool define_gna(system_problem *p) { return system_choose(p, gna); }

/* Many-shot groups: the first, those from the queries' own group on, and of those between the most relevant to all heads together. */
static bool groups(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    (void)h;
    const int64_t size = whole(p, "group"), begin = i / size * size, shift = p->nk - p->nq;
    double relevance[MOST] = {0};
    uint8_t may[MOST] = {0}, chosen[MOST] = {0};
    int64_t between = 0;
    for (int64_t g = 1; (g + 1) * size <= begin + shift; g++) {
        may[g] = 1;
        between++;
        for (int64_t head = 0; head < p->h; head++) relevance[g] += system_pooled(p, b, head, begin, size, g * size, size) / (double)p->h;
    }
    system_top(p, relevance, may, between + 1, (int64_t)ceil(system_value(p, "keep") * (double)between), chosen);
    for (int64_t j = 0; j <= i + shift; j++) see[j] = chosen[j / size] || !may[j / size];
    return true;
}

static bool define_groups(system_problem *p) { return system_choose(p, groups); }

const system_case systems_sequences[] = {
    {.recipe = "s2_attention",
     .b = 2,
     .h = 6,
     .hkv = 3,
     .nq = 161,
     .nk = 161,
     .d = 16,
     .dv = 24,
     .parameters = {{"tile", 9}, {"local", 2}, {"stride", 4}},
     .define = define_s2},
    {.recipe = "s2_attention",
     .b = 1,
     .h = 4,
     .hkv = 1,
     .nq = 1,
     .nk = 173,
     .d = 24,
     .dv = 16,
     .parameters = {{"tile", 16}, {"local", 3}, {"stride", 3}},
     .define = define_s2},
    {.recipe = "sparse_transformer_strided", .b = 1, .h = 2, .hkv = 1, .nq = 421, .nk = 421, .d = 16, .dv = 16, .define = define_strided},
    {.recipe = "sparse_transformer_fixed", .b = 1, .h = 2, .hkv = 2, .nq = 419, .nk = 419, .d = 24, .dv = 16, .define = define_fixed},
    {.recipe = "efficient_vdit", .b = 2, .h = 2, .hkv = 1, .nq = 280, .nk = 280, .d = 16, .dv = 16, .grid = {8, 5, 7}, .define = define_vdit},
    {.recipe = "gna_hunyuan", .b = 1, .h = 1, .hkv = 1, .nq = 173, .nk = 115200, .d = 8, .dv = 8, .grid = {30, 48, 80}, .define = define_gna},
    {.recipe = "dbsa",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 13,
     .nk = 180,
     .d = 16,
     .dv = 24,
     .parameters = {{"group", 15}, {"keep", 0.27}},
     .define = define_groups},
    {.recipe = "dbsa",
     .b = 1,
     .h = 4,
     .hkv = 4,
     .nq = 151,
     .nk = 151,
     .d = 24,
     .dv = 16,
     .parameters = {{"group", 12}, {"keep", 0.39}},
     .define = define_groups},
    {0},
};
