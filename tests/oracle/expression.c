/* Random expressions: made as trees, written with no more parentheses than C needs, and valued point by point. */
#include "expression.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const variables[ORACLE_VARIABLES] = {"b", "h", "nq", "nk", "q", "qt", "qh", "qw", "kv", "kt", "kh", "kw"};

static int make(oracle_expression *e, oracle_rng *r, char type, int size);

static int leaf(oracle_expression *e, oracle_rng *r, char type)
{
    oracle_term t = {.type = type};
    if (type == 'w') {
        t.op = oracle_below(r, 3) ? 'v' : '#';
        t.whole = t.op == 'v' ? oracle_below(r, ORACLE_VARIABLES) : oracle_below(r, oracle_below(r, 4) ? 9 : 5000);
    } else {
        const uint32_t which = oracle_below(r, 3);
        t.op = which == 0 && e->score ? 'S' : which < 2 && e->desc->scalar_count ? 's' : '#';
        if (t.op == 's') t.whole = oracle_below(r, (uint32_t)e->desc->scalar_count);
        t.real = (float)oracle_below(r, 4000) / 64.0f;
    }
    e->terms[e->count] = t;
    return e->count++;
}

/* Arguments first, so that their places are known. */
static int node(oracle_expression *e, oracle_rng *r, char op, char type, const char *args, int size)
{
    oracle_term t = {.op = op, .type = type};
    const int count = (int)strlen(args);
    for (int i = 0; i < count; i++) t.arg[i] = make(e, r, args[i], (size - 1) / count);
    e->terms[e->count] = t;
    return e->count++;
}

static int tensor(oracle_expression *e, oracle_rng *r, int size)
{
    const uint32_t which = oracle_below(r, (uint32_t)e->desc->tensor_count);
    const int i = node(e, r, '[', 'r', e->desc->tensors[which].rank == 1 ? "w" : "ww", size);
    e->terms[i].whole = which;
    return i;
}

static int make(oracle_expression *e, oracle_rng *r, char type, int size)
{
    static const char whole_ops[] = "+-*nam%M/", real_ops[] = "+-*namMd", truth_ops[] = "<l=!";
    if (size < 2 && type != 't') return leaf(e, r, type);
    if (type == 't') {
        const uint32_t which = oracle_below(r, 8);
        if (which < 3 && size > 3) return node(e, r, "&|"[which & 1], 't', "tt", size);
        if (which == 3) return node(e, r, 'N', 't', size > 3 ? "t" : "w", size);
        const bool real = !e->smooth && which == 4;
        return node(e, r, truth_ops[oracle_below(r, 4)], 't', real ? "rr" : "ww", size);
    }
    if (oracle_below(r, 8) == 0) return node(e, r, '?', type, type == 'w' ? "tww" : "trr", size);
    if (type == 'w') {
        const char op = whole_ops[oracle_below(r, sizeof(whole_ops) - 1)];
        if (!e->smooth && oracle_below(r, 12) == 0) return node(e, r, 'f', 'w', "r", size);
        return node(e, r, op, 'w', op == 'n' || op == 'a' ? "w" : "ww", size);
    }
    const uint32_t which = oracle_below(r, 12);
    if (which == 0) return node(e, r, 'c', 'r', "w", size);
    if (which == 1 && e->smooth) return node(e, r, 't', 'r', "r", size);
    if (which == 2) return node(e, r, 'q', 'r', "r", size);
    if (which < 5 && e->desc->tensor_count) return tensor(e, r, size);
    const char op = real_ops[oracle_below(r, sizeof(real_ops) - 1)];
    if (op == 'd') return node(e, r, 'd', 'r', oracle_below(r, 2) ? "ww" : "rr", size);
    return node(e, r, op, 'r', op == 'n' || op == 'a' ? "r" : "rr", size);
}

typedef struct writer {
    const oracle_expression *e;
    oracle_rng *r;
    char *text;
    size_t at, room;
} writer;

static void put(writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(w->text + w->at, w->room - w->at, format, args);
    va_end(args);
    w->at = n < 0 || (size_t)n >= w->room - w->at ? w->room - 1 : w->at + (size_t)n;
}

static int binding(char op)
{
    static const struct {
        const char *ops;
        int binding;
    } table[] = {{"?", 1}, {"|", 2}, {"&", 3}, {"=!", 4}, {"<l", 5}, {"+-", 6}, {"*%d", 7}, {"nN", 8}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strchr(table[i].ops, op)) return table[i].binding;
    return 9;
}

