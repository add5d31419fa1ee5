/* A set's description in the engine's terms, read word by word: one pair, one node after another. */
#include "oracle/patterns.h"

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }
static int64_t floor_mod(int64_t a, int64_t b) { return a - floor_div(a, b) * b; }

/* One segment, and a pair in it. */
typedef struct scene {
    const tsr_set_desc *d;
    int64_t nq, nk;       /* of the segment */
    int64_t q, k;         /* in the segment */
    int64_t q_all, k_all; /* in the whole, for ids */
} scene;

/* Number of places of an axis. */
static int64_t extent(const scene *s, tsr_axis axis, bool of_queries)
{
    if (axis == TSR_AXIS_TOKEN) return of_queries ? s->d->query_first + s->nq : s->nk;
    return s->d->grid[axis - TSR_AXIS_T];
}

/* false: the token is not on the axis. */
static bool coordinate(const scene *s, tsr_axis axis, int64_t token, int64_t *x)
{
    const int64_t *g = s->d->grid, place = token - s->d->text_before;
    *x = token;
    if (axis == TSR_AXIS_TOKEN) return true;
    if (place < 0 || place >= g[0] * g[1] * g[2]) return false;
    *x = axis == TSR_AXIS_T ? place / (g[1] * g[2]) : axis == TSR_AXIS_H ? place / g[2] % g[1] : place % g[2];
    return true;
}

static int64_t scaled(const tsr_set_node *n, int64_t x)
{
    const int64_t y = floor_div(x + n->origin, n->div ? n->div : 1);
    return n->mod ? floor_mod(y, n->mod) : y;
}

/* Beyond any place, with room to add. */
static int64_t near(int64_t x)
{
    const int64_t far = INT64_C(1) << 50;
    return x > far ? far : x < -far ? -far : x;
}

static bool law(const scene *s, const tsr_set_node *n)
{
    int64_t xq, xk;
    if (!coordinate(s, n->axis, s->q + s->d->query_first, &xq) || !coordinate(s, n->axis, s->k, &xk)) return false;
    xq += n->shift + (n->flags & TSR_LAW_BOTTOM_RIGHT ? s->nk - s->nq : 0);
    const int64_t d = n->dilation ? near(n->dilation) : 1, stride = n->stride ? near(n->stride) : 1, yq = scaled(n, xq), yk = scaled(n, xk);
    if (floor_mod(yq, d) != floor_mod(yk, d)) return false;
    const int64_t p = floor_div(yq, d), key = floor_div(yk, d), causal = (n->flags & TSR_LAW_CAUSAL) != 0;
    int64_t c = floor_div(p, stride) * stride + (causal ? stride - 1 : stride / 2);
    const int64_t axis = scaled(n, extent(s, n->axis, false) - 1) + 1, length = axis / d + (floor_mod(yq, d) < axis % d);
    if (n->flags & TSR_LAW_INWARD && c > length - 1) c = length - 1;
    int64_t low = n->left == TSR_UNBOUNDED ? INT64_MIN : c - near(n->left), high = n->right == TSR_UNBOUNDED ? INT64_MAX : c + near(n->right);
    if (n->flags & TSR_LAW_INWARD && !causal) {
        const int64_t size = high - low;
        if (high > length - 1) low = length - 1 - size;
        if (low < 0) low = 0;
        high = low + size;
    }
    if (causal && high > p) high = p;
    if (n->flags & TSR_LAW_POWERS) {
        const int64_t distance = key > p ? key - p : p - key;
        if (distance & (distance - 1)) return false;
    }
    return low <= key && key <= high;
}

/* QUERIES or KEYS. */
static bool range(const scene *s, const tsr_set_node *n, bool of_queries)
{
    int64_t x;
    if (!coordinate(s, n->axis, of_queries ? s->q + s->d->query_first : s->k, &x)) return false;
    const int64_t end = scaled(n, extent(s, n->axis, of_queries) - 1) + 1, y = scaled(n, x);
    const int64_t first = n->first < 0 ? end + n->first : n->first, last = n->last < 0 ? end + n->last : n->last;
    return first <= y && y < last;
}

static bool ids(const scene *s, const tsr_set_node *n)
{
    const int32_t a = n->query_ids[s->q_all], b = n->key_ids[s->k_all];
    return n->test == TSR_IDS_EQUAL ? a == b : n->test == TSR_IDS_AT_LEAST ? a >= b : (a & b) != 0;
}

static bool blocks(const scene *s, const tsr_set_node *n)
{
    const int64_t row = s->q / n->block_q, column = s->k / n->block_k;
    return row < n->block_rows && column < n->block_columns && n->blocks[row * n->block_columns + column] != 0;
}

static bool leaf(const scene *s, const tsr_set_node *n)
{
    switch (n->op) {
    case TSR_SET_LAW:
        return law(s, n);
    case TSR_SET_QUERIES:
        return range(s, n, true);
    case TSR_SET_KEYS:
        return range(s, n, false);
    case TSR_SET_IDS:
        return ids(s, n);
    default:
        return blocks(s, n);
    }
}

static bool formula(const scene *s)
{
    enum { DEPTH = 64 };
    bool stack[DEPTH] = {true};
    size_t top = 0;
    for (size_t i = 0; i < s->d->node_count; i++) {
        const tsr_set_node *n = &s->d->nodes[i];
        if (n->op == TSR_SET_NOT) {
            stack[top - 1] = !stack[top - 1];
        } else if (n->op == TSR_SET_ALL_OF || n->op == TSR_SET_ANY_OF) {
            uint32_t hold = 0;
            for (uint32_t c = 0; c < n->count; c++) hold += stack[--top];
            stack[top++] = n->op == TSR_SET_ALL_OF ? hold == n->count : hold > 0;
        } else {
            stack[top++] = leaf(s, n);
        }
    }
    return stack[0];
}

bool oracle_nodes_see(const tsr_set_desc *d, int64_t nq, int64_t nk, int64_t i, int64_t j)
{
    scene s = {d, nq, nk, i, j, i, j};
    for (size_t n = 0; n < d->segments; n++) {
        const int64_t *q = d->cu_queries + n, *k = d->cu_keys + n;
        const bool query_in = q[0] <= i && i < q[1], key_in = k[0] <= j && j < k[1];
        if (query_in != key_in) return false;
        if (query_in) s = (scene){d, q[1] - q[0], k[1] - k[0], i - q[0], j - k[0], i, j};
    }
    return formula(&s);
}
