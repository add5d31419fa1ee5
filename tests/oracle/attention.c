/* Attention from its formula: one row at a time, every score kept, nothing clever. */
#include <math.h>
#include <stdlib.h>

#include "oracle.h"

static double at(const oracle_tensor *t, int64_t b, int64_t h, int64_t n, int64_t d)
{
    const int64_t index[4] = {b, h, n, d};
    int64_t place = 0;
    for (int i = 0; i < 4; i++) place += (t->layout.shape[i] == 1 ? 0 : index[i]) * t->layout.stride[i];
    return oracle_load(t->layout.dtype, t->data, place);
}

static bool sees(const tsr_set *set, int64_t i, int64_t j, int64_t nq, int64_t nk)
{
    if (!set->bounded) return true;
    const int64_t p = i + (set->align == TSR_ALIGN_BOTTOM_RIGHT ? nk - nq : 0);
    if (set->left != TSR_UNBOUNDED && p - j > set->left) return false;
    return set->right == TSR_UNBOUNDED || j - p <= set->right;
}

/* Scores of one row; a key that is not seen gets -inf. */
static void scores(const tsr_attention_desc *d, const oracle_attention_inputs *in, int64_t b, int64_t h, int64_t i, double *s)
{
    const int64_t nq = d->q.shape[2], nk = d->k.shape[2], dim = d->q.shape[3], kv = h / (d->q.shape[1] / d->k.shape[1]);
    const double scale = d->scale != 0 ? (double)d->scale : 1.0 / sqrt((double)dim);
    for (int64_t j = 0; j < nk; j++) {
        double x = 0;
        for (int64_t c = 0; c < dim; c++) x += at(&in->q, b, h, i, c) * at(&in->k, b, kv, j, c);
        x *= scale;
        if (d->softcap > 0) x = (double)d->softcap * tanh(x / (double)d->softcap);
        if (in->bias.data) x += at(&in->bias, b, h, i, j);
        if (in->mask.data && at(&in->mask, b, h, i, j) == 0) x = -INFINITY;
        s[j] = sees(&d->set, i, j, nq, nk) ? x : -INFINITY;
    }
}

void oracle_attention(const tsr_attention_desc *d, const oracle_attention_inputs *in, double *o, double *lse)
{
    const int64_t batch = d->q.shape[0], heads = d->q.shape[1], nq = d->q.shape[2], nk = d->k.shape[2], dv = d->v.shape[3];
    double *s = malloc((size_t)(nk + 1) * sizeof(double));
    for (int64_t row = 0; s && row < batch * heads * nq; row++) {
        const int64_t i = row % nq, h = row / nq % heads, b = row / nq / heads, kv = h / (heads / d->k.shape[1]);
        scores(d, in, b, h, i, s);
        double top = in->sink.data ? at(&in->sink, 0, h, 0, 0) : -INFINITY;
        for (int64_t j = 0; j < nk; j++) top = fmax(top, s[j]);
        double sum = top > -INFINITY && in->sink.data ? exp(at(&in->sink, 0, h, 0, 0) - top) : 0;
        for (int64_t j = 0; j < nk; j++) sum += s[j] > -INFINITY ? exp(s[j] - top) : 0;
        lse[row] = sum > 0 ? top + log(sum) : -INFINITY;
        for (int64_t c = 0; c < dv; c++) {
            double x = 0;
            for (int64_t j = 0; j < nk; j++)
                if (s[j] > -INFINITY) x += exp(s[j] - lse[row]) * at(&in->v, b, kv, j, c);
            o[row * dv + c] = x;
        }
    }
    free(s);
}

void oracle_plain(const tsr_attention_desc *d, const oracle_attention_inputs *in, double *o)
{
    const int64_t batch = d->q.shape[0], heads = d->q.shape[1], nq = d->q.shape[2], nk = d->k.shape[2], dim = d->q.shape[3], dv = d->v.shape[3];
    const float scale = d->scale != 0 ? d->scale : 1.0f / sqrtf((float)dim);
    float *s = malloc((size_t)(nk + 1) * sizeof(float));
    for (int64_t row = 0; s && row < batch * heads * nq; row++) {
        const int64_t i = row % nq, h = row / nq % heads, b = row / nq / heads, kv = h / (heads / d->k.shape[1]);
        float top = in->sink.data ? (float)at(&in->sink, 0, h, 0, 0) : -INFINITY;
        for (int64_t j = 0; j < nk; j++) {
            float x = 0;
            for (int64_t c = 0; c < dim; c++) x += (float)at(&in->q, b, h, i, c) * (float)at(&in->k, b, kv, j, c);
            x *= scale;
            if (d->softcap > 0) x = d->softcap * tanhf(x / d->softcap);
            if (in->bias.data) x += (float)at(&in->bias, b, h, i, j);
            if (in->mask.data && at(&in->mask, b, h, i, j) == 0) x = -INFINITY;
            s[j] = sees(&d->set, i, j, nq, nk) ? x : -INFINITY;
            top = fmaxf(top, s[j]);
        }
        float sum = top > -INFINITY && in->sink.data ? expf((float)at(&in->sink, 0, h, 0, 0) - top) : 0;
        for (int64_t j = 0; j < nk; j++) {
            s[j] = s[j] > -INFINITY ? expf(s[j] - top) : 0;
            sum += s[j];
        }
        for (int64_t c = 0; c < dv; c++) {
            float x = 0;
            for (int64_t j = 0; j < nk; j++) x += s[j] * (float)at(&in->v, b, kv, j, c);
            float rounded[1] = {sum > 0 ? x / sum : 0};
            oracle_store(d->o.dtype, rounded, 0, (double)rounded[0]);
            o[row * dv + c] = oracle_load(d->o.dtype, rounded, 0);
        }
    }
    free(s);
}
