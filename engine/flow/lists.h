/* Selections turned into the lists that the flash kernel walks, on the device. */
#ifndef TSR_FLOW_LISTS_H
#define TSR_FLOW_LISTS_H

#include "flow.h"

/* A map over tiles of queries and keys: pairs whose element is not 0 are in. */
typedef struct flow_source {
    flow_tensor map; /* fp32 [B or 1, H or a divisor, rows or 1, columns or 1] */
    flow_tiles queries, keys;
} flow_source;

enum { FLOW_SOURCES = 8 };

/* The union of sources, within a band. */
typedef struct flow_selection {
    flow_source sources[FLOW_SOURCES];
    int count;
    tsr_band band;
} flow_selection;

/* Attention of desc (of one split, without sets and band) over a selection; bindings: q, k, v, o, lse, bias, mask, sink. */
void flow_attend_selected(tsr_flow *f, const tsr_attention_desc *desc, const flow_selection *s, const flow_tensor *const *bindings);

#endif
