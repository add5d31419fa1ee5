/* tessera decode: latents to frames. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/decode.h"

/* A latent's size in place of one, where nothing is decoded. */
static int take_size(decode *d)
{
    int64_t size[3];
    if (latent_numbers(d->size, size, 3) != 3 || size[0] > UINT32_MAX || size[1] > 1 << 20 || size[2] > 1 << 20)
        return cli_error(DECODE_NAME, EXIT_INPUT, "argument --size is '%s'; expected T,h,w in latents", d->size);
    d->latent = (latent){.stream = -1, .frames = (uint64_t)size[0], .height = (uint32_t)size[1], .width = (uint32_t)size[2]};
    snprintf(d->latent.kind, sizeof(d->latent.kind), "none");
    return -1;
}

static int open_all(decode *d, const char *path)
{
    int code = path ? latent_open(DECODE_NAME, path, &d->input, &d->latent) : take_size(d);
    if (code >= 0) return code;
    const tsr_decoder_desc desc = {.latents = d->latent.space, .noise_seed = (uint64_t)d->seed};
    code = coder_open(DECODE_NAME, &d->coder, &desc, &d->device, &d->weights, &d->decoder);
    if (code >= 0) return code;
    tsr_decoder_get_info(d->decoder, &d->info);
    if (path && (code = latent_arrange(DECODE_NAME, &d->latent, &d->input, d->info.latent_channels)) >= 0) return code;
    if (d->fps == 0) d->fps = d->info.fps ? (int)d->info.fps : 16;
    if ((uint64_t)d->latent.height * d->info.space_scale > INT32_MAX || (uint64_t)d->latent.width * d->info.space_scale > INT32_MAX)
        return cli_error(DECODE_NAME, EXIT_INPUT, "%s: %ux%u latents make frames too large", d->latent.path, d->latent.width, d->latent.height);
    d->clip.height = d->latent.height;
    d->clip.width = d->latent.width;
    d->clip.latents = d->latent.frames;
    d->clip.allow_nan = (uint32_t)d->allow_nan;
    if (d->latent.frames && tsr_decoder_frames(d->decoder, d->latent.frames) == 0)
        return cli_error(DECODE_NAME, EXIT_INPUT, "%llu latents make no frame with %s", (unsigned long long)d->latent.frames, d->info.family);
    return -1;
}

/* All that can be refused is refused here, before the decoder allocates and an output is replaced. */
static int prepare(decode *d)
{
    const size_t in = (size_t)d->latent.channels * d->latent.height * d->latent.width;
    const size_t pixels = (size_t)d->latent.height * d->info.space_scale * d->latent.width * d->info.space_scale;
    const size_t channels = d->info.frame_channels > 3 ? d->info.frame_channels : 3;
    d->in = malloc(in * sizeof(float));
    d->out = pixels < SIZE_MAX / 64 ? malloc(channels * pixels * sizeof(float)) : NULL;
    if (!d->in || !d->out) return cli_error(DECODE_NAME, EXIT_INPUT, "not enough memory for a frame of %zu pixels", pixels);
    int code = d->allow_nan ? -1 : latent_check_finite(DECODE_NAME, &d->latent, d->in);
    if (code >= 0 || (code = decode_open_sinks(d)) >= 0) return code;
    const tsr_status s = tsr_decoder_start(d->decoder, &d->clip);
    return s == TSR_OK ? -1 : cli_fail(DECODE_NAME, s);
}

static int decode_file(decode *d, const char *path)
{
    int code = coder_clip(DECODE_NAME, &d->coder, &d->clip);
    if (code >= 0 || (code = decode_check_outputs(d, path ? path : "")) >= 0) return code;
    cli_catch();
    if ((code = open_all(d, path)) >= 0) return code;
    cli_cancels(&d->device);
    if (d->explain) return decode_show_layers(d);
    if (d->plan) return decode_show_plan(d);
    if ((code = prepare(d)) >= 0) {
        decode_close_sinks(d, SINK_NOTHING);
        return code;
    }
    if ((code = decode_latents(d)) >= 0 && code != EXIT_DONE) return code;
    decode_report(d);
    return EXIT_DONE;
}

static void release(decode *d)
{
    tsr_decoder_destroy(d->decoder);
    cli_close(&d->device);
    tsr_tensors_close(d->weights);
    latent_close(&d->latent);
    coder_free(&d->coder);
    for (int i = 0; d->outputs && d->outputs[i]; i++) free(d->outputs[i]);
    free(d->outputs);
    char *const owned[] = {d->input.layout, d->input.space, d->input.grid,      d->input.tensor,  d->input.raw_shape,  d->input.raw_dtype,
                           d->pipe_format,  d->size,        d->device.selector, d->device.budget, d->device.submission};
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) free(owned[i]);
    free(d->in);
    free(d->out);
}

int cmd_decode(int argc, const char **argv)
{
    decode d = {.crf = 10, .latent = {.stream = -1}};
    struct poptOption options[] = {
        CODER_OPTIONS(d.coder),
        {"output", 'o', POPT_ARG_ARGV, &d.outputs, 0,
         "frames: .mp4, .webm, .mkv, .y4m, .rgb (bytes), .safetensors (fp32), .png (contact sheet) or a .png with %d or %04d (numbered frames), or - "
         "for standard output; may be given several times",
         "OUT"},
        LATENT_OPTIONS(d.input),
        {"allow-nan", 0, POPT_ARG_NONE, &d.allow_nan, 0, "decode latents with NaN or infinity", NULL},
        {"pipe-format", 0, POPT_ARG_STRING, &d.pipe_format, 0, "of pipes: y4m (default) or rgb24", "FORMAT"},
        {"fps", 0, POPT_ARG_INT, &d.fps, CLI_FROM_1, "frames per second of a video; default: the family's", "N"},
        {"crf", 0, POPT_ARG_INT, &d.crf, 0, "quality of .mp4, .webm and .mkv: 0 (lossless) to 51; default 10", "N"},
        {"chroma", 0, POPT_ARG_INT, &d.chroma, 0, "444 (default of .y4m and pipes) or 420 (of the others)", "N"},
        {"seed", 0, POPT_ARG_LONGLONG, &d.seed, 0, "of the noise that some decoders add; default 0", "N"},
        {"plan", 0, POPT_ARG_NONE, &d.plan, 0, "print what would be allocated, and decode nothing", NULL},
        {"explain", 0, POPT_ARG_NONE, &d.explain, 0, "print the layers and their work, and decode nothing", NULL},
        {"size", 0, POPT_ARG_STRING, &d.size, 0, "with --plan and --explain, a latent's size in place of one", "T,h,w"},
        {"json", 0, POPT_ARG_NONE, &d.json, 0, "print the report, the plan or the layers as JSON", NULL},
        CLI_DEVICE_OPTIONS(d.device),
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext parse;
    const char **rest;
    int code = cli_parse(DECODE_NAME, "decode --model W LATENT -o OUT", argc, argv, options, &parse, &rest);
    if (code >= 0) return code;
    const bool shows = d.plan || d.explain;
    if (!d.coder.model || (!shows && (!rest[0] || !d.outputs || d.size)) || (shows && !rest[0] == !d.size) || (rest[0] && rest[1]))
        code = cli_error(DECODE_NAME, EXIT_INPUT,
                         "expected --model W, one latent (or --size with --plan and --explain) and -o OUT; see tessera decode --help");
    else
        code = decode_file(&d, rest[0]);
    release(&d);
    poptFreeContext(parse);
    return code;
}
