/* From an expression's text to its tree; operations over numbers alone are worked out on the way. */
#include <string.h>

#include "expression/lexer.h"
#include "flow/compute_args.h"
#include "value.h"

typedef struct parser {
    tsr_flow *f;
    const value_scope *scope;
    value_tree *tree;
    tsr_lexer lexer;
    tsr_token now;
    int depth;
} parser;

static bool failed(const parser *p) { return p->f->r->status != TSR_OK; }

static void refuse(parser *p, const char *expected)
{
    const int n = p->now.length < 64 ? (int)p->now.length : 64;
    if (p->now.kind == TSR_TOKEN_END)
        tsr_reader_fail(p->f->r, "ends at column %d; expected %s", p->now.column, expected);
    else
        tsr_reader_fail(p->f->r, "has '%.*s' at column %d; expected %s", n, p->now.text, p->now.column, expected);
}

/* The next word; a name takes the part behind its point with it. */
static void advance(parser *p)
{
    tsr_lexer_next(&p->lexer, &p->now);
    if (p->now.kind == TSR_TOKEN_NAME && p->lexer.at < p->lexer.end && *p->lexer.at == '.') {
        tsr_token part;
        p->lexer.at++;
        p->lexer.column++;
        const char *begin = p->lexer.at;
        tsr_lexer_next(&p->lexer, &part);
        if (part.kind != TSR_TOKEN_NAME || part.text != begin) {
            p->now = part;
            refuse(p, "lse, labels, sizes or centroids behind the point");
        }
        p->now.length = (size_t)(p->lexer.at - p->now.text);
    }
    if (p->now.kind == TSR_TOKEN_BAD) refuse(p, p->now.expected);
}

static bool is(const parser *p, int sign) { return p->now.kind == TSR_TOKEN_SIGN && p->now.sign == sign; }

static void take(parser *p, int sign, const char *expected)
{
    if (is(p, sign))
        advance(p);
    else
        refuse(p, expected);
}

static int add(parser *p, value_node node)
{
    if (p->tree->count == VALUE_NODES) {
        tsr_reader_fail(p->f->r, "has too many operations; expected at most %d", VALUE_NODES);
        return 0;
    }
    p->tree->nodes[p->tree->count] = node;
    return p->tree->count++;
}

static int number(parser *p, double value) { return add(p, (value_node){.op = COMPUTE_NUMBER, .number = value}); }

static const value_node *numeral(const parser *p, int node) { return p->tree->nodes[node].op == COMPUTE_NUMBER ? &p->tree->nodes[node] : NULL; }

static int operation(parser *p, int op, int args, int a, int b, int c)
{
    if (failed(p)) return 0;
    const value_node *x = numeral(p, a), *y = args > 1 ? numeral(p, b) : x, *z = args > 2 ? numeral(p, c) : x;
    if (x && y && z) return number(p, value_fold(op, x->number, y->number, z->number));
    if (op == COMPUTE_CHOOSE && x) return x->number != 0 ? b : c;
    return add(p, (value_node){.op = (int16_t)op, .args = (int16_t)args, .arg = {(int16_t)a, (int16_t)b, (int16_t)c}});
}

static int conditional(parser *p);

static int call(parser *p, const value_function *g)
{
    int args[2] = {0}, count = 0;
    advance(p);
    take(p, '(', "'(' behind the function's name");
    while (!failed(p)) {
        const int x = conditional(p);
        if (failed(p)) return 0;
        const bool folds = g->args == 2 && count >= 2 && g->op != COMPUTE_POW; /* min and max of any number */
        if (folds)
            args[0] = operation(p, g->op, 2, args[0], args[1], 0), args[1] = x;
        else if (count < g->args)
            args[count] = x;
        else
            refuse(p, g->args == 1 ? "one argument" : "two arguments");
        count++;
        if (is(p, ')')) break;
        take(p, ',', "',' or ')'");
    }
    if (!failed(p) && count < g->args) refuse(p, "two arguments");
    if (failed(p)) return 0;
    advance(p);
    return operation(p, g->op, g->args, args[0], args[1], 0);
}

static int tensor(parser *p, const flow_tensor *t)
{
    value_tree *tree = p->tree;
    int slot = 0;
    while (slot < tree->tensor_count && memcmp(&tree->tensors[slot], t, sizeof(*t)) != 0) slot++;
    if (slot == VALUE_NAMED) {
        tsr_reader_fail(p->f->r, "names too many tensors; expected at most %d", VALUE_NAMED);
        return 0;
    }
    if (slot == tree->tensor_count) tree->tensors[tree->tensor_count++] = *t;
    return add(p, (value_node){.op = COMPUTE_LOAD, .slot = (int16_t)slot});
}

/* One of the tensors that the scope gives; what the recipe calls by its name does not hide it. */
static bool given(parser *p, const char *name, int *node)
{
    for (int i = 0; i < p->scope->named_count; i++) {
        if (strcmp(p->scope->named[i].name, name) != 0) continue;
        *node = tensor(p, &p->scope->named[i].tensor);
        return true;
    }
    return false;
}

/* A tensor's name; false: there is none of it. */
static bool named(parser *p, const char *name, int *node)
{
    flow_value found = {.kind = FLOW_NOTHING};
    if (p->scope->named || p->scope->numbers || !flow_find(p->f, name, &found)) return failed(p);
    if (failed(p)) return true;
    if (found.kind == FLOW_TILES) refuse(p, "a tensor; these are tiles");
    if (found.kind == FLOW_TENSOR || found.kind == FLOW_STATE) *node = tensor(p, &found.tensor);
    return true;
}

