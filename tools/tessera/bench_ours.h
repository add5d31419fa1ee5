/* Ours among the contenders: one prepared attention and its buffers. */
#ifndef BENCH_OURS_H
#define BENCH_OURS_H

#include "bench_problem.h"

typedef struct bench_ours {
    tsr_attention *plan;
    tsr_buffer *buffers[4]; /* q, k, v, o */
    const bench_problem *problem;
    uint64_t tiles, part; /* a run is cut into parts of so many tiles */
} bench_ours;

/* Prepares, and uploads the inputs; seconds: of the first alone. peak: of the device, FLOP/s. */
tsr_status bench_ours_prepare(bench_ours *u, tsr_device *dev, const bench_problem *p, double peak, double *seconds);

/* From the call to the end of the work. Once interrupted it returns early. */
tsr_status bench_ours_run(bench_ours *u, tsr_device *dev, double *seconds);
void bench_ours_release(bench_ours *u);

/* A bench_row of the output. */
bool bench_ours_row(void *user, uint64_t row, double *values);

#endif
