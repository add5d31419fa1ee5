/* Sets: checking and copying formulas. */
#include "set.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const op_names[] = {"none", "law", "queries", "keys", "ids", "blocks", "expression", "all_of", "any_of", "not"};

static tsr_status fail_field(size_t index, const char *field, int64_t value, const char *expected)
{
    return tsr_fail(TSR_ERROR_ARGUMENT, "argument nodes[%zu].%s is %" PRId64 "; expected %s", index, field, value, expected);
}

static tsr_status check_law(size_t i, const tsr_set_node *n)
{
    const bool bounded = n->left != TSR_UNBOUNDED && n->right != TSR_UNBOUNDED;
    int64_t window = 0;
    if (n->flags & ~(uint32_t)(TSR_LAW_CAUSAL | TSR_LAW_INWARD | TSR_LAW_BOTTOM_RIGHT | TSR_LAW_POWERS))
        return fail_field(i, "flags", n->flags, "TSR_LAW_* together");
    if (bounded && (!tsr_add(n->left, n->right, &window) || window < 0)) return fail_field(i, "right", n->right, "left + right of 0 or more");
    if (n->dilation < 1 || n->dilation > INT32_MAX) return fail_field(i, "dilation", n->dilation, "1 to 2^31 - 1");
    if (n->stride < 1 || n->stride > INT32_MAX) return fail_field(i, "stride", n->stride, "1 to 2^31 - 1");
    if (n->left < -TSR_LAW_FAR) return fail_field(i, "left", n->left, "-2^42 or more");
    if (n->right < -TSR_LAW_FAR) return fail_field(i, "right", n->right, "-2^42 or more");
    if (bounded && n->flags & TSR_LAW_INWARD && n->stride > window + 1)
        return fail_field(i, "stride", n->stride, "at most the window, left + right + 1");
    if (n->flags & TSR_LAW_INWARD && (!bounded || n->origin || n->mod || n->shift || n->flags & TSR_LAW_BOTTOM_RIGHT))
        return fail_field(i, "flags", n->flags, "no INWARD, or a bounded window without origin, mod and shift");
    if (n->flags & TSR_LAW_POWERS && n->stride != 1) return fail_field(i, "stride", n->stride, "1, with POWERS");
    if (n->flags & TSR_LAW_BOTTOM_RIGHT && n->axis != TSR_AXIS_TOKEN) return fail_field(i, "axis", n->axis, "TSR_AXIS_TOKEN, with BOTTOM_RIGHT");
    if (n->shift < -(INT64_C(1) << 40) || n->shift > INT64_C(1) << 40) return fail_field(i, "shift", n->shift, "within 2^40 of 0");
    return TSR_OK;
}

static tsr_status check_node(size_t i, tsr_set_node *n, bool gridded)
{
    if (n->op < TSR_SET_LAW || n->op > TSR_SET_NOT) return fail_field(i, "op", (int64_t)n->op, "a tsr_set_op");
    if (n->op <= TSR_SET_KEYS) {
        if (n->axis > TSR_AXIS_W) return fail_field(i, "axis", (int64_t)n->axis, "a tsr_axis");
        if (n->axis != TSR_AXIS_TOKEN && !gridded) return fail_field(i, "axis", (int64_t)n->axis, "TSR_AXIS_TOKEN, as the set has no grid");
        if (n->div == 0) n->div = 1;
        if (n->div < 1 || n->div > INT32_MAX) return fail_field(i, "div", n->div, "0 to 2^31 - 1");
        if (n->mod < 0 || n->mod > INT32_MAX) return fail_field(i, "mod", n->mod, "0 to 2^31 - 1");
        if (n->origin < 0 || n->origin > INT32_MAX) return fail_field(i, "origin", n->origin, "0 to 2^31 - 1");
    }
    if (n->op == TSR_SET_LAW) {
        if (n->stride == 0) n->stride = 1;
        if (n->dilation == 0) n->dilation = 1;
        if (n->left > TSR_LAW_FAR) n->left = TSR_UNBOUNDED;
        if (n->right > TSR_LAW_FAR) n->right = TSR_UNBOUNDED;
        return check_law(i, n);
    }
    if (n->op == TSR_SET_IDS) {
        if (!n->query_ids || !n->key_ids)
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument nodes[%zu].%s is NULL; expected one id for each", i,
                            n->query_ids ? "key_ids" : "query_ids");
        if (n->id_queries < 0) return fail_field(i, "id_queries", n->id_queries, "0 or more");
        if (n->id_keys < 0) return fail_field(i, "id_keys", n->id_keys, "0 or more");
        if (n->test > TSR_IDS_COMMON) return fail_field(i, "test", (int64_t)n->test, "a tsr_ids_test");
    }
    if (n->op == TSR_SET_BLOCKS) {
        int64_t cells;
        if (!n->blocks) return tsr_fail(TSR_ERROR_ARGUMENT, "argument nodes[%zu].blocks is NULL; expected a bitmap", i);
        if (n->block_q < 1 || n->block_q > INT32_MAX) return fail_field(i, "block_q", n->block_q, "1 to 2^31 - 1");
        if (n->block_k < 1 || n->block_k > INT32_MAX) return fail_field(i, "block_k", n->block_k, "1 to 2^31 - 1");
        if (n->block_rows < 0 || n->block_columns < 0 || !tsr_mul(n->block_rows, n->block_columns, &cells) || cells > INT64_C(1) << 32)
            return fail_field(i, "block_rows", n->block_rows, "block_rows x block_columns within 2^32");
    }
    if (n->op == TSR_SET_EXPRESSION) return tsr_set_expression_check(n, i);
    if (n->op == TSR_SET_NOT) n->count = 1;
    if (n->op >= TSR_SET_ALL_OF && n->count < 1) return fail_field(i, "count", n->count, "1 or more");
    return TSR_OK;
}

