/* Numbers drawn from a name, as draw.py draws them. */
#include "golden/golden.h"

static uint64_t fnv1a(const char *name)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (; *name; name++) h = (h ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t splitmix(uint64_t x)
{
    uint64_t z = x + UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void golden_draw(const char *name, uint64_t seed, float scale, float shift, uint64_t first, uint64_t n, float *out)
{
    const uint64_t start = fnv1a(name) ^ seed * UINT64_C(0x9e3779b97f4a7c15);
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t bits = splitmix(start + (first + i) * UINT64_C(0xd1b54a32d192ed03)) >> 40;
        const volatile float scaled = scale * ((float)bits * 0x1p-23f - 1.0f); /* rounded: no fused multiply-add, which NumPy has not */
        out[i] = scaled + shift;
    }
}
