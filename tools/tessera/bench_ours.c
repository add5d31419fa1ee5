/* Our side of a contest, timed as a caller sees it: run and wait. */
#include "bench_ours.h"

#include <math.h>

#include "oracle/oracle.h"

enum { PART_SECONDS = 3 };

/* Ctrl-C is heard between parts. A run is one part, as a caller's would be, unless it would take some seconds. */
static void plan_parts(bench_ours *u, double slowest)
{
    tsr_attention_info info;
    tsr_attention_get_info(u->plan, &info);
    const double parts = (double)info.flops / (slowest * PART_SECONDS);
    u->tiles = info.tile_count;
    u->part = parts > 1 ? (uint64_t)((double)info.tile_count / parts) + 1 : info.tile_count;
}

tsr_status bench_ours_prepare(bench_ours *u, tsr_device *dev, const bench_problem *p, const bench_sets *sets, double slowest, double *seconds)
{
    const bench_shape *s = &p->shape;
    const tsr_layout q = {.dtype = p->dtype, .shape = {s->batch, s->heads, s->queries, s->dim}};
    const tsr_layout k = {.dtype = p->dtype, .shape = {s->batch, s->heads, s->keys, s->dim}};
    tsr_attention_desc desc = {.q = q, .k = k, .v = k, .o = q};
    if (p->causal) desc.band = (tsr_band){1, TSR_ALIGN_BOTTOM_RIGHT, TSR_UNBOUNDED, 0};
    desc.sets = sets->sets, desc.set_count = sets->set_count;
    desc.set_of = sets->set_of, desc.set_of_count = sets->set_of_count;
    const double start = cli_now();
    const tsr_status status = tsr_attention_prepare(dev, &desc, &u->plan);
    *seconds = cli_now() - start;
    if (status == TSR_OK) plan_parts(u, slowest);
    return status;
}

tsr_status bench_ours_run(bench_ours *u, tsr_device *dev, const bench_tensors *t, double *seconds)
{
    tsr_attention_args args = {.q = {t->buffers[0], 0}, .k = {t->buffers[1], 0}, .v = {t->buffers[2], 0}, .o = {t->buffers[3], 0}};
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
    u->plan = NULL;
}

tsr_status bench_tensors_upload(bench_tensors *t, tsr_device *dev, const bench_problem *p)
{
    const float *const values[4] = {p->q, p->k, p->v, p->o};
    const uint64_t sizes[4] = {p->small, p->large, p->large, p->small};
    tsr_status status = TSR_OK;
    t->problem = p;
    for (int i = 0; i < 4 && status == TSR_OK; i++) {
        status = tsr_buffer_create(dev, sizes[i] * tsr_dtype_size(p->dtype), &t->buffers[i]);
        if (status == TSR_OK) status = bench_problem_upload(p, values[i], sizes[i], t->buffers[i]);
    }
    return status;
}

tsr_status bench_tensors_spoil(const bench_tensors *t) { return bench_problem_upload(t->problem, t->problem->o, t->problem->small, t->buffers[3]); }

void bench_tensors_release(bench_tensors *t)
{
    for (int i = 0; i < 4; i++) tsr_buffer_destroy(t->buffers[i]);
}

bool bench_tensors_row(void *user, uint64_t row, double *values)
{
    const bench_tensors *t = user;
    const uint64_t d = (uint64_t)t->problem->shape.dim, bytes = d * tsr_dtype_size(t->problem->dtype);
    float stored[1024];
    if (tsr_buffer_read(t->buffers[3], row * bytes, stored, bytes) != TSR_OK) return false;
    for (uint64_t i = 0; i < d; i++) values[i] = oracle_load(t->problem->dtype, stored, (int64_t)i);
    return true;
}

tsr_status bench_measure_peak(bench *b)
{
    double peak = 0;
    const tsr_status status = tsr_device_peak(b->device.dev, &peak);
    b->peak = fmax(b->peak, peak);
    return status;
}
