/* Numbers to tune on, in every type that kernels read, and back to fp32. */
#include <math.h>
#include <stdlib.h>
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

static tsr_status no_memory(size_t size) { return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %zu bytes of numbers", size); }

tsr_status tsr_tune_poison(tsr_buffer *output)
{
    const size_t size = (size_t)tsr_buffer_size(output);
    void *data = malloc(size + 1);
    if (!data) return no_memory(size);
    memset(data, 0xff, size);
    const tsr_status status = tsr_buffer_write(output, 0, data, size);
    free(data);
    return status;
}

tsr_status tsr_tune_numbers(tsr_buffer *output, tsr_dtype dtype, float **out, size_t *n)
{
    const size_t size = (size_t)tsr_buffer_size(output);
    *n = size / tsr_dtype_size(dtype);
    void *data = malloc(size + 1);
    *out = malloc(*n * sizeof(**out) + 1);
    tsr_status status = data && *out ? tsr_buffer_read(output, 0, data, size) : no_memory(size);
    if (status == TSR_OK)
        tsr_tune_floats(data, dtype, *n, *out);
    else
        free(*out);
    free(data);
    return status;
}
