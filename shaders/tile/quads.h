/* Tiles of tile model simt, four values at a time: each of LM x LN invocations owns RM x RN values of a tile, RM and RN multiples of 4.
 *
 * Its columns are quads, of which its neighbours hold the next ones: QUAD_COL(j) begins the j-th of RN / 4. Rows of a product over what both
 * operands have down the row (scores: head dims) are LM apart: DOT_ROW(i); those of one over what both have down a column (outputs: keys)
 * are quads: QUAD_ROW(i) begins the i-th of RM / 4. A row of shared memory has an odd number of quads, QUAD_PITCH(n), so that rows
 * that are read together lie in different banks. */
#ifndef TSR_QUADS_H
#define TSR_QUADS_H

#define LM (LANES / LN)
#define QUAD_COL(j) (4 * (LANE % LN + (j) * LN))
#define QUAD_ROW(i) (4 * (LANE_OVER(LN) + (i) * LM))
#define DOT_ROW(i) (LANE_OVER(LN) + (i) * LM)
#define QUAD_PITCH(n) (((n) / 4 | 1) * 4)
/* Where a column is kept among the rows of the second operand of QUAD_DOT: its quad's values apart, as the quads of neighbours are read together. */
#define DOT_SLOT(c) (((c) / (4 * LN) * 4 + (c) % 4) * LN + (c) / 4 % LN)

#define QUAD_ZERO(acc)                                                                             \
    UNROLL for (i32 i_ = 0; i_ < RM; i_++) { UNROLL for (i32 j_ = 0; j_ < RN / 4; j_++) acc[i_][j_] = F4(0.0f); }

/* acc[i][j] += rows of a (DOT_ROW) times rows of b (columns, in their slots), n values each, a multiple of 4. */
#define QUAD_DOT(acc, a, a_pitch, b, b_pitch, n)                                                   \
    for (i32 k_ = 0; k_ < (n); k_ += 4) {                                                          \
        f4 b_[RN];                                                                                 \
        UNROLL for (i32 j_ = 0; j_ < RN; j_++) b_[j_] = F4_LD(b, (j_ * LN + LANE % LN) * (b_pitch) + k_); \
        UNROLL for (i32 i_ = 0; i_ < RM; i_++) {                                                   \
            const f4 a_ = F4_LD(a, DOT_ROW(i_) * (a_pitch) + k_);                                  \
            UNROLL for (i32 j_ = 0; j_ < RN / 4; j_++) {                                           \
                acc[i_][j_] = f4_fma(F4(a_.x), F4_OF(b_[4 * j_].x, b_[4 * j_ + 1].x, b_[4 * j_ + 2].x, b_[4 * j_ + 3].x), acc[i_][j_]); \
                acc[i_][j_] = f4_fma(F4(a_.y), F4_OF(b_[4 * j_].y, b_[4 * j_ + 1].y, b_[4 * j_ + 2].y, b_[4 * j_ + 3].y), acc[i_][j_]); \
                acc[i_][j_] = f4_fma(F4(a_.z), F4_OF(b_[4 * j_].z, b_[4 * j_ + 1].z, b_[4 * j_ + 2].z, b_[4 * j_ + 3].z), acc[i_][j_]); \
                acc[i_][j_] = f4_fma(F4(a_.w), F4_OF(b_[4 * j_].w, b_[4 * j_ + 1].w, b_[4 * j_ + 2].w, b_[4 * j_ + 3].w), acc[i_][j_]); \
            }                                                                                      \
        }                                                                                          \
    }

/* acc[i][j] += columns of a (QUAD_ROW, from a0 on) times columns of b (QUAD_COL, from b0 on), over n rows, a multiple of 4. */
#define QUAD_OUTER(acc, a, a0, a_pitch, b, b0, b_pitch, n)                                         \
    for (i32 k_ = 0; k_ < (n); k_ += 4) {                                                          \
        UNROLL for (i32 step_ = 0; step_ < 4; step_++) {                                           \
            f4 b_[RN / 4];                                                                         \
            UNROLL for (i32 j_ = 0; j_ < RN / 4; j_++) b_[j_] = F4_LD(b, (b0) + (k_ + step_) * (b_pitch) + QUAD_COL(j_)); \
            UNROLL for (i32 i_ = 0; i_ < RM / 4; i_++) {                                           \
                const f4 a_ = F4_LD(a, (a0) + (k_ + step_) * (a_pitch) + QUAD_ROW(i_));            \
                UNROLL for (i32 j_ = 0; j_ < RN / 4; j_++) {                                       \
                    acc[4 * i_][j_] = f4_fma(F4(a_.x), b_[j_], acc[4 * i_][j_]);                   \
                    acc[4 * i_ + 1][j_] = f4_fma(F4(a_.y), b_[j_], acc[4 * i_ + 1][j_]);           \
                    acc[4 * i_ + 2][j_] = f4_fma(F4(a_.z), b_[j_], acc[4 * i_ + 2][j_]);           \
                    acc[4 * i_ + 3][j_] = f4_fma(F4(a_.w), b_[j_], acc[4 * i_ + 3][j_]);           \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

/* May quads of rows that begin at p, `step` bytes apart and sd elements from value to value, be loaded as one? */
#define QUADS_WHOLE(dt, p, step, sd) ((sd) == 1 && ((PLOW(p) | U32(step)) & U32(4 * dtype_size(dt) - 1)) == 0u)

/* The q-th quad at p. */
HELPER f4 load_quad(i32 dtype, ptr p, i32 q)
{
    if (dtype == 0) return F4_LDG(p, q);
    if (dtype == 1) return F4_LDGH(p, q);
    if (dtype == 7) return F4_LDG8(p, q);
    return F4_LDGB(p, q);
}

/* Values [c, c + 4) of n that lie at p, sd apart; 0 past the last. */
HELPER f4 load_part(i32 dtype, ptr p, i32 c, i32 n, i32 sd, bool whole)
{
    if (whole && c + 4 <= n) return load_quad(dtype, p, c / 4);
    return F4_OF(c < n ? load_as(dtype, p, c * sd) : 0.0f, c + 1 < n ? load_as(dtype, p, (c + 1) * sd) : 0.0f,
                 c + 2 < n ? load_as(dtype, p, (c + 2) * sd) : 0.0f, c + 3 < n ? load_as(dtype, p, (c + 3) * sd) : 0.0f);
}

/* Rows of n values to rows of `to`, pitch apart and filled with zeros up to `quads` quads, spread over the workgroup; row r lies at FROM(r) and goes to
 * TO(r). */
#define STAGE_QUADS(to, pitch, TO, rows, quads, dt, FROM, n, sd, whole)                            \
    for (i32 e_ = LANE; e_ < (rows) * (quads); e_ += LANES) {                                      \
        const i32 r_ = e_ / (quads), c_ = 4 * (e_ - r_ * (quads));                                 \
        F4_ST(to, TO(r_) * (pitch) + c_, load_part(dt, FROM(r_), c_, n, sd, whole));               \
    }

#endif
