/* The outputs of tessera decode: checked before the work starts, written frame by frame, and what stays of them when it fails. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "decode/decode.h"

int decode_check_outputs(decode *d, const char *in)
{
    for (; d->outputs && d->outputs[d->output_count]; d->output_count++) {
        const char *path = d->outputs[d->output_count];
        if (d->output_count == DECODE_OUTPUTS) return cli_error(DECODE_NAME, EXIT_INPUT, "more than %d outputs", DECODE_OUTPUTS);
        if (!sink_known(path))
            return cli_error(DECODE_NAME, EXIT_INPUT,
                             "output '%s' has an unknown ending; expected .mp4, .webm, .mkv, .y4m, .rgb, .png, .safetensors, or - for a pipe", path);
        if (cli_same_file(path, in) || cli_same_file(path, d->coder.model))
            return cli_error(DECODE_NAME, EXIT_INPUT, "output '%s' is an input; expected another file", path);
        for (int i = 0; i < d->output_count; i++)
            if (strcmp(path, d->outputs[i]) == 0) return cli_error(DECODE_NAME, EXIT_INPUT, "output '%s' is given twice", path);
        if (strcmp(path, "-") == 0 && d->json) return cli_error(DECODE_NAME, EXIT_INPUT, "--json and -o - would both write to standard output");
        if (!sink_direct(path) && !cli_can_write(DECODE_NAME, path, NULL)) return EXIT_INPUT;
    }
    if (d->fps > 1000) return cli_error(DECODE_NAME, EXIT_INPUT, "argument --fps is %d; expected 1 to 1000", d->fps);
    if (d->crf < 0 || d->crf > 51) return cli_error(DECODE_NAME, EXIT_INPUT, "argument --crf is %d; expected 0 to 51", d->crf);
    if (d->chroma != 0 && d->chroma != 420 && d->chroma != 444)
        return cli_error(DECODE_NAME, EXIT_INPUT, "argument --chroma is %d; expected 420 or 444", d->chroma);
    if (d->pipe_format && strcmp(d->pipe_format, "y4m") != 0 && strcmp(d->pipe_format, "rgb24") != 0)
        return cli_error(DECODE_NAME, EXIT_INPUT, "argument --pipe-format is '%s'; expected y4m or rgb24", d->pipe_format);
    return -1;
}

int decode_open_sinks(decode *d)
{
    for (int i = 0; i < d->output_count; i++) {
        const sink_desc desc = {.path = d->outputs[i],
                                .width = d->latent.width * d->info.space_scale,
                                .height = d->latent.height * d->info.space_scale,
                                .frames = d->latent.frames ? tsr_decoder_frames(d->decoder, d->latent.frames) : 0,
                                .fps = d->fps,
                                .crf = d->crf,
                                .chroma = d->chroma,
                                .rgb24 = d->pipe_format && strcmp(d->pipe_format, "rgb24") == 0};
        char error[256];
        d->sinks[i] = sink_open(&desc, error, sizeof(error));
        if (!d->sinks[i]) return cli_error(DECODE_NAME, EXIT_INPUT, "output '%s': %s", d->outputs[i], error);
    }
    return -1;
}

int decode_write(decode *d)
{
    int open = 0;
    for (int i = 0; i < d->output_count; i++) {
        sink *s = d->sinks[i];
        if (!s) continue;
        if (!s->write(s, d->out)) {
            if (cli_interrupted()) return -1;
            if (!s->closed) return cli_error(DECODE_NAME, EXIT_FAILED, "output '%s': %s", d->outputs[i], s->error);
            if (!d->device.quiet) fprintf(stderr, "output '%s': %s after %" PRIu64 " frames\n", d->outputs[i], s->error, d->frames_done);
            sink_close(s, SINK_WHOLE);
            sink_free(s);
            d->sinks[i] = NULL;
        } else
            open++;
    }
    d->frames_done += open > 0;
    return open ? -1 : EXIT_DONE;
}

int decode_close_sinks(decode *d, sink_end end)
{
    int code = -1;
    for (int i = 0; i < d->output_count; i++) {
        sink *s = d->sinks[i];
        if (!s) continue;
        if (!sink_close(s, end) && end == SINK_WHOLE)
            code = cli_error(DECODE_NAME, EXIT_FAILED, "output '%s': %s", d->outputs[i], s->error[0] ? s->error : "cannot be written");
        if (s->kept) fprintf(stderr, "tessera decode: the frames written until then play as '%s'\n", s->kept);
        sink_free(s);
        d->sinks[i] = NULL;
    }
    return code;
}
