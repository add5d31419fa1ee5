/* Writes a score expression in the kernels' dialect: one statement for each operation, behind #define USER_TEXT. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expression.h"

typedef struct writer {
    const tsr_expression *e;
    char *text;
    size_t at, room;
    bool failed;
} writer;

static void __attribute__((format(printf, 2, 3))) put(writer *w, const char *format, ...)
{
    enum { LONGEST = 512 };
    if (!w->failed && w->room - w->at < LONGEST) {
        char *more = realloc(w->text, w->room += 16384);
        if (more)
            w->text = more;
        else
            w->failed = true;
    }
    if (w->failed) return;
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(w->text + w->at, LONGEST, format, args);
    va_end(args);
    w->at += (size_t)n;
}

static const char *type_of(const tsr_expression_node *n)
{
    return n->type == TSR_TRUTH ? "bool" : n->type == TSR_REAL ? "f32" : tsr_expression_is_wide(n) ? "i64" : "i32";
}

/* An argument's name, in 64 bits where the operation has them. */
typedef struct operand {
    char text[24];
} operand;

static operand name_of(const writer *w, const tsr_expression_node *n, int arg, bool wide)
{
    const tsr_expression_node *a = &w->e->nodes[n->arg[arg]];
    operand o;
    snprintf(o.text, sizeof(o.text), wide && a->type == TSR_WHOLE && !tsr_expression_is_wide(a) ? "I64(v%d)" : "v%d", n->arg[arg]);
    return o;
}

static void put_variable(writer *w, const tsr_expression_node *n)
{
    static const char *const direct[TSR_VAR_COUNT] = {[TSR_VAR_B] = "b", [TSR_VAR_H] = "h", [TSR_VAR_Q] = "q", [TSR_VAR_KV] = "kv"};
    if (direct[n->slot])
        put(w, "%s", direct[n->slot]);
    else if (n->slot == TSR_VAR_NQ || n->slot == TSR_VAR_NK)
        put(w, "user_word(user, %d)", n->slot == TSR_VAR_NQ ? TSR_USER_NQ : TSR_USER_NK);
    else if (n->slot >= TSR_VAR_KT)
        put(w, "user_coordinate(user, kv, %d)", n->slot - TSR_VAR_KT);
    else
        put(w, "user_coordinate(user, q + user_word(user, %d), %d)", TSR_USER_QUERY_FIRST, n->slot - TSR_VAR_QT);
}

static void put_tensor(writer *w, const tsr_expression_node *n)
{
    const int at = TSR_USER_HEADER + (int)w->e->scalar_count + TSR_USER_TENSOR * n->slot;
    put(w, "user_read(user, %d, ", at);
    for (int i = n->args; i-- > 0;) put(w, "user_place(user, %d, ", at + 5 - n->args + i);
    put(w, "0");
    for (int i = 0; i < n->args; i++) {
        const bool wide = tsr_expression_is_wide(&w->e->nodes[n->arg[i]]);
        put(w, wide ? ", user_index(v%d))" : ", v%d)", n->arg[i]);
    }
    put(w, ")");
}

/* Arithmetic that may need 64 bits: in two forms. x y z: arguments; their ranges tell that 32 bits do not overflow. */
static void put_whole(writer *w, const tsr_expression_node *n, const char *x, const char *y, const char *z, bool wide)
{
    if (wide && !tsr_expression_is_wide(n)) put(w, "I32(");
    switch ((tsr_expression_op)n->op) {
    case TSR_OP_ADD:
        put(w, wide ? "user_add(%s, %s)" : "%s + %s", x, y);
        break;
    case TSR_OP_SUB:
        put(w, wide ? "user_sub(%s, %s)" : "%s - %s", x, y);
        break;
    case TSR_OP_MUL:
        put(w, wide ? "user_mul(%s, %s)" : "%s * %s", x, y);
        break;
    case TSR_OP_NEG:
        put(w, wide ? "user_sub(I64(0), %s)" : "-%s", x);
        break;
    case TSR_OP_ABS:
        if (wide)
            put(w, "(%s < I64(0) ? user_sub(I64(0), %s) : %s)", x, x, x);
        else
            put(w, "(%s < 0 ? -%s : %s)", x, x, x);
        break;
    case TSR_OP_MIN:
        put(w, "(%s < %s ? %s : %s)", y, x, y, x);
        break;
    case TSR_OP_MAX:
        put(w, "(%s < %s ? %s : %s)", x, y, y, x);
        break;
    case TSR_OP_SELECT:
        put(w, "(%s ? %s : %s)", x, y, z);
        break;
    case TSR_OP_QUOTIENT:
        put(w, "user_quotient%d(%s, %s)", wide ? 64 : 32, x, y);
        break;
    case TSR_OP_REMAINDER:
        put(w, "user_remainder%d(%s, %s)", wide ? 64 : 32, x, y);
        break;
    default: /* floor */
        put(w, "user_floor(%s)", x);
        break;
    }
    if (wide && !tsr_expression_is_wide(n)) put(w, ")");
}

