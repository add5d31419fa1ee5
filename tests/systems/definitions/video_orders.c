/* Patterns of video and of position: PAROAttention, RainFusion, Re-ttention, Radial Attention, PowerAttention. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "systems/tiling.h"

/* A token's place in an order of the grid's axes, outermost first. */
static int64_t place(const system_problem *p, int64_t token, const int axes[3])
{
    const int64_t at[3] = {token / (p->grid[1] * p->grid[2]), token / p->grid[2] % p->grid[1], token % p->grid[2]};
    return (at[axes[0]] * p->grid[axes[1]] + at[axes[1]]) * p->grid[axes[2]] + at[axes[2]];
}

/* Rows of x, less mean, in multiples of the largest magnitude of each rows rows / levels. */
static void coded(const double *x, const double *mean, int64_t n, int64_t d, int64_t rows, double levels, double *out)
{
    for (int64_t first = 0; first < n; first += rows) {
        const int64_t last = first + rows < n ? first + rows : n;
        double most = 0;
        for (int64_t i = first * d; i < last * d; i++) most = fmax(most, fabs(x[i] - mean[i % d]));
        for (int64_t i = first * d; i < last * d; i++) out[i] = round((x[i] - mean[i % d]) * levels / most) * most / levels;
    }
}

/* Attention with queries and keys in codes, groups of a tile's rows, keys less their mean. Codes of 8 bits for weights and values are the
 * case's tolerance. */
static bool attend_in_codes(const system_problem *p, int64_t b, int64_t h, const tiling *t, const uint8_t *on)
{
    const double levels = exp2(system_value(p, "bits") - 1) - 1, zero[SYSTEM_CHANNELS] = {0};
    const int64_t tile = (int64_t)system_value(p, "tile");
    double *q = malloc((size_t)((p->nq + p->nk) * p->d + p->nk) * sizeof(*q)), mean[SYSTEM_CHANNELS];
    uint8_t *see = malloc((size_t)p->nk);
    const bool ok = q && see;
    double *k = q + p->nq * p->d, *x = k + p->nk * p->d;
    if (ok) {
        system_mean(system_k(p, b, h, 0), 0, p->nk, p->d, mean);
        coded(system_q(p, b, h, 0), zero, p->nq, p->d, tile, levels, q);
        coded(system_k(p, b, h, 0), mean, p->nk, p->d, tile, levels, k);
    }
    for (int64_t i = 0; ok && i < p->nq; i++) {
        for (int64_t j = 0; j < p->nk; j++) {
            see[j] = on[t->tile[i] * t->count + t->tile[j]];
            x[j] = system_dot(q + i * p->d, k + j * p->d, p->d) / sqrt((double)p->d);
        }
        system_softmax(x, see, p->nk);
        for (int64_t c = 0; c < p->dv; c++) {
            system_o(p, b, h, i)[c] = 0;
            for (int64_t j = 0; j < p->nk; j++) system_o(p, b, h, i)[c] += x[j] * system_v(p, b, h, j)[c];
        }
    }
    free(q);
    free(see);
    return ok;
}

/* PAROAttention: tiles of a head's own order; the best pooled weights of the whole map, and tiles on the diagonal. Text sees all and is seen. */
static bool paro_head(system_problem *p, int64_t b, int64_t h)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    const double order = round(system_data(p, "order")[h]);
    const int64_t tile = (int64_t)system_value(p, "tile"), text = (p->text_before + tile - 1) / tile, video = p->grid[0] * p->grid[1] * p->grid[2];
    tiling t = tiling_make(p->nk, 0, text + (video + tile - 1) / tile);
    for (int64_t j = 0; t.tile && j < p->nk; j++)
        t.tile[j] = j < p->text_before ? j / tile : text + place(p, j - p->text_before, orders[(int)fmin(fmax(order, 0), 5)]) / tile;
    double *score = t.tile ? tiling_scores(p, b, h, &t, &t, 1 / sqrt((double)p->d)) : NULL;
    uint8_t *on = calloc(2 * (size_t)(t.count * t.count), 1), *may = on + t.count * t.count;
    int64_t candidates = 0;
    for (int64_t x = 0; score && on && x < t.count * t.count; x++) {
        const int64_t row = x / t.count, column = x % t.count;
        if (column == 0) system_softmax(score + x, NULL, t.count);
        may[x] = row >= text && column >= text && row != column;
        candidates += may[x];
    }
    bool ok = score && on;
    if (ok) system_top(p, score, may, t.count * t.count, (int64_t)floor(system_value(p, "density") * (double)candidates), on);
    for (int64_t x = 0; ok && x < t.count * t.count; x++) on[x] |= !may[x];
    ok = ok && attend_in_codes(p, b, h, &t, on);
    free(t.tile);
    free(score);
    free(on);
    return ok;
}

