/* The host device: the kernels in C on this machine's cores. Always there, needs no driver. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend.h"
#include "kernels.h"
#include "pool.h"

struct bk_device {
    hk_pool *pool;
    const hk_isa *isa;
    /* Dispatches run at once: a submission is the time that they took since the one before. */
    bool timed;
    double seconds;
    uint64_t submissions;
    double taken[4]; /* by the last ones; the number's remainder is the place */
};

struct bk_buffer {
    unsigned char *data;
};

struct bk_kernel {
    const hk_entry *entry;
    uint32_t bindings;
    int32_t specs[BK_MAX_SPECS];
    size_t shared; /* bytes of workgroup memory; the user's scratch lies behind */
    bool has_user;
    bk_user user;
};

static const hk_isa *best_isa(void)
{
#ifdef TSR_HOST_WIDE
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq"))
        return &hk_isa_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &hk_isa_avx2;
#endif
    return &hk_isa_baseline;
}

/* The processor's name and the memory that is free, as Linux tells them; elsewhere they stay unknown. */
static void read_system(tsr_device_info *info)
{
    snprintf(info->name, sizeof(info->name), "host CPU");
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file && fgets(line, sizeof(line), file)) {
        const char *value = strstr(line, ": ");
        if (!value) continue;
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "model name", 10) == 0) {
            snprintf(info->name, sizeof(info->name), "%s", value + 2);
            break;
        }
        if (strncmp(line, "vendor_id", 9) == 0) snprintf(info->vendor, sizeof(info->vendor), "%.63s", value + 2);
    }
    if (file) fclose(file);
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages > 0 && page > 0) info->memory_total = (uint64_t)pages * (uint64_t)page;
    file = fopen("/proc/meminfo", "re");
    uint64_t kib = 0;
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1) info->memory_free = kib * 1024;
    if (file) fclose(file);
}

static size_t host_probe(const bk_services *services, void **state, tsr_device_info *infos, size_t cap)
{
    (void)services;
    *state = NULL;
    if (cap == 0) return 1;
    tsr_device_info *info = &infos[0];
    memset(info, 0, sizeof(*info));
    const hk_isa *isa = best_isa();
    snprintf(info->id, sizeof(info->id), "host");
    snprintf(info->backend, sizeof(info->backend), "host");
    read_system(info);
    snprintf(info->driver, sizeof(info->driver), "tessera host, %s", isa->name);
    snprintf(info->version, sizeof(info->version), "%s", tsr_version());
    info->type = TSR_DEVICE_CPU;
    info->features = TSR_FEATURE_UNIFIED;
    info->max_buffer = info->memory_total;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    info->compute_units = cores > 0 ? (uint32_t)cores : 1;
    info->max_workgroup = 1;
    info->shared_bytes = 1u << 30;
    info->vector_width = isa->vector_width;
    return 1;
}

static void host_release(void *state) { (void)state; }

static tsr_status host_open(void *state, size_t index, bk_device **out)
{
    (void)state;
    (void)index;
    bk_device *dev = calloc(1, sizeof(*dev));
    if (dev) dev->pool = hk_pool_create();
    if (!dev || !dev->pool) {
        free(dev);
        return tsr_fail(TSR_ERROR_HOST_MEMORY, "host: no memory for the thread pool");
    }
    dev->isa = best_isa();
    *out = dev;
    return TSR_OK;
}

static tsr_status host_limit(bk_device *dev, const bk_limits *limits)
{
    hk_pool_stop_at(dev->pool, limits->cancelled);
    dev->timed = limits->timed;
    return TSR_OK;
}

static void host_close(bk_device *dev)
{
    hk_pool_destroy(dev->pool);
    free(dev);
}

static tsr_status host_buffer_create(bk_device *dev, uint64_t size, bk_buffer **out)
{
    (void)dev;
    tsr_device_info info = {0};
    read_system(&info);
    bk_buffer *buf = calloc(1, sizeof(*buf));
    void *data = NULL;
    /* Linux promises more than it has: ask first, so that a run is not killed half-way. */
    const bool enough = info.memory_free == 0 || size <= info.memory_free;
    if (!buf || !enough || size > SIZE_MAX - 4096 || posix_memalign(&data, 64, size ? (size_t)size : 1) != 0) {
        free(buf);
        return tsr_fail(TSR_ERROR_DEVICE_MEMORY, "host: not enough memory: %" PRIu64 " bytes needed, %" PRIu64 " available", size, info.memory_free);
    }
    buf->data = data;
    *out = buf;
    return TSR_OK;
}

