/* The published patterns in the engine's terms: interval laws, ranges, ids and blocks, joined by a postfix formula. */
#include "conformance/set_encode.h"

#include <stdlib.h>

static tsr_set_node *push(set_encoding *e, tsr_set_op op)
{
    tsr_set_node *n = &e->node[e->count++];
    *n = (tsr_set_node){.op = op};
    return n;
}

static void join(set_encoding *e, tsr_set_op op, uint32_t count) { push(e, op)->count = count; }

static tsr_set_node *push_law(set_encoding *e, tsr_axis axis, int64_t left, int64_t right)
{
    tsr_set_node *n = push(e, TSR_SET_LAW);
    n->axis = axis;
    n->left = left;
    n->right = right;
    return n;
}

static void push_causal(set_encoding *e) { push_law(e, TSR_AXIS_TOKEN, TSR_UNBOUNDED, 0); }

/* A law by which the last query stands at the last key, wherever the queries begin. */
static tsr_set_node *push_last(set_encoding *e, const oracle_set *s, int64_t left, int64_t right)
{
    tsr_set_node *n = push_law(e, TSR_AXIS_TOKEN, left, right);
    n->flags = TSR_LAW_BOTTOM_RIGHT;
    n->shift = -s->query_first;
    return n;
}

static void push_range(set_encoding *e, tsr_set_op op, tsr_axis axis, int64_t first, int64_t last)
{
    tsr_set_node *n = push(e, op);
    n->axis = axis;
    n->first = first;
    n->last = last;
}

static void encode_natten(set_encoding *e, tsr_axis axis, const oracle_axis *a)
{
    tsr_set_node *n = push_law(e, axis, a->causal ? a->window - 1 : a->window / 2, a->causal ? 0 : a->window - 1 - a->window / 2);
    n->stride = a->stride;
    n->dilation = a->dilation;
    n->flags = TSR_LAW_INWARD | (a->causal ? TSR_LAW_CAUSAL : 0);
}

static void encode_sta(set_encoding *e, tsr_axis axis, const oracle_axis *a)
{
    const bool whole = a->window / 2 * 2 + 1 >= a->extent / a->stride;
    tsr_set_node *n = push_law(e, axis, whole ? TSR_UNBOUNDED : a->window / 2, whole ? TSR_UNBOUNDED : a->window / 2);
    n->div = a->stride;
    n->flags = whole ? 0 : TSR_LAW_INWARD;
}

static void encode_swin(set_encoding *e, tsr_axis axis, const oracle_axis *a)
{
    tsr_set_node *n = push_law(e, axis, 0, 0);
    n->div = a->window;
    n->origin = a->shift ? a->window - a->shift : 0;
}

static void encode_halo(set_encoding *e, tsr_axis axis, const oracle_axis *a)
{
    push_law(e, axis, a->stride / 2 + a->shift, a->stride - 1 - a->stride / 2 + a->shift)->stride = a->stride;
}

static void encode_frames(set_encoding *e, const oracle_pattern *p)
{
    push_law(e, TSR_AXIS_T, p->causal ? p->left - 1 : p->left, p->causal ? 0 : p->left);
    push_range(e, TSR_SET_KEYS, TSR_AXIS_T, 0, p->prefix);
    join(e, TSR_SET_ANY_OF, 2);
    if (!p->causal) return;
    push_law(e, TSR_AXIS_T, TSR_UNBOUNDED, 0);
    join(e, TSR_SET_ALL_OF, 2);
}

