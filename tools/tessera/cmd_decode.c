/* tessera decode: a video latent to frames. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/tessera_decode.h"
#include "cli.h"
#include "latent.h"
#include "sink.h"

static const char *const name = "decode";

enum { MAX_OUTPUTS = 8 };

typedef struct decode {
    cli_device device;
    char *model, *layout;
    char **outputs; /* NULL-terminated */
    int fps, json, output_count;
    latent latent;
    tsr_tensors *weights;
    tsr_decoder *decoder;
    tsr_decoder_info info;
    sink *sinks[MAX_OUTPUTS];
    float *in, *out;
    double first_frame, seconds;
} decode;

static int check_options(decode *d, const char *in)
{
    for (; d->outputs && d->outputs[d->output_count]; d->output_count++) {
        const char *path = d->outputs[d->output_count];
        if (d->output_count == MAX_OUTPUTS) return cli_error(name, EXIT_INPUT, "more than %d outputs", MAX_OUTPUTS);
        if (!sink_known(path))
            return cli_error(name, EXIT_INPUT, "output '%s' has an unknown ending; expected .y4m, .png, .mp4 or .safetensors", path);
        if (cli_same_file(path, in) || cli_same_file(path, d->model))
            return cli_error(name, EXIT_INPUT, "output '%s' is an input; expected another file", path);
        for (int i = 0; i < d->output_count; i++)
            if (strcmp(path, d->outputs[i]) == 0) return cli_error(name, EXIT_INPUT, "output '%s' is given twice", path);
        if (!cli_can_write(name, path)) return EXIT_INPUT;
    }
    if (d->layout && strcmp(d->layout, "cthw") != 0 && strcmp(d->layout, "tchw") != 0)
        return cli_error(name, EXIT_INPUT, "argument --layout is '%s'; expected cthw or tchw", d->layout);
    if (d->fps < 1 || d->fps > 1000) return cli_error(name, EXIT_INPUT, "argument --fps is %d; expected 1 to 1000", d->fps);
    return -1;
}

static int open_all(decode *d, const char *path)
{
    int code = latent_open(name, path, d->layout && strcmp(d->layout, "tchw") == 0, &d->latent);
    if (code >= 0) return code;
    tsr_status s = tsr_tensors_open(d->model, &d->weights);
    if (s != TSR_OK) return cli_fail(name, s);
    if ((code = cli_open(name, &d->device)) >= 0) return code;
    if ((s = tsr_decoder_create(d->device.dev, d->weights, NULL, &d->decoder)) != TSR_OK) return cli_fail(name, s);
    tsr_decoder_get_info(d->decoder, &d->info);
    if (d->info.latent_channels != d->latent.channels)
        return cli_error(name, EXIT_INPUT, "%s has %u channels; the model '%s' wants %u (is the order of axes another? see --layout)", path,
                         d->latent.channels, d->model, d->info.latent_channels);
    if ((s = tsr_decoder_start(d->decoder, &(tsr_clip){.height = d->latent.height, .width = d->latent.width})) != TSR_OK) return cli_fail(name, s);
    const size_t in = (size_t)d->latent.channels * d->latent.height * d->latent.width;
    const size_t out = 3 * (size_t)d->latent.height * d->latent.width * d->info.space_scale * d->info.space_scale;
    d->in = malloc(in * sizeof(float));
    d->out = malloc(out * sizeof(float));
    if (!d->in || !d->out) return cli_error(name, EXIT_INPUT, "not enough memory for a frame of %zu bytes", out * sizeof(float));
    for (uint32_t t = 0; t < d->latent.frames; t++) { /* before anything is written */
        latent_frame(&d->latent, t, d->in);
        for (size_t i = 0; i < in; i++)
            if (!isfinite(d->in[i]))
                return cli_error(name, EXIT_INPUT, "%s: latent frame %u has %g; expected finite numbers", path, t, (double)d->in[i]);
    }
    const uint64_t frames = tsr_decoder_frames(d->decoder, d->latent.frames);
    for (int i = 0; i < d->output_count; i++) {
        const sink_desc desc = {.path = d->outputs[i],
                                .width = d->latent.width * d->info.space_scale,
                                .height = d->latent.height * d->info.space_scale,
                                .frames = (uint32_t)frames,
                                .fps = d->fps};
        char error[256];
        d->sinks[i] = sink_open(&desc, error, sizeof(error));
        if (!d->sinks[i]) return cli_error(name, EXIT_INPUT, "output '%s': %s", d->outputs[i], error);
    }
    return -1;
}

static int run(decode *d)
{
    const double start = cli_now();
    for (uint32_t t = 0; t < d->latent.frames; t++) {
        if (cli_interrupted()) return cli_error(name, EXIT_INTERRUPTED, "interrupted; nothing was written");
        latent_frame(&d->latent, t, d->in);
        tsr_status s = tsr_decoder_push(d->decoder, d->in);
        if (s != TSR_OK) return cli_fail(name, s);
        for (int got = 1; got;) {
            if ((s = tsr_decoder_pull(d->decoder, d->out, &got)) != TSR_OK) return cli_fail(name, s);
            if (got && d->first_frame == 0) d->first_frame = cli_now() - start;
            for (int i = 0; got && i < d->output_count; i++)
                if (!d->sinks[i]->write(d->sinks[i], d->out))
                    return cli_error(name, EXIT_FAILED, "output '%s': %s", d->outputs[i], d->sinks[i]->error);
        }
        cli_progress("decode", (double)(t + 1) / d->latent.frames);
    }
    d->seconds = cli_now() - start;
    cli_progress_end();
    return -1;
}

