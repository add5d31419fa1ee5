/* Systems that choose columns and diagonals of the attention map. */
#include <math.h>
#include <stdlib.h>

#include "systems/system.h"

enum { MOST = 256 };

static int64_t whole(const system_problem *p, const char *parameter) { return (int64_t)system_value(p, parameter); }

static double score(const system_problem *p, int64_t b, int64_t h, int64_t i, int64_t j)
{
    return system_dot(system_q(p, b, h, i), system_k(p, b, h, j), p->d) / sqrt((double)p->d);
}

/* AnchorAttention: the first keys and those of the query's own group up to it. */
static bool anchored(const system_problem *p, int64_t i, int64_t j)
{
    const int64_t shift = p->nk - p->nq, group = whole(p, "tile") * whole(p, "step");
    return j <= i + shift && (j < whole(p, "first") || j >= i / group * group + shift);
}

static bool anchor(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    const int64_t tile = whole(p, "tile"), group = tile * whole(p, "step"), begin = i / group * group;
    double o[SYSTEM_CHANNELS], query[SYSTEM_CHANNELS];
    for (int64_t t = begin; t < begin + group && t < p->nq; t += tile) {
        const int64_t end = t + tile < p->nq ? t + tile : p->nq;
        double level = 0;
        for (int64_t r = t; r < end; r++) {
            uint8_t near[MOST];
            for (int64_t j = 0; j < p->nk; j++) near[j] = anchored(p, r, j);
            level += system_attend(p, b, h, r, near, o) / (double)(end - t);
        }
        system_mean(system_q(p, b, h, 0), t, end, p->d, query);
        for (int64_t j = whole(p, "first"); j < begin + p->nk - p->nq; j++) {
            const double below = level - system_dot(query, system_k(p, b, h, j), p->d) / sqrt((double)p->d);
            if (below <= system_value(p, "threshold")) see[j] = 1;
            system_gap(p, below - system_value(p, "threshold"), fabs(level));
        }
    }
    for (int64_t j = 0; j < p->nk; j++)
        if (anchored(p, i, j)) see[j] = 1;
    return true;
}

static bool define_anchor(system_problem *p) { return system_choose(p, anchor); }

/* DAM: which pairs of the first tokens exceed the mean of the amplified map, in the mean over the batch. */
static void dam_mask(system_problem *p, int64_t h, int64_t n, uint8_t *kept)
{
    double map[MOST * 4] = {0}, row[MOST], mean = 0;
    for (int64_t b = 0; b < p->b; b++)
        for (int64_t i = 0; i < n; i++) {
            for (int64_t j = 0; j <= i; j++) row[j] = score(p, b, h, i, j);
            system_softmax(row, NULL, i + 1);
            for (int64_t j = 0; j <= i; j++) map[i * n + j] += row[j] / (double)p->b;
        }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            map[i * n + j] = (pow(map[i * n + j], 0.5) - 1) / 0.5;
            mean += map[i * n + j] / (double)(n * (n + 1) / 2);
        }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            kept[i * n + j] = j <= i && map[i * n + j] >= mean;
            if (j <= i) system_gap(p, map[i * n + j] - mean, fabs(mean));
        }
}

static bool dam(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    (void)b;
    const int64_t n = whole(p, "length"), tile = whole(p, "tile");
    uint8_t kept[MOST * 4];
    bool diagonal[MOST] = {true}, column[MOST] = {false};
    dam_mask(p, h, n, kept);
    for (int64_t c = 0; c < n; c++) {
        double along = 0, down = 0;
        for (int64_t e = c; e < n; e++) {
            along += kept[e * n + e - c];
            down += kept[e * n + c];
        }
        diagonal[c] |= along >= system_value(p, "match") * (double)(n - c);
        column[c] = down >= system_value(p, "match") * (double)(n - c);
    }
    /* A tile of pairs is there where any of its pairs lies on a line, and where any of its columns is one. */
    for (int64_t j = 0; j <= i; j++)
        for (int64_t y = j / tile * tile; y < (j / tile + 1) * tile && y < p->nk; y++) {
            if (y < n && column[y]) see[j] = 1;
            for (int64_t x = i / tile * tile; x < (i / tile + 1) * tile && x < p->nq; x++)
                if (x >= y && x - y < n && diagonal[x - y]) see[j] = 1;
        }
    return true;
}

static bool define_dam(system_problem *p) { return system_choose(p, dam); }

/* FlexPrefill. What the last tile of queries tells: each column's mean probability, each distance's sum. */
static void last_tile(const system_problem *p, int64_t b, int64_t h, int64_t tile, double *down, double *along)
{
    double row[MOST];
    for (int64_t j = 0; j < p->nk; j++) down[j] = along[j] = 0;
    for (int64_t i = p->nq - tile; i < p->nq; i++) {
        for (int64_t j = 0; j <= i; j++) row[j] = score(p, b, h, i, j);
        system_softmax(row, NULL, i + 1);
        for (int64_t j = 0; j <= i; j++) {
            down[j] += row[j] / (double)tile;
            along[i - j] += row[j];
        }
    }
}

