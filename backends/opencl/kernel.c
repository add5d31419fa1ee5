/* Kernels of the OpenCL backend: built from source once, from the cached binary after that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum { OPTIONS_SIZE = 2048 };

#define QUERY_SPILLS 0x4109 /* cl_intel_required_subgroup_size, of a kernel: bytes */

static uint32_t vector_width(const bk_device *dev, tsr_tile tile) { return tile == TSR_TILE_VECTOR ? dev->info.vector_width : 1; }

/* Does the driver take the size of sub-groups from the kernel? */
static bool takes_subgroups(const bk_device *dev) { return dev->info.type != TSR_DEVICE_CPU && dev->info.subgroup_min != dev->info.subgroup_max; }

/* Do dot products of codes go by a name of the compiler's own? Intel's of 2023 leaves those of cl_khr_integer_dot_product undefined, and AMD's has
 * none. */
static bool has_own_dots(const bk_device *dev) { return strstr(dev->info.vendor, "Intel") || strstr(dev->info.vendor, "Advanced Micro Devices"); }

static void write_options(const bk_device *dev, const bk_kernel_desc *desc, char *options)
{
    const bk_kernel_source *source = desc->source;
    const tsr_tile tile = source->tile == TSR_TILE_PACKED ? TSR_TILE_SIMT : source->tile;
    const bool codes = dev->info.features & source->dots & TSR_FEATURE_INT8_DOT, own = has_own_dots(dev);
    bk_define defines[BK_DEFINES];
    tsr_kernel_defines(source, dev->info.features, defines);
    /* The functions of cl_khr_integer_dot_product are declared from 3.0 on. */
    int at = snprintf(options, OPTIONS_SIZE, "-cl-std=%s -w -DVW=%u -DOWN_DOTS=%d", codes && !own ? "CL3.0" : "CL1.2", vector_width(dev, tile), own);
    for (size_t i = 0; i < BK_DEFINES; i++)
        at += snprintf(options + at, (size_t)(OPTIONS_SIZE - at), " -D%s=%d", defines[i].name, (int)defines[i].value);
    if (tile == TSR_TILE_SIMT && takes_subgroups(dev))
        at += snprintf(options + at, (size_t)(OPTIONS_SIZE - at), " -DSUBGROUP_SIZE=%u", dev->info.subgroup_min);
    const bool matrix = tile == TSR_TILE_MATRIX;
    if (matrix && dev->dpas_emulated) at += snprintf(options + at, (size_t)(OPTIONS_SIZE - at), " -DDPAS_EMULATED");
    /* Sums and operands are more than 128 registers. */
    if (matrix && !dev->dpas_emulated)
        at += snprintf(options + at, (size_t)(OPTIONS_SIZE - at), " -DSUBGROUP_SIZE=%d -cl-intel-256-GRF-per-thread", desc->specs[1]);
    for (uint32_t i = 0; i < source->spec_count; i++)
        at += snprintf(options + at, (size_t)(OPTIONS_SIZE - at), " -D%s=%d", source->spec_names[i], desc->specs[i]);
}

/* What a cached binary depends on: device, driver, options and the whole source. */
static char *make_identity(const bk_device *dev, const bk_kernel_desc *desc, const char *options, size_t *size)
{
    const tsr_device_info *info = &dev->info;
    const char *own = desc->user ? desc->user->text : "";
    const size_t room = strlen(own) + strlen(desc->source->opencl) + OPTIONS_SIZE + 1024;
    char *identity = malloc(room);
    if (!identity) return NULL;
    const int length = snprintf(identity, room, "%s\n%s\n%s\n%s\n%s\n%s\n%s%s", info->driver, dev->platform_version, info->name, info->vendor,
                                info->version, options, own, desc->source->opencl);
    *size = (size_t)length;
    return identity;
}

static cl_program from_cache(bk_device *dev, const char *name, const char *identity, size_t identity_size, const char *options)
{
    const cl_table *cl = dev->cl;
    size_t size = 0;
    unsigned char *binary = dev->services->cache_load(dev->services->ctx, name, identity, identity_size, &size);
    if (!binary) return NULL;
    cl_int error = CL_SUCCESS, status = CL_SUCCESS;
    const unsigned char *bytes = binary;
    cl_program program = cl->clCreateProgramWithBinary(dev->context, 1, &dev->id, &size, &bytes, &status, &error);
    free(binary);
    if (error == CL_SUCCESS && status == CL_SUCCESS && cl->clBuildProgram(program, 1, &dev->id, options, NULL, NULL) == CL_SUCCESS) return program;
    if (error == CL_SUCCESS) cl->clReleaseProgram(program);
    return NULL;
}

static void to_cache(bk_device *dev, cl_program program, const char *name, const char *identity, size_t identity_size)
{
    size_t size = 0;
    if (dev->cl->clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof(size), &size, NULL) != CL_SUCCESS || size == 0) return;
    unsigned char *binary = malloc(size);
    if (binary && dev->cl->clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof(binary), &binary, NULL) == CL_SUCCESS)
        dev->services->cache_store(dev->services->ctx, name, identity, identity_size, binary, size);
    free(binary);
}

