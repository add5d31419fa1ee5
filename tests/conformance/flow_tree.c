/* Trees of expressions: random ones, their texts, and their values in fp64 with bounds of what fp32 may add. */
#include "flow_tree.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER = 1000, PARAMETER, EXTENT, PLACE, TENSOR };

static double less(double a, double b, double c) { return (void)c, a < b; }
static double more(double a, double b, double c) { return (void)c, a > b; }
static double at_most(double a, double b, double c) { return (void)c, a <= b; }
static double at_least(double a, double b, double c) { return (void)c, a >= b; }
static double equal(double a, double b, double c) { return (void)c, a == b; }
static double different(double a, double b, double c) { return (void)c, a != b; }
static double both(double a, double b, double c) { return (void)c, a != 0 && b != 0; }
static double either(double a, double b, double c) { return (void)c, a != 0 || b != 0; }
static double plus(double a, double b, double c) { return (void)c, a + b; }
static double minus(double a, double b, double c) { return (void)c, a - b; }
static double times(double a, double b, double c) { return (void)c, a * b; }
static double over(double a, double b, double c) { return (void)c, a / b; }
static double modulo(double a, double b, double c) { return (void)c, a - b * floor(a / b); }
static double choose(double a, double b, double c) { return a != 0 ? b : c; }
static double negative(double a, double b, double c) { return (void)b, (void)c, -a; }
static double inverted(double a, double b, double c) { return (void)b, (void)c, a == 0; }
static double least(double a, double b, double c) { return (void)c, isnan(a) || isnan(b) ? NAN : fmin(a, b); }
static double most(double a, double b, double c) { return (void)c, isnan(a) || isnan(b) ? NAN : fmax(a, b); }
static double power(double a, double b, double c) { return (void)c, pow(a, b); }
static double magnitude(double a, double b, double c) { return (void)b, (void)c, fabs(a); }
static double relu(double a, double b, double c) { return (void)b, (void)c, isnan(a) ? a : fmax(a, 0); }
static double sign_of(double a, double b, double c) { return (void)b, (void)c, isnan(a) ? a : (a > 0) - (a < 0); }
static double down(double a, double b, double c) { return (void)b, (void)c, floor(a); }
static double up(double a, double b, double c) { return (void)b, (void)c, ceil(a); }
static double nearest(double a, double b, double c) { return (void)b, (void)c, round(a); }
static double root(double a, double b, double c) { return (void)b, (void)c, sqrt(a); }
static double exponential(double a, double b, double c) { return (void)b, (void)c, exp(a); }
static double natural(double a, double b, double c) { return (void)b, (void)c, log(a); }
static double binary_log(double a, double b, double c) { return (void)b, (void)c, log2(a); }
static double sigmoid(double a, double b, double c) { return (void)b, (void)c, 1 / (1 + exp(-a)); }
static double silu(double a, double b, double c) { return (void)b, (void)c, a / (1 + exp(-a)); }
static double tangent(double a, double b, double c) { return (void)b, (void)c, tanh(a); }
static double elu(double a, double b, double c) { return (void)b, (void)c, a > 0 ? a : expm1(a); }
static double softplus(double a, double b, double c) { return (void)b, (void)c, isnan(a) ? a : fmax(a, 0) + log1p(exp(-fabs(a))); }

/* binding: of C's table; 9: a function. jumps: its value may change at once with its arguments. */
static const struct operation {
    const char *name;
    double (*of)(double, double, double);
    int args, binding;
    bool jumps;
} operations[] = {
    {"?", choose, 3, 0, false},        {"||", either, 2, 1, true},
    {"&&", both, 2, 2, true},          {"==", equal, 2, 3, true},
    {"!=", different, 2, 3, true},     {"<", less, 2, 4, true},
    {">", more, 2, 4, true},           {"<=", at_most, 2, 4, true},
    {">=", at_least, 2, 4, true},      {"+", plus, 2, 5, false},
    {"-", minus, 2, 5, false},         {"*", times, 2, 6, false},
    {"/", over, 2, 6, false},          {"%", modulo, 2, 6, true},
    {"neg", negative, 1, 7, false},    {"!", inverted, 1, 7, true},
    {"min", least, 2, 9, false},       {"max", most, 2, 9, false},
    {"pow", power, 2, 9, false},       {"abs", magnitude, 1, 9, false},
    {"relu", relu, 1, 9, false},       {"sign", sign_of, 1, 9, true},
    {"floor", down, 1, 9, true},       {"ceil", up, 1, 9, true},
    {"round", nearest, 1, 9, true},    {"sqrt", root, 1, 9, false},
    {"exp", exponential, 1, 9, false}, {"ln", natural, 1, 9, false},
    {"log2", binary_log, 1, 9, false}, {"sigmoid", sigmoid, 1, 9, false},
    {"silu", silu, 1, 9, false},       {"tanh", tangent, 1, 9, false},
    {"elu", elu, 1, 9, false},         {"softplus", softplus, 1, 9, false},
};

enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]) };

static const char *const places[] = {"batch", "head", "row", "column", "rows", "columns"};
static const char *const extents[] = {"B", "H", "Hkv", "Nq", "Nk", "D", "Dv"};

static int add(flow_tree *t, flow_tree_node node)
{
    if (t->count == FLOW_TREE_NODES) {
        flow_case_fail(t->f, "the test's expression is too long");
        return 0;
    }
    t->nodes[t->count] = node;
    return t->count++;
}

int flow_tree_tensor(flow_tree *t, int slot) { return add(t, (flow_tree_node){.what = TENSOR, .slot = slot}); }

int flow_tree_operation(flow_tree *t, const char *name, int a, int b, int c)
{
    int i = 0;
    while (i < OPERATIONS - 1 && strcmp(operations[i].name, name) != 0) i++;
    return add(t, (flow_tree_node){.what = i, .arg = {a, b, c}});
}

static int draw_leaf(flow_tree *t)
{
    flow_case *f = t->f;
    switch (flow_case_draw(f, 0, 6)) {
    case 0:
        return add(t, (flow_tree_node){.what = NUMBER, .number = (double)flow_case_draw(f, 0, 40) / 8});
    case 1:
        return add(t, (flow_tree_node){.what = PARAMETER, .slot = (int)flow_case_draw(f, 0, (int64_t)f->parameter_count - 1)});
    case 2:
        return flow_case_draw(f, 0, 1) ? add(t, (flow_tree_node){.what = EXTENT, .slot = (int)flow_case_draw(f, 0, 6)})
                                       : add(t, (flow_tree_node){.what = PLACE, .slot = (int)flow_case_draw(f, 0, 5)});
    default:
        return flow_tree_tensor(t, (int)flow_case_draw(f, 0, t->tensor_count - 1));
    }
}

int flow_tree_draw(flow_tree *t, int left)
{
    if (left <= 0 || !flow_case_ok(t->f)) return draw_leaf(t);
    const int what = (int)flow_case_draw(t->f, 0, OPERATIONS - 1), args = operations[what].args;
    flow_tree_node node = {.what = what};
    left--;
    for (int i = 0; i < args; i++) {
        const int part = i + 1 == args ? left : (int)flow_case_draw(t->f, 0, left);
        node.arg[i] = flow_tree_draw(t, part);
        left -= part;
    }
    return add(t, node);
}

static void put(flow_tree *t, const char *text)
{
    const size_t size = strlen(text);
    if (t->length + size >= sizeof(t->text)) {
        flow_case_fail(t->f, "the test's expression is longer than %d", FLOW_TREE_TEXT);
        return;
    }
    memcpy(t->text + t->length, text, size + 1);
    t->length += size;
}

static int binding(const flow_tree_node *n) { return n->what < NUMBER ? operations[n->what].binding : 9; }

/* In parentheses where it binds less than needed, and at times without need. */
static void write_part(flow_tree *t, int node, int needed)
{
    const bool enclosed = binding(&t->nodes[node]) < needed || flow_case_draw(t->f, 0, 9) == 0;
    if (enclosed) put(t, "(");
    flow_tree_write(t, node);
    if (enclosed) put(t, ")");
}

static void write_leaf(flow_tree *t, const flow_tree_node *n)
{
    char text[40];
    snprintf(text, sizeof(text), n->what == TENSOR ? "t%d" : "%d", n->slot);
    if (n->what == NUMBER) snprintf(text, sizeof(text), "%g", n->number);
    put(t, n->what == PARAMETER ? t->f->parameters[n->slot].name : n->what == EXTENT ? extents[n->slot] : n->what == PLACE ? places[n->slot] : text);
}

void flow_tree_write(flow_tree *t, int node)
{
    const flow_tree_node *n = &t->nodes[node];
    if (!flow_case_ok(t->f)) return;
    if (n->what >= NUMBER) {
        write_leaf(t, n);
        return;
    }
    const struct operation *o = &operations[n->what];
    if (o->args == 3) {
        write_part(t, n->arg[0], 1);
        put(t, " ? ");
        write_part(t, n->arg[1], 0);
        put(t, " : ");
        write_part(t, n->arg[2], 0);
    } else if (o->binding == 9) {
        put(t, o->name);
        put(t, "(");
        for (int i = 0; i < o->args; i++) {
            if (i) put(t, ", ");
            write_part(t, n->arg[i], 0);
        }
        put(t, ")");
    } else if (o->args == 1) {
        put(t, o->of == negative ? "-" : o->name);
        write_part(t, n->arg[0], 7);
    } else {
        write_part(t, n->arg[0], o->binding);
        put(t, " ");
        put(t, o->name);
        put(t, " ");
        write_part(t, n->arg[1], o->binding + 1);
    }
}

