/* Sets inside the engine: the checked formula, one sequence of it, and the evaluation of tiles. */
#ifndef TSR_SET_INTERNAL_H
#define TSR_SET_INTERNAL_H

#include "internal.h"
#include "tessera/tessera_set.h"

enum { TSR_SET_MAX_NODES = 4096, TSR_SET_MAX_DEPTH = 64, TSR_TILE_MAX = 64 /* a bit each */ };

static inline int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

struct tsr_set {
    tsr_set_node *nodes; /* defaults filled in; their arrays are owned */
    size_t node_count;
    bool gridded;
    int64_t grid[3], text_before, text_after, query_first;
    int64_t *cu_queries, *cu_keys; /* NULL: one segment */
    size_t segments;
};

/* One segment of a set. */
typedef struct tsr_sequence {
    const tsr_set *set;
    int64_t nq, nk;           /* of the segment */
    int64_t first_q, first_k; /* where it begins in the whole */
    int32_t b, h;             /* for expressions */
} tsr_sequence;

/* nq and nk are those of the whole. */
tsr_sequence tsr_set_sequence(const tsr_set *set, size_t segment, int64_t nq, int64_t nk);

/* Keys along an axis. */
int64_t tsr_axis_extent(const tsr_sequence *s, tsr_axis axis);
/* The place on an axis of a key, or of a query with query_first added; false: it has none. */
bool tsr_axis_place(const tsr_sequence *s, tsr_axis axis, int64_t token, int64_t *x);

/* Further than any window reaches: places are below 2^31, shifts within 2^40. */
#define TSR_LAW_FAR (INT64_C(1) << 42)

/* law.c: what a query sees: keys with y mod dilation = residue and y div dilation in [lo, hi). */
typedef struct tsr_law_view {
    int64_t residue, position, lo, hi;
} tsr_law_view;
int64_t tsr_law_coordinate(const tsr_set_node *node, int64_t x);
int64_t tsr_law_coordinates(const tsr_set_node *node, int64_t extent); /* how many there are */
int64_t tsr_law_shift(const tsr_sequence *s, const tsr_set_node *node);
tsr_law_view tsr_law_of(const tsr_sequence *s, const tsr_set_node *node, int64_t x);
bool tsr_law_sees(const tsr_set_node *node, const tsr_law_view *view, int64_t y);
tsr_status tsr_law_check(const tsr_set_node *node, size_t index, int64_t extent);

/* The coordinates [first, last) of QUERIES and KEYS. */
void tsr_range_of(const tsr_sequence *s, const tsr_set_node *node, int64_t *first, int64_t *last);
bool tsr_ids_hold(const tsr_set_node *node, int32_t query, int32_t key);

/* express.c: leaves that are users' expressions. bits [keys]: of the rows, those that see the key first + k; b and h are the
 * sequence's. false: no memory. */
tsr_status tsr_set_expression_check(const tsr_set_node *node, size_t index);
bool tsr_set_expression_bits(const tsr_sequence *s, const tsr_set_node *node, const int64_t *rows, int count, int64_t first, int64_t keys,
                             uint64_t *bits);
/* Does a leaf read b or h? Then the set holds other pairs for other heads. */
bool tsr_set_by_head(const tsr_set *set);

/* tile.c: which queries of a tile see which keys. */
typedef struct tsr_tile_eval tsr_tile_eval;
tsr_status tsr_tile_eval_create(const tsr_sequence *sequence, tsr_tile_eval **out);
void tsr_tile_eval_destroy(tsr_tile_eval *e);

/* Keys [first, last): seen by all rows, or each by the rows that its bits say. */
enum { TSR_TILE_SPANS = 64 };
typedef struct tsr_keys_span {
    int64_t first, last;
    bool full;
} tsr_keys_span;

/* Ascending spans; keys outside are seen by no row. Until the next call. */
typedef struct tsr_tile_keys {
    const uint64_t *bits; /* [nk]; those of spans that are not full count */
    const tsr_keys_span *spans;
    int count;
} tsr_tile_keys;
/* rows: 1 to TSR_TILE_MAX queries of the segment. */
tsr_status tsr_tile_eval_run(tsr_tile_eval *e, const int64_t *rows, int count, tsr_tile_keys *out);
/* How many keys some row sees. */
tsr_status tsr_tile_eval_count(tsr_tile_eval *e, const int64_t *rows, int count, int64_t *out);

#endif
