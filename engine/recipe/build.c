/* Postfix nodes of a set's formula, and what they point at. */
#include "build.h"

#include <stdlib.h>

/* The array with room for one more than count, grown where it was full; NULL: no memory, and the old one stays. */
static void *room(tsr_build *b, void *array, size_t count, size_t size)
{
    if (count != 0 && (count < 16 || (count & (count - 1)) != 0)) return array;
    void *grown = realloc(array, (count ? count * 2 : 16) * size);
    if (!grown && b->r.status == TSR_OK) b->r.status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a recipe's %zu entries", count);
    return grown;
}

void tsr_build_node(tsr_build *b, tsr_set_node node)
{
    if (b->r.status != TSR_OK) return;
    if (b->node_count == TSR_NODES_MAX) {
        tsr_reader_fail(&b->r, "makes a formula of more than %d nodes", TSR_NODES_MAX);
        return;
    }
    tsr_set_node *nodes = room(b, b->nodes, b->node_count, sizeof(*nodes));
    if (!nodes) return;
    b->nodes = nodes;
    b->nodes[b->node_count++] = node;
}

void tsr_build_all_of(tsr_build *b, uint32_t count)
{
    if (count > 1) tsr_build_node(b, (tsr_set_node){.op = TSR_SET_ALL_OF, .count = count});
}

void tsr_build_any_of(tsr_build *b, uint32_t count)
{
    if (count > 1) tsr_build_node(b, (tsr_set_node){.op = TSR_SET_ANY_OF, .count = count});
}

uint32_t tsr_build_fold(tsr_build *b, bool all, uint32_t pending)
{
    if (++pending < 4) return pending;
    if (all)
        tsr_build_all_of(b, pending);
    else
        tsr_build_any_of(b, pending);
    return 1;
}

void tsr_build_not(tsr_build *b) { tsr_build_node(b, (tsr_set_node){.op = TSR_SET_NOT}); }

void tsr_build_keys(tsr_build *b, tsr_axis axis, int64_t first, int64_t last)
{
    tsr_build_node(b, (tsr_set_node){.op = TSR_SET_KEYS, .axis = axis, .first = first, .last = last});
}

void tsr_build_queries(tsr_build *b, tsr_axis axis, int64_t first, int64_t last)
{
    tsr_build_node(b, (tsr_set_node){.op = TSR_SET_QUERIES, .axis = axis, .first = first, .last = last});
}

void tsr_build_causal(tsr_build *b, uint32_t align)
{
    tsr_build_node(b, (tsr_set_node){.op = TSR_SET_LAW, .left = TSR_UNBOUNDED, .right = 0, .flags = align});
}

void tsr_build_grid_only(tsr_build *b)
{
    tsr_build_queries(b, TSR_AXIS_T, 0, TSR_UNBOUNDED);
    tsr_build_keys(b, TSR_AXIS_T, 0, TSR_UNBOUNDED);
    tsr_build_all_of(b, 2);
}

void *tsr_build_own(tsr_build *b, void *memory)
{
    void **owned = memory ? room(b, b->owned, b->owned_count, sizeof(*owned)) : NULL;
    if (owned) {
        b->owned = owned;
        b->owned[b->owned_count++] = memory;
        return memory;
    }
    free(memory);
    if (b->r.status == TSR_OK) b->r.status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %s", b->r.path);
    return NULL;
}

void tsr_build_clear(tsr_build *b)
{
    for (size_t i = 0; i < b->owned_count; i++) free(b->owned[i]);
    free(b->owned);
    free(b->nodes);
    b->owned = NULL;
    b->nodes = NULL;
    b->owned_count = b->node_count = 0;
}

void tsr_build_expression(tsr_build *b, const cJSON *text, tsr_expression_kind kind, tsr_expression **out)
{
    char *joined = tsr_reader_text(&b->r, text);
    if (!joined) return;
    const tsr_expression_desc desc = {.text = joined,
                                      .kind = kind,
                                      .scalars = b->names->scalars,
                                      .scalar_count = b->names->scalar_count,
                                      .tensors = b->names->tensors,
                                      .tensor_count = b->names->tensor_count};
    tsr_reader_pass(&b->r, tsr_expression_create(&desc, out));
    free(joined);
}

void tsr_build_keep(tsr_build *b, tsr_expression *expression)
{
    tsr_expression **kept = expression ? room(b, b->expressions, b->expression_count, sizeof(*kept)) : NULL;
    if (kept) {
        b->expressions = kept;
        b->expressions[b->expression_count++] = expression;
    } else
        tsr_expression_destroy(expression);
}

uint32_t tsr_build_align(tsr_build *b, tsr_fields *f)
{
    static const char *const choices[] = {"top-left", "bottom-right", NULL};
    const bool bottom_right = tsr_fields_choice(f, "align", choices, b->align != 0) == 1;
    if (bottom_right && b->gridded) tsr_reader_fail(&b->r, "has the align 'bottom-right'; expected none on a grid, where query_first says it");
    return bottom_right ? TSR_LAW_BOTTOM_RIGHT : 0;
}

tsr_set *tsr_build_make_set(tsr_build *b, const cJSON *item, const int64_t *cu_queries, const int64_t *cu_keys, size_t segments)
{
    tsr_set *set = NULL;
    if (item) tsr_build_set(b, item);
    if (b->r.status == TSR_OK) {
        const tsr_set_desc desc = {.nodes = b->nodes,
                                   .node_count = b->node_count,
                                   .grid = {b->grid[0], b->grid[1], b->grid[2]},
                                   .text_before = b->text_before,
                                   .text_after = b->text_after,
                                   .query_first = b->query_first,
                                   .cu_queries = cu_queries,
                                   .cu_keys = cu_keys,
                                   .segments = segments};
        tsr_reader_pass(&b->r, tsr_set_create(&desc, &set));
    }
    tsr_build_clear(b);
    return set;
}
