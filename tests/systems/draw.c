/* What the cases of systems draw for q, k and v: normal random numbers, or tensors with the structure that papers report. */
#include <stdlib.h>

#include "oracle/realistic.h"
#include "recipes.h"

static int64_t text_of(const system_case *c) { return c->grid[0] ? c->text_before + c->text_after : 0; }

bool system_can_structure(const system_case *c)
{
    return !c->random && c->d >= 8 && c->nq <= c->nk && (!c->grid[0] || c->grid[0] * c->grid[1] * c->grid[2] + text_of(c) == c->nk);
}

static void normal(oracle_rng *r, int64_t n, double *to)
{
    for (int64_t i = 0; i < n; i++) to[i] = (double)(float)oracle_normal(r);
}

/* Queries are those of the last tokens. */
static bool structure(const system_case *c, uint64_t seed, double *q, double *k, double *v)
{
    const int64_t group = c->h / c->hkv;
    const realistic_desc desc = {.batch = c->b,
                                 .heads = c->h,
                                 .heads_kv = c->hkv,
                                 .d = c->d,
                                 .dv = c->dv,
                                 .grid = {c->grid[0] ? c->grid[0] : 1, c->grid[0] ? c->grid[1] : 1, c->grid[0] ? c->grid[2] : c->nk},
                                 .text = text_of(c),
                                 .mass = 0.8,
                                 .noise = 0.3,
                                 .seed = seed};
    const int64_t rows = c->nk * c->d;
    float *room = malloc((size_t)((group + 1) * rows + c->nk * c->dv) * sizeof(*room)), *keys = room + group * rows, *values = keys + rows;
    realistic_head head;
    bool ok = room != NULL;
    for (int64_t i = 0; ok && i < c->b * c->hkv; i++) {
        ok = realistic_make(&desc, i / c->hkv, i % c->hkv, room, keys, values, &head);
        for (int64_t g = 0; ok && g < group; g++)
            for (int64_t e = 0; e < c->nq * c->d; e++) *q++ = (double)room[g * rows + (c->nk - c->nq) * c->d + e];
        for (int64_t e = 0; ok && e < rows; e++) *k++ = (double)keys[e];
        for (int64_t e = 0; ok && e < c->nk * c->dv; e++) *v++ = (double)values[e];
    }
    free(room);
    return ok;
}

bool system_draw(const system_case *c, bool structured, oracle_rng *r, double *q, double *k, double *v)
{
    if (structured) return structure(c, oracle_next(r), q, k, v);
    normal(r, c->b * c->h * c->nq * c->d, q);
    normal(r, c->b * c->hkv * c->nk * c->d, k);
    normal(r, c->b * c->hkv * c->nk * c->dv, v);
    return true;
}
