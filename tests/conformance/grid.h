/* One attention problem of the grid: described in a row of a table, made, run, compared with the reference. */
#ifndef GRID_H
#define GRID_H

#include "oracle/patterns.h"
#include "suite.h"

typedef enum grid_order { BHND, BNHD, BHDN } grid_order; /* axes from the outermost to the innermost */

/* Which axes of bias or mask are 1; HELD: full extents, but the heads repeat by stride 0; TURNED: full,
 * keys outside queries in memory. */
typedef enum grid_spread { NONE, FULL, BATCH, HEADS, ROW, COLUMN, HELD, TURNED } grid_spread;

/* Where tensors lie: each in a buffer of its own, at its start or not, or all in one. */
typedef enum grid_place { APART, OFFSET, TOGETHER } grid_place;

/* What replaces the normal random values. */
typedef enum grid_values {
    NORMAL,
    BIAS_DEAD,     /* a third of the keys, and every fourth row whole, at -inf */
    BIAS_LOWEST,   /* likewise at the lowest finite number */
    V_LARGEST,     /* +-3e38 over the number of keys (+-65000 in f16), one sign for each channel */
    V_LARGEST_MIX, /* likewise, one sign for each element */
    V_SUBNORMAL,
    QK_SUBNORMAL,
    SINK_OFF,   /* every other head's sink at -inf */
    SINK_LOUD,  /* +-1e4 */
    KEYS_EQUAL, /* one key again and again: uniform weights */
    MASK_ALL,   /* every key hidden */
    MASK_FIRST  /* the keys before the hundredth hidden */
} grid_values;

enum { GRID_Q, GRID_K, GRID_V, GRID_BIAS, GRID_MASK, GRID_SINK, GRID_O, GRID_LSE, GRID_TENSORS };

typedef struct grid_case {
    tsr_dtype q, k, v, o;
    int batch, heads, kv_heads, nq, nk, d, dv;
    grid_order order;
    int step;         /* elements from one channel to the next; 0: 1 */
    unsigned only;    /* bits of GRID_Q and so on that order and step are for; 0: q, k, v and o */
    bool padded;      /* holes between rows and batches */
    bool shared;      /* k and v repeat over batch and heads by stride 0 */
    int64_t key_step; /* elements from one key to the next; 0: as laid out */
    int64_t far;      /* elements between the batches of k; 0: as laid out */
    grid_place place;
    tsr_band band;
    float scale, softcap, loud; /* loud: factor on q, for large scores */
    grid_spread bias, mask;
    tsr_dtype bias_dtype;
    grid_values values;
    bool sink, lse;
    uint32_t splits, tile;
    const oracle_set *sets; /* head h has the set h mod set_count, of an even count moved on by one for each batch; NULL: none */
    int set_count;
    bool sampled;     /* a third of these is run where a driver compiles kernels */
    int64_t row_step; /* only one query in so many is compared, and only once; 0: all */
} grid_case;

#define GRID_TYPE(t) .q = t, .k = t, .v = t, .o = t
#define GRID_SIZE(nq_, nk_, d_, dv_) .nq = nq_, .nk = nk_, .d = d_, .dv = dv_
#define GRID_HEADS(b_, h_, kv_) .batch = b_, .heads = h_, .kv_heads = kv_
/* What most rows of the tables share: two heads, each with keys of its own. */
#define GRID_PLAIN(t, nq_, nk_, d_) GRID_TYPE(t), GRID_HEADS(1, 2, 2), GRID_SIZE(nq_, nk_, d_, d_)
/* The interval law without a border: everyone, by the kernels for bounded sets, which are compiled anyway. */
#define GRID_EVERYONE                                                                                                                                \
    {                                                                                                                                                \
        1, TSR_ALIGN_BOTTOM_RIGHT, TSR_UNBOUNDED, TSR_UNBOUNDED                                                                                      \
    }
#define GRID_CAUSAL                                                                                                                                  \
    {                                                                                                                                                \
        1, TSR_ALIGN_BOTTOM_RIGHT, TSR_UNBOUNDED, 0                                                                                                  \
    }

typedef struct grid_named {
    char name[72];
    grid_case c;
} grid_named;

/* Cases of one theme: rows of a table, or made from their numbers. */
typedef struct grid_theme {
    const char *name;
    int count;
    const grid_named *table;
    void (*make)(int number, grid_named *out); /* where table is NULL */
} grid_theme;

extern const grid_theme grid_shapes, grid_dims, grid_sets, grid_scores, grid_hostile, grid_layouts, grid_splits, grid_long, grid_tiles, grid_cross,
    grid_matrix, grid_packed;
int grid_matrix_count(void); /* its rows are those of others */

/* A run of bytes on the device, and what it held before and after. */
typedef struct grid_buffer {
    unsigned char *sent, *back;
    uint64_t bytes;
    tsr_buffer *buf;
} grid_buffer;

typedef struct grid_tensor {
    tsr_layout layout;
    bool used;
    int buffer;
    uint64_t offset; /* bytes */
} grid_tensor;

enum { GRID_SETS = 8, GRID_ALL_HEADS = 64 }; /* sets of a problem; heads over all batches of one with sets */

/* The sets that heads have: the engine's, and all pairs of the reference's, cut by the band. */
typedef struct grid_heads {
    tsr_set *set[GRID_SETS];
    uint64_t *pairs[GRID_SETS];
    uint32_t set_of[GRID_ALL_HEADS];
    const uint64_t *pairs_of[GRID_ALL_HEADS];
} grid_heads;

typedef struct grid_run {
    const grid_case *c;
    oracle_rng rng;
    grid_tensor t[GRID_TENSORS];
    grid_buffer b[GRID_TENSORS];
    int buffers;
    grid_heads heads;
    oracle_rows rows; /* that are compared */
    tsr_attention_desc desc;
    tsr_attention *plan;
} grid_run;

/* grid_make.c. false: no memory; grid_free in any case. */
bool grid_make(grid_run *g, const grid_case *c, uint64_t seed);
void grid_free(grid_run *g);
int64_t grid_elements(const grid_tensor *t);
/* Bytes in its buffer at which an element begins, counted in row-major order. */
uint64_t grid_place_of(const grid_tensor *t, int64_t element);
/* The tensor as it was sent. data is NULL where the case has none. */
oracle_tensor grid_sent(const grid_run *g, int which);

/* grid_heads.c. The reference's pairs, false: no memory; the engine's sets, made into the description; that the plan counts the
 * same pairs. */
bool grid_make_pairs(grid_run *g);
tsr_status grid_make_sets(grid_run *g);
suite_verdict grid_check_plan(const grid_run *g, suite_run_context *run);
void grid_free_heads(grid_run *g);

/* grid_run.c. Poisons the outputs, runs, reads every buffer back: in one call, or in random pieces. */
tsr_status grid_run_device(grid_run *g, tsr_device *dev, bool pieces);

/* grid_check.c. Runs a case in every way and compares. */
suite_verdict grid_verdict(const grid_case *c, uint64_t seed, suite_run_context *run);

#endif
