/* The autoencoder of CogVideoX: norms modulated by the latent, in chunks of two latents, with convolutions that are causal across chunks. */
#include <stdio.h>
#include <string.h>

#include "family.h"
#include "ldm.h"

static const char *const signs[] = {"decoder.mid_block.resnets.0.norm1.conv_y.conv.weight|decoder.mid.block_1.norm1.conv_y.conv.weight",
                                    "decoder.mid_block.resnets.0.norm1.norm_layer.weight|decoder.mid.block_1.norm1.norm_layer.weight",
                                    "decoder.conv_in.conv.weight",
                                    "decoder.norm_out.conv_y.conv.weight",
                                    "decoder.conv_out.conv.weight",
                                    NULL};

static bool fits(const tsr_weights *w) { return tsr_ldm_has(w, "norm1.conv_y.conv.weight"); }

/* style->user: the latent, of which conv_y makes the factors of the norm and conv_b the summands. */
static int32_t add_norm(tsr_net *net, tsr_weights *w, const tsr_block_style *style, const char *name, int32_t x, tsr_act act)
{
    const int32_t latent = *(const int32_t *)style->user, c = tsr_net_channels(net, x), z = tsr_net_channels(net, latent);
    char part[TSR_BLOCK_NAME];
    tsr_norm_desc desc = {.name = name, .x = x, .kind = TSR_NORM_GROUP, .eps = style->eps, .scope = style->scope, .act = act};
    tsr_taps taps[2] = {{0}};
    for (int i = 0; i < 2 && net->status == TSR_OK; i++) {
        tsr_block_name(part, name, i ? "conv_b.conv" : "conv_y.conv");
        taps[i] = tsr_weights_taps(w, part, c, z, 1, 1, 1, 1);
    }
    desc.modulation = tsr_block_add(net, w, &(tsr_conv_desc){.name = part, .taps = tsr_block_join(w, taps, 2), .x = latent, .residual = TSR_NONE});
    tsr_block_name(part, name, "norm_layer.weight");
    if (net->status == TSR_OK) desc.scale = tsr_weights_vector(w, part, c);
    tsr_block_name(part, name, "norm_layer.bias");
    if (net->status == TSR_OK) desc.shift = tsr_weights_vector(w, part, c);
    if (net->status == TSR_OK) net->status = w->status;
    return tsr_net_norm(net, &desc);
}

static void set_latent(tsr_net *net, const char *variant, int32_t channels)
{
    static const char small[] = "cogvideox-2b", large[] = "cogvideox-5b";
    const bool is_small = variant && strcmp(variant, small) == 0;
    if (variant && !is_small && strcmp(variant, large) != 0) {
        net->status = tsr_fail(TSR_ERROR_ARGUMENT, "argument desc.variant is '%s'; expected %s or %s (also for 1.5)", variant, small, large);
        return;
    }
    tsr_ldm_latent(net, channels, is_small ? 1.15258426 : 0.7, 0);
}

static void decoder(tsr_net *net, tsr_weights *w, const char *variant)
{
    const int32_t z = tsr_ldm_channels(w, "decoder.conv_in.conv");
    if (z == 0) return;
    const int32_t latent = tsr_net_input(net, z);
    tsr_ldm ldm;
    tsr_ldm_open(net, w, "norm1.conv_y.conv.weight", &ldm);
    ldm.style.custom_norm = add_norm;
    ldm.style.user = &latent;
    ldm.style.scope = TSR_SCOPE_CHUNK;
    ldm.style.kt = 3;
    ldm.style.conv1 = "conv1.conv";
    ldm.style.conv2 = "conv2.conv";
    ldm.style.past = TSR_EDGE_REPLICATE;
    ldm.time_levels = 2;
    ldm.time_first = TSR_FIRST_ODD_LAST;
    net->chunk = 2;
    tsr_net_output(net, tsr_ldm_decoder(&ldm, latent));
    set_latent(net, variant, z);
    if (net->status == TSR_OK) net->status = tsr_weights_all_used(w, "decoder.");
    net->out_scale = net->out_shift = 0.5f;
    net->fps = 8;
}

const tsr_family tsr_family_cogvideox = {.name = "cogvideox", .signs = signs, .fits = fits, .decoder = decoder};
