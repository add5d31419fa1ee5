/* The reference: fp64 from the formulas alone, and what tests need around it. Written apart from the kernels. */
#ifndef ORACLE_H
#define ORACLE_H

#include <stdbool.h>

#include "tessera/tessera.h"

/* xoshiro256** seeded by splitmix64. */
typedef struct oracle_rng {
    uint64_t s[4];
} oracle_rng;
oracle_rng oracle_seed(uint64_t seed);
uint64_t oracle_next(oracle_rng *r);
uint32_t oracle_below(oracle_rng *r, uint32_t n);
double oracle_normal(oracle_rng *r);

/* A tensor in host memory: layout, and bytes that begin at element [0,0,0,0]. */
typedef struct oracle_tensor {
    tsr_layout layout; /* strides filled in */
    void *data;
} oracle_tensor;

/* Values in storage types; writing rounds to nearest even. */
double oracle_load(tsr_dtype dtype, const void *data, int64_t index);
void oracle_store(tsr_dtype dtype, void *data, int64_t index, double value);

/* All elements of a tensor, packed, as doubles or floats of the caller's to free; NULL: no memory. */
double *oracle_doubles(const oracle_tensor *t);
float *oracle_floats(const oracle_tensor *t);

/* The element at an index, where an axis of 1 is repeated. */
double oracle_at(const oracle_tensor *t, int64_t b, int64_t h, int64_t n, int64_t d);

/* Does the band let query i see key j? */
bool oracle_sees(const tsr_band *band, int64_t i, int64_t j, int64_t nq, int64_t nk);

/* A sample of the queries: first, first + step, ...; step 0: all. */
typedef struct oracle_rows {
    int64_t first, step;
} oracle_rows;
bool oracle_sampled(oracle_rows rows, int64_t i);

/* o [B,Hq,Nq,Dv] and lse [B,Hq,Nq], packed, of the attention that desc describes (strides filled in),
 * with an axis of 1 in bias and mask repeated. false: no memory. */
typedef struct oracle_attention_inputs {
    oracle_tensor q, k, v, bias, mask, sink; /* data NULL: none */
    const uint64_t *const *pairs;            /* [B Hq]: what each head's set holds, as of oracle_set_pairs; NULL: everything */
    oracle_rows rows;                        /* the others are left as they are */
    /* What a score expression makes of a score; NULL: none. Not for oracle_plain. */
    double (*score)(const void *user, double score, int64_t b, int64_t h, int64_t i, int64_t j);
    const void *user;
} oracle_attention_inputs;
/* The keys that query i of head h sees by pairs, band and mask, in ascending order; their number. */
int64_t oracle_keys(const tsr_attention_desc *desc, const oracle_attention_inputs *in, int64_t b, int64_t h, int64_t i, int64_t *keys);

bool oracle_attention(const tsr_attention_desc *desc, const oracle_attention_inputs *in, double *o, double *lse);

/* The same as a plain softmax in fp32, whole rows at a time: the error that plain arithmetic makes. */
bool oracle_plain(const tsr_attention_desc *desc, const oracle_attention_inputs *in, double *o);

/* |a - b| / |b| in the Frobenius norm; 0 if both are all zero; NaN if anything is. */
double oracle_error(const double *a, const double *b, uint64_t n);

#endif
