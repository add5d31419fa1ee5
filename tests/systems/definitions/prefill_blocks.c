/* Prefill in which each head has its own kind of pattern, found from estimates: MInference, MMInference, SALE. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "systems/tiling.h"

/* Weights of the last queries (causal), summed for each key and for each distance. */
static bool lines(const system_problem *p, int64_t b, int64_t h, int64_t probe, double *vertical, double *slash)
{
    double *x = malloc((size_t)p->nk * sizeof(*x));
    if (!x) return false;
    for (int64_t j = 0; j < p->nk; j++) vertical[j] = slash[j] = 0;
    for (int64_t row = p->nq - probe; row < p->nq; row++) {
        const int64_t i = row + p->nk - p->nq;
        for (int64_t j = 0; j <= i; j++) x[j] = system_dot(system_q(p, b, h, row), system_k(p, b, h, j), p->d) / sqrt((double)p->d);
        system_softmax(x, NULL, i + 1);
        for (int64_t j = 0; j <= i; j++) {
            vertical[j] += x[j];
            slash[i - j] += x[j];
        }
    }
    free(x);
    return true;
}

/* Vertical-slash: the chosen keys, and the tiles that a chosen distance passes through. */
static bool vertical_slash(system_problem *p, int64_t b, int64_t h)
{
    const int64_t n = p->nk, past = n - p->nq, tile = (int64_t)system_value(p, "tile"), tiles = (n + tile - 1) / tile;
    const int64_t first = (int64_t)system_value(p, "first"), near = (int64_t)system_value(p, "near");
    double *x = malloc(2 * (size_t)n * sizeof(*x));
    uint8_t *line = calloc(3 * (size_t)n + (size_t)((p->nq + tile - 1) / tile * tiles), 1), *slash = line + n, *see = slash + n, *map = see + n;
    const bool ok = x && line && lines(p, b, h, (int64_t)system_value(p, "probe"), x, x + n);
    if (ok) {
        memset(line, 1, (size_t)first);
        memset(slash, 1, (size_t)near);
        system_top(p, x, NULL, n, (int64_t)system_value(p, "verticals") - first, line);
        system_top(p, x + n, NULL, n, (int64_t)system_value(p, "slashes") - near, slash);
    }
    for (int64_t i = 0; ok && i < p->nq; i++)
        for (int64_t j = 0; j <= i + past; j++) map[i / tile * tiles + j / tile] |= slash[i + past - j];
    for (int64_t i = 0; ok && i < p->nq; i++) {
        for (int64_t j = 0; j < n; j++) see[j] = j <= i + past && (line[j] || map[i / tile * tiles + j / tile]);
        system_attend(p, b, h, i, see, system_o(p, b, h, i));
    }
    free(x);
    free(line);
    return ok;
}

static bool minference_head(system_problem *p, int64_t b, int64_t h)
{
    const double kind = system_data(p, "kind")[h];
    if (kind < 0.5) return vertical_slash(p, b, h);
    const int64_t tile = (int64_t)system_value(p, "tile"), past = p->nk - p->nq;
    const int64_t sinks = (int64_t)system_value(p, "sinks"), window = (int64_t)system_value(p, "window");
    tiling q = tiling_make(p->nq, tile, 0), k = tiling_make(p->nk, tile, 0);
    double *score = q.tile && k.tile ? tiling_scores(p, b, h, &q, &k, 1) : NULL;
    uint8_t *on = calloc((size_t)(q.count * k.count), 1), *may = calloc((size_t)k.count, 1);
    bool ok = score && on && may;
    for (int64_t row = 0; ok && kind < 1.5 && row < q.count; row++) {
        for (int64_t c = 0; c < k.count; c++) may[c] = c * tile <= (row + 1) * tile - 1 + past;
        system_top(p, score + row * k.count, may, k.count, (int64_t)system_value(p, "blocks"), on + row * k.count);
    }
    /* A-shape: tiles with a sink or with a key of some query's window. */
    for (int64_t i = 0; ok && kind > 1.5 && i < p->nq; i++)
        for (int64_t j = 0; j <= i + past; j++) on[q.tile[i] * k.count + k.tile[j]] |= j < sinks || j > i + past - window;
    ok = ok && tiling_attend(p, b, h, &q, &k, on, true);
    free(q.tile);
    free(k.tile);
    free(score);
    free(on);
    free(may);
    return ok;
}

static bool minference(system_problem *p) { return system_heads(p, minference_head); }

