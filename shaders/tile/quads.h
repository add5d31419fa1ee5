/* Tiles of tile model simt, four values at a time: each of LM x LN invocations owns RM x RN values of a tile, RM and RN multiples of 4.
 *
 * Its columns are quads, of which its neighbours hold the next ones: QUAD_COL(j) begins the j-th of RN / 4. Rows of a product over what both
 * operands have down the row (scores: head dims) are LM apart: DOT_ROW(i); those of one over what both have down a column (outputs: keys)
 * are quads: QUAD_ROW(i) begins the i-th of RM / 4. A row of shared memory has an odd number of quads, QUAD_PITCH(n), so that rows
 * that are read together lie in different banks.
 *
 * What is multiplied lies in shared memory as words that hold what follows each other in the direction of the sum: head dims, or keys of one
 * channel. QK_DT says what those of scores are, PV_DT those of outputs, as the types of storage: an fp32 number, two fp16 values, four int8 codes.
 * DOT_PER, OUTER_PER: values of a word. Products of codes are summed in int32, others in fp32.
 *
 * With F16_SUMS words of outputs hold two neighbouring columns instead, of channels or of queries, as cards multiply them that have no dot product of
 * fp16 values but fp16 arithmetic of two at a time. */
#ifndef TSR_QUADS_H
#define TSR_QUADS_H

#ifndef F16_SUMS
#define F16_SUMS 0
#endif

/* acc += the products of word a with each of four words. */
HELPER f4 mac_fp32(u32 a, u4 b, f4 acc) { return f4_fma(F4(AS_F32(a)), AS_F4(b), acc); }
#if QK_DT == 1 || PV_DT == 1
HELPER f4 mac_pairs(u32 a, u4 b, f4 acc) { return F4_OF(dot2(a, b.x, acc.x), dot2(a, b.y, acc.y), dot2(a, b.z, acc.z), dot2(a, b.w, acc.w)); }
#endif
#if QK_DT == 7 || PV_DT == 7
HELPER i4 mac_fours(u32 a, u4 b, i4 acc) { return I4_OF(dot4(a, b.x, acc.x), dot4(a, b.y, acc.y), dot4(a, b.z, acc.z), dot4(a, b.w, acc.w)); }
#endif

/* _SUM: four sums; _F4: them as fp32; _PIECE: of a whole quad of words; _PART: see load_part. */
#if QK_DT == 7
#define DOT_PER 4
#define DOT_MAC mac_fours
#define DOT_SUM i4
#define DOT_ZERO I4(0)
#define DOT_F4(x) i4_to_f4(x)
#define DOT_PIECE(dt, p) LD128(p, 0)
#define DOT_PART(dt, p, c, n, sd, whole) load_fours(p, c, n, whole)
#elif QK_DT == 1
#define DOT_PER 2
#define DOT_MAC mac_pairs
#define DOT_SUM f4
#define DOT_ZERO F4(0.0f)
#define DOT_F4(x) (x)
#define DOT_PIECE(dt, p) LD128(p, 0)
#define DOT_PART(dt, p, c, n, sd, whole) load_pairs(p, c, n, sd, whole)
#else
#define DOT_PER 1
#define DOT_MAC mac_fp32
#define DOT_SUM f4
#define DOT_ZERO F4(0.0f)
#define DOT_F4(x) (x)
#define DOT_PIECE FP32_PIECE
#define DOT_PART FP32_PART
#endif
#if PV_DT == 7
#define OUTER_PER 4
#define OUTER_MAC mac_fours
#define OUTER_SUM i4
#define OUTER_ZERO I4(0)
#define OUTER_F4(x) i4_to_f4(x)
#define OUTER_LD U4_LD
#define OUTER_A_LD U4_LD
#elif F16_SUMS
#define OUTER_PER 1
#define OUTER_MAC mac_fp32
#define OUTER_SUM f4
#define OUTER_ZERO F4(0.0f)
#define OUTER_F4(x) (x)
#define HALF(i) I32(U32(i) / 2u) /* of an index that a compiler may take for negative */
#define OUTER_LD(a, i) AS_U4(F4_OF_HALVES(a[HALF(i)], a[HALF(i) + 1]))
#define OUTER_A_LD OUTER_LD
#elif PV_DT == 1
#define OUTER_PER 2
#define OUTER_MAC mac_pairs
#define OUTER_SUM f4
#define OUTER_ZERO F4(0.0f)
#define OUTER_F4(x) (x)
#define OUTER_LD U4_LD
#define OUTER_A_LD U4_LD
#else
#define OUTER_PER 1
#define OUTER_MAC mac_fp32
#define OUTER_SUM f4
#define OUTER_ZERO F4(0.0f)
#define OUTER_F4(x) (x)
#define OUTER_LD(a, i) AS_U4(F4_LD(a, i))
#define OUTER_A_LD U4_LD
#endif
#define FP32_PIECE(dt, p) AS_U4(load_quad(dt, p, 0))
#define FP32_PART(dt, p, c, n, sd, whole) AS_U4(load_part(dt, p, c, n, sd, whole))

