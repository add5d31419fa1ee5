/* A race of the shapes of one problem: what a kernel has to offer, so that its shapes can be compared and timed. */
#ifndef TSR_TUNE_RACE_H
#define TSR_TUNE_RACE_H

#include "tessera/tessera_tune.h"
#include "tune.h"

enum { TSR_RACE_ROUNDS = 63 };

typedef struct tsr_race tsr_race;

struct tsr_race {
    tsr_device *dev;
    const tsr_tune_desc *desc;
    tsr_tune_report *report;
    tsr_tune_candidate candidates[TSR_TUNE_MAX_RESULTS];
    /* What is to be timed. make: compiles the i-th; run: enqueues it; result: its output as floats, *n of them, malloc'd. */
    void *subject;
    tsr_status (*make)(void *subject, size_t i);
    tsr_status (*run)(void *subject, size_t i);
    tsr_status (*poison)(void *subject);
    tsr_status (*result)(void *subject, float **out, size_t *n);
    double tolerance; /* of the root mean square of the default's result */
    /* Of race.c. */
    double times[TSR_TUNE_MAX_RESULTS][TSR_RACE_ROUNDS], tried; /* seconds of runs that try out */
    uint32_t counts[TSR_TUNE_MAX_RESULTS], repeats[TSR_TUNE_MAX_RESULTS];
};

/* keep.c: with the built-in choice first, which is the default, and shapes in words; numbers: of the engine's list, from 1. */
void tsr_race_line_up(tsr_race *race, const char *kernel, uint32_t numbers[TSR_TUNE_MAX_RESULTS]);
/* race.c: report's kernel, problem, count and shapes are filled in; the rest becomes so. */
tsr_status tsr_race_run(tsr_race *race);
/* tune_attention.c, tune_conv.c */
tsr_status tsr_tune_attention(tsr_device *dev, const tsr_tune_desc *desc, tsr_tune_report *out);
tsr_status tsr_tune_convolution(tsr_device *dev, const tsr_tune_desc *desc, tsr_tune_report *out);

/* What was timed, as an entry of the database, fastest first; and that in the database. */
tsr_status tsr_race_keep(const tsr_race *race);

/* "simt, 64 lanes, ..": a shape for people. */
void tsr_tune_shape_text(const char *kernel, const tsr_tune_shape *shape, char *text, size_t size);

/* Random numbers in [-1, 1) as fp32, fp16 or bf16: the same for the same seed. */
void tsr_tune_fill(void *to, tsr_dtype dtype, size_t n, uint64_t seed);
/* And back. */
void tsr_tune_floats(const void *from, tsr_dtype dtype, size_t n, float *to);
/* Of an output: NaN in every type; its numbers, malloc'd, and how many. */
tsr_status tsr_tune_poison(tsr_buffer *output);
tsr_status tsr_tune_numbers(tsr_buffer *output, tsr_dtype dtype, float **out, size_t *n);

#endif
