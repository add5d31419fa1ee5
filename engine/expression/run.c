/* Runs expressions on the host: one operation after the other over all queries. */
#include <string.h>

#include "lanes.h"

enum { LANES = TSR_EXPRESSION_LANES };

struct tsr_expression_lanes {
    const tsr_expression *e;
    const uint32_t *data;
    int count, blocks;               /* lanes beyond count repeat the first */
    int64_t variable[TSR_VAR_COUNT]; /* but those of the queries */
    tsr_lane_values values[];        /* of each node */
};

size_t tsr_expression_lanes_size(const tsr_expression *e) { return sizeof(tsr_expression_lanes) + e->node_count * sizeof(tsr_lane_values); }

static void read_tensor(const tsr_expression_lanes *l, const tsr_expression_node *n, float *out, int count)
{
    const uint32_t *t = l->data + TSR_USER_HEADER + l->e->scalar_count + (size_t)TSR_USER_TENSOR * n->slot, *data = l->data + t[0];
    uint64_t at[LANES] = {0};
    bool inside[LANES];
    for (int i = 0; i < count; i++) inside[i] = true;
    for (int a = 0; a < n->args; a++) {
        const tsr_lane_values *v = &l->values[n->arg[a]];
        const bool wide = tsr_expression_is_wide(&l->e->nodes[n->arg[a]]);
        const uint64_t extent = t[1 + 4 - n->args + a];
        for (int i = 0; i < count; i++) {
            const uint64_t index = (uint64_t)(wide ? v->wide[i] : v->whole[i]);
            inside[i] = inside[i] && index < extent; /* negative ones are huge */
            at[i] = at[i] * extent + index;
        }
    }
    for (int i = 0; i < count; i++) {
        memcpy(&out[i], &data[inside[i] ? at[i] : 0], sizeof(out[i]));
        if (!inside[i]) out[i] = 0.0f;
    }
}

static void fill_wide(tsr_lane_values *v, int64_t x)
{
    for (int i = 0; i < LANES; i++) v->wide[i] = x;
}

/* Of any type of 32 bits. */
static void fill(tsr_lane_values *v, uint32_t bits)
{
    int32_t x;
    memcpy(&x, &bits, sizeof(x));
    for (int i = 0; i < LANES; i++) v->whole[i] = x;
}

static void fill_whole(tsr_lane_values *v, const tsr_expression_node *n, int64_t x)
{
    if (tsr_expression_is_wide(n))
        fill_wide(v, x);
    else
        fill(v, (uint32_t)x);
}

/* Values of variables keep to the ranges that the program was made for. */
static int64_t within(const tsr_expression_node *n, int64_t x) { return x < n->low ? n->low : x > n->high ? n->high : x; }

/* Operations that have no arguments, where all lanes hold the same. */
static void load(const tsr_expression_lanes *l, const tsr_expression_node *n, tsr_lane_values *out)
{
    if (n->op == TSR_OP_VARIABLE) {
        if (n->depends != TSR_DEPENDS_QUERY) fill_whole(out, n, within(n, l->variable[n->slot]));
    } else if (n->op == TSR_OP_SCALAR) {
        fill(out, l->data[TSR_USER_HEADER + n->slot]);
    } else if (n->op == TSR_OP_CONSTANT && n->type == TSR_REAL) {
        uint32_t bits;
        memcpy(&bits, &n->real, sizeof(bits));
        fill(out, bits);
    } else if (n->op == TSR_OP_CONSTANT) {
        fill_whole(out, n, n->whole);
    }
}

