/* How convolutions are named in the tuning database. */
#ifndef TSR_CONV_TUNED_H
#define TSR_CONV_TUNED_H

#include "conv.h"
#include "tune/tune.h"

const char *tsr_tune_conv_kernel(const tsr_conv *conv);
void tsr_tune_conv_problem(const tsr_conv *conv, char text[128]);
tsr_tune_candidate tsr_tune_conv_candidate(const tsr_conv *conv, const tsr_conv_shape *s);

#endif