static void host_buffer_destroy(bk_device *dev, bk_buffer *buf)
{
    (void)dev;
    free(buf->data);
    free(buf);
}

static tsr_status host_buffer_write(bk_device *dev, bk_buffer *buf, uint64_t offset, const void *src, uint64_t size)
{
    (void)dev;
    memcpy(buf->data + offset, src, (size_t)size);
    return TSR_OK;
}

static tsr_status host_buffer_read(bk_device *dev, bk_buffer *buf, uint64_t offset, void *dst, uint64_t size)
{
    (void)dev;
    memcpy(dst, buf->data + offset, (size_t)size);
    return TSR_OK;
}

static bool fits(const hk_entry *entry, const bk_kernel_desc *desc)
{
    if (strcmp(entry->name, desc->source->name) != 0) return false;
    for (uint32_t i = 0; i < entry->shapes; i++)
        if (desc->specs[entry->first_shape + i] != entry->shape[i]) return false;
    return true;
}

static tsr_status host_kernel_create(bk_device *dev, const bk_kernel_desc *desc, bk_kernel **out)
{
    const hk_entry *entry = NULL;
    for (size_t i = 0; i < dev->isa->count && !entry; i++)
        if (fits(&dev->isa->entries[i], desc)) entry = &dev->isa->entries[i];
    if (!entry || desc->source->tile != TSR_TILE_VECTOR)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "host: kernel %s was not compiled for this tile", desc->source->name);
    const size_t shared = (entry->shared(desc->specs) + 63) / 64 * 64, scratch = shared + (desc->user ? desc->user->scratch : 0);
    bk_kernel *kernel = calloc(1, sizeof(*kernel));
    if (!kernel || !hk_pool_reserve(dev->pool, scratch)) {
        free(kernel);
        return tsr_fail(TSR_ERROR_HOST_MEMORY, "host: no memory for %zu bytes of scratch for each thread", scratch);
    }
    kernel->shared = shared;
    kernel->has_user = desc->user != NULL;
    if (desc->user) kernel->user = *desc->user;
    kernel->entry = entry;
    kernel->bindings = desc->source->binding_count;
    memcpy(kernel->specs, desc->specs, desc->source->spec_count * sizeof(desc->specs[0]));
    *out = kernel;
    return TSR_OK;
}

static void host_kernel_destroy(bk_device *dev, bk_kernel *kernel)
{
    (void)dev;
    free(kernel);
}

typedef struct host_job {
    const bk_kernel *kernel;
    hk_call call;
} host_job;

static void run_group(const void *user, uint32_t group, void *scratch)
{
    const host_job *job = user;
    hk_call call = job->call;
    call.group = group;
    call.shared = scratch;
    call.user_scratch = call.shared + job->kernel->shared;
    job->kernel->entry->run(&call);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static tsr_status host_dispatch(bk_device *dev, bk_kernel *kernel, const bk_binding *bindings, uint32_t first, uint32_t count)
{
    host_job job = {.kernel = kernel, .call = {.specs = kernel->specs, .user = kernel->has_user ? &kernel->user : NULL}};
    for (uint32_t i = 0; i < kernel->bindings; i++) {
        unsigned char *p = bindings[i].buffer ? bindings[i].buffer->data + bindings[i].offset : NULL;
        if (i == 0)
            job.call.params = p;
        else
            job.call.args[i - 1] = p;
    }
    const double start = dev->timed ? now() : 0;
    hk_pool_run(dev->pool, run_group, &job, first, count);
    if (dev->timed) dev->seconds += now() - start;
    return TSR_OK;
}

static tsr_status host_submit(bk_device *dev, uint64_t *number)
{
    *number = ++dev->submissions;
    dev->taken[*number % 4] = dev->seconds;
    dev->seconds = 0;
    return TSR_OK;
}

static tsr_status host_finish(bk_device *dev, uint64_t number, double *seconds)
{
    *seconds = dev->taken[number % 4];
    return TSR_OK;
}

static tsr_status host_wait(bk_device *dev)
{
    (void)dev;
    return TSR_OK;
}

const tsr_backend tsr_backend_host = {
    .name = "host",
    .probe = host_probe,
    .release = host_release,
    .open = host_open,
    .limit = host_limit,
    .close = host_close,
    .buffer_create = host_buffer_create,
    .buffer_destroy = host_buffer_destroy,
    .buffer_write = host_buffer_write,
    .buffer_read = host_buffer_read,
    .kernel_create = host_kernel_create,
    .kernel_destroy = host_kernel_destroy,
    .dispatch = host_dispatch,
    .submit = host_submit,
    .finish = host_finish,
    .wait = host_wait,
};
