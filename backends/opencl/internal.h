/* What the OpenCL backend's files share: the loaded entry points and the objects. */
#ifndef TSR_OPENCL_INTERNAL_H
#define TSR_OPENCL_INTERNAL_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <stdbool.h>

#include "backend.h"

/* Every entry point that is called; fetched from the ICD loader at run time. */
#define CL_FUNCTIONS(F)                                                                                                                              \
    F(clGetPlatformIDs)                                                                                                                              \
    F(clGetPlatformInfo)                                                                                                                             \
    F(clGetDeviceIDs)                                                                                                                                \
    F(clGetDeviceInfo)                                                                                                                               \
    F(clCreateContext)                                                                                                                               \
    F(clReleaseContext)                                                                                                                              \
    F(clCreateCommandQueue)                                                                                                                          \
    F(clReleaseCommandQueue)                                                                                                                         \
    F(clCreateBuffer)                                                                                                                                \
    F(clReleaseMemObject)                                                                                                                            \
    F(clEnqueueReadBuffer)                                                                                                                           \
    F(clEnqueueWriteBuffer)                                                                                                                          \
    F(clEnqueueMigrateMemObjects)                                                                                                                    \
    F(clCreateProgramWithSource)                                                                                                                     \
    F(clCreateProgramWithBinary)                                                                                                                     \
    F(clBuildProgram)                                                                                                                                \
    F(clReleaseProgram)                                                                                                                              \
    F(clGetProgramInfo)                                                                                                                              \
    F(clGetProgramBuildInfo)                                                                                                                         \
    F(clCreateKernel)                                                                                                                                \
    F(clReleaseKernel)                                                                                                                               \
    F(clGetKernelWorkGroupInfo)                                                                                                                      \
    F(clSetKernelArg)                                                                                                                                \
    F(clEnqueueNDRangeKernel)                                                                                                                        \
    F(clReleaseEvent)                                                                                                                                \
    F(clGetEventInfo)                                                                                                                                \
    F(clGetEventProfilingInfo)                                                                                                                       \
    F(clWaitForEvents)                                                                                                                               \
    F(clFlush) F(clFinish) F(clRetainContext) F(clRetainCommandQueue) F(clRetainMemObject) F(clGetMemObjectInfo) F(clGetCommandQueueInfo)

typedef struct cl_table {
#define CL_FIELD(name) __typeof__(&name) name;
    CL_FUNCTIONS(CL_FIELD)
#undef CL_FIELD
} cl_table;

/* Opens the ICD loader; false if it is not there. */
bool cl_load(cl_table *table, void **library);
void cl_unload(void *library);

enum { CL_MAX_DEVICES = 32, CL_SUBMISSIONS = 4 };

typedef struct cl_state {
    cl_table cl;
    void *library;
    const bk_services *services;
    size_t count;
    struct {
        cl_platform_id platform;
        cl_device_id id;
        tsr_device_info info;
        char platform_version[256];
    } devices[CL_MAX_DEVICES];
} cl_state;

/* The first and the last command of a submission; NULL: none. */
typedef struct cl_span {
    cl_event first, last;
} cl_span;

struct bk_device {
    const cl_table *cl;
    const bk_services *services;
    tsr_device_info info;
    char platform_version[256];
    cl_device_id id;
    cl_context context;
    cl_command_queue queue;
    bool tracked;  /* commands have events, to time submissions or to watch them */
    bool profiled; /* which tell times */
    double patience;
    uint64_t submissions;
    cl_span now, flight[CL_SUBMISSIONS]; /* flight: of submission n at n % CL_SUBMISSIONS, until it was waited for */
    uint32_t dpas_emulated;              /* columns of the matrix engine that kernels play, for tests; 0: none */
    bool lost;
    bool stuck; /* lost, with commands that may still run */
};

struct bk_buffer {
    cl_mem mem;
    uint64_t offset; /* of our range in an application's buffer */
};

struct bk_kernel {
    cl_program program;
    cl_kernel kernel;
    uint32_t bindings;
    uint32_t lanes;
};

/* Makes a status of a driver's error; remembers a lost device. */
tsr_status cl_status(bk_device *dev, cl_int error, const char *what);

/* open.c: the facts of a device; NULL if it can run our kernels, else what it lacks. */
void cl_read_info(const cl_table *cl, cl_platform_id platform, cl_device_id id, size_t index, tsr_device_info *info, char version[256]);
/* What TESSERA_EMULATE_DPAS says; *columns is 0 on failure. */
tsr_status cl_dpas_emulated(uint32_t *columns);
const char *cl_lacks(const cl_table *cl, cl_device_id id);

/* buffer.c */
tsr_status cl_buffer_create(bk_device *dev, uint64_t size, bk_buffer **out);
void cl_buffer_destroy(bk_device *dev, bk_buffer *buf);
tsr_status cl_buffer_write(bk_device *dev, bk_buffer *buf, uint64_t offset, const void *src, uint64_t size);
tsr_status cl_buffer_read(bk_device *dev, bk_buffer *buf, uint64_t offset, void *dst, uint64_t size);

/* kernel.c */
tsr_status cl_kernel_create(bk_device *dev, const bk_kernel_desc *desc, bk_kernel **out);
void cl_kernel_destroy(bk_device *dev, bk_kernel *kernel);

/* queue.c */
cl_command_queue cl_queue_create(const cl_table *cl, cl_context context, cl_device_id id, cl_int *error); /* profiled, where that can be */
tsr_status cl_limit(bk_device *dev, const bk_limits *limits);
tsr_status cl_dispatch(bk_device *dev, bk_kernel *kernel, const bk_binding *bindings, uint32_t first, uint32_t count);
tsr_status cl_submit(bk_device *dev, uint64_t *number);
tsr_status cl_finish(bk_device *dev, uint64_t number, double *seconds);
tsr_status cl_wait(bk_device *dev);
void cl_queue_release(bk_device *dev); /* of a stuck device: nothing, as that could wait for ever */

#endif
