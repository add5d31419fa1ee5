/* A video latent from a file, frame by frame. */
#ifndef LATENT_H
#define LATENT_H

#include "cli.h"

typedef struct latent {
    tsr_tensors *file;
    tsr_tensor_view view;
    uint32_t channels, frames, height, width;
    int64_t stride_c, stride_t; /* elements */
} latent;

/* Finds the latent (named latent or latent_tensor, or the file's only tensor) and reads its axes:
 * [1,C,T,h,w] or [C,T,h,w]; with tchw, [1,T,C,h,w] or [T,C,h,w]. -1: done; else the exit code. */
int latent_open(const char *command, const char *path, bool tchw, latent *out);
void latent_close(latent *l);

/* Frame t as fp32 [C,h,w]. */
void latent_frame(const latent *l, uint32_t t, float *out);

#endif
