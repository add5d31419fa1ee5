/* Frames from files, one after another: numbered or single PNG, YUV4MPEG2, or a tensor [T,3,H,W]. */
#ifndef FRAMES_H
#define FRAMES_H

#include <stdio.h>

#include "cli.h"

typedef struct frames {
    const char *path;
    uint32_t width, height;
    uint64_t count, next; /* count 0: not known */
    int (*read)(const char *command, struct frames *f, float *out, int *got);
    FILE *file;
    tsr_tensors *tensors;
    tsr_tensor_view view;
    bool full, centred, numbered; /* full range; chroma between the pixels of a pair; a series of files */
    int chroma, first;
    unsigned char *bytes; /* of one frame */
} frames;

/* -1: done; else the exit code. path "-": YUV4MPEG2 on standard input. */
int frames_open(const char *command, const char *path, frames *out);
/* The next one, fp32 [3,H,W] in [0,1]. *got 0: there is none. */
static inline int frames_read(const char *command, frames *f, float *out, int *got) { return f->read(command, f, out, got); }
void frames_close(frames *f);

int frames_open_y4m(const char *command, frames *f);
int frames_open_png(const char *command, frames *f);

#endif
