/* A part of an expression as one launch: a program for the interpreter, or one that the driver compiles where tensors are long. */
#include <stdlib.h>
#include <string.h>

#include "catalogue.h"
#include "flow/compute_args.h"
#include "flow/compute_fixed_args.h"
#include "value.h"

/* Elements from which on a kernel of its own is worth its compilation; elements of one of its invocations. */
enum { FIXED_LEAST = 1 << 17, FIXED_EACH = 8, VECTOR_CHUNK = 4096, BINDINGS = 2 + COMPUTE_TENSORS };

typedef struct compute_params {
    COMPUTE_PARAMS(TSR_PARAM_FIELD)
} compute_params;

typedef struct compute_fixed_params {
    COMPUTE_FIXED_PARAMS(TSR_PARAM_FIELD)
} compute_fixed_params;

typedef struct launching {
    const value_emitter *e;
    const value_need *need;
    int64_t shape[4]; /* of the result, axes merged */
    const flow_tensor *tensors[COMPUTE_TENSORS];
    int64_t stride[COMPUTE_TENSORS][4], group[COMPUTE_TENSORS];
    int count, slot[VALUE_TENSORS]; /* a tensor's place among those of the launch */
    uint32_t words[COMPUTE_TENSORS * COMPUTE_TENSOR_WORDS + COMPUTE_WORDS + 1];
    int word_count;
    int32_t specs[BK_MAX_SPECS];
    int fixed; /* words of a compiled program */
} launching;

static void put(launching *l, uint32_t word) { l->words[l->word_count++] = word; }

static uint32_t bits_of(double value)
{
    const float number = (float)value;
    uint32_t bits;
    memcpy(&bits, &number, sizeof(bits));
    return bits;
}

/* A number, or an extent that is one. */
static bool number_of(const launching *l, const value_node *node, double *value)
{
    const bool extent = node->op == COMPUTE_PLACE && node->slot >= VALUE_ROWS;
    *value = extent ? (double)l->e->extents[node->slot - VALUE_ROWS] : node->number;
    return extent || node->op == COMPUTE_NUMBER;
}

/* ---- For the interpreter ---- */

static void put_node(launching *l, int at)
{
    const value_node *node = &l->e->tree->nodes[at];
    double value;
    for (int i = 0; i < node->args; i++) put_node(l, node->arg[i]);
    if (number_of(l, node, &value)) {
        put(l, COMPUTE_NUMBER);
        put(l, bits_of(value));
    } else {
        put(l, (uint32_t)(node->op | node->args << 8 | (node->op == COMPUTE_LOAD ? l->slot[node->slot] : node->slot) << 16));
    }
}

static void put_interpreted(launching *l, int at)
{
    for (int t = 0; t < l->count; t++) {
        for (int i = 0; i < 4; i++) {
            put(l, (uint32_t)l->stride[t][i]);
            put(l, (uint32_t)((uint64_t)l->stride[t][i] >> 32));
        }
        put(l, (uint32_t)l->group[t]);
        put(l, (uint32_t)l->tensors[t]->dtype);
    }
    l->specs[1] = l->need->math;
    put_node(l, at);
    put(l, 0);
}

/* ---- For the compiled kernel ---- */

static bool can_be_fixed(const launching *l, int64_t elements)
{
    bool fits = l->e->f->tile != TSR_TILE_VECTOR && elements >= FIXED_LEAST && l->need->nodes <= COMPUTE_FIXED_WORDS;
    for (int t = 0; t < l->count; t++) {
        int64_t last = 0, reach;
        for (int i = 0; i < 4 && fits; i++)
            fits = tsr_mul(l->shape[i] - 1, l->stride[t][i], &reach) && tsr_add(last, reach, &last) && last <= INT32_MAX;
    }
    return fits;
}

static void fix_node(launching *l, int at)
{
    const value_node *node = &l->e->tree->nodes[at];
    int32_t word = node->op | node->args << 8;
    double value;
    for (int i = 0; i < node->args; i++) fix_node(l, node->arg[i]);
    if (number_of(l, node, &value)) {
        word = COMPUTE_FIXED_NUMBER | l->word_count << 16;
        put(l, bits_of(value));
    } else if (node->op == COMPUTE_LOAD) {
        const int t = l->slot[node->slot];
        const int64_t step = l->stride[t][FLOW_COLUMNS];
        const int kind = step == 0 ? COMPUTE_FIXED_REPEATED : step == 1 ? COMPUTE_FIXED_DENSE : COMPUTE_FIXED_SPREAD;
        word |= (t | (int)l->tensors[t]->dtype << 3 | kind << 6 | (l->group[t] != 1) << 8) << 16;
    } else if (node->op == COMPUTE_PLACE) {
        word |= node->slot << 16;
    }
    l->specs[COMPUTE_FIXED_FIRST + l->fixed++] = word;
}

