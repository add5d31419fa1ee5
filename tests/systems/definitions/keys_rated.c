/* Systems that rate keys by learned weights, which are inputs. */
#include <math.h>
#include <string.h>

#include "systems/desk.h"

/* A linear layer rates keys; each query sees the highest before it and the last ones. */
static bool sparsek(system_problem *p)
{
    tile_desk desk = {.count = 0};
    double *rate = tile_numbers(&desk, p->nk);
    uint8_t *may = tile_take(&desk, p->nk, 1), *see = tile_take(&desk, p->nk, 1);
    for (int64_t row = 0; !desk.failed && row < p->b * p->h * p->nq; row++) {
        const int64_t i = row % p->nq, h = row / p->nq % p->h, b = row / p->nq / p->h, at = tile_place(p, i);
        for (int64_t j = 0; j < p->nk; j++) {
            rate[j] = system_dot(system_data(p, "w") + h / (p->h / p->hkv) * p->d, system_k(p, b, h, j), p->d);
            may[j] = j <= at;
            see[j] = 0;
        }
        system_top(p, rate, may, p->nk, (int64_t)system_value(p, "count"), see);
        for (int64_t j = 0; j <= at; j++) see[j] |= at - j < (int64_t)system_value(p, "window");
        system_attend(p, b, h, i, see, system_o(p, b, h, i));
    }
    return tile_clear(&desk);
}

/* exp(a softplus(v w)) chooses keys, and is added to their scores. */
static bool dynamic_mask(system_problem *p)
{
    tile_desk desk = {.count = 0};
    double *rate = tile_numbers(&desk, p->nk), *score = tile_numbers(&desk, p->nk);
    uint8_t *may = tile_take(&desk, p->nk, 1), *see = tile_take(&desk, p->nk, 1);
    for (int64_t row = 0; !desk.failed && row < p->b * p->h * p->nq; row++) {
        const int64_t i = row % p->nq, h = row / p->nq % p->h, b = row / p->nq / p->h, g = h / (p->h / p->hkv);
        for (int64_t j = 0; j < p->nk; j++) {
            const double x = system_dot(system_data(p, "w") + g * p->dv, system_v(p, b, h, j), p->dv);
            rate[j] = exp(system_data(p, "a")[g] * log1p(exp(x)));
            score[j] = system_dot(system_q(p, b, h, i), system_k(p, b, h, j), p->d) / sqrt((double)p->d) + rate[j];
            may[j] = j <= tile_place(p, i);
            see[j] = 0;
        }
        system_top(p, rate, may, p->nk, (int64_t)system_value(p, "count"), see);
        system_softmax(score, see, p->nk);
        double *o = system_o(p, b, h, i);
        memset(o, 0, (size_t)p->dv * sizeof(*o));
        for (int64_t j = 0; j < p->nk; j++)
            for (int64_t e = 0; e < p->dv; e++) o[e] += score[j] * system_v(p, b, h, j)[e];
    }
    return tile_clear(&desk);
}

/* The weight of token j in projected token r: the input's, and what makes it the mean of the tokens that fall to r. */
static double projection(const system_problem *p, const char *input, int64_t r, int64_t j, double mean)
{
    const int64_t reduced = (int64_t)system_value(p, "reduced");
    return system_data(p, input)[r * p->nk + j] + (j * reduced / p->nk == r ? mean : 0);
}

/* Attention to projected keys, projected back, predicts which keys a query needs. */
static bool sparsifiner(system_problem *p)
{
    tile_desk desk = {.count = 0};
    const int64_t reduced = (int64_t)system_value(p, "reduced");
    double *few = tile_numbers(&desk, reduced * p->d), *basis = tile_numbers(&desk, reduced), *need = tile_numbers(&desk, p->nk);
    uint8_t *see = tile_take(&desk, p->nk, 1);
    for (int64_t bh = 0; !desk.failed && bh < p->b * p->h; bh++) {
        const int64_t b = bh / p->h, h = bh % p->h;
        memset(few, 0, (size_t)(reduced * p->d) * sizeof(*few));
        for (int64_t rj = 0; rj < reduced * p->nk; rj++) {
            const int64_t r = rj / p->nk, j = rj % p->nk;
            const double weight = projection(p, "down", r, j, (double)reduced / (double)p->nk);
            for (int64_t e = 0; e < p->d; e++) few[r * p->d + e] += weight * system_k(p, b, h, j)[e];
        }
        for (int64_t i = 0; i < p->nq; i++) {
            for (int64_t r = 0; r < reduced; r++) basis[r] = system_dot(system_q(p, b, h, i), few + r * p->d, p->d) / sqrt((double)p->d);
            system_softmax(basis, NULL, reduced);
            for (int64_t j = 0; j < p->nk; j++) {
                need[j] = 0;
                see[j] = 0;
                for (int64_t r = 0; r < reduced; r++) need[j] += basis[r] * projection(p, "up", r, j, 1);
            }
            system_top(p, need, NULL, p->nk, (int64_t)ceil(system_value(p, "keep") * (double)p->nk), see);
            system_attend(p, b, h, i, see, system_o(p, b, h, i));
        }
    }
    return tile_clear(&desk);
}

const system_case systems_keys_rated[] = {
    {.recipe = "sparsek",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 67,
     .nk = 101,
     .d = 16,
     .dv = 24,
     .parameters = {{"count", 17}, {"window", 5}},
     .inputs = {{"w", {1, 2, 1, 16}, 1, 0, NULL}},
     .define = sparsek},
    {.recipe = "dynamic_mask",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 103,
     .nk = 103,
     .d = 16,
     .dv = 24,
     .parameters = {{"count", 23}},
     .inputs = {{"w", {1, 2, 1, 24}, 0.2, 0, NULL}, {"a", {1, 2, 1, 1}, 0.5, -1, NULL}},
     .define = dynamic_mask},
    {.recipe = "sparsifiner",
     .b = 2,
     .h = 3,
     .hkv = 3,
     .nq = 77,
     .nk = 77,
     .d = 16,
     .dv = 16,
     .parameters = {{"reduced", 11}, {"keep", 0.25}},
     .inputs = {{"down", {1, 1, 11, 77}, 0.1, 0, NULL}, {"up", {1, 1, 11, 77}, 0.5, 0, NULL}},
     .define = sparsifiner},
    {0},
};