/* The axes together, and the text beside the grid on both sides. */
static void encode_grid(set_encoding *e, const oracle_set *s, const oracle_pattern *p)
{
    uint32_t axes = 0;
    int64_t tokens = 1;
    for (int i = 0; i < ORACLE_AXES; i++) {
        const oracle_axis *a = &p->axis[i];
        const tsr_axis axis = s->gridded ? TSR_AXIS_T + i : TSR_AXIS_TOKEN;
        tokens *= a->extent ? a->extent : 1;
        if (p->kind == ORACLE_FRAMES || (p->kind == ORACLE_HALO ? a->stride : a->window) == 0) continue;
        axes++;
        if (p->kind == ORACLE_NATTEN) encode_natten(e, axis, a);
        if (p->kind == ORACLE_STA) encode_sta(e, axis, a);
        if (p->kind == ORACLE_SWIN) encode_swin(e, axis, a);
        if (p->kind == ORACLE_HALO) encode_halo(e, axis, a);
    }
    if (p->kind == ORACLE_FRAMES)
        encode_frames(e, p);
    else
        join(e, TSR_SET_ALL_OF, axes);
    if (s->text_before + s->text_after == 0) return;
    push_range(e, TSR_SET_KEYS, TSR_AXIS_TOKEN, s->text_before, s->text_before + tokens);
    push(e, TSR_SET_NOT);
    push_range(e, TSR_SET_QUERIES, TSR_AXIS_TOKEN, s->text_before, s->text_before + tokens);
    push(e, TSR_SET_NOT);
    join(e, TSR_SET_ANY_OF, 3);
}

static int64_t bound(int64_t x) { return x < 0 ? TSR_UNBOUNDED : x; }

static void encode_flash(set_encoding *e, const oracle_set *s, const oracle_pattern *p)
{
    uint32_t parts = 1;
    push_last(e, s, bound(p->left), bound(p->right));
    if (p->prefix) {
        push_range(e, TSR_SET_KEYS, TSR_AXIS_TOKEN, 0, p->prefix);
        join(e, TSR_SET_ANY_OF, 2);
    }
    if (p->chunk) {
        push_last(e, s, p->chunk / 2, p->chunk - 1 - p->chunk / 2)->stride = p->chunk;
        parts++;
    }
    if (p->pad) {
        push_range(e, TSR_SET_KEYS, TSR_AXIS_TOKEN, p->pad, TSR_UNBOUNDED);
        parts++;
    }
    if (p->causal) {
        push_last(e, s, TSR_UNBOUNDED, 0);
        parts++;
    }
    join(e, TSR_SET_ALL_OF, parts);
}

typedef int32_t id_of(const oracle_pattern *p, int64_t x);

/* A number for each query, then one for each key. */
static bool encode_ids(set_encoding *e, const oracle_set *s, const oracle_pattern *p, int64_t nq, int64_t nk, tsr_ids_test test, id_of *of)
{
    int32_t *ids = malloc((size_t)(nq + nk + 1) * sizeof(*ids));
    if (!ids) return false;
    for (int64_t i = 0; i < nq; i++) ids[i] = of(p, s->query_first + i);
    for (int64_t j = 0; j < nk; j++) ids[nq + j] = of(p, j);
    e->owned[e->owns++] = ids;
    tsr_set_node *n = push(e, TSR_SET_IDS);
    n->query_ids = ids;
    n->key_ids = ids + nq;
    n->id_queries = nq;
    n->id_keys = nk;
    n->test = test;
    return true;
}

static bool encode_blocks(set_encoding *e, const oracle_pattern *p, int64_t nq, int64_t nk)
{
    const int64_t rows = (nq + p->count - 1) / p->count, columns = (nk + p->chunk - 1) / p->chunk;
    uint8_t *on = malloc((size_t)(rows * columns + 1));
    if (!on) return false;
    for (int64_t i = 0; i < rows * columns; i++) on[i] = oracle_block(p, i / columns, i % columns) ? 255 : 0;
    e->owned[e->owns++] = on;
    *push(e, TSR_SET_BLOCKS) =
        (tsr_set_node){.op = TSR_SET_BLOCKS, .blocks = on, .block_rows = rows, .block_columns = columns, .block_q = p->count, .block_k = p->chunk};
    return true;
}

static void encode_strided(set_encoding *e, const oracle_pattern *p)
{
    push_law(e, TSR_AXIS_TOKEN, p->count, 0);
    push_law(e, TSR_AXIS_TOKEN, TSR_UNBOUNDED, 0)->dilation = p->count;
    join(e, TSR_SET_ANY_OF, 2);
}

