/* Layers that the tiny autoencoders share. */
#include "tae.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool tae_failed(const tae *t) { return t->net->status != TSR_OK || t->w->status != TSR_OK; }

int32_t tae_add(tae *t, const char *name, int32_t x, tsr_taps taps, tsr_conv_desc desc)
{
    if (tae_failed(t)) {
        tsr_taps_free(&taps);
        return TSR_NONE;
    }
    desc.name = name;
    desc.taps = taps;
    desc.x = x;
    desc.before = taps.kh % 2 == 1 ? taps.kh / 2 : 0;
    return tsr_net_conv(t->net, &desc);
}

static int32_t inputs_of_group(const tae *t, int32_t x, const tsr_conv_desc *desc)
{
    return tsr_net_channels(t->net, x) / (desc->groups > 0 ? desc->groups : 1);
}

int32_t tae_conv(tae *t, const char *layer, int32_t x, int32_t cout, int32_t k, int bias, tsr_conv_desc desc)
{
    char name[96];
    if (tae_failed(t)) return TSR_NONE;
    snprintf(name, sizeof(name), "%s%s", t->base, layer);
    return tae_add(t, name, x, tsr_weights_taps(t->w, name, cout, inputs_of_group(t, x, &desc), 1, k, k, bias), desc);
}

/* [cout][kt cin][k][k] to [cout][cin][kt][k][k], oldest frame first. */
static bool part_frames(tsr_taps *taps, int32_t kt, bool newest_first)
{
    const int32_t cin = taps->cin / kt;
    const size_t plane = (size_t)taps->kh * (size_t)taps->kw;
    float *w = malloc((size_t)taps->cout * (size_t)taps->cin * plane * sizeof(float));
    if (!w) return false;
    for (int32_t o = 0; o < taps->cout; o++)
        for (int32_t f = 0; f < kt; f++)
            for (int32_t c = 0; c < cin; c++) {
                const int32_t t = newest_first ? kt - 1 - f : f;
                memcpy(w + (((size_t)o * (size_t)cin + (size_t)c) * (size_t)kt + (size_t)t) * plane,
                       taps->w + ((size_t)o * (size_t)taps->cin + (size_t)(f * cin + c)) * plane, plane * sizeof(float));
            }
    free(taps->w);
    taps->w = w;
    taps->cin = cin;
    taps->kt = kt;
    return true;
}

int32_t tae_conv_frames(tae *t, const char *layer, int32_t x, int32_t cout, int32_t kt, bool newest_first, int32_t k, int bias, tsr_conv_desc desc)
{
    char name[96];
    if (tae_failed(t)) return TSR_NONE;
    snprintf(name, sizeof(name), "%s%s", t->base, layer);
    tsr_taps taps = tsr_weights_taps(t->w, name, cout, kt * tsr_net_channels(t->net, x), 1, k, k, bias);
    if (taps.w && !part_frames(&taps, kt, newest_first))
        t->w->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the weights of layer '%s'", name);
    return tae_add(t, name, x, taps, desc);
}

int32_t tae_block(tae *t, int32_t n, int32_t x, bool memory)
{
    char layer[3][32];
    const int32_t c = tsr_net_channels(t->net, x);
    for (int i = 0; i < 3; i++) snprintf(layer[i], sizeof(layer[i]), "%" PRId32 ".conv.%d", n, 2 * i);
    const tsr_conv_desc plain = {.act = t->act, .residual = TSR_NONE};
    int32_t y = tae_conv_frames(t, layer[0], x, c, memory ? 2 : 1, true, 3, 1, plain);
    y = tae_conv(t, layer[1], y, c, 3, 1, plain);
    return tae_conv(t, layer[2], y, c, 3, 1, (tsr_conv_desc){.act = t->act, .residual = x});
}

static int32_t wide_block(tae *t, int32_t n, int32_t x)
{
    int32_t y = x;
    const int32_t c = tsr_net_channels(t->net, x);
    for (int i = 0; i < 4 && !tae_failed(t); i++) {
        char layer[32];
        snprintf(layer, sizeof(layer), "%" PRId32 ".conv.%d", n, 2 * i);
        tsr_conv_desc desc = {.act = t->act, .residual = i == 3 ? x : TSR_NONE};
        if (i % 2 == 0) {
            y = tae_conv_frames(t, layer, y, c, i == 0 ? 2 : 1, true, 1, 1, desc);
            continue;
        }
        const int64_t of_group = tsr_weights_extent(t->w, 1, "%s%s.weight", t->base, layer);
        if (of_group < 1 || of_group > c || c % of_group != 0) {
            t->w->status =
                tsr_fail(TSR_ERROR_FILE, "the weight file's tensor '%s%s%s.weight' reads %" PRId64 " channels; expected a divisor of %" PRId32,
                         t->w->prefix, t->base, layer, of_group, c);
            break;
        }
        desc.groups = (int32_t)(c / of_group);
        y = tae_conv(t, layer, y, c, 3, 1, desc);
    }
    return tae_failed(t) ? TSR_NONE : y;
}

int32_t tae_blocks(tae *t, int32_t n, int32_t x)
{
    for (int32_t i = n; i < n + 3; i++)
        x = tsr_weights_has(t->w, "%s%" PRId32 ".conv.6.weight", t->base, i) ? wide_block(t, i, x) : tae_block(t, i, x, true);
    return x;
}

int32_t tae_grow(tae *t, int32_t n, int32_t x, int32_t *grow)
{
    char layer[32];
    if (tae_failed(t)) return TSR_NONE;
    snprintf(layer, sizeof(layer), "%" PRId32 ".conv", n);
    const int32_t c = tsr_net_channels(t->net, x);
    const int64_t made = tsr_weights_extent(t->w, 0, "%s%s.weight", t->base, layer);
    if (made != c && made != 2 * (int64_t)c && made > 0) {
        t->w->status =
            tsr_fail(TSR_ERROR_FILE, "the weight file's tensor '%s%s%s.weight' makes %" PRId64 " channels; expected %" PRId32 " or twice as many",
                     t->w->prefix, t->base, layer, made, c);
        return TSR_NONE;
    }
    const int32_t s = made == c ? 1 : 2;
    *grow *= s;
    return tae_conv(t, layer, x, s * c, 1, 0, (tsr_conv_desc){.rt = s, .order = TSR_ORDER_BLOCKS, .residual = TSR_NONE});
}

int32_t tae_patch(tae *t, const char *layer, uint32_t axis)
{
    const int64_t channels = tsr_weights_extent(t->w, axis, "%s%s.weight", t->base, layer);
    for (int32_t p = 1; p <= 8 && !tae_failed(t); p *= 2)
        if (channels == 3 * p * p) return p;
    if (tae_failed(t)) return 0;
    t->w->status = channels < 1 ? tsr_fail(TSR_ERROR_FILE, "the weight file lacks the tensor '%s%s%s.weight'", t->w->prefix, t->base, layer)
                                : tsr_fail(TSR_ERROR_FILE,
                                           "the weight file's tensor '%s%s%s.weight' has %" PRId64 " channels of pixels; expected 3, 12, 48 or 192",
                                           t->w->prefix, t->base, layer, channels);
    return 0;
}

int32_t tae_last(tae *t, int32_t x)
{
    const int32_t p = tae_patch(t, "22", 0);
    return tae_conv(t, "22", x, 3 * p * p, 3, 1, (tsr_conv_desc){.shuffle = p, .order = TSR_ORDER_CHANNELS, .residual = TSR_NONE});
}
