/* Attention over selections that callers give as maps: tiles of any size, rows of one query, unions, bands, packed heads. */
#include "flow_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A row of the table: tiles of queries and keys of each map (0: everyone shares the map's only row or column), and what else is in it. */
typedef struct selected_case {
    const char *name;
    flow_sizes n;
    int64_t query_tile[2], key_tile[2]; /* of the second map: 0, none */
    int64_t map_heads;                  /* 0: as many as queries have */
    double share;                       /* of the tiles that are on */
    bool causal, batched, lse;
    int64_t left, right; /* both 0: no window */
} selected_case;

#define SIZES(b_, h_, hkv_, nq_, nk_, d_)                                                                                                            \
    {                                                                                                                                                \
        .b = b_, .h = h_, .hkv = hkv_, .nq = nq_, .nk = nk_, .d = d_, .dv = d_                                                                       \
    }

static const selected_case table[] = {
    {.name = "tile64", .n = SIZES(1, 2, 2, 512, 512, 64), .query_tile = {64}, .key_tile = {64}, .share = 0.3, .lse = true},
    {.name = "tile64-causal", .n = SIZES(1, 2, 1, 330, 330, 32), .query_tile = {64}, .key_tile = {64}, .share = 0.4, .causal = true, .lse = true},
    {.name = "tile128x64", .n = SIZES(2, 2, 2, 301, 467, 40), .query_tile = {128}, .key_tile = {64}, .share = 0.3, .batched = true},
    {.name = "tile64x128", .n = SIZES(1, 3, 1, 257, 641, 16), .query_tile = {64}, .key_tile = {128}, .share = 0.3, .map_heads = 1},
    {.name = "tile16", .n = SIZES(1, 2, 2, 161, 127, 32), .query_tile = {16}, .key_tile = {16}, .share = 0.2, .lse = true},
    {.name = "tile32x16-causal",
     .n = SIZES(1, 4, 2, 97, 211, 24),
     .query_tile = {32},
     .key_tile = {16},
     .share = 0.4,
     .causal = true,
     .map_heads = 2},
    {.name = "tile100x37", .n = SIZES(1, 2, 2, 331, 333, 32), .query_tile = {100}, .key_tile = {37}, .share = 0.25},
    {.name = "tile192x320", .n = SIZES(1, 1, 1, 401, 1103, 16), .query_tile = {192}, .key_tile = {320}, .share = 0.4},
    {.name = "rows", .n = SIZES(1, 2, 1, 67, 131, 16), .query_tile = {1}, .key_tile = {1}, .share = 0.1, .lse = true},
    {.name = "rows-tile64", .n = SIZES(1, 2, 1, 67, 331, 16), .query_tile = {1}, .key_tile = {64}, .share = 0.3, .causal = true},
    {.name = "decode-tokens", .n = SIZES(3, 4, 2, 1, 1031, 64), .query_tile = {1}, .key_tile = {1}, .share = 0.07, .batched = true, .lse = true},
    {.name = "one-row", .n = SIZES(1, 2, 2, 150, 260, 16), .query_tile = {0}, .key_tile = {64}, .share = 0.5},
    {.name = "one-column", .n = SIZES(1, 2, 2, 150, 70, 16), .query_tile = {16}, .key_tile = {0}, .share = 0.5, .lse = true},
    {.name = "union", .n = SIZES(1, 2, 2, 203, 300, 32), .query_tile = {64, 1}, .key_tile = {64, 1}, .share = 0.1, .lse = true},
    {.name = "union-aligned", .n = SIZES(1, 2, 2, 256, 384, 32), .query_tile = {64, 128}, .key_tile = {64, 128}, .share = 0.2},
    {.name = "union-causal", .n = SIZES(1, 2, 1, 203, 203, 32), .query_tile = {64, 0}, .key_tile = {32, 1}, .share = 0.15, .causal = true},
    {.name = "window", .n = SIZES(1, 2, 2, 190, 222, 32), .query_tile = {32}, .key_tile = {64}, .share = 0.6, .left = 50, .right = 9, .lse = true},
    {.name = "none", .n = SIZES(1, 2, 2, 70, 70, 16), .query_tile = {64}, .key_tile = {64}, .share = 0, .lse = true},
    {.name = "all", .n = SIZES(1, 2, 2, 129, 193, 64), .query_tile = {64}, .key_tile = {64}, .share = 1.1, .lse = true},
    {.name = "one-token", .n = SIZES(1, 1, 1, 1, 1, 8), .query_tile = {64}, .key_tile = {64}, .share = 1.1, .lse = true},
    {.name = "values160", .n = SIZES(1, 2, 2, 150, 260, 160), .query_tile = {64}, .key_tile = {32}, .share = 0.4, .lse = true},
    {.name = "long", .n = SIZES(1, 1, 1, 70, 20011, 16), .query_tile = {64}, .key_tile = {16}, .share = 0.2, .lse = true},
};

