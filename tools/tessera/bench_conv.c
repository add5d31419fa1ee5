/* tessera bench conv: rates of the convolutions that decoders are made of, beside the device's own ceiling. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_ours.h"
#include "decode/ops.h"

typedef struct conv_shape {
    const char *text;
    int32_t kt, k, cin, cout;
    bool up;
    int32_t height, width; /* of the input */
} conv_shape;

static const conv_shape shapes[] = {
    {"3x3x3 384 > 384", 3, 3, 384, 384, false, 60, 104},   {"3x3x3 192 > 192", 3, 3, 192, 192, false, 240, 416},
    {"3x3x3 96 > 96", 3, 3, 96, 96, false, 480, 832},      {"3x3x3 128 > 128", 3, 3, 128, 128, false, 256, 256},
    {"3x3 192 > 96 up", 1, 3, 192, 96, true, 240, 416},    {"3x1x1 384 > 768", 3, 1, 384, 768, false, 60, 104},
    {"1x1x1 384 > 1152", 1, 1, 384, 1152, false, 60, 104}, {"3x3x3 96 > 3", 3, 3, 96, 3, false, 480, 832},
};

typedef struct conv_run {
    tsr_conv *conv;
    tsr_conv_args args;
    tsr_buffer *x, *y;
    double flops;
} conv_run;

static void drop(conv_run *r)
{
    tsr_conv_destroy(r->conv);
    tsr_buffer_destroy(r->x);
    tsr_buffer_destroy(r->y);
}

/* Packed weights, one frame of numbers that serves as all of the window, and room for the result. */
static tsr_status prepare(tsr_device *dev, const conv_shape *s, tsr_dtype dtype, conv_run *r)
{
    const size_t weights = (size_t)s->cout * (size_t)s->cin * (size_t)(s->kt * s->k * s->k), size = tsr_dtype_size(dtype);
    const size_t pixels = (size_t)s->height * (size_t)s->width, n = pixels * (size_t)s->cin;
    *r = (conv_run){.args = {.height = s->height, .width = s->width, .rows = s->height}};
    tsr_conv_desc desc = {.name = s->text,
                          .taps = {.cout = s->cout, .cin = s->cin, .kt = s->kt, .kh = s->k, .kw = s->k, .w = malloc(weights * sizeof(float))},
                          .before = s->k / 2,
                          .up = s->up,
                          .residual = TSR_NONE};
    unsigned char *x = malloc(n * size);
    if (!x || !desc.taps.w) {
        free(x);
        free(desc.taps.w);
        return TSR_ERROR_HOST_MEMORY;
    }
    for (size_t i = 0; i < weights; i++) desc.taps.w[i] = (float)(i % 33) / 512.0f - 0.03125f;
    for (size_t i = 0; i < n; i++) {
        const float value = 0.5f + (float)(i % 64) / 128.0f;
        const uint16_t half = (uint16_t)(0x3800 + i % 64 * 16); /* the same numbers */
        memcpy(x + i * size, dtype == TSR_F32 ? (const void *)&value : (const void *)&half, size);
    }
    tsr_status status = tsr_conv_create(dev, &desc, dtype, &r->conv);
    if (status == TSR_OK) status = tsr_buffer_create(dev, n * size, &r->x);
    if (status == TSR_OK) status = tsr_buffer_write(r->x, 0, x, n * size);
    if (status == TSR_OK) status = tsr_buffer_create(dev, pixels * (s->up ? 4 : 1) * (size_t)s->cout * size, &r->y);
    free(x);
    for (int32_t f = 0; f < s->kt; f++) r->args.x[f] = (tsr_rows){{r->x, 0}, 0, dtype};
    r->args.y = (tsr_rows){{r->y, 0}, 0, dtype};
    if (status == TSR_OK) r->flops = (double)tsr_conv_flops(r->conv, s->height, s->width);
    return status;
}

static tsr_status time_runs(bench *b, conv_run *r, bench_times *times)
{
    for (int i = -1; i < b->runs; i++) { /* the first compiles */
        const double start = tsr_now();
        tsr_status status = tsr_conv_run(r->conv, &r->args);
        if (status == TSR_OK) status = tsr_device_wait(b->device.dev);
        if (status != TSR_OK) return status;
        if (i < 0)
            times->first = tsr_now() - start;
        else
            times->seconds[times->count++] = tsr_now() - start;
    }
    bench_summarise(times);
    return TSR_OK;
}

static int bench_one(bench *b, conv_shape s, tsr_dtype dtype)
{
    conv_run r;
    bench_times times = {0};
    tsr_status status = prepare(b->device.dev, &s, dtype, &r);
    if (status == TSR_OK) status = time_runs(b, &r, &times);
    drop(&r);
    if (status == TSR_OK) status = bench_measure_peak(b); /* a machine that was busy when it was first measured would flatter us */
    if (status != TSR_OK) return cli_fail("bench", status);
    printf("%-18s %4d x %-4d %-4s %10.2f ms %10.1f GFLOP/s %6.3f of peak\n", s.text, s.height, s.width, tsr_dtype_name(dtype), times.median * 1e3,
           r.flops / times.median * 1e-9, r.flops / times.median / b->peak);
    cJSON *o = b->json_rows ? bench_json_row(b, "conv") : NULL;
    if (!o) return -1;
    cJSON_AddStringToObject(o, "shape", s.text);
    cJSON_AddNumberToObject(o, "height", s.height);
    cJSON_AddNumberToObject(o, "width", s.width);
    cJSON_AddStringToObject(o, "dtype", tsr_dtype_name(dtype));
    bench_json_times(o, &times, r.flops, b->peak);
    return -1;
}

int bench_conv(bench *b)
{
    static const tsr_dtype dtypes[] = {TSR_F32, TSR_F16};
    int code = -1;
    printf("%s: %.1f GFLOP/s of multiply-adds in registers\n", tsr_device_info_of(b->device.dev)->name, b->peak * 1e-9);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]) && code < 0; i++) {
        conv_shape s = shapes[i];
        while (b->quick && s.height * s.width > 4096) s.height /= 2, s.width /= 2;
        for (int d = 0; d < 2 && code < 0; d++) code = bench_one(b, s, dtypes[d]);
    }
    return code;
}
