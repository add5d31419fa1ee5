/* A fixture's clip, decoded in one of several ways. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden/golden.h"

typedef struct taker {
    tsr_decoder *dec;
    float *result, *frame; /* all of them, and one to take into */
    int64_t room, size, frames;
} taker;

/* Takes all that are ready; those beyond the expected ones are counted. */
static tsr_status take(taker *t)
{
    for (int got = 1; got;) {
        for (int64_t i = 0; i < t->size; i++) t->frame[i] = NAN;
        const tsr_status status = tsr_decoder_pull(t->dec, t->frame, &got);
        if (status != TSR_OK) return status;
        if (got && t->frames < t->room) memcpy(t->result + t->frames * t->size, t->frame, (size_t)t->size * sizeof(float));
        t->frames += got;
    }
    return TSR_OK;
}

static tsr_status start(tsr_decoder *dec, tsr_clip *clip, const golden_mode *mode)
{
    const uint64_t latents = clip->latents;
    if (!mode->streamed) return tsr_decoder_start(dec, clip);
    clip->latents = 0;
    tsr_status status = tsr_decoder_start(dec, clip);
    if (status != TSR_ERROR_ARGUMENT) return status;
    clip->latents = latents; /* the family has to know */
    return tsr_decoder_start(dec, clip);
}

/* Begins a clip with its last frame and drops it with frames waiting. */
static tsr_status leave_traces(tsr_decoder *dec, const tsr_clip *clip, const float *latent)
{
    const tsr_status status = tsr_decoder_push(dec, latent);
    return status == TSR_OK ? tsr_decoder_start(dec, clip) : status;
}

tsr_status golden_run(tsr_decoder *dec, const golden *g, const golden_clip *clip, const golden_mode *mode, float *result, int64_t *frames)
{
    const int64_t plane = clip->shape[1] * clip->shape[2] * clip->shape[3], n = clip->shape[0] * plane;
    const int64_t size = clip->result[1] * clip->result[2] * clip->result[3];
    taker t = {dec, result, malloc((size_t)size * sizeof(float)), clip->result[0], size, 0};
    float *latents = malloc((size_t)n * sizeof(float));
    for (int64_t i = 0; i < size * clip->result[0]; i++) result[i] = NAN;
    tsr_clip desc = {.height = (uint32_t)clip->shape[2],
                     .width = (uint32_t)clip->shape[3],
                     .latents = (uint64_t)clip->shape[0],
                     .stripe_rows = mode->stripe_rows,
                     .host_caches = mode->host_caches,
                     .tiling = clip->tile ? TSR_TILING_BLENDED : TSR_TILING_EXACT,
                     .tile = (uint32_t)clip->tile,
                     .tile_stride = (uint32_t)clip->tile_stride};
    tsr_status status = t.frame && latents ? start(dec, &desc, mode) : TSR_ERROR_HOST_MEMORY;
    if (status == TSR_OK) golden_draw(clip->draw, g->seed, clip->scale, clip->shift, 0, (uint64_t)n, latents);
    if (status == TSR_OK && mode->streamed) status = leave_traces(dec, &desc, latents + n - plane);
    for (int64_t i = 0; i < clip->shape[0] && status == TSR_OK; i++) {
        if (mode->streamed) status = take(&t);
        if (status == TSR_OK) status = tsr_decoder_push(dec, latents + i * plane);
        if (status == TSR_OK && !mode->streamed) status = take(&t);
    }
    if (status == TSR_OK) status = take(&t);
    if (status == TSR_OK) status = tsr_decoder_finish(dec);
    if (status == TSR_OK) status = take(&t);
    free(t.frame);
    free(latents);
    *frames = t.frames;
    return status;
}
