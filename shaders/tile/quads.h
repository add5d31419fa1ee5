/* Tiles of tile model simt, four values at a time: each of LM x LN invocations owns RM x RN values of a tile, RM and RN multiples of 4.
 *
 * Its columns are quads, of which its neighbours hold the next ones: QUAD_COL(j) begins the j-th of RN / 4. Rows of a product over what both
 * operands have down the row (scores: head dims) are LM apart: DOT_ROW(i); those of one over what both have down a column (outputs: keys)
 * are quads: QUAD_ROW(i) begins the i-th of RM / 4. A row of shared memory has an odd number of quads, QUAD_PITCH(n), so that rows
 * that are read together lie in different banks.
 *
 * What is multiplied lies in shared memory as values of type `held`, quads of which are `held4`: fp32 numbers, or, with PAIRS, words of two fp16
 * values that follow each other in the direction of the sum: head dims, or keys of one channel. PER: values of a `held`. */
#ifndef TSR_QUADS_H
#define TSR_QUADS_H

#if PAIRS
#define PER 2
#define held u32
#define held4 u4
#define HELD4_LD U4_LD
#define HELD4_ST U4_ST
#define QUAD_MAC(a, b, c, d, e, acc) F4_OF(dot2(a, b, (acc).x), dot2(a, c, (acc).y), dot2(a, d, (acc).z), dot2(a, e, (acc).w))
#else
#define PER 1
#define held f32
#define held4 f4
#define HELD4_LD F4_LD
#define HELD4_ST F4_ST
#define QUAD_MAC(a, b, c, d, e, acc) f4_fma(F4(a), F4_OF(b, c, d, e), acc)
#endif

#define LM (LANES / LN)
#define QUAD_COL(j) (4 * (LANE % LN + (j) * LN))
#define QUAD_ROW(i) (4 * (LANE_OVER(LN) + (i) * LM))
#define DOT_ROW(i) (PER * (LANE_OVER(LN) + (i) / PER * LM) + (i) % PER) /* those of a word follow each other */
#define QUAD_PITCH(n) (((n) / 4 | 1) * 4)
/* Where a column is kept among the rows of the second operand of QUAD_DOT: its quad's values apart, as the quads of neighbours are read together. */
#define DOT_SLOT(c) (((c) / (4 * LN) * 4 + (c) % 4) * LN + (c) / 4 % LN)

#define QUAD_ZERO(acc)                                                                             \
    UNROLL for (i32 i_ = 0; i_ < RM; i_++) { UNROLL for (i32 j_ = 0; j_ < RN / 4; j_++) acc[i_][j_] = F4(0.0f); }

/* acc[i][j] += rows of a (DOT_ROW) times rows of b (columns, in their slots, from b0 on), n held values each, a multiple of 4. */
#define QUAD_DOT(acc, a, a_pitch, b, b0, b_pitch, n)                                                  \
    SUM_LOOP for (i32 k_ = 0; k_ < (n); k_ += 4) {                                                 \
        held4 b_[RN];                                                                              \
        UNROLL for (i32 j_ = 0; j_ < RN; j_++) b_[j_] = HELD4_LD(b, (b0) + (j_ * LN + LANE % LN) * (b_pitch) + k_); \
        UNROLL for (i32 i_ = 0; i_ < RM; i_++) {                                                   \
            const held4 a_ = HELD4_LD(a, DOT_ROW(i_) * (a_pitch) + k_);                            \
            UNROLL for (i32 j_ = 0; j_ < RN / 4; j_++) {                                           \
                acc[i_][j_] = QUAD_MAC(a_.x, b_[4 * j_].x, b_[4 * j_ + 1].x, b_[4 * j_ + 2].x, b_[4 * j_ + 3].x, acc[i_][j_]); \
                acc[i_][j_] = QUAD_MAC(a_.y, b_[4 * j_].y, b_[4 * j_ + 1].y, b_[4 * j_ + 2].y, b_[4 * j_ + 3].y, acc[i_][j_]); \
                acc[i_][j_] = QUAD_MAC(a_.z, b_[4 * j_].z, b_[4 * j_ + 1].z, b_[4 * j_ + 2].z, b_[4 * j_ + 3].z, acc[i_][j_]); \
                acc[i_][j_] = QUAD_MAC(a_.w, b_[4 * j_].w, b_[4 * j_ + 1].w, b_[4 * j_ + 2].w, b_[4 * j_ + 3].w, acc[i_][j_]); \
            }                                                                                      \
        }                                                                                          \
    }

/* acc[nb][i][j] += columns of a (QUAD_ROW, the nb-th TILE_ROWS of them from a0 on) times columns of b (QUAD_COL, from b0 on), over n rows of held
 * values, a multiple of 4. */
