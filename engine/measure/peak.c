/* Measures the rates of multiply-adds and of products of matrices of a device: the ceilings of every other kernel. */

#include "internal.h"
#include "matrix/layout.h"
#include "measure/peak_args.h"
#include "measure/peak_matrix_args.h"

#define PEAK_ID(id, NAME, value) PEAK_##NAME = id,
enum { PEAK_SPECS(PEAK_ID) PEAK_SHAPES(PEAK_ID) };
#define PEAK_MATRIX_ID(id, NAME, value) PEAK_MATRIX_##NAME = id,
enum { PEAK_MATRIX_SPECS(PEAK_MATRIX_ID) };
typedef struct peak_params {
    PEAK_PARAMS(TSR_PARAM_FIELD)
} peak_params;
typedef struct peak_matrix_params {
    PEAK_MATRIX_PARAMS(TSR_PARAM_FIELD)
} peak_matrix_params;

enum { RUNS = 5, GROUPS = 4096, OUT_AT = 256 };

/* The best rate of a kernel whose parameters begin with its steps; step: FLOP of a group in one of them. */
static tsr_status best_rate(tsr_device *dev, bk_kernel *kernel, int32_t lanes, void *params, size_t size, double step, double *out)
{
    int32_t *const steps = params;
    tsr_buffer *buf = NULL;
    tsr_status s = tsr_buffer_create(dev, OUT_AT + (uint64_t)GROUPS * (uint64_t)lanes * sizeof(float), &buf);
    double best = 0;
    for (int run = 0; run < RUNS && s == TSR_OK;) {
        s = tsr_buffer_write(buf, 0, params, size);
        if (s != TSR_OK) break;
        const bk_binding bindings[] = {{buf->bk, 0}, {buf->bk, OUT_AT}};
        const double start = tsr_now();
        s = tsr_dispatch(dev, kernel, bindings, 0, GROUPS);
        if (s == TSR_OK) s = tsr_drain(dev);
        const double seconds = tsr_now() - start;
        if (seconds < 0.02 && *steps < 1 << 20) { /* too short to time: this also warms up */
            *steps *= 2;
            continue;
        }
        const double rate = step * GROUPS * *steps / seconds;
        if (rate > best) best = rate;
        run++;
    }
    tsr_buffer_destroy(buf);
    if (s == TSR_OK) *out = best;
    return s;
}

tsr_status tsr_device_peak(tsr_device *dev, double *flops_per_second)
{
    enum { CHAINS = 16 };
    if (!dev || !flops_per_second) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", dev ? "flops_per_second" : "dev");
    const tsr_tile tile = tsr_tile_for(&dev->info) == TSR_TILE_VECTOR ? TSR_TILE_VECTOR : TSR_TILE_SIMT;
    const int32_t lanes = tile == TSR_TILE_VECTOR ? 1 : 64, specs[BK_MAX_SPECS] = {[PEAK_LANES] = lanes, [PEAK_RM] = 4, [PEAK_RN] = 4};
    const double width = tile == TSR_TILE_VECTOR ? dev->info.vector_width : 1;
    peak_params params = {.steps = 256, .factor = 0.999f, .addend = 0.001f};
    bk_kernel *kernel = NULL;
    const tsr_status s = tsr_kernel_get(dev, "peak", tile, specs, &kernel);
    return s == TSR_OK ? best_rate(dev, kernel, lanes, &params, sizeof(params), 2.0 * CHAINS * lanes * width, flops_per_second) : s;
}

tsr_status tsr_device_matrix_peak(tsr_device *dev, double *flops_per_second)
{
    enum { SUMS = 8, SUBGROUPS = 4 };
    if (!dev || !flops_per_second) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", dev ? "flops_per_second" : "dev");
    const int32_t columns = tsr_dpas_columns(&dev->info, TSR_F16);
    const tsr_matrix_shape engine = {.m = TSR_DPAS_ROWS, .n = (uint32_t)columns, .k = 16};
    const tsr_matrix_shape *const m = columns ? &engine : tsr_matrix_shape_for(&dev->info, TSR_F16);
    const char *name = columns ? "peak_dpas" : "peak";
    if (!m || !tsr_kernel_matrix_built(name, TSR_F16)) {
        *flops_per_second = 0;
        return TSR_OK;
    }
    const int32_t subgroup = columns ? columns : (int32_t)dev->info.subgroup_min, lanes = SUBGROUPS * subgroup;
    const int32_t specs[BK_MAX_SPECS] = {
        [PEAK_MATRIX_LANES] = lanes,      [PEAK_MATRIX_SUBGROUP] = subgroup, [PEAK_MATRIX_MM] = (int32_t)m->m,
        [PEAK_MATRIX_MN] = (int32_t)m->n, [PEAK_MATRIX_MK] = (int32_t)m->k,  [PEAK_MATRIX_SUMS] = SUMS,
    };
    peak_matrix_params params = {.steps = 16};
    bk_kernel *kernel = NULL;
    const tsr_status s = tsr_kernel_get_matrix(dev, name, TSR_F16, specs, NULL, &kernel);
    const double step = 2.0 * m->m * m->n * m->k * SUMS * SUBGROUPS;
    return s == TSR_OK ? best_rate(dev, kernel, lanes, &params, sizeof(params), step, flops_per_second) : s;
}