static int close_sinks(decode *d, bool whole)
{
    int code = -1;
    for (int i = 0; i < d->output_count; i++) {
        if (!d->sinks[i]) continue;
        if (!d->sinks[i]->close(d->sinks[i], whole) && whole)
            code = cli_error(name, EXIT_FAILED, "output '%s': %s", d->outputs[i], d->sinks[i]->error);
        free(d->sinks[i]->temporary);
        free(d->sinks[i]);
        d->sinks[i] = NULL;
    }
    return code;
}

static void report(const decode *d)
{
    tsr_decoder_info info;
    tsr_decoder_get_info(d->decoder, &info);
    const uint32_t frames = (uint32_t)tsr_decoder_frames(d->decoder, d->latent.frames);
    const double flops = 0.0;
    if (d->json) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "device", tsr_device_info_of(d->device.dev)->id);
        cJSON_AddStringToObject(o, "family", info.family);
        cJSON_AddNumberToObject(o, "frames", frames);
        cJSON_AddNumberToObject(o, "width", d->latent.width * info.space_scale);
        cJSON_AddNumberToObject(o, "height", d->latent.height * info.space_scale);
        cJSON_AddNumberToObject(o, "seconds", d->seconds);
        cJSON_AddNumberToObject(o, "first_frame_seconds", d->first_frame);
        cJSON_AddNumberToObject(o, "gflops_per_second", flops / d->seconds / 1e9);
        cJSON_AddNumberToObject(o, "device_bytes", (double)info.memory);
        char *text = cJSON_Print(o);
        puts(text ? text : "{}");
        cJSON_free(text);
        cJSON_Delete(o);
    } else if (!d->device.quiet) {
        fprintf(stderr, "%u frames of %ux%u in %.2f s (%.1f frames/s, %.1f GFLOP/s), %.0f MiB on the device:", frames,
                d->latent.width * info.space_scale, d->latent.height * info.space_scale, d->seconds, frames / d->seconds, flops / d->seconds / 1e9,
                (double)info.memory / (1 << 20));
        for (int i = 0; i < d->output_count; i++) fprintf(stderr, " %s", d->outputs[i]);
        fputc('\n', stderr);
    }
}

static int decode_file(decode *d, const char *path)
{
    int code = check_options(d, path);
    if (code >= 0) return code;
    cli_catch();
    code = open_all(d, path);
    if (code < 0) code = run(d);
    const int closed = close_sinks(d, code < 0);
    if (code < 0) code = closed;
    if (code >= 0) return code;
    report(d);
    return EXIT_DONE;
}

int cmd_decode(int argc, const char **argv)
{
    decode d = {.fps = 16};
    struct poptOption options[] = {{"model", 'm', POPT_ARG_STRING, &d.model, 0, "the decoder's weights", "W.safetensors"},
                                   {"output", 'o', POPT_ARG_ARGV, &d.outputs, 0,
                                    "frames: .y4m (4:4:4, BT.601), .mp4 (needs ffmpeg), .safetensors (fp32), .png (contact sheet) or a .png with %d "
                                    "or %04d (numbered frames); may be given several times",
                                    "OUT"},
                                   {"layout", 0, POPT_ARG_STRING, &d.layout, 0, "axes of the latent: cthw (default) or tchw", "ORDER"},
                                   {"fps", 0, POPT_ARG_INT, &d.fps, 0, "frames per second of a video; default 16", "N"},
                                   {"json", 0, POPT_ARG_NONE, &d.json, 0, "print a report as JSON", NULL},
                                   CLI_DEVICE_OPTIONS(d.device),
                                   POPT_AUTOHELP POPT_TABLEEND};
    poptContext parse;
    const char **rest;
    int code = cli_parse(name, "decode --model W.safetensors LATENT.safetensors -o OUT", argc, argv, options, &parse, &rest);
    if (code >= 0) return code;
    if (!rest[0] || rest[1] || !d.model || !d.outputs)
        code = cli_error(name, EXIT_INPUT, "expected --model W.safetensors, one latent file and -o OUT; see tessera decode --help");
    else
        code = decode_file(&d, rest[0]);
    tsr_decoder_destroy(d.decoder);
    cli_close(&d.device);
    tsr_tensors_close(d.weights);
    latent_close(&d.latent);
    free(d.in);
    free(d.out);
    for (int i = 0; d.outputs && d.outputs[i]; i++) free(d.outputs[i]);
    free(d.outputs);
    free(d.model);
    free(d.layout);
    free(d.device.selector);
    free(d.device.budget);
    poptFreeContext(parse);
    return code;
}
