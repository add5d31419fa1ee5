/* Clips: started, pushed, pulled, finished. */
#include "decoder.h"

#include <stdlib.h>
#include <string.h>

void tsr_decoder_close_clip(tsr_decoder *dec)
{
    tsr_exec_destroy(dec->exec);
    dec->exec = NULL;
    tsr_blend_free(&dec->blend);
    free(dec->staging);
    free(dec->last);
    free(dec->config.hosted);
    free(dec->pools);
    dec->staging = dec->last = NULL;
    dec->config.hosted = NULL;
    dec->pools = NULL;
    dec->clip = (tsr_clip){0};
}

static tsr_status open_tile(void *user, int32_t height, int32_t width, tsr_exec **out)
{
    tsr_decoder *dec = user;
    tsr_clip clip = dec->clip;
    clip.height = (uint32_t)height;
    clip.width = (uint32_t)width;
    clip.latents = (uint64_t)dec->blend.pushed;
    const tsr_status status = tsr_clip_open(dec, &clip, out);
    if (status == TSR_OK) {
        (*out)->progress = dec->progress;
        (*out)->progress_user = dec->progress_user;
    }
    return status;
}

static void close_tile(void *user, tsr_exec *ex)
{
    (void)user;
    tsr_exec_destroy(ex);
}

static void set_tiles(tsr_decoder *dec, const tsr_clip *clip)
{
    dec->blend = (tsr_blend){.tile = (int32_t)(clip->tile ? clip->tile : tsr_decoder_tile(dec)),
                             .stride = (int32_t)(clip->tile ? clip->tile_stride : tsr_decoder_stride(dec)),
                             .height = (int32_t)clip->height,
                             .width = (int32_t)clip->width,
                             .scale = tsr_decoder_scale(&dec->net),
                             .unit = dec->net.blend > 1 ? dec->net.blend : 1,
                             .channels = tsr_net_channels(&dec->net, dec->net.output),
                             .latent_channels = tsr_net_channels(&dec->net, dec->net.input)};
}

tsr_status tsr_decoder_start(tsr_decoder *dec, const tsr_clip *clip)
{
    if (!dec || !clip) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", dec ? "clip" : "dec");
    tsr_status status = tsr_clip_check(dec, clip);
    if (status != TSR_OK) return status;
    const tsr_clip kept = *clip; /* may be of this decoder */
    tsr_decoder_close_clip(dec);
    const uint64_t in = tsr_frame_numbers(dec, dec->net.input, &kept), out = tsr_frame_numbers(dec, dec->net.output, &kept);
    dec->staging = malloc((size_t)(in > out ? in : out) * sizeof(float));
    dec->last = dec->net.whole > 0 ? malloc((size_t)in * sizeof(float)) : NULL;
    if (!dec->staging || (dec->net.whole > 0 && !dec->last)) {
        tsr_decoder_close_clip(dec);
        return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a frame of %llu numbers", (unsigned long long)(in > out ? in : out));
    }
    if (kept.tiling == TSR_TILING_BLENDED) {
        set_tiles(dec, &kept);
    } else {
        const tsr_clip own = tsr_clip_of_net(dec, &kept);
        status = tsr_clip_open(dec, &own, &dec->exec);
        if (status != TSR_OK) {
            tsr_decoder_close_clip(dec);
            return status;
        }
    }
    dec->clip = kept;
    dec->pushed = dec->made = 0;
    dec->in_chunk = 0;
    dec->drained = true;
    dec->finished = dec->broken = false;
    return TSR_OK;
}

/* Is the caller's next call in order? */
static tsr_status check_turn(const tsr_decoder *dec, const char *call)
{
    if (dec->clip.height == 0) return tsr_fail(TSR_ERROR_ARGUMENT, "%s came before tsr_decoder_start", call);
    if (dec->broken) return tsr_fail(TSR_ERROR_ARGUMENT, "%s came after a failure within the clip; expected tsr_decoder_start", call);
    if (dec->finished) return tsr_fail(TSR_ERROR_ARGUMENT, "%s came after tsr_decoder_finish; expected tsr_decoder_start", call);
    if (!dec->drained) return tsr_fail(TSR_ERROR_ARGUMENT, "frames wait; expected tsr_decoder_pull until none is left before %s", call);
    return TSR_OK;
}

