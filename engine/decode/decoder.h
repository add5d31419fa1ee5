/* The object behind tsr_decoder. */
#ifndef TSR_DECODER_H
#define TSR_DECODER_H

#include "blend.h"
#include "execute.h"

struct tsr_decoder {
    tsr_device *dev;
    tsr_net net;
    tsr_latents latents;
    tsr_precision precision;
    uint64_t noise_seed;
    tsr_clip clip; /* zero before the first start */
    tsr_config config;
    tsr_decoder_plan plan;
    tsr_pool *pools; /* of the plan */
    int32_t pool_count;
    tsr_exec *exec;        /* NULL: not started, or blended */
    tsr_blend blend;       /* tile 0: not used */
    float *staging;        /* a pushed or pulled frame, channels innermost */
    float *last;           /* the last pushed one, where clips are filled up with it */
    uint64_t pushed, made; /* of the clip; made: with those that are not shown */
    int64_t in_chunk;
    bool drained, finished, broken;
    int (*progress)(void *user, double share);
    void *progress_user;
};

/* Latent rows and columns of a blended tile, and from one to the next, where the caller names none. */
uint32_t tsr_decoder_tile(const tsr_decoder *dec);
uint32_t tsr_decoder_stride(const tsr_decoder *dec);

/* create.c: pixels for each latent in height and width. */
int32_t tsr_decoder_scale(const tsr_net *net);
/* decoder.c: ends a clip, whatever its state. */
void tsr_decoder_close_clip(tsr_decoder *dec);

/* latents.c: numbers of one frame of a feature. */
uint64_t tsr_frame_numbers(const tsr_decoder *dec, int32_t feature, const tsr_clip *clip);
tsr_status tsr_latent_check(const tsr_decoder *dec, const float *frame, uint64_t n);
/* A pushed frame to dec->staging: channels innermost, in the space that the net reads. */
tsr_status tsr_latent_stage(tsr_decoder *dec, const float *frame);
/* From channels innermost to planes; frames of a decoder to [0,1], latents of an encoder to the space that was asked for. */
void tsr_latent_hand_out(const tsr_decoder *dec, const float *from, float *out);

/* clip.c: the number of latents that one clip of the net has (SVD's chunks are clips of their own). */
tsr_status tsr_clip_check(const tsr_decoder *dec, const tsr_clip *clip);
/* The same clip as the executor sees it. */
tsr_clip tsr_clip_of_net(const tsr_decoder *dec, const tsr_clip *clip);
uint64_t tsr_clip_limit(const tsr_decoder *dec, const tsr_clip *clip);
tsr_status tsr_clip_open(tsr_decoder *dec, const tsr_clip *clip, tsr_exec **out);

#endif
