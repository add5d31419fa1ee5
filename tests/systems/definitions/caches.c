/* Systems of key/value caches, told over the whole sequence: who is still there when a query comes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "systems/system.h"

/* Chunks of 3 frames of so many tokens: own chunk, `before` frames before it, `after` after it, and the first `sinks` frames. */
static bool frames(system_problem *p, int64_t before, int64_t after, int64_t sinks)
{
    uint8_t *see = malloc((size_t)p->nk);
    const int64_t frame = p->grid[1] * p->grid[2];
    for (int64_t row = 0; see && row < p->b * p->h * p->nq; row++) {
        const int64_t b = row / (p->h * p->nq), h = row / p->nq % p->h, i = row % p->nq, chunk = i / frame / 3 * 3;
        for (int64_t j = 0; j < p->nk; j++) see[j] = j / frame < sinks || (j / frame >= chunk - before && j / frame < chunk + 3 + after);
        system_attend(p, b, h, i, see, system_o(p, b, h, i));
    }
    free(see);
    return see != NULL;
}

static bool motion_stream(system_problem *p) { return frames(p, 3, 0, 3); }
static bool knot_forcing(system_problem *p) { return frames(p, 6, 1, 1); }

/* Rolling Forcing: every query of the rolling window sees the sink frames and the last frames that are kept. */
static bool rolling_forcing(system_problem *p)
{
    const int64_t frame = (int64_t)system_value(p, "frame"), count = (p->nk + frame - 1) / frame;
    uint8_t *see = malloc((size_t)p->nk);
    for (int64_t j = 0; see && j < p->nk; j++)
        see[j] = (double)(j / frame) < system_value(p, "sinks") || (double)(j / frame) >= (double)count - system_value(p, "kept");
    for (int64_t row = 0; see && row < p->b * p->h * p->nq; row++) {
        const int64_t b = row / (p->h * p->nq), h = row / p->nq % p->h, i = row % p->nq;
        system_attend(p, b, h, i, see, system_o(p, b, h, i));
    }
    free(see);
    return see != NULL;
}

/* LazyEviction, of one head: which of the first `old` tokens stay. Queries [old - observed, old) are watched one after another. */
static bool lazy_kept(system_problem *p, int64_t b, int64_t h, int64_t old, uint8_t *kept)
{
    const int64_t observed = (int64_t)fmin(system_value(p, "observed"), (double)old), window = (int64_t)system_value(p, "window");
    const double alpha = system_value(p, "alpha");
    double *weight = malloc((size_t)old * sizeof(*weight)), *rank = malloc((size_t)old * sizeof(*rank));
    int64_t *since = calloc((size_t)old, sizeof(*since)), *longest = calloc((size_t)old, sizeof(*longest));
    const bool ok = weight && rank && since && longest;
    for (int64_t t = old - observed; ok && t < old; t++) {
        for (int64_t j = 0; j <= t; j++) weight[j] = system_dot(system_q(p, b, h, t), system_k(p, b, h, j), p->d) / sqrt((double)p->d);
        system_softmax(weight, NULL, t + 1);
        for (int64_t j = 0; j <= t; j++) { /* since: steps since it was active, or came, or was first watched */
            system_gap(p, weight[j] - alpha, alpha);
            if (j < t) since[j]++;
            if (weight[j] < alpha) continue;
            if (since[j] > longest[j]) longest[j] = since[j];
            since[j] = 0;
        }
    }
    for (int64_t j = 0; ok && j < old; j++) {
        const double all = (double)(longest[j] + since[j]);
        rank[j] = all > 0 ? (double)longest[j] / all : 0;
        kept[j] = j >= old - window;
    }
    const int64_t count = (int64_t)ceil(system_value(p, "budget") * (double)old) - (window < old ? window : old);
    if (ok) system_top(p, rank, NULL, old, count, kept);
    free(weight);
    free(rank);
    free(since);
    free(longest);
    return ok;
}

static bool lazy_eviction(system_problem *p)
{
    const int64_t old = p->nk - (int64_t)system_value(p, "window");
    uint8_t *see = malloc((size_t)p->nk), *kept = malloc((size_t)p->nk);
    bool ok = see && kept;
    for (int64_t bh = 0; ok && bh < p->b * p->h; bh++) {
        const int64_t b = bh / p->h, h = bh % p->h;
        ok = lazy_kept(p, b, h, old, kept);
        for (int64_t i = 0; ok && i < p->nq; i++) {
            for (int64_t j = 0; j < p->nk; j++) see[j] = j <= i && (i < old || j >= old || kept[j]);
            system_attend(p, b, h, i, see, system_o(p, b, h, i));
        }
    }
    free(see);
    free(kept);
    return ok;
}

const system_case systems_caches[] = {
    {.recipe = "motion_stream",
     .b = 1,
     .h = 2,
     .hkv = 1,
     .nq = 11 * 15,
     .nk = 11 * 15,
     .d = 18,
     .dv = 10,
     .grid = {11, 3, 5},
     .define = motion_stream},
    {.recipe = "knot_forcing", .b = 1, .h = 2, .hkv = 2, .nq = 16 * 12, .nk = 16 * 12, .d = 18, .dv = 10, .grid = {16, 3, 4}, .define = knot_forcing},
    {.recipe = "rolling_forcing",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 35,
     .nk = 7 * 13,
     .d = 20,
     .dv = 12,
     .parameters = {{"frame", 7}, {"sinks", 2}, {"kept", 6}},
     .define = rolling_forcing},
    {.recipe = "lazy_eviction",
     .b = 2,
     .h = 3,
     .hkv = 1,
     .nq = 83,
     .nk = 83,
     .d = 16,
     .dv = 20,
     .parameters = {{"window", 13}, {"observed", 41}, {"budget", 0.5}, {"alpha", 0.03}},
     .define = lazy_eviction},
    {0},
};
