/* Tile operations: a tile of rows x columns is cut into micro-tiles of RM x RN registers. Rows are what
 * is broadcast (keys, value channels, output channels), columns what lies side by side (queries,
 * pixels). Each tile model says which micro-tiles an invocation owns and where operands wait.
 *
 * TILE_ROW0, TILE_ROWS  an invocation's micro-tiles start at rows TILE_ROW0, TILE_ROW0 + TILE_ROWS, ...
 * TILE_COL(j)           its j-th column
 * TILE_SUM(acc, A, B, n, STEP)  acc[i][j] = STEP(A(k, i), B(k, j), acc[i][j]) for all k < n; n is at least 1
 * TILE_MUL(acc, A, B, n)  acc[i][j] += sum over k < n of A(k, i) * B(k, j)
 *
 * It and all loops around it are do-while: Mesa's llvmpipe enters the body of a for loop once more with no
 * invocation active, and loads what all invocations share from where the counters were left. */
#ifndef TSR_TILE_H
#define TSR_TILE_H

#define TILE_VECTOR 1
#define TILE_SIMT 2
#define TILE_SUBGROUP 3
#define TILE_MATRIX 4

#if TILE == TILE_SIMT
/* LM x LN invocations; neighbours hold neighbouring columns. */
#define TILE_ROW0 (LANE_OVER(LN) * RM)
#define TILE_ROWS ((LANES / LN) * RM)
#define TILE_COL(j) ((LANE % LN) + (j) * LN)
#define TILE_COLS (RN * LN)
#elif TILE == TILE_MATRIX
/* The hardware says who owns what; a kernel says what TILE_COLS are. */
#else
/* Every invocation owns all rows: one invocation with columns VW wide, or one sub-group with a column
 * each, whose loads of A are the same for all and cost a driver on a CPU a scalar load. */
#define TILE_ROW0 0
#define TILE_ROWS RM
#define TILE_COL(j) (LANE + (j) * LN * VW)
#define TILE_COLS (RN * LN * VW)
#endif

/* A tile in memory: rows of CELLS values, of which an invocation sees to the cells CELL0, CELL0 + CELL_STEP, ...
 * CELL(j) is that of its j-th column, CELL_COL(c) the column that a cell belongs to. */
#if TILE == TILE_SUBGROUP
/* Private memory: on a CPU it costs a tenth of shared memory. */
#define CELLS RN
#define CELL0 0
#define CELL_STEP 1
#define CELL(j) (j)
#define CELL_COL(c) TILE_COL(c)
#else
#define CELLS TILE_COLS
#define CELL0 (LANE * VW)
#define CELL_STEP (LANES * VW)
#define CELL(j) TILE_COL(j)
#define CELL_COL(c) (c)
#endif

#define TILE_ZERO(acc)                                                                             \
    UNROLL for (i32 i_ = 0; i_ < RM; i_++) { UNROLL for (i32 j_ = 0; j_ < RN; j_++) acc[i_][j_] = FV(0.0f); }

#define TILE_SUM(acc, A, B, n, STEP)                                                               \
    {                                                                                              \
        i32 k_ = 0;                                                                                \
        do {                                                                                       \
            fv b_[RN];                                                                             \
            UNROLL for (i32 j_ = 0; j_ < RN; j_++) b_[j_] = B(k_, j_);                             \
            UNROLL for (i32 i_ = 0; i_ < RM; i_++) {                                               \
                const fv a_ = FV(A(k_, i_));                                                       \
                UNROLL for (i32 j_ = 0; j_ < RN; j_++) acc[i_][j_] = STEP(a_, b_[j_], acc[i_][j_]); \
            }                                                                                      \
            k_++;                                                                                  \
        } while (k_ < (n));                                                                        \
    }

#define TILE_MUL(acc, A, B, n) TILE_SUM(acc, A, B, n, fv_fma)

#endif