/* The tiles of x [n] with the largest sums, the first one always, as many as the entries that hold a part gamma fill. */
static void budgeted(system_problem *p, const double *x, int64_t n, int64_t tile, uint8_t *chosen)
{
    uint8_t entries[MOST] = {0}, others[MOST];
    double sums[MOST] = {0};
    int64_t many = 0;
    system_top_mass(p, x, NULL, n, system_value(p, "gamma"), true, entries);
    for (int64_t j = 0; j < n; j++) {
        many += entries[j];
        sums[j / tile] += x[j];
        others[j / tile] = j / tile > 0;
    }
    const int64_t least = (int64_t)ceil(system_value(p, "least") / (double)tile), count = many / tile + 1;
    chosen[0] = 1;
    system_top(p, sums, others, (n + tile - 1) / tile, (count > least ? count : least) - 1, chosen);
}

/* Is the estimate from means near to the truth, by Jensen and Shannon? */
static bool aware(system_problem *p, int64_t b, int64_t h, int64_t tile, const double *down)
{
    const int64_t tiles = (p->nk + tile - 1) / tile;
    double guess[MOST], truth[MOST] = {0}, divergence = 0;
    for (int64_t t = 0; t < tiles; t++) guess[t] = system_pooled(p, b, h, p->nq - tile, tile, t * tile, tile) / sqrt((double)p->d);
    system_softmax(guess, NULL, tiles);
    for (int64_t j = 0; j < p->nk; j++) truth[j / tile] += down[j];
    for (int64_t t = 0; t < tiles; t++) {
        const double middle = (guess[t] + truth[t]) / 2;
        divergence += guess[t] * log(guess[t] / middle) / 2 + truth[t] * log(truth[t] / middle) / 2;
    }
    system_gap(p, sqrt(divergence) - system_value(p, "tau"), system_value(p, "tau"));
    return sqrt(divergence) < system_value(p, "tau");
}

static bool flexprefill(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    const int64_t tile = whole(p, "tile"), tiles = (p->nk + tile - 1) / tile;
    double down[MOST], along[MOST], map[MOST * 4] = {0};
    uint8_t columns[MOST] = {0}, distances[MOST] = {0}, entries[MOST * 4] = {0}, may[MOST * 4] = {0};
    last_tile(p, b, h, tile, down, along);
    budgeted(p, down, p->nk, tile, columns);
    budgeted(p, along, p->nk, tile, distances);
    for (int64_t r = 0; r < tiles; r++) {
        for (int64_t c = 0; c <= r; c++) {
            map[r * tiles + c] = system_pooled(p, b, h, r * tile, tile, c * tile, tile) / sqrt((double)p->d);
            may[r * tiles + c] = 1;
        }
        system_softmax(map + r * tiles, NULL, r + 1);
    }
    if (aware(p, b, h, tile, down)) system_top_mass(p, map, may, tiles * tiles, system_value(p, "gamma"), false, entries);
    for (int64_t j = 0; j <= i; j++) {
        see[j] = columns[j / tile] || entries[i / tile * tiles + j / tile];
        for (int64_t x = i / tile * tile; x < (i / tile + 1) * tile && x < p->nq; x++)
            for (int64_t y = j / tile * tile; y <= x && y < (j / tile + 1) * tile; y++) see[j] |= distances[(x - y) / tile];
    }
    return true;
}

static bool define_flexprefill(system_problem *p) { return system_choose(p, flexprefill); }

const system_case systems_stripes[] = {
    {.recipe = "anchor_attention",
     .b = 1,
     .h = 4,
     .hkv = 2,
     .nq = 150,
     .nk = 150,
     .d = 16,
     .dv = 24,
     .parameters = {{"tile", 8}, {"step", 2}, {"first", 5}, {"threshold", 4}},
     .define = define_anchor},
    {.recipe = "anchor_attention",
     .b = 2,
     .h = 2,
     .hkv = 2,
     .nq = 37,
     .nk = 90,
     .d = 24,
     .dv = 16,
     .parameters = {{"tile", 6}, {"step", 3}, {"first", 9}, {"threshold", 3.5}},
     .define = define_anchor},
    {.recipe = "dam",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 101,
     .nk = 101,
     .d = 16,
     .dv = 16,
     .parameters = {{"length", 21}, {"match", 0.47}, {"tile", 8}},
     .define = define_dam},
    {.recipe = "flexprefill",
     .b = 1,
     .h = 6,
     .hkv = 3,
     .nq = 150,
     .nk = 150,
     .d = 32,
     .dv = 16,
     .parameters = {{"tile", 11}, {"gamma", 0.5}, {"tau", 0.4}, {"least", 20}},
     .define = define_flexprefill},
    {0},
};
