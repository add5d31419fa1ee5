/* The tree of latent diffusion decoders: convolution in, middle with attention, levels of residual blocks and up-sampling, convolution out. */
#include "ldm.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MID = -1, BLOCKS_MAX = 16 };

bool tsr_ldm_has(const tsr_weights *w, const char *tensor)
{
    return tsr_weights_has(w, "decoder.mid_block.resnets.0.%s", tensor) || tsr_weights_has(w, "decoder.mid.block_1.%s", tensor);
}

void tsr_ldm_open(tsr_net *net, tsr_weights *w, const char *tensor, tsr_ldm *ldm)
{
    const bool diffusers = !tsr_weights_has(w, "decoder.mid.block_1.%s", tensor);
    *ldm = (tsr_ldm){.net = net,
                     .w = w,
                     .diffusers = diffusers,
                     .style = {.norm = TSR_NORM_GROUP,
                               .eps = 1e-6f,
                               .scale = "weight",
                               .shift = "bias",
                               .kt = 1,
                               .act = TSR_ACT_SILU,
                               .norm1 = "norm1",
                               .conv1 = "conv1",
                               .norm2 = "norm2",
                               .conv2 = "conv2",
                               .shortcut = diffusers ? "conv_shortcut" : "nin_shortcut",
                               .attend_norm = diffusers ? "group_norm" : "norm",
                               .qkv = {"q", "k", "v"},
                               .out = "proj_out"}};
    tsr_block_style *style = &ldm->style;
    if (!diffusers) return;
    const bool old = tsr_weights_has(w, "decoder.mid_block.attentions.0.query.weight");
    style->qkv[0] = old ? "query" : "to_q";
    style->qkv[1] = old ? "key" : "to_k";
    style->qkv[2] = old ? "value" : "to_v";
    style->out = old ? "proj_attn" : "to_out.0";
}

int32_t tsr_ldm_channels(tsr_weights *w, const char *conv_in)
{
    const int64_t channels = tsr_weights_extent(w, 1, "%s.weight", conv_in);
    if (channels > 0 && channels <= TSR_LDM_CHANNELS) return (int32_t)channels;
    if (w->status == TSR_OK)
        w->status = tsr_fail(TSR_ERROR_FILE, "the weight file's tensor '%s%s.weight' reads %" PRId64 " channels; expected 1 to %d", w->prefix,
                             conv_in, channels, TSR_LDM_CHANNELS);
    return 0;
}

void tsr_ldm_latent(tsr_net *net, int32_t channels, double scale, double shift)
{
    float mean[TSR_LDM_CHANNELS], std[TSR_LDM_CHANNELS];
    for (int32_t c = 0; c < channels; c++) {
        mean[c] = (float)shift;
        std[c] = (float)(1 / scale);
    }
    tsr_net_latent(net, mean, std, channels, true);
}

void tsr_ldm_variant(tsr_net *net, const int32_t *widths, int32_t count)
{
    size_t at = 0;
    for (int32_t i = 0; i < count && at < sizeof(net->variant); i++)
        at += (size_t)snprintf(net->variant + at, sizeof(net->variant) - at, "%s%" PRId32, i ? "," : "", widths[i]);
}

/* The name of a residual block of the middle, or of the up_blocks or up of that number in the file. */
static void block_name(const tsr_ldm *ldm, int32_t number, int32_t i, char name[TSR_BLOCK_NAME])
{
    if (number == MID)
        snprintf(name, TSR_BLOCK_NAME, ldm->diffusers ? "decoder.mid_block.resnets.%d" : "decoder.mid.block_%d", ldm->diffusers ? i : i + 1);
    else
        snprintf(name, TSR_BLOCK_NAME, ldm->diffusers ? "decoder.up_blocks.%d.resnets.%d" : "decoder.up.%d.block.%d", number, i);
}

