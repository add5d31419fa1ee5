/* What stands between a score and its softmax: soft cap, bias, mask tensor, the bits of the set, tags. */
#ifndef TSR_SCORE_H
#define TSR_SCORE_H

/* Rows of bias and mask of the query in a cell. */
#define BIAS_ROW(cell) PADD(bias, I64(b) * PRM(bias_sb) + I64(h) * PRM(bias_sh) + I64(row_at[cell]) * PRM(bias_sn))
#define MASK_ROW(cell) PADD(mask, I64(b) * PRM(mask_sb) + I64(h) * PRM(mask_sh) + I64(row_at[cell]) * PRM(mask_sn))
/* Does an invocation stay with one query? */
#define ONE_QUERY (VW == 1 && CELL_STEP % CELLS == 0)

/* Over the tile of scores ps [keys][CELLS], VW queries at a time; names are those of the flash kernel. before: what comes
 * before a user's expression; after: what comes after it. */
#define SCORE_PASS(before, after)                                                                  \
    {                                                                                              \
        const bool biased_ = (before) && BIAS_DT >= 0, masked_ = (after) && HAS_MASK != 0;         \
        const ptr bias_row_ = biased_ && ONE_QUERY ? BIAS_ROW(CELL0 % CELLS) : bias;               \
        const ptr mask_row_ = masked_ && ONE_QUERY ? MASK_ROW(CELL0 % CELLS) : mask;               \
        for (i32 e = CELL0; e < keys * CELLS; e += CELL_STEP) {                                    \
            const i32 r = e / CELLS, col = CELL_COL(e % CELLS);                                    \
            const i32 key = KEY(r);                                                                \
            fv s = FV_LD(ps, e);                                                                   \
            if ((before) && HAS_CAP != 0) s = FV(PRM(softcap)) * fv_tanh(s / FV(PRM(softcap)));    \
            if (biased_ || masked_) {                                                              \
                for (i32 l = 0; l < VW && col + l < rows; l++) {                                   \
                    const ptr bias_at_ = !biased_ || ONE_QUERY ? bias_row_ : BIAS_ROW(e % CELLS + l); \
                    const ptr mask_at_ = !masked_ || ONE_QUERY ? mask_row_ : MASK_ROW(e % CELLS + l); \
                    f32 x = FV_AT(s, l);                                                           \
                    if (biased_) x += load_as(BIAS_DT, PADD(bias_at_, I64(key) * PRM(bias_sk)), 0); \
                    if (masked_ && LD8(PADD(mask_at_, I64(key) * PRM(mask_sk)), 0) == 0u) x = NEG_INF; \
                    FV_SET(s, l, x);                                                               \
                }                                                                                  \
            }                                                                                      \
            if ((after) && tested) {                                                               \
                const iv word = IV(LI(bits_at + r * BIT_WORDS + col / 32));                        \
                s = FV_SEL(((word >> (IV_IOTA + IV(col % 32))) & IV(1)) != IV(0), s, FV(NEG_INF)); \
            }                                                                                      \
            if ((after) && TAGGED != 0) {                                                          \
                const iv tag = IV(I32(LD32(key_tags, key)));                                       \
                s = FV_SEL(BV_AND(IV_LD(tag_low, e % CELLS) <= tag, tag <= IV_LD(tag_high, e % CELLS)), s, FV(NEG_INF)); \
            }                                                                                      \
            FV_ST(ps, e, s);                                                                       \
        }                                                                                          \
    }

#endif
