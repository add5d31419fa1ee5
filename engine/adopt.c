/* Devices and buffers around what an application made itself with a driver's interface. */
#include "adopt.h"

#include <inttypes.h>
#include <stdlib.h>

#include "internal.h"

const bk_services *tsr_context_services(const tsr_context *ctx) { return &ctx->services; }

void *tsr_context_state(const tsr_context *ctx, const tsr_backend *backend)
{
    for (size_t i = 0; tsr_backends[i] && i < TSR_MAX_BACKENDS; i++)
        if (tsr_backends[i] == backend) return ctx->backend_state[i];
    return NULL;
}

tsr_status tsr_device_adopt(tsr_context *ctx, const tsr_backend *backend, bk_device *bk, const tsr_device_info *info, const tsr_device_desc *desc,
                            tsr_device **out)
{
    tsr_device *dev = calloc(1, sizeof(*dev));
    if (!dev) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a device of %zu bytes", sizeof(*dev));
    dev->ctx = ctx;
    dev->backend = backend;
    dev->bk = bk;
    dev->info = *info;
    if (desc) dev->budget = desc->memory_budget;
    const tsr_status status = tsr_queue_open(dev, desc);
    if (status != TSR_OK) { /* bk stays the caller's */
        free(dev->queue.pace.rates);
        free(dev);
        return status;
    }
    *out = dev;
    return TSR_OK;
}

tsr_status tsr_buffer_adopt(tsr_device *dev, bk_buffer *bk, uint64_t offset, uint64_t size, uint64_t whole, tsr_buffer **out)
{
    enum { ALIGN = 4 }; /* the widest element that kernels read */
    if (offset % ALIGN) return tsr_fail(TSR_ERROR_ARGUMENT, "argument offset is %" PRIu64 "; expected a multiple of %d", offset, ALIGN);
    if (size == 0 || offset > whole || size > whole - offset)
        return tsr_fail(TSR_ERROR_ARGUMENT,
                        "argument offset is %" PRIu64 " and size %" PRIu64 "; expected a range, not empty, within the buffer's %" PRIu64 " bytes",
                        offset, size, whole);
    if (dev->budget && (size > dev->budget || dev->used > dev->budget - size))
        return tsr_fail(TSR_ERROR_DEVICE_MEMORY,
                        "a buffer of %" PRIu64 " bytes exceeds the budget of %" PRIu64 " bytes, of which %" PRIu64 " are used", size, dev->budget,
                        dev->used);
    tsr_buffer *buf = calloc(1, sizeof(*buf));
    if (!buf) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a buffer object of %zu bytes", sizeof(*buf));
    buf->dev = dev;
    buf->bk = bk;
    buf->size = size;
    buf->begins = offset;
    dev->used += size;
    *out = buf;
    return TSR_OK;
}

bk_device *tsr_device_of(const tsr_device *dev, const tsr_backend *backend) { return dev->backend == backend ? dev->bk : NULL; }

bk_buffer *tsr_buffer_of(const tsr_buffer *buf, const tsr_backend *backend) { return buf->dev->backend == backend ? buf->bk : NULL; }
