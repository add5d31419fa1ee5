/* The decoder of the tiny video autoencoders (TAEHV): a chain built from the weight file, streamed
 * frame by frame. Layer numbers are those of the key prefix "decoder.N.". */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "decoder.h"

static tsr_status load_conv(tsr_decoder *dec, const tsr_tensors *file, const char *name, bool bias, tsr_conv *conv)
{
    char key[64];
    tsr_tensor_view weight, offset;
    const int64_t shape[4] = {conv->cout, conv->cin + conv->cin_past, conv->taps, conv->taps}, length = conv->cout;
    snprintf(key, sizeof(key), "%s.weight", name);
    tsr_status status = tsr_weights_get(file, key, 4, shape, &weight);
    if (status == TSR_OK && bias) {
        snprintf(key, sizeof(key), "%s.bias", name);
        status = tsr_weights_get(file, key, 1, &length, &offset);
    }
    if (status != TSR_OK) return status;
    dec->info.parameters += (uint64_t)weight.size / tsr_dtype_size(weight.dtype) + (bias ? (uint64_t)length : 0);
    return tsr_conv_create(dec->dev, conv, &weight, bias ? &offset : NULL);
}

/* Output channels of layer n's convolution of the given width, read off its weight. */
static tsr_status read_width(const tsr_tensors *file, int n, const char *middle, int64_t in, int64_t taps, int32_t *out)
{
    char key[64];
    tsr_tensor_view view;
    const int64_t shape[4] = {-1, in, taps, taps};
    snprintf(key, sizeof(key), "decoder.%d.%sweight", n, middle);
    const tsr_status status = tsr_weights_get(file, key, 4, shape, &view);
    if (status == TSR_OK) *out = (int32_t)view.shape[0];
    return status;
}

static tsr_node *add_node(tsr_decoder *dec, tsr_node_kind kind, int32_t level, int32_t in, int32_t out)
{
    tsr_node *node = &dec->nodes[dec->node_count++];
    *node = (tsr_node){.kind = kind, .level = level, .in = in, .out = out, .frames = 1};
    return node;
}

static tsr_status add_conv(tsr_decoder *dec, const tsr_tensors *file, int n, int32_t level, int32_t in, bool bias, bool up, int32_t *out)
{
    tsr_status status = read_width(file, n, "", in, 3, out);
    if (status != TSR_OK) return status;
    char name[32];
    snprintf(name, sizeof(name), "decoder.%d", n);
    tsr_node *node = add_node(dec, TSR_NODE_CONV, level, in, *out);
    node->conv[0] = (tsr_conv){.cin = in, .cout = *out, .taps = 3, .shuffle = 1, .up = up};
    return load_conv(dec, file, name, bias, &node->conv[0]);
}

/* y = ReLU(c4(ReLU(c2(ReLU(c0([x_t; x_t-1]))))) + x_t) */
static tsr_status add_mem(tsr_decoder *dec, const tsr_tensors *file, int n, int32_t level, int32_t c)
{
    tsr_node *node = add_node(dec, TSR_NODE_MEM, level, c, c);
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof(name), "decoder.%d.conv.%d", n, 2 * i);
        node->conv[i] = (tsr_conv){.cin = c, .cin_past = i == 0 ? c : 0, .cout = c, .taps = 3, .shuffle = 1, .relu = true, .residual = i == 2};
        const tsr_status status = load_conv(dec, file, name, true, &node->conv[i]);
        if (status != TSR_OK) return status;
    }
    return TSR_OK;
}

/* 1x1 to s times the channels; group i is frame i of s. It works pixel by pixel, so the up-sampling
 * before it in the file is done by the convolution after it. */
static tsr_status add_grow(tsr_decoder *dec, const tsr_tensors *file, int n, int32_t level, int32_t c)
{
    int32_t out = 0;
    tsr_status status = read_width(file, n, "conv.", c, 1, &out);
    if (status != TSR_OK) return status;
    if (out % c != 0 || out / c > 4)
        return tsr_fail(TSR_ERROR_FILE,
                        "the weight file's tensor 'decoder.%d.conv.weight' has shape [%d,%d,1,1]; expected 1 to 4 times %d output channels", n, out,
                        c, c);
    char name[32];
    snprintf(name, sizeof(name), "decoder.%d.conv", n);
    tsr_node *node = add_node(dec, TSR_NODE_GROW, level, c, c);
    node->frames = out / c;
    node->conv[0] = (tsr_conv){.cin = c, .cout = out, .taps = 1, .shuffle = 1};
    return load_conv(dec, file, name, false, &node->conv[0]);
}