static tsr_status build(bk_device *dev, const bk_kernel_desc *desc, const char *options, cl_program *out)
{
    const cl_table *cl = dev->cl;
    cl_int error = CL_SUCCESS;
    const char *texts[] = {desc->user ? desc->user->text : "", desc->source->opencl};
    cl_program program = cl->clCreateProgramWithSource(dev->context, 2, texts, NULL, &error);
    if (error != CL_SUCCESS) return cl_status(dev, error, "creating a program");
    error = cl->clBuildProgram(program, 1, &dev->id, options, NULL, NULL);
    if (error != CL_SUCCESS) {
        size_t size = 0;
        cl->clGetProgramBuildInfo(program, dev->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size);
        char *log = calloc(1, size + 1);
        if (log) cl->clGetProgramBuildInfo(program, dev->id, CL_PROGRAM_BUILD_LOG, size, log, NULL);
        tsr_fail(TSR_ERROR_COMPILE, "%s: kernel %s was refused (OpenCL error %d): %.1500s", dev->info.id, desc->source->name, error, log ? log : "");
        free(log);
        cl->clReleaseProgram(program);
        return TSR_ERROR_COMPILE;
    }
    *out = program;
    return TSR_OK;
}

/* Bytes that an invocation or a sub-group keeps in memory; 0 where the driver does not tell. */
static uint64_t kept_in_memory(const bk_device *dev, cl_program program, const char *name)
{
    static const cl_kernel_work_group_info kinds[] = {QUERY_SPILLS, CL_KERNEL_PRIVATE_MEM_SIZE};
    cl_int error = CL_SUCCESS;
    uint64_t all = 0;
    cl_kernel kernel = dev->cl->clCreateKernel(program, name, &error);
    if (error != CL_SUCCESS) return 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        cl_ulong bytes = 0;
        if (dev->cl->clGetKernelWorkGroupInfo(kernel, dev->id, kinds[i], sizeof(bytes), &bytes, NULL) == CL_SUCCESS) all += bytes;
    }
    dev->cl->clReleaseKernel(kernel);
    return all;
}

/* Where registers do not suffice: Intel's cards from Xe-HP on have twice as many for half of the threads. tools/lab/ocloc.py does the same. */
static void build_roomy(bk_device *dev, const bk_kernel_desc *desc, char *options, cl_program *program)
{
    const uint64_t kept = takes_subgroups(dev) ? kept_in_memory(dev, *program, desc->source->name) : 0;
    cl_program roomy = NULL;
    const size_t length = strlen(options);
    if (kept == 0 || strstr(options, "-cl-intel-256-GRF-per-thread")) return;
    snprintf(options + length, OPTIONS_SIZE - length, " -cl-intel-256-GRF-per-thread");
    if (build(dev, desc, options, &roomy) != TSR_OK) return;
    const bool better = kept_in_memory(dev, roomy, desc->source->name) < kept;
    dev->cl->clReleaseProgram(better ? *program : roomy);
    if (better) *program = roomy;
}

/* PoCL 3 to 6 keep on disk what they build, and compile a kernel once more, for workgroups of any size, when asked for its binary. */
static bool keeps_binaries(const bk_device *dev) { return strncmp(dev->info.driver, "PoCL", 4) == 0; }

static tsr_status find_program(bk_device *dev, const bk_kernel_desc *desc, cl_program *out)
{
    char options[OPTIONS_SIZE], name[64];
    write_options(dev, desc, options);
    if (keeps_binaries(dev)) return build(dev, desc, options, out);
    snprintf(name, sizeof(name), "opencl-%s", desc->source->name);
    size_t identity_size = 0;
    char *identity = make_identity(dev, desc, options, &identity_size);
    if (!identity) return tsr_fail(TSR_ERROR_HOST_MEMORY, "opencl: no memory for a program's identity");
    tsr_status status = TSR_OK;
    *out = from_cache(dev, name, identity, identity_size, options);
    if (!*out) {
        status = build(dev, desc, options, out);
        if (status == TSR_OK) build_roomy(dev, desc, options, out);
        if (status == TSR_OK) to_cache(dev, *out, name, identity, identity_size);
    }
    free(identity);
    return status;
}

tsr_status cl_kernel_create(bk_device *dev, const bk_kernel_desc *desc, bk_kernel **out)
{
    if (desc->source->tile == TSR_TILE_SUBGROUP)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "%s: the subgroup tile model needs more than OpenCL C 1.2", dev->info.id);
    if (desc->source->tile == TSR_TILE_MATRIX && !desc->source->dpas)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "%s: OpenCL C has no cooperative matrices", dev->info.id);
    bk_kernel *kernel = calloc(1, sizeof(*kernel));
    if (!kernel) return tsr_fail(TSR_ERROR_HOST_MEMORY, "opencl: no memory for a kernel");
    tsr_status status = find_program(dev, desc, &kernel->program);
    if (status != TSR_OK) {
        free(kernel);
        return status;
    }
    cl_int error = CL_SUCCESS;
    kernel->kernel = dev->cl->clCreateKernel(kernel->program, desc->source->name, &error);
    if (error != CL_SUCCESS) {
        dev->cl->clReleaseProgram(kernel->program);
        free(kernel);
        return cl_status(dev, error, "creating a kernel");
    }
    kernel->bindings = desc->source->binding_count;
    kernel->lanes = (uint32_t)desc->specs[0];
    *out = kernel;
    return TSR_OK;
}

void cl_kernel_destroy(bk_device *dev, bk_kernel *kernel)
{
    dev->cl->clReleaseKernel(kernel->kernel);
    dev->cl->clReleaseProgram(kernel->program);
    free(kernel);
}
