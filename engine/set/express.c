/* Leaves that are users' expressions: evaluated by the interpreter, a key and a tile of queries at a time. */
#include <stdlib.h>

#include "expression/expression.h"
#include "set.h"

tsr_status tsr_set_expression_check(const tsr_set_node *node, size_t index)
{
    if (!node->expression) return tsr_fail(TSR_ERROR_ARGUMENT, "argument nodes[%zu].expression is NULL; expected an expression", index);
    if (node->expression->kind != TSR_EXPRESSION_MASK)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument nodes[%zu].expression is a score; expected one of kind mask", index);
    return TSR_OK;
}

static int64_t place(const tsr_sequence *s, tsr_axis axis, int64_t token)
{
    int64_t x;
    return s->set->gridded && tsr_axis_place(s, axis, token, &x) ? x : -1;
}

bool tsr_set_expression_bits(const tsr_sequence *s, const tsr_set_node *node, const int64_t *rows, int count, int64_t first, int64_t keys,
                             uint64_t *bits)
{
    const tsr_expression *e = node->expression;
    const tsr_set *set = s->set;
    tsr_expression_lanes *lanes = aligned_alloc(64, (tsr_expression_lanes_size(e) + 63) / 64 * 64);
    if (!lanes) return false;
    int64_t q[4][TSR_EXPRESSION_LANES];
    for (int i = 0; i < count; i++) {
        q[0][i] = s->first_q + rows[i];
        for (int a = 1; a < 4; a++) q[a][i] = place(s, (tsr_axis)a, rows[i] + set->query_first);
    }
    tsr_expression_begin(lanes, e, NULL,
                         &(tsr_expression_queries){.count = count,
                                                   .q = q[0],
                                                   .qt = q[1],
                                                   .qh = q[2],
                                                   .qw = q[3],
                                                   .b = s->b,
                                                   .h = s->h,
                                                   .nq = set->segments ? set->cu_queries[set->segments] : s->nq,
                                                   .nk = set->segments ? set->cu_keys[set->segments] : s->nk});
    const bool grid = tsr_expression_reads(e, TSR_VAR_KT) || tsr_expression_reads(e, TSR_VAR_KH) || tsr_expression_reads(e, TSR_VAR_KW);
    for (int64_t k = 0; k < keys; k++) {
        tsr_expression_key key = {s->first_k + first + k, -1, -1, -1};
        if (grid) {
            key.kt = place(s, TSR_AXIS_T, first + k);
            key.kh = place(s, TSR_AXIS_H, first + k);
            key.kw = place(s, TSR_AXIS_W, first + k);
        }
        bits[k] = tsr_expression_mask64(lanes, &key);
    }
    free(lanes);
    return true;
}

bool tsr_set_by_head(const tsr_set *set)
{
    bool by_head = false;
    for (size_t i = 0; i < set->node_count; i++) {
        const tsr_expression *e = set->nodes[i].op == TSR_SET_EXPRESSION ? set->nodes[i].expression : NULL;
        by_head = by_head || (e && (tsr_expression_reads(e, TSR_VAR_B) || tsr_expression_reads(e, TSR_VAR_H)));
    }
    return by_head;
}
