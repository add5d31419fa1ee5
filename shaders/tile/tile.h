/* Tile operations: a tile of rows x columns is cut into micro-tiles of RM x RN registers. Rows are what
 * is broadcast (keys, value channels, output channels), columns what lies side by side (queries,
 * pixels). Each tile model says which micro-tiles an invocation owns and where operands wait.
 *
 * TILE_ROW0, TILE_ROWS  an invocation's micro-tiles start at rows TILE_ROW0, TILE_ROW0 + TILE_ROWS, ...
 * TILE_COL(j)           its j-th column
 * TILE_MUL(acc, A, B, n)  acc[i][j] += sum over k < n of A(k, i) * B(k, j) */
#ifndef TSR_TILE_H
#define TSR_TILE_H

#define TILE_VECTOR 1
#define TILE_SIMT 2
#define TILE_SUBGROUP 3

#if TILE == TILE_VECTOR
/* One invocation owns the whole tile; a column is VW wide. */
#define TILE_ROW0 0
#define TILE_ROWS RM
#define TILE_COL(j) ((j) * VW)
#define TILE_COLS (RN * VW)
#else
/* LM x LN invocations; neighbours hold neighbouring columns. */
#define TILE_ROW0 ((LANE / LN) * RM)
#define TILE_ROWS ((LANES / LN) * RM)
#define TILE_COL(j) ((LANE % LN) + (j) * LN)
#define TILE_COLS (RN * LN)
#endif

#define TILE_ZERO(acc)                                                                             \
    UNROLL for (i32 i_ = 0; i_ < RM; i_++) { UNROLL for (i32 j_ = 0; j_ < RN; j_++) acc[i_][j_] = FV(0.0f); }

#if TILE == TILE_SUBGROUP
/* Each invocation fetches its share of A, and all get it by broadcast: a load costs far more than a
 * multiply-add where a CPU runs the sub-group as one vector. All hold the same rows: LN = LANES. */
#define TILE_MUL(acc, A, B, n)                                                                     \
    for (i32 k_ = 0; k_ < (n); k_++) {                                                             \
        f32 a_[RM / LANES], b_[RN];                                                                \
        UNROLL for (i32 i_ = 0; i_ < RM / LANES; i_++) a_[i_] = A(k_, (i_ * LANES + LANE));        \
        UNROLL for (i32 j_ = 0; j_ < RN; j_++) b_[j_] = B(k_, j_);                                 \
        UNROLL for (i32 i_ = 0; i_ < RM; i_++) {                                                   \
            const f32 one_ = BROADCAST(a_[i_ / LANES], U32(i_ % LANES));                           \
            UNROLL for (i32 j_ = 0; j_ < RN; j_++) acc[i_][j_] = fv_fma(one_, b_[j_], acc[i_][j_]); \
        }                                                                                          \
    }
#else
#define TILE_MUL(acc, A, B, n)                                                                     \
    for (i32 k_ = 0; k_ < (n); k_++) {                                                             \
        fv b_[RN];                                                                                 \
        UNROLL for (i32 j_ = 0; j_ < RN; j_++) b_[j_] = B(k_, j_);                                 \
        UNROLL for (i32 i_ = 0; i_ < RM; i_++) {                                                   \
            const fv a_ = FV(A(k_, i_));                                                           \
            UNROLL for (i32 j_ = 0; j_ < RN; j_++) acc[i_][j_] = fv_fma(a_, b_[j_], acc[i_][j_]);  \
        }                                                                                          \
    }
#endif

#endif