#define QUAD_OUTER(acc, blocks, a, a0, a_pitch, b, b0, b_pitch, n)                                 \
    SUM_LOOP for (i32 k_ = 0; k_ < (n); k_ += 4) {                                                 \
        UNROLL for (i32 step_ = 0; step_ < 4; step_++) {                                           \
            held4 b_[RN / 4];                                                                      \
            UNROLL for (i32 j_ = 0; j_ < RN / 4; j_++) b_[j_] = HELD4_LD(b, (b0) + (k_ + step_) * (b_pitch) + QUAD_COL(j_)); \
            UNROLL for (i32 nb_ = 0; nb_ < (blocks); nb_++) {                                      \
                UNROLL for (i32 i_ = 0; i_ < RM / 4; i_++) {                                       \
                    const held4 a_ = HELD4_LD(a, (a0) + nb_ * TILE_ROWS + (k_ + step_) * (a_pitch) + QUAD_ROW(i_)); \
                    UNROLL for (i32 j_ = 0; j_ < RN / 4; j_++) {                                   \
                        acc[nb_][4 * i_][j_] = QUAD_MAC(a_.x, b_[j_].x, b_[j_].y, b_[j_].z, b_[j_].w, acc[nb_][4 * i_][j_]); \
                        acc[nb_][4 * i_ + 1][j_] = QUAD_MAC(a_.y, b_[j_].x, b_[j_].y, b_[j_].z, b_[j_].w, acc[nb_][4 * i_ + 1][j_]); \
                        acc[nb_][4 * i_ + 2][j_] = QUAD_MAC(a_.z, b_[j_].x, b_[j_].y, b_[j_].z, b_[j_].w, acc[nb_][4 * i_ + 2][j_]); \
                        acc[nb_][4 * i_ + 3][j_] = QUAD_MAC(a_.w, b_[j_].x, b_[j_].y, b_[j_].z, b_[j_].w, acc[nb_][4 * i_ + 3][j_]); \
                    }                                                                              \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

/* Values that an invocation stages at a time: a quad of held ones. May those of rows that begin at p, `step` bytes apart and sd elements from value
 * to value, be loaded as one? */
#define PIECE (4 * PER)
#define PIECES_WHOLE(dt, p, step, sd) ((sd) == 1 && ((PLOW(p) | U32(step)) & U32(PIECE * dtype_size(dt) - 1)) == 0u)

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

/* The same as held values. */
#if PAIRS
#define LOAD_PIECE(dt, p) LD128(p, 0)
#define LOAD_HELD(dt, p, c, n, sd, whole) load_words(p, c, n, sd, whole)
HELPER u32 load_word(ptr p, i32 c, i32 n, i32 sd)
{
    return (c < n ? LD16(p, c * sd) : 0u) | (c + 1 < n ? LD16(p, (c + 1) * sd) : 0u) << 16;
}
HELPER u4 load_words(ptr p, i32 c, i32 n, i32 sd, bool whole)
{
    if (whole && c + 8 <= n) return LD128(p, c / 8);
    return U4_OF(load_word(p, c, n, sd), load_word(p, c + 2, n, sd), load_word(p, c + 4, n, sd), load_word(p, c + 6, n, sd));
}
#else
#define LOAD_PIECE(dt, p) load_quad(dt, p, 0)
#define LOAD_HELD(dt, p, c, n, sd, whole) load_part(dt, p, c, n, sd, whole)
#endif

/* Rows of n values to rows of `to`, pitch apart and filled with zeros up to `pieces`, spread over the workgroup; row r lies at FROM(r) and goes to
 * TO(r). */
#define STAGE_ROWS_HELD(to, pitch, TO, rows, pieces, dt, FROM, n, sd, whole)                       \
    for (i32 e_ = LANE; e_ < (rows) * (pieces); e_ += LANES) {                                     \
        const i32 r_ = e_ / (pieces), c_ = e_ - r_ * (pieces);                                     \
        HELD4_ST(to, TO(r_) * (pitch) + 4 * c_, LOAD_HELD(dt, FROM(r_), PIECE * c_, n, sd, whole)); \
    }

/* The same of whole rows, all loads before all stores. The n-th piece of an invocation is of row PIECE_ROW(n) and lies at PLACE(n); what is to be
 * computed for that once and for all is the kernel's. */
#define PIECES_LEFT(rows, pieces) (LANES % (pieces) + ((rows) * (pieces) < LANES ? LANES % ((rows) * (pieces)) : (rows) * (pieces) % LANES)) /* 0: as many for each */
#define PIECE_COUNT(rows, pieces) ((rows) * (pieces) / LANES > 0 ? (rows) * (pieces) / LANES : 1)
#define PIECE_STEP(pieces) (LANES / (pieces))
#define PIECE_ROW(n, pieces) (LANE / (pieces) + (n) * PIECE_STEP(pieces))
#define PIECE_AT(pieces) (LANE % (pieces))
#define STAGE_PIECES(to, pitch, TO, rows, pieces, dt, PLACE)                                       \
    if ((rows) * (pieces) >= LANES || LANE < (rows) * (pieces)) {                                  \
        held4 x_[PIECE_COUNT(rows, pieces)];                                                      \
        UNROLL for (i32 n_ = 0; n_ < PIECE_COUNT(rows, pieces); n_++) x_[n_] = LOAD_PIECE(dt, PLACE(n_)); \
        UNROLL for (i32 n_ = 0; n_ < PIECE_COUNT(rows, pieces); n_++) { HELD4_ST(to, TO(PIECE_ROW(n_, pieces)) * (pitch) + 4 * PIECE_AT(pieces), x_[n_]); } \
    }

#endif
