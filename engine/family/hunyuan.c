/* HunyuanVideo 1.0: the tree of latent diffusion decoders, causal in time, with norms over the whole clip and edges replicated. */
#include "family.h"
#include "ldm.h"

static const char *const signs[] = {"decoder.mid_block.resnets.0.conv1.conv.weight|decoder.mid.block_1.conv1.conv.weight",
                                    "decoder.mid_block.resnets.0.norm1.weight|decoder.mid.block_1.norm1.weight",
                                    "decoder.mid_block.attentions.0.to_q.weight|decoder.mid.attn_1.q.weight",
                                    "decoder.conv_in.conv.weight",
                                    "decoder.conv_out.conv.weight",
                                    "post_quant_conv.weight",
                                    NULL};

static const double scaling = 0.476986;

static bool fits(const tsr_weights *w)
{
    return tsr_ldm_has(w, "norm1.weight") && tsr_ldm_has(w, "conv1.conv.weight") && tsr_weights_has(w, "decoder.conv_in.conv.weight");
}

static void decoder(tsr_net *net, tsr_weights *w, const char *variant)
{
    if (variant) net->status = tsr_fail(TSR_ERROR_ARGUMENT, "argument desc.variant is '%s'; family hunyuan has none", variant);
    const int32_t z = tsr_ldm_channels(w, "decoder.conv_in.conv");
    if (z == 0) return;
    tsr_ldm ldm;
    tsr_ldm_open(net, w, "norm1.weight", &ldm);
    ldm.style.scope = TSR_SCOPE_CLIP;
    ldm.style.kt = 3;
    ldm.style.conv1 = "conv1.conv";
    ldm.style.conv2 = "conv2.conv";
    ldm.style.shortcut = ldm.diffusers ? "conv_shortcut.conv" : "nin_shortcut.conv";
    ldm.style.edge = ldm.style.past = TSR_EDGE_REPLICATE;
    ldm.style.history = true;
    ldm.up_kt = 3;
    ldm.time_from = 1;
    ldm.time_levels = 2;
    ldm.time_first = TSR_FIRST_LAST;
    int32_t x = tsr_net_input(net, z);
    tsr_ldm_latent(net, z, scaling, 0);
    if (tsr_weights_has(w, "post_quant_conv.weight")) x = tsr_block_conv(net, w, &ldm.style, "post_quant_conv", x, z, 1, 1, TSR_NONE);
    tsr_net_output(net, tsr_ldm_decoder(&ldm, x));
    if (net->status == TSR_OK) net->status = tsr_weights_all_used(w, "decoder.");
    net->fps = 24;
}

const tsr_family tsr_family_hunyuan = {.name = "hunyuan", .signs = signs, .fits = fits, .decoder = decoder};