/* MMInference: tiles of one modality, of a Grid head's video with frames innermost; pairs of tiles are ranked within each region. */
static bool mminference_head(system_problem *p, int64_t b, int64_t h)
{
    const int64_t tile = (int64_t)system_value(p, "tile"), places = p->grid[1] * p->grid[2], video = p->grid[0] * places;
    const int64_t before = (p->text_before + tile - 1) / tile, within = (video + tile - 1) / tile, after = (p->text_after + tile - 1) / tile;
    tiling t = tiling_make(p->nk, 0, before + within + after);
    int64_t *first = malloc(2 * (size_t)t.count * sizeof(*first)), *last = first + t.count;
    for (int64_t c = 0; first && c < t.count; c++) first[c] = p->nk;
    for (int64_t j = 0; t.tile && first && j < p->nk; j++) {
        const int64_t x = j - p->text_before, order = system_data(p, "grid_head")[h] > 0 ? x % places * p->grid[0] + x / places : x;
        t.tile[j] = x < 0 ? j / tile : x < video ? before + order / tile : before + within + (x - video) / tile;
        if (first[t.tile[j]] > j) first[t.tile[j]] = j;
        last[t.tile[j]] = j;
    }
    double *score = t.tile ? tiling_scores(p, b, h, &t, &t, 1) : NULL;
    uint8_t *on = calloc((size_t)(t.count * t.count), 1), *may = calloc((size_t)t.count, 1);
    bool ok = first && score && on && may;
    for (int64_t row = 0; ok && row < 2 * t.count; row++) {
        const int64_t y = row / 2, same = row % 2, part = y < before ? 0 : y < before + within ? 1 : 2;
        int64_t candidates = 0;
        for (int64_t c = 0; c < t.count; c++) {
            may[c] = first[c] <= last[y] && (part == (c < before ? 0 : c < before + within ? 1 : 2)) == same;
            candidates += may[c];
        }
        const double share = floor(system_value(p, same ? "inside" : "across") * (double)candidates);
        const int64_t count = (int64_t)(same ? fmax(share, 1) : share);
        if (same) on[y * t.count + y] = 1;
        system_top(p, score + y * t.count, may, t.count, count - same, on + y * t.count);
    }
    ok = ok && tiling_attend(p, b, h, &t, &t, on, true);
    free(t.tile);
    free(first);
    free(score);
    free(on);
    free(may);
    return ok;
}

static bool mminference(system_problem *p) { return system_heads(p, mminference_head); }

/* Rounded to multiples of the largest magnitude / 7. */
static void four_bits(system_problem *p, const double *x, double *out)
{
    double most = 0;
    for (int64_t c = 0; c < p->d; c++) most = fmax(most, fabs(x[c]));
    for (int64_t c = 0; c < p->d; c++) {
        const double steps = x[c] / (most / 7);
        system_gap(p, steps - floor(steps) - 0.5, 0.2); /* steps are exact to 1e-6 in fp32 */
        out[c] = round(steps) * (most / 7);
    }
}

/* SALE: a block is kept where some estimated weight, relative to the sum over sinks and latest keys, passes the threshold. */
static bool sale_head(system_problem *p, int64_t b, int64_t h)
{
    const int64_t tile = (int64_t)system_value(p, "tile"), step = (int64_t)system_value(p, "step"), past = p->nk - p->nq;
    const int64_t sinks = (int64_t)system_value(p, "sinks"), window = (int64_t)system_value(p, "window");
    const double threshold = system_data(p, "threshold")[h];
    tiling q = tiling_make(p->nq, tile, 0), k = tiling_make(p->nk, tile, 0);
    double *low = malloc((size_t)((p->nk + 1) * p->d + p->nk) * sizeof(*low)), *low_q = low + p->nk * p->d, *x = low_q + p->d;
    uint8_t *on = calloc((size_t)(q.count * k.count), 1);
    bool ok = q.tile && k.tile && low && on;
    for (int64_t j = 0; ok && j < p->nk; j++) four_bits(p, system_k(p, b, h, j), low + j * p->d);
    for (int64_t row = 0; ok && row < p->nq; row++) {
        const int64_t i = row + past;
        double sum = 0;
        if (row % step == 0) four_bits(p, system_q(p, b, h, row), low_q);
        for (int64_t j = 0; j <= i; j++) {
            const bool anchor = j < sinks || j > i - window;
            x[j] = exp(system_dot(low_q, low + j * p->d, p->d) / sqrt((double)p->d));
            sum += anchor ? x[j] : 0;
            on[q.tile[row] * k.count + k.tile[j]] |= anchor;
        }
        for (int64_t j = 0; row % step == 0 && j <= i; j++) {
            system_gap(p, x[j] / sum - threshold, threshold);
            on[q.tile[row] * k.count + k.tile[j]] |= x[j] / sum > threshold;
        }
    }
    ok = ok && tiling_attend(p, b, h, &q, &k, on, true);
    free(q.tile);
    free(k.tile);
    free(low);
    free(on);
    return ok;
}

static bool sale(system_problem *p) { return system_heads(p, sale_head); }

const system_case systems_prefill_blocks[] = {
    {.recipe = "minference",
     .b = 2,
     .h = 6,
     .hkv = 3,
     .nq = 127,
     .nk = 149,
     .d = 16,
     .dv = 24,
     .parameters =
         {{"probe", 11}, {"verticals", 15}, {"first", 3}, {"slashes", 9}, {"near", 4}, {"tile", 10}, {"blocks", 5}, {"sinks", 7}, {"window", 25}},
     .inputs = {{.name = "kind", .shape = {1, 6, 1, 1}, .scale = 1.2, .offset = 1}},
     .define = minference},
    {.recipe = "mminference",
     .b = 1,
     .h = 4,
     .hkv = 2,
     .nq = 425,
     .nk = 425,
     .d = 16,
     .dv = 16,
     .grid = {7, 3, 5},
     .text_before = 64,
     .text_after = 256,
     .parameters = {{"tile", 17}, {"inside", 0.23}, {"across", 0.37}},
     .inputs = {{.name = "grid_head", .shape = {1, 4, 1, 1}, .scale = 1}},
     .define = mminference},
    {.recipe = "sale",
     .b = 1,
     .h = 4,
     .hkv = 2,
     .nq = 113,
     .nk = 137,
     .d = 16,
     .dv = 20,
     .parameters = {{"tile", 12}, {"step", 3}, {"sinks", 5}, {"window", 14}},
     .inputs = {{.name = "threshold", .shape = {1, 4, 1, 1}, .scale = 0.02, .offset = 0.25}},
     .define = sale},
    {0},
};
