/* Latents from a file or a stream, frame by frame. */
#ifndef LATENT_H
#define LATENT_H

#include "cli.h"
#include "tessera/tessera_decode.h"

/* What the user says where a file does not. All may be NULL or 0. */
typedef struct latent_options {
    char *layout;    /* a letter for each axis: c, t, h, w, b (clips) and n (t, h and w in one) */
    char *space;     /* "normalized" or "raw" */
    char *grid;      /* T,h,w of n */
    char *tensor;    /* its name */
    char *raw_shape; /* of bare numbers: C,h,w of each frame of a stream, or all axes */
    char *raw_dtype;
    int clip; /* of several, from 1 */
} latent_options;

#define LATENT_OPTIONS(o)                                                                                                                            \
    {"latents-space", 0, POPT_ARG_STRING, &(o).space, 0, "normalized (as the diffusion model has them) or raw; default: what the file is", "SPACE"}, \
        {"layout",                                                                                                                                   \
         0,                                                                                                                                          \
         POPT_ARG_STRING,                                                                                                                            \
         &(o).layout,                                                                                                                                \
         0,                                                                                                                                          \
         "axes of the latent, a letter each: cthw, tchw, .., b of clips, n for t, h and w in one (--grid); default: told by the channels",           \
         "ORDER"},                                                                                                                                   \
        {"grid", 0, POPT_ARG_STRING, &(o).grid, 0, "frames, rows and columns of packed latents", "T,h,w"},                                           \
        {"tensor", 0, POPT_ARG_STRING, &(o).tensor, 0, "the latent's name, where the file has several", "NAME"},                                     \
        {"clip", 0, POPT_ARG_INT, &(o).clip, CLI_FROM_1, "which of several clips, from 1", "N"},                                                     \
        {"raw-shape", 0, POPT_ARG_STRING, &(o).raw_shape, 0, "the input is bare numbers: C,h,w of each frame, to the end; or all axes", "SHAPE"},    \
    {                                                                                                                                                \
        "raw-dtype", 0, POPT_ARG_STRING, &(o).raw_dtype, 0, "of bare numbers: f32 (default), f16, bf16 or f64", "TYPE"                               \
    }

typedef struct latent {
    char path[256]; /* for messages */
    tsr_tensors *file;
    void *map; /* of bare numbers with all axes */
    size_t map_size;
    int stream; /* a descriptor; -1: a file */
    tsr_tensor_view view;
    tsr_latents space;
    const char *known; /* the layout, where what the file is tells it */
    float scale;
    char layout[8], kind[64];
    uint32_t channels, height, width;
    uint64_t frames;                                       /* 0: a stream's, not known */
    int64_t stride_c, stride_t, stride_h, stride_w, first; /* elements */
    uint64_t read;                                         /* frames of a stream so far */
    unsigned char *row;                                    /* a stream's frame */
} latent;

/* Finds the latent, and what is known of it without the decoder. -1: done; else the exit code. */
int latent_open(const char *command, const char *path, const latent_options *o, latent *out);
/* Finds out which axis is which, from the decoder's channels. */
int latent_arrange(const char *command, latent *l, const latent_options *o, uint32_t channels);
void latent_close(latent *l);
/* Frame t as fp32 [C,h,w]; of a stream the next one. *got 0: there is none. */
int latent_frame(const char *command, latent *l, uint64_t t, float *out, int *got);
/* The first frame with a number that is not finite is an error. */
int latent_check_finite(const char *command, latent *l, float *room);

/* latent_stream.c: opens the stream if path is one ("-", a pipe, or bare frames); *is says so. */
int latent_stream_open(const char *command, const char *path, const latent_options *o, latent *l, bool *is);
int latent_stream_next(const char *command, latent *l, float *out, int *got);
/* Whole numbers parted by commas, each at least 1; their count, 0: not that. */
int latent_numbers(const char *text, int64_t *out, int most);
/* --raw-dtype. */
int latent_raw_dtype(const char *command, const latent_options *o, tsr_dtype *out);

#endif
