/* An application's own cl_context, cl_command_queue and cl_mem as ours, and ours as handles. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "adopt.h"
#include "tessera/tessera_opencl.h"

extern const tsr_backend tsr_backend_opencl;

/* The queue decides: what it belongs to, and that it keeps the order. */
static tsr_status check(const cl_table *cl, const tsr_opencl_device *app)
{
    const char *missing = !app->context ? "context" : !app->device ? "device" : !app->queue ? "queue" : NULL;
    if (missing) return tsr_fail(TSR_ERROR_ARGUMENT, "argument app->%s is NULL", missing);
    cl_context context = NULL;
    cl_device_id device = NULL;
    cl_command_queue_properties properties = 0;
    if (cl->clGetCommandQueueInfo(app->queue, CL_QUEUE_CONTEXT, sizeof(context), &context, NULL) != CL_SUCCESS ||
        cl->clGetCommandQueueInfo(app->queue, CL_QUEUE_DEVICE, sizeof(device), &device, NULL) != CL_SUCCESS ||
        cl->clGetCommandQueueInfo(app->queue, CL_QUEUE_PROPERTIES, sizeof(properties), &properties, NULL) != CL_SUCCESS)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument app->queue is not a queue that its driver knows");
    if (context != app->context) return tsr_fail(TSR_ERROR_ARGUMENT, "argument app->queue belongs to another context than app->context");
    if (device != app->device) return tsr_fail(TSR_ERROR_ARGUMENT, "argument app->queue belongs to another device than app->device");
    if (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument app->queue runs out of order; expected an in-order queue");
    return TSR_OK;
}

tsr_status tsr_device_from_opencl(tsr_context *ctx, const tsr_opencl_device *app, const tsr_device_desc *limits, tsr_device **out)
{
    if (!ctx || !app || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !ctx ? "ctx" : !app ? "app" : "out");
    *out = NULL;
    const cl_state *state = tsr_context_state(ctx, &tsr_backend_opencl);
    if (!state) return tsr_fail(TSR_ERROR_UNSUPPORTED, "the OpenCL loader is not there");
    const cl_table *cl = &state->cl;
    uint32_t emulated;
    tsr_status status = check(cl, app);
    if (status == TSR_OK) status = cl_dpas_emulated(&emulated);
    if (status != TSR_OK) return status;
    bk_device *dev = calloc(1, sizeof(*dev));
    if (!dev) return tsr_fail(TSR_ERROR_HOST_MEMORY, "opencl: no memory for a device");
    cl_platform_id platform = NULL;
    cl->clGetDeviceInfo(app->device, CL_DEVICE_PLATFORM, sizeof(platform), &platform, NULL);
    cl_read_info(cl, platform, app->device, 0, &dev->info, dev->platform_version);
    snprintf(dev->info.id, sizeof(dev->info.id), "opencl:app");
    const char *lacks = cl_lacks(cl, app->device);
    if (lacks) {
        status = tsr_fail(TSR_ERROR_UNSUPPORTED, "%s (%s) cannot run Tessera: %s", dev->info.id, dev->info.name, lacks);
        free(dev);
        return status;
    }
    dev->cl = cl;
    dev->dpas_emulated = emulated;
    dev->services = tsr_context_services(ctx);
    dev->id = app->device;
    dev->context = app->context;
    dev->queue = app->queue;
    cl->clRetainContext(dev->context);
    cl->clRetainCommandQueue(dev->queue);
    status = tsr_device_adopt(ctx, &tsr_backend_opencl, dev, &dev->info, limits, out);
    if (status != TSR_OK) tsr_backend_opencl.close(dev);
    return status;
}

tsr_status tsr_buffer_from_opencl(tsr_device *dev, cl_mem buffer, uint64_t offset, uint64_t size, tsr_buffer **out)
{
    if (!dev || !buffer || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !dev ? "dev" : !buffer ? "buffer" : "out");
    *out = NULL;
    const bk_device *bk = tsr_device_of(dev, &tsr_backend_opencl);
    if (!bk) return tsr_fail(TSR_ERROR_ARGUMENT, "argument dev is %s; expected an OpenCL device", tsr_device_info_of(dev)->id);
    cl_context context = NULL;
    cl_mem_object_type type = 0;
    size_t whole = 0;
    if (bk->cl->clGetMemObjectInfo(buffer, CL_MEM_CONTEXT, sizeof(context), &context, NULL) != CL_SUCCESS ||
        bk->cl->clGetMemObjectInfo(buffer, CL_MEM_TYPE, sizeof(type), &type, NULL) != CL_SUCCESS ||
        bk->cl->clGetMemObjectInfo(buffer, CL_MEM_SIZE, sizeof(whole), &whole, NULL) != CL_SUCCESS)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument buffer is not a memory object that its driver knows");
    if (type != CL_MEM_OBJECT_BUFFER) return tsr_fail(TSR_ERROR_ARGUMENT, "argument buffer is an image or a pipe; expected a buffer");
    if (context != bk->context) return tsr_fail(TSR_ERROR_ARGUMENT, "argument buffer belongs to another context than the device");
    bk_buffer *buf = calloc(1, sizeof(*buf));
    if (!buf) return tsr_fail(TSR_ERROR_HOST_MEMORY, "opencl: no memory for a buffer object");
    buf->mem = buffer;
    buf->offset = offset;
    const tsr_status status = tsr_buffer_adopt(dev, buf, offset, size, whole, out);
    if (status == TSR_OK)
        bk->cl->clRetainMemObject(buffer);
    else
        free(buf);
    return status;
}

tsr_status tsr_device_get_opencl(const tsr_device *dev, tsr_opencl_device *out)
{
    if (!dev || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", dev ? "out" : "dev");
    const bk_device *bk = tsr_device_of(dev, &tsr_backend_opencl);
    if (!bk) return tsr_fail(TSR_ERROR_ARGUMENT, "argument dev is %s; expected an OpenCL device", tsr_device_info_of(dev)->id);
    *out = (tsr_opencl_device){.context = bk->context, .device = bk->id, .queue = bk->queue};
    return TSR_OK;
}

tsr_status tsr_buffer_get_opencl(const tsr_buffer *buf, cl_mem *out, uint64_t *offset)
{
    if (!buf || !out || !offset) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !buf ? "buf" : !out ? "out" : "offset");
    const bk_buffer *bk = tsr_buffer_of(buf, &tsr_backend_opencl);
    if (!bk) return tsr_fail(TSR_ERROR_ARGUMENT, "argument buf belongs to another backend; expected a buffer of an OpenCL device");
    *out = bk->mem;
    *offset = bk->offset;
    return TSR_OK;
}