static void write(writer *w, int term, int least)
{
    const oracle_term *t = &w->e->terms[term];
    const int bound = binding(t->op);
    const bool quoted = bound < least || oracle_below(w->r, 10) == 0;
    static const struct {
        char op;
        const char *text;
    } signs[] = {{'|', "||"}, {'&', "&&"}, {'=', "=="}, {'!', "!="}, {'<', "<"}, {'l', "<="},
                 {'+', "+"},  {'-', "-"},  {'*', "*"},  {'%', "%"},  {'d', "/"}};
    if (quoted) put(w, "(");
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (signs[i].op != t->op) continue;
        const bool turned = (t->op == '<' || t->op == 'l') && oracle_below(w->r, 2); /* a < b as b > a */
        write(w, t->arg[turned], bound + (turned ? 1 : 0));
        put(w, oracle_below(w->r, 4) ? " %s%s " : "\n%s%s", turned && t->op == '<' ? ">" : turned ? ">=" : signs[i].text, "");
        write(w, t->arg[!turned], bound + 1);
    }
    switch (t->op) {
    case 'v':
        put(w, "%s", variables[t->whole]);
        break;
    case '#':
        if (t->type == 'w')
            put(w, "%" PRId64, t->whole);
        else
            put(w, "%.6f", (double)t->real);
        break;
    case 's':
        put(w, "%s", w->e->desc->scalars[t->whole].name);
        break;
    case 'S':
        put(w, "score");
        break;
    case '?':
        write(w, t->arg[0], 2);
        put(w, " ? ");
        write(w, t->arg[1], 1);
        put(w, " : ");
        write(w, t->arg[2], 1);
        break;
    case 'n':
    case 'N':
        put(w, t->op == 'n' ? "-" : "!");
        write(w, t->arg[0], 8);
        break;
    case '/':
        put(w, "floor(");
        write(w, t->arg[0], 7);
        put(w, "/");
        write(w, t->arg[1], 8);
        put(w, ")");
        break;
    case '[':
        put(w, "%s[", w->e->desc->tensors[t->whole].name);
        write(w, t->arg[0], 1);
        if (w->e->desc->tensors[t->whole].rank > 1) {
            put(w, ", ");
            write(w, t->arg[1], 1);
        }
        put(w, "]");
        break;
    case 'c': /* whole to real: by adding 0.0 */
        put(w, "(");
        write(w, t->arg[0], 6);
        put(w, " + 0.0)");
        break;
    case 'q':
        put(w, "sqrt(abs(");
        write(w, t->arg[0], 1);
        put(w, "))");
        break;
    case 'a':
    case 'f':
    case 't':
    case 'm':
    case 'M':
        put(w, "%s(", t->op == 'a' ? "abs" : t->op == 'f' ? "floor" : t->op == 't' ? "tanh" : t->op == 'm' ? "min" : "max");
        write(w, t->arg[0], 1);
        if (t->op == 'm' || t->op == 'M') {
            put(w, ",");
            write(w, t->arg[1], 1);
        }
        put(w, ")");
        break;
    default:
        break;
    }
    if (quoted) put(w, ")");
}

void oracle_expression_make(oracle_expression *e, oracle_rng *r, char type, int size, char *text, size_t room)
{
    e->count = 0;
    e->root = make(e, r, type, size);
    writer w = {e, r, text, 0, room};
    write(&w, e->root, 1);
    if (w.at + 1 >= room) text[0] = '\0';
}

static float read_tensor(const tsr_named_tensor *t, int64_t i, int64_t j)
{
    const int64_t columns = t->rank == 1 ? 1 : t->shape[1];
    if (t->rank == 1) j = 0;
    return i < 0 || i >= t->shape[0] || j < 0 || j >= columns ? 0.0f : t->data[i * columns + j];
}

static int64_t divide(int64_t a, int64_t b, int64_t *remainder)
{
    int64_t q = 0, r = 0;
    if (b == -1) {
        q = (int64_t)(0 - (uint64_t)a);
    } else if (b != 0) {
        q = a / b;
        r = a % b;
        if (r != 0 && (r < 0) != (b < 0)) {
            q--;
            r += b;
        }
    }
    *remainder = r;
    return q;
}

