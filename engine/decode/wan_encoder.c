/* What the encoders of the Wan line share. */
#include <stdlib.h>

#include "wan.h"

/* 3x3 taps on patches of p x p pixels, of which channel (c p + j) p + i is pixel (i, j), as 3p x 3p taps on pixels. */
static void unpack_patches(tsr_weights *w, tsr_taps *t, int32_t p)
{
    const size_t all = (size_t)t->cout * (size_t)t->cin * (size_t)t->kt * 9;
    const int32_t k = 3 * p, cin = t->cin / (p * p);
    float *unpacked = t->w ? malloc(all * sizeof(float)) : NULL, *at = unpacked;
    if (t->w && !unpacked) w->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the %zu weights of an encoder's first layer", all);
    for (int32_t o = 0; unpacked && o < t->cout; o++)
        for (int32_t c = 0; c < cin; c++)
            for (int32_t kt = 0; kt < t->kt; kt++)
                for (int32_t y = 0; y < k; y++)
                    for (int32_t x = 0; x < k; x++) {
                        const size_t channel = (size_t)((c * p + x % p) * p + y % p), row = (size_t)o * (size_t)t->cin + channel;
                        *at++ = t->w[((row * (size_t)t->kt + (size_t)kt) * 3 + (size_t)(y / p)) * 3 + (size_t)(x / p)];
                    }
    free(t->w);
    t->w = unpacked;
    t->cin = cin;
    t->kh = t->kw = k;
}

int32_t tsr_wan_pixels(const tsr_wan *wan, int32_t p)
{
    tsr_net *net = wan->net;
    tsr_conv_desc desc = {.name = wan->diffusers ? "encoder.conv_in" : "encoder.conv1", .stride = p, .before = p, .residual = TSR_NONE};
    const int32_t cin = p > 1 ? 3 * p * p : -1;
    if (net->status == TSR_OK) desc.taps = tsr_weights_taps(wan->w, desc.name, -1, cin, wan->style.kt, 3, 3, 1);
    if (p > 1) unpack_patches(wan->w, &desc.taps, p);
    if (net->status == TSR_OK) net->status = wan->w->status;
    desc.x = tsr_net_input(net, desc.taps.cin);
    return tsr_block_add(net, wan->w, &desc);
}

int32_t tsr_wan_down(const tsr_wan *wan, const char *prefix, int32_t x)
{
    char name[TSR_BLOCK_NAME];
    tsr_block_name(name, prefix, "resample.1");
    tsr_conv_desc desc = tsr_block_describe(wan->net, wan->w, &wan->style, name, x, tsr_net_channels(wan->net, x), 1, 3);
    desc.stride = 2;
    desc.before = 0;
    return tsr_block_add(wan->net, wan->w, &desc);
}

int32_t tsr_wan_down_time(const tsr_wan *wan, const char *prefix, int32_t x)
{
    char name[TSR_BLOCK_NAME];
    tsr_block_name(name, prefix, "time_conv");
    tsr_conv_desc desc = tsr_block_describe(wan->net, wan->w, &wan->style, name, x, tsr_net_channels(wan->net, x), 3, 1);
    desc.time_stride = 2;
    desc.first_alone = true;
    return tsr_block_add(wan->net, wan->w, &desc);
}

void tsr_wan_latents(tsr_wan *wan, int32_t x, const float *mean, const float *std, int32_t z)
{
    tsr_net *net = wan->net;
    char name[TSR_BLOCK_NAME];
    tsr_conv_desc desc = tsr_wan_head(wan, name, tsr_wan_middle(wan, x), -1);
    x = tsr_block_add(net, wan->w, &desc);
    /* The last 1x1 convolution makes means and log variances; latents are the means. */
    const int32_t both = tsr_net_channels(net, x);
    desc = (tsr_conv_desc){.name = wan->diffusers ? "quant_conv" : "conv1", .x = x, .residual = TSR_NONE};
    if (net->status == TSR_OK) desc.taps = tsr_weights_taps(wan->w, desc.name, both, both, 1, 1, 1, 1);
    if (desc.taps.w && both % 2 != 0)
        wan->w->status =
            tsr_fail(TSR_ERROR_FILE, "the weight file's tensor '%s%s.weight' has %d output channels; expected means and as many variances",
                     wan->w->prefix, desc.name, both);
    desc.taps.cout = both / 2;
    x = tsr_block_add(net, wan->w, &desc);
    tsr_net_output(net, x);
    if (tsr_net_channels(net, x) == z) tsr_net_latent(net, mean, std, z, true);
    tsr_wan_close(wan);
}
