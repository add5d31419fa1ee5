/* What a set holds, pair by pair, by the definitions of its leaves. */
#include <inttypes.h>

#include "set.h"

/* One leaf for one pair of a segment, by its definition. *failed is set where there is no memory. */
static bool leaf_holds(const tsr_sequence *s, const tsr_set_node *n, int64_t q, int64_t k, bool *failed)
{
    const int64_t q_token = q + s->set->query_first;
    int64_t xq, xk, first, last;
    switch (n->op) {
    case TSR_SET_LAW: {
        if (!tsr_axis_place(s, n->axis, q_token, &xq) || !tsr_axis_place(s, n->axis, k, &xk)) return false;
        const tsr_law_view view = tsr_law_of(s, n, xq);
        return tsr_law_sees(n, &view, tsr_law_coordinate(n, xk));
    }
    case TSR_SET_QUERIES:
    case TSR_SET_KEYS:
        if (!tsr_axis_place(s, n->axis, n->op == TSR_SET_KEYS ? k : q_token, &xk)) return false;
        tsr_range_of(s, n, &first, &last);
        xk = tsr_law_coordinate(n, xk);
        return xk >= first && xk < last;
    case TSR_SET_IDS:
        return tsr_ids_hold(n, n->query_ids[s->first_q + q], n->key_ids[s->first_k + k]);
    case TSR_SET_BLOCKS: {
        const int64_t row = q / n->block_q, column = k / n->block_k;
        return row < n->block_rows && column < n->block_columns && n->blocks[row * n->block_columns + column];
    }
    default: {
        uint64_t bits = 0;
        if (!tsr_set_expression_bits(s, n, &q, 1, k, 1, &bits)) *failed = true;
        return bits != 0;
    }
    }
}

tsr_status tsr_set_contains(const tsr_set *set, int64_t nq, int64_t nk, int64_t q, int64_t k, int *holds)
{
    if (!holds) return tsr_fail(TSR_ERROR_ARGUMENT, "argument holds is NULL");
    const tsr_status s = tsr_set_check(set, nq, nk);
    if (s != TSR_OK) return s;
    if (q < 0 || q >= nq) return tsr_fail(TSR_ERROR_ARGUMENT, "argument q is %" PRId64 "; expected one of %" PRId64 " queries", q, nq);
    if (k < 0 || k >= nk) return tsr_fail(TSR_ERROR_ARGUMENT, "argument k is %" PRId64 "; expected one of %" PRId64 " keys", k, nk);
    size_t segment = 0;
    while (set->segments && set->cu_queries[segment + 1] <= q) segment++;
    const tsr_sequence sequence = tsr_set_sequence(set, segment, nq, nk);
    *holds = 0;
    if (k < sequence.first_k || k >= sequence.first_k + sequence.nk) return TSR_OK;
    bool stack[TSR_SET_MAX_DEPTH + 1] = {true};
    size_t top = 0;
    bool failed = false;
    for (size_t i = 0; i < set->node_count; i++) {
        const tsr_set_node *n = &set->nodes[i];
        if (n->op < TSR_SET_ALL_OF) {
            stack[top++] = leaf_holds(&sequence, n, q - sequence.first_q, k - sequence.first_k, &failed);
            continue;
        }
        bool value = n->op == TSR_SET_ALL_OF;
        for (uint32_t a = 0; a < n->count; a++) {
            const bool operand = stack[--top];
            value = n->op == TSR_SET_ALL_OF ? value && operand : n->op == TSR_SET_ANY_OF ? value || operand : !operand;
        }
        stack[top++] = value;
    }
    if (failed) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory to evaluate an expression");
    *holds = stack[0];
    return TSR_OK;
}
