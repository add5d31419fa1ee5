/* One attention on packed tensors, held in host memory as fp32, for cases that look at more than its output. */
#ifndef WHOLE_H
#define WHOLE_H

#include "suite.h"

typedef struct whole {
    tsr_attention_desc desc; /* shapes; the caller adds what it wants */
    float *q, *k, *v, *sink; /* sink: read where the description has one */
    float *o, *lse;
    uint32_t *skipped; /* [info.tile_count], where the description skips; of the last run */
    tsr_attention *plan;
    tsr_attention_info info;
} whole;

/* Normal q, k and v, v around 1/4; o and lse are described too. whole_free in any case; false: no memory. */
bool whole_make(whole *a, int batch, int heads, int kv_heads, int nq, int nk, int d, int dv, oracle_rng *rng);
void whole_free(whole *a);
/* q, k and v become what fp16 stores of them. */
void whole_inputs_f16(whole *a);

size_t whole_size(const tsr_layout *l);
/* The tensor of a layout of the description. */
oracle_tensor whole_tensor(const tsr_layout *l, float *data);

/* Prepares and runs, in the types of the description's layouts, into outputs that were poisoned before. */
tsr_status whole_run(whole *a, tsr_device *dev);

#endif