static tsr_status add_last(tsr_decoder *dec, const tsr_tensors *file, int32_t c)
{
    int32_t out = 0;
    tsr_status status = add_conv(dec, file, 22, 3, c, true, false, &out);
    if (status != TSR_OK) return status;
    for (dec->patch = 1; dec->patch < 8 && 3 * dec->patch * dec->patch < out; dec->patch++) continue;
    if (3 * dec->patch * dec->patch != out)
        return tsr_fail(TSR_ERROR_FILE, "the weight file's tensor 'decoder.22.weight' has %d output channels; expected 3 times a square", out);
    tsr_node *node = &dec->nodes[dec->node_count - 1];
    node->conv[0].clamp = true;
    node->conv[0].shuffle = dec->patch;
    return TSR_OK;
}

tsr_status tsr_taehv_create(tsr_decoder *dec, const tsr_tensors *file)
{
    tsr_tensor_view first;
    const int64_t any[4] = {-1, -1, 3, 3};
    tsr_status status = tsr_weights_get(file, "decoder.1.weight", 4, any, &first);
    if (status != TSR_OK) return status;
    int32_t c = 0;
    uint32_t time_scale = 1;
    const int32_t latent = (int32_t)first.shape[1];
    if ((status = add_conv(dec, file, 1, 0, latent, true, false, &c)) != TSR_OK) return status;
    dec->nodes[0].conv[0].in_tanh = true;
    dec->nodes[0].conv[0].relu = true;
    for (int level = 0, n = 3; level < 3; level++, n += 6) { /* MEM n, n+1, n+2; up n+3; GROW n+4; conv n+5 */
        for (int i = 0; i < 3; i++)
            if ((status = add_mem(dec, file, n + i, level, c)) != TSR_OK) return status;
        if ((status = add_grow(dec, file, n + 4, level, c)) != TSR_OK) return status;
        time_scale *= (uint32_t)dec->nodes[dec->node_count - 1].frames;
        if ((status = add_conv(dec, file, n + 5, level + 1, c, false, true, &c)) != TSR_OK) return status;
    }
    dec->nodes[dec->node_count - 1].conv[0].relu = true;
    if ((status = add_last(dec, file, c)) != TSR_OK) return status;
    if (time_scale > TSR_MAX_TIME_SCALE)
        return tsr_fail(TSR_ERROR_FILE, "the weight file makes %u frames of one latent; expected at most %d", time_scale, TSR_MAX_TIME_SCALE);
    snprintf(dec->info.family, sizeof(dec->info.family), "taehv");
    dec->info.latent_channels = (uint32_t)latent;
    dec->info.time_scale = time_scale;
    dec->info.space_scale = 8 * (uint32_t)dec->patch;
    dec->info.frames_dropped = time_scale - 1;
    return TSR_OK;
}

void tsr_taehv_free_buffers(tsr_decoder *dec)
{
    for (int i = 0; i < dec->node_count; i++) {
        for (int j = 0; j < 2; j++) {
            tsr_buffer_destroy(dec->nodes[i].input[j]);
            dec->nodes[i].input[j] = NULL;
        }
    }
    for (int i = 0; i < 2; i++) {
        tsr_buffer_destroy(dec->scratch[i]);
        dec->scratch[i] = NULL;
    }
    for (int i = 0; i < TSR_MAX_TIME_SCALE; i++) {
        tsr_buffer_destroy(dec->frames[i]);
        dec->frames[i] = NULL;
    }
}

static uint64_t plane_bytes(const tsr_decoder *dec, int32_t level)
{
    return ((uint64_t)dec->height << level) * ((uint64_t)dec->width << level) * sizeof(float);
}

/* What MEM remembers before the first frame. */
static tsr_status clear(tsr_buffer *buf)
{
    enum { PART = 1 << 20 };
    void *zeros = calloc(1, PART);
    if (!zeros) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %d bytes of zeros", PART);
    tsr_status status = TSR_OK;
    const uint64_t size = tsr_buffer_size(buf);
    for (uint64_t at = 0; at < size && status == TSR_OK; at += PART) status = tsr_buffer_write(buf, at, zeros, size - at < PART ? size - at : PART);
    free(zeros);
    return status;
}

/* The size at which node i reads; an up-sampling convolution reads half of what it writes. */
static int32_t input_level(const tsr_node *node) { return node->conv[0].up ? node->level - 1 : node->level; }

