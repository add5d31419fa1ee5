/* Random formulas, all of them valid. */
#include "formula.h"

#include <stdio.h>
#include <string.h>

#include "conformance/set_case.h"

/* Tokens of one segment. */
static int64_t draw_scene(oracle_rng *r, formula *f)
{
    int64_t tokens = set_between(r, 1, 120);
    if (oracle_below(r, 3)) {
        int64_t *grid = f->desc.grid;
        grid[0] = set_between(r, 1, 5);
        grid[1] = set_between(r, 1, 8);
        grid[2] = set_between(r, 1, 9);
        if (oracle_below(r, 3) == 0) f->desc.text_before = oracle_below(r, 20);
        if (oracle_below(r, 3) == 0) f->desc.text_after = oracle_below(r, 20);
        tokens = f->desc.text_before + grid[0] * grid[1] * grid[2] + f->desc.text_after;
    }
    return tokens;
}

static void draw_lengths(oracle_rng *r, formula *f)
{
    const int64_t tokens = draw_scene(r, f);
    f->nq = f->nk = tokens;
    if (f->desc.grid[0] && tokens > 1 && oracle_below(r, 3) == 0) { /* a part of the tokens begins somewhere */
        f->desc.query_first = set_between(r, 0, tokens - 1);
        f->nq = set_between(r, 1, tokens - f->desc.query_first);
    } else if (f->desc.grid[0] == 0 && oracle_below(r, 2)) {
        f->nq = set_between(r, 1, 150);
    }
    if (oracle_below(r, 4)) return;
    f->desc.segments = (size_t)set_between(r, 1, 3);
    for (size_t i = 0; i < f->desc.segments; i++) {
        f->cu_queries[i + 1] = f->cu_queries[i] + set_between(r, 0, f->nq);
        f->cu_keys[i + 1] = f->cu_keys[i] + f->nk;
    }
    f->desc.cu_queries = f->cu_queries;
    f->desc.cu_keys = f->cu_keys;
    f->nq = f->cu_queries[f->desc.segments];
    f->nk = f->cu_keys[f->desc.segments];
}

static tsr_axis draw_axis(oracle_rng *r, const formula *f) { return f->desc.grid[0] ? (tsr_axis)oracle_below(r, 4) : TSR_AXIS_TOKEN; }

/* A window that slides inwards. false: the segments have different lengths of the axis. */
static void draw_inward(oracle_rng *r, const formula *f, tsr_set_node *n)
{
    int64_t extent = f->desc.segments ? f->cu_keys[1] : f->nk;
    if (n->axis != TSR_AXIS_TOKEN) extent = f->desc.grid[n->axis - TSR_AXIS_T];
    n->div = oracle_below(r, 4);
    if (n->div) extent = (extent + n->div - 1) / n->div;
    const int64_t window = set_between(r, 1, extent);
    n->stride = set_between(r, 1, window);
    n->dilation = set_between(r, 1, extent / window);
    n->left = set_between(r, -2, window + 1);
    n->right = window - 1 - n->left;
    n->flags = TSR_LAW_INWARD | (oracle_below(r, 2) ? TSR_LAW_CAUSAL : 0);
}

/* Numbers at the ends of what 64 bits hold. */
static void draw_far(oracle_rng *r, tsr_set_node *n)
{
    static const int64_t ends[] = {INT64_MAX - 1, INT64_MAX, INT64_C(1) << 32, INT64_C(1) << 62};
    static const int64_t most = INT32_MAX;
    const uint32_t which = oracle_below(r, 5);
    const int64_t end = ends[oracle_below(r, 4)];
    if (which == 0) n->left = end;
    if (which == 1) n->right = end;
    if (which == 2) n->dilation = most;
    if (which == 3 && !(n->flags & TSR_LAW_POWERS)) n->stride = most;
    if (which == 4) n->shift = oracle_below(r, 2) ? INT64_C(1) << 40 : -(INT64_C(1) << 40);
    if (which > 1) return;
    int64_t *other = which == 0 ? &n->right : &n->left; /* the sum stays within 64 bits, or is endless */
    if (end != INT64_MAX && *other > 0 && *other != TSR_UNBOUNDED && end > INT64_MAX - 100) *other = 0;
}

static void draw_law(oracle_rng *r, const formula *f, tsr_set_node *n)
{
    n->op = TSR_SET_LAW;
    n->axis = draw_axis(r, f);
    if (oracle_below(r, 3) == 0) {
        draw_inward(r, f, n);
        return;
    }
    if (oracle_below(r, 3) == 0) n->origin = set_between(r, 0, 20);
    if (oracle_below(r, 2)) n->div = oracle_below(r, 6);
    if (oracle_below(r, 3) == 0) n->mod = set_between(r, 1, 20);
    if (oracle_below(r, 3) == 0) n->dilation = oracle_below(r, 5);
    if (oracle_below(r, 3) == 0) n->shift = set_between(r, -9, 9);
    n->left = set_between(r, -3, 20);
    n->right = set_between(r, n->left < 0 ? -n->left : -n->left < -3 ? -3 : -n->left, 20);
    if (oracle_below(r, 5) == 0) n->left = TSR_UNBOUNDED;
    if (oracle_below(r, 5) == 0) n->right = TSR_UNBOUNDED;
    if (oracle_below(r, 3) == 0) n->stride = set_between(r, 1, 12);
    if (oracle_below(r, 3) == 0) n->flags |= TSR_LAW_CAUSAL;
    if (n->axis == TSR_AXIS_TOKEN && oracle_below(r, 3) == 0) n->flags |= TSR_LAW_BOTTOM_RIGHT;
    if (n->stride <= 1 && oracle_below(r, 5) == 0) n->flags |= TSR_LAW_POWERS;
    if (oracle_below(r, 8) == 0) draw_far(r, n);
}

