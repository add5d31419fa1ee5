/* Gaussian noise from a seed, the same on every machine. */
#include <math.h>

#include "execute.h"

/* Steele, Lea and Flood 2014: SplitMix64. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

void tsr_normal_fill(uint64_t seed, float *out, uint64_t n)
{
    const uint64_t key = mix(seed);
    for (uint64_t i = 0; i < n; i++) { /* Box and Muller 1958 */
        const double u = ((double)(mix(key + 2 * i) >> 11) + 0.5) * 0x1p-53, v = (double)(mix(key + 2 * i + 1) >> 11) * 0x1p-53;
        out[i] = (float)(sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v));
    }
}
