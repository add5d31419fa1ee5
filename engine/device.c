/* Opening a device by its name, and device memory with the caller's budget. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "matrix/layout.h"

/* Is part in text, upper and lower case alike? */
static bool contains(const char *text, const char *part)
{
    for (; *text; text++) {
        size_t i = 0;
        while (part[i] && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i])) i++;
        if (!part[i]) return true;
    }
    return false;
}

/* The ids and names of all devices, for an error text. */
static void list_devices(const tsr_context *ctx, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < ctx->device_count && at < size; i++) {
        const tsr_device_info *info = &ctx->devices[i].info;
        const int n = snprintf(text + at, size - at, "%s%s (%s)", i ? ", " : "", info->id, info->name);
        if (n < 0) return;
        at += (size_t)n;
    }
}

static tsr_status find_device(tsr_context *ctx, const char *selector, bool environment, size_t *index)
{
    for (size_t i = 0; i < ctx->device_count; i++) {
        if (strcmp(selector, ctx->devices[i].info.id) == 0) {
            *index = i;
            return TSR_OK;
        }
    }
    const char *colon = strchr(selector, ':');
    const size_t length = colon ? (size_t)(colon - selector) : strlen(selector);
    /* A number is an index, never a part of a name: most names have digits. */
    const bool named = colon && colon[1] && colon[1 + strspn(colon + 1, "0123456789")];
    bool known = false;
    for (size_t i = 0; i < ctx->device_count; i++) {
        const tsr_device_info *info = &ctx->devices[i].info;
        if (strlen(info->backend) != length || strncmp(selector, info->backend, length) != 0) continue;
        known = true;
        if (named && (contains(info->name, colon + 1) || contains(info->driver, colon + 1))) {
            *index = i;
            return TSR_OK;
        }
    }
    if (known && !colon) {
        *index = tsr_policy_choose(ctx, selector);
        return TSR_OK;
    }
    char list[1024];
    list_devices(ctx, list, sizeof(list));
    return tsr_fail(TSR_ERROR_NO_DEVICE, "device '%s'%s is not there; expected one of: %s", selector,
                    environment ? ", which TESSERA_DEVICE names," : "", list);
}

tsr_status tsr_device_open_index(tsr_context *ctx, size_t index, const tsr_device_desc *desc, tsr_device **out)
{
    tsr_device *dev = calloc(1, sizeof(*dev));
    if (!dev) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a device of %zu bytes", sizeof(*dev));
    dev->ctx = ctx;
    dev->backend = ctx->devices[index].backend;
    dev->info = ctx->devices[index].info;
    if (desc) dev->budget = desc->memory_budget;
    const tsr_status status = dev->backend->open(ctx->devices[index].state, ctx->devices[index].index, &dev->bk);
    if (status != TSR_OK) {
        free(dev);
        return status;
    }
    const tsr_status queue = tsr_queue_open(dev, desc);
    if (queue != TSR_OK) {
        tsr_device_destroy(dev);
        return queue;
    }
    *out = dev;
    return TSR_OK;
}

