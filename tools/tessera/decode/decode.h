/* What the parts of tessera decode share. */
#ifndef DECODE_H
#define DECODE_H

#include "decode/latent.h"
#include "decode/sink.h"

#define DECODE_NAME "decode"

enum { DECODE_OUTPUTS = 8 };

/* Options of the coder, as decode and encode have them. */
typedef struct coder_options {
    char *model, *family, *variant, *precision, *memory_limit, *tiling;
    int tile, tile_stride;
} coder_options;

#define CODER_OPTIONS(o)                                                                                                                             \
    {"model", 'm', POPT_ARG_STRING, &(o).model, 0, "the weights: .safetensors, .pt or .pth", "W"},                                                   \
        {"family", 0, POPT_ARG_STRING, &(o).family, 0, "the weights' family, where the file fits several", "NAME"},                                  \
        {"variant", 0, POPT_ARG_STRING, &(o).variant, 0, "what weights do not tell, as sdxl or cogvideox-5b", "NAME"},                               \
        {"precision", 0, POPT_ARG_STRING, &(o).precision, 0, "auto (fp32 on CPUs, fp16 on GPUs), fp32 or fp16", "P"},                                \
        {"memory-limit", 0, POPT_ARG_STRING, &(o).memory_limit, 0, "device memory of weights, features and all, as 800M or 3G", "SIZE"},             \
        {"tiling", 0, POPT_ARG_STRING, &(o).tiling, 0, "how frames are cut within the limit: exact (default), or blended as diffusers does", "HOW"}, \
        {"tile", 0, POPT_ARG_INT, &(o).tile, CLI_FROM_1, "blended: rows and columns of a tile, in latents", "N"},                                    \
    {                                                                                                                                                \
        "tile-stride", 0, POPT_ARG_INT, &(o).tile_stride, CLI_FROM_1, "blended: from one tile to the next, in latents", "N"                          \
    }

typedef struct decode {
    cli_device device;
    coder_options coder;
    latent_options input;
    char *pipe_format, *size;
    char **outputs; /* NULL-terminated */
    int fps, crf, chroma, json, allow_nan, plan, explain, output_count;
    latent latent;
    tsr_tensors *weights;
    tsr_decoder *decoder;
    tsr_decoder_info info;
    tsr_clip clip;
    sink *sinks[DECODE_OUTPUTS];
    float *in, *out;
    long long seed;
    uint64_t latents_done, frames_done;
    double started, first_frame, seconds;
} decode;

/* coder.c: weights, device and decoder (or encoder). -1: done; else the exit code. */
int coder_open(const char *command, const coder_options *o, const tsr_decoder_desc *more, cli_device *device, tsr_tensors **weights,
               tsr_decoder **out);
/* The options that a clip has. */
int coder_clip(const char *command, const coder_options *o, tsr_clip *clip);
void coder_free(coder_options *o);
/* Of all layers, for a clip. */
double coder_flops(const tsr_decoder *decoder, const tsr_clip *clip);

/* decode_outputs.c */
int decode_check_outputs(decode *d, const char *in);
int decode_open_sinks(decode *d);
/* Takes one frame; an output whose reader went away is left out from then on. */
int decode_write(decode *d);
int decode_close_sinks(decode *d, sink_end end);

/* decode_run.c */
int decode_latents(decode *d);

/* decode_report.c: after a run; and in place of one. */
void decode_report(const decode *d);
int decode_show_plan(decode *d);
int decode_show_layers(decode *d);

#endif
