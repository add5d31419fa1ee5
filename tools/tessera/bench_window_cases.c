/* Which windows tessera bench windows measures, at sizes that suit the device. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_windows.h"

enum { MAX_HEADS = 8, SLOW_RATE = 50 }; /* GFLOP/s */

/* Largest first; the waste goals are stated for the first box. */
static const int64_t lines[][3] = {{1, 1, 32768}, {1, 1, 16384}, {1, 1, 8192}, {1, 1, 4096}, {1, 1, 2048}, {1, 1, 512}};
static const int64_t boxes[][3] = {{21, 30, 52}, {16, 24, 40}, {12, 20, 32}, {8, 16, 24}, {6, 10, 16}};
static const int64_t fitted[][3] = {{20, 32, 48}, {16, 24, 36}, {12, 16, 36}, {8, 16, 24}};
enum { LINES = sizeof(lines) / sizeof(lines[0]), BOXES = sizeof(boxes) / sizeof(boxes[0]), FITTED = sizeof(fitted) / sizeof(fitted[0]) };

/* https://natten.org/profiler/ (2026-07), fp16, head dim 128; the 2-D cases are FLUX's, the 3-D ones HunyuanVideo's, with 24 heads. */
#define NATTEN(t, h, w, wt, wh, ww, st, sh, sw)                                                                                                      \
    {                                                                                                                                                \
        {t, h, w}, {wt, wh, ww}, {st, sh, sw}, {1, 1, 1}, { false }                                                                                  \
    }
static const bench_published published[] = {
    {{0.787392, 0.424766}, {0.094848, 0.058111}, NATTEN(1, 1, 32768, 1, 1, 2048, 1, 1, 1)},
    {{0.787392, 0.424766}, {0.062687, 0.037888}, NATTEN(1, 1, 32768, 1, 1, 2048, 1, 1, 256)},
    {{0.787392, 0.424766}, {0.059264, 0.038240}, NATTEN(1, 1, 32768, 1, 1, 2048, 1, 1, 2048)},
    {{97.435, 43.313}, {18.603, 10.931}, NATTEN(1, 256, 256, 1, 80, 80, 1, 1, 1)},
    {{97.435, 43.313}, {10.601, 6.389}, NATTEN(1, 256, 256, 1, 80, 80, 1, 16, 16)},
    {{283.327, 135.265}, {84.417, 47.353}, NATTEN(30, 48, 80, 18, 24, 24, 1, 1, 1)},
    {{283.327, 135.265}, {29.109, 18.538}, NATTEN(30, 48, 80, 18, 24, 24, 16, 8, 8)},
};
/* What grids and windows are divided by on smaller devices, so that the shares stay. */
static const int64_t divisors[3][6][3] = {
    {{1, 1, 1}, {1, 1, 2}, {1, 1, 4}, {1, 1, 8}, {1, 1, 16}, {1, 1, 64}},
    {{1, 1, 1}, {1, 2, 2}, {1, 4, 4}, {1, 8, 8}, {1, 8, 8}, {1, 16, 16}},
    {{1, 1, 1}, {1, 2, 2}, {2, 2, 2}, {2, 4, 4}, {2, 4, 4}, {2, 8, 8}},
};

typedef struct chooser {
    bench *b;
    const bench_pace *pace;
    int64_t dim;
    bool ok;
} chooser;

static int64_t tokens_of(const int64_t grid[3]) { return grid[0] * grid[1] * grid[2]; }

/* Of one head. */
static double dense_seconds(const chooser *c, int64_t tokens) { return 4 * (double)tokens * (double)tokens * (double)c->dim / c->pace->rate; }

static bool fits(const chooser *c, int64_t tokens) { return dense_seconds(c, tokens) <= c->b->ask.seconds; }

/* The first of the sizes whose dense run is short enough, else the last. */
static const int64_t *choose(const chooser *c, const int64_t (*sizes)[3], int count)
{
    int i = 0;
    while (i < count - 1 && !fits(c, tokens_of(sizes[i]))) i++;
    return sizes[i];
}

/* Fast devices get more heads, as runs that are too short tell little. */
static int64_t heads_for(const chooser *c, int64_t tokens)
{
    if (c->b->ask.heads) return c->b->ask.heads;
    const double heads = c->b->ask.seconds / 4 / dense_seconds(c, tokens);
    return heads < 1 ? 1 : heads > MAX_HEADS ? MAX_HEADS : (int64_t)heads;
}

static bench_case *add(chooser *c, bench_family family, int percent, bench_window w)
{
    bench *b = c->b;
    bench_case *more = c->ok ? realloc(b->cases, (b->case_count + 1) * sizeof(*more)) : NULL;
    c->ok = more != NULL;
    if (!more) return NULL;
    b->cases = more;
    bench_case *added = &more[b->case_count++];
    const int64_t tokens = bench_window_tokens(&w);
    *added = (bench_case){.family = family, .percent = percent, .window = w, .shape = {1, heads_for(c, tokens), tokens, tokens, c->dim}};
    bench_window_label(&w, added->label, sizeof(added->label));
    return added;
}

