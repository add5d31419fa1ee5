/* Random sets in the engine's own terms: any leaf with any fields that are allowed, joined at random. */
#ifndef FORMULA_H
#define FORMULA_H

#include "oracle/patterns.h"

enum { FORMULA_NODES = 16, FORMULA_TOKENS = 1200 };

typedef struct formula {
    tsr_set_desc desc; /* points into this struct */
    tsr_set_node node[FORMULA_NODES];
    int64_t nq, nk;
    int64_t cu_queries[4], cu_keys[4];
    int32_t query_ids[FORMULA_TOKENS], key_ids[FORMULA_TOKENS];
    uint8_t blocks[FORMULA_TOKENS];
} formula;

void formula_draw(oracle_rng *r, formula *f);
void formula_describe(const formula *f, char *text, size_t size);

#endif
