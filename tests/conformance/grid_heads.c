/* The sets of a problem's heads: pairs for the reference, descriptions for the engine. */
#include <math.h>
#include <stdlib.h>

#include "conformance/set_encode.h"
#include "grid.h"

static int all_heads(const grid_case *c) { return c->batch * c->heads; }

/* Whether batches differ: a table for each of them then. */
static bool by_batch(const grid_case *c) { return c->batch > 1 && c->set_count % 2 == 0; }

static uint32_t set_of(const grid_case *c, int h) { return (uint32_t)((h % c->heads + (by_batch(c) ? h / c->heads : 0)) % c->set_count); }

/* Pairs that the band lets through. */
static void cut_by_band(const grid_run *g, const oracle_set *s, uint64_t *pairs)
{
    const grid_case *c = g->c;
    const int64_t step = g->rows.step ? g->rows.step : 1;
    for (int64_t i = g->rows.first; i < c->nq; i += step)
        for (int64_t j = 0; j < c->nk; j++)
            if (!oracle_set_band(s, &c->band, c->nq, c->nk, i, j))
                pairs[(size_t)(i / step) * oracle_words(c->nk) + (size_t)j / 64] &= ~(UINT64_C(1) << j % 64);
}

bool grid_make_pairs(grid_run *g)
{
    const grid_case *c = g->c;
    for (int i = 0; c->sets && i < c->set_count; i++) {
        g->heads.pairs[i] = oracle_set_pairs(&c->sets[i], c->nq, c->nk, g->rows);
        if (!g->heads.pairs[i]) return false;
        if (c->band.bounded) cut_by_band(g, &c->sets[i], g->heads.pairs[i]);
    }
    for (int h = 0; c->sets && h < all_heads(c); h++) g->heads.pairs_of[h] = g->heads.pairs[set_of(c, h)];
    return true;
}

tsr_status grid_make_sets(grid_run *g)
{
    const grid_case *c = g->c;
    tsr_status s = TSR_OK;
    if (!c->sets) return s;
    for (int i = 0; i < c->set_count && s == TSR_OK; i++) {
        set_encoding e;
        s = set_encode(&c->sets[i], c->nq, c->nk, &e) ? tsr_set_create(&e.desc, &g->heads.set[i]) : TSR_ERROR_HOST_MEMORY;
        set_encoding_free(&e);
    }
    for (int h = 0; h < all_heads(c); h++) g->heads.set_of[h] = set_of(c, h);
    g->desc.sets = (const tsr_set *const *)g->heads.set;
    g->desc.set_count = (uint32_t)c->set_count;
    g->desc.set_of_count = (uint32_t)(c->set_count == 1 ? 0 : by_batch(c) ? all_heads(c) : c->heads);
    g->desc.set_of = c->set_count == 1 ? NULL : g->heads.set_of;
    return s;
}

/* Pairs that attend, of all heads. */
static uint64_t count_pairs(const grid_run *g)
{
    const grid_case *c = g->c;
    uint64_t count = 0;
    for (int h = 0; h < all_heads(c); h++)
        for (int64_t i = 0; i < c->nq; i++)
            for (int64_t j = 0; j < c->nk; j++) count += oracle_pair(g->heads.pairs_of[h], c->nk, i, j);
    return count;
}

suite_verdict grid_check_plan(const grid_run *g, suite_run_context *run)
{
    const grid_case *c = g->c;
    tsr_attention_info info;
    const tsr_status s = tsr_attention_get_info(g->plan, &info);
    if (s != TSR_OK) return suite_error(run, s, "asking for the plan's figures");
    if (info.tiles_full > info.tiles_visited || !(info.waste >= 1))
        return suite_say(run, SUITE_FAIL, "the plan visits %llu tiles, %llu of them full, at a waste of %.3g", (unsigned long long)info.tiles_visited,
                         (unsigned long long)info.tiles_full, info.waste);
    if (c->row_step > 1) return SUITE_PASS;
    const uint64_t pairs = count_pairs(g);
    const double all = (double)all_heads(c) * c->nq * c->nk, density = all > 0 ? (double)pairs / all : 0;
    if (!(fabs(info.density - density) <= 1e-9))
        return suite_say(run, SUITE_FAIL, "the plan's density is %.9g; expected %.9g", info.density, density);
    if (info.flops != pairs * 2 * (uint64_t)(c->d + c->dv))
        return suite_say(run, SUITE_FAIL, "the plan counts %llu FLOPs; expected %llu", (unsigned long long)info.flops,
                         (unsigned long long)(pairs * 2 * (uint64_t)(c->d + c->dv)));
    return SUITE_PASS;
}

void grid_free_heads(grid_run *g)
{
    for (int i = 0; i < GRID_SETS; i++) {
        tsr_set_destroy(g->heads.set[i]);
        free(g->heads.pairs[i]);
    }
}
