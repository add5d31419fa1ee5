/* tessera encode: frames to latents. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/decode.h"
#include "decode/frames.h"

static const char *const name = "encode";

typedef struct encode {
    cli_device device;
    coder_options coder;
    char *out, *space;
    int json;
    frames frames;
    tsr_tensors *weights;
    tsr_decoder *encoder;
    tsr_decoder_info info;
    uint32_t height, width; /* of latents */
    float *in, *latents;    /* latents: [T,C,h,w] */
    uint64_t frames_done, latents_done, latents_room;
    double started;
} encode;

static size_t latent_size(const encode *e) { return (size_t)e->info.latent_channels * e->height * e->width; }

/* How many frames nearby would do. */
static int refuse_count(const encode *e)
{
    const uint64_t n = e->frames.count;
    uint64_t below = n, above = n;
    while (below > 0 && tsr_decoder_frames(e->encoder, below) == 0) below--;
    while (above < n + 64 && tsr_decoder_frames(e->encoder, above) == 0) above++;
    return cli_error(name, EXIT_INPUT, "%s has %llu frames; %s encodes %llu or %llu", e->frames.path, (unsigned long long)n, e->info.family,
                     (unsigned long long)below, (unsigned long long)above);
}

static int open_all(encode *e, const char *path)
{
    int code = frames_open(name, path, &e->frames);
    if (code >= 0) return code;
    const bool raw = e->space && strcmp(e->space, "raw") == 0;
    if (e->space && !raw && strcmp(e->space, "normalized") != 0)
        return cli_error(name, EXIT_INPUT, "argument --latents-space is '%s'; expected normalized or raw", e->space);
    tsr_clip clip = {.height = e->frames.height, .width = e->frames.width, .latents = e->frames.count};
    if ((code = coder_clip(name, &e->coder, &clip)) >= 0) return code;
    const tsr_decoder_desc desc = {.encoder = 1, .latents = raw ? TSR_LATENTS_RAW : TSR_LATENTS_NORMALIZED};
    if ((code = coder_open(name, &e->coder, &desc, &e->device, &e->weights, &e->encoder)) >= 0) return code;
    tsr_decoder_get_info(e->encoder, &e->info);
    const uint32_t scale = e->info.space_scale ? e->info.space_scale : 1, size[2] = {e->frames.width, e->frames.height};
    for (int i = 0; i < 2; i++)
        if (size[i] % scale)
            return cli_error(name, EXIT_INPUT, "%s has frames of %ux%u; %s encodes multiples of %u: a %s of %u or %u", path, size[0], size[1],
                             e->info.family, scale, i ? "height" : "width", size[i] / scale * scale, (size[i] / scale + 1) * scale);
    if (e->frames.count && tsr_decoder_frames(e->encoder, e->frames.count) == 0) return refuse_count(e);
    e->height = size[1] / scale;
    e->width = size[0] / scale;
    const size_t pixels = (size_t)size[0] * size[1], channels = e->info.frame_channels > 3 ? e->info.frame_channels : 3;
    e->in = malloc(channels * pixels * sizeof(float));
    if (!e->in) return cli_error(name, EXIT_INPUT, "not enough memory for a frame of %ux%u", size[0], size[1]);
    for (size_t i = 3 * pixels; i < channels * pixels; i++) e->in[i] = 1.0f; /* opaque */
    const tsr_status s = tsr_decoder_start(e->encoder, &clip);
    return s == TSR_OK ? -1 : cli_fail(name, s);
}

static int on_progress(void *user, double share)
{
    const encode *e = user;
    const double done = (double)e->frames_done + share, count = (double)e->frames.count;
    if (!e->device.quiet) cli_progress("encode", count == 0 ? -1 : done < count ? done / count : 1);
    return cli_interrupted();
}

static int pull_latents(encode *e)
{
    const size_t n = latent_size(e);
    for (int got = 1;;) {
        if (e->latents_done == e->latents_room) {
            e->latents_room = e->latents_room ? 2 * e->latents_room : 8;
            float *more = e->latents_room < SIZE_MAX / sizeof(float) / n ? realloc(e->latents, e->latents_room * n * sizeof(float)) : NULL;
            if (!more) return cli_error(name, EXIT_INPUT, "not enough memory for %llu latents", (unsigned long long)e->latents_room);
            e->latents = more;
        }
        const tsr_status s = tsr_decoder_pull(e->encoder, e->latents + e->latents_done * n, &got);
        if (s != TSR_OK) return cli_fail(name, s);
        if (!got) return -1;
        e->latents_done++;
    }
}

static int encode_all(encode *e)
{
    for (int got = 1, code; got;) {
        if ((code = frames_read(name, &e->frames, e->in, &got)) >= 0) return code;
        if (cli_interrupted()) break;
        if (e->latents_done == 0) cli_waits_first(&e->device);
        const tsr_status s = got ? tsr_decoder_push(e->encoder, e->in) : tsr_decoder_finish(e->encoder);
        if (s != TSR_OK && !cli_interrupted()) return cli_fail(name, s);
        e->frames_done += (uint64_t)got;
        if ((code = pull_latents(e)) >= 0) return code;
        cli_waits_end();
    }
    if (cli_interrupted()) return cli_error(name, EXIT_INTERRUPTED, "interrupted; no file was written");
    if (e->frames_done == 0) return cli_error(name, EXIT_INPUT, "%s has no frame", e->frames.path);
    if (e->latents_done == 0) return cli_error(name, EXIT_INPUT, "%llu frames make no latent", (unsigned long long)e->frames_done);
    return -1;
}

