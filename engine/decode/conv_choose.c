/* Which of the shapes that a device can run serves a convolution, and why: what the caller asks for, what was measured, what is built in. */
#include <stdio.h>

#include "conv_tuned.h"
#include "tune/built_in.h"

const char *tsr_tune_conv_kernel(const tsr_conv *conv) { return conv->depthwise ? "depthwise" : "conv"; }

/* Channels in count by their power of two: they are gone through in chunks. Those out fill the tile's columns, well or badly. */
void tsr_tune_conv_problem(const tsr_conv *conv, char text[128])
{
    int32_t most = 1;
    while (most < conv->cin) most *= 2;
    snprintf(text, 128, "%s, taps %dx%dx%d, stride %d, channels in %d..%d, out %d", tsr_dtype_name(conv->dtype), conv->time.taps, conv->down.taps,
             conv->across.taps, conv->stride, most / 2 + 1, most, conv->made);
}

static const bk_kernel_source *source_of(const tsr_conv *conv, tsr_tile tile)
{
    if (tile == TSR_TILE_MATRIX) return tsr_kernel_matrix_source(tsr_conv_matrix_kernel(conv), TSR_F16);
    if (tile == TSR_TILE_PACKED) return tsr_kernel_packed_source("conv", TSR_F16, TSR_F32, TSR_F32);
    return tsr_kernel_source(tsr_tune_conv_kernel(conv), tile);
}

tsr_tune_candidate tsr_tune_conv_candidate(const tsr_conv *conv, const tsr_conv_shape *s)
{
    return (tsr_tune_candidate){.shape = {s->tile, {s->lanes, s->ln, s->rm, s->rn, s->chunk, s->subgroup, s->mm, s->mn, s->mk}},
                                .source = source_of(conv, s->tile)};
}

/* The first shape of a tile model; the first of all where there is none. */
static size_t first_of(const tsr_conv_shape *all, size_t count, tsr_tile tile)
{
    for (size_t i = 0; i < count; i++)
        if (all[i].tile == tile) return i;
    return 0;
}

/* What follows from the shape: how weights are packed. */
static tsr_status settle(tsr_conv *conv)
{
    const tsr_conv_shape *s = &conv->shape;
    const bool pieces = tsr_conv_in_pieces(s->tile) && !conv->depthwise;
    conv->run = pieces ? tsr_conv_piece(s->tile) : 1;
    conv->abreast = 1;
    conv->packed = (int32_t)tsr_ceil_div(conv->cin, conv->run) * conv->run;
    if (s->tile == TSR_TILE_PACKED) conv->wide = tsr_conv_wide_shape(conv, s);
    return s->tile == TSR_TILE_MATRIX ? tsr_conv_order(conv) : TSR_OK;
}

tsr_status tsr_conv_choose(tsr_conv *conv, tsr_tile tile, uint32_t wanted)
{
    tsr_conv_shape all[TSR_MAX_CONV_SHAPES];
    tsr_tune_candidate candidates[TSR_MAX_CONV_SHAPES];
    tsr_tune_found found;
    char problem[128];
    const size_t count = tsr_conv_shapes(conv, all);
    if (wanted > count) return tsr_fail(TSR_ERROR_ARGUMENT, "argument shape is %u; expected 0 to %zu", wanted, count);
    for (size_t i = 0; i < count; i++) candidates[i] = tsr_tune_conv_candidate(conv, &all[i]);
    tsr_tune_conv_problem(conv, problem);
    tsr_tuning_find(conv->dev->ctx->tuning, &conv->dev->info, tsr_tune_conv_kernel(conv), problem, candidates, count, &found);
    char why[TSR_WHY];
    const size_t usual = tsr_built_in_find(&conv->dev->info, tsr_tune_conv_kernel(conv), candidates, count, why);
    conv->shape = all[wanted ? wanted - 1 : tile ? first_of(all, count, tile) : found.found ? found.index : usual];
    if (wanted)
        snprintf(conv->why, sizeof(conv->why), "shape %u of %zu, asked for by the caller", wanted, count);
    else if (tile && conv->shape.tile == tile)
        snprintf(conv->why, sizeof(conv->why), "tile model asked for by the caller; its default");
    else if (found.found && !tile)
        snprintf(conv->why, sizeof(conv->why), "%s", found.why);
    else
        snprintf(conv->why, sizeof(conv->why), "%.100s%s%.126s", found.why, found.why[0] ? "; " : "", why);
    conv->block_units = (int32_t)tsr_ceil_div(conv->made, conv->shape.columns);
    return settle(conv);
}
