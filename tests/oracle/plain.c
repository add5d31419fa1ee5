/* Attention as a plain softmax in fp32: all scores of a row, its softmax, the product with the values. */
#include <math.h>
#include <stdlib.h>

#include "oracle.h"

/* Turns a row of scores into its softmax, with the sink's share left out. */
static void softmax(float *s, int64_t n, float sink)
{
    float top = sink;
    for (int64_t j = 0; j < n; j++) top = fmaxf(top, s[j]);
    if (top == -INFINITY) top = 0;
    float sum = expf(sink - top);
    for (int64_t j = 0; j < n; j++) {
        s[j] = expf(s[j] - top);
        sum += s[j];
    }
    for (int64_t j = 0; j < n && sum > 0; j++) s[j] /= sum;
}

static float score(const tsr_attention_desc *d, const oracle_attention_inputs *in, const float *q, const float *k, const int64_t at[4])
{
    const int64_t dim = d->q.shape[3];
    float x = 0;
    for (int64_t c = 0; c < dim; c++) x += q[c] * k[c];
    x *= d->scale != 0 ? d->scale : 1.0f / sqrtf((float)dim);
    if (d->softcap > 0) x = d->softcap * tanhf(x / d->softcap);
    if (in->bias.data) x += (float)oracle_at(&in->bias, at[0], at[1], at[2], at[3]);
    return x;
}

bool oracle_plain(const tsr_attention_desc *d, const oracle_attention_inputs *in, double *o)
{
    const int64_t batch = d->q.shape[0], heads = d->q.shape[1], nq = d->q.shape[2], nk = d->k.shape[2], dim = d->q.shape[3], dv = d->v.shape[3];
    float *q = oracle_floats(&in->q), *k = oracle_floats(&in->k), *v = oracle_floats(&in->v);
    float *s = malloc((size_t)(nk + 1) * sizeof(float)), *sum = malloc((size_t)dv * sizeof(float));
    int64_t *keys = malloc((size_t)(nk + 1) * sizeof(int64_t));
    const bool ok = q && k && v && s && sum && keys;
    for (int64_t row = 0; ok && row < batch * heads * nq; row++) {
        const int64_t i = row % nq, h = row / nq % heads, b = row / nq / heads;
        const int64_t kv = b * d->k.shape[1] + h / (heads / d->k.shape[1]);
        if (!oracle_sampled(in->rows, i)) continue;
        const int64_t count = oracle_keys(d, in, b, h, i, keys);
        for (int64_t e = 0; e < count; e++) s[e] = score(d, in, q + row * dim, k + (kv * nk + keys[e]) * dim, (const int64_t[4]){b, h, i, keys[e]});
        softmax(s, count, in->sink.data ? (float)oracle_at(&in->sink, 0, h, 0, 0) : -INFINITY);
        for (int64_t c = 0; c < dv; c++) sum[c] = 0;
        for (int64_t e = 0; e < count; e++)
            for (int64_t c = 0; c < dv; c++) sum[c] += s[e] * v[(kv * nk + keys[e]) * dv + c];
        for (int64_t c = 0; c < dv; c++) {
            float rounded;
            oracle_store(d->o.dtype, &rounded, 0, (double)sum[c]);
            o[row * dv + c] = oracle_load(d->o.dtype, &rounded, 0);
        }
    }
    free(q);
    free(k);
    free(v);
    free(s);
    free(keys);
    free(sum);
    return ok;
}
