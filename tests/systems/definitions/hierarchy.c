/* Systems that look at keys coarsely before they look at some of them closely, or that remember where nothing was to be seen. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "systems/system.h"

enum { MOST = 256 };

static int64_t whole(const system_problem *p, const char *parameter) { return (int64_t)system_value(p, parameter); }

/* Means of the blocks of keys that query i has behind it, times it; their number. */
static int64_t compressed(const system_problem *p, int64_t b, int64_t h, int64_t i, double *share)
{
    const int64_t tile = whole(p, "tile"), blocks = (i + 1 + p->nk - p->nq) / tile;
    double key[SYSTEM_CHANNELS];
    for (int64_t c = 0; c < blocks; c++) {
        system_mean(system_k(p, b, h, 0), c * tile, (c + 1) * tile, p->d, key);
        share[c] = system_dot(system_q(p, b, h, i), key, p->d) / sqrt((double)p->d);
    }
    system_softmax(share, NULL, blocks);
    return blocks;
}

/* NSA: blocks that the probabilities of the whole group of query heads put first; the first block, the own and the one before it always. */
static bool nsa_selected(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    const int64_t tile = whole(p, "tile"), at = i + p->nk - p->nq, own = at / tile, group = p->h / p->hkv;
    double share[MOST], importance[MOST] = {0};
    uint8_t may[MOST], chosen[MOST] = {0};
    for (int64_t g = h / group * group; g < (h / group + 1) * group; g++) {
        const int64_t blocks = compressed(p, b, g, i, share);
        for (int64_t c = 0; c < blocks; c++) importance[c] += share[c];
    }
    int64_t left = whole(p, "keep");
    for (int64_t c = 0; c <= own; c++) {
        chosen[c] = c == 0 || c >= own - 1;
        may[c] = !chosen[c];
        left -= chosen[c];
    }
    system_top(p, importance, may, own + 1, left, chosen);
    for (int64_t j = 0; j <= at; j++) see[j] = chosen[j / tile];
    return true;
}

static bool define_nsa(system_problem *p)
{
    const int64_t tile = whole(p, "tile"), window = whole(p, "window");
    const double *gate = system_data(p, "gate");
    if (!system_choose(p, nsa_selected)) return false;
    for (int64_t row = 0; row < p->b * p->h * p->nq; row++) {
        const int64_t b = row / (p->h * p->nq), h = row / p->nq % p->h, i = row % p->nq, at = i + p->nk - p->nq;
        double share[MOST], value[SYSTEM_CHANNELS], near[SYSTEM_CHANNELS], open[3], *o = system_o(p, b, h, i);
        uint8_t see[MOST];
        for (int g = 0; g < 3; g++) open[g] = 1 / (1 + exp(-gate[row * 3 + g]));
        for (int64_t j = 0; j < p->nk; j++) see[j] = j <= at && at - j < window;
        system_attend(p, b, h, i, see, near);
        for (int64_t c = 0; c < p->dv; c++) o[c] = open[1] * o[c] + open[2] * near[c];
        const int64_t blocks = compressed(p, b, h, i, share);
        for (int64_t t = 0; t < blocks; t++) {
            system_mean(system_v(p, b, h, 0), t * tile, (t + 1) * tile, p->dv, value);
            for (int64_t c = 0; c < p->dv; c++) o[c] += open[0] * share[t] * value[c];
        }
    }
    return true;
}

/* HiP: of the chunks of so many keys that lie in kept [Nk], those whose first keys the tile of queries scores highest; kept becomes theirs. */
static void prune(system_problem *p, int64_t b, int64_t h, int64_t tile, int64_t chunk, int64_t count, uint8_t *kept)
{
    const int64_t chunks = (p->nk + chunk - 1) / chunk, end = (tile + 1) * whole(p, "tile");
    double score[MOST];
    uint8_t may[MOST], chosen[MOST] = {0};
    for (int64_t c = 0; c < chunks; c++) {
        score[c] = -INFINITY;
        may[c] = kept[c * chunk] && c * chunk < end + p->nk - p->nq;
        for (int64_t i = tile * whole(p, "tile"); i < end && i < p->nq; i++)
            score[c] = fmax(score[c], system_dot(system_q(p, b, h, i), system_k(p, b, h, c * chunk), p->d));
    }
    system_top(p, score, may, chunks, count, chosen);
    for (int64_t j = 0; j < p->nk; j++) kept[j] = chosen[j / chunk];
}

