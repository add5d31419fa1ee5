/* What tessera decode tells: a report after a run; the plan and the layers in place of one. As text, or as JSON. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "decode/decode.h"

static void print(cJSON *o)
{
    char *text = cJSON_Print(o);
    puts(text ? text : "{}");
    cJSON_free(text);
    cJSON_Delete(o);
}

static const char *space_name(const decode *d) { return d->latent.space == TSR_LATENTS_RAW ? "raw" : "normalized"; }

static cJSON *begin(const decode *d)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "device", tsr_device_info_of(d->device.dev)->id);
    cJSON_AddStringToObject(o, "family", d->info.family);
    cJSON_AddStringToObject(o, "variant", d->info.variant);
    cJSON_AddStringToObject(o, "precision", d->info.precision == TSR_PRECISION_F16 ? "fp16" : "fp32");
    cJSON_AddStringToObject(o, "latents_kind", d->latent.kind);
    cJSON_AddStringToObject(o, "latents_space", space_name(d));
    cJSON_AddStringToObject(o, "layout", d->latent.layout);
    cJSON_AddNumberToObject(o, "width", (double)d->latent.width * d->info.space_scale);
    cJSON_AddNumberToObject(o, "height", (double)d->latent.height * d->info.space_scale);
    return o;
}

void decode_report(const decode *d)
{
    tsr_decoder_info info;
    tsr_decoder_get_info(d->decoder, &info);
    tsr_clip clip = d->clip;
    clip.latents = d->latents_done;
    const double frames = (double)d->frames_done, rate = d->seconds > 0 ? coder_flops(d->decoder, &clip) / d->seconds / 1e9 : 0;
    if (d->json) {
        cJSON *o = begin(d);
        cJSON_AddNumberToObject(o, "frames", frames);
        cJSON_AddNumberToObject(o, "seconds", d->seconds);
        cJSON_AddNumberToObject(o, "first_frame_seconds", d->first_frame);
        cJSON_AddNumberToObject(o, "gflops_per_second", rate);
        cJSON_AddNumberToObject(o, "device_bytes", (double)info.memory);
        cJSON_AddNumberToObject(o, "host_bytes", (double)info.host_memory);
        cJSON_AddNumberToObject(o, "layers_in_f32", info.layers_in_f32);
        print(o);
    } else if (!d->device.quiet) {
        fprintf(stderr, "%s, %s latents (%s, %s)\n", info.family, space_name(d), d->latent.kind, d->latent.layout);
        fprintf(stderr, "%.0f frames of %ux%u in %.2f s (%.1f frames/s, %.1f GFLOP/s), %.0f MiB on the device", frames,
                d->latent.width * info.space_scale, d->latent.height * info.space_scale, d->seconds, d->seconds > 0 ? frames / d->seconds : 0, rate,
                (double)info.memory / (1 << 20));
        if (info.host_memory) fprintf(stderr, ", %.0f MiB in host memory", (double)info.host_memory / (1 << 20));
        if (info.layers_in_f32) fprintf(stderr, ", %u layers beyond fp16 kept in fp32", info.layers_in_f32);
        fputc(':', stderr);
        for (int i = 0; i < d->output_count; i++) fprintf(stderr, " %s", d->outputs[i]);
        fputc('\n', stderr);
    }
}

int decode_show_plan(decode *d)
{
    tsr_decoder_plan p;
    const tsr_status s = tsr_decoder_plan_clip(d->decoder, &d->clip, &p);
    if (s != TSR_OK) return cli_fail(DECODE_NAME, s);
    const struct {
        const char *key, *text;
        uint64_t bytes;
    } rows[] = {{"device_bytes", "device", p.device_bytes},
                {"weight_bytes", "  weights", p.weight_bytes},
                {"feature_bytes", "  features", p.feature_bytes},
                {"workspace_bytes", "  workspace", p.workspace_bytes},
                {"host_bytes", "host", p.host_bytes},
                {"largest_buffer", "largest buffer", p.largest_buffer}};
    const uint64_t frames = d->clip.latents ? tsr_decoder_frames(d->decoder, d->clip.latents) : 0;
    if (d->json) {
        cJSON *o = begin(d);
        cJSON_AddNumberToObject(o, "latents", (double)d->clip.latents);
        cJSON_AddNumberToObject(o, "frames", (double)frames);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) cJSON_AddNumberToObject(o, rows[i].key, (double)rows[i].bytes);
        cJSON_AddNumberToObject(o, "stripe_rows", p.stripe_rows);
        cJSON_AddNumberToObject(o, "hosted", p.hosted);
        cJSON_AddNumberToObject(o, "tiles", p.tiles);
        cJSON_AddNumberToObject(o, "flops", p.flops);
        print(o);
        return EXIT_DONE;
    }
    printf("%s (%s), %ux%u, ", d->info.family, d->info.variant, d->latent.width * d->info.space_scale, d->latent.height * d->info.space_scale);
    if (frames)
        printf("%" PRIu64 " latents, %" PRIu64 " frames, %.2f TFLOP\n", d->clip.latents, frames, p.flops / 1e12);
    else
        printf("a stream, %.2f TFLOP for 100 latents\n", p.flops / 1e12);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) printf("%-16s %10.1f MiB\n", rows[i].text, (double)rows[i].bytes / (1 << 20));
    printf("%-16s %10u of %u rows of latents\n", "stripes", p.stripe_rows, d->clip.height);
    if (p.hosted) printf("%-16s %10u features wait in host memory\n", "hosted", p.hosted);
    if (p.tiles > 1) printf("%-16s %10u, blended\n", "tiles", p.tiles);
    return EXIT_DONE;
}

enum { MAX_NOTES = 26 };

/* The letter of a note, which is a new one if it was not there; ' ': none, or too many. */
static char note_of(char notes[MAX_NOTES][sizeof(((tsr_decoder_layer *)0)->why)], const char *why)
{
    int i = 0;
    while (i < MAX_NOTES && notes[i][0] && strcmp(notes[i], why) != 0) i++;
    if (!why[0] || i == MAX_NOTES) return ' ';
    snprintf(notes[i], sizeof(notes[i]), "%s", why);
    return (char)('a' + i);
}

