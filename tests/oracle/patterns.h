/* Who attends whom, pair by pair, written from the definitions of the published patterns and apart from the engine. */
#ifndef ORACLE_PATTERNS_H
#define ORACLE_PATTERNS_H

#include "oracle/oracle.h"
#include "tessera/tessera_set.h"

typedef enum oracle_kind {
    ORACLE_EVERYONE,
    /* On a grid of one to three axes; text tokens beside the grid see all and are seen by all. */
    ORACLE_NATTEN, /* window, stride, dilation, causal of each axis (arXiv 2504.16922) */
    ORACLE_STA,    /* sliding tiles: window tiles of stride tokens (arXiv 2502.04507) */
    ORACLE_SWIN,   /* windows, moved by shift (arXiv 2103.14030); one axis alone: CSWin's stripes (arXiv 2107.00652) */
    ORACLE_HALO,   /* blocks of stride tokens, and shift more to either side (arXiv 2103.12731) */
    ORACLE_FRAMES, /* the last left frames, or those after and before (two-sided); the first prefix frames always (LongLive) */
    /* On the sequence; the last query stands at the last key, i + Nk - Nq. */
    ORACLE_FLASH,     /* left, right, causal, chunk, prefix, pad: FlashAttention 2 and 3 */
    ORACLE_LAST_ROWS, /* the last count queries: all keys (tri-shape) */
    /* On the sequence, each token at its own place; blocks count queries from 0. */
    ORACLE_DOCUMENTS,      /* documents that end at the bounds */
    ORACLE_MODALITIES,     /* token x has the bits 1 << x % count and, every third, all: common bits attend */
    ORACLE_BLOCK_DIAGONAL, /* blocks of count tokens */
    ORACLE_BLOCK_CAUSAL,
    ORACLE_MINI_CAUSAL, /* i mod count >= j mod count */
    ORACLE_DILATED,     /* every count-th token within left steps */
    ORACLE_STRIDED,     /* Sparse Transformer, stride count (arXiv 1904.10509) */
    ORACLE_FIXED,       /* likewise, blocks of count tokens, summaries of prefix tokens */
    ORACLE_POWERS,      /* distances 0, 1, 2, 4, ... up to left, causal (PowerAttention) */
    ORACLE_BLOCKS,      /* blocks of count queries and chunk keys, drawn by seed, a share of 1 / prefix of them on */
    ORACLE_KEYS         /* keys from left to before right */
} oracle_kind;

typedef struct oracle_axis {
    int64_t extent, window;   /* window 0: all of the axis */
    int64_t stride, dilation; /* 0: 1 */
    int64_t shift;
    bool causal;
} oracle_axis;

enum { ORACLE_AXES = 3, ORACLE_BOUNDS = 8, ORACLE_PARTS = 3, ORACLE_SEGMENTS = 8 };

typedef struct oracle_pattern {
    oracle_kind kind;
    oracle_axis axis[ORACLE_AXES]; /* T, H, W; extent 0: 1. The same extents in all patterns of a set */
    int64_t left, right;           /* -1: without end */
    int64_t chunk, prefix, pad, count;
    int64_t bounds[ORACLE_BOUNDS]; /* ascending; what follows the last is a document too. 0 ends the list */
    uint64_t seed;
    bool causal;
} oracle_pattern;

/* The union or the intersection of patterns, for one head, and the tokens that it is about. */
typedef struct oracle_set {
    bool all; /* intersection */
    int count;
    oracle_pattern of[ORACLE_PARTS];
    bool gridded; /* the tokens are text, the grid of the first pattern, text */
    int64_t text_before, text_after, query_first;
    int segments; /* 0: one, of all tokens */
    int64_t cu_queries[ORACLE_SEGMENTS + 1], cu_keys[ORACLE_SEGMENTS + 1];
} oracle_set;

/* Does query i see key j, both of one segment of nq queries and nk keys? */
bool oracle_pattern_sees(const oracle_set *s, const oracle_pattern *p, int64_t nq, int64_t nk, int64_t i, int64_t j);
bool oracle_set_sees(const oracle_set *s, int64_t nq, int64_t nk, int64_t i, int64_t j);

/* Does the band let query i see key j? Packed sequences have it each by itself. */
bool oracle_set_band(const oracle_set *s, const tsr_band *band, int64_t nq, int64_t nk, int64_t i, int64_t j);

/* The pairs of a sample of the queries as bits, one row of oracle_words(nk) words after another; the caller's to free. NULL: no memory. */
size_t oracle_words(int64_t nk);
uint64_t *oracle_set_pairs(const oracle_set *s, int64_t nq, int64_t nk, oracle_rows rows);
bool oracle_pair(const uint64_t *pairs, int64_t nk, int64_t row, int64_t j);

/* Numbers that ids and blocks are made of, for those who describe the same pattern to the engine. */
int32_t oracle_document(const oracle_pattern *p, int64_t x);
int32_t oracle_modality(const oracle_pattern *p, int64_t x);
bool oracle_block(const oracle_pattern *p, int64_t row, int64_t column);

/* A description in the engine's own terms, read word by word from tessera_set.h; no expressions. */
bool oracle_nodes_see(const tsr_set_desc *d, int64_t nq, int64_t nk, int64_t i, int64_t j);

#endif
