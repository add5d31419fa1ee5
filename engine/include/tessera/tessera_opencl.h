/* Tessera on an application's own OpenCL objects: its context, its queue, its buffers.
 *
 *     tsr_device_from_opencl(ctx, &(tsr_opencl_device){.context = context, .device = id, .queue = queue}, NULL, &dev);
 *     tsr_buffer_from_opencl(dev, mem, offset, size, &buf);
 *
 * Ownership: Tessera retains what it is given and releases it with what it made of it; the application releases its own
 * references when it likes. Objects come from the system's ICD loader.
 *
 * Needed of a device: OpenCL 1.2, a compiler, 64-bit addresses, little-endian; no extension.
 *
 * Threads are as in tessera.h; OpenCL itself lets any thread use the queue.
 *
 * Order: Tessera enqueues on the application's queue within its calls, and nowhere else. tsr_attention_run sees what was enqueued
 * there before it; what is enqueued after it sees its results, and tsr_device_wait (clFinish) or a blocking read brings them to
 * the host. Other queues wait on a marker of this one.
 *
 * This header is installed, and its calls are in the library, where Tessera was built with its OpenCL backend. */
#ifndef TESSERA_OPENCL_H
#define TESSERA_OPENCL_H

#include <CL/cl.h>
#include <tessera/tessera.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tsr_opencl_device {
    cl_context context;
    cl_device_id device;
    cl_command_queue queue; /* in-order, of that context and device */
    uint64_t reserved[4];
} tsr_opencl_device;

/* A device of the context on that queue; limits may be NULL. TSR_ERROR_UNSUPPORTED, naming it, for what the device lacks. */
TSR_API tsr_status tsr_device_from_opencl(tsr_context *ctx, const tsr_opencl_device *app, const tsr_device_desc *limits, tsr_device **out);

/* The bytes [offset, offset + size) of a buffer of the same cl_context; offset is a multiple of 4. Tessera writes nothing outside
 * them. A buffer made with CL_MEM_READ_ONLY serves as input alone, one with CL_MEM_WRITE_ONLY as output. The range counts in the
 * device's memory budget. Several ranges of one buffer may be given. */
TSR_API tsr_status tsr_buffer_from_opencl(tsr_device *dev, cl_mem buffer, uint64_t offset, uint64_t size, tsr_buffer **out);

/* The handles behind any OpenCL device, or behind one of its buffers (from *offset on), not retained. The rest of *out is 0.
 * TSR_ERROR_ARGUMENT for the objects of another backend. */
TSR_API tsr_status tsr_device_get_opencl(const tsr_device *dev, tsr_opencl_device *out);
TSR_API tsr_status tsr_buffer_get_opencl(const tsr_buffer *buf, cl_mem *out, uint64_t *offset);

#ifdef __cplusplus
}
#endif
#endif
