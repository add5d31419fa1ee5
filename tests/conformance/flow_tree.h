/* Random expressions of steps, as trees that know their text and their value. */
#ifndef FLOW_TREE_H
#define FLOW_TREE_H

#include "flow_case.h"

enum { FLOW_TREE_NODES = 640, FLOW_TREE_TENSORS = 12, FLOW_TREE_TEXT = 8000 };

typedef struct flow_tree_node {
    int what; /* an index into the table of operations, or a leaf: see flow_tree.c */
    int slot;
    double number;
    int arg[3];
} flow_tree_node;

typedef struct flow_tree {
    flow_case *f;
    const flow_array *tensors[FLOW_TREE_TENSORS]; /* named t0, t1, ... */
    int tensor_count;
    int64_t shape[4]; /* of the result */
    flow_tree_node nodes[FLOW_TREE_NODES];
    int count;
    char text[FLOW_TREE_TEXT];
    size_t length;
} flow_tree;

/* A value, and how far fp32 may be from it; sure: fp32 cannot have gone another way at a comparison or a jump. */
typedef struct flow_tree_value {
    double x, error;
    bool sure;
} flow_tree_value;

/* Leaves. */
int flow_tree_tensor(flow_tree *t, int slot);
/* An operation by the name or sign that the language has for it. */
int flow_tree_operation(flow_tree *t, const char *name, int a, int b, int c);
/* A random part of about so many operations. */
int flow_tree_draw(flow_tree *t, int operations);

void flow_tree_write(flow_tree *t, int node); /* into text */
flow_tree_value flow_tree_at(const flow_tree *t, int node, const int64_t at[4]);

#endif
