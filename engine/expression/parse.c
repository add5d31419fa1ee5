/* The grammar of expressions: recursive descent of bounded depth. */
#include "parse.h"

#include <stdio.h>
#include <string.h>

#include "parser.h"

const char *const tsr_expression_variables[TSR_VAR_COUNT] = {"b", "h", "nq", "nk", "q", "qt", "qh", "qw", "kv", "kt", "kh", "kw"};

static const struct function {
    const char *name;
    tsr_expression_op op;
    int args;
    bool real; /* of reals alone; else of whole numbers too */
} functions[] = {
    {"abs", TSR_OP_ABS, 1, false}, {"min", TSR_OP_MIN, 2, false},   {"max", TSR_OP_MAX, 2, false},  {"floor", TSR_OP_FLOOR, 1, false},
    {"exp", TSR_OP_EXP, 1, true},  {"log", TSR_OP_LOG, 1, true},    {"sqrt", TSR_OP_SQRT, 1, true}, {"tanh", TSR_OP_TANH, 1, true},
    {"pow", TSR_OP_POW, 2, true},  {"clamp", TSR_OP_MIN, 3, false},
};

enum { FUNCTIONS = sizeof(functions) / sizeof(functions[0]) };

static bool same(const char *name, const char *text, size_t length) { return strlen(name) == length && memcmp(name, text, length) == 0; }

static bool token_is(const tsr_parser *p, int sign) { return p->now.kind == TSR_TOKEN_SIGN && p->now.sign == sign; }

static void advance(tsr_parser *p)
{
    p->now = p->next;
    if (!p->failed) tsr_lexer_next(&p->lexer, &p->next);
}

static void take(tsr_parser *p, int sign, const char *expected)
{
    if (token_is(p, sign))
        advance(p);
    else
        tsr_parse_refuse_token(p, &p->now, expected);
}

static bool enter(tsr_parser *p)
{
    if (++p->depth > TSR_EXPRESSION_MAX_DEPTH) tsr_parse_refuse(p, &p->now, "deeper nesting", "at most %d levels", TSR_EXPRESSION_MAX_DEPTH);
    return !p->failed;
}

static tsr_parsed parse_conditional(tsr_parser *p);

/* Values between commas up to the closing sign; returns how many, of which the first TSR_PARSE_MAX_ARGS are kept. */
static int parse_list(tsr_parser *p, int close, const char *expected, tsr_parsed *out)
{
    int count = 0;
    advance(p);
    for (;;) {
        const tsr_parsed v = parse_conditional(p);
        if (p->failed) return 0;
        if (count < TSR_PARSE_MAX_ARGS) out[count] = v;
        count++;
        if (token_is(p, close)) break;
        take(p, TSR_SIGN(',', 0), expected);
        if (p->failed) return 0;
    }
    advance(p);
    return count;
}

static tsr_parsed parse_call(tsr_parser *p, const struct function *f, tsr_token name)
{
    tsr_parsed args[TSR_PARSE_MAX_ARGS], result = {.at = name};
    if (!token_is(p, TSR_SIGN('(', 0))) {
        tsr_parse_refuse_token(p, &p->now, "'(' after the function's name");
        return result;
    }
    const int count = parse_list(p, TSR_SIGN(')', 0), "',' or ')'", args);
    if (p->failed) return result;
    if (count != f->args) {
        char found[64];
        snprintf(found, sizeof(found), "%s with %d argument%s", f->name, count, count == 1 ? "" : "s");
        tsr_parse_refuse(p, &name, found, "%d", f->args);
        return result;
    }
    result = tsr_parse_make_call(p, f->op, f->real, args, count);
    result.at = name;
    return result;
}

