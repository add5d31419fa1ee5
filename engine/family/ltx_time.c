/* The time step of LTX's decoders is a constant: what their embedders make of it is part of the norms' weights. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "ltx.h"

static const float time_step = 0.05f;

/* y = W x + b */
static void apply(const tsr_taps *linear, const double *x, double *y)
{
    for (int32_t o = 0; o < linear->cout; o++) {
        const float *row = linear->w + (size_t)o * (size_t)linear->cin;
        double sum = linear->bias[o];
        for (int32_t i = 0; i < linear->cin; i++) sum += (double)row[i] * x[i];
        y[o] = sum;
    }
}

static double silu(double x) { return x / (1 + exp(-x)); }

static void embed(const tsr_taps *first, const tsr_taps *second, double scaled, double *hidden, float *out)
{
    double waves[2 * LTX_WAVES];
    for (int i = 0; i < LTX_WAVES; i++) {
        const double angle = scaled * pow(10000.0, -(double)i / LTX_WAVES);
        waves[i] = cos(angle);
        waves[LTX_WAVES + i] = sin(angle);
    }
    double *made = hidden + first->cout;
    apply(first, waves, hidden);
    for (int32_t i = 0; i < first->cout; i++) hidden[i] = silu(hidden[i]);
    apply(second, hidden, made);
    for (int32_t i = 0; i < second->cout; i++) out[i] = (float)made[i];
}

float *tsr_ltx_time(const tsr_ltx *ltx, tsr_weights *w, const char *name, int32_t n)
{
    char full[128];
    if (!ltx->timed) return NULL;
    float *scale = tsr_weights_vector(w, "decoder.timestep_scale_multiplier", 1);
    snprintf(full, sizeof(full), "%s.timestep_embedder.linear_1", name);
    tsr_taps first = tsr_weights_taps(w, full, n, 2 * LTX_WAVES, 1, 1, 1, 1);
    snprintf(full, sizeof(full), "%s.timestep_embedder.linear_2", name);
    tsr_taps second = tsr_weights_taps(w, full, n, n, 1, 1, 1, 1);
    float *out = NULL;
    if (w->status == TSR_OK) {
        double *hidden = malloc(2 * (size_t)n * sizeof(double));
        out = malloc((size_t)n * sizeof(float));
        if (hidden && out)
            embed(&first, &second, (double)(time_step * *scale), hidden, out);
        else
            w->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the %d values of '%s'", n, name);
        free(hidden);
    }
    free(scale);
    tsr_taps_free(&first);
    tsr_taps_free(&second);
    if (w->status == TSR_OK) return out;
    free(out);
    return NULL;
}

void tsr_ltx_modulate(tsr_weights *w, const float *time, const char *table, int32_t pairs, int32_t pair, int32_t channels, tsr_norm_desc *norm)
{
    if (!time) return;
    const float *at = time + 2 * (ptrdiff_t)pair * channels;
    float *all = tsr_weights_matrix(w, table, 2 * pairs, channels);
    if (!all) return;
    norm->shift = malloc((size_t)channels * sizeof(float));
    norm->scale = malloc((size_t)channels * sizeof(float));
    for (int32_t c = 0; norm->shift && norm->scale && c < channels; c++) {
        norm->shift[c] = at[c] + all[2 * pair * channels + c];
        norm->scale[c] = 1 + at[channels + c] + all[(2 * pair + 1) * channels + c];
    }
    if (!norm->shift || !norm->scale) w->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the %d values of '%s'", channels, table);
    free(all);
}
