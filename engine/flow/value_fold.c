/* Operations of expressions over numbers, in double. */
#include <math.h>

#include "flow/compute_args.h"
#include "value.h"

static double remainder_of(double a, double b)
{
    const double r = fmod(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

static double smaller(double a, double b) { return isnan(a) || isnan(b) ? a + b : a < b ? a : b; }
static double larger(double a, double b) { return isnan(a) || isnan(b) ? a + b : a > b ? a : b; }

static double function(int op, double x)
{
    switch (op) {
    case COMPUTE_NOT:
        return x == 0;
    case COMPUTE_NEGATE:
        return -x;
    case COMPUTE_ABS:
        return fabs(x);
    case COMPUTE_RELU:
        return larger(x, 0);
    case COMPUTE_SIGN:
        return isnan(x) ? x : (x > 0) - (x < 0);
    case COMPUTE_FLOOR:
        return floor(x);
    case COMPUTE_CEIL:
        return ceil(x);
    case COMPUTE_ROUND:
        return round(x);
    case COMPUTE_SQRT:
        return sqrt(x);
    case COMPUTE_EXP:
        return exp(x);
    case COMPUTE_LN:
        return log(x);
    case COMPUTE_LOG2:
        return log2(x);
    case COMPUTE_SIGMOID:
        return 1 / (1 + exp(-x));
    case COMPUTE_SILU:
        return x / (1 + exp(-x));
    case COMPUTE_TANH:
        return tanh(x);
    case COMPUTE_ELU:
        return x > 0 ? x : expm1(x);
    default: /* COMPUTE_SOFTPLUS */
        return larger(x, 0) + log1p(exp(-fabs(x)));
    }
}

double value_fold(int op, double a, double b, double c)
{
    switch (op) {
    case COMPUTE_ADD:
        return a + b;
    case COMPUTE_SUBTRACT:
        return a - b;
    case COMPUTE_MULTIPLY:
        return a * b;
    case COMPUTE_DIVIDE:
        return a / b;
    case COMPUTE_REMAINDER:
        return remainder_of(a, b);
    case COMPUTE_LESS:
        return a < b;
    case COMPUTE_AT_MOST:
        return a <= b;
    case COMPUTE_EQUAL:
        return a == b;
    case COMPUTE_DIFFERENT:
        return a != b;
    case COMPUTE_AND:
        return a != 0 && b != 0;
    case COMPUTE_OR:
        return a != 0 || b != 0;
    case COMPUTE_CHOOSE:
        return a != 0 ? b : c;
    case COMPUTE_MIN:
        return smaller(a, b);
    case COMPUTE_MAX:
        return larger(a, b);
    case COMPUTE_POW:
        return pow(a, b);
    default:
        return function(op, a);
    }
}