static bool has_block(const tsr_ldm *ldm, int32_t number, int32_t i)
{
    char block[TSR_BLOCK_NAME];
    block_name(ldm, number, i, block);
    return tsr_weights_has(ldm->w, "%s%s%s.%s.weight", block, ldm->inner ? "." : "", ldm->inner ? ldm->inner : "", ldm->style.conv1);
}

static int32_t add_block(const tsr_ldm *ldm, int32_t number, int32_t i, int32_t x)
{
    char block[TSR_BLOCK_NAME], inner[TSR_BLOCK_NAME];
    block_name(ldm, number, i, block);
    if (ldm->inner) tsr_block_name(inner, block, ldm->inner);
    x = tsr_block_res(ldm->net, ldm->w, &ldm->style, ldm->inner ? inner : block, x, -1);
    return ldm->after ? ldm->after(ldm, block, x) : x;
}

static int32_t add_middle(const tsr_ldm *ldm, int32_t x)
{
    const char *attention = ldm->diffusers ? "decoder.mid_block.attentions.0" : "decoder.mid.attn_1";
    x = add_block(ldm, MID, 0, x);
    if (tsr_weights_has(ldm->w, "%s.%s.weight", attention, ldm->style.attend_norm)) x = tsr_block_attend(ldm->net, ldm->w, &ldm->style, attention, x);
    return add_block(ldm, MID, 1, x);
}

/* level: counted from the latent's size; ldm counts from the other end in the file. */
static int32_t add_level(tsr_ldm *ldm, int32_t level, int32_t x)
{
    char name[TSR_BLOCK_NAME];
    const int32_t last = ldm->level_count - 1, number = ldm->diffusers ? level : last - level;
    x = add_block(ldm, number, 0, x);
    for (int32_t i = 1; i < BLOCKS_MAX && has_block(ldm, number, i); i++) x = add_block(ldm, number, i, x);
    ldm->widths[last - level] = tsr_net_channels(ldm->net, x);
    if (level == last) return x;
    snprintf(name, sizeof(name), ldm->diffusers ? "decoder.up_blocks.%d.upsamplers.0.conv" : "decoder.up.%d.upsample.conv", number);
    if (tsr_weights_has(ldm->w, "%s.conv.weight", name)) strcat(name, ".conv");
    tsr_conv_desc desc = tsr_block_describe(ldm->net, ldm->w, &ldm->style, name, x, -1, ldm->up_kt > 0 ? ldm->up_kt : 1, 3);
    desc.up = true;
    if (level >= ldm->time_from && level - ldm->time_from < ldm->time_levels) {
        desc.up_time = true;
        desc.rt = 2;
        desc.first = ldm->time_first;
    }
    return tsr_block_add(ldm->net, ldm->w, &desc);
}

/* The convolution in or out: its name ends as those within residual blocks do. */
static int32_t add_end(const tsr_ldm *ldm, const char *name, int32_t x, int32_t cout)
{
    char full[TSR_BLOCK_NAME];
    snprintf(full, sizeof(full), "%s%s", name, ldm->style.conv1 + strlen("conv1"));
    return tsr_block_conv(ldm->net, ldm->w, &ldm->style, full, x, cout, ldm->style.kt, 3, TSR_NONE);
}

int32_t tsr_ldm_decoder(tsr_ldm *ldm, int32_t x)
{
    const char *norm = tsr_weights_has(ldm->w, "decoder.conv_norm_out.weight") ? "decoder.conv_norm_out" : "decoder.norm_out";
    ldm->level_count = 1;
    while (ldm->level_count < TSR_LDM_LEVELS && has_block(ldm, ldm->level_count, 0)) ldm->level_count++;
    x = add_end(ldm, "decoder.conv_in", x, -1);
    x = add_middle(ldm, x);
    for (int32_t level = 0; level < ldm->level_count; level++) x = add_level(ldm, level, x);
    tsr_ldm_variant(ldm->net, ldm->widths, ldm->level_count);
    x = tsr_block_norm(ldm->net, ldm->w, &ldm->style, norm, x, TSR_ACT_SILU);
    return add_end(ldm, "decoder.conv_out", x, 3);
}
