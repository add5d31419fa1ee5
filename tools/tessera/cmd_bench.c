/* tessera bench: rates of attention and decoding beside the device's own ceiling, medians of one run. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "latent.h"

static const char *const name = "bench";

typedef struct bench {
    cli_device device;
    char *json, *shape, *dtype, *model;
    int runs, causal;
    cJSON *results;
    double peak; /* FLOP/s of fused multiply-adds on this device */
} bench;

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof(*values), by_value);
    return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

static cJSON *add_result(bench *b, const char *what, double seconds, double flops, double bytes)
{
    const double rate = flops / seconds;
    printf("%-10s %-34s %10.3f ms %9.1f GFLOP/s  %5.2f of the peak %.1f", tsr_device_info_of(b->device.dev)->id, what, seconds * 1e3, rate / 1e9,
           rate / b->peak, b->peak / 1e9);
    if (bytes > 0) printf("  %7.2f GB/s", bytes / seconds / 1e9);
    putchar('\n');
    fflush(stdout);
    cJSON *o = cJSON_CreateObject();
    cJSON_AddItemToArray(b->results, o);
    cJSON_AddStringToObject(o, "device", tsr_device_info_of(b->device.dev)->id);
    cJSON_AddStringToObject(o, "device_name", tsr_device_info_of(b->device.dev)->name);
    cJSON_AddStringToObject(o, "driver_version", tsr_device_info_of(b->device.dev)->version);
    cJSON_AddStringToObject(o, "case", what);
    cJSON_AddNumberToObject(o, "seconds_median", seconds);
    cJSON_AddNumberToObject(o, "gflops", flops / 1e9);
    cJSON_AddNumberToObject(o, "gflops_per_second", rate / 1e9);
    cJSON_AddNumberToObject(o, "peak_gflops_per_second", b->peak / 1e9);
    cJSON_AddNumberToObject(o, "share_of_peak", rate / b->peak);
    return o;
}

/* Random values: zeros would flatter devices that clock by data. */
static tsr_status fill(tsr_buffer *buf, tsr_dtype dtype)
{
    const uint64_t n = tsr_buffer_size(buf) / tsr_dtype_size(dtype);
    unsigned char *data = malloc((size_t)tsr_buffer_size(buf) + 1);
    uint32_t state = 12345;
    for (uint64_t i = 0; data && i < n; i++) {
        state = state * 1664525u + 1013904223u;
        const float x = (float)(state >> 8) * 0x1p-23f - 1.0f;
        uint32_t bits;
        memcpy(&bits, &x, 4);
        if (dtype == TSR_F32)
            memcpy(data + 4 * i, &bits, 4);
        else {
            const uint16_t h = dtype == TSR_BF16 ? (uint16_t)(bits >> 16) : (uint16_t)((bits >> 16 & 0x8000u) | (0x3000u + (state >> 22)));
            memcpy(data + 2 * i, &h, 2);
        }
    }
    const tsr_status s = data ? tsr_buffer_write(buf, 0, data, tsr_buffer_size(buf)) : TSR_ERROR_HOST_MEMORY;
    free(data);
    return s;
}

static int bench_one(bench *b, const int64_t *shape, tsr_dtype dtype)
{
    const int64_t batch = shape[0], heads = shape[1], nq = shape[2], nk = shape[3], d = shape[4];
    const tsr_layout q = {.dtype = dtype, .shape = {batch, heads, nq, d}}, k = {.dtype = dtype, .shape = {batch, heads, nk, d}};
    tsr_attention_desc desc = {.q = q, .k = k, .v = k, .o = q};
    if (b->causal) desc.set = (tsr_set){1, TSR_ALIGN_BOTTOM_RIGHT, TSR_UNBOUNDED, 0};
    const uint64_t small = (uint64_t)(batch * heads * nq * d) * tsr_dtype_size(dtype),
                   large = (uint64_t)(batch * heads * nk * d) * tsr_dtype_size(dtype);
    tsr_attention *plan = NULL;
    tsr_buffer *buf[4] = {NULL};
    const uint64_t sizes[4] = {small, large, large, small};
    tsr_status s = tsr_attention_prepare(b->device.dev, &desc, &plan);
    for (int i = 0; i < 4 && s == TSR_OK; i++) {
        s = tsr_buffer_create(b->device.dev, sizes[i], &buf[i]);
        if (s == TSR_OK) s = fill(buf[i], dtype);
    }
    const tsr_attention_args args = {.q = {buf[0], 0}, .k = {buf[1], 0}, .v = {buf[2], 0}, .o = {buf[3], 0}};
    double times[100], first = 0;
    for (int i = -1; i < b->runs && s == TSR_OK && !cli_interrupted(); i++) { /* run -1 warms up */
        const double start = cli_now();
        s = tsr_attention_run(plan, &args);
        if (s == TSR_OK) s = tsr_device_wait(b->device.dev);
        if (i < 0)
            first = cli_now() - start;
        else
            times[i] = cli_now() - start;
    }
    int code = -1;
    if (s != TSR_OK)
        code = cli_fail(name, s);
    else if (cli_interrupted())
        code = cli_error(name, EXIT_INTERRUPTED, "interrupted");
    else {
        tsr_attention_info info;
        tsr_attention_get_info(plan, &info);
        char what[128];
        snprintf(what, sizeof(what), "attention B%lld H%lld %lldx%lld D%lld %s%s", (long long)batch, (long long)heads, (long long)nq, (long long)nk,
                 (long long)d, tsr_dtype_name(dtype), b->causal ? " causal" : "");
        cJSON *o = add_result(b, what, median(times, b->runs), (double)info.flops, (double)info.bytes);
        cJSON_AddStringToObject(o, "kernel", info.kernel);
        cJSON_AddNumberToObject(o, "seconds_first", first);
        cJSON_AddNumberToObject(o, "bytes", (double)info.bytes);
    }
    tsr_attention_destroy(plan);
    for (int i = 0; i < 4; i++) tsr_buffer_destroy(buf[i]);
    return code;
}

