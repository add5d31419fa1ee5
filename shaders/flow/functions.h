/* Functions of fv to 2e-7 of their value: infinities and NaN as IEEE has them; results below 2^-126 may be 0. */
#ifndef TSR_FUNCTIONS_H
#define TSR_FUNCTIONS_H

#define F_NAN FV(AS_F32(0x7fc00000u))
#define F_INF FV(AS_F32(0x7f800000u))

/* x where it is NaN, else y: minimum and maximum of some devices lose it. */
#define KEEP_NAN(x, y) FV_SEL((x) == (x), y, x)

/* Beyond 2^23 all are whole. */
HELPER fv f_floor(fv x) { return FV_SEL(fv_abs(x) < FV(8388608.0f), fv_floor(x), x); }

HELPER fv f_power_of_2(fv n) { return fv_bits((fv_to_iv(n) + IV(127)) << IV(23)); }

/* e^r - 1 with r = x - n ln 2, |r| <= ln 2 / 2; x within [-104, 89]. */
HELPER fv f_exp_rest(fv x, fv n)
{
    EXACT fv r = x - n * FV(0.693145751953125f); /* two parts of ln 2, of which the first has few digits */
    r = r - n * FV(1.42860682e-6f);
    fv p = FV(1.98412698e-4f);
    p = fv_fma(p, r, FV(1.38888889e-3f));
    p = fv_fma(p, r, FV(8.33333333e-3f));
    p = fv_fma(p, r, FV(4.16666667e-2f));
    p = fv_fma(p, r, FV(1.66666667e-1f));
    p = fv_fma(p, r, FV(0.5f));
    return fv_fma(p * r, r, r);
}

HELPER fv f_exp(fv x)
{
    const fv y = fv_min(fv_max(x, FV(-104.0f)), FV(89.0f)), n = fv_floor(fv_fma(y, FV(LOG2E), FV(0.5f)));
    const fv middle = fv_floor(n * FV(0.5f)); /* 2^128 is beyond fp32, its factors are not */
    const fv e = (f_exp_rest(y, n) + FV(1.0f)) * f_power_of_2(middle) * f_power_of_2(n - middle);
    return KEEP_NAN(x, FV_SEL(x > FV(88.72284f), F_INF, e));
}

/* e^x - 1 of x <= 0, where the difference would cancel. */
HELPER fv f_exp_less_1(fv x)
{
    const fv y = fv_max(x, FV(-104.0f)), n = fv_floor(fv_fma(y, FV(LOG2E), FV(0.5f)));
    const fv scale = f_power_of_2(fv_max(n, FV(-126.0f)));
    return KEEP_NAN(x, fv_fma(scale, f_exp_rest(y, n), scale - FV(1.0f)));
}

/* ln(1 + f), f from sqrt(1/2) - 1 to sqrt(2) - 1, in two parts: f - less. */
HELPER fv f_log_less(fv f)
{
    const fv s = f / (f + FV(2.0f)), z = s * s, middle = FV(0.5f) * f * f;
    fv p = FV(0.22222222f);
    p = fv_fma(p, z, FV(0.28571429f));
    p = fv_fma(p, z, FV(0.4f));
    p = fv_fma(p, z, FV(0.66666667f));
    return middle - s * fv_fma(p, z, middle);
}

/* x = 2^e (1 + f); x positive and not below 2^-126. */
HELPER fv f_log_exponent(fv x)
{
    const iv e = (iv_bits(x) - IV(0x3f3504f3)) >> IV(23);
    return fv_bits(e + IV(0x4b400000)) - FV(12582912.0f); /* e as a number */
}
HELPER fv f_log_fraction(fv x) { return fv_bits(iv_bits(x) - (((iv_bits(x) - IV(0x3f3504f3)) >> IV(23)) << IV(23))) - FV(1.0f); }

/* The logarithm's value where x is no positive number that is finite. */
HELPER fv f_log_edges(fv x, fv y)
{
    const fv low = FV_SEL(x == FV(0.0f), FV(NEG_INF), F_NAN);
    return KEEP_NAN(x, FV_SEL(x > FV(0.0f), FV_SEL(x == F_INF, x, y), low));
}

/* Subnormal numbers, where a device has them, become normal: 2^23 times. */
HELPER fv f_normal(fv x) { return FV_SEL(x < FV(1.17549435e-38f), x * FV(8388608.0f), x); }
HELPER fv f_normal_exponent(fv x) { return FV_SEL(x < FV(1.17549435e-38f), FV(-23.0f), FV(0.0f)); }