#define LM (LANES / LN)
#define QUAD_COL(j) (4 * (LANE % LN + (j) * LN))
#define QUAD_ROW(i) (4 * (LANE_OVER(LN) + (i) * LM))
#define DOT_ROW(i) (OUTER_PER * (LANE_OVER(LN) + (i) / OUTER_PER * LM) + (i) % OUTER_PER) /* those of a word of outputs follow each other */
#define QUAD_PITCH(n) (((n) / 4 | 1) * 4)
/* Where a column is kept among the rows of the second operand of QUAD_DOT: its quad's values apart, as the quads of neighbours are read together. */
#define DOT_SLOT(c) (((c) / (4 * LN) * 4 + (c) % 4) * LN + (c) / 4 % LN)

#define QUAD_SET(acc, x)                                                                           \
    UNROLL for (i32 i_ = 0; i_ < RM; i_++) { UNROLL for (i32 j_ = 0; j_ < RN / 4; j_++) acc[i_][j_] = x; }

/* acc[i][j] += rows of a (DOT_ROW) times rows of b (columns, in their slots, from b0 on), n words each, a multiple of 4. */
#define DOT_STEP(acc, a, b, part)                                                                  \
    UNROLL for (i32 j_ = 0; j_ < RN / 4; j_++)                                                     \
        acc[j_] = DOT_MAC(a.part, U4_OF(b[4 * j_].part, b[4 * j_ + 1].part, b[4 * j_ + 2].part, b[4 * j_ + 3].part), acc[j_]);
#define QUAD_DOT(acc, a, a_pitch, b, b0, b_pitch, n)                                                  \
    SUM_LOOP for (i32 k_ = 0; k_ < (n); k_ += 4) {                                                 \
        u4 b_[RN];                                                                                 \
        UNROLL for (i32 j_ = 0; j_ < RN; j_++) b_[j_] = U4_LD(b, (b0) + (j_ * LN + LANE % LN) * (b_pitch) + k_); \
        UNROLL for (i32 i_ = 0; i_ < RM; i_++) {                                                   \
            const u4 a_ = U4_LD(a, DOT_ROW(i_) * (a_pitch) + k_);                                  \
            DOT_STEP(acc[i_], a_, b_, x) DOT_STEP(acc[i_], a_, b_, y) DOT_STEP(acc[i_], a_, b_, z) DOT_STEP(acc[i_], a_, b_, w) \
        }                                                                                          \
    }

/* acc[nb][i][j] += columns of a (QUAD_ROW, the nb-th TILE_ROWS of them from a0 on) times columns of b (QUAD_COL, from b0 on), over n rows of
 * words, a multiple of 4. b's are fp32 numbers where a's words are. */
