/* tessera bench windows: its cases, what is measured of each, and the goals beside them. */
#ifndef BENCH_WINDOWS_H
#define BENCH_WINDOWS_H

#include "bench_pace.h"

typedef enum bench_family { BENCH_LINE, BENCH_LINE_CAUSAL, BENCH_BOX, BENCH_FITTED, BENCH_OWN, BENCH_NATTEN, BENCH_FAMILIES } bench_family;

enum { BENCH_H100, BENCH_B200, BENCH_GPUS };

/* Milliseconds that NATTEN publishes: its kernel with the token permutation around it, and cuDNN's dense attention. */
typedef struct bench_published {
    double dense[BENCH_GPUS], window[BENCH_GPUS];
    bench_window shape;
} bench_published;

struct bench_case {
    bench_family family;
    int percent;    /* of the keys, about; 0: as it comes */
    bool by_recipe; /* the user's; else by the window */
    bench_window window;
    char label[192];
    bench_shape shape;
    const bench_published *published; /* BENCH_NATTEN */
    double waste_goal, time_goal;     /* 0: none */
    /* Measured. */
    tsr_device_info device;
    const char *dtype;
    tsr_attention_info plan;
    double peak, dense_flops;
    bench_times times, dense; /* in turn */
    double error, dense_error, tolerance;
    uint64_t seed;
};

/* Appends the cases to measure to b->cases; cases with the same tokens and heads follow each other. false: an error was printed. */
bool bench_windows_cases(bench *b, const bench_pace *pace);

/* Windows on a grid: the multiples of units nearest to a share of the keys, alike on all axes. */
bench_window bench_window_near(const int64_t grid[3], const int64_t units[3], double share, int64_t multiple);
/* The most compact box of tile tokens that divides the grid; false: there is none. */
bool bench_window_units(const int64_t grid[3], int64_t tile, int64_t units[3]);

tsr_status bench_window_set(const bench_window *w, tsr_set **out);
/* The keys that query q sees, ascending, from NATTEN's definition; returns how many. */
int64_t bench_window_keys(const bench_window *w, int64_t q, int64_t *keys);
int64_t bench_window_tokens(const bench_window *w);
int64_t bench_window_size(const bench_window *w); /* keys of a window */
void bench_window_label(const bench_window *w, char *text, size_t size);

bool bench_case_is_wrong(const bench_case *c);
double bench_case_time(const bench_case *c);  /* / dense time */
double bench_case_ideal(const bench_case *c); /* share of the keys / time: 1 where time follows the share */
double bench_published_ideal(const bench_published *p, int gpu);
bool bench_case_waste_met(const bench_case *c);
bool bench_case_time_met(const bench_case *c);
bool bench_case_beats(const bench_case *c); /* NATTEN's ratio of ideal, on both its GPUs */

/* The table: a device, the cases of one group, and those that NATTEN publishes. */
void bench_windows_print_device(const bench *b, const bench_pace *pace);
void bench_windows_print_group(const bench_case *cases, size_t count);
void bench_windows_print_published(const bench_case *cases, size_t count);

void bench_windows_json(bench *b, const bench_case *c);
bool bench_windows_plot(const bench *b, FILE *file);

#endif
