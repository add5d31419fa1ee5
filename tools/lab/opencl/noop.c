/* An OpenCL library with one device, a card that need not be there: it runs nothing, and writes every program that is built to a folder.
 * Found in place of the ICD loader by a program that uses Tessera, it shows which kernels that card would get, and with which options.
 *   TESSERA_LAB_CARD   a name of `cards`
 *   TESSERA_LAB        the folder: NUMBER.cl, NUMBER.options, and NUMBER.label where TESSERA_LAB_LABEL is set at that time */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opencl/internal.h"

#define QUERY_SUB_GROUP_SIZES 0x4108 /* cl_intel_required_subgroup_size */
#define QUERY_AMD_WAVE_WIDTH 0x4043  /* cl_amd_device_attribute_query */
#define QUERY_PACKED_DOT 0x1075      /* cl_khr_integer_dot_product */

#define INTEL "cl_khr_fp16 cl_khr_subgroups cl_intel_subgroups cl_intel_subgroups_short cl_intel_required_subgroup_size"
#define MATRICES " cl_khr_integer_dot_product cl_intel_subgroup_matrix_multiply_accumulate cl_intel_subgroup_local_block_io cl_intel_bfloat16_conversions"
#define AMD "cl_khr_fp16 cl_khr_subgroups cl_amd_device_attribute_query"

/* What a card's driver says of it. */
static const struct card {
    const char *name, *product, *vendor, *version, *extensions;
    cl_uint units, workgroup, shared_kib, memory_gib;
    cl_bool unified;
    size_t subgroups[4]; /* sizes, up to a 0 */
} cards[] = {
    {"gen9", "UHD Graphics 630", "Intel(R) Corporation", "OpenCL 3.0 NEO", INTEL, 24, 256, 64, 12, CL_TRUE, {8, 16, 32}},
    {"xelp",
     "Iris(R) Xe Graphics",
     "Intel(R) Corporation",
     "OpenCL 3.0 NEO",
     INTEL " cl_khr_integer_dot_product",
     96,
     512,
     64,
     12,
     CL_TRUE,
     {8, 16, 32}},
    {"xehpg",
     "Arc(TM) A770 Graphics",
     "Intel(R) Corporation",
     "OpenCL 3.0 NEO",
     INTEL MATRICES,
     512,
     1024,
     64,
     15,
     CL_FALSE,
     {8, 16, 32}},
    {"xehpc",
     "Data Center GPU Max 1100",
     "Intel(R) Corporation",
     "OpenCL 3.0 NEO",
     INTEL MATRICES,
     448,
     1024,
     128,
     48,
     CL_FALSE,
     {16, 32}},
    {"gfx906", "gfx906:sramecc+:xnack-", "Advanced Micro Devices, Inc.", "OpenCL 2.0", AMD, 60, 256, 64, 16, CL_FALSE, {64}},
    {"gfx1030", "gfx1030", "Advanced Micro Devices, Inc.", "OpenCL 2.0", AMD, 40, 256, 64, 16, CL_FALSE, {32}},
    {"gfx1100", "gfx1100", "Advanced Micro Devices, Inc.", "OpenCL 2.0", AMD, 48, 256, 64, 24, CL_FALSE, {32}},
    {"gfx1200", "gfx1200", "Advanced Micro Devices, Inc.", "OpenCL 2.0", AMD, 32, 256, 64, 16, CL_FALSE, {32}},
};

struct _cl_platform_id {
    const struct card *card;
};
static struct _cl_platform_id the_platform;

/* Every other object is a count of its owners, and what it has to remember. */
typedef struct object {
    unsigned owners;
    size_t size; /* of a buffer */
    char *text;  /* of a program */
} object;

static const struct card *card_of(void)
{
    const char *wanted = getenv("TESSERA_LAB_CARD");
    for (size_t i = 0; wanted && i < sizeof(cards) / sizeof(cards[0]); i++)
        if (strcmp(cards[i].name, wanted) == 0) return &cards[i];
    return NULL;
}

static cl_int answer(const void *value, size_t size, size_t room, void *out, size_t *needed)
{
    if (needed) *needed = size;
    if (out && room < size) return CL_INVALID_VALUE;
    if (out) memcpy(out, value, size);
    return CL_SUCCESS;
}

