/* What the encoders of the Wan line share. */
#include <stdlib.h>

#include "wan.h"

/* Patches of p x p pixels as channels: (c p + j) p + i is pixel (i, j) of channel c. The file has no weights of this layer. */
static int32_t patches(const tsr_wan *wan, int32_t x, int32_t p)
{
    tsr_net *net = wan->net;
    const uint64_t parameters = net->parameters;
    const int32_t cin = tsr_net_channels(net, x), cout = cin * p * p;
    tsr_conv_desc desc = {.name = "patches", .x = x, .stride = p, .residual = TSR_NONE};
    desc.taps = (tsr_taps){.cout = cout, .cin = cin, .kt = 1, .kh = p, .kw = p, .w = calloc((size_t)cout * (size_t)cout, sizeof(float))};
    if (!desc.taps.w) wan->w->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for patches of %d x %d pixels", p, p);
    for (int32_t o = 0; desc.taps.w && o < cout; o++) desc.taps.w[o * cout + o / (p * p) * p * p + o % p * p + o / p % p] = 1;
    x = tsr_block_add(net, wan->w, &desc);
    net->parameters = parameters;
    return x;
}

int32_t tsr_wan_pixels(const tsr_wan *wan, int32_t p)
{
    tsr_net *net = wan->net;
    tsr_conv_desc desc = {.name = wan->diffusers ? "encoder.conv_in" : "encoder.conv1", .before = 1, .residual = TSR_NONE};
    if (net->status == TSR_OK) {
        desc.taps = tsr_weights_taps(wan->w, desc.name, -1, p > 1 ? 3 * p * p : -1, wan->style.kt, 3, 3, 1);
        net->status = wan->w->status;
    }
    desc.x = tsr_net_input(net, p > 1 ? 3 : desc.taps.cin);
    if (p > 1) desc.x = patches(wan, desc.x, p);
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