#define QUAD_OUTER(acc, blocks, a, a0, a_pitch, b, b0, b_pitch, n)                                 \
    SUM_LOOP for (i32 k_ = 0; k_ < (n); k_ += 4) {                                                 \
        UNROLL for (i32 step_ = 0; step_ < 4; step_++) {                                           \
            u4 b_[RN / 4];                                                                         \
            UNROLL for (i32 j_ = 0; j_ < RN / 4; j_++) b_[j_] = OUTER_LD(b, (b0) + (k_ + step_) * (b_pitch) + QUAD_COL(j_)); \
            UNROLL for (i32 nb_ = 0; nb_ < (blocks); nb_++) {                                      \
                UNROLL for (i32 i_ = 0; i_ < RM / 4; i_++) {                                       \
                    const u4 a_ = OUTER_A_LD(a, (a0) + nb_ * TILE_ROWS + (k_ + step_) * (a_pitch) + QUAD_ROW(i_)); \
                    UNROLL for (i32 j_ = 0; j_ < RN / 4; j_++) {                                   \
                        acc[nb_][4 * i_][j_] = OUTER_MAC(a_.x, b_[j_], acc[nb_][4 * i_][j_]);      \
                        acc[nb_][4 * i_ + 1][j_] = OUTER_MAC(a_.y, b_[j_], acc[nb_][4 * i_ + 1][j_]); \
                        acc[nb_][4 * i_ + 2][j_] = OUTER_MAC(a_.z, b_[j_], acc[nb_][4 * i_ + 2][j_]); \
                        acc[nb_][4 * i_ + 3][j_] = OUTER_MAC(a_.w, b_[j_], acc[nb_][4 * i_ + 3][j_]); \
                    }                                                                              \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

/* The same of words of two columns, from the first on and from b0 on, in fp16: sums of SUMMED products are added to acc. n: a multiple of that. What is
 * multiplied must not exceed 65504 / SUMMED. */
#if F16_SUMS
#define SUMMED 8
#define SUM_OF(sum, v, p) sum = step_ == 0 ? (v) * (p) : h2_fma(v, p, sum);
#define SUM_STEP(i, v)                                                                             \
    SUM_OF(sum_[i][4 * j_], v, h2_low(p_)) SUM_OF(sum_[i][4 * j_ + 1], v, h2_high(p_))             \
    SUM_OF(sum_[i][4 * j_ + 2], v, h2_low(q_)) SUM_OF(sum_[i][4 * j_ + 3], v, h2_high(q_))
#define SUM_QUAD(i, part) F4_OF(F32(sum_[i][4 * j_].part), F32(sum_[i][4 * j_ + 1].part), F32(sum_[i][4 * j_ + 2].part), F32(sum_[i][4 * j_ + 3].part))
#define QUAD_OUTER_SUMS(acc, blocks, a, a_pitch, b, b0, b_pitch, n)                                \
    for (i32 k_ = 0; k_ < (n); k_ += SUMMED) {                                                     \
        UNROLL for (i32 nb_ = 0; nb_ < (blocks); nb_++) {                                          \
            h2 sum_[RM / 2][RN];                                                                   \
            UNROLL for (i32 step_ = 0; step_ < SUMMED; step_++) {                                  \
                UNROLL for (i32 j_ = 0; j_ < RN / 4; j_++) {                                       \
                    const i32 b_ = (b0) + (k_ + step_) * (b_pitch) + 2 * (LANE % LN + j_ * LN);      \
                    const h2 p_ = h2_of(b[b_]), q_ = h2_of(b[b_ + 1]);                             \
                    UNROLL for (i32 i_ = 0; i_ < RM / 4; i_++) {                                   \
                        const i32 a_ = nb_ * (TILE_ROWS / 2) + (k_ + step_) * (a_pitch) + 2 * (LANE_OVER(LN) + i_ * LM); \
                        SUM_STEP(2 * i_, h2_of(a[a_]))                                             \
                        SUM_STEP(2 * i_ + 1, h2_of(a[a_ + 1]))                                     \
                    }                                                                              \
                }                                                                                  \
            }                                                                                      \
            UNROLL for (i32 i_ = 0; i_ < RM / 2; i_++) {                                           \
                UNROLL for (i32 j_ = 0; j_ < RN / 4; j_++) {                                       \
                    acc[nb_][2 * i_][j_] = acc[nb_][2 * i_][j_] + SUM_QUAD(i_, x);                 \
                    acc[nb_][2 * i_ + 1][j_] = acc[nb_][2 * i_ + 1][j_] + SUM_QUAD(i_, y);         \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }
#endif

/* An invocation stages a piece at a time, a quad of words, of `per` values each. May pieces of rows that begin at p, `step` bytes apart and sd elements
 * from value to value, be loaded as one? */
#define PIECES_WHOLE(per, dt, p, step, sd) ((sd) == 1 && ((PLOW(p) | U32(step)) & U32(4 * (per) * dtype_size(dt) - 1)) == 0u)

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

/* The same as words of fp16 values. */
#if QK_DT == 1
HELPER u32 load_pair(ptr p, i32 c, i32 n, i32 sd)
{
    return (c < n ? LD16(p, c * sd) : 0u) | (c + 1 < n ? LD16(p, (c + 1) * sd) : 0u) << 16;
}
HELPER u4 load_pairs(ptr p, i32 c, i32 n, i32 sd, bool whole)
{
    if (whole && c + 8 <= n) return LD128(p, c / 8);
    return U4_OF(load_pair(p, c, n, sd), load_pair(p, c + 2, n, sd), load_pair(p, c + 4, n, sd), load_pair(p, c + 6, n, sd));
}
#endif

/* The same of codes, which lie side by side in rows of whole words. */
#if QK_DT == 7
HELPER u32 load_four(ptr p, i32 c, i32 n) { return c < n ? LD32(p, c / 4) & 0xffffffffu >> (c + 4 > n ? 8 * (c + 4 - n) : 0) : 0u; }
HELPER u4 load_fours(ptr p, i32 c, i32 n, bool whole)
{
    if (whole && c + 16 <= n) return LD128(p, c / 16);
    return U4_OF(load_four(p, c, n), load_four(p, c + 4, n), load_four(p, c + 8, n), load_four(p, c + 12, n));
}
#endif

/* Rows of n values to rows of `to`, pitch apart and filled with zeros up to `pieces`, spread over the workgroup; row r lies at FROM(r) and goes to
 * TO(r). PART: how a piece of `per` values to a word is loaded. */
#define STAGE_PARTS(to, pitch, TO, rows, pieces, per, PART, dt, FROM, n, sd, whole)                \
    for (i32 e_ = LANE; e_ < (rows) * (pieces); e_ += LANES) {                                     \
        const i32 r_ = e_ / (pieces), c_ = e_ - r_ * (pieces);                                     \
        U4_ST(to, TO(r_) * (pitch) + 4 * c_, PART(dt, FROM(r_), 4 * (per) * c_, n, sd, whole));    \
    }

/* The same of whole rows, all loads before all stores. The n-th piece of an invocation is of row PIECE_ROW(n) and lies at PLACE(n); what is to be
 * computed for that once and for all is the kernel's. _SEEN: SEE(piece) on the way of each, TELL behind an invocation's last. */
#define PIECES_LEFT(rows, pieces) (LANES % (pieces) + ((rows) * (pieces) < LANES ? LANES % ((rows) * (pieces)) : (rows) * (pieces) % LANES)) /* 0: as many for each */
#define PIECE_COUNT(rows, pieces) ((rows) * (pieces) / LANES > 0 ? (rows) * (pieces) / LANES : 1)
#define PIECE_STEP(pieces) (LANES / (pieces))
#define PIECE_ROW(n, pieces) (LANE / (pieces) + (n) * PIECE_STEP(pieces))
#define PIECE_AT(pieces) (LANE % (pieces))
#define STAGE_PIECES_SEEN(to, pitch, TO, rows, pieces, LOAD, dt, PLACE, SEE, TELL)                \
    if ((rows) * (pieces) >= LANES || LANE < (rows) * (pieces)) {                                  \
        u4 x_[PIECE_COUNT(rows, pieces)];                                                          \
        UNROLL for (i32 n_ = 0; n_ < PIECE_COUNT(rows, pieces); n_++) x_[n_] = LOAD(dt, PLACE(n_)); \
        UNROLL for (i32 n_ = 0; n_ < PIECE_COUNT(rows, pieces); n_++) {                            \
            SEE(x_[n_])                                                                            \
            U4_ST(to, TO(PIECE_ROW(n_, pieces)) * (pitch) + 4 * PIECE_AT(pieces), x_[n_]);         \
        }                                                                                          \
        TELL                                                                                       \
    }
#define UNSEEN(piece)
#define UNTOLD
#define STAGE_PIECES(to, pitch, TO, rows, pieces, LOAD, dt, PLACE) STAGE_PIECES_SEEN(to, pitch, TO, rows, pieces, LOAD, dt, PLACE, UNSEEN, UNTOLD)

#endif
