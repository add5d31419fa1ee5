/* Attention from its formula in fp64: one row at a time, every score kept, nothing clever. */
#include <math.h>
#include <stdlib.h>

#include "oracle.h"

/* Scores of query i of one head; a key that is not seen gets -inf. */
static void scores(const tsr_attention_desc *d, const oracle_attention_inputs *in, const double *q, const double *k, int64_t b, int64_t h, int64_t i,
                   double *s)
{
    const int64_t nq = d->q.shape[2], nk = d->k.shape[2], dim = d->q.shape[3];
    const double scale = d->scale != 0 ? (double)d->scale : 1.0 / sqrt((double)dim);
    for (int64_t j = 0; j < nk; j++) {
        s[j] = -INFINITY;
        if (!oracle_sees(&d->band, i, j, nq, nk)) continue;
        if (in->mask.data && oracle_at(&in->mask, b, h, i, j) == 0) continue;
        double x = 0;
        for (int64_t c = 0; c < dim; c++) x += q[c] * k[j * dim + c];
        x *= scale;
        if (d->softcap > 0) x = (double)d->softcap * tanh(x / (double)d->softcap);
        if (in->bias.data) x += oracle_at(&in->bias, b, h, i, j);
        s[j] = x;
    }
}

/* Turns a row of scores into weights; the sink takes its share. Returns ln of the sum of exp over scores and sink. */
static double softmax(double *s, int64_t n, double sink)
{
    double top = sink;
    for (int64_t j = 0; j < n; j++) top = fmax(top, s[j]);
    if (top == -INFINITY) {
        for (int64_t j = 0; j < n; j++) s[j] = 0;
        return top;
    }
    double sum = exp(sink - top);
    for (int64_t j = 0; j < n; j++) sum += s[j] = exp(s[j] - top);
    for (int64_t j = 0; j < n; j++) s[j] /= sum;
    return top + log(sum);
}

bool oracle_attention(const tsr_attention_desc *d, const oracle_attention_inputs *in, double *o, double *lse)
{
    const int64_t batch = d->q.shape[0], heads = d->q.shape[1], nq = d->q.shape[2], nk = d->k.shape[2], dim = d->q.shape[3], dv = d->v.shape[3];
    double *q = oracle_doubles(&in->q), *k = oracle_doubles(&in->k), *v = oracle_doubles(&in->v);
    double *s = malloc((size_t)(nk + 1) * sizeof(double));
    const bool ok = q && k && v && s;
    for (int64_t row = 0; ok && row < batch * heads * nq; row++) {
        const int64_t i = row % nq, h = row / nq % heads, b = row / nq / heads;
        const int64_t kv = b * d->k.shape[1] + h / (heads / d->k.shape[1]);
        scores(d, in, q + row * dim, k + kv * nk * dim, b, h, i, s);
        lse[row] = softmax(s, nk, in->sink.data ? oracle_at(&in->sink, 0, h, 0, 0) : -INFINITY);
        for (int64_t c = 0; c < dv; c++) o[row * dv + c] = 0;
        for (int64_t j = 0; j < nk; j++) {
            if (s[j] == 0) continue;
            for (int64_t c = 0; c < dv; c++) o[row * dv + c] += s[j] * v[(kv * nk + j) * dv + c];
        }
    }
    free(q);
    free(k);
    free(v);
    free(s);
    return ok;
}
