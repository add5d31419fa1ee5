/* The encoder of TAEHV, plain or super: patches, then three times half the size, of which some halve time too. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tae.h"

/* 3x3 taps on patches of p x p pixels, of which channel (c p + i) p + j is pixel (i, j), as 3p x 3p taps on pixels. */
static bool unpack_patches(tsr_taps *taps, int32_t p)
{
    const int32_t k = 3 * p;
    float *w = malloc((size_t)taps->cout * 3 * (size_t)(k * k) * sizeof(float));
    if (!w) return false;
    for (int32_t o = 0; o < taps->cout; o++)
        for (int32_t c = 0; c < 3; c++)
            for (int32_t y = 0; y < k; y++)
                for (int32_t x = 0; x < k; x++) {
                    const size_t from = (size_t)o * (size_t)taps->cin + (size_t)((c * p + y % p) * p + x % p);
                    w[((size_t)o * 3 + (size_t)c) * (size_t)(k * k) + (size_t)(y * k + x)] = taps->w[from * 9 + (size_t)(y / p * 3 + x / p)];
                }
    free(taps->w);
    taps->w = w;
    taps->cin = 3;
    taps->kh = taps->kw = k;
    return true;
}

static int32_t first_of_encoder(tae *t, int32_t x)
{
    const int32_t p = tae_patch(t, "0", 1);
    if (tae_failed(t)) return TSR_NONE;
    char name[96];
    snprintf(name, sizeof(name), "%s0", t->base);
    tsr_taps taps = tsr_weights_taps(t->w, name, -1, 3 * p * p, 1, 3, 3, 1);
    if (taps.w && p > 1 && !unpack_patches(&taps, p)) t->w->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the weights of layer '%s'", name);
    return tae_add(t, name, x, taps, (tsr_conv_desc){.stride = p, .before = p, .act = t->act, .residual = TSR_NONE});
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
    int32_t x = first_of_encoder(&t, tsr_net_input(net, 3));
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
