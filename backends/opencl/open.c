/* Lists and opens OpenCL devices. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Extension queries that the 1.2 headers do not name. */
#define QUERY_AMD_FREE_MEMORY 0x4039 /* cl_amd_device_attribute_query: KiB, up to two values */
#define QUERY_SUB_GROUP_SIZES 0x4108 /* cl_intel_required_subgroup_size: list of size_t */
#define QUERY_NV_WARP_SIZE 0x4003    /* cl_nv_device_attribute_query */
#define QUERY_AMD_WAVE_WIDTH 0x4043  /* cl_amd_device_attribute_query */
#define QUERY_PACKED_DOT 0x1075      /* cl_khr_integer_dot_product: what is fast of words of four, cl_bool first of them: of signed ones */

tsr_status cl_status(bk_device *dev, cl_int error, const char *what)
{
    /* The handles are ours and live: a driver that calls them invalid has dropped them. */
    if (dev->lost || error == CL_DEVICE_NOT_AVAILABLE || error == CL_INVALID_COMMAND_QUEUE || error == CL_INVALID_CONTEXT) {
        dev->lost = true;
        return tsr_fail(TSR_ERROR_DEVICE_LOST, "%s: the device stopped answering (%s, OpenCL error %d)", dev->info.id, what, error);
    }
    if (error == CL_MEM_OBJECT_ALLOCATION_FAILURE || error == CL_OUT_OF_RESOURCES)
        return tsr_fail(TSR_ERROR_DEVICE_MEMORY, "%s: not enough device memory in %s (OpenCL error %d)", dev->info.id, what, error);
    if (error == CL_OUT_OF_HOST_MEMORY) return tsr_fail(TSR_ERROR_HOST_MEMORY, "%s: not enough host memory in %s", dev->info.id, what);
    return tsr_fail(TSR_ERROR_INTERNAL, "%s: %s failed (OpenCL error %d)", dev->info.id, what, error);
}

static void text(const cl_table *cl, cl_device_id id, cl_device_info what, char *out, size_t size)
{
    out[0] = '\0';
    size_t needed = 0;
    if (cl->clGetDeviceInfo(id, what, 0, NULL, &needed) != CL_SUCCESS || needed == 0) return;
    char *all = malloc(needed + 1);
    if (!all) return;
    if (cl->clGetDeviceInfo(id, what, needed, all, NULL) == CL_SUCCESS) {
        all[needed] = '\0';
        snprintf(out, size, "%s", all + strspn(all, " "));
    }
    free(all);
}

static uint64_t number(const cl_table *cl, cl_device_id id, cl_device_info what)
{
    uint64_t value = 0; /* little endian: a narrower answer fills the low bytes */
    size_t size = 0;
    if (cl->clGetDeviceInfo(id, what, 0, NULL, &size) != CL_SUCCESS || size > sizeof(value)) return 0;
    return cl->clGetDeviceInfo(id, what, size, &value, NULL) == CL_SUCCESS ? value : 0;
}

/* Bytes: the driver answers in KiB, with the largest free block as a second value. */
static uint64_t amd_free_memory(const cl_table *cl, cl_device_id id)
{
    size_t values[2] = {0, 0};
    return cl->clGetDeviceInfo(id, QUERY_AMD_FREE_MEMORY, sizeof(values), values, NULL) == CL_SUCCESS ? (uint64_t)values[0] * 1024 : 0;
}

static void read_subgroups(const cl_table *cl, cl_device_id id, const char *extensions, tsr_device_info *info)
{
    if (strstr(extensions, "cl_intel_required_subgroup_size")) {
        size_t sizes[32], bytes = 0; /* PoCL names every power of two */
        if (cl->clGetDeviceInfo(id, QUERY_SUB_GROUP_SIZES, sizeof(sizes), sizes, &bytes) == CL_SUCCESS) {
            for (size_t i = 0; i < bytes / sizeof(sizes[0]); i++) {
                if (!info->subgroup_min || sizes[i] < info->subgroup_min) info->subgroup_min = (uint32_t)sizes[i];
                if (sizes[i] > info->subgroup_max) info->subgroup_max = (uint32_t)sizes[i];
            }
        }
    } else if (strstr(extensions, "cl_nv_device_attribute_query")) {
        info->subgroup_min = info->subgroup_max = (uint32_t)number(cl, id, QUERY_NV_WARP_SIZE);
    } else if (strstr(extensions, "cl_amd_device_attribute_query")) {
        info->subgroup_min = info->subgroup_max = (uint32_t)number(cl, id, QUERY_AMD_WAVE_WIDTH);
    }
}

