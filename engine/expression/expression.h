/* Expressions inside the engine: a checked program of typed operations, run on the host for 64 queries at a time or
 * written as kernel text.
 *
 * Whole numbers are 64 bits wide and wrap; reals are fp32. Host and kernels agree: a kernel computes with 32 bits only
 * where the ranges of the operands show that this is the same. */
#ifndef TSR_EXPRESSION_H
#define TSR_EXPRESSION_H

#include <stdbool.h>

#include "backend.h"
#include "tessera/tessera_expression.h"

enum {
    TSR_EXPRESSION_MAX_TEXT = 65536, /* bytes */
    TSR_EXPRESSION_MAX_DEPTH = 128,  /* nested parentheses, calls, prefix operators, conditionals */
    TSR_EXPRESSION_MAX_NODES = 512,
    TSR_EXPRESSION_MAX_NAMES = 128, /* statements */
    TSR_EXPRESSION_MAX_NAME = 63,   /* characters */
    TSR_EXPRESSION_MAX_SCALARS = 256,
    TSR_EXPRESSION_MAX_TENSORS = 64,
    TSR_EXPRESSION_MAX_ELEMENTS = 1 << 28, /* of all tensors together */
    TSR_EXPRESSION_MAX_TOKENS = 1 << 28,   /* nq, nk and all indices, so that their sums and differences fit 32 bits */
    TSR_EXPRESSION_LANES = 64
};

typedef enum tsr_expression_type { TSR_TRUTH, TSR_WHOLE, TSR_REAL } tsr_expression_type;

/* The built-in whole numbers, in the order of tsr_expression_variables. */
typedef enum tsr_expression_variable {
    TSR_VAR_B,
    TSR_VAR_H,
    TSR_VAR_NQ,
    TSR_VAR_NK,
    TSR_VAR_Q,
    TSR_VAR_QT,
    TSR_VAR_QH,
    TSR_VAR_QW,
    TSR_VAR_KV,
    TSR_VAR_KT,
    TSR_VAR_KH,
    TSR_VAR_KW,
    TSR_VAR_COUNT,
    TSR_VAR_SCORE = TSR_VAR_COUNT /* a real; only for tsr_expression_reads */
} tsr_expression_variable;

extern const char *const tsr_expression_variables[TSR_VAR_COUNT];

typedef enum tsr_expression_op {
    TSR_OP_CONSTANT, /* whole or real, by the node's type */
    TSR_OP_VARIABLE, /* slot: tsr_expression_variable */
    TSR_OP_SCORE,
    TSR_OP_SCALAR, /* slot: index */
    TSR_OP_TENSOR, /* slot: index; arg: rank indices */
    TSR_OP_ADD,    /* whole or real, as are those below */
    TSR_OP_SUB,
    TSR_OP_MUL,
    TSR_OP_NEG,
    TSR_OP_ABS,
    TSR_OP_MIN,
    TSR_OP_MAX,
    TSR_OP_SELECT,    /* arg[0] ? arg[1] : arg[2], any type */
    TSR_OP_DIV,       /* real */
    TSR_OP_QUOTIENT,  /* whole, towards minus infinity; 0 where the divisor is 0, likewise the remainder */
    TSR_OP_REMAINDER, /* whole */
    TSR_OP_LESS,      /* truth from two whole numbers or reals, as are those below */
    TSR_OP_AT_MOST,
    TSR_OP_EQUAL, /* of any type */
    TSR_OP_DIFFERENT,
    TSR_OP_AND,
    TSR_OP_OR,
    TSR_OP_NOT,
    TSR_OP_TO_REAL,  /* from whole */
    TSR_OP_TO_TRUTH, /* from whole or real: not 0 */
    TSR_OP_FLOOR,    /* whole from real, cut to 32 bits; 0 for NaN */
    TSR_OP_EXP,
    TSR_OP_LOG,
    TSR_OP_SQRT,
    TSR_OP_TANH,
    TSR_OP_POW
} tsr_expression_op;

/* What a value depends on beside b, h, nq, nk and the user's numbers. */
enum { TSR_DEPENDS_QUERY = 1, TSR_DEPENDS_KEY = 2, TSR_DEPENDS_SCORE = 4 };