HELPER fv f_ln(fv x)
{
    const fv y = fv_abs(f_normal(x)), e = f_log_exponent(y) + f_normal_exponent(x), f = f_log_fraction(y);
    const fv low = fv_fma(e, FV(1.42860682e-6f), -f_log_less(f));
    return f_log_edges(x, fv_fma(e, FV(0.693145751953125f), low + f));
}

HELPER fv f_log2(fv x)
{
    const fv y = fv_abs(f_normal(x)), e = f_log_exponent(y) + f_normal_exponent(x), f = f_log_fraction(y);
    return f_log_edges(x, fv_fma(f - f_log_less(f), FV(LOG2E), e));
}

/* ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|). */
HELPER fv f_softplus(fv x)
{
    const fv t = f_exp(-fv_abs(x)), u = t + FV(1.0f);
    const fv e = FV_SEL(t < FV(0.41421356f), FV(0.0f), f_log_exponent(u));
    const fv f = FV_SEL(t < FV(0.41421356f), t, f_log_fraction(u));
    return KEEP_NAN(x, FV_SEL(x > FV(0.0f), x, FV(0.0f)) + fv_fma(e, FV(LN2), f - f_log_less(f)));
}

HELPER fv f_sigmoid(fv x) { return FV(1.0f) / (FV(1.0f) + f_exp(-x)); }
HELPER fv f_elu(fv x) { return FV_SEL(x > FV(0.0f), x, f_exp_less_1(FV_SEL(x > FV(0.0f), FV(0.0f), x))); }
HELPER fv f_tanh(fv x) { return KEEP_NAN(x, fv_tanh(x)); }

/* Half away from zero. */
HELPER fv f_round(fv x)
{
    const fv a = fv_abs(x), n = f_floor(a), y = n + FV_SEL(a - n < FV(0.5f), FV(0.0f), FV(1.0f));
    return FV_SEL(a < FV(8388608.0f), FV_SEL(x < FV(0.0f), -y, y), x);
}

/* The quotient once more, with what it left: devices may round it a few units off, and floor(6 / 3) is to be 2 on all of them. */
HELPER fv f_quotient(fv a, fv b)
{
    const fv q = a / b, r = fv_fma(-q, b, a), better = q + r / b;
    return FV_SEL(BV_AND(fv_abs(r) < F_INF, fv_abs(better) < F_INF), better, q);
}

/* Of the divisor's sign; the quotient may have been rounded to the next whole number. */
HELPER fv f_remainder(fv a, fv b)
{
    const fv r = fv_fma(-f_floor(f_quotient(a, b)), b, a);
    const fv up = FV_SEL(r * b < FV(0.0f), r + b, r);
    return FV_SEL(fv_abs(up) < fv_abs(b), up, up - b);
}

HELPER fv f_min(fv a, fv b) { return FV_SEL(a <= b, a, FV_SEL(b <= a, b, a + b)); }
HELPER fv f_max(fv a, fv b) { return FV_SEL(a >= b, a, FV_SEL(b >= a, b, a + b)); }
HELPER fv f_sign(fv x) { return FV_SEL(x > FV(0.0f), FV(1.0f), FV_SEL(x < FV(0.0f), FV(-1.0f), FV_SEL(x == FV(0.0f), FV(0.0f), x))); }

/* The error grows with |y ln x|. */
HELPER fv f_pow(fv x, fv y)
{
    const fv size = FV_SEL(fv_abs(x) == FV(1.0f), FV(1.0f), f_exp(y * f_ln(fv_abs(x)))); /* (-1)^inf too */
    const fv middle = y * FV(0.5f), negative = FV_SEL(f_floor(y) == y, FV_SEL(f_floor(middle) == middle, size, -size), FV_SEL(x == FV(NEG_INF), size, F_NAN));
    const fv p = FV_SEL(x < FV(0.0f), negative, FV_SEL(x == FV(0.0f), FV_SEL(y > FV(0.0f), FV(0.0f), F_INF), size));
    const fv q = KEEP_NAN(x, KEEP_NAN(y, p));
    return FV_SEL(y == FV(0.0f), FV(1.0f), FV_SEL(x == FV(1.0f), FV(1.0f), q));
}

#endif
