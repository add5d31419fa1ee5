/* Measures the rate of fused multiply-adds of a device: the ceiling of every other kernel. */

#include "internal.h"
#include "measure/peak_args.h"

#define PEAK_ID(id, NAME, value) PEAK_##NAME = id,
enum { PEAK_SPECS(PEAK_ID) PEAK_SHAPES(PEAK_ID) };
typedef struct peak_params {
    PEAK_PARAMS(TSR_PARAM_FIELD)
} peak_params;

tsr_status tsr_device_peak(tsr_device *dev, double *flops_per_second)
{
    enum { RUNS = 5, CHAINS = 16, GROUPS = 4096 };
    if (!dev || !flops_per_second) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", dev ? "flops_per_second" : "dev");
    const tsr_tile tile = tsr_tile_for(&dev->info) == TSR_TILE_VECTOR ? TSR_TILE_VECTOR : TSR_TILE_SIMT;
    const int32_t lanes = tile == TSR_TILE_VECTOR ? 1 : 64, specs[BK_MAX_SPECS] = {[PEAK_LANES] = lanes, [PEAK_RM] = 4, [PEAK_RN] = 4};
    peak_params params = {.steps = 256, .factor = 0.999f, .addend = 0.001f};
    bk_kernel *kernel = NULL;
    tsr_buffer *buf = NULL;
    const uint64_t out_at = 256;
    tsr_status s = tsr_kernel_get(dev, "peak", tile, specs, &kernel);
    if (s == TSR_OK) s = tsr_buffer_create(dev, out_at + (uint64_t)GROUPS * (uint64_t)lanes * sizeof(float), &buf);
    double best = 0;
    for (int run = 0; run < RUNS && s == TSR_OK;) {
        s = tsr_buffer_write(buf, 0, &params, sizeof(params));
        if (s != TSR_OK) break;
        const bk_binding bindings[] = {{buf->bk, 0}, {buf->bk, out_at}};
        const double start = tsr_now();
        s = tsr_dispatch(dev, kernel, bindings, 0, GROUPS);
        if (s == TSR_OK) s = tsr_drain(dev);
        const double seconds = tsr_now() - start;
        if (seconds < 0.02 && params.steps < 1 << 20) { /* too short to time: this also warms up */
            params.steps *= 2;
            continue;
        }
        const double rate = 2.0 * CHAINS * GROUPS * params.steps * lanes * (tile == TSR_TILE_VECTOR ? dev->info.vector_width : 1) / seconds;
        if (rate > best) best = rate;
        run++;
    }
    tsr_buffer_destroy(buf);
    if (s == TSR_OK) *flops_per_second = best;
    return s;
}
