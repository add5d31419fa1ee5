/* Convolutions: what a description means, and what can be asked about it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conv.h"
#include "decode/conv_args.h"

void tsr_conv_destroy(tsr_conv *conv)
{
    if (!conv) return;
    tsr_buffer_destroy(conv->weight);
    tsr_buffer_destroy(conv->norm);
    tsr_params_free(&conv->params);
    free(conv->places);
    free(conv);
}

/* Taps of an axis as they run: a nearest up-sampling by two before k centred taps (in time: the last k) sums those that meet. */
static tsr_conv_axis axis_of(int32_t k, bool up)
{
    tsr_conv_axis axis = {.taps = up && k == 3 ? 2 : k, .phases = up && k == 3 ? 2 : 1};
    for (int32_t p = 0; p < axis.phases; p++)
        for (int32_t t = 0; t < axis.taps; t++) axis.low[p][t] = axis.high[p][t] = t;
    if (axis.phases == 2) {
        axis.high[0][1] = 2; /* even: one tap, then two on the same */
        axis.low[0][1] = 1;
        axis.high[1][0] = 1; /* odd: two, then one */
        axis.low[1][1] = axis.high[1][1] = 2;
    }
    return axis;
}

static tsr_status refuse(const tsr_conv_desc *d, const char *what, int64_t is, const char *expected)
{
    return tsr_fail(TSR_ERROR_UNSUPPORTED, "convolution %s: %s is %" PRId64 "; expected %s", d->name ? d->name : "", what, is, expected);
}

static tsr_status check(const tsr_conv_desc *d, int32_t groups, int32_t stride, int32_t rt, int32_t r)
{
    const tsr_taps *t = &d->taps;
    const int64_t packed = (int64_t)(d->up_time ? 1 : rt) * r * r;
    if (!t->w || t->cin < 1 || t->cout < 1) return refuse(d, "the number of weights", 0, "some");
    if (t->kt < 1 || t->kt > TSR_MAX_FRAMES_READ) return refuse(d, "kt", t->kt, "1 to 3");
    if (t->kh < 1 || t->kh > 7 || t->kw < 1 || t->kw > 7) return refuse(d, "kh or kw", t->kh > 7 || t->kh < 1 ? t->kh : t->kw, "1 to 7");
    if (d->before < 0 || d->before > 7) return refuse(d, "before", d->before, "0 to 7");
    if (stride < 1 || stride > 8) return refuse(d, "stride", stride, "1 to 8");
    if (r < 1 || r > 64 || rt < 1 || rt > 64) return refuse(d, "rt or shuffle", r < 1 || r > 64 ? r : rt, "1 to 64");
    if (t->cout % packed != 0) return refuse(d, "the number of output channels", t->cout, "a multiple of rt shuffle shuffle");
    if (groups < 1 || t->cout % groups != 0 || t->cin > INT32_MAX / groups) return refuse(d, "groups", groups, "a divisor of the output channels");
    if (groups > 1 && packed > 1) return refuse(d, "groups", groups, "1 where a pixel makes several");
    if (d->up && (stride != 1 || r != 1 || t->kh != t->kw || (t->kh != 1 && t->kh != 3) || d->before != t->kh / 2))
        return refuse(d, "up with kh", t->kh, "1 x 1 or centred 3 x 3, without stride and shuffle");
    if (d->up_time && (rt != 2 || t->kt == 2 || d->ahead != 0)) return refuse(d, "up_time with kt", t->kt, "1 or 3, rt 2, and no frame ahead");
    if (d->order == TSR_ORDER_COLUMNS && rt != 1 && !d->up_time) return refuse(d, "rt", rt, "1 in order W");
    if (d->first == TSR_FIRST_SPACE && (d->order != TSR_ORDER_BLOCKS || groups > 1 || d->up_time))
        return refuse(d, "first SPACE with order", d->order, "blocks");
    return TSR_OK;
}

