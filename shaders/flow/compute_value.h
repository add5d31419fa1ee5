/* The operations of expressions over fv. */
#ifndef TSR_COMPUTE_VALUE_H
#define TSR_COMPUTE_VALUE_H

#include "compute_args.h"
#include "functions.h"

#define TRUTH(condition) FV_SEL(condition, FV(1.0f), FV(0.0f))

/* The element at a place of a tensor. */
HELPER f32 compute_element(ptr t, i32 dtype, i64 at)
{
    return dtype == COMPUTE_I32 ? F32(I32(LD32(PADD(t, at * I64(4)), 0))) : load_as(dtype, PADD(t, at * I64(dtype_size(dtype))), 0);
}

/* Of the last three operands, x the very last; number where the operation is none of these. math: bits of COMPUTE_MATH_... */
HELPER fv compute_value(i32 op, i32 math, fv z, fv y, fv x, fv number)
{
    fv value = number;
    switch (op) {
    case COMPUTE_ADD: value = y + x; break;
    case COMPUTE_SUBTRACT: value = y - x; break;
    case COMPUTE_MULTIPLY: value = y * x; break;
    case COMPUTE_DIVIDE: value = f_quotient(y, x); break;
    case COMPUTE_REMAINDER: value = f_remainder(y, x); break;
    case COMPUTE_LESS: value = TRUTH(y < x); break;
    case COMPUTE_AT_MOST: value = TRUTH(y <= x); break;
    case COMPUTE_EQUAL: value = TRUTH(y == x); break;
    case COMPUTE_DIFFERENT: value = TRUTH(y != x); break;
    case COMPUTE_AND: value = FV_SEL(y != FV(0.0f), TRUTH(x != FV(0.0f)), FV(0.0f)); break;
    case COMPUTE_OR: value = FV_SEL(y != FV(0.0f), FV(1.0f), TRUTH(x != FV(0.0f))); break;
    case COMPUTE_NOT: value = TRUTH(x == FV(0.0f)); break;
    case COMPUTE_NEGATE: value = -x; break;
    case COMPUTE_CHOOSE: value = FV_SEL(z != FV(0.0f), y, x); break;
    case COMPUTE_MIN: value = f_min(y, x); break;
    case COMPUTE_MAX: value = f_max(y, x); break;
    case COMPUTE_ABS: value = fv_abs(x); break;
    case COMPUTE_RELU: value = f_max(x, FV(0.0f)); break;
    case COMPUTE_SIGN: value = f_sign(x); break;
    case COMPUTE_FLOOR: value = f_floor(x); break;
    case COMPUTE_CEIL: value = -f_floor(-x); break;
    case COMPUTE_ROUND: value = f_round(x); break;
    case COMPUTE_SQRT: value = fv_sqrt(x); break;
    default: break;
    }
    if ((math & COMPUTE_MATH_EXP) != 0) {
        if (op == COMPUTE_EXP) value = f_exp(x);
        else if (op == COMPUTE_SIGMOID) value = f_sigmoid(x);
        else if (op == COMPUTE_SILU) value = x * f_sigmoid(x);
    }
    if ((math & COMPUTE_MATH_LOG) != 0) {
        if (op == COMPUTE_LN) value = f_ln(x);
        else if (op == COMPUTE_LOG2) value = f_log2(x);
    }
    if ((math & COMPUTE_MATH_REST) != 0) {
        if (op == COMPUTE_POW) value = f_pow(y, x);
        else if (op == COMPUTE_TANH) value = f_tanh(x);
        else if (op == COMPUTE_ELU) value = f_elu(x);
        else if (op == COMPUTE_SOFTPLUS) value = f_softplus(x);
    }
    return value;
}

#endif
