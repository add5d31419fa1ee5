/* The in-order queue: kernels are enqueued, flushed as submissions, and waited for with patience. */
#include <math.h>
#include <time.h>

#include "internal.h"

enum { MAX_GROUPS = 65535 };

cl_command_queue cl_queue_create(const cl_table *cl, cl_context context, cl_device_id id, cl_int *error)
{
    cl_command_queue queue = cl->clCreateCommandQueue(context, id, CL_QUEUE_PROFILING_ENABLE, error);
    return *error == CL_SUCCESS ? queue : cl->clCreateCommandQueue(context, id, 0, error);
}

tsr_status cl_limit(bk_device *dev, const bk_limits *limits)
{
    cl_command_queue_properties properties = 0;
    dev->cl->clGetCommandQueueInfo(dev->queue, CL_QUEUE_PROPERTIES, sizeof(properties), &properties, NULL);
    dev->patience = limits->patience;
    dev->tracked = limits->timed || isfinite(limits->patience);
    dev->profiled = limits->timed && (properties & CL_QUEUE_PROFILING_ENABLE);
    return TSR_OK;
}

static void forget(bk_device *dev, cl_span *span)
{
    if (span->first) dev->cl->clReleaseEvent(span->first);
    if (span->last) dev->cl->clReleaseEvent(span->last);
    *span = (cl_span){NULL, NULL};
}

static void extend(bk_device *dev, cl_event event)
{
    cl_event *place = dev->now.first ? &dev->now.last : &dev->now.first;
    if (*place) dev->cl->clReleaseEvent(*place);
    *place = event;
}

tsr_status cl_dispatch(bk_device *dev, bk_kernel *kernel, const bk_binding *bindings, uint32_t first, uint32_t count)
{
    if (dev->lost) return cl_status(dev, CL_SUCCESS, "running a kernel");
    const cl_table *cl = dev->cl;
    cl_int error = CL_SUCCESS;
    for (uint32_t i = 0; i < kernel->bindings && error == CL_SUCCESS; i++) {
        const cl_mem mem = bindings[i].buffer ? bindings[i].buffer->mem : NULL;
        const cl_ulong offset = bindings[i].buffer ? bindings[i].buffer->offset + bindings[i].offset : 0;
        error = cl->clSetKernelArg(kernel->kernel, 2 * i, sizeof(mem), &mem);
        if (error == CL_SUCCESS) error = cl->clSetKernelArg(kernel->kernel, 2 * i + 1, sizeof(offset), &offset);
    }
    while (count > 0 && error == CL_SUCCESS) {
        const uint32_t groups = count < MAX_GROUPS ? count : MAX_GROUPS;
        const cl_uint base = first;
        const size_t global = (size_t)groups * kernel->lanes, local = kernel->lanes;
        cl_event event = NULL;
        error = cl->clSetKernelArg(kernel->kernel, 2 * kernel->bindings, sizeof(base), &base);
        if (error == CL_SUCCESS)
            error = cl->clEnqueueNDRangeKernel(dev->queue, kernel->kernel, 1, NULL, &global, &local, 0, NULL, dev->tracked ? &event : NULL);
        if (event) extend(dev, event);
        first += groups;
        count -= groups;
    }
    return error == CL_SUCCESS ? TSR_OK : cl_status(dev, error, "running a kernel");
}

tsr_status cl_submit(bk_device *dev, uint64_t *number)
{
    cl_span *place = &dev->flight[(dev->submissions + 1) % CL_SUBMISSIONS];
    const cl_int error = dev->cl->clFlush(dev->queue);
    if (error != CL_SUCCESS) return cl_status(dev, error, "submitting");
    *number = ++dev->submissions;
    forget(dev, place);
    *place = dev->now;
    dev->now = (cl_span){NULL, NULL};
    return TSR_OK;
}

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) * 1e-9;
}

/* OpenCL waits without an end: with patience we look again and again, the later the more seldom. */
static cl_int wait_for(bk_device *dev, cl_event event)
{
    enum { SHARE = 32, LEAST_NS = 20000, MOST_NS = 500000 };
    if (!isfinite(dev->patience)) return dev->cl->clWaitForEvents(1, &event);
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) {
        cl_int state = CL_COMPLETE;
        const cl_int error = dev->cl->clGetEventInfo(event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof(state), &state, NULL);
        if (error != CL_SUCCESS || state <= CL_COMPLETE) return error != CL_SUCCESS ? error : state;
        const double passed = seconds_since(&start);
        if (passed > dev->patience) {
            dev->stuck = true;
            return CL_DEVICE_NOT_AVAILABLE;
        }
        const double pause = passed * 1e9 / SHARE;
        nanosleep(&(struct timespec){.tv_nsec = pause < LEAST_NS ? LEAST_NS : pause > MOST_NS ? MOST_NS : (long)pause}, NULL);
    }
}

static cl_int finish(bk_device *dev, cl_span *span, double *seconds)
{
    if (!span->first) return CL_SUCCESS;
    const cl_event last = span->last ? span->last : span->first;
    cl_ulong begin = 0, end = 0;
    const cl_int error = wait_for(dev, last);
    if (error == CL_SUCCESS && dev->profiled &&
        dev->cl->clGetEventProfilingInfo(span->first, CL_PROFILING_COMMAND_START, sizeof(begin), &begin, NULL) == CL_SUCCESS &&
        dev->cl->clGetEventProfilingInfo(last, CL_PROFILING_COMMAND_END, sizeof(end), &end, NULL) == CL_SUCCESS && end > begin)
        *seconds = (double)(end - begin) * 1e-9;
    forget(dev, span);
    return error;
}

/* Work that fails once it runs leaves its queue in no state to go on, whatever the driver calls it. */
static tsr_status waited(bk_device *dev, cl_int error)
{
    if (error == CL_SUCCESS) return TSR_OK;
    dev->lost = true;
    return cl_status(dev, error, dev->stuck ? "no work was done for as long as patience_ms allows" : "waiting");
}

tsr_status cl_finish(bk_device *dev, uint64_t number, double *seconds)
{
    if (dev->lost) return cl_status(dev, CL_SUCCESS, "waiting");
    return waited(dev, finish(dev, &dev->flight[number % CL_SUBMISSIONS], seconds));
}

tsr_status cl_wait(bk_device *dev)
{
    double seconds;
    uint64_t number;
    if (dev->lost) return cl_status(dev, CL_SUCCESS, "waiting");
    tsr_status status = dev->now.first ? cl_submit(dev, &number) : TSR_OK;
    for (uint64_t i = 1; i <= CL_SUBMISSIONS && status == TSR_OK; i++) status = cl_finish(dev, dev->submissions + i, &seconds); /* the oldest first */
    if (status != TSR_OK) return status;
    return waited(dev, dev->cl->clFinish(dev->queue));
}

void cl_queue_release(bk_device *dev)
{
    if (dev->stuck) return;
    forget(dev, &dev->now);
    for (int i = 0; i < CL_SUBMISSIONS; i++) forget(dev, &dev->flight[i]);
    if (dev->queue) dev->cl->clReleaseCommandQueue(dev->queue);
    if (dev->context) dev->cl->clReleaseContext(dev->context);
}