tsr_status tsr_device_open(tsr_context *ctx, const char *selector, const tsr_device_desc *desc, tsr_device **out)
{
    if (!ctx || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", ctx ? "out" : "ctx");
    *out = NULL;
    const bool environment = !selector || !selector[0];
    if (environment) selector = getenv("TESSERA_DEVICE");
    if (ctx->device_count == 0) return tsr_fail(TSR_ERROR_NO_DEVICE, "this build of Tessera has no device at all");
    size_t index = 0;
    if (selector && selector[0]) {
        const tsr_status status = find_device(ctx, selector, environment, &index);
        if (status != TSR_OK) return status;
    } else {
        index = tsr_policy_choose(ctx, NULL);
    }
    return tsr_device_open_index(ctx, index, desc, out);
}

void tsr_device_destroy(tsr_device *dev)
{
    if (!dev) return;
    tsr_queue_close(dev);
    tsr_kernels_free(dev);
    tsr_matrix_layouts_free(dev);
    dev->backend->close(dev->bk);
    free(dev);
}

const tsr_device_info *tsr_device_info_of(const tsr_device *dev) { return dev ? &dev->info : NULL; }

tsr_status tsr_device_room(const tsr_device *dev, uint64_t size)
{
    const uint64_t there = dev->info.memory_free ? dev->info.memory_free : dev->info.memory_total;
    const uint64_t bound = dev->budget && (!there || dev->budget < there) ? dev->budget : there;
    const uint64_t left = bound > dev->used ? bound - dev->used : 0;
    if (!bound || size <= left) return TSR_OK;
    return tsr_fail(TSR_ERROR_DEVICE_MEMORY, "%s: not enough memory%s: %" PRIu64 " bytes needed in all, %" PRIu64 " available", dev->info.id,
                    bound == dev->budget ? " within the budget" : "", size, left);
}

tsr_status tsr_buffer_create(tsr_device *dev, uint64_t size, tsr_buffer **out)
{
    if (!dev || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", dev ? "out" : "dev");
    *out = NULL;
    if (dev->budget && (size > dev->budget || dev->used > dev->budget - size))
        return tsr_fail(TSR_ERROR_DEVICE_MEMORY,
                        "not enough memory within the budget of %" PRIu64 " bytes: %" PRIu64 " needed, %" PRIu64 " available", dev->budget, size,
                        dev->budget - (dev->used < dev->budget ? dev->used : dev->budget));
    if (dev->info.max_buffer && size > dev->info.max_buffer)
        return tsr_fail(TSR_ERROR_DEVICE_MEMORY, "%s: not enough memory: %" PRIu64 " bytes needed, %" PRIu64 " available in one buffer", dev->info.id,
                        size, dev->info.max_buffer);
    tsr_buffer *buf = calloc(1, sizeof(*buf));
    if (!buf) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a buffer object of %zu bytes", sizeof(*buf));
    tsr_status status = tsr_queue_ready(dev, false);
    if (status == TSR_OK) status = tsr_queue_note(dev, dev->backend->buffer_create(dev->bk, size, &buf->bk));
    if (status != TSR_OK) {
        free(buf);
        return status;
    }
    buf->dev = dev;
    buf->size = size;
    dev->used += size;
    *out = buf;
    return TSR_OK;
}

void tsr_buffer_destroy(tsr_buffer *buf)
{
    if (!buf) return;
    tsr_queue_forget(buf->dev, buf->bk);
    buf->dev->backend->buffer_destroy(buf->dev->bk, buf->bk);
    buf->dev->used -= buf->size;
    free(buf);
}

uint64_t tsr_buffer_size(const tsr_buffer *buf) { return buf ? buf->size : 0; }

static tsr_status check_range(const tsr_buffer *buf, uint64_t offset, const void *memory, uint64_t size)
{
    if (!buf) return tsr_fail(TSR_ERROR_ARGUMENT, "argument buf is NULL");
    if (!memory && size > 0) return tsr_fail(TSR_ERROR_ARGUMENT, "the host pointer is NULL; expected %" PRIu64 " bytes", size);
    if (offset > buf->size || size > buf->size - offset)
        return tsr_fail(TSR_ERROR_ARGUMENT,
                        "argument offset is %" PRIu64 " and size %" PRIu64 "; expected a range within the buffer's %" PRIu64 " bytes", offset, size,
                        buf->size);
    return TSR_OK;
}

tsr_status tsr_buffer_write(tsr_buffer *buf, uint64_t offset, const void *src, uint64_t size)
{
    tsr_status status = check_range(buf, offset, src, size);
    if (status != TSR_OK || size == 0) return status;
    if ((status = tsr_drain(buf->dev)) != TSR_OK) return status;
    return tsr_queue_note(buf->dev, buf->dev->backend->buffer_write(buf->dev->bk, buf->bk, offset, src, size));
}

tsr_status tsr_buffer_read(tsr_buffer *buf, uint64_t offset, void *dst, uint64_t size)
{
    tsr_status status = check_range(buf, offset, dst, size);
    if (status != TSR_OK || size == 0) return status;
    if ((status = tsr_drain(buf->dev)) != TSR_OK) return status;
    return tsr_queue_note(buf->dev, buf->dev->backend->buffer_read(buf->dev->bk, buf->bk, offset, dst, size));
}