/* One operation; arguments are nodes before it. */
typedef struct tsr_expression_node {
    uint8_t op, type, args, depends;
    bool wide; /* a whole number of it, an argument or the result, needs 64 bits */
    uint16_t slot;
    uint16_t arg[4];
    int64_t whole, low, high; /* of whole numbers: the constant; the range of values */
    float real;
} tsr_expression_node;

/* The user's numbers as one run of 32-bit words, the same for every device: so a kernel is compiled once for a text.
 *
 *   0 nq  1 nk  2 T  3 H  4 W (0: no grid)  5 text before the grid  6 first query  7 unused
 *   8 + s                 scalar s, fp32
 *   8 + S + 5 t           tensor t: offset of its data in words, then its shape, filled up with 1 in front
 *   from the offset on    its elements, row-major, fp32 */
enum {
    TSR_USER_NQ,
    TSR_USER_NK,
    TSR_USER_GRID,
    TSR_USER_TEXT_BEFORE = 5,
    TSR_USER_QUERY_FIRST,
    TSR_USER_HEADER = 8,
    TSR_USER_TENSOR = 5
};

struct tsr_expression {
    tsr_expression_kind kind;
    uint32_t node_count, first_key; /* nodes from first_key on depend on the key or the score */
    uint32_t root;                  /* a truth value for a mask, a real for a score */
    uint32_t scalar_count, tensor_count;
    uint32_t reads; /* bits of tsr_expression_variable */
    uint32_t *data; /* as described above, the header zero; NULL: a program alone */
    size_t words;
    tsr_expression_node nodes[];
};

/* A copy without the numbers, to be run with those of a buffer; to be destroyed. NULL: no memory. */
tsr_expression *tsr_expression_program(const tsr_expression *e);

static inline bool tsr_expression_reads(const tsr_expression *e, tsr_expression_variable which) { return e->reads >> which & 1; }

/* emit.c: a score as kernel text, for shaders/dialect/user.h; the caller's to free. The same for all expressions that differ in
 * names, in the values of scalars, or in shapes and elements of tensors only. NULL: no memory. */
char *tsr_expression_kernel_text(const tsr_expression *e);

/* May the values of a whole number need more than 32 bits? */
static inline bool tsr_expression_is_wide(const tsr_expression_node *n) { return n->low < INT32_MIN || n->high > INT32_MAX; }

/* ---- On the host (run.c) ----------------------------------------------------------------------- */

typedef struct tsr_expression_lanes tsr_expression_lanes; /* the values of up to 64 queries; memory of the caller's */

typedef struct tsr_expression_queries {
    int count;                       /* 1..64 */
    const int64_t *q, *qt, *qh, *qw; /* up to TSR_EXPRESSION_MAX_TOKENS; qt, qh, qw NULL: -1 */
    int64_t b, h, nq, nk;
} tsr_expression_queries;

typedef struct tsr_expression_key {
    int64_t kv, kt, kh, kw;
} tsr_expression_key;

/* Bytes of lanes, to be aligned to 64. */
size_t tsr_expression_lanes_size(const tsr_expression *e);

/* Computes all that does not depend on the key. data NULL: the expression's own. Nothing is allocated; queries are copied,
 * e and data are kept by reference. */
void tsr_expression_begin(tsr_expression_lanes *lanes, const tsr_expression *e, const uint32_t *data, const tsr_expression_queries *queries);

/* Of a mask: bit i tells whether query i may attend to the key; 0 from count on. */
uint64_t tsr_expression_mask64(tsr_expression_lanes *lanes, const tsr_expression_key *key);

/* Of a score: replaces the count scores of the queries against the key. */
void tsr_expression_score64(tsr_expression_lanes *lanes, const tsr_expression_key *key, float *scores);

/* tile.c: as bk_user.score, scratch being lanes: the scores of a tile of queries and keys, with the numbers and the grid of the
 * user buffer. */
void tsr_expression_score_tile(const void *program, void *scratch, const void *user, const bk_user_tile *tile, float *scores);

#endif