typedef struct selected_maps {
    const selected_case *c;
    flow_case *f;
    flow_array *map[2];
    flow_array *o, *lse;
    double density;
} selected_maps;

static bool on(const selected_maps *m, int64_t b, int64_t h, int64_t i, int64_t j)
{
    const selected_case *c = m->c;
    const int64_t at = i + c->n.nk - c->n.nq;
    if (c->causal && j > at) return false;
    if ((c->left || c->right) && (j < at - c->left || j > at + c->right)) return false;
    for (int s = 0; s < 2; s++)
        if (m->map[s] &&
            flow_at_head(m->map[s], b, h, c->n.h, c->query_tile[s] ? i / c->query_tile[s] : 0, c->key_tile[s] ? j / c->key_tile[s] : 0) != 0)
            return true;
    return false;
}

/* o and lse by the formula. */
static void reference(selected_maps *m)
{
    const flow_sizes *n = &m->c->n;
    double pairs = 0;
    for (int64_t b = 0; b < n->b; b++)
        for (int64_t h = 0; h < n->h; h++)
            for (int64_t i = 0; i < n->nq; i++) {
                double *const o = m->o->x + ((b * n->h + h) * n->nq + i) * n->dv, top = -INFINITY, sum = 0;
                for (int pass = 0; pass < 2; pass++)
                    for (int64_t j = 0; j < n->nk; j++) {
                        if (!on(m, b, h, i, j)) continue;
                        double s = 0;
                        for (int64_t d = 0; d < n->d; d++) s += flow_at(m->f->q, b, h, i, d) * flow_at_head(m->f->k, b, h, n->h, j, d);
                        s /= sqrt((double)n->d);
                        if (pass == 0) {
                            if (s > top) top = s;
                            continue;
                        }
                        const double e = exp(s - top);
                        sum += e;
                        pairs += 1;
                        for (int64_t d = 0; d < n->dv; d++) o[d] += e * flow_at_head(m->f->v, b, h, n->h, j, d);
                    }
                for (int64_t d = 0; d < n->dv && sum > 0; d++) o[d] /= sum;
                m->lse->x[(b * n->h + h) * n->nq + i] = sum > 0 ? top + log(sum) : -INFINITY;
            }
    m->density = pairs / ((double)(n->b * n->h) * (double)n->nq * (double)n->nk);
}

static void draw_map(selected_maps *m, int s)
{
    static const char *const names[] = {"m0", "m1"};
    const selected_case *c = m->c;
    const int64_t rows = c->query_tile[s] ? (c->n.nq + c->query_tile[s] - 1) / c->query_tile[s] : 1;
    const int64_t columns = c->key_tile[s] ? (c->n.nk + c->key_tile[s] - 1) / c->key_tile[s] : 1;
    m->map[s] = flow_case_input(m->f, names[s], TSR_F32, c->batched ? c->n.b : 1, c->map_heads ? c->map_heads : c->n.h, rows, columns);
    if (!m->map[s]) return;
    const int64_t size = m->map[s]->shape[0] * m->map[s]->shape[1] * rows * columns;
    for (int64_t i = 0; i < size; i++) m->map[s]->x[i] = (double)oracle_below(&m->f->rng, 1000) < c->share * 1000;
}

