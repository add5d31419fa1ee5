/* Device memory of the OpenCL backend. */
#include <inttypes.h>
#include <stdlib.h>

#include "internal.h"

tsr_status cl_buffer_create(bk_device *dev, uint64_t size, bk_buffer **out)
{
    bk_buffer *buf = calloc(1, sizeof(*buf));
    if (!buf) return tsr_fail(TSR_ERROR_HOST_MEMORY, "opencl: no memory for a buffer object");
    cl_int error = CL_MEM_OBJECT_ALLOCATION_FAILURE;
    if (size <= SIZE_MAX) buf->mem = dev->cl->clCreateBuffer(dev->context, CL_MEM_READ_WRITE, size ? (size_t)size : 1, NULL, &error);
    /* Drivers allocate late; moving the buffer to the device now brings the failure forward. */
    if (error == CL_SUCCESS)
        error = dev->cl->clEnqueueMigrateMemObjects(dev->queue, 1, &buf->mem, CL_MIGRATE_MEM_OBJECT_CONTENT_UNDEFINED, 0, NULL, NULL);
    if (error != CL_SUCCESS) {
        if (buf->mem) dev->cl->clReleaseMemObject(buf->mem);
        free(buf);
        return tsr_fail(TSR_ERROR_DEVICE_MEMORY,
                        "%s: not enough memory: %" PRIu64 " bytes needed, %" PRIu64 " available in one buffer, %" PRIu64 " in all (OpenCL error %d)",
                        dev->info.id, size, dev->info.max_buffer, dev->info.memory_total, error);
    }
    *out = buf;
    return TSR_OK;
}

void cl_buffer_destroy(bk_device *dev, bk_buffer *buf)
{
    dev->cl->clReleaseMemObject(buf->mem); /* the driver keeps it until enqueued work is done */
    free(buf);
}

tsr_status cl_buffer_write(bk_device *dev, bk_buffer *buf, uint64_t offset, const void *src, uint64_t size)
{
    if (dev->lost) return cl_status(dev, CL_SUCCESS, "writing a buffer");
    const cl_int error =
        dev->cl->clEnqueueWriteBuffer(dev->queue, buf->mem, CL_TRUE, (size_t)(buf->offset + offset), (size_t)size, src, 0, NULL, NULL);
    return error == CL_SUCCESS ? TSR_OK : cl_status(dev, error, "writing a buffer");
}

tsr_status cl_buffer_read(bk_device *dev, bk_buffer *buf, uint64_t offset, void *dst, uint64_t size)
{
    if (dev->lost) return cl_status(dev, CL_SUCCESS, "reading a buffer");
    const cl_int error =
        dev->cl->clEnqueueReadBuffer(dev->queue, buf->mem, CL_TRUE, (size_t)(buf->offset + offset), (size_t)size, dst, 0, NULL, NULL);
    return error == CL_SUCCESS ? TSR_OK : cl_status(dev, error, "reading a buffer");
}
