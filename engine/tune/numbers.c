/* Numbers to tune on, in every type that kernels read, and back to fp32. */
#include <math.h>
#include <string.h>

#include "race.h"

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits;
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

void tsr_tune_fill(void *to, tsr_dtype dtype, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        /* Multiples of 1/128 in [-1, 1): whole in every type. */
        const float x = (float)((int32_t)(seed >> 56) - 128) / 128;
        if (dtype == TSR_F32) {
            memcpy((unsigned char *)to + 4 * i, &x, 4);
            continue;
        }
        const uint32_t bits = bits_of(x);
        const uint16_t half = x == 0 ? 0 : (uint16_t)((bits >> 16 & 0x8000) | (((bits >> 23 & 0xff) - 112) << 10) | (bits >> 13 & 0x3ff));
        const uint16_t brief = dtype == TSR_F16 ? half : (uint16_t)(bits >> 16);
        memcpy((unsigned char *)to + 2 * i, &brief, 2);
    }
}

static float half_to_float(uint16_t half)
{
    const uint32_t exponent = half >> 10 & 31, fraction = half & 1023, sign = (uint32_t)(half & 0x8000) << 16;
    if (exponent == 31) return float_of(sign | 0x7f800000u | fraction << 13);
    const float magnitude = exponent ? ldexpf((float)(1024 + fraction), (int)exponent - 25) : ldexpf((float)fraction, -24);
    return sign ? -magnitude : magnitude;
}

void tsr_tune_floats(const void *from, tsr_dtype dtype, size_t n, float *to)
{
    if (dtype == TSR_F32) {
        memcpy(to, from, 4 * n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        uint16_t x;
        memcpy(&x, (const unsigned char *)from + 2 * i, 2);
        to[i] = dtype == TSR_F16 ? half_to_float(x) : float_of((uint32_t)x << 16);
    }
}
