/* The public face of decoders: from a weight file to a net, and frames in and out. */
#include "decoder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "family/family.h"

static tsr_precision precision_for(const tsr_device *dev, tsr_precision wanted)
{
    if (wanted != TSR_PRECISION_AUTO) return wanted;
    return tsr_tile_for(&dev->info) == TSR_TILE_SIMT ? TSR_PRECISION_F16 : TSR_PRECISION_F32;
}

static tsr_status build(tsr_decoder *dec, const tsr_tensors *file, const tsr_decoder_desc *desc)
{
    const tsr_family *family;
    tsr_weights w;
    tsr_status status = tsr_recognise(file, desc->family, &family, &w);
    if (status != TSR_OK) return status;
    tsr_net *net = &dec->net;
    snprintf(net->family, sizeof(net->family), "%s", family->name);
    if (net->encoder && !family->encoder) {
        status = tsr_fail(TSR_ERROR_UNSUPPORTED, "family '%s' has no encoder here", family->name);
    } else {
        (net->encoder ? family->encoder : family->decoder)(net, &w, desc->variant);
        status = w.status != TSR_OK ? w.status : net->status;
    }
    if (status == TSR_OK && desc->latents == TSR_LATENTS_RAW && !net->latent.known)
        status = tsr_fail(TSR_ERROR_UNSUPPORTED,
                          "argument desc.latents is 1 (raw); the mean and scale of '%s' %s latents are not known here: expected 0 (normalized)",
                          net->family, net->variant);
    if (status == TSR_OK) status = tsr_net_ready(net);
    tsr_weights_close(&w);
    return status;
}

tsr_status tsr_decoder_create(tsr_device *dev, const tsr_tensors *weights, const tsr_decoder_desc *desc, tsr_decoder **out)
{
    static const tsr_decoder_desc plain = {0};
    if (!dev || !weights || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !dev ? "dev" : !weights ? "weights" : "out");
    *out = NULL;
    if (!desc) desc = &plain;
    if ((unsigned)desc->precision > TSR_PRECISION_F16)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument desc.precision is %d; expected 0 (chosen), 1 (fp32) or 2 (fp16)", (int)desc->precision);
    if ((unsigned)desc->latents > TSR_LATENTS_RAW)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument desc.latents is %d; expected 0 (normalized) or 1 (raw)", (int)desc->latents);
    tsr_decoder *dec = calloc(1, sizeof(*dec));
    if (!dec) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a decoder of %zu bytes", sizeof(*dec));
    dec->dev = dev;
    dec->latents = desc->latents;
    dec->noise_seed = desc->noise_seed;
    dec->precision = precision_for(dev, desc->precision);
    dec->net.dev = dev;
    dec->net.encoder = desc->encoder != 0;
    dec->net.store = dec->net.weights = dec->precision == TSR_PRECISION_F16 ? TSR_F16 : TSR_F32;
    const tsr_status status = build(dec, weights, desc);
    if (status != TSR_OK) {
        tsr_decoder_destroy(dec);
        return status;
    }
    *out = dec;
    return TSR_OK;
}

/* Ends a clip, whatever its state. */
static void close_clip(tsr_decoder *dec)
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

void tsr_decoder_destroy(tsr_decoder *dec)
{
    if (!dec) return;
    close_clip(dec);
    tsr_net_free(&dec->net);
    free(dec);
}

uint64_t tsr_decoder_frames(const tsr_decoder *dec, uint64_t n)
{
    if (!dec || n > (uint64_t)1 << 40) return 0;
    const uint64_t chunk = dec->net.clips ? (uint64_t)dec->net.chunk : 0;
    if (chunk == 0 || n <= chunk) return (uint64_t)tsr_net_shown(&dec->net, (int64_t)n);
    return n / chunk * (uint64_t)tsr_net_shown(&dec->net, (int64_t)chunk) + (uint64_t)tsr_net_shown(&dec->net, (int64_t)(n % chunk));
}

static int32_t scale_of(const tsr_net *net)
{
    const int32_t level = net->features[net->output].level;
    return 1 << (level < 0 ? -level : level);
}

