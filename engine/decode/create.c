/* From a weight file to a net, and what the decoder then says of itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decoder.h"
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
    if (desc->tile > TSR_TILE_PACKED)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument desc.tile is %u; expected 0 (chosen) to %d (packed)", desc->tile, (int)TSR_TILE_PACKED);
    tsr_decoder *dec = calloc(1, sizeof(*dec));
    if (!dec) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a decoder of %zu bytes", sizeof(*dec));
    dec->dev = dev;
    dec->latents = desc->latents;
    dec->noise_seed = desc->noise_seed;
    dec->precision = precision_for(dev, desc->precision);
    dec->net.dev = dev;
    dec->net.encoder = desc->encoder != 0;
    dec->net.tile = (tsr_tile)desc->tile;
    dec->net.store = dec->net.weights = dec->precision == TSR_PRECISION_F16 ? TSR_F16 : TSR_F32;
    const tsr_status status = build(dec, weights, desc);
    if (status != TSR_OK) {
        tsr_decoder_destroy(dec);
        return status;
    }
    *out = dec;
    return TSR_OK;
}

void tsr_decoder_destroy(tsr_decoder *dec)
{
    if (!dec) return;
    tsr_decoder_close_clip(dec);
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

int32_t tsr_decoder_scale(const tsr_net *net)
{
    const int32_t level = net->features[net->output].level;
    return 1 << (level < 0 ? -level : level);
}

/* diffusers' own tiles: 256 pixels at a stride of 192, 512 at 448 where a latent has 32. */
uint32_t tsr_decoder_tile(const tsr_decoder *dec)
{
    return (uint32_t)((tsr_decoder_scale(&dec->net) >= 32 ? 512 : 256) / tsr_decoder_scale(&dec->net));
}

uint32_t tsr_decoder_stride(const tsr_decoder *dec)
{
    return (uint32_t)((tsr_decoder_scale(&dec->net) >= 32 ? 448 : 192) / tsr_decoder_scale(&dec->net));
}

tsr_status tsr_decoder_get_info(const tsr_decoder *dec, tsr_decoder_info *out)
{
    if (!dec || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", dec ? "out" : "dec");
    const tsr_net *net = &dec->net;
    const int32_t latent = net->encoder ? net->output : net->input, frame = net->encoder ? net->input : net->output;
    *out = (tsr_decoder_info){.latent_channels = (uint32_t)net->features[latent].channels,
                              .frame_channels = (uint32_t)net->features[frame].channels,
                              .space_scale = (uint32_t)tsr_decoder_scale(net),
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
