/* One convolution layer: packs its weights, chooses its tile, runs it. */
#include <stdlib.h>

#include "decode/conv_args.h"
#include "decoder.h"

#define CONV_ID(id, NAME, value) CONV_##NAME = id,
enum { CONV_SPECS(CONV_ID) CONV_SHAPES(CONV_ID) };
typedef struct conv_params {
    CONV_PARAMS(TSR_PARAM_FIELD)
} conv_params;

/* Output channels in registers. */
static int32_t row_registers(tsr_tile tile) { return tile == TSR_TILE_VECTOR ? 4 : 8; }

tsr_status tsr_conv_create(tsr_device *dev, tsr_conv *conv, const tsr_tensor_view *weight, const tsr_tensor_view *bias)
{
    const int32_t rm = row_registers(tsr_tile_for(&dev->info)), channels = conv->cin + conv->cin_past, area = conv->taps * conv->taps;
    const size_t blocks = (size_t)((conv->cout + rm - 1) / rm), packed = blocks * (size_t)area * (size_t)channels * (size_t)rm;
    float *host = calloc(packed + (size_t)conv->cout, sizeof(float)), *plain = malloc((size_t)channels * (size_t)area * sizeof(float));
    if (!host || !plain) {
        free(host);
        free(plain);
        return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory to pack a layer of %zu weights", packed);
    }
    const size_t one = (size_t)channels * (size_t)area;
    for (int32_t o = 0; o < conv->cout; o++) {
        tsr_floats_from(weight, (uint64_t)o * one, one, plain);
        float *block = host + (size_t)(o / rm) * one * (size_t)rm + o % rm;
        for (int32_t c = 0; c < channels; c++)
            for (int32_t t = 0; t < area; t++)
                block[((size_t)t * (size_t)channels + (size_t)c) * (size_t)rm] = plain[(size_t)c * (size_t)area + (size_t)t];
    }
    free(plain);
    if (bias) tsr_floats_from(bias, 0, (uint64_t)conv->cout, host + packed);
    conv->has_bias = bias != NULL;
    conv->rm = rm;
    conv->bias_at = packed * sizeof(float);
    const uint64_t bytes = (packed + (size_t)conv->cout) * sizeof(float);
    tsr_status status = tsr_buffer_create(dev, bytes, &conv->weight);
    if (status == TSR_OK) status = tsr_buffer_create(dev, sizeof(conv_params), &conv->params);
    if (status == TSR_OK) status = tsr_buffer_write(conv->weight, 0, host, bytes);
    free(host);
    return status;
}

void tsr_conv_destroy(tsr_conv *conv)
{
    tsr_buffer_destroy(conv->weight);
    tsr_buffer_destroy(conv->params);
}

/* Columns of a micro-tile: those that spend least on an image row, idle pixels included. */
static int32_t choose_columns(const tsr_device_info *info, tsr_tile tile, int32_t lanes, uint32_t width)
{
    /* Relative rates as measured: the share of the FMA peak on the host, inverse loads on llvmpipe. */
    static const struct rate {
        int32_t columns;
        double rate;
    } wide[] = {{4, 0.7}, {2, 0.6}, {1, 0.4}}, narrow[] = {{3, 0.7}, {2, 0.6}, {1, 0.4}}, lone[] = {{8, 1.0}, {4, 0.6}, {1, 0.2}};
    if (tile == TSR_TILE_SIMT) return 4;
    const struct rate *const rates = tile == TSR_TILE_SUBGROUP ? lone : info->vector_width < 16 ? narrow : wide;
    int32_t best = 1;
    double best_cost = 0;
    for (int i = 0; i < 3; i++) {
        const int32_t columns = rates[i].columns;
        const uint32_t pixels = (uint32_t)(columns * lanes);
        const double cost = (double)((width + pixels - 1) / pixels * pixels) / rates[i].rate;
        if (best_cost > 0 && cost >= best_cost) continue;
        best = columns;
        best_cost = cost;
    }
    return best;
}

/* Output channels of a workgroup: on CPUs all of them, so that staged pixels serve them all, or as many as the driver's loop limit
 * permits. 0: the limit permits none. */
