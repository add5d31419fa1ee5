/* The encoder of TAEHV, plain or super: patches, then three times half the size, of which some halve time too. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tae.h"

/* Patches of p x p pixels as channels: (c p + i) p + j is pixel (i, j) of colour c. */
static int32_t patches(tae *t, int32_t x, int32_t p)
{
    const int32_t channels = 3 * p * p;
    if (p == 1 || tae_failed(t)) return x;
    tsr_taps taps = {.cout = channels, .cin = 3, .kt = 1, .kh = p, .kw = p, .w = calloc((size_t)channels * (size_t)channels, sizeof(float))};
    if (!taps.w) t->w->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for patches of %" PRId32 " x %" PRId32 " pixels", p, p);
    for (int32_t o = 0; taps.w && o < channels; o++) taps.w[o * channels + o] = 1; /* [c p p + i p + j][c][i][j] */
    const int32_t y = tae_add(t, "patches", x, taps, (tsr_conv_desc){.stride = p, .residual = TSR_NONE});
    t->net->parameters -= y == TSR_NONE ? 0 : (uint64_t)channels * (uint64_t)channels; /* the file has none */
    return y;
}

void tae_encoder(tsr_net *net, tsr_weights *w, const char *variant)
{
    tae t = {net, w, "encoder.", TSR_ACT_RELU};
    const int32_t channels = (int32_t)tsr_weights_extent(w, 0, "encoder.17.weight");
    const tae_variant *v = tae_variant_of(w, variant, channels);
    if (!v) return;
    if (v->drop_every > 0 || v->centred) {
        net->status = tsr_fail(TSR_ERROR_UNSUPPORTED, "variant '%s' of family '%s' has no encoder here", v->name, net->family);
        return;
    }
    const int32_t p = tae_patch(&t, "0", 1);
    int32_t x = patches(&t, tsr_net_input(net, 3), p);
    x = tae_conv(&t, "0", x, -1, 3, 1, (tsr_conv_desc){.act = t.act, .residual = TSR_NONE});
    net->whole = 1;
    for (int32_t n = 2; n < 17 && !tae_failed(&t); n += 5) { /* pool, down, three blocks */
        char layer[32];
        snprintf(layer, sizeof(layer), "%" PRId32 ".conv", n);
        const int32_t c = tsr_net_channels(net, x);
        const int32_t s = tsr_weights_extent(w, 1, "encoder.%s.weight", layer) == c ? 1 : 2;
        net->whole *= s;
        x = tae_conv_frames(&t, layer, x, c, s, false, 1, 0, (tsr_conv_desc){.time_stride = s, .residual = TSR_NONE});
        snprintf(layer, sizeof(layer), "%" PRId32, n + 1);
        x = tae_conv(&t, layer, x, -1, 3, 0, (tsr_conv_desc){.stride = 2, .residual = TSR_NONE});
        x = tae_blocks(&t, n + 2, x);
    }
    tsr_net_output(net, tae_conv(&t, "17", x, -1, 3, 1, (tsr_conv_desc){.residual = TSR_NONE}));
    tae_latent(net, v, channels);
    if (!tae_failed(&t)) w->status = tsr_weights_all_used(w, "encoder.");
}
