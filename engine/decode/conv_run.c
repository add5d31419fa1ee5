/* One run of a convolution on rows of a frame. */
#include <string.h>

#include "conv.h"
#include "decode/conv_args.h"

#define CONV_ID(id, NAME, value) CONV_##NAME = id,
#define MATRIX_ID(id, NAME, value) MATRIX_##NAME = id,
enum { CONV_SPECS(CONV_ID) CONV_SHAPES(CONV_ID) };
enum { CONV_MATRIX_SPECS(MATRIX_ID) CONV_MATRIX_SHAPES(MATRIX_ID) };
typedef struct conv_params {
    CONV_PARAMS(TSR_PARAM_FIELD)
} conv_params;

static tsr_dtype dtype_of_x(const tsr_conv *conv, const tsr_conv_args *args)
{
    tsr_dtype x = TSR_F32;
    for (int32_t f = 0; f < conv->time.taps; f++)
        if (args->x[f].at.buffer) x = args->x[f].dtype;
    return x;
}

/* Are the pixels of x, and their parts by group, whole pieces of so many channels? */
static bool whole_pieces(const tsr_conv *conv, const tsr_conv_args *args, uint64_t piece)
{
    const uint64_t size = tsr_dtype_size(dtype_of_x(conv, args));
    uint64_t any = (uint64_t)conv->channels * size | (uint64_t)conv->cin * size;
    for (int32_t f = 0; f < conv->time.taps; f++) any |= args->x[f].at.buffer ? args->x[f].at.offset : 0;
    return any % (piece * size) == 0;
}

static tsr_status get_matrix_kernel(const tsr_conv *conv, const tsr_conv_args *args, bk_kernel **out)
{
    const tsr_conv_shape *s = &conv->shape;
    const int32_t specs[BK_MAX_SPECS] = {
        [MATRIX_LANES] = s->lanes,
        [MATRIX_SUBGROUP] = s->subgroup,
        [MATRIX_MM] = s->mm,
        [MATRIX_MN] = s->mn,
        [MATRIX_MK] = s->mk,
        [MATRIX_R_DT] = conv->residual ? (int32_t)args->residual.dtype : 0,
        [MATRIX_Y_DT] = args->y.at.buffer ? (int32_t)args->y.dtype : 0,
        [MATRIX_RESIDUAL] = conv->residual,
        [MATRIX_NOISE] = conv->has_noise,
        [MATRIX_PATCH] = s->patch,
        [MATRIX_PITCH] = tsr_conv_pitch(conv, s->mm),
        [MATRIX_STRIDE] = conv->stride,
        [MATRIX_WIDE] = whole_pieces(conv, args, 8),
        [MATRIX_OWN] = conv->own,
        [MATRIX_OWNERS] = conv->own ? s->mk * s->mn / conv->own : 1,
        [MATRIX_KW] = conv->across.taps,
        [MATRIX_RM] = s->rm,
        [MATRIX_RN] = s->rn,
        [MATRIX_LN] = s->ln,
        [MATRIX_CHUNK] = s->chunk,
    };
    return tsr_kernel_get_matrix(conv->dev, tsr_conv_matrix_kernel(conv), TSR_F16, specs, NULL, out);
}

