/* Arithmetic that every language shares: the same polynomials everywhere, so that devices agree. */

#define LOG2E 1.44269504089f
#define LN2 0.69314718056f

/* 2^(y * unit), relative error 1e-7, and 0 where that is below 2^-126. The sum with 1.5 * 2^23 rounds to a whole number, which stays in
 * its low bits, with an exponent's bias of 127. Own minimax fit of 2^f on [-1/2, 1/2]. */
#define EXP2_1 6.9314718e-1f
#define EXP2_2 2.4022648e-1f
#define EXP2_3 5.5503324e-2f
#define EXP2_4 9.6184369e-3f
#define EXP2_5 1.3398876e-3f
#define EXP2_6 1.5353355e-4f
HELPER fv fv_exp2_whole_(fv y, fv unit)
{
    EXACT const fv t = fv_fma(y, unit, FV(12583039.0f));
    return t;
}

HELPER fv fv_exp2_rest_(fv y, fv unit, fv t)
{
    EXACT const fv n = t - FV(12583039.0f);
    EXACT const fv f = fv_fma(y, unit, -n);
    return f;
}

HELPER fv fv_exp2_of_(fv y, fv unit)
{
    const fv t = fv_exp2_whole_(y, unit), f = fv_exp2_rest_(y, unit, t);
    fv p = fv_fma(FV(EXP2_6), f, FV(EXP2_5));
    p = fv_fma(p, f, FV(EXP2_4));
    p = fv_fma(p, f, FV(EXP2_3));
    p = fv_fma(p, f, FV(EXP2_2));
    p = fv_fma(p, f, FV(EXP2_1));
    p = fv_fma(p, f, FV(1.0f));
    return p * fv_bits(iv_bits(t) << IV(23));
}

/* 2^x and e^x: 0 for -inf. */
HELPER fv fv_exp2(fv x) { return fv_exp2_of_(fv_max(FV(-127.0f), x), FV(1.0f)); }
HELPER fv fv_exp(fv x) { return fv_exp2_of_(fv_max(FV(-88.0f), x), FV(LOG2E)); }

/* e^x in place for n vectors, step by step, so that a CPU finds n chains of sums to follow at once. */
#define FV_EXP_ALL(x, n)                                                                           \
    {                                                                                              \
        fv t_[n], p_[n];                                                                           \
        UNROLL for (i32 k_ = 0; k_ < n; k_++) x[k_] = fv_max(FV(-88.0f), x[k_]);                   \
        UNROLL for (i32 k_ = 0; k_ < n; k_++) t_[k_] = fv_exp2_whole_(x[k_], FV(LOG2E));           \
        UNROLL for (i32 k_ = 0; k_ < n; k_++) x[k_] = fv_exp2_rest_(x[k_], FV(LOG2E), t_[k_]);     \
        UNROLL for (i32 k_ = 0; k_ < n; k_++) p_[k_] = fv_fma(FV(EXP2_6), x[k_], FV(EXP2_5));      \
        UNROLL for (i32 k_ = 0; k_ < n; k_++) p_[k_] = fv_fma(p_[k_], x[k_], FV(EXP2_4));          \
        UNROLL for (i32 k_ = 0; k_ < n; k_++) p_[k_] = fv_fma(p_[k_], x[k_], FV(EXP2_3));          \
        UNROLL for (i32 k_ = 0; k_ < n; k_++) p_[k_] = fv_fma(p_[k_], x[k_], FV(EXP2_2));          \
        UNROLL for (i32 k_ = 0; k_ < n; k_++) p_[k_] = fv_fma(p_[k_], x[k_], FV(EXP2_1));          \
        UNROLL for (i32 k_ = 0; k_ < n; k_++) p_[k_] = fv_fma(p_[k_], x[k_], FV(1.0f));            \
        UNROLL for (i32 k_ = 0; k_ < n; k_++) x[k_] = p_[k_] * fv_bits(iv_bits(t_[k_]) << IV(23)); \
    }

/* tanh; an odd polynomial near 0, where the exponential form would cancel. */
HELPER fv fv_tanh(fv x)
{
    const fv a = fv_abs(x), z = x * x;
    fv p = FV(-5.7049631e-3f);
    p = fv_fma(p, z, FV(2.0639064e-2f));
    p = fv_fma(p, z, FV(-5.3739708e-2f));
    p = fv_fma(p, z, FV(1.3331442e-1f));
    p = fv_fma(p, z, FV(-3.3333281e-1f));
    p = fv_fma(p * z, x, x);
    const fv e = FV(1.0f) - FV(2.0f) / (fv_exp2(fv_min(a, FV(16.0f)) * FV(2.0f * LOG2E)) + FV(1.0f));
    return FV_SEL(a < FV(0.625f), p, FV_SEL(x < FV(0.0f), -e, e));
}

/* The same for one value, where fv is wider. */
HELPER f32 f32_exp2(f32 x) { return FV_FIRST(fv_exp2(FV(x))); }

/* Round to nearest even; overflow gives infinity, NaN stays NaN. */
HELPER u32 f32_to_f16(f32 x)
{
    const u32 bits = AS_U32(x), mag = bits & 0x7fffffffu, sign = (bits >> 16) & 0x8000u;
    if (mag > 0x7f800000u) return sign | 0x7e00u;
    if (mag >= 0x477ff000u) return sign | 0x7c00u;
    if (mag < 0x38800000u) { /* subnormal: adding 1/2 aligns the mantissa in the low bits, and rounds */
        if (mag < 0x33000000u) return sign;
        return sign | (AS_U32(AS_F32(mag) + 0.5f) - 0x3f000000u);
    }
    return sign | ((mag - 0x38000000u + 0xfffu + ((mag >> 13) & 1u)) >> 13);
}

/* VW adjacent columns rounded to fp16 at p, i elements further on. */
#ifndef FV_STGH
HELPER void fv_stgh_(ptr p, i32 i, fv x)
{
    for (i32 l = 0; l < VW; l++) ST16(p, i + l, f32_to_f16(FV_AT(x, l)));
}
#define FV_STGH(p, i, x) fv_stgh_(p, i, x)
#endif

HELPER u32 f32_to_bf16(f32 x)
{
    const u32 bits = AS_U32(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (bits >> 16) | 0x40u;
    return (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
}

/* A number from 0 to 1 rounded to fp16. */
HELPER fv fv_round_f16(fv x)
{
    const iv i = iv_bits(x);
    const fv normal = fv_bits((i + IV(0xfff) + ((i >> IV(13)) & IV(1))) & IV(~0x1fff));
    const fv small = iv_to_fv(iv_bits(x + FV(0.5f)) - IV(0x3f000000)) * FV(5.9604645e-8f); /* multiples of 2^-24 */
    return FV_SEL(x < FV(6.1035156e-5f), small, normal);
}

/* Storage types, as tsr_dtype: 0 fp32, 1 fp16, 2 bf16, 7 int8. */
HELPER i32 dtype_size(i32 dtype) { return dtype == 0 ? 4 : dtype == 7 ? 1 : 2; }

HELPER f32 load_as(i32 dtype, ptr p, i32 i)
{
    if (dtype == 0) return LDF(p, i);
    if (dtype == 1) return LDH(p, i);
    if (dtype == 7) return F32(I32(LD8(p, i) << 24) >> 24);
    return AS_F32(LD16(p, i) << 16);
}

HELPER void store_as(i32 dtype, ptr p, i32 i, f32 x)
{
    if (dtype == 0) { STF(p, i, x); }
    else if (dtype == 1) { ST16(p, i, f32_to_f16(x)); }
    else { ST16(p, i, f32_to_bf16(x)); }
}
