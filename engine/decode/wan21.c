/* Wan 2.1's decoder and encoder, with their narrower prunes. Qwen-Image has the same tensors. */
#include <stdio.h>

#include "family.h"
#include "statistics.h"
#include "wan.h"

enum { LEVELS = 4, LEVELS_IN_TIME = 2, BLOCKS = 3 };

/* Twice the height and width; time: and the frames before. */
static int32_t up(const tsr_wan *wan, const char *prefix, bool time, int32_t x)
{
    char name[TSR_BLOCK_NAME];
    if (time) x = tsr_wan_up_time(wan, prefix, x);
    tsr_block_name(name, prefix, "resample.1");
    tsr_conv_desc desc = tsr_block_describe(wan->net, wan->w, &wan->style, name, x, -1, 1, 3);
    desc.up = true;
    return tsr_block_add(wan->net, wan->w, &desc);
}

static void decoder(tsr_net *net, tsr_weights *w, const char *variant)
{
    tsr_wan wan = tsr_wan_open(net, w, "decoder", variant, 3);
    char prefix[TSR_BLOCK_NAME];
    int32_t x = tsr_wan_start(&wan, tsr_statistics_wan21_mean, tsr_statistics_wan21_std, 16);
    for (int level = 0, n = 0; level < LEVELS; level++, n++) {
        /* The original scheme counts blocks and up-samplers of all levels in one go. */
        snprintf(prefix, sizeof(prefix), "decoder.up_blocks.%d.resnets.", level);
        x = tsr_wan_level(&wan, wan.diffusers ? prefix : "decoder.upsamples.", wan.diffusers ? 0 : n, BLOCKS, x);
        n += BLOCKS;
        if (level + 1 == LEVELS) break;
        if (wan.diffusers)
            snprintf(prefix, sizeof(prefix), "decoder.up_blocks.%d.upsamplers.0", level);
        else
            snprintf(prefix, sizeof(prefix), "decoder.upsamples.%d", n);
        x = up(&wan, prefix, level < LEVELS_IN_TIME, x);
    }
    net->fps = 16;
    tsr_wan_finish(&wan, x, TSR_ORDER_CHANNELS);
}

/* Half the height and width; time: then every second frame, the first one as it is. */
static int32_t down(const tsr_wan *wan, const char *prefix, bool time, int32_t x)
{
    char name[TSR_BLOCK_NAME];
    tsr_block_name(name, prefix, "resample.1");
    tsr_conv_desc desc = tsr_block_describe(wan->net, wan->w, &wan->style, name, x, tsr_net_channels(wan->net, x), 1, 3);
    desc.stride = 2;
    desc.before = 0;
    x = tsr_block_add(wan->net, wan->w, &desc);
    if (!time) return x;
    tsr_block_name(name, prefix, "time_conv");
    desc = tsr_block_describe(wan->net, wan->w, &wan->style, name, x, tsr_net_channels(wan->net, x), 3, 1);
    desc.time_stride = 2;
    desc.first_alone = true;
    return tsr_block_add(wan->net, wan->w, &desc);
}

/* The last 1x1 convolution makes means and log variances of latents; latents are the means. */
static int32_t means(const tsr_wan *wan, int32_t x)
{
    tsr_conv_desc desc = {.name = wan->diffusers ? "quant_conv" : "conv1", .x = x, .residual = TSR_NONE};
    const int32_t both = tsr_net_channels(wan->net, x);
    if (wan->net->status == TSR_OK) desc.taps = tsr_weights_taps(wan->w, desc.name, both, both, 1, 1, 1, 1);
    if (desc.taps.w && both % 2 != 0)
        wan->w->status =
            tsr_fail(TSR_ERROR_FILE, "the weight file's tensor '%s%s.weight' has %d output channels; expected means and as many variances",
                     wan->w->prefix, desc.name, both);
    desc.taps.cout = both / 2;
    return tsr_block_add(wan->net, wan->w, &desc);
}

static void encoder(tsr_net *net, tsr_weights *w, const char *variant)
{
    tsr_wan wan = tsr_wan_open(net, w, "encoder", variant, 3);
    char name[TSR_BLOCK_NAME];
    const char *list = wan.diffusers ? "encoder.down_blocks." : "encoder.downsamples.";
    tsr_conv_desc desc = {.name = wan.diffusers ? "encoder.conv_in" : "encoder.conv1", .before = 1, .residual = TSR_NONE};
    if (net->status == TSR_OK) {
        desc.taps = tsr_weights_taps(w, desc.name, -1, -1, 3, 3, 3, 1);
        net->status = w->status;
    }
    desc.x = tsr_net_input(net, desc.taps.cin);
    int32_t x = tsr_block_add(net, w, &desc), n = 0;
    for (int level = 0; level < LEVELS; level++) {
        x = tsr_wan_level(&wan, list, n, BLOCKS - 1, x);
        n += BLOCKS - 1;
        if (level + 1 == LEVELS) break;
        snprintf(name, sizeof(name), "%s%d", list, n++);
        x = down(&wan, name, level >= LEVELS - 1 - LEVELS_IN_TIME, x);
    }
    desc = tsr_wan_head(&wan, name, tsr_wan_middle(&wan, x), -1);
    x = means(&wan, tsr_block_add(net, w, &desc));
    tsr_net_output(net, x);
    if (tsr_net_channels(net, x) == 16) tsr_net_latent(net, tsr_statistics_wan21_mean, tsr_statistics_wan21_std, 16, true);
    tsr_wan_close(&wan);
    net->fps = 16;
}

static const char *const signs[] = {"decoder.middle.0.residual.0.gamma|decoder.mid_block.resnets.0.norm1.gamma",
                                    "decoder.upsamples.0.residual.2.weight|decoder.up_blocks.0.upsamplers.0.resample.1.weight",
                                    "decoder.upsamples.3.time_conv.weight|decoder.up_blocks.0.upsamplers.0.time_conv.weight",
                                    "decoder.head.0.gamma|decoder.norm_out.gamma", NULL};

/* A file may hold the encoder alone. */
static bool fits(const tsr_weights *w)
{
    if (tsr_weights_has(w, "decoder.middle.0.residual.0.gamma")) return tsr_weights_has(w, "decoder.upsamples.0.residual.2.weight");
    if (tsr_weights_has(w, "decoder.mid_block.resnets.0.norm1.gamma"))
        return tsr_weights_has(w, "decoder.up_blocks.0.upsamplers.0.resample.1.weight");
    return tsr_weights_has(w, "encoder.downsamples.0.residual.2.weight") || tsr_weights_has(w, "encoder.down_blocks.0.norm1.gamma");
}

const tsr_family tsr_family_wan21 = {"wan2.1", signs, fits, decoder, encoder};
