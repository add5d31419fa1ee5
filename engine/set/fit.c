/* Sets and problems: a set's segments and axes among so many queries and keys, and whether it fits them. */
#include <inttypes.h>

#include "set.h"

tsr_sequence tsr_set_sequence(const tsr_set *set, size_t segment, int64_t nq, int64_t nk)
{
    if (!set->cu_queries) return (tsr_sequence){.set = set, .nq = nq, .nk = nk};
    const int64_t q = set->cu_queries[segment], k = set->cu_keys[segment];
    return (tsr_sequence){.set = set, .nq = set->cu_queries[segment + 1] - q, .nk = set->cu_keys[segment + 1] - k, .first_q = q, .first_k = k};
}

int64_t tsr_axis_extent(const tsr_sequence *s, tsr_axis axis) { return axis == TSR_AXIS_TOKEN ? s->nk : s->set->grid[axis - 1]; }

bool tsr_axis_place(const tsr_sequence *s, tsr_axis axis, int64_t token, int64_t *x)
{
    *x = token;
    if (axis == TSR_AXIS_TOKEN) return true;
    const int64_t *g = s->set->grid, at = token - s->set->text_before;
    if (at < 0 || at >= g[0] * g[1] * g[2]) return false;
    *x = axis == TSR_AXIS_T ? at / (g[1] * g[2]) : axis == TSR_AXIS_H ? at / g[2] % g[1] : at % g[2];
    return true;
}

static tsr_status check_sequence(const tsr_sequence *s, size_t segment)
{
    const tsr_set *set = s->set;
    if (set->gridded && s->nk + s->nq > 0) {
        const int64_t tokens = set->grid[0] * set->grid[1] * set->grid[2] + set->text_before + set->text_after;
        if (s->nk != tokens)
            return tsr_fail(TSR_ERROR_ARGUMENT,
                            "argument grid is [%" PRId64 ",%" PRId64 ",%" PRId64 "] with %" PRId64 " text tokens, %" PRId64
                            " together; expected the %" PRId64 " keys of segment %zu",
                            set->grid[0], set->grid[1], set->grid[2], set->text_before + set->text_after, tokens, s->nk, segment);
        if (set->query_first > s->nk || s->nq > s->nk - set->query_first)
            return tsr_fail(TSR_ERROR_ARGUMENT,
                            "argument query_first is %" PRId64 " with %" PRId64 " queries; expected them among %" PRId64 " tokens", set->query_first,
                            s->nq, s->nk);
    }
    for (size_t i = 0; i < set->node_count; i++) {
        const tsr_set_node *n = &set->nodes[i];
        if (n->op == TSR_SET_LAW && n->axis == TSR_AXIS_TOKEN && s->nk > 0) {
            const tsr_status status = tsr_law_check(n, i, s->nk);
            if (status != TSR_OK) return status;
        }
        if (n->op != TSR_SET_BLOCKS) continue;
        if ((s->nq + n->block_q - 1) / n->block_q > n->block_rows)
            return tsr_fail(TSR_ERROR_ARGUMENT,
                            "argument nodes[%zu].block_rows is %" PRId64 "; expected as many as the %" PRId64 " queries of segment %zu take", i,
                            n->block_rows, s->nq, segment);
        if ((s->nk + n->block_k - 1) / n->block_k > n->block_columns)
            return tsr_fail(TSR_ERROR_ARGUMENT,
                            "argument nodes[%zu].block_columns is %" PRId64 "; expected as many as the %" PRId64 " keys of segment %zu take", i,
                            n->block_columns, s->nk, segment);
    }
    return TSR_OK;
}

tsr_status tsr_set_check(const tsr_set *set, int64_t nq, int64_t nk)
{
    if (!set) return tsr_fail(TSR_ERROR_ARGUMENT, "argument set is NULL");
    if (nq < 0 || nq > INT32_MAX) return tsr_fail(TSR_ERROR_ARGUMENT, "argument nq is %" PRId64 "; expected 0 to 2^31 - 1", nq);
    if (nk < 0 || nk > INT32_MAX) return tsr_fail(TSR_ERROR_ARGUMENT, "argument nk is %" PRId64 "; expected 0 to 2^31 - 1", nk);
    if (set->segments && (set->cu_queries[set->segments] != nq || set->cu_keys[set->segments] != nk))
        return tsr_fail(TSR_ERROR_ARGUMENT,
                        "argument cu_queries and cu_keys end with %" PRId64 " and %" PRId64 "; expected %" PRId64 " queries and %" PRId64 " keys",
                        set->cu_queries[set->segments], set->cu_keys[set->segments], nq, nk);
    for (size_t i = 0; i < set->node_count; i++) {
        const tsr_set_node *n = &set->nodes[i];
        if (n->op == TSR_SET_IDS && (n->id_queries != nq || n->id_keys != nk))
            return tsr_fail(TSR_ERROR_ARGUMENT,
                            "argument nodes[%zu] has ids of %" PRId64 " queries and %" PRId64 " keys; expected %" PRId64 " and %" PRId64, i,
                            n->id_queries, n->id_keys, nq, nk);
    }
    for (size_t i = 0; i < (set->segments ? set->segments : 1); i++) {
        const tsr_sequence sequence = tsr_set_sequence(set, i, nq, nk);
        const tsr_status s = check_sequence(&sequence, i);
        if (s != TSR_OK) return s;
    }
    return TSR_OK;
}