static oracle_value whole_value(const oracle_expression *e, const oracle_term *t, const oracle_point *at)
{
    oracle_value x = {0}, y = {0}, r = {0};
    if (strchr("+-*nam%M/", t->op)) x = oracle_expression_value(e, t->arg[0], at);
    if (strchr("+-*m%M/", t->op)) y = oracle_expression_value(e, t->arg[1], at);
    const uint64_t a = (uint64_t)x.whole, b = (uint64_t)y.whole;
    int64_t remainder;
    switch (t->op) {
    case '+':
        r.whole = (int64_t)(a + b);
        break;
    case '-':
        r.whole = (int64_t)(a - b);
        break;
    case '*':
        r.whole = (int64_t)(a * b);
        break;
    case 'n':
        r.whole = (int64_t)(0 - a);
        break;
    case 'a':
        r.whole = x.whole < 0 ? (int64_t)(0 - a) : x.whole;
        break;
    case 'm':
        r.whole = x.whole < y.whole ? x.whole : y.whole;
        break;
    case 'M':
        r.whole = x.whole > y.whole ? x.whole : y.whole;
        break;
    case '/':
        r.whole = divide(x.whole, y.whole, &remainder);
        break;
    case '%':
        divide(x.whole, y.whole, &r.whole);
        break;
    case 'f': {
        const oracle_term *arg = &e->terms[t->arg[0]];
        if (arg->op == 'd' && e->terms[arg->arg[0]].type == 'w') { /* of a quotient of whole numbers: exact */
            r.whole = divide(oracle_expression_value(e, arg->arg[0], at).whole, oracle_expression_value(e, arg->arg[1], at).whole, &remainder);
            break;
        }
        const double d = floor((double)oracle_expression_value(e, t->arg[0], at).real);
        r.whole = isnan(d) ? 0 : (int64_t)fmin(fmax(d, INT32_MIN), INT32_MAX);
        break;
    }
    default:
        break;
    }
    return r;
}

static oracle_value real_value(const oracle_expression *e, const oracle_term *t, const oracle_point *at)
{
    oracle_value x = {0}, y = {0}, r = {0};
    x = oracle_expression_value(e, t->arg[0], at);
    if (strchr("+-*mMd[", t->op)) y = oracle_expression_value(e, t->arg[1], at);
    if (t->op == 'd' && e->terms[t->arg[0]].type == 'w') {
        x.real = (float)x.whole;
        y.real = (float)y.whole;
    }
    switch (t->op) {
    case '+':
        r.real = x.real + y.real;
        break;
    case '-':
        r.real = x.real - y.real;
        break;
    case '*':
        r.real = x.real * y.real;
        break;
    case 'd':
        r.real = x.real / y.real;
        break;
    case 'n':
        r.real = -x.real;
        break;
    case 'a':
        r.real = fabsf(x.real);
        break;
    case 'm':
        r.real = y.real < x.real ? y.real : x.real;
        break;
    case 'M':
        r.real = x.real < y.real ? y.real : x.real;
        break;
    case 'c':
        r.real = (float)x.whole;
        break;
    case 't':
        r.real = tanhf(x.real);
        break;
    case 'q':
        r.real = sqrtf(fabsf(x.real));
        break;
    case '[':
        r.real = read_tensor(&e->desc->tensors[t->whole], x.whole, y.whole);
        break;
    default:
        break;
    }
    if (e->jitter && t->op != '[') r.real *= 1.0f + (float)((int)oracle_below(e->jitter, 17) - 8) * 0x1p-24f;
    return r;
}

static int64_t truth_value(const oracle_expression *e, const oracle_term *t, const oracle_point *at)
{
    const oracle_value x = oracle_expression_value(e, t->arg[0], at);
    if (t->op == 'N') return !x.whole;
    const oracle_value y = oracle_expression_value(e, t->arg[1], at);
    const bool real = e->terms[t->arg[0]].type == 'r';
    switch (t->op) {
    case '&':
        return x.whole && y.whole;
    case '|':
        return x.whole || y.whole;
    case '<':
        return real ? x.real < y.real : x.whole < y.whole;
    case 'l':
        return real ? x.real <= y.real : x.whole <= y.whole;
    case '=':
        return real ? x.real == y.real : x.whole == y.whole;
    default:
        return real ? x.real != y.real : x.whole != y.whole;
    }
}

oracle_value oracle_expression_value(const oracle_expression *e, int term, const oracle_point *at)
{
    const oracle_term *t = &e->terms[term];
    if (t->op == 'v') return (oracle_value){.whole = at->variable[t->whole]};
    if (t->op == '#') return (oracle_value){t->whole, t->real};
    if (t->op == 's') return (oracle_value){.real = e->desc->scalars[t->whole].value};
    if (t->op == 'S') return (oracle_value){.real = at->score};
    if (t->op == '?') return oracle_expression_value(e, t->arg[oracle_expression_value(e, t->arg[0], at).whole ? 1 : 2], at);
    if (t->type == 't') return (oracle_value){.whole = truth_value(e, t, at)};
    return t->type == 'w' ? whole_value(e, t, at) : real_value(e, t, at);
}