static tsr_status get_kernel(const tsr_conv *conv, const tsr_conv_shape *s, const tsr_conv_args *args, bk_kernel **out)
{
    if (s->tile == TSR_TILE_MATRIX) return get_matrix_kernel(conv, args, out);
    const bool pieces = tsr_conv_in_pieces(s->tile) && !conv->depthwise;
    const int32_t specs[BK_MAX_SPECS] = {
        [CONV_LANES] = s->lanes,
        [CONV_X_DT] = (int32_t)dtype_of_x(conv, args),
        [CONV_W_DT] = (int32_t)conv->dtype,
        [CONV_R_DT] = conv->residual ? (int32_t)args->residual.dtype : 0,
        [CONV_Y_DT] = args->y.at.buffer ? (int32_t)args->y.dtype : 0,
        [CONV_A_DT] = conv->norm ? (int32_t)args->act.dtype : 0,
        [CONV_RESIDUAL] = conv->residual,
        [CONV_NOISE] = conv->has_noise,
        [CONV_NORM] = conv->norm ? (int32_t)conv->norm_kind + 1 : 0,
        [CONV_PATCH] = s->patch ? s->patch : 1,
        [CONV_SUMS] = s->sums ? s->sums : 1,
        [CONV_RUN] = conv->run,
        [CONV_ABREAST] = conv->abreast,
        [CONV_STRIDE] = conv->stride,
        [CONV_WIDE] = pieces && whole_pieces(conv, args, (uint64_t)tsr_conv_piece(s->tile)),
        [CONV_RM] = s->rm,
        [CONV_RN] = s->rn,
        [CONV_LN] = s->ln,
        [CONV_CHUNK] = s->chunk,
    };
    if (s->tile == TSR_TILE_PACKED) return tsr_kernel_get_packed(conv->dev, "conv", TSR_F16, TSR_F32, TSR_F32, specs, NULL, out);
    return tsr_kernel_get(conv->dev, conv->depthwise ? "depthwise" : "conv", s->tile, specs, out);
}

/* Where the weights of a set begin, and how its blocks follow. */
static void find_blocks(const tsr_conv *conv, int32_t set, conv_params *p)
{
    p->block_step = 1;
    if (set == TSR_SET_FIRST && conv->first == TSR_FIRST_SPACE) {
        /* Channel b (rt C) + c of the file, of block b, is that of block b rt of the whole; an up-sampling has one block in the file. */
        p->block_step = conv->up ? 1 : conv->rt;
        return;
    }
    const int32_t it = set == TSR_SET_FIRST ? conv->rt - 1 : set;
    p->block_first = (conv->sets == 1 ? 0 : it) * conv->groups * tsr_conv_blocks(conv);
}

static conv_params fill(const tsr_conv *conv, const tsr_conv_shape *s, const tsr_conv_args *args, const tsr_conv_cut *cut)
{
    conv_params p;
    memset(&p, 0, sizeof(p)); /* padding too: blocks are found by content */
    p.zeros = (int64_t)conv->zeros_at;
    p.order = (int64_t)conv->order_at;
    p.height = args->height;
    p.width = args->width;
    p.channels = conv->channels;
    p.multiple = conv->depthwise ? conv->all_made / conv->channels : 1;
    p.grid_width = (int32_t)tsr_ceil_div(args->width, conv->stride);
    p.row = args->row;
    p.rows = args->rows;
    p.tile_height = cut->tile_height;
    p.tile_width = cut->tile_width;
    p.tiles_across = cut->across;
    p.tiles_down = cut->down;
    p.parts = cut->parts;
    p.part_units = cut->part_units;
    p.units = tsr_conv_blocks(conv) * conv->block_units;
    p.block_units = conv->block_units;
    p.cin = conv->cin;
    p.packed = conv->packed;
    const int32_t chunks = (int32_t)tsr_ceil_div(conv->cin, s->chunk);
    p.chunk = (int32_t)tsr_ceil_div(tsr_ceil_div(conv->cin, chunks), 16) * 16;
    if (p.chunk > s->chunk) p.chunk = s->chunk;
    p.made = conv->made;
    p.all_made = conv->all_made;
    p.kt = conv->time.taps;
    p.kh = conv->down.taps;
    p.kw = conv->across.taps;
    for (int32_t f = 0; f < p.kt; f++) p.present |= args->x[f].at.buffer ? 1 << f : 0;
    p.before = conv->before;
    p.shift = conv->shift;
    p.edge = (int32_t)conv->edge;
    p.r = conv->r;
    p.blocks = tsr_conv_blocks(conv);
    find_blocks(conv, args->set, &p);
    p.x_first0 = args->x[0].first;
    p.x_first1 = args->x[1].first;
    p.x_first2 = args->x[2].first;
    p.residual_first = args->residual.first;
    p.residual_channels = args->residual_channels ? args->residual_channels : conv->residual_channels;
    p.from_row = (args->residual_row < 0 ? conv->table_rows - 1 : args->residual_row) * tsr_conv_blocks(conv) * conv->made;
    p.noise_first = args->noise.first;
    p.y_first = args->y.first;
    p.act_first = args->act.first;
    p.act_kind = (int32_t)conv->act;
    p.clamp = conv->clamp;
    p.low = conv->low;
    p.high = conv->high;
    p.norm_act = (int32_t)conv->norm_act;
    p.eps = conv->eps;
    p.has_y = args->y.at.buffer != NULL;
    p.watch = args->overflow.buffer != NULL;
    return p;
}

