/* Tiles of a clip decoded apart and cross-faded, as diffusers does it. */
#ifndef TSR_BLEND_H
#define TSR_BLEND_H

#include "execute.h"

typedef struct tsr_blend {
    int32_t tile, stride;  /* latent rows and columns */
    int32_t height, width; /* of the latent */
    int32_t scale;         /* pixels for each of them */
    int32_t unit;          /* pixels that are mixed in one proportion */
    int32_t channels, latent_channels;
    float *latents; /* [pushed][height][width][latent_channels] */
    int64_t pushed, capacity;
    float *frames; /* [made][H][W][channels], blended */
    int64_t made, taken;
} tsr_blend;

tsr_status tsr_blend_push(tsr_blend *b, const float *latent);
/* Decodes all tiles; each is a clip of its own, on an exec that make gives for its size and takes back. */
typedef struct tsr_blend_clips {
    tsr_status (*open)(void *user, int32_t height, int32_t width, tsr_exec **out);
    void (*close)(void *user, tsr_exec *ex);
    void *user;
} tsr_blend_clips;

tsr_status tsr_blend_run(tsr_blend *b, const tsr_blend_clips *clips);
void tsr_blend_free(tsr_blend *b);

#endif
