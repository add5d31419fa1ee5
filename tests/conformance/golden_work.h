/* Runs of one golden fixture, and how far their results are from what is expected. */
#ifndef GOLDEN_WORK_H
#define GOLDEN_WORK_H

#include "golden/golden.h"
#include "suite.h"

typedef struct golden_work {
    suite_run_context *run;
    const golden *g;
    float *whole, *other; /* results of the first mode, and of another one */
    double worst, rms;    /* of all clips and modes against the fixture, over its largest value */
    double apart;         /* of all modes against the first */
    uint32_t layers_in_f32;
    tsr_tile tile;             /* of convolutions; 0: as the device likes */
    uint32_t layers_in_matrix; /* of the decoder made last */
} golden_work;

/* Room for the results. */
bool golden_work_open(golden_work *w, const golden *g, suite_run_context *run);
void golden_work_close(golden_work *w);

/* Every clip: whole (wholly = true: in no other way), or in all modes; in fp16 whole, and in the mode that differs most. */
suite_verdict golden_check_modes(golden_work *w, tsr_precision precision, bool wholly);

/* The first clip under all schemes of names, which make the same net. */
suite_verdict golden_check_names(golden_work *w);

/* With a weight of the wrong sign, the first clip must not be as the fixture says: else these cases could not fail. */
suite_verdict golden_check_spoiled(golden_work *w, double bound);

#endif
