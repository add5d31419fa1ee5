/* Embedding Tessera: attention on the best device, one row checked by hand.
 *
 * With CMake: find_package(tessera) and target_link_libraries(app tessera::tessera), see CMakeLists.txt.
 * With pkg-config: cc main.c $(pkg-config --cflags --libs tessera) -lm */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <tessera/tessera.h>

enum { HEADS = 2, TOKENS = 100, DIM = 32, SIZE = HEADS * TOKENS * DIM };

static float q[SIZE], k[SIZE], v[SIZE], o[SIZE];

static void check(tsr_status status)
{
    if (status == TSR_OK) return;
    fprintf(stderr, "%s: %s\n", tsr_status_name(status), tsr_last_error());
    exit(1);
}

/* Row 7 of head 1, from the formula. */
static double error_of_row(void)
{
    const float *qr = q + (TOKENS + 7) * DIM, *kh = k + TOKENS * DIM, *vh = v + TOKENS * DIM;
    double weight[TOKENS], sum = 0, worst = 0;
    for (int j = 0; j < TOKENS; j++) {
        double s = 0;
        for (int d = 0; d < DIM; d++) s += qr[d] * kh[j * DIM + d];
        sum += weight[j] = exp(s / sqrt(DIM));
    }
    for (int d = 0; d < DIM; d++) {
        double x = 0;
        for (int j = 0; j < TOKENS; j++) x += weight[j] / sum * vh[j * DIM + d];
        worst = fmax(worst, fabs(x - o[(TOKENS + 7) * DIM + d]));
    }
    return worst;
}

int main(void)
{
    tsr_context *ctx;
    tsr_device *dev;
    tsr_buffer *buf;
    tsr_attention *plan;
    for (int i = 0; i < SIZE; i++) q[i] = sinf(i), k[i] = cosf(3.0f * i), v[i] = sinf(7.0f * i);
    check(tsr_context_create(NULL, &ctx));
    check(tsr_device_open(ctx, NULL, NULL, &dev));
    check(tsr_buffer_create(dev, 4 * sizeof(q), &buf));
    check(tsr_buffer_write(buf, 0, q, sizeof(q)));
    check(tsr_buffer_write(buf, sizeof(q), k, sizeof(k)));
    check(tsr_buffer_write(buf, 2 * sizeof(q), v, sizeof(v)));
    const tsr_layout layout = {.dtype = TSR_F32, .shape = {1, HEADS, TOKENS, DIM}};
    check(tsr_attention_prepare(dev, &(tsr_attention_desc){.q = layout, .k = layout, .v = layout, .o = layout}, &plan));
    check(tsr_attention_run(plan, &(tsr_attention_args){.q = {buf, 0}, .k = {buf, sizeof(q)}, .v = {buf, 2 * sizeof(q)}, .o = {buf, 3 * sizeof(q)}}));
    check(tsr_buffer_read(buf, 3 * sizeof(q), o, sizeof(o))); /* waits */
    const double error = error_of_row();
    printf("%s: row 7 differs by %.1e\n", tsr_device_info_of(dev)->name, error);
    tsr_attention_destroy(plan);
    tsr_buffer_destroy(buf);
    tsr_device_destroy(dev);
    tsr_context_destroy(ctx);
    return error < 1e-5 ? 0 : 1;
}