/* The formula leaves one set on the stack and never reaches below it. */
static tsr_status check_stack(const tsr_set *set)
{
    size_t depth = 0;
    for (size_t i = 0; i < set->node_count; i++) {
        const tsr_set_node *n = &set->nodes[i];
        if (n->op < TSR_SET_ALL_OF) {
            if (++depth > TSR_SET_MAX_DEPTH)
                return tsr_fail(TSR_ERROR_ARGUMENT, "argument nodes[%zu] is the %zuth set on the stack; expected at most %d", i, depth,
                                TSR_SET_MAX_DEPTH);
            continue;
        }
        if (n->count > depth)
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument nodes[%zu] (%s) takes %u sets; the stack holds %zu", i, op_names[n->op], n->count, depth);
        depth -= n->count - 1;
    }
    if (set->node_count && depth != 1) return tsr_fail(TSR_ERROR_ARGUMENT, "argument nodes leave %zu sets on the stack; expected 1", depth);
    return TSR_OK;
}

static tsr_status check_cumulative(const char *name, const int64_t *cu, size_t segments)
{
    if (cu[0] != 0) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s[0] is %" PRId64 "; expected 0", name, cu[0]);
    for (size_t i = 0; i < segments; i++)
        if (cu[i + 1] < cu[i])
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s[%zu] is %" PRId64 "; expected at least %" PRId64 ", the length before it", name, i + 1,
                            cu[i + 1], cu[i]);
    return TSR_OK;
}

static bool copy(const void *from, uint64_t count, size_t size, const void *to)
{
    void *p = malloc(count ? count * size : 1);
    if (p) memcpy(p, from, count * size);
    *(void **)(uintptr_t)to = p;
    return p != NULL;
}

/* From here on the set owns what its nodes point to. */
static tsr_status copy_arrays(tsr_set *set, const tsr_set_desc *desc)
{
    bool ok = true;
    for (size_t i = 0; i < set->node_count; i++) { /* first none is owned, so that a failure frees no caller's memory */
        set->nodes[i].query_ids = set->nodes[i].key_ids = NULL;
        set->nodes[i].blocks = NULL;
    }
    for (size_t i = 0; ok && i < set->node_count; i++) {
        tsr_set_node *n = &set->nodes[i];
        const tsr_set_node *from = &desc->nodes[i];
        if (n->op == TSR_SET_IDS)
            ok = copy(from->query_ids, (uint64_t)n->id_queries, sizeof(int32_t), &n->query_ids) &&
                 copy(from->key_ids, (uint64_t)n->id_keys, sizeof(int32_t), &n->key_ids);
        else if (n->op == TSR_SET_BLOCKS)
            ok = copy(from->blocks, (uint64_t)(n->block_rows * n->block_columns), 1, &n->blocks);
    }
    if (ok && set->segments)
        ok = copy(desc->cu_queries, set->segments + 1, sizeof(int64_t), &set->cu_queries) &&
             copy(desc->cu_keys, set->segments + 1, sizeof(int64_t), &set->cu_keys);
    return ok ? TSR_OK : tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the arrays of a set");
}

