/* Runs expressions on the host: one operation after the other over all queries, in loops that compilers vectorise. */
#include "expression.h"

#include <math.h>
#include <string.h>

enum { LANES = TSR_EXPRESSION_LANES };

#define INLINE static inline __attribute__((always_inline)) /* a call would keep a loop from being vectorised */

typedef union lane_values {
    int64_t whole[LANES];
    float real[LANES];
    int32_t truth[LANES]; /* 0 or 1 */
} lane_values;

struct tsr_expression_lanes {
    const tsr_expression *e;
    const uint32_t *data;
    int count;
    int64_t variable[TSR_VAR_COUNT]; /* but those of the queries */
    lane_values values[];            /* of each node */
};

size_t tsr_expression_lanes_size(const tsr_expression *e) { return sizeof(tsr_expression_lanes) + e->node_count * sizeof(lane_values); }

/* Whole numbers wrap. */
static int64_t wrap(uint64_t x) { return (int64_t)x; }

static int64_t quotient64(int64_t a, int64_t b)
{
    if (b == 0) return 0;
    if (b == -1) return wrap(0 - (uint64_t)a);
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t remainder64(int64_t a, int64_t b)
{
    if (b == 0 || b == -1) return 0;
    const int64_t r = a % b;
    return r + (r != 0 && (r < 0) != (b < 0) ? b : 0);
}

/* The same where both fit 32 bits: doubles divide exactly enough, and several at a time. */
INLINE int64_t quotient32(int64_t a, int64_t b)
{
    const double divisor = b == 0 ? 1.0 : (double)(int32_t)b;
    const int64_t q = (int64_t)((double)(int32_t)a / divisor), r = a - q * b;
    return b == 0 ? 0 : q - (r != 0 && (r < 0) != (b < 0));
}

INLINE int64_t floor_whole(float x)
{
    if (!(x >= -2147483648.0f)) return isnan(x) ? 0 : INT32_MIN;
    if (x >= 2147483648.0f) return INT32_MAX;
    const int32_t t = (int32_t)x;
    return t - ((float)t > x);
}

INLINE uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    return bits;
}

INLINE float real_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* e^x within 2 units in the last place, 0 below the normal numbers; without branches, calls and conversions, so that it
 * vectorises. x = n ln 2 + r, ln 2 in two parts (Cody and Waite 1980); adding 1.5 2^23 rounds to n. */
