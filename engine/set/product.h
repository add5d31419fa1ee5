/* Products of factors: how a set is kept while a tile is evaluated. */
#ifndef TSR_PRODUCT_H
#define TSR_PRODUCT_H

#include "set.h"

enum { MAX_LATER = 8 };

/* A factor over tokens: 0 outside its spans, which ascend, so that its cost follows what is seen and not the sequence. */
typedef struct tokens {
    uint64_t *bits; /* [nk], allocated at first use; those outside of spans with bits mean nothing */
    int count;
    tsr_keys_span spans[TSR_TILE_SPANS];
} tokens;

typedef struct product {
    uint64_t rows;     /* what is left of each row before all else */
    bool by_axis[4];   /* which factors there are; [0]: tokens */
    uint64_t *axis[4]; /* [1..3]: [extent], allocated at first use */
    tokens t;
    const tsr_set_node *later[MAX_LATER]; /* expressions: evaluated where all else lets a key be seen */
    int later_count;
} product;

struct tsr_tile_eval {
    tsr_sequence s;
    product *stack;
    uint64_t *line; /* a factor by coordinate, before div and mod are undone */
    int64_t line_size;
    tokens grid; /* a product over the grid's axes, multiplied out */
    const int64_t *rows;
    int count;
    uint64_t all;
    bool failed; /* for want of memory */
};

/* The bits, allocated if they are not yet; NULL, and e->failed, for want of memory. */
uint64_t *tsr_tile_need(tsr_tile_eval *e, uint64_t **bits, int64_t count);

/* spans.c: appends keys behind the others; empty ones are left out, and where there is no room they join those before. */
void tsr_tokens_add(tsr_tile_eval *e, tokens *t, int64_t first, int64_t last, bool full);
/* Only rows stay: bits everywhere. */
void tsr_tokens_mask(tsr_tile_eval *e, tokens *t, uint64_t rows);
/* a becomes a and b, a or b, not a. */
void tsr_tokens_intersect(tsr_tile_eval *e, tokens *a, const tokens *b);
void tsr_tokens_unite(tsr_tile_eval *e, tokens *a, const tokens *b);
void tsr_tokens_complement(tsr_tile_eval *e, tokens *a);

/* factor.c: a leaf as a product. */
void tsr_tile_leaf(tsr_tile_eval *e, const tsr_set_node *n, product *p);

#endif
