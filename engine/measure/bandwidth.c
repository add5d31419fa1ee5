/* Measures how fast a device copies: the ceiling of kernels that are bound by memory. */

#include "internal.h"
#include "measure/copy_args.h"

#define COPY_ID(id, NAME, value) COPY_##NAME = id,
enum { COPY_SPECS(COPY_ID) };
typedef struct copy_params {
    COPY_PARAMS(TSR_PARAM_FIELD)
} copy_params;

enum { LARGEST = 128 << 20, SMALLEST = 1 << 20, PARAMS = 256, STEPS = 64 };

/* Parameters, then source and target of so many bytes. */
static tsr_status make_room(tsr_device *dev, uint64_t *bytes, tsr_buffer **out)
{
    tsr_status s;
    for (*bytes = LARGEST; (s = tsr_buffer_create(dev, PARAMS + 2 * *bytes, out)) == TSR_ERROR_DEVICE_MEMORY && *bytes > SMALLEST;) *bytes /= 2;
    return s;
}

tsr_status tsr_device_bandwidth(tsr_device *dev, double *bytes_per_second)
{
    enum { RUNS = 5 };
    if (!dev || !bytes_per_second) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", dev ? "bytes_per_second" : "dev");
    const tsr_tile tile = tsr_tile_for(&dev->info) == TSR_TILE_VECTOR ? TSR_TILE_VECTOR : TSR_TILE_SIMT;
    const int32_t lanes = tile == TSR_TILE_VECTOR ? 1 : 64, specs[BK_MAX_SPECS] = {[COPY_LANES] = lanes};
    const uint64_t part = STEPS * (uint64_t)lanes * (tile == TSR_TILE_VECTOR ? dev->info.vector_width : 1) * sizeof(float);
    const copy_params params = {.steps = STEPS};
    bk_kernel *kernel = NULL;
    tsr_buffer *buf = NULL;
    uint64_t bytes = 0;
    tsr_status s = tsr_kernel_get(dev, "copy", tile, specs, &kernel);
    if (s == TSR_OK) s = make_room(dev, &bytes, &buf);
    if (s == TSR_OK) s = tsr_buffer_write(buf, 0, &params, sizeof(params));
    double best = 0;
    int passes = 1;
    for (int run = -1; run < RUNS && s == TSR_OK;) { /* run -1 touches the memory for the first time */
        const bk_binding bindings[] = {{buf->bk, 0}, {buf->bk, PARAMS}, {buf->bk, PARAMS + bytes}};
        const double start = tsr_now();
        for (int i = 0; i < passes && s == TSR_OK; i++) s = tsr_dispatch(dev, kernel, bindings, 0, (uint32_t)(bytes / part));
        if (s == TSR_OK) s = tsr_drain(dev);
        const double seconds = tsr_now() - start, rate = 2.0 * (double)bytes * passes / seconds;
        if (run >= 0 && seconds < 0.02 && passes < 1 << 12) { /* too short to time */
            passes *= 2;
            continue;
        }
        if (run++ >= 0 && rate > best) best = rate;
    }
    tsr_buffer_destroy(buf);
    if (s == TSR_OK) *bytes_per_second = best;
    return s;
}
