/* Finds the blocks of an LTX decoder: their order, widths and strides, from tensor names and shapes of either key scheme. */
#include <inttypes.h>
#include <stdio.h>

#include "ltx.h"

enum { RESNETS_MAX = 64, WIDTH_MAX = 1 << 16 };

#define FAIL(w, ...) ((w)->status = (w)->status != TSR_OK ? (w)->status : tsr_fail(TSR_ERROR_FILE, __VA_ARGS__))

/* Channels in (axis 1) or out (axis 0) of a layer, 0 if the file has not got it or the number is not possible. */
static int32_t channels(const tsr_weights *w, uint32_t axis, const char *layer)
{
    const int64_t n = tsr_weights_extent(w, axis, "%s.conv.weight", layer);
    return n > 0 && n <= WIDTH_MAX ? (int32_t)n : 0;
}

static tsr_ltx_block *add(tsr_ltx *ltx, tsr_ltx_kind kind, const char *resnet)
{
    tsr_ltx_block *block = &ltx->blocks[ltx->count++];
    *block = (tsr_ltx_block){.kind = kind, .resnet = resnet, .rt = 1, .shuffle = 1};
    return block;
}

/* Either of its convolutions, so that a missing one is told as such. */
static bool has_resnet(const tsr_weights *w, const char *name, const char *resnet, int32_t i)
{
    return tsr_weights_has(w, "%s.%s.%d.conv1.conv.weight", name, resnet, i) || tsr_weights_has(w, "%s.%s.%d.conv2.conv.weight", name, resnet, i);
}

/* Adds the resnets below a name, if there are any. */
static void add_resnets(tsr_ltx *ltx, const tsr_weights *w, const char *name, const char *resnet)
{
    int32_t count = 0;
    while (count < RESNETS_MAX && has_resnet(w, name, resnet, count)) count++;
    if (count == 0 || ltx->count == LTX_BLOCKS_MAX) return;
    tsr_ltx_block *block = add(ltx, LTX_RESNETS, resnet);
    block->count = count;
    snprintf(block->name, sizeof(block->name), "%s", name);
}

/* Adds a single layer, if it is there: test is a convolution in it. */
static void add_layer(tsr_ltx *ltx, const tsr_weights *w, tsr_ltx_kind kind, const char *name, const char *test)
{
    if (ltx->count == LTX_BLOCKS_MAX || !tsr_weights_has(w, "%s.%s.weight", name, test)) return;
    tsr_ltx_block *block = add(ltx, kind, "");
    snprintf(block->name, sizeof(block->name), "%s", name);
}

/* A block for each number, of any kind. */
static void find_original(tsr_ltx *ltx, const tsr_weights *w)
{
    for (int32_t i = 0, before = -1; i < LTX_BLOCKS_MAX && ltx->count > before; i++) {
        char name[64];
        before = ltx->count;
        snprintf(name, sizeof(name), "decoder.up_blocks.%d", i);
        add_resnets(ltx, w, name, "res_blocks");
        add_layer(ltx, w, LTX_NARROW, name, "conv1.conv");
        add_layer(ltx, w, LTX_UP, name, "conv.conv");
    }
}

/* The same in groups: a change of width, an up-sampling and resnets, the first two where there is any. */
static void find_diffusers(tsr_ltx *ltx, const tsr_weights *w)
{
    add_resnets(ltx, w, "decoder.mid_block", "resnets");
    for (int32_t i = 0, before = -1; i < LTX_BLOCKS_MAX && ltx->count > before; i++) {
        char name[64], part[64];
        before = ltx->count;
        snprintf(name, sizeof(name), "decoder.up_blocks.%d", i);
        snprintf(part, sizeof(part), "%.40s.conv_in", name);
        add_layer(ltx, w, LTX_NARROW, part, "conv1.conv");
        snprintf(part, sizeof(part), "%.40s.upsamplers.0", name);
        add_layer(ltx, w, LTX_UP, part, "conv.conv");
        add_resnets(ltx, w, name, "resnets");
    }
}

/* The convolution that reads a block's input. */
static void entry(const tsr_ltx_block *block, char *name, size_t size)
{
    if (block->kind == LTX_RESNETS)
        snprintf(name, size, "%s.%s.0.conv1", block->name, block->resnet);
    else
        snprintf(name, size, "%s.%s", block->name, block->kind == LTX_UP ? "conv" : "conv1");
}

/* How many values an up-sampling makes of each tells its stride: no two have the same product. */
static void find_stride(tsr_ltx_block *block, tsr_weights *w)
{
    char name[96];
    entry(block, name, sizeof(name));
    const int32_t made = channels(w, 0, name), parts = block->cout > 0 && made % block->cout == 0 ? made / block->cout : 0;
    if (parts != 2 && parts != 4 && parts != 8)
        FAIL(w, "the weight file's tensor '%s%s.conv.weight' makes %d channels and the layer after it reads %d; expected 2, 4 or 8 times as many",
             w->prefix, name, made, block->cout);
    block->rt = parts == 4 ? 1 : 2;
    block->shuffle = parts == 2 ? 1 : 2;
}

/* A block's output is as wide as what the next one reads. */
static void find_widths(tsr_ltx *ltx, tsr_weights *w)
{
    int32_t next = channels(w, 1, "decoder.conv_out");
    ltx->last = next;
    for (int32_t i = ltx->count - 1; i >= 0; i--) {
        tsr_ltx_block *block = &ltx->blocks[i];
        char name[96];
        entry(block, name, sizeof(name));
        block->cout = next;
        next = block->cin = channels(w, 1, name);
        if (next == 0) FAIL(w, "the weight file lacks the tensor '%s%s.conv.weight', or it has less than two axes", w->prefix, name);
        if (block->kind == LTX_UP) find_stride(block, w);
    }
    ltx->first = next;
}

void tsr_ltx_find_blocks(tsr_ltx *ltx, tsr_weights *w)
{
    const bool original = tsr_weights_has(w, "decoder.up_blocks.0.res_blocks.0.conv1.conv.weight");
    ltx->mean = original ? "per_channel_statistics.mean-of-means" : "latents_mean";
    ltx->std = original ? "per_channel_statistics.std-of-means" : "latents_std";
    ltx->last_time = original ? "decoder.last_time_embedder" : "decoder.time_embedder";
    ltx->last_table = original ? "decoder.last_scale_shift_table" : "decoder.scale_shift_table";
    ltx->timed = tsr_weights_has(w, "%s", ltx->last_table);
    if (original)
        find_original(ltx, w);
    else
        find_diffusers(ltx, w);
    find_widths(ltx, w);
    ltx->latent = channels(w, 1, "decoder.conv_in");
    const int32_t made = channels(w, 0, "decoder.conv_out");
    for (ltx->patch = 1; ltx->patch <= 8; ltx->patch *= 2)
        if (made == 3 * ltx->patch * ltx->patch) return;
    FAIL(w, "the weight file's tensor '%sdecoder.conv_out.conv.weight' makes %d channels; expected 3, 12, 48 or 192", w->prefix, made);
}