static void put_real(writer *w, const tsr_expression_node *n, const char *x, const char *y, const char *z)
{
    switch ((tsr_expression_op)n->op) {
    case TSR_OP_ADD:
        put(w, "%s + %s", x, y);
        break;
    case TSR_OP_SUB:
        put(w, "%s - %s", x, y);
        break;
    case TSR_OP_MUL:
        put(w, "%s * %s", x, y);
        break;
    case TSR_OP_DIV:
        put(w, "%s / %s", x, y);
        break;
    case TSR_OP_NEG:
        put(w, "-%s", x);
        break;
    case TSR_OP_ABS:
        put(w, "f32_abs(%s)", x);
        break;
    case TSR_OP_MIN:
        put(w, "(%s < %s ? %s : %s)", y, x, y, x);
        break;
    case TSR_OP_MAX:
        put(w, "(%s < %s ? %s : %s)", x, y, y, x);
        break;
    case TSR_OP_SELECT:
        put(w, "(%s ? %s : %s)", x, y, z);
        break;
    case TSR_OP_TO_REAL:
        put(w, "F32(%s)", x);
        break;
    case TSR_OP_EXP:
        put(w, "f32_exp(%s)", x);
        break;
    case TSR_OP_LOG:
        put(w, "user_log(%s)", x);
        break;
    case TSR_OP_SQRT:
        put(w, "user_sqrt(%s)", x);
        break;
    case TSR_OP_TANH:
        put(w, "f32_tanh(%s)", x);
        break;
    default: /* pow */
        put(w, "f32_pow(%s, %s)", x, y);
        break;
    }
}

static void put_truth(writer *w, const tsr_expression_node *n, const char *x, const char *y, const char *z, bool wide)
{
    const char *const zero = w->e->nodes[n->arg[0]].type == TSR_REAL ? "0.0f" : wide ? "I64(0)" : "0";
    switch ((tsr_expression_op)n->op) {
    case TSR_OP_LESS:
        put(w, "%s < %s", x, y);
        break;
    case TSR_OP_AT_MOST:
        put(w, "%s <= %s", x, y);
        break;
    case TSR_OP_EQUAL:
        put(w, "%s == %s", x, y);
        break;
    case TSR_OP_DIFFERENT:
        put(w, "%s != %s", x, y);
        break;
    case TSR_OP_AND:
        put(w, "%s && %s", x, y);
        break;
    case TSR_OP_OR:
        put(w, "%s || %s", x, y);
        break;
    case TSR_OP_NOT:
        put(w, "!%s", x);
        break;
    case TSR_OP_SELECT:
        put(w, "(%s ? %s : %s)", x, y, z);
        break;
    default: /* to truth */
        put(w, "%s != %s", x, zero);
        break;
    }
}

static void put_node(writer *w, const tsr_expression_node *n)
{
    if (n->op == TSR_OP_VARIABLE) {
        put_variable(w, n);
    } else if (n->op == TSR_OP_SCORE) {
        put(w, "score");
    } else if (n->op == TSR_OP_SCALAR) {
        put(w, "LDF(user, %d)", TSR_USER_HEADER + n->slot);
    } else if (n->op == TSR_OP_TENSOR) {
        put_tensor(w, n);
    } else if (n->op == TSR_OP_CONSTANT && n->type == TSR_REAL) {
        uint32_t bits;
        memcpy(&bits, &n->real, sizeof(bits));
        put(w, "AS_F32(0x%08" PRIx32 "u)", bits);
    } else if (n->op == TSR_OP_CONSTANT) {
        put(w, tsr_expression_is_wide(n) ? "I64(%" PRId64 "L)" : "%" PRId64, n->whole);
    } else {
        const bool wide = n->wide;
        const operand x = name_of(w, n, 0, wide), y = name_of(w, n, 1, wide), z = name_of(w, n, 2, wide);
        if (n->type == TSR_WHOLE)
            put_whole(w, n, x.text, y.text, z.text, wide);
        else if (n->type == TSR_REAL)
            put_real(w, n, x.text, y.text, z.text);
        else
            put_truth(w, n, x.text, y.text, z.text, wide);
    }
}

char *tsr_expression_kernel_text(const tsr_expression *e)
{
    writer w = {.e = e};
    put(&w, "#define USER_TEXT HELPER f32 user_score(f32 score, i32 b, i32 h, i32 q, i32 kv, ptr user) { \\\n");
    for (uint32_t i = 0; i < e->node_count; i++) {
        put(&w, "const %s v%" PRIu32 " = ", type_of(&e->nodes[i]), i);
        put_node(&w, &e->nodes[i]);
        put(&w, "; \\\n");
    }
    put(&w, "return v%" PRIu32 "; }\n", e->root);
    if (w.failed) {
        free(w.text);
        return NULL;
    }
    return w.text;
}
