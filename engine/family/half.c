/* Weights of any floating type as fp32. */
#include <string.h>

#include "weights.h"

static float from_f16(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023;
    uint32_t bits;
    float value;
    if (exponent == 0) {
        value = (float)mantissa * 0x1p-24f;
        return sign ? -value : value;
    }
    bits = sign | (exponent == 31 ? 0x7f800000u : (exponent + 112) << 23) | mantissa << 13;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

void tsr_floats_from(const tsr_tensor_view *view, uint64_t first, uint64_t n, float *out)
{
    const unsigned char *data = view->data;
    if (view->dtype == TSR_F32) {
        memcpy(out, data + first * 4, n * 4);
        return;
    }
    for (uint64_t i = 0; i < n; i++) {
        uint16_t h;
        memcpy(&h, data + (first + i) * 2, 2);
        if (view->dtype == TSR_F16) {
            out[i] = from_f16(h);
        } else {
            const uint32_t bits = (uint32_t)h << 16;
            memcpy(&out[i], &bits, 4);
        }
    }
}
