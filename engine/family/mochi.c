/* The autoencoder of Mochi 1: residual blocks between projections that unpack pixels and frames. */
#include <inttypes.h>
#include <stdio.h>

#include "family.h"
#include "ldm.h"

static const char *const signs[] = {"decoder.up_blocks.2.proj.weight|blocks.3.proj.weight",
                                    "decoder.block_in.resnets.0.norm1.norm_layer.weight|blocks.0.1.stack.0.weight",
                                    "decoder.conv_in.weight|blocks.0.0.weight", "decoder.proj_out.weight|output_proj.weight", NULL};

static bool fits(const tsr_weights *w)
{
    return tsr_weights_has(w, "blocks.0.1.stack.0.weight") || tsr_weights_has(w, "decoder.block_in.resnets.0.norm1.norm_layer.weight");
}

static const float latent_mean[12] = {-0.06730896f, -0.03801138f, -0.07477821f, -0.05565264f, 0.01276723f,  -0.04703543f,
                                      0.04389697f,  -0.09346306f, -0.09918315f, -0.00872979f, -0.01193156f, -0.03219934f};
static const float latent_std[12] = {0.92637950f, 0.92488945f, 0.93930594f, 0.95925373f, 0.82445601f, 0.91725998f,
                                     0.92941544f, 1.37209424f, 0.88139367f, 0.91683157f, 0.91852493f, 0.92747576f};

enum { LEVELS_MAX = 8, BLOCKS_MAX = 32, RT_MAX = 8 };

typedef struct mochi {
    tsr_net *net;
    tsr_weights *w;
    bool diffusers;
    tsr_block_style style;
    int32_t levels;                 /* that end in a projection */
    int32_t widths[LEVELS_MAX + 1]; /* last one first */
} mochi;

/* Residual block i of stage 0 (before the levels), 1.. (the levels), levels + 1 (after them). */
static void block_name(const mochi *m, int32_t stage, int32_t i, char name[TSR_BLOCK_NAME])
{
    if (!m->diffusers)
        snprintf(name, TSR_BLOCK_NAME, stage == 0 || stage > m->levels ? "blocks.%d.%d" : "blocks.%d.blocks.%d", stage, stage == 0 ? i + 1 : i);
    else if (stage == 0 || stage > m->levels)
        snprintf(name, TSR_BLOCK_NAME, "decoder.block_%s.resnets.%d", stage == 0 ? "in" : "out", i);
    else
        snprintf(name, TSR_BLOCK_NAME, "decoder.up_blocks.%d.resnets.%d", stage - 1, i);
}

static bool has_block(const mochi *m, int32_t stage, int32_t i)
{
    char name[TSR_BLOCK_NAME];
    block_name(m, stage, i, name);
    return tsr_weights_has(m->w, "%s.%s.weight", name, m->style.conv1);
}

static void projection_name(const mochi *m, int32_t stage, char name[TSR_BLOCK_NAME])
{
    snprintf(name, TSR_BLOCK_NAME, m->diffusers ? "decoder.up_blocks.%d.proj" : "blocks.%d.proj", m->diffusers ? stage - 1 : stage);
}

static int32_t add_blocks(mochi *m, int32_t stage, int32_t x)
{
    char name[TSR_BLOCK_NAME];
    for (int32_t i = 0; i < BLOCKS_MAX && (i == 0 || has_block(m, stage, i)); i++) {
        block_name(m, stage, i, name);
        x = tsr_block_res(m->net, m->w, &m->style, name, x, -1);
    }
    if (stage > 0) m->widths[m->levels + 1 - stage] = tsr_net_channels(m->net, x);
    return x;
}