static uint64_t frame_bytes(const tsr_decoder *dec, const tsr_node *node) { return plane_bytes(dec, input_level(node)) * (uint64_t)node->in; }

static uint64_t input_bytes(const tsr_decoder *dec, const tsr_node *node)
{
    const bool after_grow = node != dec->nodes && node[-1].kind == TSR_NODE_GROW;
    return frame_bytes(dec, node) * (after_grow ? (uint64_t)node[-1].frames : 1);
}

static int input_count(const tsr_node *node) { return node->kind == TSR_NODE_MEM ? 2 : 1; }

static tsr_status start_node(tsr_decoder *dec, tsr_node *node)
{
    tsr_status status = TSR_OK;
    for (int i = 0; i < input_count(node) && status == TSR_OK; i++) status = tsr_buffer_create(dec->dev, input_bytes(dec, node), &node->input[i]);
    if (status == TSR_OK && node->kind == TSR_NODE_MEM) status = clear(node->input[1]);
    node->current = 0;
    for (int i = 0; i < (node->kind == TSR_NODE_MEM ? 3 : 1) && status == TSR_OK; i++)
        status = tsr_conv_resize(dec->dev, &node->conv[i], dec->height << node->level, dec->width << node->level);
    return status;
}

tsr_status tsr_taehv_start(tsr_decoder *dec)
{
    const uint64_t frame = plane_bytes(dec, 3) * 3 * (uint64_t)(dec->patch * dec->patch);
    uint64_t scratch = 0, total = frame * dec->info.time_scale, flops = 0, times = 1;
    for (const tsr_node *node = dec->nodes; node < dec->nodes + dec->node_count; node++) {
        total += input_bytes(dec, node) * (uint64_t)input_count(node);
        if (node->kind == TSR_NODE_MEM && frame_bytes(dec, node) > scratch) scratch = frame_bytes(dec, node);
    }
    tsr_status status = tsr_device_room(dec->dev, total + 2 * scratch); /* before the first gigabyte is touched */
    for (int i = 0; i < dec->node_count && status == TSR_OK; i++) {
        tsr_node *node = &dec->nodes[i];
        status = start_node(dec, node);
        for (int j = 0; j < 3; j++) flops += node->conv[j].flops * times;
        times *= (uint64_t)node->frames;
    }
    for (int i = 0; i < 2 && status == TSR_OK; i++) status = tsr_buffer_create(dec->dev, scratch, &dec->scratch[i]);
    for (uint32_t i = 0; i < dec->info.time_scale && status == TSR_OK; i++) status = tsr_buffer_create(dec->dev, frame, &dec->frames[i]);
    dec->info.flops_per_latent = flops;
    return status;
}

static const tsr_span nowhere = {NULL, 0};

/* Runs node i on x and everything behind it on what it makes. */
static tsr_status run_from(tsr_decoder *dec, int i, tsr_span x)
{
    tsr_device *dev = dec->dev;
    tsr_node *node = &dec->nodes[i], *next = i + 1 < dec->node_count ? node + 1 : NULL;
    const tsr_span out = {next ? next->input[next->current] : dec->frames[dec->made], 0};
    tsr_status status;
    if (node->kind == TSR_NODE_MEM) {
        const tsr_span past = {node->input[1 - node->current], 0}, a = {dec->scratch[0], 0}, b = {dec->scratch[1], 0};
        status = tsr_conv_run(dev, &node->conv[0], x, past, nowhere, a);
        if (status == TSR_OK) status = tsr_conv_run(dev, &node->conv[1], a, nowhere, nowhere, b);
        if (status == TSR_OK) status = tsr_conv_run(dev, &node->conv[2], b, nowhere, x, out);
        node->current = 1 - node->current; /* this frame is the next one's past */
    } else {
        status = tsr_conv_run(dev, &node->conv[0], x, nowhere, nowhere, out);
    }
    if (status != TSR_OK) return status;
    if (!next) {
        dec->made++;
        return TSR_OK;
    }
    const uint64_t step = plane_bytes(dec, node->level) * (uint64_t)node->out;
    for (int32_t f = 0; f < node->frames && status == TSR_OK; f++) status = run_from(dec, i + 1, (tsr_span){out.buffer, (uint64_t)f * step});
    return status;
}

tsr_status tsr_taehv_push(tsr_decoder *dec) { return run_from(dec, 0, (tsr_span){dec->nodes[0].input[0], 0}); }
