/* tessera tune, in parts: which problems, the races, and what is said of them. */
#ifndef TUNE_H
#define TUNE_H

#include "cli.h"
#include "tessera/tessera_tune.h"

#define TUNE_NAME "tune"

enum { TUNE_MAX_PROBLEMS = 96 };

/* One race: of an attention, or where conv.kt is not 0 of a convolution. */
typedef struct tune_problem {
    tsr_attention_desc attention;
    tsr_tune_conv conv;
    tsr_tune_report report;
} tune_problem;

typedef struct tune {
    cli_device device;
    char *dims, *types, *tokens, *queries, *tile, *what, *plot;
    int quick, full, show, heads, json;
    double seconds;
    uint32_t model;         /* tile; 0: any */
    tune_problem *problems; /* TUNE_MAX_PROBLEMS */
    size_t count, done;     /* done: with something timed */
} tune;

/* tune_problems.c: what the options ask for, for the open device. -1: done; else the exit code. */
int tune_list(tune *t);
/* tune_report.c */
void tune_print(const tune_problem *p);
int tune_print_json(const tune *t);
int tune_show(const tune *t);
/* tune_plot.c: -1: done; else the exit code. */
int tune_plot(const tune *t);

#endif
