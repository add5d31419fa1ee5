/* Expressions of steps: a tree of operations over tensors, numbers and places. */
#ifndef TSR_FLOW_VALUE_H
#define TSR_FLOW_VALUE_H

#include "flow.h"

/* Of one text: bytes, nodes of its tree, nesting, tensors that it names, these and parts of it that are worked out first, characters
 * of a name. */
enum { VALUE_TEXT = 8192, VALUE_NODES = 512, VALUE_DEPTH = 64, VALUE_NAMED = 32, VALUE_TENSORS = 64, VALUE_NAME = 128 };

/* Arguments of COMPUTE_PLACE; the first four are axes, the others numbers once the result's extents are known. */
enum { VALUE_ROWS = 4, VALUE_COLUMNS = 5, VALUE_PLACES = 6 };

typedef struct value_node {
    int16_t op, args, arg[3];
    int16_t slot;  /* COMPUTE_LOAD: of tensors; COMPUTE_PLACE: which */
    double number; /* COMPUTE_NUMBER */
} value_node;

typedef struct value_tree {
    value_node nodes[VALUE_NODES];
    int count, root;
    flow_tensor tensors[VALUE_TENSORS];
    int tensor_count;
} value_tree;

/* What a text may name. */
typedef struct value_scope {
    bool numbers;            /* parameters and extents alone */
    const flow_named *named; /* instead of steps, inputs and q, k, v; NULL: those */
    int named_count;
} value_scope;

/* value_parse.c: false: failed. */
bool value_parse(tsr_flow *f, const char *text, const value_scope *scope, value_tree *tree);

/* value_names.c */
extern const char *const value_places[VALUE_PLACES];
typedef struct value_function {
    const char *name;
    int op, args; /* args 2: or more, of min and max */
} value_function;
extern const value_function value_functions[]; /* ends with NULL */
/* The error of a name that is not known, at a column of the text, with those that look like it. */
void value_unknown(tsr_flow *f, const value_scope *scope, int column, const char *name);

/* value_fold.c: an operation over numbers. */
double value_fold(int op, double a, double b, double c);

/* What a part of a tree needs. */
typedef struct value_need {
    uint64_t tensors;        /* bits */
    unsigned places;         /* bits */
    int32_t math;            /* COMPUTE_MATH_... */
    int depth, words, nodes; /* of the stack; of the program; of the tree */
} value_need;

typedef struct value_emitter {
    tsr_flow *f;
    value_tree *tree;
    int64_t shape[4], extents[2]; /* of the result; what rows and columns stand for */
} value_emitter;

/* value_emit.c: the tree's result, packed; the extents of a part's result: of places those of the whole. false: failed. */
flow_tensor value_emit(tsr_flow *f, value_tree *tree);
bool value_extents(const value_emitter *e, const value_need *n, int64_t shape[4]);

/* value_launch.c: one launch, of a part that it holds. */
flow_tensor value_launch(const value_emitter *e, int at, const value_need *n);

#endif
