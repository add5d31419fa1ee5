/* The program of an expression: typed nodes, equal ones shared, whole numbers with the range of their values. */
#include <string.h>

#include "build.h"

typedef struct range {
    int64_t low, high;
} range;

static const range everything = {INT64_MIN, INT64_MAX};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

static range add(range a, range b)
{
    range r;
    return __builtin_add_overflow(a.low, b.low, &r.low) || __builtin_add_overflow(a.high, b.high, &r.high) ? everything : r;
}

static range subtract(range a, range b)
{
    range r;
    return __builtin_sub_overflow(a.low, b.high, &r.low) || __builtin_sub_overflow(a.high, b.low, &r.high) ? everything : r;
}

static range multiply(range a, range b)
{
    const int64_t x[2] = {a.low, a.high}, y[2] = {b.low, b.high};
    range r = {INT64_MAX, INT64_MIN};
    for (int i = 0; i < 4; i++) {
        int64_t product;
        if (__builtin_mul_overflow(x[i / 2], y[i % 2], &product)) return everything;
        r = (range){least(r.low, product), most(r.high, product)};
    }
    return r;
}

static range magnitude(range a)
{
    if (a.low >= 0) return a;
    if (a.low == INT64_MIN) return everything;
    return (range){a.high < 0 ? -a.high : 0, most(-a.low, a.high)};
}

static range quotient(range a, range b)
{
    if (a.low >= 0 && b.low >= 0) return (range){0, a.high};
    const range m = magnitude(a);
    return m.low < 0 ? everything : (range){-most(m.high, 1), most(m.high, 1)};
}

static range remainder_of(range a, range b)
{
    if (b.low == INT64_MIN) return everything;
    const range r = {b.low < 0 ? b.low + 1 : 0, b.high > 0 ? b.high - 1 : 0};
    return a.low >= 0 && b.low >= 0 ? (range){0, least(a.high, r.high)} : r;
}

static range range_of(const tsr_builder *b, uint16_t node) { return (range){b->nodes[node].low, b->nodes[node].high}; }

static range find_range(const tsr_builder *b, const tsr_expression_node *n)
{
    const range x = range_of(b, n->arg[0]), y = range_of(b, n->arg[1]), z = range_of(b, n->arg[2]);
    switch ((tsr_expression_op)n->op) {
    case TSR_OP_CONSTANT:
        return (range){n->whole, n->whole};
    case TSR_OP_VARIABLE: {
        const bool coordinate = n->slot != TSR_VAR_Q && n->slot != TSR_VAR_KV && n->slot > TSR_VAR_NK;
        return (range){coordinate ? -1 : 0, TSR_EXPRESSION_MAX_TOKENS};
    }
    case TSR_OP_ADD:
        return add(x, y);
    case TSR_OP_SUB:
        return subtract(x, y);
    case TSR_OP_MUL:
        return multiply(x, y);
    case TSR_OP_NEG:
        return subtract((range){0, 0}, x);
    case TSR_OP_ABS:
        return magnitude(x);
    case TSR_OP_MIN:
        return (range){least(x.low, y.low), least(x.high, y.high)};
    case TSR_OP_MAX:
        return (range){most(x.low, y.low), most(x.high, y.high)};
    case TSR_OP_SELECT:
        return (range){least(y.low, z.low), most(y.high, z.high)};
    case TSR_OP_QUOTIENT:
        return quotient(x, y);
    case TSR_OP_REMAINDER:
        return remainder_of(x, y);
    case TSR_OP_FLOOR:
        return (range){INT32_MIN, INT32_MAX};
    default:
        return everything;
    }
}

static bool equal(const tsr_expression_node *a, const tsr_expression_node *b)
{
    return a->op == b->op && a->type == b->type && a->args == b->args && a->slot == b->slot && memcmp(a->arg, b->arg, sizeof(a->arg)) == 0 &&
           a->whole == b->whole && memcmp(&a->real, &b->real, sizeof(a->real)) == 0;
}

static uint16_t append(tsr_builder *b, tsr_expression_node node)
{
    for (uint32_t i = 0; i < b->count; i++)
        if (equal(&b->nodes[i], &node)) return (uint16_t)i;
    if (b->count == TSR_EXPRESSION_MAX_NODES) {
        b->full = true;
        return 0;
    }
    for (int i = 0; i < node.args; i++) node.depends |= b->nodes[node.arg[i]].depends;
    if (node.type == TSR_WHOLE) {
        const range r = find_range(b, &node);
        node.low = r.low;
        node.high = r.high;
        node.wide = tsr_expression_is_wide(&node);
    }
    for (int i = 0; i < node.args; i++) {
        const tsr_expression_node *a = &b->nodes[node.arg[i]];
        node.wide = node.wide || (a->type == TSR_WHOLE && tsr_expression_is_wide(a));
    }
    b->nodes[b->count] = node;
    return (uint16_t)b->count++;
}

uint16_t tsr_build_whole(tsr_builder *b, int64_t value)
{
    return append(b, (tsr_expression_node){.op = TSR_OP_CONSTANT, .type = TSR_WHOLE, .whole = value});
}

uint16_t tsr_build_real(tsr_builder *b, float value)
{
    return append(b, (tsr_expression_node){.op = TSR_OP_CONSTANT, .type = TSR_REAL, .real = value});
}

uint16_t tsr_build_variable(tsr_builder *b, tsr_expression_variable which)
{
    if (which == TSR_VAR_SCORE) return append(b, (tsr_expression_node){.op = TSR_OP_SCORE, .type = TSR_REAL, .depends = TSR_DEPENDS_SCORE});
    const uint8_t depends = which >= TSR_VAR_KV ? TSR_DEPENDS_KEY : which >= TSR_VAR_Q ? TSR_DEPENDS_QUERY : 0;
    return append(b, (tsr_expression_node){.op = TSR_OP_VARIABLE, .type = TSR_WHOLE, .slot = (uint16_t)which, .depends = depends});
}

uint16_t tsr_build_scalar(tsr_builder *b, uint16_t slot)
{
    return append(b, (tsr_expression_node){.op = TSR_OP_SCALAR, .type = TSR_REAL, .slot = slot});
}

uint16_t tsr_build_tensor(tsr_builder *b, uint16_t slot, const uint16_t *indices, uint8_t rank)
{
    tsr_expression_node node = {.op = TSR_OP_TENSOR, .type = TSR_REAL, .slot = slot, .args = rank};
    memcpy(node.arg, indices, rank * sizeof(indices[0]));
    return append(b, node);
}

uint16_t tsr_build(tsr_builder *b, tsr_expression_op op, tsr_expression_type type, const uint16_t *args, uint8_t count)
{
    tsr_expression_node node = {.op = (uint8_t)op, .type = (uint8_t)type, .args = count};
    memcpy(node.arg, args, count * sizeof(args[0]));
    return append(b, node);
}

uint16_t tsr_build_to_real(tsr_builder *b, uint16_t node)
{
    return b->nodes[node].type == TSR_REAL ? node : tsr_build(b, TSR_OP_TO_REAL, TSR_REAL, &node, 1);
}

uint16_t tsr_build_to_truth(tsr_builder *b, uint16_t node)
{
    return b->nodes[node].type == TSR_TRUTH ? node : tsr_build(b, TSR_OP_TO_TRUTH, TSR_TRUTH, &node, 1);
}
