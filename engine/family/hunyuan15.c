/* HunyuanVideo 1.5: causal, edges replicated, norms over channels; up-sampled by depth to space, with the input's channels regrouped as
 * shortcut. */
#include <stdio.h>
#include <stdlib.h>

#include "blocks.h"
#include "family.h"

enum { LEVELS_MAX = 8, RESNETS_MAX = 16, LATENT_MAX = 256 };

/* What all layers are built with. */
typedef struct builder {
    tsr_net *net;
    tsr_weights *w;
    bool diffusers; /* the key scheme */
    tsr_block_style style;
} builder;

static const float scaling = 1.03682f;

static void open_builder(builder *b, tsr_net *net, tsr_weights *w)
{
    *b = (builder){.net = net, .w = w, .diffusers = !tsr_weights_has(w, "decoder.mid.block_1.norm1.gamma")};
    b->style = (tsr_block_style){.norm = TSR_NORM_L2,
                                 .scale = "gamma",
                                 .kt = 3,
                                 .edge = TSR_EDGE_REPLICATE,
                                 .past = TSR_EDGE_REPLICATE,
                                 .act = TSR_ACT_SILU,
                                 .norm1 = "norm1",
                                 .conv1 = "conv1.conv",
                                 .norm2 = "norm2",
                                 .conv2 = "conv2.conv",
                                 .shortcut = b->diffusers ? "conv_shortcut" : "nin_shortcut",
                                 .attend_norm = "norm",
                                 .qkv = {"q", "k", "v"},
                                 .out = "proj_out",
                                 .history = true};
    if (!b->diffusers) return;
    b->style.qkv[0] = "to_q";
    b->style.qkv[1] = "to_k";
    b->style.qkv[2] = "to_v";
}

/* A table of the channels that are added, n > 0 of them. NULL on failure. */
static int32_t *new_table(const builder *b, int64_t n)
{
    int32_t *table = b->net->status == TSR_OK ? malloc((size_t)n * sizeof(*table)) : NULL;
    if (!table && b->net->status == TSR_OK) b->net->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the shortcut of a decoder's layer");
    return table;
}

/* The latents, repeated to the width of the first layer, are added to what it makes of them. */
static int32_t add_first(const builder *b, int32_t x)
{
    tsr_conv_desc desc = tsr_block_describe(b->net, b->w, &b->style, "decoder.conv_in.conv", x, -1, 3, 3);
    const int32_t width = desc.taps.cout, latent = desc.taps.cin;
    if (!desc.taps.w) return tsr_block_add(b->net, b->w, &desc);
    if (width % latent != 0)
        b->net->status =
            tsr_fail(TSR_ERROR_FILE, "layer '%s' makes %d channels; expected a multiple of the %d that it reads", desc.name, width, latent);
    int32_t *table = new_table(b, width);
    for (int32_t c = 0; table && c < width; c++) table[c] = c / (width / latent);
    desc.residual = x;
    desc.residual_from = table;
    x = tsr_block_add(b->net, b->w, &desc);
    free(table);
    return x;
}

/* Where channel c of part number `part` of `parts` that a pixel becomes comes from: the input is unpacked first, then repeated. */
static void unpack_first(int32_t *table, int32_t cin, int32_t cout, int32_t parts)
{
    const int32_t unpacked = cin / parts;
    for (int32_t part = 0; part < parts; part++)
        for (int32_t c = 0; c < cout; c++) table[part * cout + c] = part * unpacked + c / (cout / unpacked);
}

/* Repeated first, then unpacked. */
static void repeat_first(int32_t *table, int32_t cin, int32_t cout, int32_t parts)
{
    for (int32_t i = 0; i < parts * cout; i++) table[i] = i / (parts * cout / cin);
}

/* Depth to space. A step that makes two frames makes one of the clip's first. */
static int32_t add_up(const builder *b, const char *name, int32_t x, int32_t cout)
{
    enum { SPACE = 4 };
    tsr_conv_desc desc = tsr_block_describe(b->net, b->w, &b->style, name, x, -1, 3, 3);
    const int32_t cin = desc.taps.cin, rt = desc.taps.cout == 2 * SPACE * cout ? 2 : 1, parts = rt * SPACE;
    if (!desc.taps.w) return tsr_block_add(b->net, b->w, &desc);
    if (cout < 1 || desc.taps.cout != parts * cout || cin % parts != 0 || cout % (cin / parts) != 0 || cout * SPACE % cin != 0)
        b->net->status = tsr_fail(
            TSR_ERROR_FILE, "layer '%s' makes %d channels of %d and the layer after it reads %d; expected 4 or 8 times as many, in whole multiples",
            name, desc.taps.cout, cin, cout);
    int32_t *table = new_table(b, (int64_t)(parts + SPACE) * cout);
    if (table && rt == 2) {
        unpack_first(table, cin, cout, parts);
        unpack_first(table + parts * cout, cin, cout, SPACE);
    } else if (table)
        repeat_first(table, cin, cout, parts);
    desc.rt = rt;
    desc.shuffle = 2;
    desc.order = TSR_ORDER_BLOCKS;
    desc.first = rt == 2 ? TSR_FIRST_SPACE : TSR_FIRST_ALL;
    desc.residual = x;
    desc.residual_from = table;
    desc.residual_first_space = rt == 2;
    x = tsr_block_add(b->net, b->w, &desc);
    free(table);
    return x;
}

