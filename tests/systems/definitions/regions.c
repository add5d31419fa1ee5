/* Systems that choose tiles of keys, of a grid or of the sequence, by means of queries and keys. */
#include <math.h>

#include "systems/system.h"

enum { MOST = 256 };

static int64_t whole(const system_problem *p, const char *parameter) { return (int64_t)system_value(p, parameter); }

/* Boxes of the grid, counted row-major, then runs of text as long as a box. */
typedef struct boxes {
    int64_t side[3], count[3], all, grid, text;
} boxes;

static boxes boxes_of(const system_problem *p, int64_t t, int64_t h, int64_t w)
{
    boxes x = {.side = {t, h, w}, .grid = p->grid[0] * p->grid[1] * p->grid[2], .text = t * h * w};
    for (int a = 0; a < 3; a++) x.count[a] = (p->grid[a] + x.side[a] - 1) / x.side[a];
    x.all = x.count[0] * x.count[1] * x.count[2] + (p->text_after + x.text - 1) / x.text;
    return x;
}

static int64_t box(const system_problem *p, const boxes *x, int64_t token)
{
    if (token >= x->grid) return x->count[0] * x->count[1] * x->count[2] + (token - x->grid) / x->text;
    const int64_t at[3] = {token / p->grid[2] / p->grid[1], token / p->grid[2] % p->grid[1], token % p->grid[2]};
    return (at[0] / x->side[0] * x->count[1] + at[1] / x->side[1]) * x->count[2] + at[2] / x->side[2];
}

/* The mean over a box of n tokens of d channels. */
static void box_mean(const system_problem *p, const boxes *x, const double *of, int64_t d, int64_t which, double *out)
{
    int64_t tokens = 0;
    for (int64_t c = 0; c < d; c++) out[c] = 0;
    for (int64_t i = 0; i < p->nk; i++)
        if (box(p, x, i) == which) tokens++;
    for (int64_t i = 0; i < p->nk; i++)
        for (int64_t c = 0; box(p, x, i) == which && c < d; c++) out[c] += of[i * d + c] / (double)tokens;
}

/* Mean query of box r times the mean keys of all boxes. */
static void affinities(const system_problem *p, const boxes *x, int64_t b, int64_t h, int64_t r, double *out)
{
    double query[SYSTEM_CHANNELS], key[SYSTEM_CHANNELS];
    box_mean(p, x, system_q(p, b, h, 0), p->d, r, query);
    for (int64_t c = 0; c < x->all; c++) {
        box_mean(p, x, system_k(p, b, h, 0), p->d, c, key);
        out[c] = system_dot(query, key, p->d);
    }
}

/* BiFormer: the best regions of the query's own. */
static bool biformer(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    const boxes x = boxes_of(p, 1, whole(p, "side"), whole(p, "side"));
    double affinity[MOST];
    uint8_t chosen[MOST] = {0};
    affinities(p, &x, b, h, box(p, &x, i), affinity);
    system_top(p, affinity, NULL, x.all, whole(p, "keep"), chosen);
    for (int64_t j = 0; j < p->nk; j++) see[j] = chosen[box(p, &x, j)];
    return true;
}

static bool define_biformer(system_problem *p) { return system_choose(p, biformer); }

/* DraftAttention: the largest entries of the draft map of a head; text sees and is seen by all, and counts among them. */
static void draft(system_problem *p, const boxes *x, int64_t b, int64_t h, uint8_t *chosen)
{
    const int64_t pictures = x->count[0] * x->count[1] * x->count[2];
    double map[MOST * 4];
    uint8_t may[MOST * 4];
    int64_t left = (int64_t)(system_value(p, "keep") * (double)(x->all * x->all));
    for (int64_t r = 0; r < x->all; r++) {
        affinities(p, x, b, h, r, map + r * x->all);
        for (int64_t c = 0; c < x->all; c++) map[r * x->all + c] /= sqrt((double)p->d);
        system_softmax(map + r * x->all, NULL, x->all);
        for (int64_t c = 0; c < x->all; c++) {
            chosen[r * x->all + c] = r >= pictures || c >= pictures;
            may[r * x->all + c] = !chosen[r * x->all + c];
            left -= chosen[r * x->all + c];
        }
    }
    system_top(p, map, may, x->all * x->all, left, chosen);
}

static bool define_draft(system_problem *p)
{
    const boxes x = boxes_of(p, 1, whole(p, "height"), whole(p, "width"));
    uint8_t chosen[MOST * 4], see[MOST * 2];
    for (int64_t head = 0; head < p->b * p->h; head++) {
        draft(p, &x, head / p->h, head % p->h, chosen);
        for (int64_t i = 0; i < p->nq; i++) {
            for (int64_t j = 0; j < p->nk; j++) see[j] = chosen[box(p, &x, i) * x.all + box(p, &x, j)];
            system_attend(p, head / p->h, head % p->h, i, see, system_o(p, head / p->h, head % p->h, i));
        }
    }
    return true;
}

