/* LTX-Video 0.9 to LTX-2.5 (convolutions): no layer is causal, and norms that have no weights are modulated by a constant time step. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "family.h"
#include "ltx.h"

/* What all layers are built with. */
typedef struct builder {
    tsr_net *net;
    tsr_weights *w;
    tsr_ltx ltx;
} builder;

static const float latent_noise = 0.025f;

/* What every convolution of 3x3x3 has. */
static tsr_conv_desc conv3(const builder *b, const char *name, int32_t x, int32_t cout)
{
    const tsr_taps taps = tsr_weights_taps(b->w, name, cout, tsr_net_channels(b->net, x), 3, 3, 3, 1);
    return (tsr_conv_desc){.name = name,
                           .taps = taps,
                           .x = x,
                           .before = 1,
                           .edge = b->ltx.edge,
                           .past = TSR_EDGE_REPLICATE,
                           .ahead = b->ltx.causal ? 0 : 1,
                           .residual = TSR_NONE};
}

/* The embedded time step, n values; its weights are in what the net tells of its size. */
static float *embed(const builder *b, const char *name, int32_t n)
{
    float *time = tsr_ltx_time(&b->ltx, b->w, name, n);
    if (time) b->net->parameters += (uint64_t)n * (2 * LTX_WAVES + 1) + (uint64_t)n * ((uint64_t)n + 1);
    return time;
}

/* The norm without weights, modulated where there is a time step, and SiLU. */
static int32_t norm(const builder *b, const char *name, int32_t x, const float *time, const char *table, int32_t pairs, int32_t pair)
{
    tsr_norm_desc desc = {.name = name, .x = x, .kind = TSR_NORM_RMS, .eps = 1e-8f, .modulation = TSR_NONE, .act = TSR_ACT_SILU};
    tsr_ltx_modulate(b->w, time, table, pairs, pair, tsr_net_channels(b->net, x), &desc);
    return tsr_net_norm(b->net, &desc);
}

/* The input of a resnet that changes the width. */
static int32_t shortcut(const builder *b, const char *name, int32_t x, int32_t cout)
{
    char full[128];
    const bool nested = tsr_weights_has(b->w, "%s.norm3.norm.weight", name);
    const int32_t cin = tsr_net_channels(b->net, x);
    tsr_norm_desc desc = {.name = full, .x = x, .kind = TSR_NORM_LAYER, .eps = 1e-6f, .modulation = TSR_NONE};
    snprintf(full, sizeof(full), "%s.norm3%s.bias", name, nested ? ".norm" : "");
    desc.shift = tsr_weights_vector(b->w, full, cin);
    snprintf(full, sizeof(full), "%s.norm3%s.weight", name, nested ? ".norm" : "");
    desc.scale = tsr_weights_vector(b->w, full, cin);
    snprintf(full, sizeof(full), "%s.norm3", name);
    x = tsr_net_norm(b->net, &desc);
    snprintf(full, sizeof(full), "%s.conv_shortcut%s", name, tsr_weights_has(b->w, "%s.conv_shortcut.conv.weight", name) ? ".conv" : "");
    const tsr_taps taps = tsr_weights_taps(b->w, full, cout, cin, 1, 1, 1, 1);
    return tsr_net_conv(b->net, &(tsr_conv_desc){.name = full, .taps = taps, .x = x, .residual = TSR_NONE});
}

/* One of a resnet's two halves: norm, SiLU, convolution, noise. */
static int32_t half(const builder *b, const char *name, int32_t which, int32_t x, int32_t cout, const float *time, int32_t residual)
{
    char full[128], table[128];
    snprintf(full, sizeof(full), "%s.norm%d", name, which);
    snprintf(table, sizeof(table), "%s.scale_shift_table", name);
    x = norm(b, full, x, time, table, 2, which - 1);
    float *noise = NULL;
    snprintf(full, sizeof(full), "%s.per_channel_scale%d", name, which);
    if (tsr_weights_has(b->w, "%s", full)) noise = tsr_weights_vector(b->w, full, cout);
    snprintf(full, sizeof(full), "%s.conv%d.conv", name, which);
    tsr_conv_desc desc = conv3(b, full, x, cout);
    desc.residual = residual;
    desc.noise_scale = b->ltx.noiseless ? NULL : noise;
    const int32_t y = tsr_net_conv(b->net, &desc);
    if (noise) b->net->parameters += (uint64_t)cout;
    free(noise);
    return y;
}

static int32_t resnet(const builder *b, const char *name, int32_t x, int32_t cout, const float *time)
{
    const int32_t skip = tsr_net_channels(b->net, x) == cout ? x : shortcut(b, name, x, cout);
    return half(b, name, 2, half(b, name, 1, x, cout, time, TSR_NONE), cout, time, skip);
}

static int32_t resnets(const builder *b, const tsr_ltx_block *block, int32_t x)
{
    char name[128];
    snprintf(name, sizeof(name), "%s.time_embedder", block->name);
    float *time = embed(b, name, 4 * block->cin);
    for (int32_t i = 0; i < block->count; i++) {
        snprintf(name, sizeof(name), "%s.%s.%d", block->name, block->resnet, i);
        x = resnet(b, name, x, block->cin, time);
    }
    free(time);
    return x;
}