/* TESSERA_EMULATE_DPAS: the invocations of a sub-group whose matrix engine kernels play, 8 or 16, for tests; 0: none. */
tsr_status cl_dpas_emulated(uint32_t *columns)
{
    const char *text = getenv("TESSERA_EMULATE_DPAS");
    *columns = !text || !text[0] ? 0 : strcmp(text, "8") == 0 ? 8 : strcmp(text, "16") == 0 ? 16 : 0;
    return *columns || !text || !text[0] ? TSR_OK
                                         : tsr_fail(TSR_ERROR_ARGUMENT, "environment variable TESSERA_EMULATE_DPAS is '%s'; expected 8 or 16", text);
}

/* The shapes that cl_intel_subgroup_matrix_multiply_accumulate names, with most rows: a column for each invocation of the narrowest sub-group. */
static void read_matrices(const char *extensions, tsr_device_info *info)
{
    static const tsr_matrix_shape shapes[] = {{8, 0, 16, "f16", "f32"}, {8, 0, 16, "bf16", "f32"}, {8, 0, 32, "s8", "s32"}};
    /* Keys and values are read as blocks of shared memory, probabilities rounded to bf16. */
    static const char *const needed[] = {"cl_intel_subgroup_matrix_multiply_accumulate", "cl_intel_subgroups_short",
                                         "cl_intel_subgroup_local_block_io", "cl_intel_bfloat16_conversions", "cl_khr_fp16"};
    uint32_t emulated;
    cl_dpas_emulated(&emulated); /* what is wrong with it is said when a device is opened */
    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]) && !emulated; i++)
        if (!strstr(extensions, needed[i])) return;
    const uint32_t columns = emulated ? emulated : info->subgroup_min;
    if (columns != 8 && columns != 16) return;
    info->features |= TSR_FEATURE_DPAS;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        info->matrix[i] = shapes[i];
        info->matrix[i].n = columns;
        info->matrix_count++;
    }
}

/* AMD's own driver names its devices as its compiler does, which has dot products of two fp16 and of four int8 values for these. */
static bool has_amd_dots(const tsr_device_info *info)
{
    static const char *const names[] = {"gfx906", "gfx908", "gfx90a", "gfx94", "gfx95", "gfx1011", "gfx1012", "gfx103", "gfx11", "gfx12"};
    bool found = false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) found = found || strncmp(info->name, names[i], strlen(names[i])) == 0;
    return found && strstr(info->vendor, "Advanced Micro Devices");
}

static uint32_t dot_products(const cl_table *cl, cl_device_id id, const char *extensions, const tsr_device_info *info)
{
    if (has_amd_dots(info)) return TSR_FEATURE_F16_DOT | TSR_FEATURE_INT8_DOT | TSR_FEATURE_INT8_DOT_FAST;
    if (!strstr(extensions, "cl_khr_integer_dot_product")) return 0;
    cl_bool fast[6] = {CL_FALSE};
    const bool known = cl->clGetDeviceInfo(id, QUERY_PACKED_DOT, sizeof(fast), fast, NULL) == CL_SUCCESS;
    return TSR_FEATURE_INT8_DOT | (known && fast[0] ? TSR_FEATURE_INT8_DOT_FAST : 0);
}

