/* Expressions: the tensors and numbers that texts stand for. */
#include <stdlib.h>
#include <string.h>

#include "flow/compute_args.h"
#include "value.h"

static flow_tensor nothing(void) { return (flow_tensor){.buffer = -1, .shape = {1, 1, 1, 1}}; }

static value_tree *parse(tsr_flow *f, const char *text, const value_scope *scope)
{
    if (f->r->status != TSR_OK) return NULL;
    value_tree *tree = malloc(sizeof(*tree)); /* texts lead to other texts: too large for the stack */
    if (!tree) f->r->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for an expression");
    if (tree && value_parse(f, text, scope, tree)) return tree;
    free(tree);
    return NULL;
}

static flow_tensor work_out(tsr_flow *f, const char *text, const value_scope *scope)
{
    value_tree *tree = parse(f, text, scope);
    if (!tree) return nothing();
    const value_node *root = &tree->nodes[tree->root];
    const flow_tensor t = root->op == COMPUTE_LOAD     ? tree->tensors[root->slot]
                          : root->op == COMPUTE_NUMBER ? flow_number_tensor(f, root->number)
                                                       : value_emit(f, tree);
    free(tree);
    return t;
}

flow_tensor flow_expression(tsr_flow *f, const char *text) { return work_out(f, text, &(value_scope){0}); }

flow_tensor flow_compute(tsr_flow *f, const char *text, const flow_named *tensors, int count)
{
    return work_out(f, text, &(value_scope){.named = tensors, .named_count = count});
}

double flow_formula(tsr_flow *f, const char *text)
{
    value_tree *tree = parse(f, text, &(value_scope){.numbers = true});
    const double value = tree ? tree->nodes[tree->root].number : 0;
    free(tree);
    return value;
}

void flow_around(tsr_flow *f, const int64_t shape[4])
{
    f->around.there = true;
    memcpy(f->around.shape, shape, sizeof(f->around.shape));
}
