/* The types of expressions: what may be put together, and what is said where it may not. */
#include <stdarg.h>
#include <stdio.h>

#include "parser.h"

void tsr_parse_refuse(tsr_parser *p, const tsr_token *at, const char *found, const char *format, ...)
{
    if (p->failed) return;
    char expected[256];
    va_list args;
    va_start(args, format);
    vsnprintf(expected, sizeof(expected), format, args);
    va_end(args);
    tsr_fail(TSR_ERROR_COMPILE, "line %d, column %d: found %s; expected %s", at->line, at->column, found, expected);
    p->failed = true;
    p->next = p->now = (tsr_token){.kind = TSR_TOKEN_END, .line = at->line, .column = at->column, .text = p->lexer.end};
}

static const char *tsr_parse_describe(const tsr_token *t, char *out, size_t room)
{
    enum { SHOWN = 40 };
    if (t->kind == TSR_TOKEN_END)
        snprintf(out, room, "the end of the text");
    else if (t->kind == TSR_TOKEN_BAD && ((unsigned char)t->text[0] < 0x20 || (unsigned char)t->text[0] > 0x7e))
        snprintf(out, room, "byte 0x%02x", (unsigned char)t->text[0]);
    else
        snprintf(out, room, "'%.*s%s'", (int)(t->length < SHOWN ? t->length : SHOWN), t->text, t->length > SHOWN ? "..." : "");
    return out;
}

void tsr_parse_refuse_token(tsr_parser *p, const tsr_token *t, const char *expected)
{
    char found[64];
    tsr_parse_refuse(p, t, tsr_parse_describe(t, found, sizeof(found)), "%s", t->kind == TSR_TOKEN_BAD ? t->expected : expected);
}

void tsr_parse_refuse_full(tsr_parser *p)
{
    if (p->builder->full) tsr_parse_refuse(p, &p->now, "more operations", "at most %d", TSR_EXPRESSION_MAX_NODES);
}

static tsr_expression_type type_of(const tsr_parser *p, tsr_parsed v) { return (tsr_expression_type)p->builder->nodes[v.node].type; }

static const char *type_name(tsr_expression_type type)
{
    return type == TSR_TRUTH ? "a truth value" : type == TSR_WHOLE ? "a whole number" : "a real number";
}

/* The result of an operation, counted as beginning where at does. */
static tsr_parsed make(tsr_parser *p, tsr_parsed at, tsr_expression_op op, tsr_expression_type type, const uint16_t *args, int count)
{
    at.node = tsr_build(p->builder, op, type, args, (uint8_t)count);
    tsr_parse_refuse_full(p);
    return at;
}

static tsr_parsed to_real(tsr_parser *p, tsr_parsed v)
{
    v.node = tsr_build_to_real(p->builder, v.node);
    return v;
}

static tsr_parsed to_truth(tsr_parser *p, tsr_parsed v)
{
    v.node = tsr_build_to_truth(p->builder, v.node);
    return v;
}

static bool need_number(tsr_parser *p, tsr_parsed v)
{
    if (type_of(p, v) == TSR_TRUTH) tsr_parse_refuse(p, &v.at, "a truth value", "a number (c ? 1 : 0 makes one)");
    return !p->failed;
}

static bool need_whole(tsr_parser *p, tsr_parsed v)
{
    if (type_of(p, v) != TSR_WHOLE) tsr_parse_refuse(p, &v.at, type_name(type_of(p, v)), "a whole number (floor makes one of a real)");
    return !p->failed;
}

/* Numbers of one type: whole if both are, else real. */
static tsr_expression_type unify(tsr_parser *p, tsr_parsed *a, tsr_parsed *b)
{
    if (!need_number(p, *a) || !need_number(p, *b)) return TSR_REAL;
    if (type_of(p, *a) == TSR_WHOLE && type_of(p, *b) == TSR_WHOLE) return TSR_WHOLE;
    *a = to_real(p, *a);
    *b = to_real(p, *b);
    return TSR_REAL;
}

static tsr_parsed make_arithmetic(tsr_parser *p, tsr_expression_op op, tsr_parsed a, tsr_parsed b)
{
    const tsr_expression_type type = unify(p, &a, &b);
    return make(p, a, op, type, (uint16_t[]){a.node, b.node}, 2);
}

static tsr_parsed make_comparison(tsr_parser *p, tsr_expression_op op, tsr_parsed a, tsr_parsed b, tsr_parsed at)
{
    const bool truths = type_of(p, a) == TSR_TRUTH && type_of(p, b) == TSR_TRUTH;
    if (!truths || (op != TSR_OP_EQUAL && op != TSR_OP_DIFFERENT)) unify(p, &a, &b);
    return make(p, at, op, TSR_TRUTH, (uint16_t[]){a.node, b.node}, 2);
}