/* VALUE_PLACES: it is none. */
static int place_of(const parser *p, const char *name)
{
    int place = 0;
    while (place < VALUE_PLACES && (p->scope->numbers || strcmp(value_places[place], name) != 0)) place++;
    return place;
}

static int name(parser *p)
{
    char text[VALUE_NAME];
    const int column = p->now.column;
    if (p->now.length >= sizeof(text)) {
        refuse(p, "a shorter name");
        return 0;
    }
    memcpy(text, p->now.text, p->now.length);
    text[p->now.length] = '\0';
    for (const value_function *g = value_functions; g->name; g++)
        if (strcmp(g->name, text) == 0) return call(p, g);
    double value;
    int node = 0;
    const int place = place_of(p, text);
    const bool own = given(p, text, &node);
    if (!own && flow_scalar_find(p->f, text, &value))
        node = number(p, value);
    else if (!own && place < VALUE_PLACES)
        node = add(p, (value_node){.op = COMPUTE_PLACE, .slot = (int16_t)place});
    else if (!own && !named(p, text, &node))
        value_unknown(p->f, p->scope, column, text);
    if (!failed(p)) advance(p);
    return node;
}

static int primary(parser *p)
{
    int node = 0;
    if (p->now.kind == TSR_TOKEN_WHOLE || p->now.kind == TSR_TOKEN_REAL) {
        node = number(p, p->now.number);
        advance(p);
    } else if (p->now.kind == TSR_TOKEN_NAME) {
        node = name(p);
    } else if (is(p, '(')) {
        advance(p);
        node = conditional(p);
        if (!failed(p)) take(p, ')', "')'");
    } else {
        refuse(p, "a number, a name or '('");
    }
    return node;
}

static bool enter(parser *p)
{
    if (++p->depth > VALUE_DEPTH) tsr_reader_fail(p->f->r, "nests deeper than %d at column %d", VALUE_DEPTH, p->now.column);
    return !failed(p);
}

static int unary(parser *p)
{
    const int op = is(p, '-') ? COMPUTE_NEGATE : is(p, '!') ? COMPUTE_NOT : 0;
    if (!op) return failed(p) ? 0 : primary(p);
    if (!enter(p)) return 0;
    advance(p);
    const int x = failed(p) ? 0 : unary(p);
    p->depth--;
    return operation(p, op, 1, x, 0, 0);
}

typedef struct binary {
    int sign, op, binding;
    bool swapped;
} binary;

static const binary binaries[] = {
    {TSR_SIGN('|', '|'), COMPUTE_OR, 1, false},        {TSR_SIGN('&', '&'), COMPUTE_AND, 2, false},    {TSR_SIGN('=', '='), COMPUTE_EQUAL, 3, false},
    {TSR_SIGN('!', '='), COMPUTE_DIFFERENT, 3, false}, {TSR_SIGN('<', 0), COMPUTE_LESS, 4, false},     {TSR_SIGN('>', 0), COMPUTE_LESS, 4, true},
    {TSR_SIGN('<', '='), COMPUTE_AT_MOST, 4, false},   {TSR_SIGN('>', '='), COMPUTE_AT_MOST, 4, true}, {TSR_SIGN('+', 0), COMPUTE_ADD, 5, false},
    {TSR_SIGN('-', 0), COMPUTE_SUBTRACT, 5, false},    {TSR_SIGN('*', 0), COMPUTE_MULTIPLY, 6, false}, {TSR_SIGN('/', 0), COMPUTE_DIVIDE, 6, false},
    {TSR_SIGN('%', 0), COMPUTE_REMAINDER, 6, false},
};

static const binary *operator_at(const parser *p)
{
    for (size_t i = 0; i < sizeof(binaries) / sizeof(binaries[0]); i++)
        if (is(p, binaries[i].sign)) return &binaries[i];
    return NULL;
}

/* Operators that bind at least as tightly as binding, left to right. */
static int chain(parser *p, int binding)
{
    int left = unary(p);
    for (const binary *o; !failed(p) && (o = operator_at(p)) && o->binding >= binding;) {
        advance(p);
        const int right = failed(p) ? 0 : chain(p, o->binding + 1);
        left = o->swapped ? operation(p, o->op, 2, right, left, 0) : operation(p, o->op, 2, left, right, 0);
    }
    return left;
}

static int conditional(parser *p)
{
    if (!enter(p)) return 0;
    int node = chain(p, 1);
    if (!failed(p) && is(p, '?')) {
        advance(p);
        const int yes = failed(p) ? 0 : conditional(p);
        if (!failed(p)) take(p, ':', "':'");
        const int no = failed(p) ? 0 : conditional(p);
        node = operation(p, COMPUTE_CHOOSE, 3, node, yes, no);
    }
    p->depth--;
    return node;
}

bool value_parse(tsr_flow *f, const char *text, const value_scope *scope, value_tree *tree)
{
    if (f->r->status != TSR_OK) return false;
    const size_t length = strlen(text);
    parser p = {.f = f, .scope = scope, .tree = tree, .lexer = {text, text + length, 1, 1}};
    if (length > VALUE_TEXT) tsr_reader_fail(f->r, "is a text of %zu bytes; expected at most %d", length, VALUE_TEXT);
    tree->count = tree->tensor_count = 0;
    if (!failed(&p)) advance(&p);
    if (!failed(&p)) tree->root = conditional(&p);
    if (!failed(&p) && p.now.kind != TSR_TOKEN_END) refuse(&p, "an operator, or the end");
    return !failed(&p);
}
