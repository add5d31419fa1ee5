/* From an expression's tree to launches: what one launch does not hold is cut off and worked out before. */
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "flow/compute_args.h"
#include "value.h"

typedef struct compute_params {
    COMPUTE_PARAMS(TSR_PARAM_FIELD)
} compute_params;

/* What a part of the tree needs. */
typedef struct need {
    uint64_t tensors; /* bits */
    unsigned places;  /* bits */
    int32_t math;     /* COMPUTE_MATH */
    int depth, words;
} need;

typedef struct emitter {
    tsr_flow *f;
    value_tree *tree;
    int64_t shape[4], extents[2]; /* of the result; what rows and columns stand for */
} emitter;

typedef struct code {
    uint32_t words[COMPUTE_TENSORS * COMPUTE_TENSOR_WORDS + COMPUTE_WORDS + 1];
    int count;
    int slot[VALUE_TENSORS]; /* a tensor's place among those of the launch */
} code;

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

static bool holds(const need *n)
{
    return __builtin_popcountll(n->tensors) <= COMPUTE_TENSORS && n->depth <= COMPUTE_DEPTH && n->words <= COMPUTE_WORDS;
}

static need leaf(const value_node *node)
{
    need n = {.depth = 1, .words = 1};
    if (node->op == COMPUTE_LOAD) n.tensors = UINT64_C(1) << node->slot;
    if (node->op == COMPUTE_PLACE) n.places = 1u << node->slot;
    if (node->op == COMPUTE_NUMBER || (node->op == COMPUTE_PLACE && node->slot >= VALUE_ROWS)) n.words = 2;
    return n;
}

static need together(const value_node *node, const need *args)
{
    need n = {.math = math_of(node->op), .words = 1};
    for (int i = 0; i < node->args; i++) {
        n.tensors |= args[i].tensors;
        n.places |= args[i].places;
        n.math |= args[i].math;
        n.words += args[i].words;
        if (args[i].depth + i > n.depth) n.depth = args[i].depth + i;
    }
    return n;
}

/* The extents of a part's result; of places those of the whole. */
static bool extents(const emitter *e, const need *n, int64_t shape[4])
{
    for (int i = 0; i < 4; i++) shape[i] = n->places >> i & 1 ? e->shape[i] : 1;
    for (int t = 0; t < e->tree->tensor_count; t++)
        if (n->tensors >> t & 1 && !flow_join(e->f, "puts together", shape, e->tree->tensors[t].shape, shape)) return false;
    return true;
}

static void put(code *c, uint32_t word) { c->words[c->count++] = word; }

static void put_number(code *c, double value)
{
    const float number = (float)value;
    uint32_t bits;
    memcpy(&bits, &number, sizeof(bits));
    put(c, COMPUTE_NUMBER);
    put(c, bits);
}

static void put_node(const emitter *e, code *c, int at)
{
    const value_node *node = &e->tree->nodes[at];
    for (int i = 0; i < node->args; i++) put_node(e, c, node->arg[i]);
    if (node->op == COMPUTE_NUMBER)
        put_number(c, node->number);
    else if (node->op == COMPUTE_PLACE && node->slot >= VALUE_ROWS)
        put_number(c, (double)e->extents[node->slot - VALUE_ROWS]);
    else
        put(c, (uint32_t)(node->op | node->args << 8 | (node->op == COMPUTE_LOAD ? c->slot[node->slot] : node->slot) << 16));
}

typedef struct walk {
    int64_t stride[COMPUTE_TENSORS][4], group[COMPUTE_TENSORS];
    int count;
} walk;

/* Axis outer runs on where inner ends, in every tensor: they become one. */
static bool merge(walk *w, int64_t shape[4], int outer, int inner)
{
    for (int t = 0; t < w->count; t++) {
        const bool runs = shape[outer] == 1 || shape[inner] == 1 || w->stride[t][outer] == w->stride[t][inner] * shape[inner];
        if (!runs || ((outer == FLOW_HEADS || inner == FLOW_HEADS) && w->group[t] != 1)) return false;
    }
    for (int t = 0; t < w->count; t++) {
        if (shape[inner] == 1) w->stride[t][inner] = w->stride[t][outer];
        w->stride[t][outer] = 0;
    }
    shape[inner] *= shape[outer];
    shape[outer] = 1;
    return true;
}

/* Long rows are worked out by many elements at a time. */
static void merge_axes(walk *w, int64_t shape[4])
{
    int inner = FLOW_COLUMNS;
    for (int outer = FLOW_ROWS; outer >= FLOW_BATCH; outer--)
        if (!merge(w, shape, outer, inner)) inner = outer;
}