/* The table of a residual's channels: how many rows, and how many channels it needs. */
static tsr_status check_table(tsr_conv *conv, const tsr_conv_desc *d)
{
    conv->table_rows = (d->residual_rt ? d->residual_rt : conv->rt) + (d->residual_first_space ? 1 : 0);
    if (conv->groups > 1 || conv->stride > 1)
        return refuse(d, "residual_from with groups or a stride of", conv->groups > 1 ? conv->groups : conv->stride, "1");
    int64_t n;
    if (conv->table_rows < 1 || !tsr_mul((int64_t)conv->table_rows * tsr_conv_blocks(conv), conv->made, &n) || n > INT32_MAX / 4)
        return refuse(d, "residual_rt", d->residual_rt, "1 or more, and a table that fits");
    for (int64_t i = 0; i < n; i++) {
        if (d->residual_from[i] < 0 || d->residual_from[i] > 1 << 20)
            return refuse(d, "a channel in residual_from", d->residual_from[i], "one that is there");
        if (d->residual_from[i] >= conv->residual_channels) conv->residual_channels = d->residual_from[i] + 1;
    }
    return TSR_OK;
}

static tsr_status set_up(tsr_conv *conv, const tsr_conv_desc *d)
{
    const int32_t groups = d->groups ? d->groups : 1, stride = d->stride ? d->stride : 1, rt = d->rt ? d->rt : 1, r = d->shuffle ? d->shuffle : 1;
    tsr_status status = check(d, groups, stride, rt, r);
    if (status != TSR_OK) return status;
    conv->file_kt = d->taps.kt;
    conv->file_kh = d->taps.kh;
    conv->file_kw = d->taps.kw;
    conv->time = axis_of(d->taps.kt, d->up_time);
    conv->down = axis_of(d->taps.kh, d->up);
    conv->across = axis_of(d->taps.kw, d->up);
    conv->groups = groups;
    conv->sets = d->up_time ? conv->time.phases : rt;
    conv->cin = d->taps.cin;
    conv->all_made = d->taps.cout / ((d->up_time ? 1 : rt) * r * r);
    conv->channels = groups * d->taps.cin;
    conv->depthwise = groups > 1 && d->taps.cin == 1 && !d->up && conv->sets == 1;
    if (conv->depthwise) conv->groups = 1;
    conv->made = conv->all_made / conv->groups;
    conv->rt = rt;
    conv->up = d->up;
    conv->r = d->up ? 2 : r;
    conv->stride = stride;
    conv->before = d->before;
    conv->shift = d->up && d->taps.kh == 3 ? 1 : 0;
    conv->edge = d->up && d->edge == TSR_EDGE_REFLECT ? TSR_EDGE_REPLICATE
                                                      : d->edge; /* pixel -1 of the up-sampled frame is its pixel 1, made of the source's 0 */
    conv->order = d->order;
    conv->first = d->first;
    conv->act = d->act;
    conv->clamp = d->clamp;
    conv->low = d->low;
    conv->high = d->high;
    conv->has_bias = d->taps.bias != NULL;
    conv->has_noise = d->noise_scale != NULL;
    conv->residual = d->residual == TSR_NONE ? 0 : d->residual_from ? 2 : 1;
    if (conv->residual == 2 && (status = check_table(conv, d)) != TSR_OK) return status;
    if (conv->dtype == TSR_F16 && !tsr_conv_fits_f16(conv, d)) conv->dtype = TSR_F32;
    status = tsr_conv_choose(conv, d->tile, d->shape);
    return status == TSR_OK ? tsr_conv_pack(conv, d) : status;
}

tsr_status tsr_conv_create(tsr_device *dev, const tsr_conv_desc *desc, tsr_dtype dtype, tsr_conv **out)
{
    tsr_taps taps = desc->taps;
    *out = NULL;
    tsr_conv *conv = calloc(1, sizeof(*conv));
    tsr_status status = conv ? TSR_OK : tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a convolution of %zu bytes", sizeof(*conv));
    if (conv) {
        conv->dev = dev;
        conv->dtype = dtype;
        tsr_conv_init_params(conv);
        status = set_up(conv, desc);
    }
    free(taps.w);
    free(taps.bias);
    if (status != TSR_OK) {
        tsr_conv_destroy(conv);
        return status;
    }
    *out = conv;
    return TSR_OK;
}

