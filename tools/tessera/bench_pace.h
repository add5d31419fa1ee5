/* How fast a device is, and how its tiles are. */
#ifndef BENCH_PACE_H
#define BENCH_PACE_H

#include "bench_ours.h"

/* Device facts that choose the sizes: dense FLOP/s, and the tiles that windows should fit. */
typedef struct bench_pace {
    double rate;
    int32_t query_tile, key_tile;
} bench_pace;

/* Measures it by a short dense attention. -1, or the exit code of what failed. */
int bench_measure_pace(bench *b, bench_problem *problem, bench_pace *pace);

#endif
