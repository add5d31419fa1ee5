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

/* clip.c: the number of latents that one clip of the net has (SVD's chunks are clips of their own). */
tsr_status tsr_clip_check(const tsr_decoder *dec, const tsr_clip *clip);
/* The same clip as the executor sees it. */
tsr_clip tsr_clip_of_net(const tsr_decoder *dec, const tsr_clip *clip);
uint64_t tsr_clip_limit(const tsr_decoder *dec, const tsr_clip *clip);
tsr_status tsr_clip_open(tsr_decoder *dec, const tsr_clip *clip, tsr_exec **out);

#endif