uint64_t tsr_conv_bytes(const tsr_conv *conv)
{
    return conv->bytes + (conv->norm ? tsr_buffer_size(conv->norm) : 0) + tsr_params_bytes(&conv->params);
}

uint64_t tsr_conv_flops(const tsr_conv *conv, int32_t height, int32_t width)
{
    const uint64_t taps = (uint64_t)conv->time.taps * (uint64_t)conv->down.taps * (uint64_t)conv->across.taps * (uint64_t)conv->cin;
    return 2 * taps * (uint64_t)conv->all_made * (uint64_t)tsr_conv_blocks(conv) * (uint64_t)height * (uint64_t)width;
}

bool tsr_conv_can_fuse(const tsr_conv *conv, const tsr_norm_desc *norm)
{
    return norm->kind != TSR_NORM_GROUP && norm->modulation == TSR_NONE && !conv->clamp && !conv->norm && tsr_conv_owns_pixels(conv);
}

tsr_status tsr_conv_fuse(tsr_conv *conv, const tsr_norm_desc *norm)
{
    const size_t columns = (size_t)conv->block_units * (size_t)conv->shape.columns, bytes = 2 * columns * sizeof(float);
    float *both = calloc(1, bytes);
    tsr_status status = both ? TSR_OK : tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a norm of %zu bytes", bytes);
    for (int32_t c = 0; both && c < conv->made; c++) {
        both[c] = norm->scale ? norm->scale[c] : 1.0f;
        both[columns + (size_t)c] = norm->shift ? norm->shift[c] : 0.0f;
    }
    if (status == TSR_OK) status = tsr_buffer_create(conv->dev, bytes, &conv->norm);
    if (status == TSR_OK) status = tsr_buffer_write(conv->norm, 0, both, bytes);
    free(both);
    free(norm->scale);
    free(norm->shift);
    conv->norm_kind = norm->kind;
    conv->norm_act = norm->act;
    conv->eps = norm->eps;
    return status;
}

void tsr_conv_reads(const tsr_conv *conv, int32_t height, int32_t row, int32_t rows, int32_t *low, int32_t *high)
{
    int32_t first = row * conv->stride - conv->before;
    int32_t last = (row + rows - 1) * conv->stride - conv->before + conv->down.taps - 1 + conv->shift * (conv->r - 1);
    if (conv->edge == TSR_EDGE_REFLECT) {
        const int32_t mirrored_first = last >= height ? 2 * height - 2 - last : first, mirrored_last = first < 0 ? -first : last;
        first = mirrored_first < first ? mirrored_first : first;
        last = mirrored_last > last ? mirrored_last : last;
    }
    if (conv->edge != TSR_EDGE_ZERO) { /* at least the row at the edge */
        first = first > height - 1 ? height - 1 : first;
        last = last < 0 ? 0 : last;
    }
    *low = first < 0 ? 0 : first > height ? height : first;
    *high = last + 1 > height ? height : last + 1 < *low ? *low : last + 1;
}

const char *tsr_conv_why(const tsr_conv *conv) { return conv->why; }

void tsr_conv_text(const tsr_conv *conv, char *text, size_t size)
{
    const tsr_conv_shape *s = &conv->shape;
    const bool matrix = s->tile == TSR_TILE_MATRIX;
    const int32_t pixels = matrix ? s->lanes / s->subgroup / s->ln * s->rm * s->mm : s->lanes / s->ln * s->rm;
    snprintf(text, size, "%dx%dx%d %d > %d%s, %s, %stile %d x %d", conv->file_kt, conv->file_kh, conv->file_kw, conv->channels, conv->all_made,
             conv->up      ? " up"
             : conv->r > 1 ? " shuffled"
                           : "",
             tsr_dtype_name(conv->dtype),
             matrix                       ? "matrix "
             : s->tile == TSR_TILE_PACKED ? "packed "
                                          : "",
             pixels, s->columns);
}
