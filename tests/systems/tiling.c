/* Tokens in tiles of any kind. */
#include "tiling.h"

#include <stdlib.h>

tiling tiling_make(int64_t n, int64_t size, int64_t count)
{
    tiling t = {.n = n, .count = count ? count : (n + size - 1) / size, .tile = malloc((size_t)(n + 1) * sizeof(*t.tile))};
    for (int64_t i = 0; t.tile && i < n; i++) t.tile[i] = count ? 0 : i / size;
    return t;
}

void tiling_mean_rows(const tiling *t, const double *x, int64_t d, double *mean)
{
    for (int64_t tile = 0; tile < t->count; tile++) {
        double tokens = 0;
        for (int64_t c = 0; c < d; c++) mean[tile * d + c] = 0;
        for (int64_t i = 0; i < t->n; i++) {
            if (t->tile[i] != tile) continue;
            tokens++;
            for (int64_t c = 0; c < d; c++) mean[tile * d + c] += x[i * d + c];
        }
        for (int64_t c = 0; tokens > 0 && c < d; c++) mean[tile * d + c] /= tokens;
    }
}

double *tiling_means(const tiling *t, const double *x, int64_t d)
{
    double *mean = malloc((size_t)(t->count * d + 1) * sizeof(*mean));
    if (mean) tiling_mean_rows(t, x, d, mean);
    return mean;
}

double *tiling_scores(const system_problem *p, int64_t b, int64_t h, const tiling *q, const tiling *k, double scale)
{
    double *mean_q = tiling_means(q, system_q(p, b, h, 0), p->d), *mean_k = tiling_means(k, system_k(p, b, h, 0), p->d);
    double *score = mean_q && mean_k ? malloc((size_t)(q->count * k->count + 1) * sizeof(*score)) : NULL;
    for (int64_t i = 0; score && i < q->count * k->count; i++)
        score[i] = scale * system_dot(mean_q + i / k->count * p->d, mean_k + i % k->count * p->d, p->d);
    free(mean_q);
    free(mean_k);
    return score;
}

bool tiling_attend(const system_problem *p, int64_t b, int64_t h, const tiling *q, const tiling *k, const uint8_t *on, bool causal)
{
    uint8_t *see = malloc((size_t)p->nk + 1);
    if (!see) return false;
    for (int64_t i = 0; i < p->nq; i++) {
        for (int64_t j = 0; j < p->nk; j++) see[j] = on[q->tile[i] * k->count + k->tile[j]] && (!causal || j <= i + p->nk - p->nq);
        system_attend(p, b, h, i, see, system_o(p, b, h, i));
    }
    free(see);
    return true;
}

bool system_heads(system_problem *p, bool (*head)(system_problem *p, int64_t b, int64_t h))
{
    bool ok = true;
    for (int64_t i = 0; ok && i < p->b * p->h; i++) ok = head(p, i / p->h, i % p->h);
    return ok;
}