static int bench_attention(bench *b)
{
    tsr_dtype dtype = TSR_F32;
    if (b->dtype && strcmp(b->dtype, "f16") == 0)
        dtype = TSR_F16;
    else if (b->dtype && strcmp(b->dtype, "bf16") == 0)
        dtype = TSR_BF16;
    else if (b->dtype && strcmp(b->dtype, "f32") != 0)
        return cli_error(name, EXIT_INPUT, "argument --dtype is '%s'; expected f32, f16 or bf16", b->dtype);
    if (b->shape) {
        long long s[5];
        int used = 0;
        if (sscanf(b->shape, "%lld,%lld,%lld,%lld,%lld%n", &s[0], &s[1], &s[2], &s[3], &s[4], &used) != 5 || b->shape[used] || s[0] < 1 || s[1] < 1 ||
            s[2] < 1 || s[3] < 1 || s[4] < 1 || s[4] > 1024)
            return cli_error(name, EXIT_INPUT, "argument --shape is '%s'; expected B,H,NQ,NK,D, each 1 or more", b->shape);
        const int64_t shape[5] = {s[0], s[1], s[2], s[3], s[4]};
        return bench_one(b, shape, dtype);
    }
    static const int64_t shapes[4][5] = {{1, 4, 1024, 1024, 64}, {1, 4, 4096, 4096, 64}, {1, 4, 1024, 1024, 128}, {1, 4, 4096, 4096, 128}};
    for (int i = 0; i < 4; i++) {
        const int code = bench_one(b, shapes[i], dtype);
        if (code >= 0) return code;
    }
    return -1;
}

/* One clip: seconds from the first push to the last frame. */
static tsr_status decode_clip(tsr_decoder *dec, const latent *l, float *in, float *out, double *seconds)
{
    tsr_status s = tsr_decoder_start(dec, l->height, l->width);
    const double start = cli_now();
    for (uint32_t t = 0; t < l->frames && s == TSR_OK; t++) {
        latent_frame(l, t, in);
        s = tsr_decoder_push(dec, in);
        for (int got = 1; got && s == TSR_OK;) s = tsr_decoder_pull(dec, out, &got);
    }
    *seconds = cli_now() - start;
    return s;
}

static int bench_decode(bench *b, const char *path)
{
    if (!b->model || !path) return cli_error(name, EXIT_INPUT, "expected tessera bench decode --model W.safetensors LATENT.safetensors");
    latent l;
    tsr_tensors *weights = NULL;
    tsr_decoder *dec = NULL;
    tsr_decoder_info info = {0};
    float *in = NULL, *out = NULL;
    double times[100];
    int code = latent_open(name, path, false, &l);
    if (code < 0) {
        tsr_status s = tsr_tensors_open(b->model, &weights);
        if (s == TSR_OK) s = tsr_decoder_create(b->device.dev, weights, &dec);
        if (s == TSR_OK) s = tsr_decoder_get_info(dec, &info);
        if (s == TSR_OK && info.latent_channels != l.channels)
            code = cli_error(name, EXIT_INPUT, "%s has %u channels; the model wants %u", path, l.channels, info.latent_channels);
        if (s == TSR_OK) in = malloc((size_t)l.channels * l.height * l.width * sizeof(float));
        if (s == TSR_OK) out = malloc((size_t)3 * l.height * l.width * info.space_scale * info.space_scale * sizeof(float));
        for (int i = -1; i < b->runs && s == TSR_OK && code < 0; i++) {
            double seconds = 0;
            s = in && out ? decode_clip(dec, &l, in, out, &seconds) : TSR_ERROR_HOST_MEMORY;
            if (i >= 0) times[i] = seconds;
            if (cli_interrupted()) code = cli_error(name, EXIT_INTERRUPTED, "interrupted");
        }
        if (s != TSR_OK) code = cli_fail(name, s);
    }
    if (code < 0) {
        tsr_decoder_get_info(dec, &info);
        char what[128];
        const double seconds = median(times, b->runs), frames = l.frames * info.time_scale - info.frames_dropped;
        snprintf(what, sizeof(what), "decode %s %ux%u %.0f frames", info.family, l.width * info.space_scale, l.height * info.space_scale, frames);
        cJSON *o = add_result(b, what, seconds, (double)info.flops_per_latent * l.frames, 0);
        cJSON_AddNumberToObject(o, "frames_per_second", frames / seconds);
        cJSON_AddNumberToObject(o, "device_bytes", (double)info.memory);
        printf("%-10s %.1f frames/s\n", "", frames / seconds);
    }
    free(in);
    free(out);
    tsr_decoder_destroy(dec);
    tsr_tensors_close(weights);
    latent_close(&l);
    return code;
}

