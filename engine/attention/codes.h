/* The code step of an attention: q, k and v as int8 codes in memory of its own, made anew by each run. */
#ifndef TSR_CODES_H
#define TSR_CODES_H

#include "attention.h"

enum { TSR_CODE_Q, TSR_CODE_K, TSR_CODE_V, TSR_CODE_SUMS, TSR_CODE_MEANS, TSR_CODE_PEAKS, TSR_CODE_LARGEST, TSR_CODE_BUFFERS };

/* One dispatch: from a tensor of the call (which < 3) or from a buffer. */
typedef struct tsr_code_step {
    bk_kernel *kernel;
    bool of_call;
    int from, known, to; /* known: -1 for none, and for kernels that take none */
    bool takes_known;
    uint64_t params;
    uint32_t groups;
} tsr_code_step;

struct tsr_coder {
    tsr_layout q, k, v; /* as the flash kernel reads them */
    tsr_dtype p;        /* what it rounds probabilities to */
    bool own_v;         /* v is ours, not the call's */
    tsr_buffer *buf[TSR_CODE_BUFFERS], *params;
    tsr_code_step steps[8];
    uint32_t count;
};

/* For a description with codes; att->coder, which tsr_coder_destroy frees, NULL too. */
tsr_status tsr_coder_create(tsr_attention *att, const tsr_tiling *t);
void tsr_coder_destroy(struct tsr_coder *c);
uint64_t tsr_coder_bytes(const struct tsr_coder *c);

/* Enqueues the steps; then q, k and v become what flash is to read. */
tsr_status tsr_coder_run(tsr_attention *att, tsr_span *q, tsr_span *k, tsr_span *v, bool make);

#endif
