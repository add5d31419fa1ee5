/* Ours among the contenders: a problem's tensors on the device, and prepared attentions that run on them. */
#ifndef BENCH_OURS_H
#define BENCH_OURS_H

#include "bench_problem.h"

typedef struct bench_tensors {
    const bench_problem *problem;
    tsr_buffer *buffers[4]; /* q, k, v, o */
} bench_tensors;

/* Makes buffers and fills them; o with NaN, so that what is not written shows. */
tsr_status bench_tensors_upload(bench_tensors *t, tsr_device *dev, const bench_problem *p);
tsr_status bench_tensors_spoil(const bench_tensors *t); /* o anew */
void bench_tensors_release(bench_tensors *t);

/* A bench_row of o. */
bool bench_tensors_row(void *user, uint64_t row, double *values);

/* Sets by head, as of tsr_attention_desc. */
typedef struct bench_sets {
    const tsr_set *const *sets;
    const uint32_t *set_of;
    uint32_t set_count, set_of_count;
} bench_sets;

typedef struct bench_ours {
    tsr_attention *plan;
    uint64_t tiles, part; /* a run is cut into parts of so many tiles */
} bench_ours;

/* Prepares; seconds: that this took. set_count 0: everyone. slowest: FLOP/s that the device should reach. */
tsr_status bench_ours_prepare(bench_ours *u, tsr_device *dev, const bench_problem *p, const bench_sets *sets, double slowest, double *seconds);

/* From the call to the end of the work. Once interrupted it returns early. */
tsr_status bench_ours_run(bench_ours *u, tsr_device *dev, const bench_tensors *t, double *seconds);
void bench_ours_release(bench_ours *u);

/* Measures the device's peak once more, the best counts: other work on the machine may have held the first one down. */
tsr_status bench_measure_peak(bench *b);

#endif
