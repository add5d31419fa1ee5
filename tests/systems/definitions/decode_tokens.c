/* Systems that estimate every key's score and attend to the single tokens whose estimates are highest. */
#include <math.h>
#include <stdlib.h>

#include "systems/system.h"

/* Loki: scores of the first components of q and k in a given basis. */
static bool loki(system_problem *p)
{
    const int64_t rank = (int64_t)ceil(system_value(p, "rank") * (double)p->d);
    const double *basis = system_data(p, "basis"); /* [1,Hkv,D,D]: components are columns */
    double *score = malloc((size_t)p->nk * sizeof(*score));
    uint8_t *see = malloc((size_t)p->nk);
    const bool ok = score && see;
    for (int64_t row = 0; ok && row < p->b * p->h * p->nq; row++) {
        const int64_t b = row / (p->h * p->nq), h = row / p->nq % p->h, i = row % p->nq, seen = i + 1 + p->nk - p->nq;
        const double *of = basis + h / (p->h / p->hkv) * p->d * p->d;
        for (int64_t j = 0; j < p->nk; j++) {
            score[j] = see[j] = 0;
            for (int64_t r = 0; r < rank; r++) {
                double x = 0, y = 0;
                for (int64_t c = 0; c < p->d; c++) {
                    x += system_q(p, b, h, i)[c] * of[c * p->d + r];
                    y += system_k(p, b, h, j)[c] * of[c * p->d + r];
                }
                score[j] += x * y;
            }
        }
        system_top(p, score, NULL, seen, (int64_t)fmax(1, floor(system_value(p, "keep") * (double)seen)), see);
        system_attend(p, b, h, i, see, system_o(p, b, h, i));
    }
    free(score);
    free(see);
    return ok;
}

const system_case systems_decode_tokens[] = {
    {.recipe = "loki",
     .b = 2,
     .h = 4,
     .hkv = 2,
     .nq = 3,
     .nk = 131,
     .d = 24,
     .dv = 20,
     .parameters = {{"rank", 0.3}, {"keep", 0.23}},
     .inputs = {{.name = "basis", .shape = {1, 2, 24, 24}, .scale = 0.2}},
     .define = loki},
    {0},
};
