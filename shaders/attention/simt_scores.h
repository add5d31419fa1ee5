/* Scores of a tile, S = K Q, where the workgroup stages both operands: a micro-tile of `scores` in each invocation's registers, those past the last
 * key undefined. A text within a kernel's loop. */
        DOT_SUM dots[RM][RN / 4];
#if QK_DT == 7
#define FIRST_SUM ((D + D_CHUNK - 1) / D_CHUNK * D_CHUNK) /* of codes they are exact */
#else
        /* Long heads' scores are summed in parts: those before wait in ps where it has a place for each score, as some cards have too few registers. */
#define FIRST_SUM (SUM_D > D_CHUNK ? SUM_D : D_CHUNK)
#endif
#if QK_DT == 1
#define WHOLE(i, j) whole[D > FIRST_SUM ? i : 0][j]
#define PUT_WHOLE(i, j, x) whole[D > FIRST_SUM ? i : 0][j] = x;
        f4 whole[D > FIRST_SUM ? RM : 1][RN / 4];
#else
#define WHOLE(i, j) F4_LD(ps, DOT_ROW(i) * QT + QUAD_COL(j))
#define PUT_WHOLE(i, j, x) F4_ST(ps, DOT_ROW(i) * QT + QUAD_COL(j), x);
#endif
        const ptr k_tile = PADD(PADD(kb, I64(key0) * PRM(k_sn)), k_from);
        for (i32 d0 = 0; d0 < D; d0 += D_CHUNK) {
            if (DOT_PER > 1) { LANE_ANEW } /* more of its values wait outside the loop than there are registers for two */
            const i32 dn = D - d0 < D_CHUNK ? D - d0 : D_CHUNK;
            const ptr k_chunk = PADD(k_tile, d0 * dtype_size(K_DT));
            SYNC();
#define SAME(r) (r)
#define KEY_ROW(r) PADD(kb, I64(KEY(r)) * PRM(k_sn) + I64(d0 * PRM(k_sd) * dtype_size(K_DT)))
#define KEY_PLACE(n)                                                                               \
    (GATHERED == 0 ? PADD(k_chunk, I64((n) * PIECE_STEP(K_PIECES)) * PRM(k_sn))                    \
                   : PADD(kb, I64(KEY(PIECE_ROW(n, K_PIECES))) * PRM(k_sn) + I64((d0 + PIECE_AT(K_PIECES) * 4 * DOT_PER) * dtype_size(K_DT))))
            if (k_fast && keys == BC) {
                STAGE_PIECES(ks, D_PITCH, SAME, BC, K_PIECES, DOT_PIECE, K_DT, KEY_PLACE)
            } else {
                STAGE_PARTS(ks, D_PITCH, SAME, keys, K_PIECES, DOT_PER, DOT_PART, K_DT, KEY_ROW, dn, PRM(k_sd), k_whole)
            }
#undef KEY_ROW
#undef KEY_PLACE
#undef SAME
            if (!begun ? Q_CHUNKS == 1 || d0 == 0 : D > Q_CHUNKS * D_CHUNK) { /* whole, they stay */
                const i32 qn = Q_CHUNKS == 1 ? dn : D;
#define QUERY_ROW(r) PADD(qb, I64(row_at[r]) * PRM(q_sn) + I64(d0 * PRM(q_sd) * dtype_size(Q_DT)))
#define QUERY_PLACE(n) PADD(q_from[n], d0 * dtype_size(Q_DT))
                if (q_fast) {
                    STAGE_PIECES(qs, Q_PITCH, DOT_SLOT, QT, K_PIECES, DOT_PIECE, Q_DT, QUERY_PLACE)
                } else {
                    STAGE_PARTS(qs, Q_PITCH, DOT_SLOT, QT, Q_CHUNKS * K_PIECES, DOT_PER, DOT_PART, Q_DT, QUERY_ROW, qn, PRM(q_sd), q_whole)
                }
#undef QUERY_ROW
#undef QUERY_PLACE
            }
            if (CODES != 0 && d0 == 0) {
                for (i32 r = LANE; r < keys; r += LANES) key_step[STEP_SLOT(r)] = LDF(PADD(kb, I64(KEY(r)) * PRM(k_sn)), CODES_END);
            }
            SYNC();
            if (d0 % FIRST_SUM == 0) {
                if (D > FIRST_SUM && d0 > 0) {
                    UNROLL for (i32 i = 0; i < RM; i++) {
                        UNROLL for (i32 j = 0; j < RN / 4; j++) {
                            const f4 part = DOT_F4(dots[i][j]);
                            PUT_WHOLE(i, j, d0 == FIRST_SUM ? part : WHOLE(i, j) + part)
                        }
                    }
                }
                QUAD_SET(dots, DOT_ZERO)
            }
            QUAD_DOT(dots, ks, D_PITCH, qs, Q_CHUNKS == 1 ? 0 : d0 / DOT_PER, Q_PITCH, D_CHUNK / DOT_PER)
        }
        f4 scores[RM][RN / 4];
        /* Sums of codes are whole numbers below 2^24, and exact up to here: 127 * 127 * D for D up to 1024. */
#define SCORE_ROW(i, key)                                                                          \
    UNROLL for (i32 j = 0; j < RN / 4; j++) {                                                      \
        const f4 part = DOT_F4(dots[i][j]), sum = D > FIRST_SUM ? WHOLE(i, j) + part : part;       \
        if (CODES != 0) {                                                                          \
            scores[i][j] = f4_fma(sum, F4(key) * F4_LD(code_step, QUAD_COL(j)), F4_LD(code_shift, QUAD_COL(j))); \
        } else {                                                                                   \
            scores[i][j] = sum * F4(PRM(scale));                                                   \
        }                                                                                          \
    }
        UNROLL for (i32 i = 0; i < RM; i += 4) {
            const f4 step = F4_LD(key_step, CODES != 0 ? LANE_OVER(LN) * RM + i : 0);
            SCORE_ROW(i, step.x) SCORE_ROW(i + 1, step.y) SCORE_ROW(i + 2, step.z) SCORE_ROW(i + 3, step.w)
        }
#undef SCORE_ROW
        if (TO_MEMORY || tested) {
            UNROLL for (i32 i = 0; i < RM; i++) {
                UNROLL for (i32 j = 0; j < RN / 4; j++) { F4_ST(ps, DOT_ROW(i) * QT + QUAD_COL(j), scores[i][j]); }
            }
        }
#undef WHOLE
#undef PUT_WHOLE
#undef FIRST_SUM