static cl_int answer_text(const char *text, size_t room, void *out, size_t *needed) { return answer(text, strlen(text) + 1, room, out, needed); }

static void *make(cl_int *error)
{
    object *made = calloc(1, sizeof(*made));
    if (made) made->owners = 1;
    if (error) *error = made ? CL_SUCCESS : CL_OUT_OF_HOST_MEMORY;
    return made;
}

static cl_int retain(void *what)
{
    ((object *)what)->owners++;
    return CL_SUCCESS;
}

static cl_int release(void *what)
{
    object *o = what;
    if (--o->owners == 0) {
        free(o->text);
        free(o);
    }
    return CL_SUCCESS;
}

/* What was enqueued is done. */
static cl_int done(cl_event *event)
{
    cl_int error = CL_SUCCESS;
    if (event) *event = make(&error);
    return error;
}

cl_int clGetPlatformIDs(cl_uint room, cl_platform_id *out, cl_uint *count)
{
    the_platform.card = card_of();
    if (count) *count = the_platform.card != NULL;
    if (out && room && the_platform.card) out[0] = &the_platform;
    return CL_SUCCESS;
}

cl_int clGetPlatformInfo(cl_platform_id platform, cl_platform_info what, size_t room, void *out, size_t *needed)
{
    return answer_text(what == CL_PLATFORM_VERSION ? platform->card->version : "vendor lab", room, out, needed);
}

cl_int clGetDeviceIDs(cl_platform_id platform, cl_device_type type, cl_uint room, cl_device_id *out, cl_uint *count)
{
    (void)type;
    if (count) *count = 1;
    if (out && room) out[0] = (cl_device_id)(void *)platform;
    return CL_SUCCESS;
}

static cl_int answer_number(cl_ulong value, size_t size, size_t room, void *out, size_t *needed)
{
    return answer(&value, size, room, out, needed); /* little endian */
}

cl_int clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t room, void *out, size_t *needed)
{
    const struct card *card = ((cl_platform_id)(void *)device)->card;
    static const cl_bool fast[6] = {CL_TRUE, CL_TRUE, CL_TRUE, CL_TRUE, CL_TRUE, CL_TRUE};
    size_t sizes = 0;
    while (sizes < 4 && card->subgroups[sizes]) sizes++;
    switch (what) {
    case CL_DEVICE_NAME:
        return answer_text(card->product, room, out, needed);
    case CL_DEVICE_VENDOR:
        return answer_text(card->vendor, room, out, needed);
    case CL_DEVICE_VERSION:
        return answer_text(card->version, room, out, needed);
    case CL_DRIVER_VERSION:
        return answer_text(card->name, room, out, needed);
    case CL_DEVICE_EXTENSIONS:
        return answer_text(card->extensions, room, out, needed);
    case CL_DEVICE_TYPE:
        return answer_number(CL_DEVICE_TYPE_GPU, sizeof(cl_device_type), room, out, needed);
    case CL_DEVICE_AVAILABLE:
    case CL_DEVICE_COMPILER_AVAILABLE:
    case CL_DEVICE_ENDIAN_LITTLE:
        return answer_number(CL_TRUE, sizeof(cl_bool), room, out, needed);
    case CL_DEVICE_HOST_UNIFIED_MEMORY:
        return answer_number(card->unified, sizeof(cl_bool), room, out, needed);
    case CL_DEVICE_ADDRESS_BITS:
        return answer_number(64, sizeof(cl_uint), room, out, needed);
    case CL_DEVICE_GLOBAL_MEM_SIZE:
    case CL_DEVICE_MAX_MEM_ALLOC_SIZE:
        return answer_number((cl_ulong)card->memory_gib << 30, sizeof(cl_ulong), room, out, needed);
    case CL_DEVICE_MAX_COMPUTE_UNITS:
        return answer_number(card->units, sizeof(cl_uint), room, out, needed);
    case CL_DEVICE_MAX_WORK_GROUP_SIZE:
        return answer_number(card->workgroup, sizeof(size_t), room, out, needed);
    case CL_DEVICE_LOCAL_MEM_SIZE:
        return answer_number((cl_ulong)card->shared_kib << 10, sizeof(cl_ulong), room, out, needed);
    case CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT:
        return answer_number(1, sizeof(cl_uint), room, out, needed);
    case QUERY_SUB_GROUP_SIZES:
        return answer(card->subgroups, sizes * sizeof(size_t), room, out, needed);
    case QUERY_PACKED_DOT: /* Intel's cards that have it have it in hardware */
        return strstr(card->extensions, "cl_khr_integer_dot_product") ? answer(fast, sizeof(fast), room, out, needed) : CL_INVALID_VALUE;
    case QUERY_AMD_WAVE_WIDTH:
        return answer_number(card->subgroups[0], sizeof(cl_uint), room, out, needed);
    default:
        return CL_INVALID_VALUE;
    }
}

