/* What stands between a score and its softmax: soft cap, bias, mask tensor, and the borders of the set. */
#ifndef TSR_SCORE_H
#define TSR_SCORE_H

/* Over the tile of scores ps [keys][CELLS], VW queries at a time; names are those of the flash kernel. */
#define SCORE_PROGRAM                                                                              \
    for (i32 e = CELL0; e < keys * CELLS; e += CELL_STEP) {                                        \
        const i32 r = e / CELLS, col = CELL_COL(e % CELLS);                                        \
        const i64 key = key0 + I64(r);                                                             \
        fv s = FV_LD(ps, e);                                                                       \
        if (HAS_CAP != 0) s = FV(PRM(softcap)) * fv_tanh(s / FV(PRM(softcap)));                    \
        if (BIAS_DT >= 0 || HAS_MASK != 0) {                                                       \
            for (i32 l = 0; l < VW && col + l < rows; l++) {                                       \
                const i64 qi = I64(q0 + col + l);                                                  \
                f32 x = FV_AT(s, l);                                                               \
                if (BIAS_DT >= 0)                                                                  \
                    x += load_as(BIAS_DT, PADD(bias, I64(b) * PRM(bias_sb) + I64(h) * PRM(bias_sh) + qi * PRM(bias_sn) + key * PRM(bias_sk)), 0); \
                if (HAS_MASK != 0 && LD8(PADD(mask, I64(b) * PRM(mask_sb) + I64(h) * PRM(mask_sh) + qi * PRM(mask_sn) + key * PRM(mask_sk)), 0) == 0u) \
                    x = NEG_INF;                                                                   \
                FV_SET(s, l, x);                                                                   \
            }                                                                                      \
        }                                                                                          \
        if (partial) { /* rows see [p - left, p + right]: what lies beyond goes to -inf */         \
            const iv p = IV(q0 + col) + IV_IOTA;                                                   \
            const i64 at = key - PRM(shift); /* in query coordinates */                            \
            const i64 lo = at - PRM(right), hi = at + PRM(left);                                   \
            const i32 lo32 = lo > I64(0x7fffffff) ? 0x7fffffff : lo < I64(0) ? 0 : I32(lo);        \
            const i32 hi32 = hi > I64(0x7fffffff) ? 0x7fffffff : hi < I64(-1) ? -1 : I32(hi);      \
            s = FV_SEL(BV_AND(p >= IV(lo32), p <= IV(hi32)), s, FV(NEG_INF));                      \
        }                                                                                          \
        FV_ST(ps, e, s);                                                                           \
    }

#endif
