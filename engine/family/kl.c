/* The image autoencoders of Stable Diffusion, Flux and their kin. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "family.h"
#include "ldm.h"

static const char *const signs[] = {
    "decoder.mid_block.attentions.0.to_q.weight|decoder.mid_block.attentions.0.query.weight|decoder.mid.attn_1.q.weight",
    "decoder.conv_in.weight",
    "decoder.mid_block.resnets.0.norm1.weight|decoder.mid.block_1.norm1.weight",
    "decoder.conv_norm_out.weight|decoder.norm_out.weight",
    "decoder.conv_out.weight",
    NULL};

static bool fits(const tsr_weights *w)
{
    return tsr_ldm_has(w, "norm1.weight") && !tsr_ldm_has(w, "mix_factor") && tsr_weights_extent(w, 3, "decoder.conv_in.weight") > 0 &&
           tsr_weights_extent(w, 4, "decoder.conv_in.weight") == 0;
}

/* Flux 2 and later: 2x2 latents are pushed as one of four times the channels, whose means and variances the file holds. */
static const char *const patched_mean = "bn.running_mean", *const patched_variance = "bn.running_var";

/* raw = latent / scale + shift */
static const struct variant {
    const char *name;
    int32_t channels;
    double scale, shift;
} variants[] = {{"sd1", 4, 0.18215, 0}, {"sdxl", 4, 0.13025, 0}, {"sd3", 16, 1.5305, 0.0609}, {"flux", 16, 0.3611, 0.1159}};

static const struct variant *find_variant(tsr_net *net, const char *name, int32_t channels)
{
    for (size_t i = 0; i < sizeof(variants) / sizeof(*variants); i++)
        if (variants[i].channels == channels && (!name || strcmp(name, variants[i].name) == 0)) return &variants[i];
    if (name)
        net->status = tsr_fail(TSR_ERROR_ARGUMENT,
                               "argument desc.variant is '%s'; expected sd1 or sdxl with 4 latent channels, sd3 or flux with 16; "
                               "this file has %d",
                               name, channels);
    return NULL;
}

static void set_latent(tsr_net *net, const char *variant, int32_t channels)
{
    const struct variant *found = find_variant(net, variant, channels);
    if (found) tsr_ldm_latent(net, channels, found->scale, found->shift);
}

static void set_patched_latent(tsr_net *net, tsr_weights *w, const char *variant, int32_t channels)
{
    if (variant)
        net->status = tsr_fail(TSR_ERROR_ARGUMENT, "argument desc.variant is '%s'; this file's latents have statistics of their own", variant);
    float *mean = tsr_weights_vector(w, patched_mean, channels), *variance = tsr_weights_vector(w, patched_variance, channels);
    if (mean && variance) {
        for (int32_t c = 0; c < channels; c++) variance[c] = sqrtf(variance[c] + 1e-4f);
        tsr_net_latent(net, mean, variance, channels, true);
    }
    free(mean);
    free(variance);
}

/* A convolution of single latents (NULL: none) as one that takes patches apart. */
static tsr_taps unpatching(tsr_weights *w, const tsr_taps *one, int32_t n)
{
    const size_t m = 4 * (size_t)n;
    tsr_taps all = {.cout = 4 * n, .cin = 4 * n, .kt = 1, .kh = 1, .kw = 1};
    all.w = calloc(m * m, sizeof(float));
    all.bias = calloc(m, sizeof(float));
    if (!all.w || !all.bias) {
        if (w->status == TSR_OK) w->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the weights of patches of %zu channels", m);
        tsr_taps_free(&all);
        return (tsr_taps){0};
    }
    for (size_t o = 0; o < m; o++) {
        const size_t row = o / 4;
        for (size_t c = 0; c < (size_t)n; c++) all.w[o * m + 4 * c + o % 4] = one->w ? one->w[row * (size_t)n + c] : row == c;
        if (one->bias) all.bias[o] = one->bias[row];
    }
    return all;
}

/* Patches taken apart and post_quant_conv, as far as the file has them. */
static int32_t add_entry(tsr_net *net, tsr_weights *w, const tsr_block_style *style, int32_t x, int32_t channels, bool patches)
{
    const char *name = tsr_weights_has(w, "decoder.post_quant_conv.weight") ? "decoder.post_quant_conv" : "post_quant_conv";
    tsr_conv_desc desc = {.name = patches ? "patches" : name, .x = x, .residual = TSR_NONE};
    const bool quantised = tsr_weights_has(w, "%s.weight", name);
    if (!patches) return quantised ? tsr_block_conv(net, w, style, name, x, channels, 1, 1, TSR_NONE) : x;
    tsr_taps one = {0};
    if (quantised) one = tsr_weights_taps(w, name, channels, channels, 1, 1, 1, -1);
    desc.taps = unpatching(w, &one, channels);
    desc.shuffle = 2;
    desc.order = TSR_ORDER_CHANNELS;
    tsr_taps_free(&one);
    return tsr_block_add(net, w, &desc);
}

static void decoder(tsr_net *net, tsr_weights *w, const char *variant)
{
    const int32_t z = tsr_ldm_channels(w, "decoder.conv_in");
    if (z == 0) return;
    const bool patches = tsr_weights_has(w, "%s", patched_mean);
    tsr_ldm ldm;
    tsr_ldm_open(net, w, "norm1.weight", &ldm);
    const int32_t x = add_entry(net, w, &ldm.style, tsr_net_input(net, patches ? 4 * z : z), z, patches);
    tsr_net_output(net, tsr_ldm_decoder(&ldm, x));
    if (patches)
        set_patched_latent(net, w, variant, 4 * z);
    else
        set_latent(net, variant, z);
    if (net->status == TSR_OK) net->status = tsr_weights_all_used(w, "decoder.");
    net->out_scale = net->out_shift = 0.5f;
    net->fps = 8; /* of AnimateDiff, which makes clips of such frames */
}

const tsr_family tsr_family_kl = {.name = "kl", .signs = signs, .fits = fits, .decoder = decoder};