static bool hip(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    const int64_t tile = i / whole(p, "tile"), at = i + p->nk - p->nq;
    int64_t chunk = whole(p, "chunk");
    memset(see, 1, (size_t)p->nk);
    prune(p, b, h, tile, chunk, (whole(p, "keep") + chunk - 1) / chunk, see);
    chunk /= whole(p, "ratio");
    prune(p, b, h, tile, chunk, (whole(p, "keep_second") + chunk - 1) / chunk, see);
    chunk /= whole(p, "small");
    prune(p, b, h, tile, chunk, (whole(p, "keep_third") + chunk - 1) / chunk, see);
    const int64_t first = tile * whole(p, "tile") + p->nk - p->nq - whole(p, "window");
    for (int64_t j = 0; j < p->nk; j++) see[j] = j <= at && (see[j] || j < whole(p, "sink") || j > first);
    return true;
}

static bool define_hip(system_problem *p) { return system_choose(p, hip); }

/* LiteAttention: is a tile of keys, at this step, far below what each looked-at row of the tile of queries has elsewhere? */
static bool far(system_problem *p, int64_t b, int64_t h, int64_t query, int64_t key)
{
    const int64_t tile = whole(p, "tile"), keys = whole(p, "key_tile");
    bool below = true;
    double nearest = -INFINITY;
    for (int64_t i = query * tile; i < (query + 1) * tile && i < p->nq; i += whole(p, "sample")) {
        double all = -INFINITY, own = -INFINITY;
        for (int64_t j = 0; j < p->nk; j++) {
            const double s = system_dot(system_q(p, b, h, i), system_k(p, b, h, j), p->d) / sqrt((double)p->d) / log(2);
            all = fmax(all, s);
            if (j / keys == key) own = fmax(own, s);
        }
        nearest = fmax(nearest, own - all);
        below = below && own - all <= system_value(p, "threshold");
    }
    system_gap(p, nearest - system_value(p, "threshold"), 1);
    return below;
}

static bool define_lite(system_problem *p)
{
    const int64_t tile = whole(p, "tile"), keys = whole(p, "key_tile"), rows = (p->nq + tile - 1) / tile, columns = (p->nk + keys - 1) / keys;
    if (!p->state && !(p->state = malloc((size_t)(p->b * p->h * rows * columns)))) return false;
    uint8_t *kept = p->state, see[MOST];
    for (int64_t head = 0; head < p->b * p->h; head++) {
        const int64_t b = head / p->h, h = head % p->h;
        uint8_t *map = kept + head * rows * columns;
        for (int64_t e = 0; p->run == 0 && e < rows * columns; e++) map[e] = 1;
        for (int64_t i = 0; i < p->nq; i++) {
            for (int64_t j = 0; j < p->nk; j++) see[j] = map[i / tile * columns + j / keys];
            system_attend(p, b, h, i, see, system_o(p, b, h, i));
        }
        for (int64_t e = 0; e < rows * columns; e++) map[e] = map[e] && (e % columns == columns - 1 || !far(p, b, h, e / columns, e % columns));
    }
    return true;
}

const system_case systems_hierarchy[] = {
    {.recipe = "flash_sparse_attention",
     .b = 1,
     .h = 6,
     .hkv = 2,
     .nq = 101,
     .nk = 101,
     .d = 16,
     .dv = 24,
     .parameters = {{"tile", 7}, {"keep", 5}, {"window", 13}},
     .inputs = {{.name = "gate", .shape = {1, 6, 101, 3}, .scale = 1}},
     .define = define_nsa},
    {.recipe = "flash_sparse_attention",
     .b = 2,
     .h = 3,
     .hkv = 1,
     .nq = 2,
     .nk = 123,
     .d = 24,
     .dv = 16,
     .parameters = {{"tile", 8}, {"keep", 6}, {"window", 20}},
     .inputs = {{.name = "gate", .shape = {2, 3, 2, 3}, .scale = 1}},
     .define = define_nsa},
    {.recipe = "hip",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 187,
     .nk = 187,
     .d = 16,
     .dv = 16,
     .parameters =
         {{"tile", 10}, {"chunk", 32}, {"ratio", 4}, {"small", 2}, {"keep", 96}, {"keep_second", 48}, {"keep_third", 28}, {"sink", 3}, {"window", 6}},
     .define = define_hip},
    {.recipe = "hip",
     .b = 1,
     .h = 2,
     .hkv = 2,
     .nq = 5,
     .nk = 211,
     .d = 32,
     .dv = 16,
     .parameters =
         {{"tile", 4}, {"chunk", 32}, {"ratio", 2}, {"small", 4}, {"keep", 128}, {"keep_second", 64}, {"keep_third", 32}, {"sink", 5}, {"window", 8}},
     .define = define_hip},
    {.recipe = "lite_attention",
     .b = 1,
     .h = 2,
     .hkv = 2,
     .nq = 130,
     .nk = 111,
     .d = 16,
     .dv = 16,
     .parameters = {{"tile", 8}, {"key_tile", 9}, {"threshold", -2.5}, {"sample", 4}},
     .runs = 3,
     .define = define_lite},
    {0},
};