/* Channels unpacked to 2x2 pixels of rt frames: what the next stage reads tells rt. */
static int32_t add_projection(const mochi *m, int32_t stage, int32_t x)
{
    char name[TSR_BLOCK_NAME], next[TSR_BLOCK_NAME];
    block_name(m, stage + 1, 0, next);
    const int64_t made = tsr_weights_extent(m->w, 1, "%s.%s.weight", next, m->style.conv1);
    projection_name(m, stage, name);
    tsr_conv_desc desc = tsr_block_describe(m->net, m->w, &m->style, name, x, -1, 1, 1);
    const int64_t rt = made > 0 ? desc.taps.cout / (4 * made) : 0;
    if (m->net->status == TSR_OK && m->w->status == TSR_OK && (rt < 1 || rt > RT_MAX || rt * 4 * made != desc.taps.cout))
        m->net->status = tsr_fail(TSR_ERROR_FILE,
                                  "the weight file's tensor '%s%s.weight' makes %d channels; expected 4, 8 .. %d times the %" PRId64
                                  " that '%s%s.%s.weight' reads",
                                  m->w->prefix, name, desc.taps.cout, 4 * RT_MAX, made, m->w->prefix, next, m->style.conv1);
    desc.rt = (int32_t)rt;
    desc.shuffle = 2;
    desc.order = TSR_ORDER_CHANNELS;
    return tsr_block_add(m->net, m->w, &desc);
}

static void decoder(tsr_net *net, tsr_weights *w, const char *variant)
{
    if (variant) net->status = tsr_fail(TSR_ERROR_ARGUMENT, "argument desc.variant is '%s'; family mochi has none", variant);
    const bool diffusers = !tsr_weights_has(w, "blocks.0.1.stack.0.weight");
    mochi m = {.net = net,
               .w = w,
               .diffusers = diffusers,
               .style = {.norm = TSR_NORM_GROUP,
                         .eps = 1e-5f,
                         .scale = diffusers ? "norm_layer.weight" : "weight",
                         .shift = diffusers ? "norm_layer.bias" : "bias",
                         .kt = 3,
                         .edge = TSR_EDGE_REPLICATE,
                         .past = TSR_EDGE_REPLICATE,
                         .act = TSR_ACT_SILU,
                         .norm1 = diffusers ? "norm1" : "stack.0",
                         .conv1 = diffusers ? "conv1.conv" : "stack.2",
                         .norm2 = diffusers ? "norm2" : "stack.3",
                         .conv2 = diffusers ? "conv2.conv" : "stack.5"}};
    char name[TSR_BLOCK_NAME];
    while (m.levels < LEVELS_MAX && (projection_name(&m, m.levels + 1, name), tsr_weights_has(w, "%s.weight", name))) m.levels++;
    int32_t x = tsr_net_input(net, 12);
    x = tsr_block_conv(net, w, &m.style, diffusers ? "decoder.conv_in" : "blocks.0.0", x, -1, 1, 1, TSR_NONE);
    x = add_blocks(&m, 0, x);
    for (int32_t stage = 1; stage <= m.levels; stage++) x = add_projection(&m, stage, add_blocks(&m, stage, x));
    x = add_blocks(&m, m.levels + 1, x);
    x = tsr_net_norm(net, &(tsr_norm_desc){.name = "act", .x = x, .kind = TSR_NORM_NONE, .modulation = TSR_NONE, .act = TSR_ACT_SILU});
    x = tsr_block_conv(net, w, &m.style, diffusers ? "decoder.proj_out" : "output_proj", x, 3, 1, 1, TSR_NONE);
    tsr_net_output(net, x);
    tsr_ldm_variant(net, m.widths, m.levels + 1);
    tsr_net_latent(net, latent_mean, latent_std, 12, true);
    if (x != TSR_NONE) net->drop_first = net->features[x].rate - 1;
    if (net->status == TSR_OK) net->status = tsr_weights_all_used(w, diffusers ? "decoder." : "blocks.");
    net->out_scale = net->out_shift = 0.5f;
    net->fps = 30;
}

const tsr_family tsr_family_mochi = {.name = "mochi", .signs = signs, .fits = fits, .decoder = decoder};
