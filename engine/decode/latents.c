/* Numbers of frames on their way in and out: spaces of latents, noise, ranges, the order of axes. */
#include <math.h>
#include <stdlib.h>

#include "decoder.h"

uint64_t tsr_frame_numbers(const tsr_decoder *dec, int32_t feature, const tsr_clip *clip)
{
    const tsr_feature *f = &dec->net.features[feature];
    return (uint64_t)tsr_extent((int32_t)clip->height, f->level) * (uint64_t)tsr_extent((int32_t)clip->width, f->level) * (uint64_t)f->channels;
}

tsr_status tsr_latent_check(const tsr_decoder *dec, const float *frame, uint64_t n)
{
    for (uint64_t i = 0; i < n && !dec->clip.allow_nan; i++)
        if (!isfinite(frame[i]))
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument latent: frame %llu has %g at element %llu; expected finite numbers",
                            (unsigned long long)dec->pushed, (double)frame[i], (unsigned long long)i);
    return TSR_OK;
}

tsr_status tsr_latent_stage(tsr_decoder *dec, const float *frame)
{
    const tsr_net *net = &dec->net;
    const tsr_latent_space *l = &net->latent;
    const int32_t channels = tsr_net_channels(net, net->input);
    const uint64_t plane = tsr_frame_numbers(dec, net->input, &dec->clip) / (uint64_t)channels;
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

void tsr_latent_hand_out(const tsr_decoder *dec, const float *from, float *out)
{
    const tsr_net *net = &dec->net;
    const tsr_latent_space *l = &net->latent;
    const int32_t channels = tsr_net_channels(net, net->output);
    const uint64_t plane = tsr_frame_numbers(dec, net->output, &dec->clip) / (uint64_t)channels;
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