tsr_status tsr_decoder_get_info(const tsr_decoder *dec, tsr_decoder_info *out)
{
    if (!dec || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", dec ? "out" : "dec");
    const tsr_net *net = &dec->net;
    const int32_t latent = net->encoder ? net->output : net->input, frame = net->encoder ? net->input : net->output;
    *out = (tsr_decoder_info){.latent_channels = (uint32_t)net->features[latent].channels,
                              .frame_channels = (uint32_t)net->features[frame].channels,
                              .space_scale = (uint32_t)scale_of(net),
                              .fps = (uint32_t)net->fps,
                              .layers = (uint32_t)net->node_count,
                              .parameters = net->parameters,
                              .precision = dec->precision,
                              .memory = net->weight_bytes};
    memcpy(out->family, net->family, sizeof(out->family));
    memcpy(out->variant, net->variant, sizeof(out->variant));
    enum { SOME = 1001 }; /* latents, odd, to read the rate off */
    uint32_t n = 1;       /* frames that an encoder needs more for its second latent */
    while (net->encoder && n < SOME && tsr_decoder_frames(dec, 1 + n) < 2) n++;
    out->time_scale = net->encoder ? n : (uint32_t)net->features[net->output].rate;
    if (!net->encoder) out->frames_lost = (uint32_t)((uint64_t)SOME * out->time_scale - tsr_decoder_frames(dec, SOME));
    if (dec->exec) {
        out->memory += tsr_exec_bytes(dec->exec);
        out->host_memory = dec->exec->host_bytes;
        out->layers_in_f32 = dec->exec->in_f32;
    }
    return TSR_OK;
}

void tsr_decoder_set_progress(tsr_decoder *dec, int (*progress)(void *user, double share), void *user)
{
    if (!dec) return;
    dec->progress = progress;
    dec->progress_user = user;
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

/* diffusers' own tiles: 256 pixels at a stride of 192, 512 at 448 where a latent has 32. */
uint32_t tsr_decoder_tile(const tsr_decoder *dec) { return (uint32_t)((scale_of(&dec->net) >= 32 ? 512 : 256) / scale_of(&dec->net)); }

uint32_t tsr_decoder_stride(const tsr_decoder *dec) { return (uint32_t)((scale_of(&dec->net) >= 32 ? 448 : 192) / scale_of(&dec->net)); }

static void set_tiles(tsr_decoder *dec, const tsr_clip *clip)
{
    dec->blend = (tsr_blend){.tile = (int32_t)(clip->tile ? clip->tile : tsr_decoder_tile(dec)),
                             .stride = (int32_t)(clip->tile ? clip->tile_stride : tsr_decoder_stride(dec)),
                             .height = (int32_t)clip->height,
                             .width = (int32_t)clip->width,
                             .scale = scale_of(&dec->net),
                             .unit = dec->net.blend > 1 ? dec->net.blend : 1,
                             .channels = tsr_net_channels(&dec->net, dec->net.output),
                             .latent_channels = tsr_net_channels(&dec->net, dec->net.input)};
}

static uint64_t frame_numbers(const tsr_decoder *dec, int32_t feature, const tsr_clip *clip)
{
    const tsr_feature *f = &dec->net.features[feature];
    return (uint64_t)tsr_extent((int32_t)clip->height, f->level) * (uint64_t)tsr_extent((int32_t)clip->width, f->level) * (uint64_t)f->channels;
}

tsr_status tsr_decoder_start(tsr_decoder *dec, const tsr_clip *clip)
{
    if (!dec || !clip) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", dec ? "clip" : "dec");
    tsr_status status = tsr_clip_check(dec, clip);
    if (status != TSR_OK) return status;
    const tsr_clip kept = *clip; /* may be of this decoder */
    close_clip(dec);
    const uint64_t in = frame_numbers(dec, dec->net.input, &kept), out = frame_numbers(dec, dec->net.output, &kept);
    dec->staging = malloc((size_t)(in > out ? in : out) * sizeof(float));
    dec->last = dec->net.whole > 0 ? malloc((size_t)in * sizeof(float)) : NULL;
    if (!dec->staging || (dec->net.whole > 0 && !dec->last)) {
        close_clip(dec);
        return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a frame of %llu numbers", (unsigned long long)(in > out ? in : out));
    }
    if (kept.tiling == TSR_TILING_BLENDED) {
        set_tiles(dec, &kept);
    } else {
        const tsr_clip own = tsr_clip_of_net(dec, &kept);
        status = tsr_clip_open(dec, &own, &dec->exec);
        if (status != TSR_OK) {
            close_clip(dec);
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

static tsr_status check_numbers(const tsr_decoder *dec, const float *frame, uint64_t n)
{
    for (uint64_t i = 0; i < n && !dec->clip.allow_nan; i++)
        if (!isfinite(frame[i]))
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument latent: frame %llu has %g at element %llu; expected finite numbers",
                            (unsigned long long)dec->pushed, (double)frame[i], (unsigned long long)i);
    return TSR_OK;
}

/* Channels innermost, in the space that the net reads. */
static tsr_status stage_input(tsr_decoder *dec, const float *frame)
{
    const tsr_net *net = &dec->net;
    const tsr_latent_space *l = &net->latent;
    const int32_t channels = tsr_net_channels(net, net->input);
    const uint64_t plane = frame_numbers(dec, net->input, &dec->clip) / (uint64_t)channels;
    const bool raw = dec->latents == TSR_LATENTS_RAW;
    float *noise = NULL;
    if (!net->encoder && l->noise > 0) noise = malloc((size_t)plane * (size_t)channels * sizeof(float));
    if (!net->encoder && l->noise > 0 && !noise) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the noise of a latent");
    if (noise) tsr_normal_fill(dec->noise_seed ^ (dec->pushed << 20), noise, plane * (uint64_t)channels);
    for (int32_t c = 0; c < channels; c++) {
        for (uint64_t i = 0; i < plane; i++) {
            float z = frame[(uint64_t)c * plane + i];
            if (net->encoder) {
                z = (z - net->out_shift) / net->out_scale;
            } else {
                const float mean = l->known ? l->mean[c] : 0.0f, std = l->known ? l->std[c] : 1.0f;
                if (l->known && raw && (!l->reads_raw || noise)) z = (z - mean) / std;
                if (noise) z = (1.0f - l->noise) * z + l->noise * noise[(uint64_t)c * plane + i];
                if (l->known && l->reads_raw && (!raw || noise)) z = z * std + mean;
                if (l->tanh3) z = 3.0f * tanhf(z / 3.0f);
            }
            dec->staging[i * (uint64_t)channels + (uint64_t)c] = z;
        }
    }
    free(noise);
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
    if ((status = check_numbers(dec, latent, frame_numbers(dec, dec->net.input, &dec->clip))) != TSR_OK) return status;
    if ((status = stage_input(dec, latent)) != TSR_OK) return status;
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
    if (dec->net.whole > 0) memcpy(dec->last, dec->staging, (size_t)frame_numbers(dec, dec->net.input, &dec->clip) * sizeof(float));
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

/* From channels innermost to planes; frames of a decoder to [0,1], latents of an encoder to the space that was asked for. */
static void hand_out(const tsr_decoder *dec, const float *from, float *out)
{
    const tsr_net *net = &dec->net;
    const tsr_latent_space *l = &net->latent;
    const int32_t channels = tsr_net_channels(net, net->output);
    const uint64_t plane = frame_numbers(dec, net->output, &dec->clip) / (uint64_t)channels;
    for (int32_t c = 0; c < channels; c++) {
        for (uint64_t i = 0; i < plane; i++) {
            float y = from[i * (uint64_t)channels + (uint64_t)c];
            if (!net->encoder) {
                y = y * net->out_scale + net->out_shift;
                y = y < 0.0f ? 0.0f : y > 1.0f ? 1.0f : y;
            } else if (l->known && l->reads_raw && dec->latents == TSR_LATENTS_NORMALIZED) {
                y = (y - l->mean[c]) / l->std[c];
            } else if (l->known && !l->reads_raw && dec->latents == TSR_LATENTS_RAW) {
                y = y * l->std[c] + l->mean[c];
            }
            out[(uint64_t)c * plane + i] = y;
        }
    }
}

/* The next frame, shown or not: in dec->staging or the blended clip; NULL: none. */
static tsr_status next_frame(tsr_decoder *dec, const float **out)
{
    *out = NULL;
    if (dec->blend.tile > 0) {
        tsr_blend *b = &dec->blend;
        if (b->frames && b->taken < b->made) *out = b->frames + (size_t)b->taken++ * (size_t)frame_numbers(dec, dec->net.output, &dec->clip);
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
        hand_out(dec, next, frame);
        *got = 1;
        return TSR_OK;
    }
}
