/* From an expression's tree to launches: what one launch does not hold is cut off and worked out before. */
#include <string.h>

#include "flow/compute_args.h"
#include "value.h"

static int32_t math_of(int op)
{
    switch (op) {
    case COMPUTE_EXP:
    case COMPUTE_SIGMOID:
    case COMPUTE_SILU:
        return COMPUTE_MATH_EXP;
    case COMPUTE_LN:
    case COMPUTE_LOG2:
        return COMPUTE_MATH_LOG;
    case COMPUTE_POW:
    case COMPUTE_TANH:
    case COMPUTE_ELU:
    case COMPUTE_SOFTPLUS:
        return COMPUTE_MATH_REST;
    default:
        return 0;
    }
}

static bool holds(const value_need *n)
{
    return __builtin_popcountll(n->tensors) <= COMPUTE_TENSORS && n->depth <= COMPUTE_DEPTH && n->words <= COMPUTE_WORDS;
}

static value_need leaf(const value_node *node)
{
    value_need n = {.depth = 1, .words = 1, .nodes = 1};
    if (node->op == COMPUTE_LOAD) n.tensors = UINT64_C(1) << node->slot;
    if (node->op == COMPUTE_PLACE) n.places = 1u << node->slot;
    if (node->op == COMPUTE_NUMBER || (node->op == COMPUTE_PLACE && node->slot >= VALUE_ROWS)) n.words = 2;
    return n;
}

static value_need together(const value_node *node, const value_need *args)
{
    value_need n = {.math = math_of(node->op), .words = 1, .nodes = 1};
    for (int i = 0; i < node->args; i++) {
        n.tensors |= args[i].tensors;
        n.places |= args[i].places;
        n.math |= args[i].math;
        n.words += args[i].words;
        n.nodes += args[i].nodes;
        if (args[i].depth + i > n.depth) n.depth = args[i].depth + i;
    }
    return n;
}

bool value_extents(const value_emitter *e, const value_need *n, int64_t shape[4])
{
    const flow_tensor *tensors = e->tree->tensors;
    int64_t heads = 1;
    bool shared = true;
    for (int i = 0; i < 4; i++) shape[i] = n->places >> i & 1 ? e->shape[i] : 1;
    for (int t = 0; t < e->tree->tensor_count; t++)
        if (n->tensors >> t & 1) heads = max64(heads, tensors[t].shape[FLOW_HEADS]);
    for (int t = 0; t < e->tree->tensor_count; t++)
        if (n->tensors >> t & 1 && tensors[t].shape[FLOW_HEADS]) shared = shared && heads % tensors[t].shape[FLOW_HEADS] == 0;
    /* 2 and 3 heads meet where the whole has 6. */
    shape[FLOW_HEADS] = max64(shape[FLOW_HEADS], shared ? heads : e->shape[FLOW_HEADS]);
    for (int t = 0; t < e->tree->tensor_count; t++)
        if (n->tensors >> t & 1 && !flow_join(e->f, "puts together", shape, tensors[t].shape, shape)) return false;
    return true;
}

/* Makes a part a tensor. */
static value_need cut(value_emitter *e, int at, const value_need *n)
{
    value_tree *tree = e->tree;
    if (tree->tensor_count == VALUE_TENSORS) tsr_reader_fail(e->f->r, "is too large an expression; expected fewer tensors and operations");
    if (e->f->r->status != TSR_OK) return (value_need){.depth = 1, .words = 1, .nodes = 1};
    tree->tensors[tree->tensor_count] = value_launch(e, at, n);
    tree->nodes[at] = (value_node){.op = COMPUTE_LOAD, .slot = (int16_t)tree->tensor_count++};
    return leaf(&tree->nodes[at]);
}

static bool larger(const value_need *a, const value_need *b)
{
    const int in_a = __builtin_popcountll(a->tensors), in_b = __builtin_popcountll(b->tensors);
    return in_a != in_b ? in_a > in_b : a->words > b->words;
}

/* Cuts until one launch holds the part. */
static value_need fit(value_emitter *e, int at)
{
    const value_node node = e->tree->nodes[at];
    if (node.args == 0) return leaf(&node);
    value_need args[3], n;
    for (int i = 0; i < node.args; i++) args[i] = fit(e, node.arg[i]);
    while (n = together(&node, args), !holds(&n) && e->f->r->status == TSR_OK) {
        int most = 0;
        for (int i = 1; i < node.args; i++)
            if (larger(&args[i], &args[most])) most = i;
        args[most] = cut(e, node.arg[most], &args[most]);
    }
    return n;
}

static value_need survey(const value_tree *tree, int at)
{
    const value_node *node = &tree->nodes[at];
    if (node->args == 0) return leaf(node);
    value_need args[3];
    for (int i = 0; i < node->args; i++) args[i] = survey(tree, node->arg[i]);
    return together(node, args);
}

flow_tensor value_emit(tsr_flow *f, value_tree *tree)
{
    const flow_tensor nothing = {.buffer = -1, .shape = {1, 1, 1, 1}};
    value_emitter e = {.f = f, .tree = tree, .shape = {1, 1, 1, 1}};
    const value_need all = survey(tree, tree->root);
    int64_t whole[4];
    if (!value_extents(&e, &all, e.shape)) return nothing;
    memcpy(whole, e.shape, sizeof(whole));
    if (all.places && f->around.there && !flow_join(f, "is worked out for", e.shape, f->around.shape, whole)) return nothing;
    for (int i = 0; i < VALUE_PLACES && !f->around.there && !all.tensors; i++)
        if (all.places >> i & 1) {
            tsr_reader_fail(f->r, "names '%s', and no tensor tells the extents; expected one beside it", value_places[i]);
            return nothing;
        }
    for (int i = 0; i < 4; i++)
        if (all.places >> i & 1) e.shape[i] = whole[i];
    e.extents[0] = whole[FLOW_ROWS], e.extents[1] = whole[FLOW_COLUMNS];
    const value_need n = fit(&e, tree->root);
    return f->r->status == TSR_OK ? value_launch(&e, tree->root, &n) : nothing;
}
