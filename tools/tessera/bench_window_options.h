/* The options of tessera bench windows, as popt leaves them. */
#ifndef BENCH_WINDOW_OPTIONS_H
#define BENCH_WINDOW_OPTIONS_H

#include "bench.h"

typedef struct bench_window_texts {
    char *grid, *window, *stride, *dilation, *recipe;
} bench_window_texts;

/* Into b->ask. -1, or the exit code of what is wrong. */
int bench_take_windows(bench *b, const bench_window_texts *texts);

#endif
