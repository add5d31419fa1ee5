/* How a probe goes through the query tiles: slab by slab, whose sums are then added up by keys and by blocks. */
#ifndef TSR_SLABS_H
#define TSR_SLABS_H

#include "attention.h"
#include "attention/sums_args.h"

enum { TSR_SLAB_TILES = 64 };

typedef struct tsr_sums_params {
    SUMS_PARAMS(TSR_PARAM_FIELD)
} tsr_sums_params;

/* Query tiles of one head that a slab holds together. */
typedef struct tsr_slab {
    int32_t head, tile, tiles;
    tsr_sums_params keys, blocks;
    uint64_t first_step, block_steps; /* in probe.steps: one of its keys, and so many of its blocks */
} tsr_slab;

/* Blocks of so many tokens; the last may be short. */
static inline int64_t tsr_slab_blocks(int64_t tokens, int64_t size) { return tokens / size + (tokens % size != 0); }

/* The slabs of all heads. block_q, block_k 0: no sums by blocks. loop_limit: see tsr_backend. The caller frees *slabs, on failure too. */
tsr_status tsr_slabs_plan(const tsr_attention *att, int64_t block_q, int64_t block_k, uint32_t loop_limit, tsr_slab **slabs, size_t *count);

#endif
