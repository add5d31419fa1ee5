/* Kinds of heads, and which pairs are a head's pattern. */
#include <stdlib.h>
#include <string.h>

#include "realistic_internal.h"

int64_t realistic_tokens(const realistic_desc *d) { return d->grid[0] * d->grid[1] * d->grid[2] + d->text; }

const char *realistic_name(realistic_kind kind)
{
    static const char *const names[REALISTIC_KINDS] = {"local", "slash", "spatial", "temporal", "cluster", "sink", "vertical", "low rank"};
    return names[kind];
}

oracle_rng realistic_rng(const realistic_desc *d, int64_t b, int64_t head, int use)
{
    const uint64_t parts[] = {(uint64_t)b, (uint64_t)head, (uint64_t)use};
    uint64_t seed = d->seed;
    for (int i = 0; i < 3; i++) {
        oracle_rng r = oracle_seed(seed ^ parts[i]);
        seed = oracle_next(&r);
    }
    return oracle_seed(seed);
}

double realistic_uniform(oracle_rng *r) { return (double)(oracle_next(r) >> 11) * 0x1p-53; }

void realistic_place(const int64_t grid[3], int64_t i, int64_t at[3])
{
    at[2] = i % grid[2];
    at[1] = i / grid[2] % grid[1];
    at[0] = i / grid[2] / grid[1];
}

static realistic_kind kind_of(const int64_t grid[3], int64_t kv_head)
{
    const bool frames = grid[0] > 1 && grid[1] * grid[2] > 1;
    const int64_t turn = kv_head % (frames ? REALISTIC_KINDS : REALISTIC_KINDS - 2);
    return (realistic_kind)(frames || turn < REALISTIC_SPATIAL ? turn : turn + 2);
}

/* Blobs of the grid, each of a content that others elsewhere have too. */
static void draw_content(const realistic_desc *d, int64_t b, realistic_pattern *p)
{
    oracle_rng r = realistic_rng(d, b, 0, REALISTIC_FOR_CONTENT);
    const uint64_t salt = oracle_next(&r);
    const int64_t blob[3] = {2, p->grid[1] > 1 ? 3 : 1, p->grid[1] > 1 ? 4 : 16};
    p->contents = (int32_t)(p->tokens / 24 < 2 ? 2 : p->tokens / 24 > 12 ? 12 : p->tokens / 24);
    for (int64_t i = 0; i < p->tokens; i++) {
        int64_t at[3] = {0, -1, i};
        if (i < p->places) realistic_place(p->grid, i, at);
        uint64_t key = salt;
        for (int a = 0; a < 3; a++) {
            oracle_rng mix = oracle_seed(key ^ (uint64_t)(at[a] < 0 ? at[a] : at[a] / blob[a]));
            key = oracle_next(&mix);
        }
        p->content[i] = (int32_t)(key % (uint64_t)p->contents);
    }
}

bool realistic_pattern_make(const realistic_desc *d, int64_t b, int64_t kv_head, realistic_pattern *out)
{
    realistic_pattern *p = out;
    const int64_t *grid = d->grid;
    *p = (realistic_pattern){.kind = kind_of(grid, kv_head), .tokens = realistic_tokens(d), .reach = {-1, -1, -1}};
    p->places = p->tokens - d->text;
    memcpy(p->grid, grid, sizeof(p->grid));
    p->content = malloc((size_t)p->tokens * sizeof(*p->content));
    p->column = calloc((size_t)p->tokens, 1);
    if (!p->content || !p->column) {
        realistic_pattern_free(p);
        return false;
    }
    draw_content(d, b, p);
    for (int a = 0; a < 3; a++) { /* all kinds but these two decay on every axis, if only a little */
        const bool sharp = p->kind == REALISTIC_SLASH || p->kind == REALISTIC_SPATIAL || p->kind == REALISTIC_TEMPORAL;
        const bool counts = p->kind == REALISTIC_SPATIAL ? a == 0 : p->kind == REALISTIC_TEMPORAL ? a > 0 : true;
        if (counts && grid[a] > 1) p->reach[a] = sharp ? (a == 2 && p->kind == REALISTIC_SLASH) : grid[a] / 8 + 1;
    }
    oracle_rng r = realistic_rng(d, b, kv_head, REALISTIC_FOR_COLUMNS);
    if (grid[0] > 1)
        p->behind[0] = 1;
    else if (grid[1] > 1)
        p->behind[1] = 1;
    else
        p->behind[2] = p->places / 8 + oracle_below(&r, (uint32_t)(p->places / 8 + 1));
    const int64_t frame = grid[1] * grid[2];
    p->sinks = grid[0] > 1 ? frame : p->places < 4 ? p->places : 4;
    for (int64_t n = p->places / 64 + 1; n > 0; n--) p->column[oracle_below(&r, (uint32_t)p->places)] = 1;
    return true;
}

void realistic_pattern_free(realistic_pattern *p)
{
    free(p->content);
    free(p->column);
    p->content = NULL;
    p->column = NULL;
}

bool realistic_sees(const realistic_pattern *p, int64_t i, int64_t j)
{
    switch (p->kind) {
    case REALISTIC_CLUSTER:
        return p->content[i] == p->content[j];
    case REALISTIC_SINK:
        return j < p->sinks;
    case REALISTIC_VERTICAL:
        return p->column[j] != 0;
    case REALISTIC_LOW_RANK:
        return true;
    default:
        break;
    }
    if (j >= p->places) return false;
    int64_t from[3], to[3];
    realistic_place(p->grid, i, from);
    realistic_place(p->grid, j, to);
    for (int a = 0; a < 3; a++) {
        if (p->kind == REALISTIC_SLASH) from[a] = from[a] < p->behind[a] ? 0 : from[a] - p->behind[a];
        if (p->reach[a] >= 0 && llabs(from[a] - to[a]) > p->reach[a]) return false;
    }
    return true;
}
