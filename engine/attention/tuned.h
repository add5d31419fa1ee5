/* How attentions are named in the tuning database. */
#ifndef TSR_ATTENTION_TUNED_H
#define TSR_ATTENTION_TUNED_H

#include "attention.h"
#include "tune/tune.h"

/* What shapes depend on, the numbers of queries and keys as classes; that of the keys moved by so many. false: there is none. */
bool tsr_tune_attention_problem(const tsr_attention_desc *d, int keys_moved, char text[128]);
tsr_tune_candidate tsr_tune_attention_candidate(const tsr_device_info *info, const tsr_attention_desc *d, const tsr_tiling *t);

#endif