INLINE float exp_real(float x)
{
    const float y = x < -88.0f ? -88.0f : x > 89.0f ? 89.0f : x, shifted = y * 1.44269504f + 12582912.0f, n = shifted - 12582912.0f;
    const float r = (y - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    /* 2^n in two factors, as there is no 2^128. */
    const uint32_t exponent = bits_of(shifted) - 0x4b400000u + 254, low = exponent / 2;
    const float e = p * real_of(low << 23) * real_of((exponent - low) << 23);
    return x < -87.33654f ? 0.0f : e;
}

/* An odd polynomial near 0, where the exponential form would cancel: as fv_tanh of shaders/dialect/math.h. */
INLINE float tanh_real(float x)
{
    const float size = fabsf(x), z = x * x;
    float p = -5.7049631e-3f;
    p = p * z + 2.0639064e-2f;
    p = p * z - 5.3739708e-2f;
    p = p * z + 1.3331442e-1f;
    p = p * z - 3.3333281e-1f;
    p = p * z * x + x;
    const float e = 1.0f - 2.0f / (exp_real(2.0f * (size > 16.0f ? 16.0f : size)) + 1.0f);
    return size < 0.625f ? p : x < 0.0f ? -e : e;
}

static bool narrow(const tsr_expression_node *n) { return n->low >= INT32_MIN && n->high <= INT32_MAX; }

static void read_tensor(const tsr_expression_lanes *l, const tsr_expression_node *n, float *restrict out, int count)
{
    const uint32_t *t = l->data + TSR_USER_HEADER + l->e->scalar_count + (size_t)TSR_USER_TENSOR * n->slot, *data = l->data + t[0];
    for (int i = 0; i < count; i++) {
        uint64_t at = 0;
        bool inside = true;
        for (int a = 0; a < n->args; a++) {
            const uint64_t index = (uint64_t)l->values[n->arg[a]].whole[i], extent = t[1 + 4 - n->args + a];
            inside = inside && index < extent; /* negative ones are huge */
            at = at * extent + index;
        }
        memcpy(&out[i], &data[inside ? at : 0], sizeof(out[i]));
        if (!inside) out[i] = 0.0f;
    }
}

static void fill_whole(lane_values *v, int64_t x)
{
    for (int i = 0; i < LANES; i++) v->whole[i] = x;
}

static void fill_real(lane_values *v, float x)
{
    for (int i = 0; i < LANES; i++) v->real[i] = x;
}

static void fill_truth(lane_values *v, int32_t x)
{
    for (int i = 0; i < LANES; i++) v->truth[i] = x;
}

/* Values of variables keep to the ranges that the program was made for. */
static int64_t within(const tsr_expression_node *n, int64_t x) { return x < n->low ? n->low : x > n->high ? n->high : x; }

/* Operations that have no arguments, where all lanes hold the same. */
static void load(const tsr_expression_lanes *l, const tsr_expression_node *n, lane_values *out)
{
    if (n->op == TSR_OP_VARIABLE) {
        if (n->depends != TSR_DEPENDS_QUERY) fill_whole(out, within(n, l->variable[n->slot]));
    } else if (n->op == TSR_OP_SCALAR) {
        float x;
        memcpy(&x, &l->data[TSR_USER_HEADER + n->slot], sizeof(x));
        fill_real(out, x);
    } else if (n->op == TSR_OP_CONSTANT && n->type == TSR_REAL) {
        fill_real(out, n->real);
    } else if (n->op == TSR_OP_CONSTANT) {
        fill_whole(out, n->whole);
    }
}

#define EACH(member, expression)                                                                                                                     \
    for (int i = 0; i < count; i++) out->member[i] = (expression);                                                                                   \
    return
#define X(member) x->member[i]
#define Y(member) y->member[i]

static void compute_whole(const tsr_expression_node *n, lane_values *restrict out, const lane_values *x, const lane_values *y, const lane_values *z,
                          bool small, int count)
{
    switch ((tsr_expression_op)n->op) {
    case TSR_OP_ADD:
        EACH(whole, wrap((uint64_t)X(whole) + (uint64_t)Y(whole)));
    case TSR_OP_SUB:
        EACH(whole, wrap((uint64_t)X(whole) - (uint64_t)Y(whole)));
    case TSR_OP_MUL:
        EACH(whole, wrap((uint64_t)X(whole) * (uint64_t)Y(whole)));
    case TSR_OP_NEG:
        EACH(whole, wrap(0 - (uint64_t)X(whole)));
    case TSR_OP_ABS:
        EACH(whole, X(whole) < 0 ? wrap(0 - (uint64_t)X(whole)) : X(whole));
    case TSR_OP_MIN:
        EACH(whole, Y(whole) < X(whole) ? Y(whole) : X(whole));
    case TSR_OP_MAX:
        EACH(whole, X(whole) < Y(whole) ? Y(whole) : X(whole));
    case TSR_OP_SELECT:
        EACH(whole, x->truth[i] ? Y(whole) : z->whole[i]);
    case TSR_OP_QUOTIENT:
        if (small) {
            EACH(whole, quotient32(X(whole), Y(whole)));
        }
        EACH(whole, quotient64(X(whole), Y(whole)));
    case TSR_OP_REMAINDER:
        if (small) {
            EACH(whole, Y(whole) == 0 ? 0 : X(whole) - quotient32(X(whole), Y(whole)) * Y(whole));
        }
        EACH(whole, remainder64(X(whole), Y(whole)));
    case TSR_OP_FLOOR:
        EACH(whole, floor_whole(X(real)));
    default:
        return;
    }
}

static void compute_real(const tsr_expression_node *n, lane_values *restrict out, const lane_values *x, const lane_values *y, const lane_values *z,
                         int count)
{
    switch ((tsr_expression_op)n->op) {
    case TSR_OP_ADD:
        EACH(real, X(real) + Y(real));
    case TSR_OP_SUB:
        EACH(real, X(real) - Y(real));
    case TSR_OP_MUL:
        EACH(real, X(real) * Y(real));
    case TSR_OP_DIV:
        EACH(real, X(real) / Y(real));
    case TSR_OP_NEG:
        EACH(real, -X(real));
    case TSR_OP_ABS:
        EACH(real, fabsf(X(real)));
    case TSR_OP_MIN:
        EACH(real, Y(real) < X(real) ? Y(real) : X(real));
    case TSR_OP_MAX:
        EACH(real, X(real) < Y(real) ? Y(real) : X(real));
    case TSR_OP_SELECT:
        EACH(real, x->truth[i] ? Y(real) : z->real[i]);
    case TSR_OP_TO_REAL:
        EACH(real, (float)X(whole));
    case TSR_OP_EXP:
        EACH(real, exp_real(X(real)));
    case TSR_OP_LOG:
        EACH(real, logf(X(real)));
    case TSR_OP_SQRT:
        EACH(real, sqrtf(X(real)));
    case TSR_OP_TANH:
        EACH(real, tanh_real(X(real)));
    case TSR_OP_POW:
        EACH(real, powf(X(real), Y(real)));
    default:
        return;
    }
}

static void compute_truth(const tsr_expression_node *n, lane_values *restrict out, const lane_values *x, const lane_values *y, const lane_values *z,
                          tsr_expression_type of, int count)
{
    const bool whole = of == TSR_WHOLE, real = of == TSR_REAL;
    switch ((tsr_expression_op)n->op) {
    case TSR_OP_LESS:
        if (whole) {
            EACH(truth, X(whole) < Y(whole));
        }
        EACH(truth, X(real) < Y(real));
    case TSR_OP_AT_MOST:
        if (whole) {
            EACH(truth, X(whole) <= Y(whole));
        }
        EACH(truth, X(real) <= Y(real));
    case TSR_OP_EQUAL:
        if (whole) {
            EACH(truth, X(whole) == Y(whole));
        }
        if (real) {
            EACH(truth, X(real) == Y(real));
        }
        EACH(truth, X(truth) == Y(truth));
    case TSR_OP_DIFFERENT:
        if (whole) {
            EACH(truth, X(whole) != Y(whole));
        }
        if (real) {
            EACH(truth, X(real) != Y(real));
        }
        EACH(truth, X(truth) != Y(truth));
    case TSR_OP_AND:
        EACH(truth, X(truth) & Y(truth));
    case TSR_OP_OR:
        EACH(truth, X(truth) | Y(truth));
    case TSR_OP_NOT:
        EACH(truth, X(truth) ^ 1);
    case TSR_OP_SELECT:
        EACH(truth, X(truth) ? Y(truth) : z->truth[i]);
    case TSR_OP_TO_TRUTH:
        if (whole) {
            EACH(truth, X(whole) != 0);
        }
        EACH(truth, X(real) != 0.0f);
    default:
        return;
    }
}

static void run(tsr_expression_lanes *l, uint32_t first, uint32_t last)
{
    enum { MANY = TSR_DEPENDS_QUERY | TSR_DEPENDS_SCORE };
    const tsr_expression_node *nodes = l->e->nodes;
    for (uint32_t i = first; i < last; i++) {
        const tsr_expression_node *n = &nodes[i], *a = &nodes[n->arg[0]], *b = &nodes[n->arg[1]];
        lane_values *out = &l->values[i];
        if (n->args == 0) {
            load(l, n, out);
            continue;
        }
        /* What is the same for all queries is computed once. */
        const int count = n->depends & MANY ? l->count : 1;
        const lane_values *x = &l->values[n->arg[0]], *y = &l->values[n->arg[1]], *z = &l->values[n->arg[2]];
        if (n->op == TSR_OP_TENSOR)
            read_tensor(l, n, out->real, count);
        else if (n->type == TSR_WHOLE)
            compute_whole(n, out, x, y, z, narrow(a) && narrow(b), count);
        else if (n->type == TSR_REAL)
            compute_real(n, out, x, y, z, count);
        else
            compute_truth(n, out, x, y, z, (tsr_expression_type)a->type, count);
        if (n->depends & MANY) continue;
        if (n->type == TSR_WHOLE)
            fill_whole(out, out->whole[0]);
        else if (n->type == TSR_REAL)
            fill_real(out, out->real[0]);
        else
            fill_truth(out, out->truth[0]);
    }
}

void tsr_expression_begin(tsr_expression_lanes *l, const tsr_expression *e, const uint32_t *data, const tsr_expression_queries *queries)
{
    const int64_t *const q[] = {queries->q, queries->qt, queries->qh, queries->qw};
    l->e = e;
    l->data = data ? data : e->data;
    l->count = queries->count;
    l->variable[TSR_VAR_B] = queries->b;
    l->variable[TSR_VAR_H] = queries->h;
    l->variable[TSR_VAR_NQ] = queries->nq;
    l->variable[TSR_VAR_NK] = queries->nk;
    for (uint32_t i = 0; i < e->first_key; i++) {
        const tsr_expression_node *n = &e->nodes[i];
        if (n->op != TSR_OP_VARIABLE || n->depends != TSR_DEPENDS_QUERY) continue;
        const int64_t *from = q[n->slot - TSR_VAR_Q];
        for (int lane = 0; lane < l->count; lane++) l->values[i].whole[lane] = from ? within(n, from[lane]) : -1;
    }
    run(l, 0, e->first_key);
}

static void run_key(tsr_expression_lanes *l, const tsr_expression_key *key)
{
    l->variable[TSR_VAR_KV] = key->kv;
    l->variable[TSR_VAR_KT] = key->kt;
    l->variable[TSR_VAR_KH] = key->kh;
    l->variable[TSR_VAR_KW] = key->kw;
    run(l, l->e->first_key, l->e->node_count);
}

uint64_t tsr_expression_mask64(tsr_expression_lanes *l, const tsr_expression_key *key)
{
    run_key(l, key);
    const int32_t *truth = l->values[l->e->root].truth;
    uint64_t bits = 0;
    for (int i = 0; i < l->count; i++) bits |= (uint64_t)truth[i] << i;
    return bits;
}

void tsr_expression_score64(tsr_expression_lanes *l, const tsr_expression_key *key, float *scores)
{
    for (uint32_t i = l->e->first_key; i < l->e->node_count; i++)
        if (l->e->nodes[i].op == TSR_OP_SCORE) memcpy(l->values[i].real, scores, (size_t)l->count * sizeof(scores[0]));
    run_key(l, key);
    memcpy(scores, l->values[l->e->root].real, (size_t)l->count * sizeof(scores[0]));
}