/* The value at one corner of what the arguments may be, against that in the middle. */
static void corner(flow_tree_value *v, const struct operation *o, double a, double b, double c)
{
    const double y = o->of(a, b, c);
    if (y == v->x || (isnan(y) && isnan(v->x))) return;
    if (o->jumps && o->of != modulo) v->sure = false;
    if (!(fabs(y - v->x) < INFINITY)) v->sure = false;
    if (fabs(y - v->x) > v->error) v->error = fabs(y - v->x);
}

static flow_tree_value operate(const struct operation *o, const flow_tree_value *a)
{
    if (o->args == 3) {
        const flow_tree_value *taken = a[0].x != 0 ? &a[1] : &a[2];
        return (flow_tree_value){taken->x, taken->error, taken->sure && a[0].sure && (a[0].error == 0 || fabs(a[0].x) > a[0].error)};
    }
    flow_tree_value v = {o->of(a[0].x, a[1].x, 0), 0, a[0].sure && (o->args == 1 || a[1].sure)};
    for (int i = 0; i < 4; i++) corner(&v, o, a[0].x + (i & 1 ? 1 : -1) * a[0].error, o->args > 1 ? a[1].x + (i & 2 ? 1 : -1) * a[1].error : 0, 0);
    for (int i = 0; i < o->args; i++) /* what happens at 0 shows at no corner */
        if (a[i].error > 0 && fabs(a[i].x) <= a[i].error &&
            (o->jumps || o->of == over || o->of == power || o->of == natural || o->of == binary_log || o->of == root))
            v.sure = false;
    if ((o->of == equal || o->of == different) && a[0].error + a[1].error > 0 && fabs(a[0].x - a[1].x) <= a[0].error + a[1].error) v.sure = false;
    if (o->of == power && a[0].x < 0 && a[1].error > 0) v.sure = false; /* a whole exponent or one beside it */
    if (o->of == modulo) {                                              /* whole numbers are exact; else the product may be rounded */
        const double q = a[0].x / a[1].x, off = (a[0].error + a[1].error * fabs(q)) / fabs(a[1].x) + 1e-6 * fabs(q);
        const bool whole = a[0].error == 0 && a[1].error == 0 && a[0].x == floor(a[0].x) && a[1].x == floor(a[1].x);
        if (fabs(v.x - a[1].x) <= 1e-6 * fabs(a[1].x)) v.sure = false; /* just below the divisor, or 0 */
        if (!(fabs(q) < 1e6) || (floor(q - off) != floor(q + off) && !whole)) v.sure = false;
        v.error = a[0].error + a[1].error * (fabs(q) + 1) + (whole ? 0 : 2e-7 * fabs(a[0].x));
    }
    v.error += 6e-7 * fabs(v.x) + 1e-36;
    if (o->of == power && v.x != 0) v.error += 5e-7 * fabs(v.x * log(fabs(v.x)));
    if (o->jumps && o->of != modulo) v.error = 0;
    if (isinf(v.x) || isnan(v.x)) v.error = 0;
    if (fabs(v.x) > 3e38 && !isinf(v.x)) v.sure = false;
    if (v.error > 1e30 || isnan(v.error)) v.sure = false;
    return v;
}

flow_tree_value flow_tree_at(const flow_tree *t, int node, const int64_t at[4])
{
    const flow_tree_node *n = &t->nodes[node];
    const flow_sizes *s = &t->f->n;
    const int64_t numbers[] = {s->b, s->h, s->hkv, s->nq, s->nk, s->d, s->dv};
    const flow_array *x;
    flow_tree_value v = {0, 0, true}, args[3] = {{0}};
    switch (n->what) {
    case NUMBER:
        v.x = n->number;
        return v;
    case PARAMETER:
        v.x = (double)t->f->parameters[n->slot].value;
        return v;
    case EXTENT:
        v.x = (double)numbers[n->slot];
        return v;
    case PLACE:
        v.x = (double)(n->slot < 4 ? at[n->slot] : t->shape[n->slot - 2]);
        return v;
    case TENSOR:
        x = t->tensors[n->slot];
        v.x = flow_at_head(x, at[0], at[1], t->shape[1], at[2], at[3]);
        return v;
    default:
        for (int i = 0; i < operations[n->what].args; i++) args[i] = flow_tree_at(t, n->arg[i], at);
        return operate(&operations[n->what], args);
    }
}
