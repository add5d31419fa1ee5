/* A look inside attention, without an Nq x Nk buffer: sums of probabilities by key and by block, and chosen rows of
 * the map. Computed after a run, from its q, k and log-sum-exp.
 *
 * P[i,j] = exp(s[i,j] - L[i]) with s and L as in tessera.h (soft cap, bias, score, mask, band, sets and tags included;
 * with a learned sink a row's P adds up to less than 1). A row with no key is all 0. */
#ifndef TESSERA_PROBE_H
#define TESSERA_PROBE_H

#include "tessera.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tsr_probe tsr_probe; /* prepared; threads as for plans */

typedef struct tsr_probe_desc {
    tsr_attention_desc attention; /* as prepared for the run, lse wanted, without codes; v, o, sink and skip are not read */
    uint32_t key_sums;            /* 1: sum over queries of P, f32 [B,Hq,Nk] */
    /* Sums of P over blocks of block_q queries and block_k keys, f32 [B,Hq,ceil(Nq/block_q),ceil(Nk/block_k)]; 0: none. */
    int64_t block_q, block_k;
    const int64_t *rows; /* queries whose rows of P are wanted, f32 [B,Hq,row_count,Nk]; NULL: none. Copied */
    uint64_t row_count;
    uint32_t reserved[6];
} tsr_probe_desc;

/* Validates, compiles, plans, and allocates a workspace of some 64 rows of Nk. */
TSR_API tsr_status tsr_probe_prepare(tsr_device *dev, const tsr_probe_desc *desc, tsr_probe **out);
TSR_API void tsr_probe_destroy(tsr_probe *probe);

/* Device bytes that the probe holds. */
TSR_API uint64_t tsr_probe_workspace(const tsr_probe *probe);

typedef struct tsr_probe_args {
    tsr_span q, k, lse;                        /* the run's own */
    tsr_span bias, mask, query_tags, key_tags; /* likewise, where described */
    tsr_span key_sums, block_sums, rows;       /* outputs, packed; where described */
} tsr_probe_args;

/* Enqueues; allocates nothing. */
TSR_API tsr_status tsr_probe_run(tsr_probe *probe, const tsr_probe_args *args);

#ifdef __cplusplus
}
#endif
#endif