static bool paro_attention(system_problem *p) { return system_heads(p, paro_head); }

/* RainFusion's three patterns. */
static bool rain_sees(const system_problem *p, int pattern, int64_t i, int64_t j)
{
    const int64_t frame = p->grid[1] * p->grid[2], cell = (int64_t)system_value(p, "cell");
    const int64_t y = i / p->grid[2] % p->grid[1], x = i % p->grid[2], v = j / p->grid[2] % p->grid[1], u = j % p->grid[2];
    if (pattern == 0) return j < frame || llabs(i / frame - j / frame) <= (int64_t)system_value(p, "frames");
    if (pattern == 1) return y / cell == v / cell && x / cell == u / cell;
    return (j / frame + v + u) % 2 == 0;
}

/* The pattern of a head, from the weights of every step-th query. */
static bool rain_pattern(system_problem *p, int64_t b, int64_t h, int *pattern)
{
    double sum[2] = {0}, *x = malloc((size_t)p->nk * sizeof(*x));
    int64_t samples = 0;
    for (int64_t i = 0; x && i < p->nq; i += (int64_t)system_value(p, "step"), samples++) {
        for (int64_t j = 0; j < p->nk; j++) x[j] = system_dot(system_q(p, b, h, i), system_k(p, b, h, j), p->d) / sqrt((double)p->d);
        system_softmax(x, NULL, p->nk);
        for (int64_t j = 0; j < p->nk; j++)
            for (int of = 0; of < 2; of++) sum[of] += rain_sees(p, of, i, j) ? x[j] : 0;
    }
    const double most = fmax(sum[0], sum[1]) / (double)samples;
    system_gap(p, most - system_value(p, "enough"), 1);
    if (most >= system_value(p, "enough")) system_gap(p, sum[0] - sum[1], (double)samples);
    *pattern = most < system_value(p, "enough") ? 2 : sum[0] >= sum[1] ? 0 : 1;
    free(x);
    return x;
}

static bool rainfusion(system_problem *p)
{
    uint8_t *see = malloc((size_t)p->nk);
    bool ok = see;
    for (int64_t head = 0; ok && head < p->b * p->h; head++) {
        int pattern = 0;
        ok = rain_pattern(p, head / p->h, head % p->h, &pattern);
        for (int64_t i = 0; ok && i < p->nq; i++) {
            for (int64_t j = 0; j < p->nk; j++) see[j] = rain_sees(p, pattern, i, j);
            system_attend(p, head / p->h, head % p->h, i, see, system_o(p, head / p->h, head % p->h, i));
        }
    }
    free(see);
    return ok;
}

/* Re-ttention: window attention times the ratio of its softmax sum to the full one at the last full run, plus what was missing there. */
static bool re_ttention(system_problem *p)
{
    const int64_t rows = p->b * p->h * p->nq, width = p->dv + 1, reach = (int64_t)floor(system_value(p, "width") * (double)p->nk / 2);
    if (!p->state) p->state = malloc((size_t)(rows * width) * sizeof(double));
    uint8_t *see = malloc((size_t)p->nk);
    for (int64_t row = 0; p->state && see && row < rows; row++) {
        const int64_t b = row / (p->h * p->nq), h = row / p->nq % p->h, i = row % p->nq;
        double *o = system_o(p, b, h, i), *state = (double *)p->state + row * width, full[SYSTEM_CHANNELS];
        for (int64_t j = 0; j < p->nk; j++) see[j] = llabs(i - j) <= reach;
        const double near = system_attend(p, b, h, i, see, o);
        if (p->run % (int64_t)system_value(p, "every") == 0) {
            state[p->dv] = exp(near - system_attend(p, b, h, i, NULL, full));
            for (int64_t c = 0; c < p->dv; c++) state[c] = full[c] - state[p->dv] * o[c];
        }
        for (int64_t c = 0; c < p->dv; c++) o[c] = state[p->dv] * o[c] + state[c];
    }
    const bool ok = p->state && see;
    free(see);
    return ok;
}

static int bit_length(int64_t x) { return x ? 1 + bit_length(x / 2) : 0; }

/* Radial Attention, between two frames: places at most this far apart; -1: none. half: of neighbouring frames half a frame. */
static int64_t radial_width(int64_t distance, int64_t frame, double decay, bool half)
{
    const double reach = exp2(bit_length(frame) - bit_length(distance));
    if (reach < 128 && distance % (int64_t)floor(128 / reach)) return -1;
    if (distance <= 1) return distance == 1 && half ? frame / 2 : frame;
    return (int64_t)fmax(128, reach * decay);
}