cl_context clCreateContext(const cl_context_properties *properties, cl_uint count, const cl_device_id *devices,
                           void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user, cl_int *error)
{
    (void)properties, (void)count, (void)devices, (void)notify, (void)user;
    return make(error);
}

cl_command_queue clCreateCommandQueue(cl_context context, cl_device_id device, cl_command_queue_properties properties, cl_int *error)
{
    (void)context, (void)device, (void)properties;
    return make(error);
}

cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *error)
{
    (void)context, (void)flags, (void)host;
    object *made = make(error);
    if (made) made->size = size;
    return (cl_mem)(void *)made;
}

cl_program clCreateProgramWithSource(cl_context context, cl_uint count, const char **texts, const size_t *lengths, cl_int *error)
{
    (void)context, (void)lengths; /* Tessera's texts end with a 0 */
    object *made = make(error);
    size_t size = 1;
    for (cl_uint i = 0; i < count; i++) size += strlen(texts[i]);
    if (made) made->text = calloc(1, size);
    if (made && !made->text) {
        free(made);
        made = NULL;
        *error = CL_OUT_OF_HOST_MEMORY;
    }
    for (cl_uint i = 0; made && i < count; i++) strcat(made->text, texts[i]);
    return (cl_program)(void *)made;
}

cl_program clCreateProgramWithBinary(cl_context context, cl_uint count, const cl_device_id *devices, const size_t *sizes,
                                     const unsigned char **binaries, cl_int *status, cl_int *error)
{
    (void)context, (void)count, (void)devices, (void)sizes, (void)binaries;
    *status = *error = CL_INVALID_BINARY; /* nothing is taken from a cache */
    return NULL;
}

static bool put(unsigned number, const char *kind, const char *text)
{
    const char *folder = getenv("TESSERA_LAB");
    char path[1024];
    if (!folder || snprintf(path, sizeof(path), "%s/%04u.%s", folder, number, kind) >= (int)sizeof(path)) return false;
    FILE *file = fopen(path, "w");
    if (!file) return false;
    const bool good = fputs(text, file) >= 0;
    return fclose(file) == 0 && good;
}

cl_int clBuildProgram(cl_program program, cl_uint count, const cl_device_id *devices, const char *options,
                      void(CL_CALLBACK *notify)(cl_program, void *), void *user)
{
    (void)count, (void)devices, (void)notify, (void)user;
    static unsigned number;
    const char *label = getenv("TESSERA_LAB_LABEL");
    number++;
    const bool good =
        put(number, "cl", ((object *)(void *)program)->text) && put(number, "options", options) && (!label || put(number, "label", label));
    return good ? CL_SUCCESS : CL_BUILD_PROGRAM_FAILURE;
}

cl_kernel clCreateKernel(cl_program program, const char *name, cl_int *error)
{
    (void)program, (void)name;
    return make(error);
}

cl_int clGetKernelWorkGroupInfo(cl_kernel kernel, cl_device_id device, cl_kernel_work_group_info what, size_t room, void *out, size_t *needed)
{
    (void)kernel, (void)device, (void)what, (void)room, (void)out, (void)needed;
    return CL_INVALID_VALUE; /* opencl.py finds out */
}

cl_int clGetProgramInfo(cl_program program, cl_program_info what, size_t room, void *out, size_t *needed)
{
    (void)program, (void)what, (void)room, (void)out, (void)needed;
    return CL_INVALID_VALUE; /* no binary to keep */
}