const char *cl_lacks(const cl_table *cl, cl_device_id id)
{
    int major = 0, minor = 0;
    char version[64];
    text(cl, id, CL_DEVICE_VERSION, version, sizeof(version));
    if (sscanf(version, "OpenCL %d.%d", &major, &minor) != 2 || major < 1 || (major == 1 && minor < 2)) return "it is older than OpenCL 1.2";
    if (!number(cl, id, CL_DEVICE_AVAILABLE)) return "it is not available";
    if (!number(cl, id, CL_DEVICE_COMPILER_AVAILABLE)) return "it has no compiler";
    if (!number(cl, id, CL_DEVICE_ENDIAN_LITTLE)) return "it is big-endian";
    if (number(cl, id, CL_DEVICE_ADDRESS_BITS) != 64) return "its addresses are not 64 bits wide";
    return NULL;
}

void cl_read_info(const cl_table *cl, cl_platform_id platform, cl_device_id id, size_t index, tsr_device_info *info, char version[256])
{
    char extensions[8192], name[256] = "";
    memset(info, 0, sizeof(*info));
    version[0] = '\0';
    cl->clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof(name) - 1, name, NULL);
    cl->clGetPlatformInfo(platform, CL_PLATFORM_VERSION, 255, version, NULL);
    snprintf(info->id, sizeof(info->id), "opencl:%zu", index);
    snprintf(info->backend, sizeof(info->backend), "opencl");
    text(cl, id, CL_DEVICE_NAME, info->name, sizeof(info->name));
    text(cl, id, CL_DEVICE_VENDOR, info->vendor, sizeof(info->vendor));
    text(cl, id, CL_DRIVER_VERSION, info->version, sizeof(info->version));
    /* Everybody knows it by its short name. */
    snprintf(info->driver, sizeof(info->driver), "%s%.120s", strcmp(name, "Portable Computing Language") == 0 ? "PoCL, " : "", name);
    text(cl, id, CL_DEVICE_EXTENSIONS, extensions, sizeof(extensions));
    const uint64_t type = number(cl, id, CL_DEVICE_TYPE);
    const bool unified = number(cl, id, CL_DEVICE_HOST_UNIFIED_MEMORY) != 0;
    info->type = type & CL_DEVICE_TYPE_CPU   ? TSR_DEVICE_CPU
                 : type & CL_DEVICE_TYPE_GPU ? (unified ? TSR_DEVICE_INTEGRATED : TSR_DEVICE_DISCRETE)
                                             : TSR_DEVICE_OTHER;
    /* Mesa's software driver calls itself a GPU on some versions. */
    if (strstr(info->name, "llvmpipe")) info->type = TSR_DEVICE_CPU;
    if (unified || info->type == TSR_DEVICE_CPU) info->features |= TSR_FEATURE_UNIFIED;
    if (strstr(extensions, "cl_khr_fp16")) info->features |= TSR_FEATURE_F16;
    info->features |= dot_products(cl, id, extensions, info);
    /* On CPUs our OpenCL C 1.2 kernels use none, and the engine would choose a tile that needs them. */
    if (info->type != TSR_DEVICE_CPU && (strstr(extensions, "cl_khr_subgroups") || strstr(extensions, "cl_intel_subgroups")))
        info->features |= TSR_FEATURE_SUBGROUP;
    read_subgroups(cl, id, extensions, info);
    read_matrices(extensions, info);
    info->memory_total = number(cl, id, CL_DEVICE_GLOBAL_MEM_SIZE);
    if (strstr(extensions, "cl_amd_device_attribute_query")) info->memory_free = amd_free_memory(cl, id);
    info->max_buffer = number(cl, id, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
    info->compute_units = (uint32_t)number(cl, id, CL_DEVICE_MAX_COMPUTE_UNITS);
    info->max_workgroup = (uint32_t)number(cl, id, CL_DEVICE_MAX_WORK_GROUP_SIZE);
    info->shared_bytes = (uint32_t)number(cl, id, CL_DEVICE_LOCAL_MEM_SIZE);
    info->vector_width = 1;
    if (info->type == TSR_DEVICE_CPU) {
        const uint64_t width = number(cl, id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT);
        info->vector_width = width >= 16 ? 16 : width >= 8 ? 8 : width >= 4 ? 4 : 1;
    }
}

