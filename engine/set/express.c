/* Leaves that are users' expressions: evaluated by the interpreter, a key and a tile of queries at a time. */
#include "set.h"

tsr_status tsr_set_expression_check(const tsr_set_node *node, size_t index)
{
    (void)node;
    return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument nodes[%zu] is an expression", index);
}

uint64_t tsr_set_expression_bits(const tsr_sequence *s, const tsr_set_node *node, const int64_t *rows, int count, int64_t key)
{
    (void)s, (void)node, (void)rows, (void)count, (void)key;
    return 0;
}

bool tsr_set_by_head(const tsr_set *set)
{
    (void)set;
    return false;
}
