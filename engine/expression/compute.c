/* The operations of expressions, in loops that compilers vectorise. */
#include <math.h>
#include <string.h>

#include "lanes.h"

#define INLINE static inline __attribute__((always_inline)) /* a call would keep a loop from being vectorised */

/* Wide whole numbers wrap. */
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

/* Doubles divide 32 bits exactly enough, and several at a time. */
INLINE int32_t quotient32(int32_t a, int32_t b)
{
    const int32_t divisor = b == 0 ? 1 : b, q = (int32_t)((double)a / (double)divisor), r = a - q * divisor;
    return b == 0 ? 0 : q - ((r != 0) & ((r ^ b) < 0));
}

INLINE int32_t remainder32(int32_t a, int32_t b)
{
    const int32_t divisor = b == 0 ? 1 : b, r = a - (int32_t)((double)a / (double)divisor) * divisor;
    return r + (((r != 0) & ((r ^ b) < 0)) ? b : 0);
}

INLINE int32_t floor_whole(float x)
{
    const float y = !(x >= -2147483648.0f) ? -2147483648.0f : x < 2147483648.0f ? x : 2147483520.0f;
    const int32_t t = (int32_t)y, whole = t - ((float)t > y);
    return isnan(x) ? 0 : x >= 2147483648.0f ? INT32_MAX : whole;
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

/* Over all blocks of lanes, or the first lane alone. */
#define EACH(member, expression)                                                                                                                     \
    if (blocks == 0) {                                                                                                                               \
        const int i = 0;                                                                                                                             \
        out->member[i] = (expression);                                                                                                               \
    }                                                                                                                                                \
    for (int i = 0; i < TSR_LANE_BLOCK * blocks; i++) out->member[i] = (expression);                                                                 \
    return
#define X(member) x->member[i]
#define Y(member) y->member[i]

/* Ranges tell that nothing overflows. */
static void compute_whole(const tsr_expression_node *n, tsr_lane_values *restrict out, const tsr_lane_values *x, const tsr_lane_values *y,
                          const tsr_lane_values *z, int blocks)
{
    switch ((tsr_expression_op)n->op) {
    case TSR_OP_ADD:
        EACH(whole, X(whole) + Y(whole));
    case TSR_OP_SUB:
        EACH(whole, X(whole) - Y(whole));
    case TSR_OP_MUL:
        EACH(whole, X(whole) * Y(whole));
    case TSR_OP_NEG:
        EACH(whole, -X(whole));
    case TSR_OP_ABS:
        EACH(whole, X(whole) < 0 ? -X(whole) : X(whole));
    case TSR_OP_MIN:
        EACH(whole, Y(whole) < X(whole) ? Y(whole) : X(whole));
    case TSR_OP_MAX:
        EACH(whole, X(whole) < Y(whole) ? Y(whole) : X(whole));
    case TSR_OP_SELECT:
        EACH(whole, X(truth) ? Y(whole) : z->whole[i]);
    case TSR_OP_QUOTIENT:
        EACH(whole, quotient32(X(whole), Y(whole)));
    case TSR_OP_REMAINDER:
        EACH(whole, remainder32(X(whole), Y(whole)));
    case TSR_OP_FLOOR:
        EACH(whole, floor_whole(X(real)));
    default:
        return;
    }
}

static void compute_wide(const tsr_expression_node *n, tsr_lane_values *restrict out, const tsr_lane_values *x, const tsr_lane_values *y,
                         const tsr_lane_values *z, int blocks)
{
    switch ((tsr_expression_op)n->op) {
    case TSR_OP_ADD:
        EACH(wide, wrap((uint64_t)X(wide) + (uint64_t)Y(wide)));
    case TSR_OP_SUB:
        EACH(wide, wrap((uint64_t)X(wide) - (uint64_t)Y(wide)));
    case TSR_OP_MUL:
        EACH(wide, wrap((uint64_t)X(wide) * (uint64_t)Y(wide)));
    case TSR_OP_NEG:
        EACH(wide, wrap(0 - (uint64_t)X(wide)));
    case TSR_OP_ABS:
        EACH(wide, X(wide) < 0 ? wrap(0 - (uint64_t)X(wide)) : X(wide));
    case TSR_OP_MIN:
        EACH(wide, Y(wide) < X(wide) ? Y(wide) : X(wide));
    case TSR_OP_MAX:
        EACH(wide, X(wide) < Y(wide) ? Y(wide) : X(wide));
    case TSR_OP_SELECT:
        EACH(wide, X(truth) ? Y(wide) : z->wide[i]);
    case TSR_OP_QUOTIENT:
        EACH(wide, quotient64(X(wide), Y(wide)));
    case TSR_OP_REMAINDER:
        EACH(wide, remainder64(X(wide), Y(wide)));
    default:
        return;
    }
}

static void compute_real(const tsr_expression_node *n, tsr_lane_values *restrict out, const tsr_lane_values *x, const tsr_lane_values *y,
                         const tsr_lane_values *z, bool wide, int blocks)
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
        if (wide) {
            EACH(real, (float)X(wide));
        }
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

static void compute_truth(const tsr_expression_node *n, tsr_lane_values *restrict out, const tsr_lane_values *x, const tsr_lane_values *y,
                          const tsr_lane_values *z, tsr_expression_type of, bool wide, int blocks)
{
    const bool real = of == TSR_REAL;
    switch ((tsr_expression_op)n->op) {
    case TSR_OP_LESS:
        if (wide) {
            EACH(truth, X(wide) < Y(wide));
        }
        if (of == TSR_WHOLE) {
            EACH(truth, X(whole) < Y(whole));
        }
        EACH(truth, X(real) < Y(real));
    case TSR_OP_AT_MOST:
        if (wide) {
            EACH(truth, X(wide) <= Y(wide));
        }
        if (of == TSR_WHOLE) {
            EACH(truth, X(whole) <= Y(whole));
        }
        EACH(truth, X(real) <= Y(real));
    case TSR_OP_EQUAL:
        if (wide) {
            EACH(truth, X(wide) == Y(wide));
        }
        if (of == TSR_WHOLE) {
            EACH(truth, X(whole) == Y(whole));
        }
        if (real) {
            EACH(truth, X(real) == Y(real));
        }
        EACH(truth, X(truth) == Y(truth));
    case TSR_OP_DIFFERENT:
        if (wide) {
            EACH(truth, X(wide) != Y(wide));
        }
        if (of == TSR_WHOLE) {
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
        if (wide) {
            EACH(truth, X(wide) != 0);
        }
        if (of == TSR_WHOLE) {
            EACH(truth, X(whole) != 0);
        }
        EACH(truth, X(real) != 0.0f);
    default:
        return;
    }
}

static void widen(tsr_lane_values *restrict out, const tsr_lane_values *x, int blocks) { EACH(wide, X(whole)); }

static void shorten(tsr_lane_values *restrict out, const tsr_lane_values *x, int blocks) { EACH(whole, (int32_t)X(wide)); }

void tsr_lanes_compute(const tsr_expression_node *nodes, tsr_lane_values *values, uint32_t at, int blocks)
{
    const tsr_expression_node *n = &nodes[at];
    const bool wide = n->wide;
    const tsr_lane_values *arg[3];
    tsr_lane_values widened[3], result;
    for (int a = 0; a < 3; a++) {
        const tsr_expression_node *from = &nodes[n->arg[a]];
        arg[a] = &values[n->arg[a]];
        if (!wide || a >= n->args || from->type != TSR_WHOLE || tsr_expression_is_wide(from)) continue;
        widen(&widened[a], arg[a], blocks);
        arg[a] = &widened[a];
    }
    tsr_lane_values *out = &values[at];
    if (n->type == TSR_REAL) {
        compute_real(n, out, arg[0], arg[1], arg[2], wide, blocks);
    } else if (n->type == TSR_TRUTH) {
        compute_truth(n, out, arg[0], arg[1], arg[2], (tsr_expression_type)nodes[n->arg[0]].type, wide, blocks);
    } else if (!wide) {
        compute_whole(n, out, arg[0], arg[1], arg[2], blocks);
    } else if (tsr_expression_is_wide(n)) {
        compute_wide(n, out, arg[0], arg[1], arg[2], blocks);
    } else {
        compute_wide(n, &result, arg[0], arg[1], arg[2], blocks);
        shorten(out, &result, blocks);
    }
}
