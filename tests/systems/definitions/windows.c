/* Systems of fixed windows, in a grid or along the sequence. */
#include <math.h>
#include <stdlib.h>

#include "systems/system.h"

/* Does query i of head h see key j? Places are t, h, w. */
typedef bool (*sees)(const system_problem *p, int64_t head, const int64_t a[3], const int64_t b[3]);

static bool attend_where(system_problem *p, sees rule)
{
    uint8_t *see = malloc((size_t)p->nk);
    for (int64_t row = 0; see && row < p->b * p->h * p->nq; row++) {
        const int64_t b = row / (p->h * p->nq), h = row / p->nq % p->h, i = row % p->nq, hw = p->grid[1] * p->grid[2];
        for (int64_t j = 0; j < p->nk; j++)
            see[j] = rule(p, h, (const int64_t[3]){i / hw, i / p->grid[2] % p->grid[1], i % p->grid[2]},
                          (const int64_t[3]){j / hw, j / p->grid[2] % p->grid[1], j % p->grid[2]});
        system_attend(p, b, h, i, see, system_o(p, b, h, i));
    }
    free(see);
    return see != NULL;
}

/* CSWin: stripes of 2 rows for the first half of the heads, of 2 columns for the second. */
static bool in_stripe(const system_problem *p, int64_t head, const int64_t a[3], const int64_t b[3])
{
    const int axis = head < p->h / 2 ? 1 : 2;
    return a[axis] / 2 == b[axis] / 2;
}

static bool cswin(system_problem *p) { return attend_where(p, in_stripe); }

/* One axis of neighbourhood attention: of the tokens whose places are equal modulo the dilation, the `window` around the query, and at
 * a border the `window` nearest to it; causal: the last `window` up to the query. */
static bool near(int64_t x, int64_t y, int64_t extent, int64_t window, int64_t dilation, bool causal)
{
    if (x % dilation != y % dilation) return false;
    const int64_t from = x / dilation, to = y / dilation, length = (extent - x % dilation + dilation - 1) / dilation;
    if (causal) return to <= from && to > from - window;
    int64_t first = from - window / 2;
    if (first + window > length) first = length - window;
    if (first < 0) first = 0;
    return to >= first && to < first + window;
}

static bool in_dinat(const system_problem *p, int64_t head, const int64_t a[3], const int64_t b[3])
{
    (void)head;
    return near(a[1], b[1], p->grid[1], 7, 8, false) && near(a[2], b[2], p->grid[2], 7, 8, false);
}

static bool dinat(system_problem *p) { return attend_where(p, in_dinat); }

static bool in_neighborhood(const system_problem *p, int64_t head, const int64_t a[3], const int64_t b[3])
{
    (void)head;
    const int64_t d = (int64_t)system_value(p, "dilation");
    return near(a[0], b[0], p->grid[0], (int64_t)system_value(p, "window_t"), 1, true) &&
           near(a[1], b[1], p->grid[1], (int64_t)system_value(p, "window_h"), d, false) &&
           near(a[2], b[2], p->grid[2], (int64_t)system_value(p, "window_w"), d, false);
}

static bool faster_neighborhood(system_problem *p) { return attend_where(p, in_neighborhood); }

/* FreeSwim: as many tokens on each axis as in training, moved inwards at the borders. */
static bool in_trained(const system_problem *p, int64_t head, const int64_t a[3], const int64_t b[3])
{
    static const char *const names[3] = {"trained_t", "trained_h", "trained_w"};
    (void)head;
    for (int axis = 0; axis < 3; axis++) {
        const int64_t window = (int64_t)fmin(system_value(p, names[axis]), (double)p->grid[axis]);
        if (!near(a[axis], b[axis], p->grid[axis], window, 1, false)) return false;
    }
    return true;
}

static bool freeswim(system_problem *p) { return attend_where(p, in_trained); }

