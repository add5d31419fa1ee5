/* The public face of decoders: recognises the family, checks arguments, hands out frames. */
#include <math.h>
#include <stdlib.h>

#include "decoder.h"

tsr_status tsr_decoder_create(tsr_device *dev, const tsr_tensors *weights, tsr_decoder **out)
{
    if (!dev || !weights || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !dev ? "dev" : !weights ? "weights" : "out");
    *out = NULL;
    tsr_decoder *dec = calloc(1, sizeof(*dec));
    if (!dec) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a decoder of %zu bytes", sizeof(*dec));
    dec->dev = dev;
    const uint64_t before = dev->used;
    const tsr_status status = tsr_taehv_create(dec, weights);
    if (status != TSR_OK) {
        tsr_decoder_destroy(dec);
        return status;
    }
    dec->info.memory = dev->used - before;
    *out = dec;
    return TSR_OK;
}

void tsr_decoder_destroy(tsr_decoder *dec)
{
    if (!dec) return;
    tsr_taehv_free_buffers(dec);
    for (int i = 0; i < dec->node_count; i++)
        for (int j = 0; j < 3; j++) tsr_conv_destroy(&dec->nodes[i].conv[j]);
    free(dec);
}

tsr_status tsr_decoder_get_info(const tsr_decoder *dec, tsr_decoder_info *out)
{
    if (!dec || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", dec ? "out" : "dec");
    *out = dec->info;
    return TSR_OK;
}

tsr_status tsr_decoder_start(tsr_decoder *dec, uint32_t height, uint32_t width)
{
    enum { MAX_SIDE = 4096 };
    if (!dec) return tsr_fail(TSR_ERROR_ARGUMENT, "argument dec is NULL");
    if (height < 1 || height > MAX_SIDE || width < 1 || width > MAX_SIDE)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument height x width is %u x %u; expected 1 to %d each", height, width, MAX_SIDE);
    const uint64_t before = dec->dev->used;
    tsr_taehv_free_buffers(dec);
    dec->info.memory -= before - dec->dev->used;
    const uint64_t base = dec->dev->used;
    dec->height = height;
    dec->width = width;
    dec->made = dec->taken = 0;
    dec->total_made = 0;
    const tsr_status status = tsr_taehv_start(dec);
    if (status != TSR_OK) {
        tsr_taehv_free_buffers(dec);
        dec->height = dec->width = 0;
        return status;
    }
    dec->info.memory += dec->dev->used - base;
    return TSR_OK;
}

tsr_status tsr_decoder_push(tsr_decoder *dec, const float *latent)
{
    if (!dec || !latent) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", dec ? "latent" : "dec");
    if (dec->height == 0) return tsr_fail(TSR_ERROR_ARGUMENT, "tsr_decoder_push came before tsr_decoder_start");
    if (dec->taken < dec->made)
        return tsr_fail(TSR_ERROR_ARGUMENT, "%u frames wait; expected tsr_decoder_pull until none is left", dec->made - dec->taken);
    const uint64_t n = (uint64_t)dec->info.latent_channels * dec->height * dec->width;
    for (uint64_t i = 0; i < n; i++)
        if (!isfinite(latent[i]))
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument latent has %g at element %llu; expected finite numbers", (double)latent[i],
                            (unsigned long long)i);
    dec->made = dec->taken = 0;
    tsr_status status = tsr_buffer_write(dec->nodes[0].input[0], 0, latent, n * sizeof(float));
    if (status == TSR_OK) status = tsr_taehv_push(dec);
    if (status != TSR_OK) return status;
    while (dec->total_made < dec->info.frames_dropped && dec->taken < dec->made) { /* they had no past to start from */
        dec->taken++;
        dec->total_made++;
    }
    dec->total_made += dec->made - dec->taken;
    return TSR_OK;
}

tsr_status tsr_decoder_pull(tsr_decoder *dec, float *frame, int *got)
{
    if (!dec || !frame || !got) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !dec ? "dec" : !frame ? "frame" : "got");
    *got = 0;
    if (dec->taken >= dec->made) return TSR_OK;
    tsr_buffer *buf = dec->frames[dec->taken];
    const tsr_status status = tsr_buffer_read(buf, 0, frame, tsr_buffer_size(buf));
    if (status != TSR_OK) return status;
    dec->taken++;
    *got = 1;
    return TSR_OK;
}
