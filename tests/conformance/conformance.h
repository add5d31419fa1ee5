/* The conformance suite: cases that any device must pass, run one by one. */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include "tessera/tessera.h"

typedef enum suite_verdict { SUITE_PASS, SUITE_FAIL, SUITE_UNSUPPORTED } suite_verdict;

typedef struct suite suite;

/* All cases, in a fixed order. NULL: no memory. */
suite *suite_create(void);
void suite_destroy(suite *s);
size_t suite_count(const suite *s);
const char *suite_name(const suite *s, size_t index); /* "attention/causal/f16/d64/113x203" */

/* 1: the case is large, for full runs alone. */
int suite_full(const suite *s, size_t index);
/* Each name has random inputs of its own (FNV-1a), so that a case alone sees what it saw in the whole suite. */
uint64_t suite_seed_of(const char *name, uint64_t seed);

/* Runs a case with inputs from seed; message gets what went wrong or what was measured. */
suite_verdict suite_run(const suite *s, size_t index, tsr_context *ctx, tsr_device *dev, uint64_t seed, char *message, size_t size);

#endif
