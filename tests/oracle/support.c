/* Random numbers, storage types and norms of the reference. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"

oracle_rng oracle_seed(uint64_t seed)
{
    oracle_rng r;
    for (int i = 0; i < 4; i++) {
        uint64_t z = (seed += UINT64_C(0x9e3779b97f4a7c15));
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        r.s[i] = z ^ z >> 31;
    }
    return r;
}

static uint64_t rotate(uint64_t x, int k) { return x << k | x >> (64 - k); }

uint64_t oracle_next(oracle_rng *r)
{
    uint64_t *s = r->s;
    const uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint32_t oracle_below(oracle_rng *r, uint32_t n) { return (uint32_t)((oracle_next(r) >> 32) * n >> 32); }

double oracle_normal(oracle_rng *r)
{
    const double u = ((double)(oracle_next(r) >> 11) + 0.5) * 0x1p-53, v = (double)(oracle_next(r) >> 11) * 0x1p-53;
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

/* A value rounded to a binary format of so many mantissa bits, smallest exponent and largest value. */
static double round_to(double x, int bits, int min_exponent, double largest)
{
    if (!isfinite(x) || x == 0) return x;
    int exponent;
    frexp(x, &exponent);
    exponent--; /* x = 1.m * 2^exponent */
    if (exponent < min_exponent) exponent = min_exponent;
    const double step = ldexp(1.0, exponent - bits), rounded = nearbyint(x / step) * step;
    return fabs(rounded) > largest ? copysign(INFINITY, x) : rounded;
}

double oracle_load(tsr_dtype dtype, const void *data, int64_t index)
{
    const unsigned char *const bytes = data; /* tensors of files lie anywhere */
    float wide;
    uint16_t h;
    if (dtype == TSR_F32) {
        memcpy(&wide, bytes + index * 4, sizeof(wide));
        return wide;
    }
    if (dtype == TSR_U8) return bytes[index];
    memcpy(&h, bytes + index * 2, sizeof(h));
    const int bits = dtype == TSR_F16 ? 10 : 7, all = dtype == TSR_F16 ? 31 : 255, bias = dtype == TSR_F16 ? 15 : 127;
    const int exponent = h >> bits & all, mantissa = h & ((1 << bits) - 1);
    double x;
    if (exponent == all)
        x = mantissa ? NAN : INFINITY;
    else if (exponent == 0)
        x = ldexp(mantissa, 1 - bias - bits);
    else
        x = ldexp(mantissa + (1 << bits), exponent - bias - bits);
    return h & 0x8000 ? -x : x;
}

void oracle_store(tsr_dtype dtype, void *data, int64_t index, double value)
{
    if (dtype == TSR_F32) {
        ((float *)data)[index] = (float)value;
        return;
    }
    if (dtype == TSR_U8) {
        ((uint8_t *)data)[index] = (uint8_t)value;
        return;
    }
    const int bits = dtype == TSR_F16 ? 10 : 7, all = dtype == TSR_F16 ? 31 : 255, bias = dtype == TSR_F16 ? 15 : 127;
    const double largest = dtype == TSR_F16 ? 65504.0 : ldexp(2.0 - ldexp(1.0, -7), 127), x = round_to(value, bits, 1 - bias, largest);
    uint32_t h = signbit(x) ? 0x8000u : 0;
    if (isnan(x))
        h |= (uint32_t)all << bits | 1u;
    else if (isinf(x))
        h |= (uint32_t)all << bits;
    else if (x != 0) {
        int exponent;
        const double m = frexp(fabs(x), &exponent); /* m in [1/2, 1) */
        if (exponent - 1 < 1 - bias)
            h |= (uint32_t)ldexp(fabs(x), bias - 1 + bits);
        else
            h |= (uint32_t)(exponent - 1 + bias) << bits | (uint32_t)ldexp(2 * m - 1, bits);
    }
    ((uint16_t *)data)[index] = (uint16_t)h;
}

static int64_t place(const tsr_layout *l, const int64_t index[4])
{
    int64_t at = 0;
    for (int i = 0; i < 4; i++) at += (l->shape[i] == 1 ? 0 : index[i]) * l->stride[i];
    return at;
}

double oracle_at(const oracle_tensor *t, int64_t b, int64_t h, int64_t n, int64_t d)
{
    return oracle_load(t->layout.dtype, t->data, place(&t->layout, (const int64_t[4]){b, h, n, d}));
}

double *oracle_doubles(const oracle_tensor *t)
{
    const int64_t *shape = t->layout.shape, n = shape[0] * shape[1] * shape[2] * shape[3];
    double *out = malloc((size_t)(n + 1) * sizeof(*out));
    for (int64_t e = 0; out && e < n; e++) {
        const int64_t d = e % shape[3], row = e / shape[3], i = row % shape[2], h = row / shape[2] % shape[1], b = row / shape[2] / shape[1];
        out[e] = oracle_at(t, b, h, i, d);
    }
    return out;
}

float *oracle_floats(const oracle_tensor *t)
{
    const int64_t n = t->layout.shape[0] * t->layout.shape[1] * t->layout.shape[2] * t->layout.shape[3];
    double *wide = oracle_doubles(t);
    float *out = malloc((size_t)(n + 1) * sizeof(*out));
    for (int64_t e = 0; wide && out && e < n; e++) out[e] = (float)wide[e];
    if (!wide) {
        free(out);
        out = NULL;
    }
    free(wide);
    return out;
}

bool oracle_sees(const tsr_band *band, int64_t i, int64_t j, int64_t nq, int64_t nk)
{
    if (!band->bounded) return true;
    const int64_t p = i + (band->align == TSR_ALIGN_BOTTOM_RIGHT ? nk - nq : 0);
    if (band->left != TSR_UNBOUNDED && p - j > band->left) return false;
    return band->right == TSR_UNBOUNDED || j - p <= band->right;
}

bool oracle_sampled(oracle_rows rows, int64_t i) { return rows.step == 0 || i % rows.step == rows.first; }

int64_t oracle_keys(const tsr_attention_desc *d, const oracle_attention_inputs *in, int64_t b, int64_t h, int64_t i, int64_t *keys)
{
    const int64_t nq = d->q.shape[2], nk = d->k.shape[2], words = (nk + 63) / 64;
    const uint64_t *row = in->pairs ? in->pairs[b * d->q.shape[1] + h] + i / (in->rows.step ? in->rows.step : 1) * words : NULL;
    int64_t count = 0;
    for (int64_t j = 0; j < nk; j++) {
        if (row && row[j / 64] >> j % 64 == 0)
            j |= 63; /* nothing more in this word */
        else if (row && !(row[j / 64] >> j % 64 & 1))
            continue;
        else if (oracle_sees(&d->band, i, j, nq, nk) && !(in->mask.data && oracle_at(&in->mask, b, h, i, j) == 0))
            keys[count++] = j;
    }
    return count;
}

double oracle_error(const double *a, const double *b, uint64_t n)
{
    double difference = 0, norm = 0;
    for (uint64_t i = 0; i < n; i++) {
        difference += (a[i] - b[i]) * (a[i] - b[i]);
        norm += b[i] * b[i];
    }
    if (difference == 0) return 0;
    return sqrt(difference / norm);
}
