/* The autoencoder of Stable Video Diffusion: the image autoencoder with a temporal residual block after each spatial one. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "family.h"
#include "ldm.h"

static const char *const signs[] = {"decoder.mid_block.resnets.0.time_mixer.mix_factor|decoder.mid.block_1.mix_factor",
                                    "decoder.time_conv_out.weight|decoder.conv_out.time_mix_conv.weight",
                                    "decoder.conv_in.weight",
                                    "decoder.mid_block.resnets.0.spatial_res_block.norm1.weight|decoder.mid.block_1.norm1.weight",
                                    "decoder.conv_norm_out.weight|decoder.norm_out.weight",
                                    NULL};

static bool fits(const tsr_weights *w) { return tsr_ldm_has(w, "mix_factor") || tsr_ldm_has(w, "time_mixer.mix_factor"); }

/* 3 taps in time, centred; nothing outside the clip. */
static tsr_conv_desc describe(const tsr_ldm *ldm, const tsr_block_style *style, const char *name, int32_t x, int32_t cout)
{
    return tsr_block_describe(ldm->net, ldm->w, style, name, x, cout, 3, 1);
}

static tsr_block_style in_time(const tsr_ldm *ldm)
{
    tsr_block_style style = ldm->style;
    style.eps = 1e-5f;
    style.scope = TSR_SCOPE_CLIP; /* or the chunk, where each is a clip */
    style.past = TSR_EDGE_ZERO;
    style.ahead = 1;
    return style;
}

/* (1 - s) x + s (x + block(x)) = x + s block(x): s = sigmoid(mix_factor) goes into the block's last convolution. */
static int32_t add_temporal(const tsr_ldm *ldm, const char *name, int32_t x)
{
    const char *const names[2][5] = {
        {"time_stack.in_layers.0", "time_stack.in_layers.2", "time_stack.out_layers.0", "time_stack.out_layers.3", "mix_factor"},
        {"temporal_res_block.norm1", "temporal_res_block.conv1", "temporal_res_block.norm2", "temporal_res_block.conv2", "time_mixer.mix_factor"}};
    const char *const *parts = names[ldm->diffusers];
    const tsr_block_style style = in_time(ldm);
    char part[TSR_BLOCK_NAME];
    tsr_block_name(part, name, parts[0]);
    int32_t h = tsr_block_norm(ldm->net, ldm->w, &style, part, x, TSR_ACT_SILU);
    tsr_block_name(part, name, parts[1]);
    tsr_conv_desc desc = describe(ldm, &style, part, h, -1);
    h = tsr_block_add(ldm->net, ldm->w, &desc);
    tsr_block_name(part, name, parts[2]);
    h = tsr_block_norm(ldm->net, ldm->w, &style, part, h, TSR_ACT_SILU);
    tsr_block_name(part, name, parts[4]);
    float *mix = ldm->net->status == TSR_OK ? tsr_weights_vector(ldm->w, part, 1) : NULL;
    tsr_block_name(part, name, parts[3]);
    desc = describe(ldm, &style, part, h, tsr_net_channels(ldm->net, x));
    desc.residual = x;
    if (mix && desc.taps.w) {
        const float s = 1 / (1 + expf(-*mix));
        const size_t n = (size_t)desc.taps.cout * (size_t)desc.taps.cin * 3;
        for (size_t i = 0; i < n; i++) desc.taps.w[i] *= s;
        for (int32_t i = 0; i < desc.taps.cout && desc.taps.bias; i++) desc.taps.bias[i] *= s;
    }
    free(mix);
    return tsr_block_add(ldm->net, ldm->w, &desc);
}

/* "chunks-of-14": latents are decoded so many at a time, each chunk a clip of its own. NULL: all at once. */
static void set_chunks(tsr_net *net, const char *variant)
{
    enum { CHUNK_MAX = 1024 };
    static const char start[] = "chunks-of-";
    if (!variant) return;
    char *end = NULL;
    const long n = strncmp(variant, start, strlen(start)) == 0 ? strtol(variant + strlen(start), &end, 10) : 0;
    if (n < 1 || n > CHUNK_MAX || *end) {
        net->status = tsr_fail(TSR_ERROR_ARGUMENT, "argument desc.variant is '%s'; expected chunks-of-N with N from 1 to %d", variant, CHUNK_MAX);
        return;
    }
    net->clips = true;
    net->chunk = (int32_t)n;
}

static void decoder(tsr_net *net, tsr_weights *w, const char *variant)
{
    const int32_t z = tsr_ldm_channels(w, "decoder.conv_in");
    tsr_ldm ldm;
    if (z == 0) return;
    set_chunks(net, variant);
    tsr_ldm_open(net, w, tsr_weights_has(w, "decoder.mid.block_1.mix_factor") ? "mix_factor" : "time_mixer.mix_factor", &ldm);
    if (ldm.diffusers) ldm.inner = "spatial_res_block";
    ldm.after = add_temporal;
    const int32_t x = tsr_ldm_decoder(&ldm, tsr_net_input(net, z));
    const tsr_block_style style = in_time(&ldm);
    const tsr_conv_desc desc = describe(&ldm, &style, ldm.diffusers ? "decoder.time_conv_out" : "decoder.conv_out.time_mix_conv", x, 3);
    tsr_net_output(net, tsr_block_add(net, w, &desc));
    tsr_ldm_latent(net, z, 0.18215, 0);
    if (net->status == TSR_OK) net->status = tsr_weights_all_used(w, "decoder.");
    net->out_scale = net->out_shift = 0.5f;
    net->fps = 7;
}

const tsr_family tsr_family_svd = {.name = "svd", .signs = signs, .fits = fits, .decoder = decoder};