static void put_fixed(launching *l, int at)
{
    for (int t = 0; t < l->count; t++) {
        for (int i = 0; i < 4; i++) put(l, (uint32_t)l->stride[t][i]);
        put(l, (uint32_t)l->group[t]);
    }
    l->specs[1] = (l->shape[FLOW_ROWS] > 1) | (l->shape[FLOW_HEADS] > 1) << 1 | (l->shape[FLOW_BATCH] > 1) << 2;
    fix_node(l, at);
    l->specs[2] = l->fixed;
    if (l->word_count == 0) put(l, 0);
}

/* ---- Both ---- */

/* Axis outer runs on where inner ends, in every tensor: they become one. */
static bool merge(launching *l, int outer, int inner)
{
    int64_t *shape = l->shape;
    for (int t = 0; t < l->count; t++) {
        const bool runs = shape[outer] == 1 || shape[inner] == 1 || l->stride[t][outer] == l->stride[t][inner] * shape[inner];
        if (!runs || ((outer == FLOW_HEADS || inner == FLOW_HEADS) && l->group[t] != 1)) return false;
    }
    for (int t = 0; t < l->count; t++) {
        if (shape[inner] == 1) l->stride[t][inner] = l->stride[t][outer];
        l->stride[t][outer] = 0;
    }
    shape[inner] *= shape[outer];
    shape[outer] = 1;
    return true;
}

/* Long rows are worked out by many elements at a time. */
static void merge_axes(launching *l)
{
    int inner = FLOW_COLUMNS;
    for (int outer = FLOW_ROWS; outer >= FLOW_BATCH; outer--)
        if (!merge(l, outer, inner)) inner = outer;
}

static void add_launch(launching *l, int at, const flow_tensor *result, int64_t elements)
{
    static const flow_tensor none = {.buffer = -1};
    tsr_flow *f = l->e->f;
    const bool fixed = can_be_fixed(l, elements);
    if (fixed)
        put_fixed(l, at);
    else
        put_interpreted(l, at);
    uint32_t *words = malloc((size_t)l->word_count * sizeof(*words));
    if (words) memcpy(words, l->words, (size_t)l->word_count * sizeof(*words));
    const flow_tensor code = flow_constant(f, TSR_I32, (const int64_t[4]){1, 1, 1, l->word_count}, words);
    const flow_tensor *bindings[BINDINGS] = {&code};
    for (int t = 0; t < COMPUTE_TENSORS; t++) bindings[1 + t] = t < l->count ? l->tensors[t] : &none;
    bindings[BINDINGS - 1] = result;
    const int32_t heads = (int32_t)l->shape[FLOW_HEADS], rows = (int32_t)l->shape[FLOW_ROWS], columns = (int32_t)l->shape[FLOW_COLUMNS];
    const int32_t chunk = fixed ? FIXED_EACH * f->lanes : f->tile == TSR_TILE_VECTOR ? VECTOR_CHUNK : f->lanes;
    const compute_fixed_params of_fixed = {.heads = heads, .rows = rows, .columns = columns, .elements = (int32_t)elements, .chunk = chunk};
    const compute_params interpreted = {.heads = heads,
                                        .rows = rows,
                                        .columns = columns,
                                        .elements = (int32_t)elements,
                                        .chunk = chunk,
                                        .first = l->count * COMPUTE_TENSOR_WORDS,
                                        .last = l->word_count - 1};
    if (fixed)
        flow_add(f, "compute_fixed", l->specs, &of_fixed, sizeof(of_fixed), bindings, BINDINGS, (elements + chunk - 1) / chunk);
    else
        flow_add(f, "compute", l->specs, &interpreted, sizeof(interpreted), bindings, BINDINGS, (elements + chunk - 1) / chunk);
}

flow_tensor value_launch(const value_emitter *e, int at, const value_need *n)
{
    tsr_flow *f = e->f;
    int64_t shape[4];
    flow_tensor result = {.buffer = -1, .shape = {1, 1, 1, 1}};
    if (!value_extents(e, n, shape)) return result;
    launching *l = calloc(1, sizeof(*l));
    if (!l) {
        f->r->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for an expression's program");
        return result;
    }
    l->e = e, l->need = n;
    memcpy(l->shape, shape, sizeof(shape));
    result = flow_new(f, shape[0], shape[1], shape[2], shape[3]);
    const int64_t elements = flow_elements(f, shape);
    for (int t = 0; t < e->tree->tensor_count; t++) {
        if (!(n->tensors >> t & 1)) continue;
        flow_strides(&e->tree->tensors[t], shape, l->stride[l->count], &l->group[l->count]);
        l->tensors[l->count] = &e->tree->tensors[t];
        l->slot[t] = l->count++;
    }
    if (!(n->places & 15)) merge_axes(l);
    add_launch(l, at, &result, elements);
    free(l);
    return result;
}
