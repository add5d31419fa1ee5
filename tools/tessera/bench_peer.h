/* A peer: another implementation, in a child process that answers lines (tools/bench/peer_ggml.c, peer_torch.py). */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <sys/types.h>

#include "bench_problem.h"

typedef struct bench_peer {
    char name[16], version[64], device[192];
    char error[192]; /* why the last call failed */
    pid_t child;     /* 0: not running */
    int to, from;    /* its standard input and output */
    int wait;        /* seconds for one answer */
} bench_peer;

/* Those that are known, NULL-terminated. */
extern const char *const bench_peer_names[];

/* Starts the child; vulkan_index is the driver's number of the GPU that it should take, wait the seconds
 * that an answer may take. */
bool bench_peer_start(bench_peer *p, const char *name, const bench_problem *problem, int vulkan_index, int wait);
void bench_peer_stop(bench_peer *p);

/* Builds what runs the problem; wanted is asked for as the storage of keys and values, kv_dtype is what it took. */
bool bench_peer_prepare(bench_peer *p, const bench_problem *problem, tsr_dtype wanted, char kv_dtype[8], double *seconds);
bool bench_peer_run(bench_peer *p, double *seconds);
bool bench_peer_output(bench_peer *p); /* into problem->o */

#endif