/* HiDiffusion: the map rolled by so many quarters of a window, and cut into two by two. */
static bool in_half(const system_problem *p, int64_t head, const int64_t a[3], const int64_t b[3])
{
    (void)head;
    for (int axis = 1; axis < 3; axis++) {
        const int64_t extent = p->grid[axis], window = (extent + 1) / 2, shift = window / 4 * (int64_t)system_value(p, "quarters");
        if ((a[axis] + shift) % extent / window != (b[axis] + shift) % extent / window) return false;
    }
    return true;
}

static bool hidiffusion(system_problem *p) { return attend_where(p, in_half); }

/* HaloNet: blocks of 8 x 8, haloes of 3. */
static bool in_halo(const system_problem *p, int64_t head, const int64_t a[3], const int64_t b[3])
{
    (void)p;
    (void)head;
    for (int axis = 1; axis < 3; axis++) {
        const int64_t first = a[axis] / 8 * 8;
        if (b[axis] < first - 3 || b[axis] >= first + 8 + 3) return false;
    }
    return true;
}

static bool halonet(system_problem *p) { return attend_where(p, in_halo); }

/* Delta Attention: sinks and a window; every stride-th row dense, and what that adds. */
static bool delta_attention(system_problem *p)
{
    const int64_t stride = (int64_t)system_value(p, "stride"), sinks = (int64_t)system_value(p, "sinks"), window = (int64_t)system_value(p, "window");
    uint8_t *see = malloc((size_t)p->nk), *all = malloc((size_t)p->nk);
    double *delta = malloc((size_t)p->dv * sizeof(*delta));
    const bool ok = see && all && delta;
    for (int64_t row = 0; ok && row < p->b * p->h * p->nq; row++) {
        const int64_t b = row / (p->h * p->nq), h = row / p->nq % p->h, i = row % p->nq, place = i + p->nk - p->nq;
        double *o = system_o(p, b, h, i);
        for (int64_t j = 0; j < p->nk; j++) {
            all[j] = j <= place;
            see[j] = all[j] && (j < sinks || place - j < window);
        }
        system_attend(p, b, h, i, see, o);
        if (i % stride == 0) {
            system_attend(p, b, h, i, all, delta);
            for (int64_t c = 0; c < p->dv; c++) delta[c] -= o[c];
        }
        for (int64_t c = 0; c < p->dv; c++) o[c] += delta[c];
    }
    free(see);
    free(all);
    free(delta);
    return ok;
}

#define SHAPE(B, H, HKV, D, DV, T, Y, X)                                                                                                             \
    .b = (B), .h = (H), .hkv = (HKV), .nq = (T) * (Y) * (X), .nk = (T) * (Y) * (X), .d = (D), .dv = (DV), .grid = {(T), (Y), (X)}

const system_case systems_windows[] = {
    {.recipe = "cswin", SHAPE(2, 4, 4, 17, 9, 1, 7, 11), .define = cswin},
    {.recipe = "dinat", SHAPE(1, 1, 1, 4, 3, 1, 57, 59), .define = dinat},
    {.recipe = "faster_neighborhood",
     SHAPE(1, 2, 1, 12, 20, 5, 13, 11),
     .parameters = {{"window_t", 3}, {"window_h", 5}, {"window_w", 4}, {"dilation", 2}},
     .define = faster_neighborhood},
    {.recipe = "freeswim",
     SHAPE(1, 2, 2, 20, 12, 2, 11, 17),
     .parameters = {{"trained_t", 3}, {"trained_h", 5}, {"trained_w", 7}},
     .define = freeswim},
    {.recipe = "hidiffusion", SHAPE(2, 2, 1, 15, 15, 1, 17, 22), .parameters = {{"quarters", 3}}, .define = hidiffusion},
    {.recipe = "hidiffusion", SHAPE(1, 3, 3, 15, 8, 1, 9, 8), .parameters = {{"quarters", 1}}, .define = hidiffusion},
    {.recipe = "halonet", SHAPE(1, 2, 2, 16, 24, 1, 19, 29), .define = halonet},
    {.recipe = "delta_attention",
     .b = 1,
     .h = 4,
     .hkv = 2,
     .nq = 61,
     .nk = 67,
     .d = 24,
     .dv = 16,
     .parameters = {{"stride", 7}, {"sinks", 3}, {"window", 11}},
     .define = delta_attention},
    {0},
};
