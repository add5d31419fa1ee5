/* Attention from its formula in fp64: one row at a time, every score kept, nothing clever. */
#include <math.h>
#include <stdlib.h>

#include "oracle.h"

/* What one row works on: the keys that it sees, and their scores. */
typedef struct row {
    int64_t *keys, count;
    double *s;
} row;

static double dot(const double *a, const double *b, int64_t n)
{
    double x[4] = {0};
    int64_t c = 0;
    for (; c + 4 <= n; c += 4)
        for (int i = 0; i < 4; i++) x[i] += a[c + i] * b[c + i];
    for (; c < n; c++) x[0] += a[c] * b[c];
    return x[0] + x[1] + x[2] + x[3];
}

static void scores(const tsr_attention_desc *d, const oracle_attention_inputs *in, const double *q, const double *k, int64_t b, int64_t h, int64_t i,
                   row *r)
{
    const int64_t dim = d->q.shape[3];
    const double scale = d->scale != 0 ? (double)d->scale : 1.0 / sqrt((double)dim);
    r->count = oracle_keys(d, in, b, h, i, r->keys);
    for (int64_t n = 0; n < r->count; n++) {
        const int64_t j = r->keys[n];
        double x = scale * dot(q, k + j * dim, dim);
        if (d->softcap > 0) x = (double)d->softcap * tanh(x / (double)d->softcap);
        if (in->bias.data) x += oracle_at(&in->bias, b, h, i, j);
        r->s[n] = in->score ? in->score(in->user, x, b, h, i, j) : x;
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
    row r = {.keys = malloc((size_t)(nk + 1) * sizeof(int64_t)), .s = malloc((size_t)(nk + 1) * sizeof(double))};
    const bool ok = q && k && v && r.keys && r.s;
    for (int64_t n = 0; ok && n < batch * heads * nq; n++) {
        const int64_t i = n % nq, h = n / nq % heads, b = n / nq / heads;
        const int64_t kv = b * d->k.shape[1] + h / (heads / d->k.shape[1]);
        if (!oracle_sampled(in->rows, i)) continue;
        scores(d, in, q + n * dim, k + kv * nk * dim, b, h, i, &r);
        lse[n] = softmax(r.s, r.count, in->sink.data ? oracle_at(&in->sink, 0, h, 0, 0) : -INFINITY);
        for (int64_t c = 0; c < dv; c++) o[n * dv + c] = 0;
        for (int64_t e = 0; e < r.count; e++) {
            if (r.s[e] == 0) continue;
            const double *value = v + (kv * nk + r.keys[e]) * dv;
            for (int64_t c = 0; c < dv; c++) o[n * dv + c] += r.s[e] * value[c];
        }
    }
    free(q);
    free(k);
    free(v);
    free(r.keys);
    free(r.s);
    return ok;
}