static tsr_parsed parse_tensor(tsr_parser *p, uint16_t slot, tsr_token name)
{
    tsr_parsed indices[TSR_PARSE_MAX_ARGS], result = {.at = name};
    const tsr_named_tensor *tensor = &p->desc->tensors[slot];
    if (!token_is(p, TSR_SIGN('[', 0))) {
        tsr_parse_refuse_token(p, &p->now, "'[' after the tensor's name");
        return result;
    }
    const int count = parse_list(p, TSR_SIGN(']', 0), "',' or ']'", indices);
    if (p->failed) return result;
    if (count != (int)tensor->rank) {
        char found[128];
        snprintf(found, sizeof(found), "%.63s with %d ind%s", tensor->name, count, count == 1 ? "ex" : "ices");
        tsr_parse_refuse(p, &name, found, "%d, one for each axis", (int)tensor->rank);
        return result;
    }
    result.node = tsr_parse_make_tensor(p, slot, indices, count).node;
    return result;
}

static const struct function *find_function(const char *text, size_t length)
{
    for (int i = 0; i < FUNCTIONS; i++)
        if (same(functions[i].name, text, length)) return &functions[i];
    return NULL;
}

static int find_variable(const char *text, size_t length)
{
    for (int i = 0; i < TSR_VAR_COUNT; i++)
        if (same(tsr_expression_variables[i], text, length)) return i;
    return same("score", text, length) ? (int)TSR_VAR_SCORE : -1;
}

bool tsr_expression_is_builtin(const char *name, size_t length) { return find_function(name, length) || find_variable(name, length) >= 0; }

static tsr_parsed parse_name(tsr_parser *p)
{
    tsr_parsed v = {.at = p->now};
    const char *text = p->now.text;
    const size_t length = p->now.length;
    advance(p);
    const struct function *function = find_function(text, length);
    if (function) return parse_call(p, function, v.at);
    const int variable = find_variable(text, length);
    if (variable == TSR_VAR_SCORE && p->desc->kind != TSR_EXPRESSION_SCORE) {
        tsr_parse_refuse(p, &v.at, "'score'", "no score in a mask");
        return v;
    }
    if (variable >= 0) {
        v.node = tsr_build_variable(p->builder, (tsr_expression_variable)variable);
        return v;
    }
    for (uint32_t i = 0; i < p->named; i++) {
        if (p->names[i].length == length && memcmp(p->names[i].text, text, length) == 0) {
            v.node = p->names[i].node;
            return v;
        }
    }
    for (size_t i = 0; i < p->desc->scalar_count; i++) {
        if (same(p->desc->scalars[i].name, text, length)) {
            v.node = tsr_build_scalar(p->builder, (uint16_t)i);
            return v;
        }
    }
    for (size_t i = 0; i < p->desc->tensor_count; i++)
        if (same(p->desc->tensors[i].name, text, length)) return parse_tensor(p, (uint16_t)i, v.at);
    tsr_parse_refuse_token(p, &v.at,
                           token_is(p, TSR_SIGN('(', 0)) ? "a function: abs, min, max, floor, exp, log, sqrt, tanh, pow or clamp"
                                                         : "a built-in name (b, h, q, kv, ...), a name given before, a scalar or a tensor");
    return v;
}

static tsr_parsed parse_primary(tsr_parser *p)
{
    tsr_parsed v = {.at = p->now};
    switch (p->now.kind) {
    case TSR_TOKEN_WHOLE:
        v.node = tsr_build_whole(p->builder, p->now.whole);
        advance(p);
        break;
    case TSR_TOKEN_REAL:
        v.node = tsr_build_real(p->builder, p->now.real);
        advance(p);
        break;
    case TSR_TOKEN_NAME:
        v = parse_name(p);
        break;
    default:
        if (!token_is(p, TSR_SIGN('(', 0))) {
            tsr_parse_refuse_token(p, &p->now, "a number, a name or '('");
            break;
        }
        advance(p);
        v.node = parse_conditional(p).node;
        take(p, TSR_SIGN(')', 0), "')'");
    }
    tsr_parse_refuse_full(p);
    return v;
}

static tsr_parsed parse_unary(tsr_parser *p)
{
    const bool minus = token_is(p, TSR_SIGN('-', 0)), inverted = token_is(p, TSR_SIGN('!', 0));
    if (!minus && !inverted) return parse_primary(p);
    tsr_parsed v = {.at = p->now};
    if (!enter(p)) return v;
    advance(p);
    const tsr_parsed x = parse_unary(p);
    p->depth--;
    if (p->failed) return v;
    v.node = inverted ? tsr_parse_make_not(p, x).node : tsr_parse_make_negative(p, x).node;
    return v;
}

