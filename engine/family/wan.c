/* What the decoders and encoders of the Wan line share. */
#include "wan.h"

#include <stdio.h>
#include <string.h>

tsr_wan tsr_wan_open(tsr_net *net, tsr_weights *w, const char *half, const char *variant, int32_t kt)
{
    tsr_wan wan = {.net = net, .w = w, .half = half, .style = {.norm = TSR_NORM_L2, .scale = "gamma", .kt = kt, .act = TSR_ACT_SILU}};
    tsr_block_style *style = &wan.style;
    if (variant && net->status == TSR_OK)
        net->status = tsr_fail(TSR_ERROR_ARGUMENT, "argument desc.variant is '%s'; family '%s' has none", variant, net->family);
    wan.diffusers = !tsr_weights_has(w, "%s.conv1.weight", half) && !tsr_weights_has(w, "%s.middle.0.residual.0.gamma", half) &&
                    (tsr_weights_has(w, "%s.conv_in.weight", half) || tsr_weights_has(w, "%s.mid_block.resnets.0.norm1.gamma", half) ||
                     tsr_weights_has(w, "%s.norm_out.gamma", half));
    style->norm1 = wan.diffusers ? "norm1" : "residual.0";
    style->conv1 = wan.diffusers ? "conv1" : "residual.2";
    style->norm2 = wan.diffusers ? "norm2" : "residual.3";
    style->conv2 = wan.diffusers ? "conv2" : "residual.6";
    style->shortcut = wan.diffusers ? "conv_shortcut" : "shortcut";
    style->attend_norm = "norm";
    style->qkv[0] = "to_qkv";
    style->out = "proj";
    return wan;
}

int32_t tsr_wan_middle(const tsr_wan *wan, int32_t x)
{
    static const char *const original[] = {"middle.0", "middle.1", "middle.2"};
    static const char *const diffusers[] = {"mid_block.resnets.0", "mid_block.attentions.0", "mid_block.resnets.1"};
    const char *const *parts = wan->diffusers ? diffusers : original;
    char name[TSR_BLOCK_NAME];
    const int32_t width = tsr_net_channels(wan->net, x);
    tsr_block_name(name, wan->half, parts[0]);
    x = tsr_block_res(wan->net, wan->w, &wan->style, name, x, width);
    tsr_block_name(name, wan->half, parts[1]);
    x = tsr_block_attend(wan->net, wan->w, &wan->style, name, x);
    tsr_block_name(name, wan->half, parts[2]);
    return tsr_block_res(wan->net, wan->w, &wan->style, name, x, width);
}

int32_t tsr_wan_start(tsr_wan *wan, const float *mean, const float *std, int32_t z)
{
    tsr_net *net = wan->net;
    char name[TSR_BLOCK_NAME];
    tsr_conv_desc desc = {.name = wan->diffusers ? "post_quant_conv" : "conv2", .residual = TSR_NONE};
    if (net->status == TSR_OK) {
        desc.taps = tsr_weights_taps(wan->w, desc.name, -1, -1, 1, 1, 1, 1);
        net->status = wan->w->status;
    }
    const int32_t channels = desc.taps.cin;
    desc.x = tsr_net_input(net, channels);
    if (channels == z) tsr_net_latent(net, mean, std, z, true);
    tsr_block_name(name, wan->half, wan->diffusers ? "conv_in" : "conv1");
    const int32_t x = tsr_block_add(net, wan->w, &desc);
    return tsr_wan_middle(wan, tsr_block_conv(net, wan->w, &wan->style, name, x, -1, wan->style.kt, 3, TSR_NONE));
}

int32_t tsr_wan_level(tsr_wan *wan, const char *prefix, int32_t first, int32_t n, int32_t x)
{
    char name[TSR_BLOCK_NAME + 16];
    int32_t width = -1;
    for (int32_t i = first; i < first + n; i++) {
        snprintf(name, sizeof(name), "%s%d", prefix, i);
        x = tsr_block_res(wan->net, wan->w, &wan->style, name, x, width);
        width = tsr_net_channels(wan->net, x);
    }
    char widths[sizeof(wan->widths)];
    snprintf(widths, sizeof(widths), "%s", wan->widths);
    if (widths[0] == '\0')
        snprintf(wan->widths, sizeof(wan->widths), "%d", width);
    else if (strcmp(wan->half, "decoder") == 0)
        snprintf(wan->widths, sizeof(wan->widths), "%d,%.40s", width, widths);
    else
        snprintf(wan->widths, sizeof(wan->widths), "%.40s,%d", widths, width);
    return x;
}

int32_t tsr_wan_up_time(const tsr_wan *wan, const char *prefix, int32_t x)
{
    char name[TSR_BLOCK_NAME];
    tsr_block_name(name, prefix, "time_conv");
    tsr_conv_desc desc = tsr_block_describe(wan->net, wan->w, &wan->style, name, x, 2 * tsr_net_channels(wan->net, x), 3, 1);
    desc.from = 1;
    desc.rt = 2;
    desc.order = TSR_ORDER_BLOCKS;
    desc.first = TSR_FIRST_COPY;
    return tsr_block_add(wan->net, wan->w, &desc);
}

tsr_conv_desc tsr_wan_head(const tsr_wan *wan, char name[TSR_BLOCK_NAME], int32_t x, int32_t cout)
{
    tsr_block_name(name, wan->half, wan->diffusers ? "norm_out" : "head.0");
    x = tsr_block_norm(wan->net, wan->w, &wan->style, name, x, wan->style.act);
    tsr_block_name(name, wan->half, wan->diffusers ? "conv_out" : "head.2");
    return tsr_block_describe(wan->net, wan->w, &wan->style, name, x, cout, wan->style.kt, 3);
}

void tsr_wan_close(tsr_wan *wan)
{
    char section[TSR_BLOCK_NAME];
    tsr_net *net = wan->net;
    tsr_block_name(section, wan->half, "");
    if (net->status == TSR_OK) net->status = tsr_weights_all_used(wan->w, section);
    net->out_scale = net->out_shift = 0.5f;
    snprintf(net->variant, sizeof(net->variant), "%s", wan->widths);
}

void tsr_wan_finish(tsr_wan *wan, int32_t x, tsr_order order)
{
    tsr_net *net = wan->net;
    char name[TSR_BLOCK_NAME];
    tsr_conv_desc desc = tsr_wan_head(wan, name, x, -1);
    const int32_t cout = desc.taps.cout;
    desc.order = order;
    for (desc.shuffle = 1; desc.shuffle < 4 && 3 * desc.shuffle * desc.shuffle < cout; desc.shuffle++) continue;
    if (cout == 4) desc.shuffle = 1;
    if (desc.taps.w && cout != 4 && cout != 3 * desc.shuffle * desc.shuffle)
        wan->w->status = tsr_fail(TSR_ERROR_FILE, "the weight file's tensor '%s%s.weight' has %d output channels; expected 4, or 3 times a square",
                                  wan->w->prefix, name, cout);
    net->blend = desc.shuffle;
    tsr_net_output(net, tsr_block_add(net, wan->w, &desc));
    tsr_wan_close(wan);
}