/* VSA: attention among the means of cubes, gated, and attention to the tokens of the best of them. */
static bool vsa_fine(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    const boxes x = boxes_of(p, whole(p, "side"), whole(p, "side"), whole(p, "side"));
    double affinity[MOST];
    uint8_t chosen[MOST] = {0};
    affinities(p, &x, b, h, box(p, &x, i), affinity);
    system_top(p, affinity, NULL, x.all, (int64_t)ceil(system_value(p, "keep") * (double)x.all), chosen);
    for (int64_t j = 0; j < p->nk; j++) see[j] = chosen[box(p, &x, j)];
    return true;
}

static bool define_vsa(system_problem *p)
{
    const boxes x = boxes_of(p, whole(p, "side"), whole(p, "side"), whole(p, "side"));
    const double *gate = system_data(p, "gate");
    double share[MOST], value[SYSTEM_CHANNELS];
    if (!system_choose(p, vsa_fine)) return false;
    for (int64_t row = 0; row < p->b * p->h * p->nq; row++) {
        const int64_t b = row / (p->h * p->nq), h = row / p->nq % p->h, i = row % p->nq;
        affinities(p, &x, b, h, box(p, &x, i), share);
        for (int64_t c = 0; c < x.all; c++) share[c] /= sqrt((double)p->d);
        system_softmax(share, NULL, x.all);
        for (int64_t t = 0; t < x.all; t++) {
            box_mean(p, &x, system_v(p, b, h, 0), p->dv, t, value);
            for (int64_t c = 0; c < p->dv; c++) system_o(p, b, h, i)[c] += gate[row * p->dv + c] * share[t] * value[c];
        }
    }
    return true;
}

/* Faster VGGT: tiles of the sequence that hold a part of a row's sum, and at least so many; special tokens see all and are seen. */
static bool vggt(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    const int64_t tile = whole(p, "tile"), tiles = (p->nk + tile - 1) / tile, frame = whole(p, "frame"), special = whole(p, "special");
    double share[MOST];
    uint8_t chosen[MOST] = {0};
    int64_t count = 0;
    for (int64_t t = 0; t < tiles; t++) share[t] = system_pooled(p, b, h, i / tile * tile, tile, t * tile, tile) / sqrt((double)p->d);
    system_softmax(share, NULL, tiles);
    system_top_mass(p, share, NULL, tiles, system_value(p, "mass"), true, chosen);
    for (int64_t t = 0; t < tiles; t++) count += chosen[t];
    const int64_t least = (int64_t)ceil(system_value(p, "keep") * (double)tiles);
    if (count < least) system_top(p, share, NULL, tiles, least - count, chosen);
    for (int64_t j = 0; j < p->nk; j++) see[j] = chosen[j / tile] || j % frame < special || i % frame < special;
    return true;
}

static bool define_vggt(system_problem *p) { return system_choose(p, vggt); }

const system_case systems_regions[] = {
    {.recipe = "biformer",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 143,
     .nk = 143,
     .d = 16,
     .dv = 24,
     .grid = {1, 13, 11},
     .parameters = {{"side", 4}, {"keep", 3}},
     .define = define_biformer},
    {.recipe = "draft_attention",
     .b = 1,
     .h = 2,
     .hkv = 2,
     .nq = 446,
     .nk = 446,
     .d = 16,
     .dv = 16,
     .grid = {2, 5, 19},
     .text_after = 256,
     .parameters = {{"keep", 0.61}, {"height", 4}, {"width", 8}},
     .define = define_draft},
    {.recipe = "vsa",
     .b = 1,
     .h = 4,
     .hkv = 2,
     .nq = 150,
     .nk = 150,
     .d = 16,
     .dv = 12,
     .grid = {3, 5, 10},
     .parameters = {{"keep", 0.27}, {"side", 2}},
     .inputs = {{.name = "gate", .shape = {1, 4, 150, 12}, .scale = 1, .offset = 0.5}},
     .define = define_vsa},
    {.recipe = "faster_vggt",
     .b = 2,
     .h = 2,
     .hkv = 1,
     .nq = 157,
     .nk = 157,
     .d = 24,
     .dv = 16,
     .parameters = {{"tile", 12}, {"mass", 0.42}, {"keep", 0.4}, {"frame", 41}, {"special", 3}},
     .define = define_vggt},
    {0},
};