/* Of the quotient of two whole numbers the floor is exact. */
static tsr_parsed make_floor(tsr_parser *p, tsr_parsed v)
{
    if (!need_number(p, v) || type_of(p, v) == TSR_WHOLE) return v;
    const tsr_expression_node *nodes = p->builder->nodes, *n = &nodes[v.node];
    if (n->op == TSR_OP_DIV && nodes[n->arg[0]].op == TSR_OP_TO_REAL && nodes[n->arg[1]].op == TSR_OP_TO_REAL)
        return make(p, v, TSR_OP_QUOTIENT, TSR_WHOLE, (uint16_t[]){nodes[n->arg[0]].arg[0], nodes[n->arg[1]].arg[0]}, 2);
    return make(p, v, TSR_OP_FLOOR, TSR_WHOLE, &v.node, 1);
}

tsr_parsed tsr_parse_make_not(tsr_parser *p, tsr_parsed a)
{
    a = to_truth(p, a);
    return make(p, a, TSR_OP_NOT, TSR_TRUTH, &a.node, 1);
}

tsr_parsed tsr_parse_make_negative(tsr_parser *p, tsr_parsed a) { return need_number(p, a) ? make(p, a, TSR_OP_NEG, type_of(p, a), &a.node, 1) : a; }

tsr_parsed tsr_parse_make_select(tsr_parser *p, tsr_parsed c, tsr_parsed yes, tsr_parsed no)
{
    tsr_expression_type type = TSR_TRUTH;
    if (type_of(p, yes) != TSR_TRUTH || type_of(p, no) != TSR_TRUTH) type = unify(p, &yes, &no);
    c = to_truth(p, c);
    return make(p, c, TSR_OP_SELECT, type, (uint16_t[]){c.node, yes.node, no.node}, 3);
}

tsr_parsed tsr_parse_make_tensor(tsr_parser *p, uint16_t slot, const tsr_parsed *indices, int count)
{
    uint16_t nodes[TSR_PARSE_MAX_ARGS] = {0};
    tsr_parsed v = indices[0];
    for (int i = 0; i < count; i++) {
        if (!need_whole(p, indices[i])) return v;
        nodes[i] = indices[i].node;
    }
    v.node = tsr_build_tensor(p->builder, slot, nodes, (uint8_t)count);
    tsr_parse_refuse_full(p);
    return v;
}

tsr_parsed tsr_parse_make_call(tsr_parser *p, tsr_expression_op op, bool real, const tsr_parsed *args, int count)
{
    for (int i = 0; i < count; i++)
        if (!need_number(p, args[i])) return args[0];
    if (op == TSR_OP_FLOOR) return make_floor(p, args[0]);
    if (count == 3) return make_arithmetic(p, TSR_OP_MIN, make_arithmetic(p, TSR_OP_MAX, args[0], args[1]), args[2]);
    if (real) {
        uint16_t nodes[TSR_PARSE_MAX_ARGS] = {0};
        for (int i = 0; i < count; i++) nodes[i] = to_real(p, args[i]).node;
        return make(p, args[0], op, TSR_REAL, nodes, count);
    }
    if (count == 2) return make_arithmetic(p, op, args[0], args[1]);
    return make(p, args[0], op, type_of(p, args[0]), &args[0].node, 1);
}

tsr_parsed tsr_parse_make_result(tsr_parser *p, tsr_parsed v)
{
    if (p->failed) return v;
    if (p->desc->kind == TSR_EXPRESSION_MASK)
        v = to_truth(p, v);
    else if (need_number(p, v))
        v = to_real(p, v);
    tsr_parse_refuse_full(p);
    return v;
}

tsr_parsed tsr_parse_make_binary(tsr_parser *p, int sign, tsr_parsed a, tsr_parsed b)
{
    switch (sign) {
    case TSR_SIGN('|', '|'):
    case TSR_SIGN('&', '&'):
        a = to_truth(p, a);
        b = to_truth(p, b);
        return make(p, a, sign == TSR_SIGN('|', '|') ? TSR_OP_OR : TSR_OP_AND, TSR_TRUTH, (uint16_t[]){a.node, b.node}, 2);
    case TSR_SIGN('=', '='):
        return make_comparison(p, TSR_OP_EQUAL, a, b, a);
    case TSR_SIGN('!', '='):
        return make_comparison(p, TSR_OP_DIFFERENT, a, b, a);
    case '<':
        return make_comparison(p, TSR_OP_LESS, a, b, a);
    case TSR_SIGN('<', '='):
        return make_comparison(p, TSR_OP_AT_MOST, a, b, a);
    case '>':
        return make_comparison(p, TSR_OP_LESS, b, a, a);
    case TSR_SIGN('>', '='):
        return make_comparison(p, TSR_OP_AT_MOST, b, a, a);
    case '+':
        return make_arithmetic(p, TSR_OP_ADD, a, b);
    case '-':
        return make_arithmetic(p, TSR_OP_SUB, a, b);
    case '*':
        return make_arithmetic(p, TSR_OP_MUL, a, b);
    case '/':
        if (!need_number(p, a) || !need_number(p, b)) return a;
        a = to_real(p, a);
        b = to_real(p, b);
        return make(p, a, TSR_OP_DIV, TSR_REAL, (uint16_t[]){a.node, b.node}, 2);
    default: /* % */
        if (!need_whole(p, a) || !need_whole(p, b)) return a;
        return make(p, a, TSR_OP_REMAINDER, TSR_WHOLE, (uint16_t[]){a.node, b.node}, 2);
    }
}