static int save_json(const bench *b)
{
    char *text = cJSON_Print(b->results), *temp = cli_temporary(b->json);
    FILE *file = text && temp ? fopen(temp, "w") : NULL;
    bool ok = file && fputs(text, file) >= 0 && fputc('\n', file) >= 0;
    if (file) ok = fclose(file) == 0 && ok;
    ok = ok && rename(temp, b->json) == 0;
    if (!ok && temp) remove(temp);
    cJSON_free(text);
    free(temp);
    return ok ? EXIT_DONE : cli_error(name, EXIT_INPUT, "output '%s' cannot be written", b->json);
}

static int run_on(bench *b, const char *what, const char *path)
{
    int code = cli_open(name, &b->device);
    if (code >= 0) return code;
    const tsr_status s = tsr_device_peak(b->device.dev, &b->peak);
    if (s != TSR_OK)
        code = cli_fail(name, s);
    else
        code = strcmp(what, "attention") == 0 ? bench_attention(b) : bench_decode(b, path);
    cli_close(&b->device);
    return code;
}

/* The ids of all devices, in one block of memory. */
static char (*all_ids(size_t *count))[32]
{
    tsr_context *ctx = NULL;
    char(*ids)[32] = NULL;
    *count = 0;
    if (tsr_context_create(NULL, &ctx) != TSR_OK) return NULL;
    ids = calloc(tsr_device_count(ctx) + 1, sizeof(*ids));
    for (size_t i = 0; ids && i < tsr_device_count(ctx); i++) {
        tsr_device_info info;
        if (tsr_device_get_info(ctx, i, &info) == TSR_OK) snprintf(ids[(*count)++], sizeof(ids[0]), "%s", info.id);
    }
    tsr_context_destroy(ctx);
    return ids;
}

static int run(bench *b, const char *what, const char *path)
{
    if (strcmp(what, "attention") != 0 && strcmp(what, "decode") != 0)
        return cli_error(name, EXIT_INPUT, "'%s' cannot be measured; expected attention or decode", what);
    if (b->runs < 1 || b->runs > 100) return cli_error(name, EXIT_INPUT, "argument --runs is %d; expected 1 to 100", b->runs);
    if (b->json && !cli_can_write(name, b->json)) return EXIT_INPUT;
    cli_catch();
    int code = -1;
    if (b->device.selector && strcmp(b->device.selector, "all") == 0) {
        size_t count;
        char *const asked = b->device.selector;
        char(*ids)[32] = all_ids(&count);
        for (size_t i = 0; i < count && code < 0; i++) {
            b->device.selector = ids[i];
            code = run_on(b, what, path);
        }
        b->device.selector = asked;
        free(ids);
    } else {
        code = run_on(b, what, path);
    }
    if (code >= 0) return code;
    return b->json ? save_json(b) : EXIT_DONE;
}

int cmd_bench(int argc, const char **argv)
{
    bench b = {.runs = 7, .results = cJSON_CreateArray()};
    struct poptOption options[] = {
        {"shape", 0, POPT_ARG_STRING, &b.shape, 0, "attention: B,H,NQ,NK,D; default H=4, N=1024 and 4096, D=64 and 128", "SHAPE"},
        {"dtype", 0, POPT_ARG_STRING, &b.dtype, 0, "attention: f32 (default), f16 or bf16", "TYPE"},
        {"causal", 0, POPT_ARG_NONE, &b.causal, 0, "attention: causal", NULL},
        {"model", 'm', POPT_ARG_STRING, &b.model, 0, "decode: the decoder's weights", "W.safetensors"},
        {"runs", 'n', POPT_ARG_INT, &b.runs, 0, "measured runs; their median counts", "N"},
        {"json", 0, POPT_ARG_STRING, &b.json, 0, "also write the results as JSON", "FILE"},
        CLI_DEVICE_OPTIONS(b.device),
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext parse;
    const char **rest;
    int code = cli_parse(name, "bench attention | bench decode --model W.safetensors LATENT.safetensors  (--device all: every device)", argc, argv,
                         options, &parse, &rest);
    if (code >= 0) {
        cJSON_Delete(b.results);
        return code;
    }
    code = rest[0] ? run(&b, rest[0], rest[1]) : cli_error(name, EXIT_INPUT, "expected attention or decode; see tessera bench --help");
    cJSON_Delete(b.results);
    char *const owned[] = {b.json, b.shape, b.dtype, b.model, b.device.selector, b.device.budget};
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) free(owned[i]);
    poptFreeContext(parse);
    return code;
}
