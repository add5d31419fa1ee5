/* The tiles in registers that a convolution may have, by device, best guess first. */
#include "conv.h"

/* Floats of a CPU's workgroup, in its second-level cache. */
enum { PATCH_FLOATS = 24576, SUM_FLOATS = 49152 };

/* Micro-tiles of wide vectors, by registers: pixels for each number of vectors, and how near they come to the device's rate. */
typedef struct micro {
    int32_t rn, rm;
    double rate;
} micro;
static const micro many[] = {{3, 8, 1.0}, {4, 6, 1.0}, {2, 8, 0.85}, {1, 8, 0.5}}, few[] = {{3, 4, 1.0}, {2, 6, 1.0}, {1, 8, 0.7}};

static size_t vector_shapes(int32_t width, int32_t made, tsr_conv_shape *out)
{
    const micro *const all = width >= 16 ? many : few;
    const size_t count = width >= 16 ? sizeof(many) / sizeof(many[0]) : sizeof(few) / sizeof(few[0]);
    double costs[sizeof(many) / sizeof(many[0])];
    for (size_t i = 0; i < count; i++) {
        const int32_t columns = all[i].rn * width;
        const double cost = (double)(tsr_ceil_div(made, columns) * columns) / all[i].rate;
        size_t at = i; /* where it stands among those before, in ascending order */
        for (; at > 0 && cost < costs[at - 1]; at--) {
            costs[at] = costs[at - 1];
            out[at] = out[at - 1];
        }
        costs[at] = cost;
        out[at] = (tsr_conv_shape){.tile = TSR_TILE_VECTOR,
                                   .lanes = 1,
                                   .ln = 1,
                                   .rm = all[i].rm,
                                   .rn = all[i].rn,
                                   .chunk = 64,
                                   .columns = columns,
                                   .patch = PATCH_FLOATS,
                                   .sums = SUM_FLOATS};
    }
    return count;
}

int32_t tsr_conv_pitch(const tsr_conv *conv, int32_t width)
{
    const int32_t columns = (width - 1) * conv->stride + conv->across.taps + conv->shift * (conv->r - 1);
    return (int32_t)tsr_ceil_div(columns, conv->stride) * conv->stride;
}

/* Of a staged pixel's channels, an odd number of 16-byte words where neighbours are read together. */
static int32_t pixel_pitch(const tsr_conv_shape *s)
{
    if (s->tile == TSR_TILE_MATRIX) return s->chunk / 8 | 1;
    return s->tile == TSR_TILE_VECTOR ? s->chunk : (s->chunk / tsr_conv_piece(s->tile) | 1) * 4;
}

int64_t tsr_conv_patch(const tsr_conv *conv, const tsr_conv_shape *shape, int32_t height, int32_t width)
{
    const int64_t rows = (int64_t)(height - 1) * conv->stride + conv->down.taps + conv->shift * (conv->r - 1);
    return rows * tsr_conv_pitch(conv, width) * pixel_pitch(shape);
}

static tsr_conv_shape subgroup_shape(int32_t lanes, int32_t rn)
{
    return (tsr_conv_shape){.tile = TSR_TILE_SUBGROUP,
                            .lanes = lanes,
                            .ln = lanes,
                            .rm = 8,
                            .rn = rn,
                            .chunk = 32,
                            .columns = rn * lanes,
                            .sums = TSR_CONV_ROWS * 8 * rn};
}

/* The largest chunk with which shared memory holds a square tile's input, and a tap's weights. */
tsr_conv_shape tsr_conv_simt_shape(const tsr_conv *conv, tsr_tile tile, int32_t lanes, int32_t ln, int32_t rm, int32_t rn)
{
    const int32_t piece = tsr_conv_piece(tile);
    tsr_conv_shape s = {.tile = tile, .lanes = lanes, .ln = ln, .rm = rm, .rn = rn, .chunk = 4 * piece, .columns = rn * ln};
    for (;;) {
        const int32_t pixels = s.lanes / s.ln * s.rm;
        int32_t side = 1;
        while (side * side < pixels) side *= 2;
        s.patch = (int32_t)tsr_conv_patch(conv, &s, pixels / side, side);
        const bool least = s.chunk == piece && s.rm == 1;
        if (least || (uint32_t)(s.patch + pixel_pitch(&s) * s.columns) * 4 <= conv->dev->info.shared_bytes) return s;
        *(s.chunk > piece ? &s.chunk : &s.rm) /= 2;
    }
}