/* One launch, of a part that it holds. */
static flow_tensor launch(const emitter *e, int at, const need *n)
{
    static const flow_tensor none = {.buffer = -1};
    tsr_flow *f = e->f;
    int64_t shape[4];
    flow_tensor result = {.buffer = -1, .shape = {1, 1, 1, 1}}, program;
    const flow_tensor *bindings[2 + COMPUTE_TENSORS] = {&program};
    if (!extents(e, n, shape)) return result;
    code *c = calloc(1, sizeof(*c));
    if (!c) {
        f->r->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for an expression's program");
        return result;
    }
    result = flow_new(f, shape[0], shape[1], shape[2], shape[3]);
    const int64_t elements = flow_elements(f, shape);
    walk w = {.count = 0};
    for (int t = 0; t < e->tree->tensor_count; t++) {
        if (!(n->tensors >> t & 1)) continue;
        flow_strides(&e->tree->tensors[t], shape, w.stride[w.count], &w.group[w.count]);
        bindings[1 + w.count] = &e->tree->tensors[t];
        c->slot[t] = w.count++;
    }
    if (!(n->places & 15)) merge_axes(&w, shape);
    for (int t = 0; t < w.count; t++) {
        for (int i = 0; i < 4; i++) {
            put(c, (uint32_t)w.stride[t][i]);
            put(c, (uint32_t)((uint64_t)w.stride[t][i] >> 32));
        }
        put(c, (uint32_t)w.group[t]);
        put(c, (uint32_t)bindings[1 + t]->dtype);
    }
    for (int t = w.count; t < COMPUTE_TENSORS; t++) bindings[1 + t] = &none;
    bindings[1 + COMPUTE_TENSORS] = &result;
    const compute_params params = {.heads = (int32_t)shape[1],
                                   .rows = (int32_t)shape[2],
                                   .columns = (int32_t)shape[3],
                                   .elements = (int32_t)elements,
                                   .chunk = f->tile == TSR_TILE_VECTOR ? 4096 : f->lanes,
                                   .first = c->count,
                                   .last = c->count + n->words};
    put_node(e, c, at);
    put(c, 0);
    uint32_t *words = malloc((size_t)c->count * sizeof(*words));
    if (words) memcpy(words, c->words, (size_t)c->count * sizeof(*words));
    program = flow_constant(f, TSR_I32, (const int64_t[4]){1, 1, 1, c->count}, words);
    free(c);
    const int32_t specs[BK_MAX_SPECS] = {[1] = n->math};
    flow_add(f, "compute", specs, &params, sizeof(params), bindings, 2 + COMPUTE_TENSORS, (elements + params.chunk - 1) / params.chunk);
    return result;
}

/* Makes a part a tensor. */
static need cut(emitter *e, int at, const need *n)
{
    value_tree *tree = e->tree;
    if (tree->tensor_count == VALUE_TENSORS) tsr_reader_fail(e->f->r, "is too large an expression; expected fewer tensors and operations");
    if (e->f->r->status != TSR_OK) return (need){.depth = 1, .words = 1};
    tree->tensors[tree->tensor_count] = launch(e, at, n);
    tree->nodes[at] = (value_node){.op = COMPUTE_LOAD, .slot = (int16_t)tree->tensor_count++};
    return leaf(&tree->nodes[at]);
}

static bool larger(const need *a, const need *b)
{
    const int in_a = __builtin_popcountll(a->tensors), in_b = __builtin_popcountll(b->tensors);
    return in_a != in_b ? in_a > in_b : a->words > b->words;
}

/* Cuts until one launch holds the part. */
static need fit(emitter *e, int at)
{
    const value_node node = e->tree->nodes[at];
    if (node.args == 0) return leaf(&node);
    need args[3], n;
    for (int i = 0; i < node.args; i++) args[i] = fit(e, node.arg[i]);
    while (n = together(&node, args), !holds(&n) && e->f->r->status == TSR_OK) {
        int most = 0;
        for (int i = 1; i < node.args; i++)
            if (larger(&args[i], &args[most])) most = i;
        args[most] = cut(e, node.arg[most], &args[most]);
    }
    return n;
}

static need survey(const value_tree *tree, int at)
{
    const value_node *node = &tree->nodes[at];
    if (node->args == 0) return leaf(node);
    need args[3];
    for (int i = 0; i < node->args; i++) args[i] = survey(tree, node->arg[i]);
    return together(node, args);
}

flow_tensor value_emit(tsr_flow *f, value_tree *tree)
{
    const flow_tensor nothing = {.buffer = -1, .shape = {1, 1, 1, 1}};
    emitter e = {.f = f, .tree = tree, .shape = {1, 1, 1, 1}};
    const need all = survey(tree, tree->root);
    int64_t whole[4];
    if (!extents(&e, &all, e.shape)) return nothing;
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
    const need n = fit(&e, tree->root);
    return f->r->status == TSR_OK ? launch(&e, tree->root, &n) : nothing;
}
