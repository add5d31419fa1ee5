/* The interval law: which positions of one axis a query sees. */
#include <inttypes.h>

#include "set.h"

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static int64_t floor_mod(int64_t a, int64_t b) { return a % b < 0 ? a % b + b : a % b; }

int64_t tsr_law_coordinate(const tsr_set_node *node, int64_t x)
{
    const int64_t y = floor_div(x + node->origin, node->div);
    return node->mod ? floor_mod(y, node->mod) : y;
}

int64_t tsr_law_coordinates(const tsr_set_node *node, int64_t extent)
{
    if (extent == 0) return 0;
    const int64_t all = floor_div(extent - 1 + node->origin, node->div) + 1;
    return node->mod && node->mod < all ? node->mod : all;
}

int64_t tsr_law_shift(const tsr_sequence *s, const tsr_set_node *node)
{
    return node->shift + (node->flags & TSR_LAW_BOTTOM_RIGHT ? s->nk - s->nq : 0);
}

/* Positions of a residue class among so many coordinates. */
static int64_t class_length(int64_t coordinates, int64_t dilation, int64_t residue)
{
    return coordinates / dilation + (residue < coordinates % dilation);
}

/* a + b, kept within the numbers that a window can reach. */
static int64_t reach(int64_t a, int64_t b)
{
    int64_t sum;
    return b == TSR_UNBOUNDED || !tsr_add(a, b, &sum) ? INT64_MAX - 1 : sum;
}

tsr_law_view tsr_law_of(const tsr_sequence *s, const tsr_set_node *node, int64_t x)
{
    const int64_t y = tsr_law_coordinate(node, x + tsr_law_shift(s, node)), d = node->dilation;
    tsr_law_view v = {.residue = floor_mod(y, d), .position = floor_div(y, d)};
    const int64_t length = class_length(tsr_law_coordinates(node, tsr_axis_extent(s, node->axis)), d, v.residue);
    const bool causal = node->flags & TSR_LAW_CAUSAL, inward = node->flags & TSR_LAW_INWARD;
    int64_t leader = floor_div(v.position, node->stride) * node->stride + (causal ? node->stride - 1 : node->stride / 2);
    if (inward && leader > length - 1) leader = length - 1;
    v.lo = node->left == TSR_UNBOUNDED ? 0 : leader - node->left;
    v.hi = reach(leader + 1, node->right);
    if (inward && !causal) {
        const int64_t window = v.hi - v.lo;
        if (v.lo > length - window) v.lo = length - window;
        if (v.lo < 0) v.lo = 0;
        v.hi = v.lo + window;
    }
    if (causal && v.hi > v.position + 1) v.hi = v.position + 1;
    if (v.lo < 0) v.lo = 0;
    if (v.hi > length) v.hi = length;
    if (v.hi < v.lo) v.hi = v.lo;
    return v;
}

bool tsr_law_sees(const tsr_set_node *node, const tsr_law_view *v, int64_t y)
{
    const int64_t position = floor_div(y, node->dilation);
    if (floor_mod(y, node->dilation) != v->residue || position < v->lo || position >= v->hi) return false;
    if (!(node->flags & TSR_LAW_POWERS)) return true;
    const uint64_t distance = (uint64_t)(position > v->position ? position - v->position : v->position - position);
    return (distance & (distance - 1)) == 0;
}

tsr_status tsr_law_check(const tsr_set_node *node, size_t index, int64_t extent)
{
    if (!(node->flags & TSR_LAW_INWARD)) return TSR_OK;
    static const char *const names[] = {"tokens", "T", "H", "W"};
    const int64_t window = node->left + node->right + 1, coordinates = tsr_law_coordinates(node, extent);
    if (window > coordinates)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument nodes[%zu] has a window of %" PRId64 "; expected at most %" PRId64 ", the extent of axis %s",
                        index, window, coordinates, names[node->axis]);
    if (window > coordinates / node->dilation)
        return tsr_fail(TSR_ERROR_ARGUMENT,
                        "argument nodes[%zu].dilation is %" PRId64 ", which leaves %" PRId64 " of the %" PRId64
                        " positions of axis %s; expected at least the window, %" PRId64,
                        index, node->dilation, coordinates / node->dilation, coordinates, names[node->axis], window);
    return TSR_OK;
}

void tsr_range_of(const tsr_sequence *s, const tsr_set_node *node, int64_t *first, int64_t *last)
{
    const bool tokens = node->op == TSR_SET_QUERIES && node->axis == TSR_AXIS_TOKEN;
    const int64_t extent = tsr_law_coordinates(node, tokens ? s->set->query_first + s->nq : tsr_axis_extent(s, node->axis));
    *first = node->first < 0 ? node->first + extent : node->first;
    *last = node->last == TSR_UNBOUNDED ? extent : node->last < 0 ? node->last + extent : node->last;
    if (*first < 0) *first = 0;
    if (*last > extent) *last = extent;
    if (*last < *first) *last = *first;
}

bool tsr_ids_hold(const tsr_set_node *node, int32_t query, int32_t key)
{
    return node->test == TSR_IDS_EQUAL ? query == key : node->test == TSR_IDS_AT_LEAST ? query >= key : ((uint32_t)query & (uint32_t)key) != 0;
}