static int32_t output_rows(const tsr_device *dev, const tsr_conv *conv, int32_t lanes, int32_t ln, int32_t rn)
{
    const int64_t blocks = (conv->cout + conv->rm - 1) / conv->rm, side = lanes / ln, limit = tsr_loop_limit(dev);
    const int64_t reads = (int64_t)conv->taps * conv->taps * (conv->cin + conv->cin_past + 2);
    /* As in attention, simt micro-tiles may stay rolled; staging takes no more rounds than this in any tile. */
    const int64_t each = side > 1 ? reads * (conv->rm + 2) : reads, staging = reads * rn;
    const int64_t permitted = limit == 0 ? blocks : limit > staging ? (limit - staging) / each : 0;
    const int64_t rounds = side > 1 ? 1 : blocks;
    return (int32_t)((rounds < permitted ? rounds : permitted) * side) * conv->rm;
}

tsr_status tsr_conv_resize(tsr_device *dev, tsr_conv *conv, uint32_t height, uint32_t width)
{
    const tsr_tile tile = tsr_tile_for(&dev->info);
    const bool vector = tile == TSR_TILE_VECTOR;
    const int32_t channels = conv->cin + conv->cin_past, lanes = vector ? 1 : tile == TSR_TILE_SUBGROUP ? (int32_t)dev->info.subgroup_max : 64;
    const int32_t ln = vector ? 1 : tile == TSR_TILE_SUBGROUP ? lanes : 8;
    const int32_t across = vector ? (int32_t)dev->info.vector_width : ln, rn = choose_columns(&dev->info, tile, across, width), pixels = rn * across;
    const int32_t rows = output_rows(dev, conv, lanes, ln, rn);
    if (rows == 0)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "the driver ends loops after %u iterations; a convolution of %d channels takes more",
                        tsr_loop_limit(dev), channels);
    const int32_t specs[BK_MAX_SPECS] = {
        [CONV_LANES] = lanes,
        [CONV_CIN] = conv->cin,
        [CONV_CIN_PAST] = conv->cin_past,
        [CONV_COUT] = conv->cout,
        [CONV_TAPS] = conv->taps,
        [CONV_UP] = conv->up,
        [CONV_C_CHUNK] = lanes == ln || channels < 16 ? channels : 16,
        [CONV_ROWS] = rows,
        [CONV_HAS_BIAS] = conv->has_bias,
        [CONV_HAS_RESIDUAL] = conv->residual,
        [CONV_IN_TANH] = conv->in_tanh,
        [CONV_RELU] = conv->relu,
        [CONV_CLAMP] = conv->clamp,
        [CONV_SHUFFLE] = conv->shuffle,
        [CONV_RM] = conv->rm,
        [CONV_RN] = rn,
        [CONV_LN] = ln,
    };
    const tsr_status status = tsr_kernel_get(dev, "conv", tile, specs, &conv->kernel);
    if (status != TSR_OK) return status;
    const conv_params params = {.height = (int32_t)height, .width = (int32_t)width, .x_tiles = ((int32_t)width + pixels - 1) / pixels};
    const uint64_t groups = (uint64_t)params.x_tiles * height * (uint64_t)((conv->cout + rows - 1) / rows);
    if (groups > INT32_MAX)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "an image of %u x %u pixels is too large; expected fewer than 2^31 tiles", height, width);
    conv->groups = (uint32_t)groups;
    conv->flops = 2 * (uint64_t)conv->cout * (uint64_t)channels * (uint64_t)(conv->taps * conv->taps) * height * width;
    return tsr_buffer_write(conv->params, 0, &params, sizeof(params));
}

static bk_binding bind(tsr_span span) { return span.buffer ? (bk_binding){span.buffer->bk, span.offset} : (bk_binding){NULL, 0}; }

tsr_status tsr_conv_run(tsr_device *dev, const tsr_conv *conv, tsr_span x, tsr_span past, tsr_span residual, tsr_span y)
{
    const bk_binding bindings[] = {
        {conv->params->bk, 0}, {conv->weight->bk, 0}, {conv->weight->bk, conv->bias_at}, bind(x), bind(past), bind(residual), bind(y)};
    return dev->backend->dispatch(dev->bk, conv->kernel, bindings, 0, conv->groups);
}
