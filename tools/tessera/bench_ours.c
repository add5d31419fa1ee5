/* Our side of a contest, timed as a caller sees it: run and wait. */
#include "bench_ours.h"

#include "oracle/oracle.h"

enum { PART_SECONDS = 3 };

/* Ctrl-C is heard between parts. A run is one part, as a caller's would be, unless it would take some
 * seconds at a tenth of the peak. */
static void plan_parts(bench_ours *u, double peak)
{
    tsr_attention_info info;
    tsr_attention_get_info(u->plan, &info);
    const double parts = (double)info.flops / (0.1 * peak * PART_SECONDS);
    u->tiles = info.tile_count;
    u->part = parts > 1 ? (uint64_t)((double)info.tile_count / parts) + 1 : info.tile_count;
}

tsr_status bench_ours_prepare(bench_ours *u, tsr_device *dev, const bench_problem *p, double peak, double *seconds)
{
    const bench_shape *s = &p->shape;
    const tsr_layout q = {.dtype = p->dtype, .shape = {s->batch, s->heads, s->queries, s->dim}};
    const tsr_layout k = {.dtype = p->dtype, .shape = {s->batch, s->heads, s->keys, s->dim}};
    tsr_attention_desc desc = {.q = q, .k = k, .v = k, .o = q};
    if (p->causal) desc.band = (tsr_band){1, TSR_ALIGN_BOTTOM_RIGHT, TSR_UNBOUNDED, 0};
    u->problem = p;
    const double start = cli_now();
    tsr_status status = tsr_attention_prepare(dev, &desc, &u->plan);
    *seconds = cli_now() - start;
    if (status == TSR_OK) plan_parts(u, peak);
    const float *const values[4] = {p->q, p->k, p->v, p->o}; /* o: NaN, so that what is not written shows */
    const uint64_t sizes[4] = {p->small, p->large, p->large, p->small};
    for (int i = 0; i < 4 && status == TSR_OK; i++) {
        status = tsr_buffer_create(dev, sizes[i] * tsr_dtype_size(p->dtype), &u->buffers[i]);
        if (status == TSR_OK) status = bench_problem_upload(p, values[i], sizes[i], u->buffers[i]);
    }
    return status;
}

tsr_status bench_ours_run(bench_ours *u, tsr_device *dev, double *seconds)
{
    tsr_attention_args args = {.q = {u->buffers[0], 0}, .k = {u->buffers[1], 0}, .v = {u->buffers[2], 0}, .o = {u->buffers[3], 0}};
    const double start = cli_now();
    tsr_status status = TSR_OK;
    for (; args.first_tile < u->tiles && status == TSR_OK && !cli_interrupted(); args.first_tile += args.tile_count) {
        args.tile_count = u->part < u->tiles - args.first_tile ? u->part : u->tiles - args.first_tile;
        status = tsr_attention_run(u->plan, &args);
        if (status == TSR_OK) status = tsr_device_wait(dev);
    }
    *seconds = cli_now() - start;
    return status;
}

void bench_ours_release(bench_ours *u)
{
    tsr_attention_destroy(u->plan);
    for (int i = 0; i < 4; i++) tsr_buffer_destroy(u->buffers[i]);
}

bool bench_ours_row(void *user, uint64_t row, double *values)
{
    const bench_ours *u = user;
    const uint64_t d = (uint64_t)u->problem->shape.dim, bytes = d * tsr_dtype_size(u->problem->dtype);
    float stored[1024];
    if (tsr_buffer_read(u->buffers[3], row * bytes, stored, bytes) != TSR_OK) return false;
    for (uint64_t i = 0; i < d; i++) values[i] = oracle_load(u->problem->dtype, stored, (int64_t)i);
    return true;
}