tsr_status tsr_decoder_push(tsr_decoder *dec, const float *latent)
{
    if (!dec || !latent) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", dec ? "latent" : "dec");
    tsr_status status = check_turn(dec, "tsr_decoder_push");
    if (status != TSR_OK) return status;
    if (dec->clip.latents > 0 && dec->pushed == dec->clip.latents)
        return tsr_fail(TSR_ERROR_ARGUMENT, "tsr_decoder_push came for frame %llu; the clip was started with %llu", (unsigned long long)dec->pushed,
                        (unsigned long long)dec->clip.latents);
    if ((status = tsr_latent_check(dec, latent, tsr_frame_numbers(dec, dec->net.input, &dec->clip))) != TSR_OK) return status;
    if ((status = tsr_latent_stage(dec, latent)) != TSR_OK) return status;
    if (dec->blend.tile > 0) {
        status = tsr_blend_push(&dec->blend, dec->staging);
    } else {
        if (dec->net.clips && dec->in_chunk == dec->net.chunk) { /* the one before is done */
            tsr_exec_reset(dec->exec);
            dec->in_chunk = 0;
        }
        status = tsr_exec_push(dec->exec, dec->staging);
        if (status == TSR_OK && dec->net.clips && ++dec->in_chunk == dec->net.chunk) tsr_exec_finish(dec->exec);
    }
    if (status != TSR_OK) return status;
    if (dec->net.whole > 0) memcpy(dec->last, dec->staging, (size_t)tsr_frame_numbers(dec, dec->net.input, &dec->clip) * sizeof(float));
    dec->pushed++;
    dec->drained = false;
    return TSR_OK;
}

/* Fills a clip up with its last frame, where the net takes only whole groups. */
static tsr_status fill_up(tsr_decoder *dec)
{
    tsr_status status = TSR_OK;
    const uint64_t whole = (uint64_t)dec->net.whole;
    for (uint64_t n = dec->pushed; whole > 0 && dec->pushed > 0 && n % whole != 0 && status == TSR_OK; n++)
        status = tsr_exec_push(dec->exec, dec->last);
    return status;
}

tsr_status tsr_decoder_finish(tsr_decoder *dec)
{
    if (!dec) return tsr_fail(TSR_ERROR_ARGUMENT, "argument dec is NULL");
    tsr_status status = check_turn(dec, "tsr_decoder_finish");
    if (status != TSR_OK) return status;
    if (dec->clip.latents > 0 && dec->pushed < dec->clip.latents)
        return tsr_fail(TSR_ERROR_ARGUMENT, "tsr_decoder_finish came after %llu frames; the clip was started with %llu",
                        (unsigned long long)dec->pushed, (unsigned long long)dec->clip.latents);
    if (dec->blend.tile > 0 && dec->pushed > 0) {
        const tsr_blend_clips clips = {open_tile, close_tile, dec};
        dec->blend.made = tsr_net_frames(&dec->net, (int64_t)dec->pushed);
        status = tsr_blend_run(&dec->blend, &clips);
        dec->broken = status != TSR_OK;
    } else if (dec->exec) {
        status = fill_up(dec);
        tsr_exec_finish(dec->exec);
    }
    dec->finished = true;
    dec->drained = false;
    return status;
}

/* The next frame, shown or not: in dec->staging or the blended clip; NULL: none. */
static tsr_status next_frame(tsr_decoder *dec, const float **out)
{
    *out = NULL;
    if (dec->blend.tile > 0) {
        tsr_blend *b = &dec->blend;
        if (b->frames && b->taken < b->made) *out = b->frames + (size_t)b->taken++ * (size_t)tsr_frame_numbers(dec, dec->net.output, &dec->clip);
        return TSR_OK;
    }
    tsr_slot *slot;
    dec->exec->progress = dec->progress;
    dec->exec->progress_user = dec->progress_user;
    tsr_status status = tsr_exec_next(dec->exec, &slot);
    if (status != TSR_OK || !slot) return status;
    status = tsr_exec_read(dec->exec, slot, dec->staging);
    tsr_exec_taken(dec->exec);
    *out = dec->staging;
    return status;
}

tsr_status tsr_decoder_pull(tsr_decoder *dec, float *frame, int *got)
{
    if (!dec || !frame || !got) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !dec ? "dec" : !frame ? "frame" : "got");
    *got = 0;
    if (dec->clip.height == 0) return tsr_fail(TSR_ERROR_ARGUMENT, "tsr_decoder_pull came before tsr_decoder_start");
    if (dec->broken) return tsr_fail(TSR_ERROR_ARGUMENT, "tsr_decoder_pull came after a failure within the clip; expected tsr_decoder_start");
    const bool odd = dec->clip.latents == 0 || dec->clip.latents % 2 != 0;
    for (;;) {
        const float *next;
        const tsr_status status = next_frame(dec, &next);
        dec->broken = status != TSR_OK;
        if (status != TSR_OK) return status;
        dec->drained = next == NULL;
        if (!next) return TSR_OK;
        if (!tsr_frame_shown(&dec->net, (int64_t)dec->made++, odd)) continue;
        tsr_latent_hand_out(dec, next, frame);
        *got = 1;
        return TSR_OK;
    }
}