cl_int clGetProgramBuildInfo(cl_program program, cl_device_id device, cl_program_build_info what, size_t room, void *out, size_t *needed)
{
    (void)program, (void)device, (void)what;
    return answer_text("TESSERA_LAB names no folder that can be written", room, out, needed);
}

cl_int clEnqueueReadBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t size, void *out, cl_uint count,
                           const cl_event *events, cl_event *event)
{
    (void)queue, (void)buffer, (void)blocking, (void)offset, (void)count, (void)events;
    memset(out, 0, size);
    return done(event);
}

cl_int clEnqueueWriteBuffer(cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t size, const void *in, cl_uint count,
                            const cl_event *events, cl_event *event)
{
    (void)queue, (void)buffer, (void)blocking, (void)offset, (void)size, (void)in, (void)count, (void)events;
    return done(event);
}

cl_int clEnqueueMigrateMemObjects(cl_command_queue queue, cl_uint buffers, const cl_mem *list, cl_mem_migration_flags flags, cl_uint count,
                                  const cl_event *events, cl_event *event)
{
    (void)queue, (void)buffers, (void)list, (void)flags, (void)count, (void)events;
    return done(event);
}

cl_int clSetKernelArg(cl_kernel kernel, cl_uint index, size_t size, const void *value)
{
    (void)kernel, (void)index, (void)size, (void)value;
    return CL_SUCCESS;
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel, cl_uint axes, const size_t *first, const size_t *global, const size_t *local,
                              cl_uint count, const cl_event *events, cl_event *event)
{
    (void)queue, (void)kernel, (void)axes, (void)first, (void)global, (void)local, (void)count, (void)events;
    return done(event);
}

cl_int clGetMemObjectInfo(cl_mem buffer, cl_mem_info what, size_t room, void *out, size_t *needed)
{
    return what == CL_MEM_SIZE ? answer(&((object *)(void *)buffer)->size, sizeof(size_t), room, out, needed) : CL_INVALID_VALUE;
}

cl_int clGetCommandQueueInfo(cl_command_queue queue, cl_command_queue_info what, size_t room, void *out, size_t *needed)
{
    (void)queue, (void)what, (void)room, (void)out, (void)needed;
    return CL_INVALID_VALUE;
}

cl_int clGetEventInfo(cl_event event, cl_event_info what, size_t room, void *out, size_t *needed)
{
    (void)event;
    return what == CL_EVENT_COMMAND_EXECUTION_STATUS ? answer_number(CL_COMPLETE, sizeof(cl_int), room, out, needed) : CL_INVALID_VALUE;
}

cl_int clGetEventProfilingInfo(cl_event event, cl_profiling_info what, size_t room, void *out, size_t *needed)
{
    (void)event;
    return answer_number(what == CL_PROFILING_COMMAND_END ? 1000 : 0, sizeof(cl_ulong), room, out, needed);
}

cl_int clWaitForEvents(cl_uint count, const cl_event *events)
{
    (void)events;
    return count ? CL_SUCCESS : CL_INVALID_VALUE;
}

cl_int clFlush(cl_command_queue queue) { return queue ? CL_SUCCESS : CL_INVALID_COMMAND_QUEUE; }
cl_int clFinish(cl_command_queue queue) { return queue ? CL_SUCCESS : CL_INVALID_COMMAND_QUEUE; }
cl_int clRetainContext(cl_context context) { return retain(context); }
cl_int clReleaseContext(cl_context context) { return release(context); }
cl_int clRetainCommandQueue(cl_command_queue queue) { return retain(queue); }
cl_int clReleaseCommandQueue(cl_command_queue queue) { return release(queue); }
cl_int clRetainMemObject(cl_mem buffer) { return retain(buffer); }
cl_int clReleaseMemObject(cl_mem buffer) { return release(buffer); }
cl_int clReleaseProgram(cl_program program) { return release(program); }
cl_int clReleaseKernel(cl_kernel kernel) { return release(kernel); }
cl_int clReleaseEvent(cl_event event) { return release(event); }

/* All that the backend fetches is here: what is missing fails the link. */
#define ADDRESS(name) (void (*)(void)) name,
void (*const tessera_lab_all[])(void) = {CL_FUNCTIONS(ADDRESS)};