/* Is the block of rows 128 y and columns 128 x on? For some pair of frames, of the columns that any of its rows sees, more than 0.6
 * are seen by more than a third of the rows. */
static bool radial_block(const system_problem *p, int64_t y, int64_t x, double decay, bool half, bool sink)
{
    const int64_t frame = p->grid[1] * p->grid[2], tokens = p->grid[0] * frame;
    for (int64_t pair = 0; pair < p->grid[0] * p->grid[0]; pair++) {
        const int64_t a = pair / p->grid[0], z = pair % p->grid[0], width = sink && z == 0 ? frame : radial_width(llabs(a - z), frame, decay, half);
        int64_t any = 0, dense = 0;
        for (int64_t j = 128 * x; j < 128 * (x + 1) && j < tokens; j++) {
            int64_t rows = 0;
            for (int64_t i = 128 * y; j / frame == z && i < 128 * (y + 1) && i < tokens; i++)
                rows += i / frame == a && llabs(i % frame - j % frame) <= width;
            any += rows > 0;
            dense += 3 * rows > 128;
        }
        if (any && 10 * dense > 6 * any) return true;
    }
    return false;
}

static bool radial(system_problem *p, double decay, bool half, bool sink)
{
    const int64_t video = p->nk - p->text_after;
    tiling t = tiling_make(p->nk, 128, 0);
    uint8_t *on = malloc((size_t)(t.count * t.count)), *see = malloc((size_t)p->nk);
    const bool ok = t.tile && on && see;
    for (int64_t x = 0; ok && x < t.count * t.count; x++) on[x] = radial_block(p, x / t.count, x % t.count, decay, half, sink);
    for (int64_t row = 0; ok && row < p->b * p->h * p->nq; row++) {
        const int64_t i = row % p->nq;
        for (int64_t j = 0; j < p->nk; j++) see[j] = i >= video || j >= video || on[t.tile[i] * t.count + t.tile[j]];
        system_attend(p, row / (p->h * p->nq), row / p->nq % p->h, i, see, system_o(p, row / (p->h * p->nq), row / p->nq % p->h, i));
    }
    free(t.tile);
    free(on);
    free(see);
    return ok;
}

static bool radial_wan(system_problem *p) { return radial(p, 0.3, true, true); }
static bool radial_hunyuan(system_problem *p) { return radial(p, 1, false, true); }

/* PowerAttention: blocks of 256 at distances 0, 1, 2, 4, ..; the last 1280 keys; the first 256. */
static bool power_query(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    (void)p, (void)b, (void)h;
    for (int64_t j = 0; j <= i; j++) {
        const int64_t distance = i / 256 - j / 256;
        see[j] = (distance & (distance - 1)) == 0 || i - j < 1280 || j < 256;
    }
    return true;
}

static bool powerattention(system_problem *p) { return system_choose(p, power_query); }

const system_case systems_video_orders[] = {
    {.recipe = "paro_attention",
     .b = 1,
     .h = 4,
     .hkv = 2,
     .nq = 331,
     .nk = 331,
     .d = 16,
     .dv = 16,
     .grid = {3, 5, 7},
     .text_before = 226,
     .parameters = {{"tile", 16}, {"density", 0.27}, {"bits", 4}},
     .inputs = {{.name = "order", .shape = {1, 4, 1, 1}, .scale = 2, .offset = 2.5}},
     .tolerance = 3e-2,
     .define = paro_attention},
    {.recipe = "rainfusion",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 120,
     .nk = 120,
     .d = 16,
     .dv = 24,
     .grid = {5, 6, 4},
     .parameters = {{"step", 31}, {"enough", 0.35}, {"frames", 0}, {"cell", 3}},
     .define = rainfusion},
    {.recipe = "re_ttention",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 101,
     .nk = 101,
     .d = 20,
     .dv = 16,
     .parameters = {{"width", 0.23}, {"every", 2}},
     .runs = 4,
     .define = re_ttention},
    {.recipe = "radial_wan", .b = 1, .h = 2, .hkv = 1, .nq = 1800, .nk = 1800, .d = 16, .dv = 16, .grid = {6, 15, 20}, .define = radial_wan},
    {.recipe = "radial_hunyuan",
     .b = 1,
     .h = 1,
     .hkv = 1,
     .nq = 1421,
     .nk = 1421,
     .d = 16,
     .dv = 16,
     .grid = {5, 1, 233},
     .text_after = 256,
     .define = radial_hunyuan},
    {.recipe = "powerattention", .b = 1, .h = 1, .hkv = 1, .nq = 2411, .nk = 2411, .d = 16, .dv = 16, .define = powerattention},
    {0},
};
