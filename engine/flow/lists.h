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

/* An order of tokens, as kernels take it. */
typedef struct flow_order {
    bool there;
    flow_tensor list;
    int64_t stride[4], group;
} flow_order;

typedef struct flow_lists {
    tsr_flow *f;
    const flow_selection *s;
    int64_t batches, heads, nq, nk;
    int32_t query_tile, key_tile, bit_words, q_tiles, pieces, units, unit_size;
    bool runs, gathered, tested;
    int64_t shift;
    flow_order queries, keys;
    flow_order query_labels[FLOW_SOURCES], key_labels[FLOW_SOURCES]; /* of sources whose tiles do not cut these orders */
    int32_t passes, pass_tiles, slab;                                /* pieces of a slab */
    int32_t entry_room, block_room;
    int64_t tiles_at, rows_at, pieces_at, entries_at, blocks_at, words;
} flow_lists;

flow_order flow_order_of(const flow_lists *l, const flow_tiles *t);
/* Do tiles cut places of this order, each so many? */
bool flow_cuts(const flow_tiles *t, const flow_order *o);

/* lists_kernels.c: labels of tokens, once read by all launches. */
void flow_add_labels(flow_lists *l);
/* For the pieces [first, first + pieces): bits of the units that they see; lists without, and with, what is gathered. */
void flow_add_masks(const flow_lists *l, const flow_tensor *words, int32_t first, int32_t pieces);
void flow_add_scan(const flow_lists *l, const flow_tensor *words, const flow_tensor *out, const flow_tensor *counts, int32_t first, int32_t pieces);
void flow_add_emit(const flow_lists *l, const flow_tensor *words, const flow_tensor *out, const flow_tensor *counts, int32_t first, int32_t pieces);

/* Attention of desc (of one split, without sets and band) over a selection; bindings: q, k, v, o, lse, bias, mask, sink. */
void flow_attend_selected(tsr_flow *f, const tsr_attention_desc *desc, const flow_selection *s, const flow_tensor *const *bindings);

#endif