/* The report's density and that of the heads are those of the pairs. */
static void check_report(selected_maps *m)
{
    tsr_flow_report report;
    double *density = calloc((size_t)(m->c->n.b * m->c->n.h), sizeof(*density)), sum = 0;
    if (!density || !flow_case_ok(m->f)) {
        free(density);
        return;
    }
    const size_t heads = (size_t)(m->c->n.b * m->c->n.h);
    if (tsr_flow_get_report(m->f->flow, &report) != TSR_OK || tsr_flow_density(m->f->flow, density, heads) != TSR_OK)
        flow_case_fail(m->f, "report: %s", tsr_last_error());
    for (size_t h = 0; h < heads; h++) sum += density[h] / (double)heads;
    if (flow_case_ok(m->f) && !(fabs(report.density - m->density) < 1e-9 && fabs(sum - m->density) < 1e-9))
        flow_case_fail(m->f, "the report's density is %g, that of the heads %g; expected %g", report.density, sum, m->density);
    if (flow_case_ok(m->f) && report.tiles_visited > report.tiles_dense + 2 * heads * (uint64_t)(m->c->n.nq + 3))
        flow_case_fail(m->f, "%llu tiles visited of %llu", (unsigned long long)report.tiles_visited, (unsigned long long)report.tiles_dense);
    free(density);
}

static suite_verdict run_selected(const suite_case *sc, suite_run_context *run)
{
    const selected_case *c = sc->params;
    flow_case f;
    char maps[512], band[96] = "";
    flow_case_begin(&f, run, sc->name, c->n);
    selected_maps m = {.c = c, .f = &f};
    const int count = c->query_tile[1] || c->key_tile[1] ? 2 : 1;
    for (int s = 0; s < count; s++) draw_map(&m, s);
    f.wants_lse = c->lse;
    if (c->causal) snprintf(band, sizeof(band), ", 'causal': true");
    if (c->left || c->right) snprintf(band, sizeof(band), ", 'window': [%lld, %lld]", (long long)c->left, (long long)c->right);
    const int64_t far = 1000000;
    if (count == 1)
        snprintf(maps, sizeof(maps), "'select': 'm0', 'query_tiles': %lld, 'key_tiles': %lld", (long long)(c->query_tile[0] ? c->query_tile[0] : far),
                 (long long)(c->key_tile[0] ? c->key_tile[0] : far));
    else
        snprintf(maps, sizeof(maps),
                 "'select': [{'map': 'm0', 'query_tiles': %lld, 'key_tiles': %lld}, {'map': 'm1', 'query_tiles': %lld, 'key_tiles': %lld}]",
                 (long long)(c->query_tile[0] ? c->query_tile[0] : far), (long long)(c->key_tile[0] ? c->key_tile[0] : far),
                 (long long)(c->query_tile[1] ? c->query_tile[1] : far), (long long)(c->key_tile[1] ? c->key_tile[1] : far));
    char inputs[256] = "", *at = inputs;
    for (int s = 0; s < count && m.map[s]; s++)
        at += snprintf(at, sizeof(inputs) - (size_t)(at - inputs), "%s'm%d': {'shape': [%lld,%lld,%lld,%lld]}", s ? ", " : "", s,
                       (long long)m.map[s]->shape[0], (long long)m.map[s]->shape[1], (long long)m.map[s]->shape[2], (long long)m.map[s]->shape[3]);
    flow_case_start(&f, "{'inputs': {%s}, 'steps': {'o': {'attend': {%s%s}}}}", inputs, maps, band);
    m.o = flow_case_array(&f, c->n.b, c->n.h, c->n.nq, c->n.dv);
    m.lse = flow_case_array(&f, c->n.b, c->n.h, c->n.nq, 1);
    if (flow_case_ok(&f)) {
        reference(&m);
        flow_case_compare(&f, "o", m.o, 3e-6);
        flow_case_compare(&f, "o.lse", m.lse, 5e-6);
        check_report(&m);
    }
    return flow_case_end(&f);
}

int suite_add_flow_selected(suite *s)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char name[96];
        snprintf(name, sizeof(name), "flow/selected/%s", table[i].name);
        if (!suite_add(s, name, run_selected, &table[i], (int)i)) return 0;
    }
    return 1;
}
