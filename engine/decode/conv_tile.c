/* How the grid of a convolution is cut into the tiles of workgroups, by device. */
#include "conv.h"

enum { PIXELS = 192 /* of a CPU's workgroup: they share each piece of the weights that comes near */ };

bool tsr_conv_owns_pixels(const tsr_conv *conv)
{
    return conv->shape.tile == TSR_TILE_VECTOR && conv->groups == 1 && !conv->depthwise &&
           conv->block_units * conv->shape.columns * conv->shape.rm <= conv->shape.sums;
}

static int64_t patch_floats(const tsr_conv *conv, int32_t height, int32_t width) { return tsr_conv_patch(conv, &conv->shape, height, width); }

/* Rows and columns of a workgroup's tile: the largest of at most `most` pixels that memory holds. */
static void choose_tile(const tsr_conv *conv, int32_t rows, int32_t width, int32_t most, int32_t units, tsr_conv_cut *cut)
{
    const tsr_conv_shape *s = &conv->shape;
    const int32_t micros = (int32_t)tsr_ceil_div(width, s->rm);
    cut->tile_width = s->rm * (micros < 16 / s->rm ? micros : 16 / s->rm);
    if (cut->tile_width < s->rm) cut->tile_width = s->rm;
    cut->tile_height = most / cut->tile_width < rows ? most / cut->tile_width : rows;
    if (cut->tile_height < 1) cut->tile_height = 1;
    while (cut->tile_height > 1 && (patch_floats(conv, cut->tile_height, cut->tile_width) > s->patch ||
                                    (int64_t)cut->tile_height * cut->tile_width * units * s->columns > s->sums))
        cut->tile_height--;
    if (patch_floats(conv, cut->tile_height, cut->tile_width) > s->patch ||
        (int64_t)cut->tile_height * cut->tile_width * units * s->columns > s->sums)
        cut->tile_width = s->rm;
}

/* CPUs: as many units as the sums of a tile have room for, fewer where that leaves cores idle. */
static void cut_vector(const tsr_conv *conv, int32_t rows, int32_t width, tsr_conv_cut *cut)
{
    const tsr_conv_shape *s = &conv->shape;
    const int32_t units = tsr_conv_blocks(conv) * conv->block_units, step = conv->norm ? conv->block_units : 1;
    const int64_t wanted = 4 * (int64_t)(conv->dev->info.compute_units ? conv->dev->info.compute_units : 1);
    for (int32_t most = PIXELS;; most /= 2) {
        int32_t part = conv->depthwise ? 1 : s->sums / (most * s->columns) / step * step;
        part = part < step ? step : part < units ? part : units;
        for (;;) {
            choose_tile(conv, rows, width, most, part, cut);
            cut->down = (int32_t)tsr_ceil_div(rows, cut->tile_height);
            cut->across = (int32_t)tsr_ceil_div(width, cut->tile_width);
            cut->parts = (int32_t)tsr_ceil_div(units, part);
            cut->part_units = (int32_t)tsr_ceil_div(tsr_ceil_div(units, cut->parts), step) * step;
            cut->parts = (int32_t)tsr_ceil_div(units, cut->part_units);
            if (part <= step || (int64_t)cut->down * cut->across * cut->parts * conv->groups >= wanted) break;
            part = part / 2 / step * step < step ? step : part / 2 / step * step;
        }
        if (most <= s->rm || (int64_t)cut->down * cut->across * cut->parts * conv->groups >= wanted) return;
    }
}

/* Iterations of an invocation's loops, at most. */
static int64_t iterations(const tsr_conv *conv, const tsr_conv_shape *s, const tsr_conv_cut *cut)
{
    const int64_t taps = (int64_t)conv->down.taps * conv->across.taps, chunks = tsr_ceil_div(conv->cin, s->chunk), out = 2 * s->rm * s->rn;
    if (s->tile == TSR_TILE_SUBGROUP)
        return conv->time.taps * taps * (1 + cut->tile_height) * ((int64_t)conv->cin + 2 * chunks) + s->sums + out * cut->tile_height;
    const int64_t stage = tsr_conv_patch(conv, s, cut->tile_height, cut->tile_width) / s->lanes + 1;
    if (s->tile == TSR_TILE_MATRIX)
        return conv->time.taps * chunks * (stage + taps * (1 + s->chunk / s->mk)) + (int64_t)s->rm * (s->mm * s->mn * s->rn + s->rm);
    return conv->time.taps * chunks * (stage + taps * (s->chunk + s->chunk * s->columns / s->lanes + 2)) + out; /* at most: some go in pieces */
}

/* GPUs: rm x (lanes / ln) pixels, in a shape that wastes least. A sub-group: rows of rm pixels, as many as its loops may take. Matrices: a
 * fragment of pixels above the other. */
static tsr_status cut_simt(const tsr_conv *conv, const tsr_conv_shape *s, int32_t rows, int32_t width, tsr_conv_cut *cut)
{
    const int32_t pixels = s->lanes / s->ln * s->rm;
    const int64_t limit = (int64_t)tsr_loop_limit(conv->dev) * 3 / 4;
    int64_t best = -1;
    for (int32_t h = 1; h <= pixels && tsr_conv_in_pieces(s->tile); h *= 2) {
        if (tsr_conv_patch(conv, s, h, pixels / h) > s->patch) continue;
        const int64_t tiles = tsr_ceil_div(rows, h) * tsr_ceil_div(width, pixels / h), cost = tiles * 1024 + h + pixels / h;
        if (best >= 0 && cost >= best) continue;
        best = cost;
        cut->tile_height = h;
        cut->tile_width = pixels / h;
    }
    if (s->tile == TSR_TILE_SUBGROUP) {
        cut->tile_width = s->rm;
        cut->tile_height = conv->depthwise ? 1 : rows < TSR_CONV_ROWS ? rows : TSR_CONV_ROWS;
        while (cut->tile_height > 1 && limit && iterations(conv, s, cut) > limit) cut->tile_height--;
    }
    if (s->tile == TSR_TILE_MATRIX) {
        cut->tile_width = s->mm;
        cut->tile_height = s->lanes / s->subgroup / s->ln * s->rm;
    }
    if (limit && iterations(conv, s, cut) > limit)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "%s: the driver ends loops after %u iterations; a convolution of %d channels takes %lld",
                        conv->dev->info.id, tsr_loop_limit(conv->dev), conv->cin, (long long)iterations(conv, s, cut));
    cut->down = (int32_t)tsr_ceil_div(rows, cut->tile_height);
    cut->across = (int32_t)tsr_ceil_div(width, cut->tile_width);
    cut->part_units = 1;
    cut->parts = tsr_conv_blocks(conv) * conv->block_units;
    return TSR_OK;
}

tsr_status tsr_conv_cut_grid(const tsr_conv *conv, const tsr_conv_shape *shape, int32_t rows, int32_t width, tsr_conv_cut *out)
{
    if (shape->tile == TSR_TILE_VECTOR) {
        cut_vector(conv, rows, width, out);
    } else {
        const tsr_status status = cut_simt(conv, shape, rows, width, out);
        if (status != TSR_OK) return status;
    }
    out->groups = (int64_t)out->down * out->across * out->parts * conv->groups;
    if (out->groups > INT32_MAX)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "a frame of %d x %d pixels is too large; expected fewer than 2^31 tiles", rows, width);
    return TSR_OK;
}