static void level_name(const builder *b, int32_t level, char name[TSR_BLOCK_NAME])
{
    snprintf(name, TSR_BLOCK_NAME, b->diffusers ? "decoder.up_blocks.%d" : "decoder.up.%d", level);
}

/* What the first residual block of a level reads; 0: there is no such level. */
static int32_t level_width(const builder *b, int32_t level)
{
    char name[TSR_BLOCK_NAME];
    level_name(b, level, name);
    const int64_t n = tsr_weights_extent(b->w, 1, "%s.%s.0.conv1.conv.weight", name, b->diffusers ? "resnets" : "block");
    return n > 0 && n <= INT16_MAX ? (int32_t)n : 0;
}

static int32_t add_level(const builder *b, int32_t level, int32_t x)
{
    char name[TSR_BLOCK_NAME], part[TSR_BLOCK_NAME + 32];
    level_name(b, level, name);
    for (int32_t i = 0; i < RESNETS_MAX; i++) {
        snprintf(part, sizeof(part), "%s.%s.%d", name, b->diffusers ? "resnets" : "block", i);
        if (!tsr_weights_has(b->w, "%s.conv1.conv.weight", part) && !tsr_weights_has(b->w, "%s.conv2.conv.weight", part)) break;
        x = tsr_block_res(b->net, b->w, &b->style, part, x, -1);
    }
    snprintf(part, sizeof(part), "%s.%s.conv.conv", name, b->diffusers ? "upsamplers.0" : "upsample");
    return tsr_weights_has(b->w, "%s.weight", part) ? add_up(b, part, x, level_width(b, level + 1)) : x;
}

static void set_latent(tsr_net *net, int32_t channels)
{
    float std[LATENT_MAX];
    if (channels > LATENT_MAX && net->status == TSR_OK)
        net->status = tsr_fail(TSR_ERROR_FILE, "latents of %d channels; expected at most %d", channels, LATENT_MAX);
    for (int32_t c = 0; c < channels && c < LATENT_MAX; c++) std[c] = 1 / scaling;
    tsr_net_latent(net, NULL, std, channels, true);
}

static void build(tsr_net *net, tsr_weights *w, const char *variant)
{
    builder b;
    size_t at = 0;
    if (variant) net->status = tsr_fail(TSR_ERROR_ARGUMENT, "argument desc.variant is '%s'; family hunyuan1.5 has none", variant);
    open_builder(&b, net, w);
    const char *middle = b.diffusers ? "decoder.mid_block.resnets" : "decoder.mid";
    char name[TSR_BLOCK_NAME];
    const int32_t channels = (int32_t)tsr_weights_extent(w, 1, "decoder.conv_in.conv.weight");
    int32_t x = tsr_net_input(net, channels);
    net->fps = 24;
    set_latent(net, channels);
    x = add_first(&b, x);
    tsr_block_name(name, middle, b.diffusers ? "0" : "block_1");
    x = tsr_block_res(net, w, &b.style, name, x, -1);
    x = tsr_block_attend(net, w, &b.style, b.diffusers ? "decoder.mid_block.attentions.0" : "decoder.mid.attn_1", x);
    tsr_block_name(name, middle, b.diffusers ? "1" : "block_2");
    x = tsr_block_res(net, w, &b.style, name, x, -1);
    for (int32_t level = 0; level < LEVELS_MAX && level_width(&b, level) > 0; level++) {
        if (at < sizeof(net->variant))
            at += (size_t)snprintf(net->variant + at, sizeof(net->variant) - at, "%s%d", level ? "," : "", level_width(&b, level));
        x = add_level(&b, level, x);
    }
    x = tsr_block_norm(net, w, &b.style, "decoder.norm_out", x, TSR_ACT_SILU);
    tsr_net_output(net, tsr_block_conv(net, w, &b.style, "decoder.conv_out.conv", x, 3, 3, 3, TSR_NONE));
    if (net->status == TSR_OK) net->status = tsr_weights_all_used(w, "decoder.");
}

static bool fits(const tsr_weights *w)
{
    return tsr_weights_has(w, "decoder.conv_in.conv.weight") &&
           (tsr_weights_has(w, "decoder.mid.block_1.norm1.gamma") || tsr_weights_has(w, "decoder.mid_block.resnets.0.norm1.gamma"));
}

static const char *const signs[] = {"decoder.mid.block_1.norm1.gamma|decoder.mid_block.resnets.0.norm1.gamma", "decoder.conv_in.conv.weight",
                                    "decoder.mid.attn_1.q.weight|decoder.mid_block.attentions.0.to_q.weight", "decoder.conv_out.conv.weight", NULL};

const tsr_family tsr_family_hunyuan15 = {.name = "hunyuan1.5", .signs = signs, .fits = fits, .decoder = build};
