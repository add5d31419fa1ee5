/* The published patterns in the engine's terms. */
#ifndef SET_ENCODE_H
#define SET_ENCODE_H

#include "oracle/patterns.h"

enum { SET_NODES = 64 };

typedef struct set_encoding {
    tsr_set_node node[SET_NODES];
    size_t count;
    void *owned[2 * ORACLE_PARTS]; /* ids and blocks that nodes point to */
    int owns;
    tsr_set_desc desc; /* points into this struct and into the set that was encoded */
} set_encoding;

/* A description of a set for nq queries and nk keys. false: no memory; free in any case. */
bool set_encode(const oracle_set *s, int64_t nq, int64_t nk, set_encoding *out);
void set_encoding_free(set_encoding *e);

#endif