int decode_show_layers(decode *d)
{
    char notes[MAX_NOTES][sizeof(((tsr_decoder_layer *)0)->why)] = {{0}};
    tsr_clip clip = d->clip;
    tsr_decoder_layer layer;
    double total = 0;
    if (clip.latents == 0) clip.latents = 100;
    cJSON *o = d->json ? begin(d) : NULL, *rows = o ? cJSON_AddArrayToObject(o, "layers") : NULL;
    if (!o) printf("%-40s %-38s   %22s %12s\n", "layer", "operation", "frames x height x width", "GFLOP");
    for (uint32_t i = 0; i < d->info.layers; i++) {
        const tsr_status s = tsr_decoder_get_layer(d->decoder, i, &clip, &layer);
        if (s != TSR_OK) {
            cJSON_Delete(o);
            return cli_fail(DECODE_NAME, s);
        }
        total += layer.flops;
        if (o) {
            cJSON *row = cJSON_CreateObject();
            cJSON_AddStringToObject(row, "name", layer.name);
            cJSON_AddStringToObject(row, "operation", layer.text);
            cJSON_AddNumberToObject(row, "frames", (double)layer.frames);
            cJSON_AddNumberToObject(row, "height", (double)layer.height);
            cJSON_AddNumberToObject(row, "width", (double)layer.width);
            cJSON_AddNumberToObject(row, "flops", layer.flops);
            if (layer.why[0]) cJSON_AddStringToObject(row, "why", layer.why);
            cJSON_AddItemToArray(rows, row);
        } else {
            char shape[64];
            snprintf(shape, sizeof(shape), "%" PRIu64 " x %" PRIu64 " x %" PRIu64, layer.frames, layer.height, layer.width);
            printf("%-40s %-38s %c %22s %12.3f\n", layer.name, layer.text, note_of(notes, layer.why), shape, layer.flops / 1e9);
        }
    }
    if (!o) {
        printf("%u layers, %.1f million parameters, %" PRIu64 " latents of %ux%u: %.2f TFLOP\n", d->info.layers, (double)d->info.parameters / 1e6,
               clip.latents, clip.height, clip.width, total / 1e12);
        for (int i = 0; i < MAX_NOTES && notes[i][0]; i++) printf("%c: %s\n", 'a' + i, notes[i]);
        return EXIT_DONE;
    }
    cJSON_AddNumberToObject(o, "flops", total);
    print(o);
    return EXIT_DONE;
}
