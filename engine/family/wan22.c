/* The decoders of Wan 2.2 5B, of its narrower prunes, and of Qwen-Image 2.1: as Wan 2.1's, with a shortcut of duplicated channels around each level.
 */
#include <stdio.h>
#include <stdlib.h>

#include "family.h"
#include "statistics.h"
#include "wan.h"

enum { BLOCKS = 3, FRAMES_IN_TIME = 2 };

typedef struct model {
    int levels, levels_in_time;
    bool image; /* of single images: time is doubled by no convolution, and the last of the frames is shown */
} model;

/* Of rt frames of 2x2 pixels of cout channels, made of cin: which channel is duplicated, [rt][2][2][cout], from frame first on. */
static int32_t *duplicates(tsr_weights *w, const char *name, int32_t cin, int32_t cout, int32_t rt, int32_t first)
{
    const int64_t all = (int64_t)cout * rt * 4;
    if (w->status != TSR_OK || cin < 1) return NULL;
    if (all % cin != 0) {
        w->status = tsr_fail(TSR_ERROR_FILE, "the weight file's tensor '%s%s.weight' has %d output channels; expected %d of them a multiple of %d",
                             w->prefix, name, cout, 4 * rt, cin);
        return NULL;
    }
    int32_t *from = malloc((size_t)all * sizeof(*from));
    if (!from) w->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a table of %lld channels", (long long)all);
    for (int32_t it = first; from && it < rt; it++)
        for (int32_t pixel = 0; pixel < 4; pixel++)
            for (int32_t c = 0; c < cout; c++)
                from[((int64_t)(it - first) * 4 + pixel) * cout + c] = (int32_t)((((int64_t)c * rt + it) * 4 + pixel) / (all / cin));
    return from;
}

/* x, the level's result at its input's size, up-sampled, and the level's input duplicated. */
static int32_t up(const tsr_wan *wan, const model *m, const char *prefix, bool time, int32_t x, int32_t input)
{
    char name[TSR_BLOCK_NAME];
    tsr_net *net = wan->net;
    const int32_t rt = time ? FRAMES_IN_TIME : 1;
    if (time && !m->image) x = tsr_wan_up_time(wan, prefix, x);
    if (time && m->image) tsr_weights_skip(wan->w, "%s.time_conv.weight", prefix), tsr_weights_skip(wan->w, "%s.time_conv.bias", prefix);
    tsr_block_name(name, prefix, "resample.1");
    tsr_conv_desc desc = tsr_block_describe(net, wan->w, &wan->style, name, x, -1, 1, 3);
    desc.up = true;
    desc.residual = input;
    int32_t *from = duplicates(wan->w, name, tsr_net_channels(net, input), desc.taps.cout, rt, m->image ? rt - 1 : 0);
    desc.residual_from = from;
    desc.residual_rt = m->image ? 1 : rt;
    x = tsr_block_add(net, wan->w, &desc);
    free(from);
    return x;
}

static void build(tsr_wan *wan, const model *m, int32_t x)
{
    char prefix[TSR_BLOCK_NAME];
    for (int level = 0; level < m->levels; level++) {
        const int32_t input = x;
        snprintf(prefix, sizeof(prefix), wan->diffusers ? "decoder.up_blocks.%d.resnets." : "decoder.upsamples.%d.upsamples.", level);
        x = tsr_wan_level(wan, prefix, 0, BLOCKS, x);
        if (level + 1 == m->levels) break;
        snprintf(prefix, sizeof(prefix), wan->diffusers ? "decoder.up_blocks.%d.upsampler" : "decoder.upsamples.%d.upsamples.3", level);
        x = up(wan, m, prefix, level < m->levels_in_time, x, input);
    }
    tsr_wan_finish(wan, x, TSR_ORDER_COLUMNS);
}

static void decoder(tsr_net *net, tsr_weights *w, const char *variant)
{
    tsr_wan wan = tsr_wan_open(net, w, "decoder", variant, 3);
    net->fps = 24;
    build(&wan, &(model){4, 2, false}, tsr_wan_start(&wan, tsr_statistics_wan22_mean, tsr_statistics_wan22_std, 48));
}

static void image_decoder(tsr_net *net, tsr_weights *w, const char *variant)
{
    tsr_wan wan = tsr_wan_open(net, w, "decoder", variant, 1);
    net->fps = 1;
    build(&wan, &(model){5, 3, true}, tsr_wan_start(&wan, tsr_statistics_qwen21_mean, tsr_statistics_qwen21_std, 64));
}

static const char *const signs[] = {"decoder.upsamples.0.upsamples.0.residual.2.weight|decoder.up_blocks.0.upsampler.resample.1.weight",
                                    "decoder.middle.0.residual.0.gamma|decoder.mid_block.resnets.0.norm1.gamma",
                                    "decoder.upsamples.0.upsamples.3.time_conv.weight|decoder.up_blocks.0.upsampler.time_conv.weight",
                                    "decoder.head.0.gamma|decoder.norm_out.gamma", NULL};

static const char *const image_signs[] = {"decoder.upsamples.4.upsamples.0.residual.2.weight|decoder.up_blocks.4.resnets.0.conv1.weight",
                                          "decoder.upsamples.0.upsamples.0.residual.2.weight|decoder.up_blocks.0.upsampler.resample.1.weight",
                                          "decoder.middle.0.residual.0.gamma|decoder.mid_block.resnets.0.norm1.gamma",
                                          "decoder.head.0.gamma|decoder.norm_out.gamma", NULL};

/* A file may hold the encoder alone. */
static bool fits(const tsr_weights *w)
{
    return tsr_weights_has(w, "decoder.upsamples.0.upsamples.0.residual.2.weight") ||
           tsr_weights_has(w, "encoder.downsamples.0.downsamples.0.residual.2.weight") ||
           (tsr_weights_has(w, "decoder.mid_block.resnets.0.norm1.gamma") && tsr_weights_has(w, "decoder.up_blocks.0.upsampler.resample.1.weight")) ||
           (tsr_weights_has(w, "encoder.down_blocks.0.resnets.0.norm1.gamma") && tsr_weights_has(w, "encoder.down_blocks.0.resnets.0.conv1.weight"));
}

/* It has a level more. */
static bool image_fits(const tsr_weights *w)
{
    return fits(w) && (tsr_weights_has(w, "decoder.upsamples.4.upsamples.0.residual.2.weight") ||
                       tsr_weights_has(w, "decoder.up_blocks.4.resnets.0.conv1.weight") ||
                       tsr_weights_has(w, "encoder.downsamples.4.downsamples.0.residual.2.weight") ||
                       tsr_weights_has(w, "encoder.down_blocks.4.resnets.0.conv1.weight"));
}

const tsr_family tsr_family_wan22 = {"wan2.2", signs, fits, decoder, tsr_wan22_encoder};
const tsr_family tsr_family_qwen21 = {"qwen-image-2.1", image_signs, image_fits, image_decoder, tsr_qwen21_encoder};
