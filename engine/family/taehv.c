/* Tiny autoencoders of video models (TAEHV): three levels of blocks that read the frame before. All sizes, read from tensors. */
#include <inttypes.h>
#include <stdio.h>

#include "tae.h"

static bool fits(const tsr_weights *w)
{
    return tsr_weights_has(w, "decoder.22.bias") && tsr_weights_has(w, "decoder.1.weight") && tsr_weights_has(w, "decoder.3.conv.0.weight") &&
           !tsr_weights_has(w, "decoder.0.weight");
}

static void decoder(tsr_net *net, tsr_weights *w, const char *variant)
{
    tae t = {net, w, "decoder.", TSR_ACT_RELU};
    const int32_t channels = (int32_t)tsr_weights_extent(w, 1, "decoder.1.weight");
    const tae_variant *v = tae_variant_of(w, variant, channels);
    if (!v) return;
    if (v->leaky) t.act = TSR_ACT_LEAKY;
    int32_t widths[4], grow = 1;
    int32_t x = tae_conv(&t, "1", tsr_net_input(net, channels), -1, 3, 1, (tsr_conv_desc){.act = t.act, .residual = TSR_NONE});
    for (int32_t level = 0, n = 3; level < 3; level++, n += 6) { /* three blocks; up; grow; 3x3 */
        char layer[32];
        snprintf(layer, sizeof(layer), "%" PRId32, n + 5);
        widths[level] = tsr_net_channels(net, x);
        x = tae_blocks(&t, n, x);
        x = tae_grow(&t, n + 4, x, &grow); /* it works pixel by pixel, so the up-sampling before it can come after it */
        x = tae_conv(&t, layer, x, -1, 3, 0, (tsr_conv_desc){.up = true, .act = level == 2 ? t.act : TSR_ACT_NONE, .residual = TSR_NONE});
    }
    widths[3] = tsr_net_channels(net, x);
    tsr_net_output(net, tae_last(&t, x));
    tae_shown(net, v, channels, grow);
    net->latent.tanh3 = true;
    snprintf(net->variant, sizeof(net->variant), "%" PRId32 ",%" PRId32 ",%" PRId32 ",%" PRId32, widths[0], widths[1], widths[2], widths[3]);
    if (!tae_failed(&t)) w->status = tsr_weights_all_used(w, t.base);
}

static const char *const signs[] = {"decoder.22.bias",       "decoder.1.weight",  "decoder.3.conv.0.weight",
                                    "decoder.7.conv.weight", "decoder.22.weight", NULL};

const tsr_family tsr_family_taehv = {"taehv", signs, fits, decoder, tae_encoder};
