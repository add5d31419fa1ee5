/* Systems that attend to everything, and what they do around it. */
#include <math.h>
#include <stdlib.h>

#include "systems/system.h"

static bool everything(system_problem *p)
{
    for (int64_t row = 0; row < p->b * p->h * p->nq; row++) {
        const int64_t b = row / (p->h * p->nq), h = row / p->nq % p->h, i = row % p->nq;
        system_attend(p, b, h, i, NULL, system_o(p, b, h, i));
    }
    return true;
}

/* Gated Attention: the head's output times the sigmoid of its gate. */
static bool gated_attention(system_problem *p)
{
    const double *gate = system_data(p, "gate");
    uint8_t *see = malloc((size_t)p->nk);
    for (int64_t row = 0; see && row < p->b * p->h * p->nq; row++) {
        const int64_t b = row / (p->h * p->nq), h = row / p->nq % p->h, i = row % p->nq;
        double *o = system_o(p, b, h, i);
        for (int64_t j = 0; j < p->nk; j++) see[j] = j <= i + p->nk - p->nq;
        system_attend(p, b, h, i, see, o);
        for (int64_t c = 0; c < p->dv; c++) o[c] /= 1 + exp(-gate[row * p->dv + c]);
    }
    free(see);
    return see != NULL;
}

/* Softmax attention of query [d] over n keys [n,d] and values [n,dv], plus the query itself. */
static void multihead(const double *query, const double *keys, const double *values, int64_t n, int64_t d, int64_t dv, double *weight, double *out)
{
    for (int64_t j = 0; j < n; j++) weight[j] = system_dot(query, keys + j * d, d) / sqrt((double)d);
    system_softmax(weight, NULL, n);
    for (int64_t c = 0; c < dv; c++) {
        out[c] = query[c];
        for (int64_t j = 0; j < n; j++) out[c] += weight[j] * values[j * dv + c];
    }
}

static void map_row(const double *x, const double *matrix, int64_t rows, int64_t columns, double *out)
{
    for (int64_t c = 0; c < columns; c++) {
        out[c] = 0;
        for (int64_t r = 0; r < rows; r++) out[c] += x[r] * matrix[r * columns + c];
    }
}

/* Set Transformer, ISAB: H = I + attention of I to the set; then x + attention of x to H. */
static bool set_transformer(system_problem *p)
{
    const int64_t d = p->d, points = (int64_t)system_value(p, "points");
    const double *inducing = system_data(p, "inducing"), *key_map = system_data(p, "key_map"), *value_map = system_data(p, "value_map");
    double *room = malloc((size_t)(3 * points * d + p->nk + points) * sizeof(*room));
    for (int64_t bh = 0; room && bh < p->b * p->h; bh++) {
        const int64_t b = bh / p->h, h = bh % p->h;
        double *summary = room, *keys = summary + points * d, *values = keys + points * d, *weight = values + points * d;
        for (int64_t m = 0; m < points; m++) {
            multihead(inducing + (h * points + m) * d, system_k(p, b, h, 0), system_v(p, b, h, 0), p->nk, d, d, weight, summary + m * d);
            map_row(summary + m * d, key_map + h * d * d, d, d, keys + m * d);
            map_row(summary + m * d, value_map + h * d * d, d, d, values + m * d);
        }
        for (int64_t i = 0; i < p->nq; i++) multihead(system_q(p, b, h, i), keys, values, points, d, d, weight, system_o(p, b, h, i));
    }
    free(room);
    return room != NULL;
}

const system_case systems_dense[] = {
    {.recipe = "gated_attention",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 33,
     .nk = 47,
     .d = 20,
     .dv = 28,
     .inputs = {{.name = "gate", .shape = {2, 4, 33, 28}, .scale = 2}},
     .define = gated_attention},
    {.recipe = "memory_efficient_attention", .b = 1, .h = 2, .hkv = 2, .nq = 131, .nk = 257, .d = 33, .dv = 47, .define = everything},
    {.recipe = "set_transformer",
     .b = 2,
     .h = 3,
     .hkv = 3,
     .nq = 29,
     .nk = 61,
     .d = 14,
     .dv = 14,
     .parameters = {{"points", 5}},
     .inputs = {{.name = "inducing", .shape = {1, 3, 5, 14}, .scale = 1},
                {.name = "key_map", .shape = {1, 3, 14, 14}, .scale = 0.3},
                {.name = "value_map", .shape = {1, 3, 14, 14}, .scale = 0.3}},
     .define = set_transformer},
    {.recipe = "sqa", .b = 2, .h = 6, .hkv = 2, .nq = 71, .nk = 71, .d = 26, .dv = 22, .define = everything},
    {0},
};
