/* Blocks of layers that families share. */
#include "blocks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tsr_block_name(char name[TSR_BLOCK_NAME], const char *prefix, const char *suffix) { snprintf(name, TSR_BLOCK_NAME, "%s.%s", prefix, suffix); }

tsr_conv_desc tsr_block_describe(tsr_net *net, tsr_weights *w, const tsr_block_style *style, const char *name, int32_t x, int32_t cout, int32_t kt,
                                 int32_t k)
{
    tsr_conv_desc desc = {.name = name, .x = x, .before = k / 2, .edge = style->edge, .past = style->past, .residual = TSR_NONE};
    if (net->status == TSR_OK) desc.taps = tsr_weights_taps(w, name, cout, tsr_net_channels(net, x), kt, k, k, 1);
    desc.ahead = desc.taps.kt > 1 ? style->ahead : 0;
    return desc;
}

int32_t tsr_block_add(tsr_net *net, tsr_weights *w, const tsr_conv_desc *desc)
{
    if (net->status == TSR_OK) net->status = w->status;
    return tsr_net_conv(net, desc);
}

int32_t tsr_block_conv(tsr_net *net, tsr_weights *w, const tsr_block_style *style, const char *name, int32_t x, int32_t cout, int32_t kt, int32_t k,
                       int32_t residual)
{
    tsr_conv_desc desc = tsr_block_describe(net, w, style, name, x, cout, kt, k);
    desc.residual = residual;
    return tsr_block_add(net, w, &desc);
}

/* The norm described, with the tensors of its name. */
static int32_t add_norm(tsr_net *net, tsr_weights *w, tsr_norm_desc desc, const char *scale, const char *shift)
{
    char name[TSR_BLOCK_NAME];
    const int32_t channels = tsr_net_channels(net, desc.x);
    if (net->status == TSR_OK && scale) {
        tsr_block_name(name, desc.name, scale);
        desc.scale = tsr_weights_vector(w, name, channels);
    }
    if (net->status == TSR_OK && shift) {
        tsr_block_name(name, desc.name, shift);
        desc.shift = tsr_weights_vector(w, name, channels);
    }
    if (net->status == TSR_OK) net->status = w->status;
    return tsr_net_norm(net, &desc);
}

int32_t tsr_block_norm(tsr_net *net, tsr_weights *w, const tsr_block_style *style, const char *name, int32_t x, tsr_act act)
{
    if (style->custom_norm) return style->custom_norm(net, w, style, name, x, act);
    const tsr_norm_desc desc = {.name = name,
                                .x = x,
                                .kind = style->norm,
                                .eps = style->eps,
                                .groups = style->groups,
                                .scope = style->scope,
                                .modulation = TSR_NONE,
                                .act = act};
    return add_norm(net, w, desc, style->scale, style->shift);
}

/* What is added to a residual block's result of cout channels. */
static int32_t shortcut(tsr_net *net, tsr_weights *w, const tsr_block_style *style, const char *prefix, int32_t x, int32_t cout)
{
    char name[TSR_BLOCK_NAME];
    if (tsr_net_channels(net, x) == cout) return x;
    if (style->shortcut_norm) {
        tsr_block_name(name, prefix, style->shortcut_norm);
        const tsr_norm_desc desc = {.name = name, .x = x, .kind = TSR_NORM_LAYER, .eps = 1e-6f, .modulation = TSR_NONE};
        x = add_norm(net, w, desc, "weight", "bias");
    }
    tsr_block_name(name, prefix, style->shortcut);
    return tsr_block_conv(net, w, style, name, x, cout, 1, 1, TSR_NONE);
}

int32_t tsr_block_res(tsr_net *net, tsr_weights *w, const tsr_block_style *style, const char *prefix, int32_t x, int32_t cout)
{
    char name[TSR_BLOCK_NAME];
    tsr_block_name(name, prefix, style->norm1);
    int32_t y = tsr_block_norm(net, w, style, name, x, style->act);
    tsr_block_name(name, prefix, style->conv1);
    y = tsr_block_conv(net, w, style, name, y, cout, style->kt, 3, TSR_NONE);
    cout = tsr_net_channels(net, y);
    tsr_block_name(name, prefix, style->norm2);
    y = tsr_block_norm(net, w, style, name, y, style->act);
    const int32_t skip = shortcut(net, w, style, prefix, x, cout);
    tsr_block_name(name, prefix, style->conv2);
    return tsr_block_conv(net, w, style, name, y, cout, style->kt, 3, skip);
}

tsr_taps tsr_block_join(tsr_weights *w, tsr_taps *parts, int32_t count)
{
    const size_t n = (size_t)parts[0].cout, size = n * (size_t)parts[0].cin, times = (size_t)count;
    tsr_taps all = parts[0];
    bool whole = true;
    for (size_t i = 0; i < times; i++) whole = whole && parts[i].w;
    all.cout *= count;
    all.w = all.bias = NULL;
    if (whole) {
        all.w = malloc(times * size * sizeof(float));
        all.bias = malloc(times * n * sizeof(float));
        if (!all.w || !all.bias) {
            w->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %zu values of joined weights", times * size);
            tsr_taps_free(&all);
        }
    }
    for (size_t i = 0; i < times; i++) {
        if (all.w) {
            memcpy(all.w + i * size, parts[i].w, size * sizeof(float));
            memcpy(all.bias + i * n, parts[i].bias, n * sizeof(float));
        }
        tsr_taps_free(&parts[i]);
    }
    return all;
}

int32_t tsr_block_attend(tsr_net *net, tsr_weights *w, const tsr_block_style *style, const char *prefix, int32_t x)
{
    char name[TSR_BLOCK_NAME];
    const int32_t channels = tsr_net_channels(net, x);
    tsr_block_name(name, prefix, style->attend_norm);
    const int32_t y = tsr_block_norm(net, w, style, name, x, TSR_ACT_NONE);
    tsr_block_name(name, prefix, style->qkv[0]);
    tsr_conv_desc desc = tsr_block_describe(net, w, style, name, y, style->qkv[1] ? channels : 3 * channels, 1, 1);
    if (style->qkv[1] && net->status == TSR_OK) {
        tsr_taps part[3] = {desc.taps};
        for (int i = 1; i < 3; i++) {
            char other[TSR_BLOCK_NAME];
            tsr_block_name(other, prefix, style->qkv[i]);
            part[i] = tsr_weights_taps(w, other, channels, channels, 1, 1, 1, 1);
        }
        desc.taps = tsr_block_join(w, part, 3);
    }
    const tsr_attend_desc attend = {.name = prefix, .x = tsr_block_add(net, w, &desc), .history = style->history};
    tsr_block_name(name, prefix, style->out);
    return tsr_block_conv(net, w, style, name, tsr_net_attend(net, &attend), channels, 1, 1, x);
}