static void probe_platform(cl_state *state, cl_platform_id platform)
{
    const cl_table *cl = &state->cl;
    cl_device_id ids[CL_MAX_DEVICES];
    cl_uint found = 0;
    if (cl->clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, CL_MAX_DEVICES, ids, &found) != CL_SUCCESS) return;
    for (cl_uint i = 0; i < found && i < CL_MAX_DEVICES && state->count < CL_MAX_DEVICES; i++) {
        tsr_device_info *info = &state->devices[state->count].info;
        cl_read_info(cl, platform, ids[i], state->count, info, state->devices[state->count].platform_version);
        const char *missing = cl_lacks(cl, ids[i]);
        if (missing) {
            state->services->log(state->services->ctx, TSR_LOG_INFO, "opencl: %s is not listed: %s", info->name, missing);
            continue;
        }
        state->devices[state->count].platform = platform;
        state->devices[state->count].id = ids[i];
        state->count++;
    }
}

static size_t cl_probe(const bk_services *services, void **out, tsr_device_info *infos, size_t cap)
{
    *out = NULL;
    cl_state *state = calloc(1, sizeof(*state));
    if (!state) return 0;
    state->services = services;
    if (!cl_load(&state->cl, &state->library)) {
        services->log(services->ctx, TSR_LOG_INFO, "opencl: no ICD loader");
        free(state);
        return 0;
    }
    cl_platform_id platforms[16];
    cl_uint count = 0;
    if (state->cl.clGetPlatformIDs(16, platforms, &count) != CL_SUCCESS) count = 0;
    for (cl_uint i = 0; i < count && i < 16; i++) probe_platform(state, platforms[i]);
    for (size_t i = 0; i < state->count && i < cap; i++) infos[i] = state->devices[i].info;
    *out = state;
    return state->count;
}

static void cl_release(void *user)
{
    cl_state *state = user;
    if (!state) return;
    cl_unload(state->library);
    free(state);
}

static void cl_close(bk_device *dev)
{
    cl_queue_release(dev);
    free(dev);
}

static tsr_status cl_open(void *user, size_t index, bk_device **out)
{
    cl_state *state = user;
    uint32_t emulated;
    const tsr_status known = cl_dpas_emulated(&emulated);
    bk_device *dev = known == TSR_OK ? calloc(1, sizeof(*dev)) : NULL;
    if (known != TSR_OK) return known;
    if (!dev) return tsr_fail(TSR_ERROR_HOST_MEMORY, "opencl: no memory for a device");
    dev->cl = &state->cl;
    dev->services = state->services;
    dev->info = state->devices[index].info;
    dev->dpas_emulated = emulated;
    dev->id = state->devices[index].id;
    snprintf(dev->platform_version, sizeof(dev->platform_version), "%s", state->devices[index].platform_version);
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)state->devices[index].platform, 0};
    cl_int error = CL_SUCCESS;
    dev->context = dev->cl->clCreateContext(properties, 1, &dev->id, NULL, NULL, &error);
    if (error == CL_SUCCESS) dev->queue = cl_queue_create(dev->cl, dev->context, dev->id, &error);
    if (error != CL_SUCCESS) {
        const tsr_status status = cl_status(dev, error, "opening the device");
        cl_close(dev);
        return status;
    }
    *out = dev;
    return TSR_OK;
}

static uint32_t cl_loop_limit(const bk_device *dev) { return strstr(dev->info.name, "llvmpipe") ? 65535 : 0; }

const tsr_backend tsr_backend_opencl = {
    .name = "opencl",
    .probe = cl_probe,
    .release = cl_release,
    .open = cl_open,
    .limit = cl_limit,
    .close = cl_close,
    .buffer_create = cl_buffer_create,
    .buffer_destroy = cl_buffer_destroy,
    .buffer_write = cl_buffer_write,
    .buffer_read = cl_buffer_read,
    .kernel_create = cl_kernel_create,
    .kernel_destroy = cl_kernel_destroy,
    .dispatch = cl_dispatch,
    .submit = cl_submit,
    .finish = cl_finish,
    .wait = cl_wait,
    .loop_limit = cl_loop_limit,
};
