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

static void encoder(tsr_net *net, tsr_weights *w, const char *variant)
{
    tsr_wan wan = tsr_wan_open(net, w, "encoder", variant, 3);
    char name[TSR_BLOCK_NAME];
    const char *list = wan.diffusers ? "encoder.down_blocks." : "encoder.downsamples.";
    int32_t x = tsr_wan_pixels(&wan, 1);
    for (int level = 0, n = 0; level < LEVELS; level++, n++) {
        x = tsr_wan_level(&wan, list, n, BLOCKS - 1, x);
        n += BLOCKS - 1;
        if (level + 1 == LEVELS) break;
        snprintf(name, sizeof(name), "%s%d", list, n);
        x = tsr_wan_down(&wan, name, x);
        if (level >= LEVELS - 1 - LEVELS_IN_TIME) x = tsr_wan_down_time(&wan, name, x);
    }
    net->fps = 16;
    tsr_wan_latents(&wan, x, tsr_statistics_wan21_mean, tsr_statistics_wan21_std, 16);
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
