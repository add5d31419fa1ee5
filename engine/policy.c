/* Which device to take when the caller names none: GPUs by kind, software devices by measured speed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static int rank(tsr_device_type type)
{
    switch (type) {
    case TSR_DEVICE_DISCRETE:
        return 0;
    case TSR_DEVICE_INTEGRATED:
        return 1;
    case TSR_DEVICE_VIRTUAL:
        return 2;
    case TSR_DEVICE_OTHER:
        return 3;
    case TSR_DEVICE_CPU:
        return 4;
    }
    return 5;
}

/* Seconds of one short attention on an open device; negative if it cannot run it. */
static double time_attention(tsr_device *dev)
{
    enum { HEADS = 2, TOKENS = 512, DIM = 64, RUNS = 3 };
    const tsr_layout layout = {.dtype = TSR_F32, .shape = {1, HEADS, TOKENS, DIM}};
    const tsr_attention_desc desc = {.q = layout, .k = layout, .v = layout, .o = layout};
    const size_t size = (size_t)HEADS * TOKENS * DIM * sizeof(float);
    tsr_attention *att = NULL;
    tsr_buffer *buf = NULL;
    double best = -1.0;
    float *data = calloc(3, size);
    if (data && tsr_attention_prepare(dev, &desc, &att) == TSR_OK && tsr_buffer_create(dev, 4 * size, &buf) == TSR_OK &&
        tsr_buffer_write(buf, 0, data, 3 * size) == TSR_OK) {
        const tsr_attention_args args = {.q = {buf, 0}, .k = {buf, size}, .v = {buf, 2 * size}, .o = {buf, 3 * size}};
        for (int i = 0; i < RUNS; i++) {
            const double start = tsr_now();
            if (tsr_attention_run(att, &args) != TSR_OK || tsr_device_wait(dev) != TSR_OK) {
                best = -1.0;
                break;
            }
            const double seconds = tsr_now() - start;
            if (best < 0 || seconds < best) best = seconds;
        }
    }
    free(data);
    tsr_buffer_destroy(buf);
    tsr_attention_destroy(att);
    return best;
}

/* As time_attention, remembered in the cache folder for this very device and driver. */
static double speed_of(tsr_context *ctx, size_t index)
{
    const tsr_device_info *info = &ctx->devices[index].info;
    char identity[512];
    const int length =
        snprintf(identity, sizeof(identity), "%s\n%s\n%s\n%s\n%u", info->id, info->name, info->driver, info->version, info->compute_units);
    const size_t identity_size = length > 0 && (size_t)length < sizeof(identity) ? (size_t)length : sizeof(identity);
    size_t size = 0;
    double seconds = -1.0;
    void *known = tsr_cache_load(ctx, "speed", identity, identity_size, &size);
    if (known && size == sizeof(seconds)) {
        memcpy(&seconds, known, sizeof(seconds));
        free(known);
        return seconds;
    }
    free(known);
    tsr_device *dev = NULL;
    if (tsr_device_open_index(ctx, index, NULL, &dev) == TSR_OK) seconds = time_attention(dev);
    tsr_device_destroy(dev);
    tsr_cache_store(ctx, "speed", identity, identity_size, &seconds, sizeof(seconds));
    return seconds;
}

size_t tsr_policy_choose(tsr_context *ctx, const char *backend)
{
    size_t best = ctx->device_count, candidates = 0;
    for (size_t i = 0; i < ctx->device_count; i++) {
        const tsr_device_info *info = &ctx->devices[i].info;
        if (backend && strcmp(backend, info->backend) != 0) continue;
        candidates++;
        if (best == ctx->device_count || rank(info->type) < rank(ctx->devices[best].info.type)) best = i;
    }
    if (best == ctx->device_count) return 0;
    if (ctx->devices[best].info.type != TSR_DEVICE_CPU || candidates < 2) return best;
    double best_seconds = -1.0;
    for (size_t i = 0; i < ctx->device_count; i++) {
        if (backend && strcmp(backend, ctx->devices[i].info.backend) != 0) continue;
        const double seconds = speed_of(ctx, i);
        if (seconds < 0 || (best_seconds >= 0 && seconds >= best_seconds)) continue;
        best = i;
        best_seconds = seconds;
    }
    return best;
}