/* How tightly the operator at hand binds; 0: it is none. */
static int binding(const tsr_parser *p)
{
    if (p->now.kind != TSR_TOKEN_SIGN) return 0;
    switch (p->now.sign) {
    case TSR_SIGN('|', '|'):
        return 1;
    case TSR_SIGN('&', '&'):
        return 2;
    case TSR_SIGN('=', '='):
    case TSR_SIGN('!', '='):
        return 3;
    case '<':
    case '>':
    case TSR_SIGN('<', '='):
    case TSR_SIGN('>', '='):
        return 4;
    case '+':
    case '-':
        return 5;
    case '*':
    case '/':
    case '%':
        return 6;
    default:
        return 0;
    }
}

/* Operators that bind at least as tightly as that, from left to right. */
static tsr_parsed parse_binary(tsr_parser *p, int least)
{
    tsr_parsed left = parse_unary(p);
    for (int bound = binding(p); bound >= least && !p->failed; bound = binding(p)) {
        const int sign = p->now.sign;
        advance(p);
        const tsr_parsed right = parse_binary(p, bound + 1);
        if (!p->failed) left = tsr_parse_make_binary(p, sign, left, right);
    }
    return left;
}

static tsr_parsed parse_conditional(tsr_parser *p)
{
    tsr_parsed c = {.at = p->now};
    if (!enter(p)) return c;
    c = parse_binary(p, 1);
    if (token_is(p, TSR_SIGN('?', 0))) {
        advance(p);
        const tsr_parsed yes = parse_conditional(p);
        take(p, TSR_SIGN(':', 0), "an operator or ':'");
        const tsr_parsed no = parse_conditional(p);
        if (!p->failed) c = tsr_parse_make_select(p, c, yes, no);
    }
    p->depth--;
    return c;
}

static bool is_taken(const tsr_parser *p, const tsr_token *name)
{
    if (tsr_expression_is_builtin(name->text, name->length)) return true;
    for (uint32_t i = 0; i < p->named; i++)
        if (p->names[i].length == name->length && memcmp(p->names[i].text, name->text, name->length) == 0) return true;
    for (size_t i = 0; i < p->desc->scalar_count; i++)
        if (same(p->desc->scalars[i].name, name->text, name->length)) return true;
    for (size_t i = 0; i < p->desc->tensor_count; i++)
        if (same(p->desc->tensors[i].name, name->text, name->length)) return true;
    return false;
}

/* name = expression; */
static void parse_statement(tsr_parser *p)
{
    const tsr_token name = p->now;
    if (is_taken(p, &name)) {
        tsr_parse_refuse_token(p, &name, "a name that has no value yet");
    } else if (p->named == TSR_EXPRESSION_MAX_NAMES) {
        tsr_parse_refuse(p, &name, "one more name", "at most %d", TSR_EXPRESSION_MAX_NAMES);
    }
    advance(p);
    advance(p);
    const tsr_parsed v = parse_conditional(p);
    take(p, TSR_SIGN(';', 0), "an operator or ';'");
    if (!p->failed) p->names[p->named++] = (tsr_parse_name){name.text, name.length, v.node};
}

tsr_status tsr_expression_parse(const tsr_expression_desc *desc, size_t length, tsr_builder *builder, uint16_t *root)
{
    tsr_parser p = {.lexer = {desc->text, desc->text + length, 1, 1}, .desc = desc, .builder = builder};
    tsr_lexer_next(&p.lexer, &p.now);
    tsr_lexer_next(&p.lexer, &p.next);
    while (p.now.kind == TSR_TOKEN_NAME && p.next.kind == TSR_TOKEN_SIGN && p.next.sign == '=') parse_statement(&p);
    const tsr_parsed v = parse_conditional(&p);
    if (p.now.kind != TSR_TOKEN_END) tsr_parse_refuse_token(&p, &p.now, "an operator or the end of the text");
    *root = tsr_parse_make_result(&p, v).node;
    return p.failed ? TSR_ERROR_COMPILE : TSR_OK;
}