tsr_conv_shape tsr_conv_wide_shape(const tsr_conv *conv, const tsr_conv_shape *shape)
{
    const int32_t ln = shape->columns % 16 == 0 ? 16 : 8, rn = shape->columns / ln, lanes = conv->dev->info.max_workgroup >= 128 ? 128 : 64;
    return tsr_conv_simt_shape(conv, TSR_TILE_SIMT, lanes, ln, rn > 4 ? 4 : 8, rn);
}

static bool same(const tsr_conv_shape *a, const tsr_conv_shape *b)
{
    return a->tile == b->tile && a->lanes == b->lanes && a->ln == b->ln && a->rm == b->rm && a->rn == b->rn && a->chunk == b->chunk;
}

static void add(tsr_conv_shape *out, size_t *count, tsr_conv_shape s)
{
    for (size_t i = 0; i < *count; i++)
        if (same(&out[i], &s)) return;
    if (*count < TSR_MAX_CONV_SHAPES) out[(*count)++] = s;
}

/* What reads a packed shape's weights for features in fp32 has to go through them in the same blocks. */
static void add_fitting(const tsr_conv *conv, tsr_conv_shape *out, size_t *count, tsr_conv_shape s)
{
    if (s.tile != TSR_TILE_PACKED || tsr_conv_wide_shape(conv, &s).chunk % tsr_conv_piece(s.tile) == 0) add(out, count, s);
}

/* Pixels are a power of two: they make a rectangle. */
static void add_simt(const tsr_conv *conv, tsr_tile tile, int32_t made, tsr_conv_shape *out, size_t *count)
{
    static const struct {
        int32_t lanes, ln, rm;
    } others[] = {{64, 16, 8}, {128, 16, 8}, {256, 16, 8}, {128, 32, 8}, {256, 32, 8}, {64, 8, 8}, {128, 16, 4}};
    const tsr_device_info *info = &conv->dev->info;
    const int32_t usual = info->max_workgroup >= 128 ? 128 : 64, rn = made > 48 ? 4 : made > 16 ? 3 : 1;
    add_fitting(conv, out, count, tsr_conv_simt_shape(conv, tile, usual, 16, 8, rn));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        const int32_t most = (int32_t)tsr_ceil_div(made, others[i].ln);
        if ((uint32_t)others[i].lanes <= info->max_workgroup)
            add_fitting(conv, out, count, tsr_conv_simt_shape(conv, tile, others[i].lanes, others[i].ln, others[i].rm, most < 4 ? most : 4));
    }
}

size_t tsr_conv_shapes(const tsr_conv *conv, tsr_conv_shape out[TSR_MAX_CONV_SHAPES])
{
    const tsr_device_info *info = &conv->dev->info;
    const tsr_tile tile = tsr_tile_for(info);
    const int32_t made = conv->depthwise ? 1 : conv->made; /* depthwise, few channels at a time: no input is shared */
    size_t count = 0;
    if (tile == TSR_TILE_VECTOR) {
        count = vector_shapes((int32_t)info->vector_width, made, out);
        return conv->depthwise ? 1 : count;
    }
    if (tile == TSR_TILE_SUBGROUP) {
        const int32_t lanes = (int32_t)info->subgroup_max;
        add(out, &count, subgroup_shape(lanes, made > 4 * lanes ? 8 : made > lanes ? 4 : 1));
        for (int32_t rn = 1; rn <= 8; rn *= 2)
            if (rn == 1 || made > rn / 2 * lanes) add(out, &count, subgroup_shape(lanes, rn));
    }
    tsr_conv_shape matrix[TSR_MAX_CONV_MATRIX_SHAPES];
    const size_t of_matrix = tsr_conv_matrix_shapes(conv, matrix);
    const bool cpu = info->type == TSR_DEVICE_CPU, packed = !conv->depthwise && conv->dtype == TSR_F16;
    const bool by_dots = !cpu && (info->features & TSR_FEATURE_F16_DOT);
    for (size_t i = 0; i < of_matrix && !cpu; i++) add(out, &count, matrix[i]);
    if (packed && by_dots) add_simt(conv, TSR_TILE_PACKED, made, out, &count);
    add_simt(conv, TSR_TILE_SIMT, made, out, &count);
    for (size_t i = 0; i < of_matrix && cpu; i++) add(out, &count, matrix[i]);
    if (packed && !by_dots) add_simt(conv, TSR_TILE_PACKED, made, out, &count);
    return count;
}
