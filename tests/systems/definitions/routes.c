/* Systems in which learned scores send tokens to heads or groups, or give each head its own span. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "systems/tiling.h"

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

/* MoSA: a head's own best tokens attend to those of them that are not later; the result times the sigmoid of the score. */
static bool mosa_head(system_problem *p, int64_t b, int64_t h)
{
    const double *router = system_data(p, "router") + (b * p->h + h) * p->nk;
    uint8_t *chosen = calloc((size_t)p->nk, 1), *see = malloc((size_t)p->nk);
    if (chosen && see) system_top(p, router, NULL, p->nk, (int64_t)fmax(round((double)p->nk / system_value(p, "sparsity")), 1), chosen);
    for (int64_t i = 0; chosen && see && i < p->nq; i++) {
        for (int64_t j = 0; j < p->nk; j++) see[j] = chosen[i] && chosen[j] && j <= i;
        system_attend(p, b, h, i, see, system_o(p, b, h, i));
        for (int64_t c = 0; c < p->dv; c++) system_o(p, b, h, i)[c] *= sigmoid(router[i]);
    }
    const bool ok = chosen && see;
    free(chosen);
    free(see);
    return ok;
}

static bool mosa(system_problem *p) { return system_heads(p, mosa_head); }

/* MoA: of tiles, the first one and those less than alpha + beta N tokens before the query's; causal. */
static bool moa_query(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see)
{
    (void)b;
    const int64_t tile = (int64_t)system_value(p, "tile"), past = p->nk - p->nq, first = i / tile * tile + past;
    const double span = system_data(p, "alpha")[h] + system_data(p, "beta")[h] * (double)p->nk;
    for (int64_t j = 0; j <= i + past; j++) {
        const double last = (double)(j / tile * tile + tile - 1), nearest = (double)first - last;
        see[j] = j < tile || nearest < span;
        system_gap(p, nearest - span, span);
    }
    return true;
}

static bool moa(system_problem *p) { return system_choose(p, moa_query); }

/* MoGA: a token's group has the largest logit; attention within the group, times the group's probability. */
static bool moga(system_problem *p)
{
    const int64_t groups = (int64_t)system_value(p, "groups");
    const double *router = system_data(p, "router");
    tiling t = tiling_make(p->nq, 0, groups);
    uint8_t *own = calloc((size_t)(groups * groups), 1);
    for (int64_t g = 0; own && g < groups; g++) own[g * groups + g] = 1;
    bool ok = t.tile && own;
    for (int64_t b = 0; ok && b < p->b; b++) {
        for (int64_t i = 0; i < p->nq; i++) {
            const double *x = router + (b * p->nq + i) * groups;
            t.tile[i] = 0;
            for (int64_t g = 1; g < groups; g++) {
                system_gap(p, x[g] - x[t.tile[i]], 1);
                if (x[g] > x[t.tile[i]]) t.tile[i] = g;
            }
        }
        for (int64_t h = 0; ok && h < p->h; h++) {
            ok = tiling_attend(p, b, h, &t, &t, own, false);
            for (int64_t i = 0; ok && i < p->nq; i++) {
                double sum = 0;
                for (int64_t g = 0; g < groups; g++) sum += exp(router[(b * p->nq + i) * groups + g]);
                for (int64_t c = 0; c < p->dv; c++) system_o(p, b, h, i)[c] *= exp(router[(b * p->nq + i) * groups + t.tile[i]]) / sum;
            }
        }
    }
    free(t.tile);
    free(own);
    return ok;
}

/* MoH: weights alpha1 softmax(shared logits) and, for the best of the others, alpha2 softmax(other logits). */
static bool moh(system_problem *p)
{
    const int64_t shared = (int64_t)round(system_value(p, "shared") * (double)p->h),
                  active = (int64_t)round(system_value(p, "active") * (double)p->h);
    double *weight = malloc((size_t)p->h * sizeof(*weight));
    uint8_t *chosen = malloc((size_t)p->h);
    const bool ok = weight && chosen;
    for (int64_t row = 0; ok && row < p->b * p->nq; row++) {
        const double *mix = system_data(p, "balance") + row * 2, alpha = sigmoid(mix[0] - mix[1]);
        memcpy(weight, system_data(p, "router") + row * p->h, (size_t)p->h * sizeof(*weight));
        memset(chosen, 0, (size_t)p->h);
        system_top(p, weight + shared, NULL, p->h - shared, active - shared, chosen + shared);
        system_softmax(weight, NULL, shared);
        system_softmax(weight + shared, NULL, p->h - shared);
        for (int64_t h = 0; h < p->h; h++) {
            double *o = system_o(p, row / p->nq, h, row % p->nq);
            weight[h] *= h < shared ? alpha : chosen[h] * (1 - alpha);
            system_attend(p, row / p->nq, h, row % p->nq, NULL, o);
            for (int64_t c = 0; c < p->dv; c++) o[c] *= weight[h];
        }
    }
    free(weight);
    free(chosen);
    return ok;
}

const system_case systems_routes[] = {
    {.recipe = "mosa",
     .b = 2,
     .h = 3,
     .hkv = 3,
     .nq = 127,
     .nk = 127,
     .d = 24,
     .dv = 20,
     .parameters = {{"sparsity", 4.3}},
     .inputs = {{.name = "router", .shape = {2, 3, 1, 127}, .scale = 1}},
     .define = mosa},
    {.recipe = "moa",
     .b = 1,
     .h = 4,
     .hkv = 2,
     .nq = 131,
     .nk = 151,
     .d = 16,
     .dv = 24,
     .parameters = {{"tile", 13}},
     .inputs = {{.name = "alpha", .shape = {1, 4, 1, 1}, .scale = 8, .offset = 17.3},
                {.name = "beta", .shape = {1, 4, 1, 1}, .scale = 0.1, .offset = 0.2}},
     .define = moa},
    {.recipe = "moga",
     .b = 2,
     .h = 2,
     .hkv = 1,
     .nq = 149,
     .nk = 149,
     .d = 20,
     .dv = 16,
     .parameters = {{"groups", 4}},
     .inputs = {{.name = "router", .shape = {2, 1, 149, 4}, .scale = 1.3}},
     .define = moga},
    {.recipe = "moh",
     .b = 2,
     .h = 6,
     .hkv = 2,
     .nq = 61,
     .nk = 83,
     .d = 16,
     .dv = 16,
     .parameters = {{"shared", 0.34}, {"active", 0.7}},
     .inputs = {{.name = "router", .shape = {2, 1, 61, 6}, .scale = 1}, {.name = "balance", .shape = {2, 1, 61, 2}, .scale = 1}},
     .define = moh},
    {0},
};
