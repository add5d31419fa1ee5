/* The encoders of Wan 2.2 5B and of Qwen-Image 2.1: as Wan 2.1's, with a shortcut of averages around each level. */
#include <stdio.h>
#include <stdlib.h>

#include "statistics.h"
#include "wan.h"

enum { BLOCKS = 2 };

typedef struct model {
    int levels, patch;
    bool image; /* of single images: the last of the frames that are averaged is the image, the others are zero */
} model;

/* Of rt frames of r x r pixels of cin channels, in this order from within: averages of so many as make cout channels. */
static tsr_taps averages(tsr_weights *w, const char *prefix, int32_t cin, int32_t cout, int32_t rt, int32_t r, bool last_frame)
{
    tsr_taps none = {0}, t = {.cout = cout, .cin = cin, .kt = last_frame ? 1 : rt, .kh = r, .kw = r};
    const int32_t parts = rt * r * r, first = last_frame ? rt - 1 : 0;
    if (w->status != TSR_OK || cout < 1) return none;
    const int64_t all = (int64_t)cin * parts, group = all / cout;
    if (all % cout != 0) {
        w->status = tsr_fail(TSR_ERROR_FILE, "the weight file's level '%s%s' makes %d channels of %d; expected a divisor of %lld", w->prefix, prefix,
                             cout, cin, (long long)all);
        return none;
    }
    t.w = calloc((size_t)cout * (size_t)cin * (size_t)(t.kt * r * r), sizeof(float));
    if (!t.w) w->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the averages of level '%s%s'", w->prefix, prefix);
    for (int64_t c = 0; t.w && c < cin; c++)
        for (int64_t it = first; it < rt; it++)
            for (int64_t pixel = 0; pixel < r * r; pixel++) {
                const int64_t o = ((c * rt + it) * r * r + pixel) / group;
                t.w[((o * cin + c) * t.kt + it - first) * r * r + pixel] = 1.0f / (float)group;
            }
    return t;
}

/* The level's result and averages of its input. They are no weights of the file. */
static int32_t around(const tsr_wan *wan, const model *m, const char *prefix, int32_t input, int32_t x, int32_t rt, int32_t r)
{
    tsr_net *net = wan->net;
    const uint64_t parameters = net->parameters;
    tsr_conv_desc desc = {.name = prefix, .x = input, .stride = r, .residual = x, .time_stride = m->image ? 1 : rt, .first_short = true};
    desc.taps = averages(wan->w, prefix, tsr_net_channels(net, input), tsr_net_channels(net, x), rt, r, m->image);
    x = tsr_block_add(net, wan->w, &desc);
    net->parameters = parameters;
    return x;
}

static void build(tsr_wan *wan, const model *m, const float *mean, const float *std, int32_t z)
{
    char prefix[TSR_BLOCK_NAME], level_name[TSR_BLOCK_NAME];
    int32_t x = tsr_wan_pixels(wan, m->patch);
    for (int level = 0; level < m->levels; level++) {
        const int32_t input = x;
        const bool down = level + 1 < m->levels, time = down && level > 0;
        snprintf(prefix, sizeof(prefix), wan->diffusers ? "encoder.down_blocks.%d.resnets." : "encoder.downsamples.%d.downsamples.", level);
        snprintf(level_name, sizeof(level_name), wan->diffusers ? "encoder.down_blocks.%d" : "encoder.downsamples.%d", level);
        x = tsr_wan_level(wan, prefix, 0, BLOCKS, x);
        snprintf(prefix, sizeof(prefix), wan->diffusers ? "encoder.down_blocks.%d.downsampler" : "encoder.downsamples.%d.downsamples.2", level);
        if (down) x = tsr_wan_down(wan, prefix, x);
        if (time && m->image) tsr_weights_skip(wan->w, "%s.time_conv.weight", prefix), tsr_weights_skip(wan->w, "%s.time_conv.bias", prefix);
        if (time && !m->image) x = tsr_wan_down_time(wan, prefix, x);
        x = around(wan, m, level_name, input, x, time ? 2 : 1, down ? 2 : 1);
    }
    tsr_wan_latents(wan, x, mean, std, z);
}

void tsr_wan22_encoder(tsr_net *net, tsr_weights *w, const char *variant)
{
    tsr_wan wan = tsr_wan_open(net, w, "encoder", variant, 3);
    net->fps = 24;
    build(&wan, &(model){4, 2, false}, tsr_statistics_wan22_mean, tsr_statistics_wan22_std, 48);
}

void tsr_qwen21_encoder(tsr_net *net, tsr_weights *w, const char *variant)
{
    tsr_wan wan = tsr_wan_open(net, w, "encoder", variant, 1);
    net->fps = 1;
    build(&wan, &(model){5, 1, true}, tsr_statistics_qwen21_mean, tsr_statistics_qwen21_std, 64);
}