static tsr_status check(const tsr_conv *conv, const tsr_conv_args *args)
{
    const int32_t grid = (int32_t)tsr_ceil_div(args->height, conv->stride);
    if (args->height < 1 || args->width < 1 || args->row < 0 || args->rows < 1 || args->rows > grid - args->row)
        return tsr_fail(TSR_ERROR_INTERNAL, "convolution: rows %d to %d of %d", args->row, args->row + args->rows, grid);
    if (args->set >= conv->rt || args->set < TSR_SET_FIRST || (args->set == TSR_SET_FIRST && conv->first == TSR_FIRST_COPY))
        return tsr_fail(TSR_ERROR_INTERNAL, "convolution: frame %d of a step of %d", args->set, conv->rt);
    if (conv->residual == 2 && args->residual_row >= conv->table_rows)
        return tsr_fail(TSR_ERROR_INTERNAL, "convolution: row %d of a table of %d", args->residual_row, conv->table_rows);
    if ((conv->residual && !args->residual.at.buffer) || (conv->has_noise && !args->noise.at.buffer) || (conv->norm && !args->act.at.buffer) ||
        (!conv->norm && !args->y.at.buffer))
        return tsr_fail(TSR_ERROR_INTERNAL, "convolution: an operand is missing");
    return TSR_OK;
}

static bk_binding bind(tsr_span span) { return span.buffer ? (bk_binding){span.buffer->bk, span.offset} : (bk_binding){NULL, 0}; }

void tsr_conv_init_params(tsr_conv *conv) { tsr_params_init(&conv->params, conv->dev, sizeof(conv_params)); }

tsr_status tsr_conv_run(tsr_conv *conv, const tsr_conv_args *args)
{
    bk_kernel *kernel = NULL;
    tsr_conv_cut cut;
    bk_binding params;
    const tsr_conv_shape *shape = conv->wide.lanes && dtype_of_x(conv, args) != TSR_F16 ? &conv->wide : &conv->shape;
    tsr_status status = check(conv, args);
    if (status == TSR_OK) status = tsr_conv_cut_grid(conv, shape, args->rows, (int32_t)tsr_ceil_div(args->width, conv->stride), &cut);
    if (status == TSR_OK) status = get_kernel(conv, shape, args, &kernel);
    if (status != TSR_OK) return status;
    const conv_params p = fill(conv, shape, args, &cut);
    if ((status = tsr_params_get(&conv->params, &p, &params)) != TSR_OK || args->dry) return status;
    bk_buffer *const packed = conv->weight->bk;
    const bk_binding bindings[] = {
        params,
        {packed, 0},
        {packed, conv->bias_at},
        {packed, conv->noise_at},
        {packed, conv->table_at},
        bind(args->x[0].at),
        bind(args->x[1].at),
        bind(args->x[2].at),
        bind(args->residual.at),
        bind(args->noise.at),
        {conv->norm ? conv->norm->bk : NULL, 0},
        bind(args->y.at),
        bind(args->act.at),
        bind(args->overflow),
    };
    return tsr_dispatch(conv->dev, kernel, bindings, 0, (uint32_t)cut.groups);
}
