/* tessera bench sparse: attention over tiles, given and chosen, beside dense attention on the same tensors. */
#ifndef BENCH_SPARSE_H
#define BENCH_SPARSE_H

#include "bench_ours.h"
#include "tessera/tessera_flow.h"

typedef enum bench_choice {
    BENCH_GIVEN, /* a map of tiles that the caller has */
    BENCH_CHOSEN /* pooled, scored and selected on the device in every run */
} bench_choice;

struct bench_sparse_case {
    bench_choice choice;
    double share; /* of the key tiles of a row of query tiles */
    bench_shape shape;
    char label[64];
    /* Measured. */
    tsr_device_info device;
    const char *dtype, *tensors;
    double peak, dense_flops;
    tsr_flow_report report; /* of a timed run */
    uint64_t workspace;
    bench_times times, dense, select; /* in turn; select: of CHOSEN, without attention */
    double error, tolerance;
    uint64_t seed;
};

bool bench_sparse_is_wrong(const bench_sparse_case *c);
double bench_sparse_time(const bench_sparse_case *c);   /* / dense time */
double bench_sparse_select(const bench_sparse_case *c); /* time to select / dense time */
/* The goals: a given list within 1.15 times its share; choosing within 8 % of dense; chosen 10 % five times as fast as dense. 0: none. */
double bench_sparse_goal(const bench_sparse_case *c);
bool bench_sparse_met(const bench_sparse_case *c);
double bench_sparse_select_goal(const bench_sparse_case *c);
bool bench_sparse_select_met(const bench_sparse_case *c);

enum { BENCH_TILE = 64 };

void bench_sparse_print(const bench_sparse_case *cases, size_t count);
void bench_sparse_json(bench *b, const bench_sparse_case *c);
bool bench_sparse_plot(const bench *b, FILE *file);

#endif
