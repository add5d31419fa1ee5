/* The public calls of tuning. */
#include <stdio.h>
#include <string.h>

#include "race.h"

tsr_status tsr_tune(tsr_device *dev, const tsr_tune_desc *desc, tsr_tune_report *out)
{
    if (!dev || !desc || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !dev ? "dev" : !desc ? "desc" : "out");
    memset(out, 0, sizeof(*out));
    if (!desc->attention == !desc->conv) return tsr_fail(TSR_ERROR_ARGUMENT, "arguments attention and conv: expected one of them");
    for (size_t i = 0; i < sizeof(desc->reserved) / sizeof(desc->reserved[0]); i++)
        if (desc->reserved[i]) return tsr_fail(TSR_ERROR_ARGUMENT, "argument reserved[%zu] is %u; expected 0", i, desc->reserved[i]);
    if (desc->tile >= TSR_TILE_COUNT) return tsr_fail(TSR_ERROR_ARGUMENT, "argument tile is %u; expected a tile model", desc->tile);
    if (desc->attention && desc->tile) return tsr_fail(TSR_ERROR_ARGUMENT, "argument tile is %u beside attention; expected 0", desc->tile);
    return desc->attention ? tsr_tune_attention(dev, desc, out) : tsr_tune_convolution(dev, desc, out);
}

tsr_status tsr_tune_writable(const tsr_context *ctx)
{
    return ctx ? tsr_tuning_check(ctx->tuning) : tsr_fail(TSR_ERROR_ARGUMENT, "argument ctx is NULL");
}

const char *tsr_tune_file(const tsr_context *ctx) { return ctx ? tsr_tuning_path(ctx->tuning) : NULL; }

/* Why no device of the context uses the entry; "": one does. */
static void find_stale(const tsr_context *ctx, const tsr_tune_entry *e, char text[TSR_WHY])
{
    snprintf(text, TSR_WHY, "the device is not here");
    for (size_t i = 0; i < ctx->device_count; i++) {
        char why[TSR_WHY];
        const tsr_device_info *info = &ctx->devices[i].info;
        if (!tsr_tune_of_device(e, info)) continue;
        if (!tsr_tune_stale(e, info, why)) {
            text[0] = '\0';
            return;
        }
        memcpy(text, why, sizeof(why));
    }
}

int tsr_tune_get(const tsr_context *ctx, size_t index, tsr_tune_line *out)
{
    tsr_tune_entry e;
    if (!ctx || !out || !tsr_tuning_get(ctx->tuning, index, &e)) return 0;
    memset(out, 0, sizeof(*out));
    memcpy(out->device, e.device, sizeof(e.device));
    memcpy(out->driver, e.driver, sizeof(e.driver));
    memcpy(out->driver_version, e.driver_version, sizeof(e.driver_version));
    memcpy(out->backend, e.backend, sizeof(e.backend));
    memcpy(out->kernel, e.kernel, sizeof(e.kernel));
    memcpy(out->problem, e.problem, sizeof(e.problem));
    memcpy(out->date, e.date, sizeof(e.date));
    tsr_tune_shape_text(e.kernel, &e.measured[0].shape, out->shape, sizeof(out->shape));
    out->seconds = e.measured[0].seconds;
    for (size_t i = 0; i < e.count; i++)
        if (e.measured[i].is_default) out->default_seconds = e.measured[i].seconds;
    find_stale(ctx, &e, out->stale);
    return 1;
}