static void encode_fixed(set_encoding *e, const oracle_pattern *p)
{
    push_law(e, TSR_AXIS_TOKEN, 0, 0)->div = p->count;
    push_range(e, TSR_SET_KEYS, TSR_AXIS_TOKEN, p->count - p->prefix, p->count);
    e->node[e->count - 1].mod = p->count;
    join(e, TSR_SET_ANY_OF, 2);
    push_causal(e);
    join(e, TSR_SET_ALL_OF, 2);
}

static bool encode_sequence(set_encoding *e, const oracle_set *s, const oracle_pattern *p, int64_t nq, int64_t nk)
{
    const int64_t n = p->count;
    switch (p->kind) {
    case ORACLE_DOCUMENTS:
        return encode_ids(e, s, p, nq, nk, TSR_IDS_EQUAL, oracle_document);
    case ORACLE_MODALITIES:
        return encode_ids(e, s, p, nq, nk, TSR_IDS_COMMON, oracle_modality);
    case ORACLE_BLOCKS:
        return encode_blocks(e, p, nq, nk);
    case ORACLE_FLASH:
        encode_flash(e, s, p);
        return true;
    case ORACLE_KEYS:
        push_range(e, TSR_SET_KEYS, TSR_AXIS_TOKEN, p->left, bound(p->right));
        return true;
    case ORACLE_LAST_ROWS:
        push_range(e, TSR_SET_QUERIES, TSR_AXIS_TOKEN, -n, TSR_UNBOUNDED);
        return true;
    case ORACLE_BLOCK_DIAGONAL:
        push_law(e, TSR_AXIS_TOKEN, 0, 0)->div = n;
        return true;
    case ORACLE_BLOCK_CAUSAL:
        push_law(e, TSR_AXIS_TOKEN, TSR_UNBOUNDED, 0)->div = n;
        return true;
    case ORACLE_MINI_CAUSAL:
        push_law(e, TSR_AXIS_TOKEN, TSR_UNBOUNDED, 0)->mod = n;
        return true;
    case ORACLE_DILATED:
        push_law(e, TSR_AXIS_TOKEN, p->left, p->left)->dilation = n;
        return true;
    case ORACLE_STRIDED:
        encode_strided(e, p);
        return true;
    case ORACLE_FIXED:
        encode_fixed(e, p);
        return true;
    case ORACLE_POWERS:
        push_law(e, TSR_AXIS_TOKEN, p->left, 0)->flags = TSR_LAW_POWERS;
        return true;
    default:
        push_range(e, TSR_SET_KEYS, TSR_AXIS_TOKEN, 0, TSR_UNBOUNDED);
        return true;
    }
}

bool set_encode(const oracle_set *s, int64_t nq, int64_t nk, set_encoding *e)
{
    *e = (set_encoding){.count = 0};
    for (int i = 0; i < s->count; i++) {
        const oracle_pattern *p = &s->of[i];
        if (ORACLE_NATTEN <= p->kind && p->kind <= ORACLE_FRAMES)
            encode_grid(e, s, p);
        else if (!encode_sequence(e, s, p, nq, nk))
            return false;
        if (!p->causal || p->kind == ORACLE_FLASH || p->kind == ORACLE_FRAMES) continue;
        if (p->kind == ORACLE_LAST_ROWS)
            push_last(e, s, TSR_UNBOUNDED, 0);
        else
            push_causal(e);
        join(e, TSR_SET_ALL_OF, 2);
    }
    join(e, s->all ? TSR_SET_ALL_OF : TSR_SET_ANY_OF, (uint32_t)s->count);
    e->desc = (tsr_set_desc){.nodes = e->node,
                             .node_count = e->count,
                             .text_before = s->text_before,
                             .text_after = s->text_after,
                             .query_first = s->query_first,
                             .cu_queries = s->segments ? s->cu_queries : NULL,
                             .cu_keys = s->segments ? s->cu_keys : NULL,
                             .segments = (size_t)s->segments};
    for (int i = 0; s->gridded && i < ORACLE_AXES; i++) e->desc.grid[i] = s->of[0].axis[i].extent ? s->of[0].axis[i].extent : 1;
    return true;
}

void set_encoding_free(set_encoding *e)
{
    for (int i = 0; i < e->owns; i++) free(e->owned[i]);
}
