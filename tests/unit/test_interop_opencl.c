/* An application with its own OpenCL context: attention on its queue, within its buffer, between its own commands. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "interop.h"
#include "opencl/internal.h"

#include "tessera/tessera_opencl.h"

enum { BYTES = sizeof(float) * TOTAL };

static cl_table cl;
static tsr_opencl_device app;

static bool open_app(void **library)
{
    cl_platform_id platforms[16];
    cl_uint count = 0;
    cl_int error = CL_SUCCESS;
    if (!cl_load(&cl, library) || cl.clGetPlatformIDs(16, platforms, &count) != CL_SUCCESS) return false;
    for (cl_uint i = 0; i < count && i < 16 && !app.device; i++)
        if (cl.clGetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 1, &app.device, NULL) != CL_SUCCESS) app.device = NULL;
    if (!app.device) return false;
    app.context = cl.clCreateContext(NULL, 1, &app.device, NULL, NULL, &error);
    if (error == CL_SUCCESS) app.queue = cl.clCreateCommandQueue(app.context, app.device, 0, &error);
    return error == CL_SUCCESS;
}

static cl_mem allocate(cl_context context)
{
    cl_int error = CL_SUCCESS;
    const cl_mem mem = cl.clCreateBuffer(context, CL_MEM_READ_WRITE, BYTES, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    return mem;
}

static cl_uint references(cl_mem mem) /* NULL: of the queue */
{
    cl_uint count = 0;
    const cl_int error = mem ? cl.clGetMemObjectInfo(mem, CL_MEM_REFERENCE_COUNT, sizeof(count), &count, NULL)
                             : cl.clGetCommandQueueInfo(app.queue, CL_QUEUE_REFERENCE_COUNT, sizeof(count), &count, NULL);
    assert_int_equal(error, CL_SUCCESS);
    return count;
}

/* Are there no more than before? A driver may drop those of a finished command a little later. */
static void check_released(cl_mem mem, cl_uint before)
{
    for (int i = 0; i < 1000 && references(mem) > before; i++) usleep(1000);
    assert_in_range(references(mem), 1, before);
}

/* What an application may get wrong about its device; and the buffer of another context. */
static void refuse_devices(tsr_context *ctx, tsr_device *good)
{
    tsr_device *dev = good;
    tsr_buffer *buf = NULL;
    tsr_opencl_device bad;
    cl_int error = CL_SUCCESS;
#define REFUSED(change, says)                                                                                                                        \
    bad = app, change, interop_refused(tsr_device_from_opencl(ctx, &bad, NULL, &dev), TSR_ERROR_ARGUMENT, says), assert_null(dev)
    interop_refused(tsr_device_from_opencl(ctx, NULL, NULL, &dev), TSR_ERROR_ARGUMENT, "app is NULL");
    REFUSED(bad.context = NULL, "app->context is NULL");
    REFUSED(bad.device = NULL, "app->device is NULL");
    REFUSED(bad.queue = NULL, "app->queue is NULL");
    const cl_command_queue shuffled = cl.clCreateCommandQueue(app.context, app.device, CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, &error);
    if (error == CL_SUCCESS) { /* else the driver has none */
        REFUSED(bad.queue = shuffled, "out of order");
        cl.clReleaseCommandQueue(shuffled);
    }
    const cl_context other = cl.clCreateContext(NULL, 1, &app.device, NULL, NULL, &error);
    assert_int_equal(error, CL_SUCCESS);
    REFUSED(bad.context = other, "another context");
#undef REFUSED
    const cl_mem foreign = allocate(other);
    interop_refused(tsr_buffer_from_opencl(good, foreign, 0, 4, &buf), TSR_ERROR_ARGUMENT, "another context");
    cl.clReleaseMemObject(foreign);
    cl.clReleaseContext(other);
}

static void refuse_buffers(tsr_context *ctx, tsr_device *dev, cl_mem mem)
{
    tsr_device *host = interop_host(ctx);
    tsr_buffer *buf = NULL, *ours = NULL;
    tsr_opencl_device out;
    uint64_t offset = 0;
    interop_refused(tsr_buffer_from_opencl(dev, mem, 0, BYTES + 1, &buf), TSR_ERROR_ARGUMENT, "within the buffer's");
    interop_refused(tsr_buffer_from_opencl(dev, mem, 4, BYTES, &buf), TSR_ERROR_ARGUMENT, "offset is 4 and size");
    interop_refused(tsr_buffer_from_opencl(dev, mem, 4, UINT64_MAX - 2, &buf), TSR_ERROR_ARGUMENT, "within the buffer's");
    interop_refused(tsr_buffer_from_opencl(dev, mem, 0, 0, &buf), TSR_ERROR_ARGUMENT, "size 0");
    interop_refused(tsr_buffer_from_opencl(dev, mem, 6, 4, &buf), TSR_ERROR_ARGUMENT, "offset is 6; expected a multiple of 4");
    interop_refused(tsr_buffer_from_opencl(dev, mem, 0, BYTES, &buf), TSR_ERROR_DEVICE_MEMORY, "budget");
    interop_refused(tsr_buffer_from_opencl(dev, NULL, 0, 4, &buf), TSR_ERROR_ARGUMENT, "buffer is NULL");
    interop_refused(tsr_buffer_from_opencl(host, mem, 0, 4, &buf), TSR_ERROR_ARGUMENT, "dev is host");
    assert_null(buf);
    interop_refused(tsr_device_get_opencl(host, &out), TSR_ERROR_ARGUMENT, "dev is host");
    assert_int_equal(tsr_buffer_create(host, 4, &ours), TSR_OK);
    interop_refused(tsr_buffer_get_opencl(ours, &mem, &offset), TSR_ERROR_ARGUMENT, "another backend");
    tsr_buffer_destroy(ours);
    tsr_device_destroy(host);
}

