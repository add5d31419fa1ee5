/* One attention problem in memory that peers share: random inputs, and the check of sampled rows. */
#ifndef BENCH_PROBLEM_H
#define BENCH_PROBLEM_H

#include "bench.h"

enum { BENCH_SAMPLED_ROWS = 16 };

/* A nameless file: packed fp32 q [B,H,Nq,D], k and v [B,H,Nk,D], then the peer's output like q. */
typedef struct bench_problem {
    int file;
    void *map;
    uint64_t map_size;
    bench_shape shape;
    tsr_dtype dtype;
    bool causal;
    const bench_window *window; /* NULL: none */
    uint64_t small, large;      /* elements of q, of k */
    float *q, *k, *v, *o;
    uint64_t rows[BENCH_SAMPLED_ROWS]; /* picked at random */
    double *expected, *got;            /* their values, each [BENCH_SAMPLED_ROWS,D] */
} bench_problem;

/* Makes the empty file. false: an error was printed; likewise below. */
bool bench_problem_open(bench_problem *p);
void bench_problem_close(bench_problem *p);

/* Makes room for a shape, at most memory bytes, and fills it with random values that dtype holds exactly. */
bool bench_problem_fill(bench_problem *p, const bench_shape *shape, tsr_dtype dtype, bool causal, uint64_t seed, uint64_t memory);

/* What the host has left; the tensors that peers share live there. */
uint64_t bench_memory_free(const bench *b);

/* Copies n of the fp32 values to a device in the problem's dtype. */
tsr_status bench_problem_upload(const bench_problem *p, const float *values, uint64_t n, tsr_buffer *buffer);

/* The keys that a query of a head sees, into keys [Nk]; their number. */
typedef int64_t (*bench_keys)(void *user, int64_t head, int64_t query, int64_t *keys);

/* Computes the sampled rows in fp64 from the formula; keys NULL: everyone, or causal as the problem says. false: no memory. */
bool bench_problem_reference(bench_problem *p, bench_keys keys, void *user);

/* The relative error (Frobenius) of the sampled rows; get() gives the D values of a row, or false. */
typedef bool (*bench_row)(void *user, uint64_t row, double *values);
double bench_problem_error(bench_problem *p, bench_row get, void *user);

#endif