/* Which channels of the input are added: it is laid out as the convolution's result is, and repeated over the channels. */
static int32_t *residual_table(const builder *b, const tsr_ltx_block *block)
{
    const int32_t r = block->shuffle, parts = block->rt * r * r, unpacked = block->cin / parts;
    int32_t *table = unpacked > 0 ? malloc((size_t)parts * (size_t)block->cout * sizeof(*table)) : NULL;
    if (!table) {
        if (b->w->status == TSR_OK)
            b->w->status = unpacked > 0
                               ? tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the residual of '%s'", block->name)
                               : tsr_fail(TSR_ERROR_FILE, "layer '%s' has %d channels; expected a multiple of %d", block->name, block->cin, parts);
        return NULL;
    }
    for (int32_t part = 0; part < parts; part++)
        for (int32_t c = 0; c < block->cout; c++) table[part * block->cout + c] = c % unpacked * parts + part;
    return table;
}

static int32_t up(const builder *b, const tsr_ltx_block *block, int32_t x)
{
    char name[128];
    snprintf(name, sizeof(name), "%s.conv.conv", block->name);
    int32_t *table = NULL;
    tsr_conv_desc desc = conv3(b, name, x, block->cout * block->rt * block->shuffle * block->shuffle);
    desc.rt = block->rt;
    desc.shuffle = block->shuffle;
    desc.order = TSR_ORDER_CHANNELS;
    desc.first = block->rt > 1 ? TSR_FIRST_LAST : TSR_FIRST_ALL;
    if (block->residual) {
        desc.residual = x;
        desc.residual_from = table = residual_table(b, block);
    }
    const int32_t y = tsr_net_conv(b->net, &desc);
    free(table);
    return y;
}

static void read_latent(const builder *b)
{
    float *mean = tsr_weights_vector(b->w, b->ltx.mean, b->ltx.latent), *std = tsr_weights_vector(b->w, b->ltx.std, b->ltx.latent);
    if (mean && std) tsr_net_latent(b->net, mean, std, b->ltx.latent, true);
    free(mean);
    free(std);
    b->net->latent.noise = b->ltx.timed && !b->ltx.noiseless ? latent_noise : 0;
}

/* The last norm, modulated by its own embedder, and the convolution that makes pixels. */
static void finish(const builder *b, int32_t x)
{
    float *time = embed(b, b->ltx.last_time, 2 * b->ltx.last);
    x = norm(b, "decoder.norm_out", x, time, b->ltx.last_table, 1, 0);
    free(time);
    tsr_conv_desc desc = conv3(b, "decoder.conv_out.conv", x, 3 * b->ltx.patch * b->ltx.patch);
    desc.shuffle = b->ltx.patch;
    desc.order = TSR_ORDER_COLUMNS;
    tsr_net_output(b->net, tsr_net_conv(b->net, &desc));
}

/* "1024,512,256,128, reflect" */
static void describe(const builder *b)
{
    char *text = b->net->variant;
    const size_t size = sizeof(b->net->variant);
    int32_t width = 0;
    size_t at = 0;
    for (int32_t i = 0; i < b->ltx.count && at < size; i++) {
        if (b->ltx.blocks[i].cin != width) at += (size_t)snprintf(text + at, size - at, "%s%d", at ? "," : "", b->ltx.blocks[i].cin);
        width = b->ltx.blocks[i].cin;
    }
    const char *edge = b->ltx.edge == TSR_EDGE_REFLECT ? ", reflect" : b->ltx.edge == TSR_EDGE_REPLICATE ? ", replicate" : "";
    if (at < size) snprintf(text + at, size - at, "%s%s%s", edge, b->ltx.causal ? ", causal" : "", b->ltx.timed ? ", time step" : "");
}

static void build(tsr_net *net, tsr_weights *w, const char *variant)
{
    builder b = {.net = net, .w = w};
    tsr_ltx_find_blocks(&b.ltx, w);
    tsr_ltx_configure(&b.ltx, w, variant);
    if (w->status != TSR_OK) return;
    net->fps = 24;
    describe(&b);
    int32_t x = tsr_net_input(net, b.ltx.latent);
    read_latent(&b);
    const tsr_conv_desc first = conv3(&b, "decoder.conv_in.conv", x, b.ltx.first);
    x = tsr_net_conv(net, &first);
    for (int32_t i = 0; i < b.ltx.count; i++) {
        const tsr_ltx_block *block = &b.ltx.blocks[i];
        x = block->kind == LTX_RESNETS  ? resnets(&b, block, x)
            : block->kind == LTX_NARROW ? resnet(&b, block->name, x, block->cout, NULL)
                                        : up(&b, block, x);
    }
    finish(&b, x);
    if (w->status == TSR_OK) w->status = tsr_weights_all_used(w, "decoder.");
}

static bool fits(const tsr_weights *w)
{
    if (!tsr_weights_has(w, "decoder.conv_in.conv.weight") || !tsr_weights_has(w, "decoder.conv_out.conv.weight")) return false;
    if (tsr_weights_has(w, "decoder.up_blocks.0.res_blocks.0.conv1.conv.weight")) return true;
    return tsr_weights_has(w, "latents_std") && tsr_weights_has(w, "decoder.mid_block.resnets.0.conv1.conv.weight") &&
           !tsr_weights_has(w, "decoder.mid_block.resnets.0.norm1.gamma") && !tsr_weights_has(w, "decoder.mid_block.resnets.0.norm1.weight");
}

static const char *const signs[] = {"per_channel_statistics.std-of-means|latents_std",
                                    "decoder.up_blocks.0.res_blocks.0.conv1.conv.weight|decoder.mid_block.resnets.0.conv1.conv.weight",
                                    "decoder.conv_in.conv.weight", "decoder.conv_out.conv.weight", NULL};

const tsr_family tsr_family_ltx = {.name = "ltx", .signs = signs, .fits = fits, .decoder = build};