static const int percents[] = {5, 10, 20};

static void set_goals(bench_case *c, double waste, const double time[3])
{
    if (!c) return;
    c->waste_goal = waste;
    for (int i = 0; i < 3; i++)
        if (percents[i] == c->percent) c->time_goal = time[i];
}

static void add_lines(chooser *c, const int64_t grid[3])
{
    static const double time[3] = {0.065, 0.12, 0};
    static const int64_t units[3] = {1, 1, 1};
    for (int causal = 0; causal < 2; causal++)
        for (int i = 0; i < 3; i++) {
            /* Causal windows are cut at the beginning: a longer one sees the same share. */
            const double share = percents[i] / 100.0, side = causal ? 1 - sqrt(1 - 2 * share) : share;
            bench_window w = bench_window_near(grid, units, side, 1);
            w.causal[2] = causal;
            set_goals(add(c, causal ? BENCH_LINE_CAUSAL : BENCH_LINE, percents[i], w), w.window[2] >= 1024 ? 1.15 : 0, time);
        }
}

static void add_boxes(chooser *c, const int64_t grid[3])
{
    static const double waste[3] = {2.1, 1.85, 1.6}, time[3] = {0.12, 0.21, 0};
    static const int64_t units[3] = {1, 1, 1};
    for (int i = 0; i < 3; i++) {
        const bool stated = memcmp(grid, boxes[0], sizeof(boxes[0])) == 0;
        const bench_window w = bench_window_near(grid, units, percents[i] / 100.0, 1);
        set_goals(add(c, BENCH_BOX, percents[i], w), stated ? waste[i] : 0, time);
    }
}

/* Strides as large as a tile of queries, where such boxes divide the grid; windows of whole tiles of keys. */
static void add_fitted(chooser *c, const int64_t grid[3])
{
    static const double time[3] = {0.065, 0.12, 0};
    int64_t units[3];
    if (!bench_window_units(grid, c->pace->query_tile, units)) return;
    for (int i = 0; i < 2; i++) {
        const bench_window w = bench_window_near(grid, units, percents[i] / 100.0, c->pace->key_tile);
        set_goals(add(c, BENCH_FITTED, percents[i], w), bench_window_size(&w) % c->pace->key_tile == 0 ? 1 : 0, time);
    }
}

/* Strides stay, as far as windows let them: they suit tiles, which do not shrink with the grid. */
static bench_window scaled(const bench_window *from, const int64_t divisor[3])
{
    bench_window w = *from;
    for (int a = 0; a < 3; a++) {
        w.grid[a] /= divisor[a];
        w.window[a] /= divisor[a];
        while (w.stride[a] > w.window[a]) w.stride[a] /= 2;
    }
    return w;
}

/* NATTEN's cases of one rank. */
static void add_published(chooser *c, int rank)
{
    for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
        const bench_published *p = &published[i];
        if (1 + (p->shape.grid[0] > 1) + (p->shape.grid[1] > 1) != rank) continue;
        int n = 0;
        bench_window w = scaled(&p->shape, divisors[rank - 1][0]);
        while (n < 5 && !fits(c, bench_window_tokens(&w))) w = scaled(&p->shape, divisors[rank - 1][++n]);
        bench_case *added = add(c, BENCH_NATTEN, 0, w);
        if (added) added->published = p;
    }
}

static void add_usual(chooser *c)
{
    const bench_window *own = &c->b->ask.own;
    if (own->grid[2]) {
        if (own->grid[0] == 1 && own->grid[1] == 1) {
            add_lines(c, own->grid);
        } else {
            add_boxes(c, own->grid);
            add_fitted(c, own->grid);
        }
        return;
    }
    add_lines(c, choose(c, lines, LINES));
    add_published(c, 1);
    add_boxes(c, choose(c, boxes, BOXES));
    add_fitted(c, choose(c, fitted, FITTED));
    add_published(c, 2);
    add_published(c, 3);
}

static void add_recipe(chooser *c)
{
    const tsr_recipe_info *info = &c->b->ask.recipe_info;
    const bench_window everything = {.grid = {1, 1, info->nk}};
    bench_case *added = add(c, BENCH_OWN, 0, everything);
    if (!added) return;
    added->by_recipe = true;
    added->shape = (bench_shape){1, info->heads, info->nq, info->nk, c->dim};
    snprintf(added->label, sizeof(added->label), "recipe %s, %lldx%lld", info->name, (long long)info->nq, (long long)info->nk);
}

static int64_t dim_for(const bench *b, double rate) { return b->ask.dim ? b->ask.dim : rate < SLOW_RATE * 1e9 ? 64 : 128; }

bool bench_windows_cases(bench *b, const bench_pace *pace)
{
    chooser c = {b, pace, dim_for(b, pace->rate), true};
    if (b->ask.recipe)
        add_recipe(&c);
    else if (b->ask.own.window[2])
        add(&c, BENCH_OWN, 0, b->ask.own);
    else
        add_usual(&c);
    if (!c.ok) cli_error("bench", EXIT_INPUT, "no memory for the cases");
    return c.ok;
}