/* [1,C,T,h,w] under the name that other tools read: musubi-tuner's, and for raw latents ComfyUI's with its marker. */
static int save(const encode *e)
{
    const bool raw = e->space && strcmp(e->space, "raw") == 0;
    const size_t n = latent_size(e), plane = (size_t)e->height * e->width, t = (size_t)e->latents_done, c = e->info.latent_channels;
    float *turned = malloc(n * t * sizeof(float));
    if (!turned) return cli_error(name, EXIT_INPUT, "not enough memory for %zu latents", t);
    for (size_t i = 0; i < t; i++)
        for (size_t k = 0; k < c; k++) memcpy(turned + (k * t + i) * plane, e->latents + i * n + k * plane, plane * sizeof(float));
    const tsr_tensor_view views[2] = {{.name = raw ? "latent_tensor" : "latent",
                                       .dtype = TSR_F32,
                                       .rank = 5,
                                       .shape = {1, (int64_t)c, (int64_t)t, e->height, e->width},
                                       .data = turned,
                                       .size = n * t * sizeof(float)},
                                      {.name = "latent_format_version_0", .dtype = TSR_F32, .rank = 1, .shape = {0}}};
    const tsr_status s = tsr_tensors_save(e->out, views, raw ? 2 : 1);
    free(turned);
    return s == TSR_OK ? -1 : cli_fail(name, s);
}

static void report(const encode *e)
{
    const double seconds = cli_now() - e->started;
    if (e->json) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "device", tsr_device_info_of(e->device.dev)->id);
        cJSON_AddStringToObject(o, "family", e->info.family);
        cJSON_AddStringToObject(o, "latents_space", e->space ? e->space : "normalized");
        cJSON_AddNumberToObject(o, "frames", (double)e->frames_done);
        cJSON_AddNumberToObject(o, "latents", (double)e->latents_done);
        cJSON_AddNumberToObject(o, "seconds", seconds);
        char *text = cJSON_Print(o);
        puts(text ? text : "{}");
        cJSON_free(text);
        cJSON_Delete(o);
    } else if (!e->device.quiet)
        fprintf(stderr, "%s: %llu frames of %ux%u to %llu latents of %ux%ux%u in %.2f s: %s\n", e->info.family, (unsigned long long)e->frames_done,
                e->frames.width, e->frames.height, (unsigned long long)e->latents_done, e->info.latent_channels, e->height, e->width, seconds,
                e->out);
}

static int encode_file(encode *e, const char *path)
{
    if (cli_same_file(path, e->out) || cli_same_file(e->coder.model, e->out))
        return cli_error(name, EXIT_INPUT, "output '%s' is an input; expected another file", e->out);
    if (!cli_can_write(name, e->out, ".safetensors")) return EXIT_INPUT;
    cli_catch();
    int code = open_all(e, path);
    if (code >= 0) return code;
    cli_cancels(&e->device);
    tsr_decoder_set_progress(e->encoder, on_progress, e);
    e->started = cli_now();
    code = encode_all(e);
    cli_progress_end();
    if (code >= 0 || (code = save(e)) >= 0) return code;
    report(e);
    return EXIT_DONE;
}

int cmd_encode(int argc, const char **argv)
{
    encode e = {.json = 0};
    struct poptOption options[] = {
        CODER_OPTIONS(e.coder),
        {"output", 'o', POPT_ARG_STRING, &e.out, 0, "the latents, fp32 [1,C,T,h,w]", "OUT.safetensors"},
        {"latents-space", 0, POPT_ARG_STRING, &e.space, 0, "normalized (default; as 'latent') or raw (as ComfyUI's files)", "SPACE"},
        {"json", 0, POPT_ARG_NONE, &e.json, 0, "print a report as JSON", NULL},
        CLI_DEVICE_OPTIONS(e.device),
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext parse;
    const char **rest;
    int code = cli_parse(name, "encode --model W FRAMES -o OUT.safetensors  (.png, %04d.png, .y4m, .safetensors, - for y4m)", argc, argv, options,
                         &parse, &rest);
    if (code >= 0) return code;
    if (!e.coder.model || !rest[0] || rest[1] || !e.out)
        code = cli_error(name, EXIT_INPUT, "expected --model W, frames and -o OUT.safetensors; see tessera encode --help");
    else
        code = encode_file(&e, rest[0]);
    tsr_decoder_destroy(e.encoder);
    cli_close(&e.device);
    tsr_tensors_close(e.weights);
    frames_close(&e.frames);
    coder_free(&e.coder);
    char *const owned[] = {e.out, e.space, e.device.selector, e.device.budget, e.device.submission};
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) free(owned[i]);
    free(e.in);
    free(e.latents);
    poptFreeContext(parse);
    return code;
}
