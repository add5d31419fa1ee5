/* Attention of q and k in codes, in fp64: what the formula of tsr_codes gives. */
#ifndef ORACLE_CODES_H
#define ORACLE_CODES_H

#include "oracle.h"

/* The step of a group with this largest magnitude; the code of x; whether fp32 may round it the other way. */
double oracle_step(double largest, double levels);
double oracle_code(double x, double step);
bool oracle_tie(double x, double step);

void oracle_means(const float *x, int64_t rows, int64_t columns, double *mean);

typedef struct oracle_coded_inputs {
    const float *q, *k, *v, *sink; /* packed; sink NULL: none */
    /* The maximum that probabilities are rounded against is taken anew after so many keys; and where a causal band ends what all of so many
     * queries see. */
    int64_t key_tile, query_tile;
    int64_t dilation; /* queries see keys at distances that are multiples of it alone; 0: all */
} oracle_coded_inputs;

/* o, lse and slack [B Hq Nq], packed, of a description whose codes have no defaults left: softcap, causal band, sinks and, without a band, splits
 * count, nothing else. slack: what rounding of probabilities may add to any error of the row. false: no memory. */
bool oracle_coded(const tsr_attention_desc *d, const oracle_coded_inputs *in, double *o, double *lse, double *slack);

#endif
