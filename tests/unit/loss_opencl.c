/* An OpenCL driver that fails, by a table of entry points of its own. */
#include "loss.h"

#include "adopt.h"
#include "opencl/internal.h"

extern const tsr_backend tsr_backend_opencl;

static struct {
    bk_device *dev;
    const cl_table *real;
    cl_table table;
    loss_way way;
    int left; /* submissions until it fails */
} loss;

static cl_int failing_flush(cl_command_queue queue)
{
    if (loss.left-- <= 0 && loss.way == LOSS_SUBMIT) return CL_INVALID_COMMAND_QUEUE;
    return loss.real->clFlush(queue);
}

static bool fails(void) { return loss.left < 0 && loss.way != LOSS_SUBMIT; }

static cl_int failing_finish(cl_command_queue queue)
{
    const cl_int error = loss.real->clFinish(queue);
    return fails() ? CL_OUT_OF_RESOURCES : error;
}

static cl_int failing_wait(cl_uint count, const cl_event *events)
{
    const cl_int error = loss.real->clWaitForEvents(count, events);
    return fails() ? CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST : error;
}

static cl_int failing_info(cl_event event, cl_event_info what, size_t size, void *value, size_t *needed)
{
    const cl_int error = loss.real->clGetEventInfo(event, what, size, value, needed);
    if (!fails() || what != CL_EVENT_COMMAND_EXECUTION_STATUS) return error;
    *(cl_int *)value = loss.way == LOSS_WAIT ? CL_OUT_OF_RESOURCES : CL_RUNNING;
    loss.dev->patience = 0.02; /* no test waits for a minute */
    return error;
}

bool loss_arm_opencl(tsr_device *dev, loss_way way, int at)
{
    bk_device *bk = tsr_device_of(dev, &tsr_backend_opencl);
    if (!bk || way == LOSS_BACKEND) return false;
    loss.dev = bk;
    loss.real = bk->cl;
    loss.table = *bk->cl;
    loss.table.clFlush = failing_flush;
    loss.table.clFinish = failing_finish;
    loss.table.clWaitForEvents = failing_wait;
    loss.table.clGetEventInfo = failing_info;
    loss.way = way;
    loss.left = at;
    bk->cl = &loss.table;
    return true;
}
