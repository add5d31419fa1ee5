/* The "super" form of TAEHV: blocks of a depthwise 7x7 on this frame and the one before, and two 1x1; up-sampling by depth to space. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tae.h"

static bool fits(const tsr_weights *w)
{
    return tsr_weights_has(w, "decoder.22.bias") && tsr_weights_has(w, "decoder.0.weight") && tsr_weights_has(w, "decoder.1.conv.0.weight");
}

/* Taps of 2C channels of [x_t; x_t-1], each alone, as those of C groups of two outputs from two frames: this one's, and the one's before. */
static bool pair_channels(tsr_taps *taps)
{
    const size_t c = (size_t)taps->cout / 2, plane = (size_t)taps->kh * (size_t)taps->kw;
    float *w = calloc(4 * c * plane, sizeof(float));
    if (!w) return false;
    for (size_t i = 0; i < c; i++) {
        memcpy(w + (4 * i + 1) * plane, taps->w + i * plane, plane * sizeof(float));
        memcpy(w + (4 * i + 2) * plane, taps->w + (c + i) * plane, plane * sizeof(float));
    }
    free(taps->w);
    taps->w = w;
    taps->kt = 2;
    return true;
}

/* Input channel i of 2C, [x_t; x_t-1], is where pair_channels put it: 2 (i mod C) + i / C. */
static bool pair_inputs(tsr_taps *taps)
{
    const int32_t c = taps->cin / 2;
    float *w = malloc((size_t)taps->cout * (size_t)taps->cin * sizeof(float));
    if (!w) return false;
    for (int32_t o = 0; o < taps->cout; o++)
        for (int32_t i = 0; i < 2 * c; i++)
            w[(size_t)o * (size_t)taps->cin + (size_t)(2 * (i % c) + i / c)] = taps->w[(size_t)o * (size_t)taps->cin + (size_t)i];
    free(taps->w);
    taps->w = w;
    return true;
}

/* conv.3(ReLU(conv.1(conv.0([x_t; x_t-1])))) + x_t */
static int32_t block(tae *t, int32_t n, int32_t x)
{
    char name[3][64];
    if (tae_failed(t)) return TSR_NONE;
    const int32_t c = tsr_net_channels(t->net, x);
    for (int i = 0; i < 3; i++) snprintf(name[i], sizeof(name[i]), "%s%" PRId32 ".conv.%d", t->base, n, i + (i == 2));
    tsr_taps wide = tsr_weights_taps(t->w, name[0], 2 * c, 1, 1, 7, 7, 0), mix = tsr_weights_taps(t->w, name[1], 4 * c, 2 * c, 1, 1, 1, 1);
    if (wide.w && mix.w && !(pair_channels(&wide) && pair_inputs(&mix)))
        t->w->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the weights of layer '%s'", name[0]);
    int32_t y = tae_add(t, name[0], x, wide, (tsr_conv_desc){.groups = c, .residual = TSR_NONE});
    t->net->parameters -= y == TSR_NONE ? 0 : 2 * 49 * (uint64_t)c; /* half the taps are zeros that the file does not have */
    y = tae_add(t, name[1], y, mix, (tsr_conv_desc){.act = t->act, .residual = TSR_NONE});
    return tae_add(t, name[2], y, tsr_weights_taps(t->w, name[2], c, 4 * c, 1, 1, 1, 0), (tsr_conv_desc){.residual = x});
}

/* Layer n: 3x3, act, and depth to space of 2x2 pixels. */
static int32_t up(tae *t, int32_t n, int32_t x)
{
    char layer[16];
    snprintf(layer, sizeof(layer), "%" PRId32, n);
    const int64_t made = tsr_weights_extent(t->w, 0, "%s%s.weight", t->base, layer);
    if (!tae_failed(t) && made % 4 != 0)
        t->w->status = tsr_fail(TSR_ERROR_FILE, "the weight file's tensor '%s%s%s.weight' makes %" PRId64 " channels; expected a multiple of 4",
                                t->w->prefix, t->base, layer, made);
    return tae_conv(t, layer, x, -1, 3, 1, (tsr_conv_desc){.shuffle = 2, .order = TSR_ORDER_CHANNELS, .act = t->act, .residual = TSR_NONE});
}

static void decoder(tsr_net *net, tsr_weights *w, const char *variant)
{
    tae t = {net, w, "decoder.", TSR_ACT_RELU};
    const int32_t channels = (int32_t)tsr_weights_extent(w, 1, "decoder.0.weight");
    const tae_variant *v = tae_variant_of(w, variant, channels);
    if (!v) return;
    int32_t widths[4], grow = 1;
    int32_t x = tae_conv(&t, "0", tsr_net_input(net, channels), -1, 1, 0, (tsr_conv_desc){.residual = TSR_NONE});
    for (int32_t level = 0, n = 1; level < 3; level++, n += 7) { /* three blocks; 3x3; ReLU; depth to space; grow */
        widths[level] = tsr_net_channels(net, x);
        for (int32_t i = 0; i < 3; i++) x = block(&t, n + i, x);
        x = up(&t, n + 3, x);
        x = tae_grow(&t, n + 6, x, &grow);
    }
    widths[3] = tsr_net_channels(net, x);
    tsr_net_output(net, tae_last(&t, x));
    tae_shown(net, v, channels, grow);
    snprintf(net->variant, sizeof(net->variant), "%" PRId32 ",%" PRId32 ",%" PRId32 ",%" PRId32, widths[0], widths[1], widths[2], widths[3]);
    if (!tae_failed(&t)) w->status = tsr_weights_all_used(w, t.base);
}

static const char *const signs[] = {"decoder.1.conv.3.weight", "decoder.0.weight",  "decoder.1.conv.0.weight",
                                    "decoder.7.conv.weight",   "decoder.22.weight", NULL};

const tsr_family tsr_family_taehv_super = {"taehv_super", signs, fits, decoder, tae_encoder};