static tsr_status check_grid(const tsr_set_desc *desc, tsr_set *set)
{
    int64_t tokens = 1;
    set->gridded = desc->grid[0] || desc->grid[1] || desc->grid[2];
    for (int a = 0; set->gridded && a < 3; a++)
        if (desc->grid[a] < 1 || !tsr_mul(tokens, desc->grid[a], &tokens) || tokens > INT32_MAX)
            return tsr_fail(TSR_ERROR_ARGUMENT,
                            "argument grid is [%" PRId64 ",%" PRId64 ",%" PRId64 "]; expected extents of 1 or more, less than 2^31 tokens",
                            desc->grid[0], desc->grid[1], desc->grid[2]);
    const int64_t text[3] = {desc->text_before, desc->text_after, desc->query_first};
    static const char *const names[3] = {"text_before", "text_after", "query_first"};
    for (int i = 0; i < 3; i++)
        if (text[i] < 0 || text[i] > INT32_MAX || (text[i] && !set->gridded))
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is %" PRId64 "; expected 0 or more, and 0 without a grid", names[i], text[i]);
    memcpy(set->grid, desc->grid, sizeof(set->grid));
    set->text_before = desc->text_before, set->text_after = desc->text_after, set->query_first = desc->query_first;
    return TSR_OK;
}

static tsr_status fill(tsr_set *set, const tsr_set_desc *desc)
{
    tsr_status s = check_grid(desc, set);
    if (s != TSR_OK) return s;
    for (size_t i = 0; i < sizeof(desc->reserved) / sizeof(desc->reserved[0]); i++)
        if (desc->reserved[i]) return tsr_fail(TSR_ERROR_ARGUMENT, "argument reserved[%zu] is %" PRIu64 "; expected 0", i, desc->reserved[i]);
    if (desc->node_count > TSR_SET_MAX_NODES)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument node_count is %zu; expected at most %d", desc->node_count, TSR_SET_MAX_NODES);
    if (desc->node_count && !desc->nodes) return tsr_fail(TSR_ERROR_ARGUMENT, "argument nodes is NULL; expected %zu nodes", desc->node_count);
    if (desc->segments && (!desc->cu_queries || !desc->cu_keys))
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL; expected %zu lengths", desc->cu_queries ? "cu_keys" : "cu_queries",
                        desc->segments + 1);
    if (!desc->segments && (desc->cu_queries || desc->cu_keys))
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument segments is 0; expected the number of segments");
    if (desc->segments > INT32_MAX) return tsr_fail(TSR_ERROR_ARGUMENT, "argument segments is %zu; expected less than 2^31", desc->segments);
    if (desc->segments && ((s = check_cumulative("cu_queries", desc->cu_queries, desc->segments)) != TSR_OK ||
                           (s = check_cumulative("cu_keys", desc->cu_keys, desc->segments)) != TSR_OK))
        return s;
    if (desc->node_count) {
        set->nodes = malloc(desc->node_count * sizeof(*set->nodes));
        if (!set->nodes) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %zu nodes", desc->node_count);
        memcpy(set->nodes, desc->nodes, desc->node_count * sizeof(*set->nodes));
    }
    for (size_t i = 0; i < desc->node_count; i++)
        if ((s = check_node(i, &set->nodes[i], set->gridded)) != TSR_OK) return s;
    set->node_count = desc->node_count;
    set->segments = desc->segments;
    if ((s = check_stack(set)) != TSR_OK) {
        set->node_count = 0;
        return s;
    }
    for (size_t i = 0; i < set->node_count; i++) {
        const tsr_set_node *n = &set->nodes[i];
        if (n->op == TSR_SET_LAW && n->axis != TSR_AXIS_TOKEN && (s = tsr_law_check(n, i, set->grid[n->axis - 1])) != TSR_OK) {
            set->node_count = 0;
            return s;
        }
    }
    return copy_arrays(set, desc);
}

tsr_status tsr_set_create(const tsr_set_desc *desc, tsr_set **out)
{
    if (!desc || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", desc ? "out" : "desc");
    *out = NULL;
    tsr_set *set = calloc(1, sizeof(*set));
    if (!set) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a set");
    const tsr_status s = fill(set, desc);
    if (s == TSR_OK)
        *out = set;
    else
        tsr_set_destroy(set);
    return s;
}

void tsr_set_destroy(tsr_set *set)
{
    if (!set) return;
    for (size_t i = 0; i < set->node_count; i++) {
        free((void *)(uintptr_t)set->nodes[i].query_ids);
        free((void *)(uintptr_t)set->nodes[i].key_ids);
        free((void *)(uintptr_t)set->nodes[i].blocks);
    }
    free(set->nodes);
    free(set->cu_queries);
    free(set->cu_keys);
    free(set);
}
