/* tessera bench decode: seconds from a clip's first push to its last frame. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "decode/decode.h"
#include "tessera/tessera_decode.h"

static const char *const name = "bench";

static tsr_status decode_clip(tsr_decoder *dec, latent *l, float *in, float *out, double *seconds)
{
    tsr_status s = tsr_decoder_start(dec, &(tsr_clip){.height = l->height, .width = l->width, .latents = l->frames});
    const double start = cli_now();
    for (uint64_t t = 0; t <= l->frames && s == TSR_OK; t++) {
        int got = 1;
        if (t < l->frames) latent_frame(name, l, t, in, &got);
        s = t < l->frames ? tsr_decoder_push(dec, in) : tsr_decoder_finish(dec);
        for (got = 1; got && s == TSR_OK;) s = tsr_decoder_pull(dec, out, &got);
    }
    *seconds = cli_now() - start;
    return s;
}

static void report(bench *b, const latent *l, tsr_decoder *dec, const bench_times *times)
{
    char what[128];
    tsr_decoder_info info;
    tsr_decoder_get_info(dec, &info);
    const double frames = (double)tsr_decoder_frames(dec, l->frames);
    const double flops = coder_flops(dec, &(tsr_clip){.height = l->height, .width = l->width, .latents = l->frames}), rate = flops / times->median;
    snprintf(what, sizeof(what), "decode %s %ux%u %.0f frames", info.family, l->width * info.space_scale, l->height * info.space_scale, frames);
    printf("%-10s %-34s %10.3f ms %9.1f GFLOP/s  %5.2f of the peak %.1f  spread %.0f %%  %.1f frames/s\n", tsr_device_info_of(b->device.dev)->id,
           what, times->median * 1e3, rate / 1e9, rate / b->peak, b->peak / 1e9, times->spread * 100, frames / times->median);
    fflush(stdout);
    cJSON *o = bench_json_row(b, what);
    bench_json_times(o, times, flops, b->peak);
    cJSON_AddNumberToObject(o, "frames_per_second", frames / times->median);
    cJSON_AddNumberToObject(o, "device_bytes", (double)info.memory);
}

static int measure(bench *b, latent *l, tsr_decoder *dec, const tsr_decoder_info *info)
{
    const size_t pixels = (size_t)l->height * l->width;
    float *in = malloc((size_t)l->channels * pixels * sizeof(float));
    float *out = malloc(3 * pixels * info->space_scale * info->space_scale * sizeof(float));
    bench_times times = {0};
    tsr_status s = TSR_OK;
    int code = in && out ? -1 : cli_error(name, EXIT_INPUT, "no memory for a frame");
    for (int i = -1; i < b->runs && s == TSR_OK && code < 0; i++) { /* run -1 warms up */
        double seconds = 0;
        s = decode_clip(dec, l, in, out, &seconds);
        if (i < 0)
            times.first = seconds;
        else
            times.seconds[times.count++] = seconds;
        if (s != TSR_OK)
            code = cli_fail(name, s);
        else if (cli_interrupted())
            code = cli_error(name, EXIT_INTERRUPTED, "interrupted");
    }
    free(in);
    free(out);
    if (code >= 0) return code;
    bench_summarise(&times);
    report(b, l, dec, &times);
    return -1;
}

int bench_decode(bench *b, const char *path)
{
    latent l;
    const latent_options options = {.layout = NULL};
    int code = latent_open(name, path, &options, &l);
    if (code >= 0) return code;
    tsr_tensors *weights = NULL;
    tsr_decoder *dec = NULL;
    tsr_decoder_info info = {0};
    tsr_status s = tsr_tensors_open(b->model, &weights);
    if (s == TSR_OK) s = tsr_decoder_create(b->device.dev, weights, &(tsr_decoder_desc){.latents = l.space}, &dec);
    if (s == TSR_OK) s = tsr_decoder_get_info(dec, &info);
    if (s != TSR_OK)
        code = cli_fail(name, s);
    else if (l.stream >= 0)
        code = cli_error(name, EXIT_INPUT, "%s is a stream; expected a file, which can be decoded several times", path);
    else if ((code = latent_arrange(name, &l, &options, info.latent_channels)) < 0)
        code = measure(b, &l, dec, &info);
    tsr_decoder_destroy(dec);
    tsr_tensors_close(weights);
    latent_close(&l);
    return code;
}