static void run(tsr_expression_lanes *l, uint32_t first, uint32_t last)
{
    enum { MANY = TSR_DEPENDS_QUERY | TSR_DEPENDS_SCORE };
    const tsr_expression_node *nodes = l->e->nodes;
    for (uint32_t i = first; i < last; i++) {
        const tsr_expression_node *n = &nodes[i];
        tsr_lane_values *out = &l->values[i];
        if (n->args == 0) {
            load(l, n, out);
            continue;
        }
        /* What is the same for all queries is computed once. */
        const int blocks = n->depends & MANY ? l->blocks : 0;
        if (n->op == TSR_OP_TENSOR)
            read_tensor(l, n, out->real, blocks ? TSR_LANE_BLOCK * blocks : 1);
        else
            tsr_lanes_compute(nodes, l->values, i, blocks);
        if (blocks) continue;
        if (n->type == TSR_WHOLE && tsr_expression_is_wide(n))
            fill_wide(out, out->wide[0]);
        else
            fill(out, (uint32_t)out->whole[0]);
    }
}

void tsr_expression_begin(tsr_expression_lanes *l, const tsr_expression *e, const uint32_t *data, const tsr_expression_queries *queries)
{
    const int64_t *const q[] = {queries->q, queries->qt, queries->qh, queries->qw};
    l->e = e;
    l->data = data ? data : e->data;
    l->count = queries->count;
    l->blocks = (l->count + TSR_LANE_BLOCK - 1) / TSR_LANE_BLOCK;
    l->variable[TSR_VAR_B] = queries->b;
    l->variable[TSR_VAR_H] = queries->h;
    l->variable[TSR_VAR_NQ] = queries->nq;
    l->variable[TSR_VAR_NK] = queries->nk;
    for (uint32_t i = 0; i < e->first_key; i++) {
        const tsr_expression_node *n = &e->nodes[i];
        if (n->op != TSR_OP_VARIABLE || n->depends != TSR_DEPENDS_QUERY) continue;
        const int64_t *from = q[n->slot - TSR_VAR_Q];
        for (int lane = 0; lane < TSR_LANE_BLOCK * l->blocks; lane++)
            l->values[i].whole[lane] = from ? (int32_t)within(n, from[lane < l->count ? lane : 0]) : -1;
    }
    run(l, 0, e->first_key);
}

static void run_key(tsr_expression_lanes *l, const tsr_expression_key *key)
{
    l->variable[TSR_VAR_KV] = key->kv;
    l->variable[TSR_VAR_KT] = key->kt;
    l->variable[TSR_VAR_KH] = key->kh;
    l->variable[TSR_VAR_KW] = key->kw;
    run(l, l->e->first_key, l->e->node_count);
}

/* A bit for each lane, of 0 or 1. A product moves bits of 8 bytes, of which no two meet, side by side into the top byte. */
static uint64_t gather(const int32_t *truth, int lanes)
{
    const bool little = *(const uint8_t *)&(const uint16_t){1} == 1;
    const uint64_t factor = little ? UINT64_C(0x0102040810204080) : UINT64_C(0x8040201008040201);
    uint8_t bytes[LANES];
    uint64_t bits = 0;
    for (int i = 0; i < lanes; i++) bytes[i] = (uint8_t)truth[i];
    for (int i = 0; i < lanes; i += 8) {
        uint64_t eight;
        memcpy(&eight, bytes + i, sizeof(eight));
        bits |= (eight * factor >> 56) << i;
    }
    return bits;
}

uint64_t tsr_expression_mask64(tsr_expression_lanes *l, const tsr_expression_key *key)
{
    run_key(l, key);
    return gather(l->values[l->e->root].truth, TSR_LANE_BLOCK * l->blocks) & (UINT64_MAX >> (LANES - l->count));
}

void tsr_expression_score64(tsr_expression_lanes *l, const tsr_expression_key *key, float *scores)
{
    for (uint32_t i = l->e->first_key; i < l->e->node_count; i++)
        for (int lane = 0; l->e->nodes[i].op == TSR_OP_SCORE && lane < TSR_LANE_BLOCK * l->blocks; lane++)
            l->values[i].real[lane] = scores[lane < l->count ? lane : 0];
    run_key(l, key);
    memcpy(scores, l->values[l->e->root].real, (size_t)l->count * sizeof(scores[0]));
}