static void draw_range(oracle_rng *r, const formula *f, tsr_set_node *n)
{
    n->op = oracle_below(r, 2) ? TSR_SET_QUERIES : TSR_SET_KEYS;
    n->axis = draw_axis(r, f);
    if (oracle_below(r, 3) == 0) n->origin = oracle_below(r, 9);
    if (oracle_below(r, 3) == 0) n->div = oracle_below(r, 4);
    if (oracle_below(r, 3) == 0) n->mod = set_between(r, 1, 9);
    const bool plain = n->origin == 0 && n->div <= 1 && n->mod == 0;
    n->first = set_between(r, plain ? -12 : 0, 12);
    n->last = n->first < 0 ? (n->first < -1 && oracle_below(r, 2) ? set_between(r, n->first + 1, -1) : TSR_UNBOUNDED)
                           : (oracle_below(r, 3) ? n->first + oracle_below(r, 30) : TSR_UNBOUNDED);
}

static void draw_ids(oracle_rng *r, formula *f, tsr_set_node *n)
{
    n->op = TSR_SET_IDS;
    n->test = oracle_below(r, 3);
    n->query_ids = f->query_ids;
    n->key_ids = f->key_ids;
    n->id_queries = f->nq;
    n->id_keys = f->nk;
}

static void draw_blocks(oracle_rng *r, formula *f, tsr_set_node *n)
{
    n->op = TSR_SET_BLOCKS;
    n->blocks = f->blocks;
    n->block_q = set_between(r, 1 + f->nq / 30, 80);
    n->block_k = set_between(r, 1 + f->nk / 30, 80);
    n->block_rows = (f->nq + n->block_q - 1) / n->block_q;
    n->block_columns = (f->nk + n->block_k - 1) / n->block_k;
}

void formula_draw(oracle_rng *r, formula *f)
{
    memset(f, 0, sizeof(*f));
    draw_lengths(r, f);
    for (int i = 0; i < FORMULA_TOKENS; i++) {
        f->query_ids[i] = (int32_t)oracle_below(r, 4) - 1;
        f->key_ids[i] = (int32_t)oracle_below(r, 4) - 1;
        f->blocks[i] = oracle_below(r, 3) == 0;
    }
    const uint32_t leaves = 1 + oracle_below(r, 4);
    uint32_t open = 0;
    size_t count = 0;
    for (uint32_t i = 0; i < leaves; i++) {
        tsr_set_node *n = &f->node[count++];
        const uint32_t kind = oracle_below(r, 8);
        if (kind < 4) draw_law(r, f, n);
        if (kind == 4 || kind == 5) draw_range(r, f, n);
        if (kind == 6) draw_ids(r, f, n);
        if (kind == 7) draw_blocks(r, f, n);
        open++;
        if (oracle_below(r, 5) == 0) f->node[count++].op = TSR_SET_NOT;
        const uint32_t join = i + 1 == leaves ? open : oracle_below(r, open + 1);
        if (join < 2) continue;
        f->node[count++] = (tsr_set_node){.op = oracle_below(r, 2) ? TSR_SET_ALL_OF : TSR_SET_ANY_OF, .count = join};
        open -= join - 1;
    }
    f->desc.nodes = f->node;
    f->desc.node_count = count;
}

void formula_describe(const formula *f, char *text, size_t size)
{
    size_t at = (size_t)snprintf(text, size, "grid %lld,%lld,%lld text %lld,%lld first %lld, %lld queries, %lld keys, %zu segments",
                                 (long long)f->desc.grid[0], (long long)f->desc.grid[1], (long long)f->desc.grid[2], (long long)f->desc.text_before,
                                 (long long)f->desc.text_after, (long long)f->desc.query_first, (long long)f->nq, (long long)f->nk, f->desc.segments);
    for (size_t i = 1; i <= f->desc.segments && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, " (%lld,%lld)", (long long)f->cu_queries[i], (long long)f->cu_keys[i]);
    for (size_t i = 0; i < f->desc.node_count && at < size; i++) {
        const tsr_set_node *n = &f->node[i];
        at += (size_t)snprintf(text + at, size - at,
                               "\n  op %d axis %d origin %lld div %lld mod %lld left %lld right %lld stride %lld dilation %lld shift %lld flags %u "
                               "first %lld last %lld test %d blocks %lldx%lld count %u",
                               (int)n->op, (int)n->axis, (long long)n->origin, (long long)n->div, (long long)n->mod, (long long)n->left,
                               (long long)n->right, (long long)n->stride, (long long)n->dilation, (long long)n->shift, n->flags, (long long)n->first,
                               (long long)n->last, (int)n->test, (long long)n->block_q, (long long)n->block_k, n->count);
    }
}