/* What Tessera made, as handles. */
static void check_handles(tsr_device *dev, tsr_buffer *adopted, cl_mem mem)
{
    tsr_opencl_device out;
    tsr_buffer *ours = NULL;
    cl_mem got = NULL;
    uint64_t offset = 99;
    assert_int_equal(tsr_device_get_opencl(dev, &out), TSR_OK);
    assert_memory_equal(&out, &app, sizeof(out));
    assert_int_equal(tsr_buffer_get_opencl(adopted, &got, &offset), TSR_OK);
    assert_ptr_equal(got, mem);
    assert_int_equal(offset, sizeof(float) * OUT_AT);
    assert_int_equal(tsr_buffer_create(dev, 64, &ours), TSR_OK);
    assert_int_equal(tsr_buffer_get_opencl(ours, &got, &offset), TSR_OK);
    assert_true(got && got != mem && offset == 0);
    tsr_buffer_destroy(ours);
}

static void attention(void **state)
{
    (void)state;
    static float got[TOTAL], copy[Q];
    tsr_context *ctx = NULL;
    tsr_device *dev = NULL;
    tsr_buffer *in = NULL, *out = NULL;
    const tsr_device_desc limits = {.memory_budget = BYTES + 4096};
    const cl_mem mem = allocate(app.context);
    assert_int_equal(cl.clEnqueueWriteBuffer(app.queue, mem, CL_TRUE, 0, BYTES, got, 0, NULL, NULL), CL_SUCCESS);
    usleep(100000);
    const cl_uint of_mem = references(mem), of_queue = references(NULL); /* a driver may keep one for the last command */
    assert_int_equal(tsr_context_create(NULL, &ctx), TSR_OK);
    if (tsr_device_from_opencl(ctx, &app, &limits, &dev) != TSR_OK) fail_msg("%s", tsr_last_error());
    /* Not waited for: the queue's order alone brings the inputs before the kernels. */
    assert_int_equal(cl.clEnqueueWriteBuffer(app.queue, mem, CL_FALSE, 0, BYTES, interop_image, 0, NULL, NULL), CL_SUCCESS);
    assert_int_equal(tsr_buffer_from_opencl(dev, mem, sizeof(float) * IN_AT, sizeof(float) * IN, &in), TSR_OK);
    assert_int_equal(tsr_buffer_from_opencl(dev, mem, sizeof(float) * OUT_AT, sizeof(float) * Q, &out), TSR_OK);
    assert_int_equal(tsr_buffer_size(in), sizeof(float) * IN);
    assert_in_range(references(mem), 3, UINT_MAX); /* the application's, and one for each range */
    interop_attend(dev, in, out);
    assert_int_equal(cl.clEnqueueReadBuffer(app.queue, mem, CL_TRUE, 0, BYTES, got, 0, NULL, NULL), CL_SUCCESS);
    interop_check(got);
    /* Copies keep to the range, too. */
    assert_int_equal(tsr_buffer_read(out, 0, copy, sizeof(copy)), TSR_OK);
    assert_memory_equal(copy, got + OUT_AT, sizeof(copy));
    const float mark = -5, was = copy[1];
    assert_int_equal(tsr_buffer_write(out, 4, &mark, 4), TSR_OK);
    assert_int_equal(cl.clEnqueueReadBuffer(app.queue, mem, CL_TRUE, 0, BYTES, got, 0, NULL, NULL), CL_SUCCESS);
    assert_true(got[OUT_AT + 1] == mark);
    assert_int_equal(tsr_buffer_write(out, 4, &was, 4), TSR_OK);
    check_handles(dev, out, mem);
    refuse_buffers(ctx, dev, mem);
    refuse_devices(ctx, dev);
    tsr_buffer_destroy(out);
    tsr_buffer_destroy(in);
    tsr_device_destroy(dev);
    tsr_context_destroy(ctx);
    /* All is still the application's, and only its. */
    assert_int_equal(cl.clEnqueueReadBuffer(app.queue, mem, CL_TRUE, 0, BYTES, got, 0, NULL, NULL), CL_SUCCESS);
    check_released(mem, of_mem);
    check_released(NULL, of_queue);
    interop_check(got);
    cl.clReleaseMemObject(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(attention)};
    void *library = NULL;
    if (!open_app(&library)) {
        puts("no OpenCL device");
        return TEST_REQUIRE ? 1 : 77;
    }
    const int failed = cmocka_run_group_tests_name("interop with OpenCL", tests, interop_setup, NULL);
    cl.clReleaseCommandQueue(app.queue);
    cl.clReleaseContext(app.context);
    cl_unload(library);
    return failed;
}
