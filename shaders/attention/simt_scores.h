/* Scores of a tile, S = K Q, where the workgroup stages both operands: ps [BC][QT]. A text within a kernel's loop. */
        f4 scores[RM][RN / 4];
        for (i32 d0 = 0; d0 < D; d0 += D_CHUNK) {
            const i32 dn = D - d0 < D_CHUNK ? D - d0 : D_CHUNK, end = d0 + dn;
            SYNC();
#define KEY_ROW(r) PADD(kb, I64(KEY(r)) * PRM(k_sn) + I64(d0 * PRM(k_sd) * dtype_size(K_DT)))
#define QUERY_ROW(r) PADD(qb, I64(row_at[r]) * PRM(q_sn) + I64(d0 * PRM(q_sd) * dtype_size(Q_DT)))
#define SAME(r) (r)
            STAGE_QUADS(ks, D_PITCH, SAME, keys, D_CHUNK / 4, K_DT, KEY_ROW, dn, PRM(k_sd), k_whole)
            if (D > D_CHUNK || !begun) { /* whole, they stay */
                STAGE_QUADS(qs, D_PITCH, DOT_SLOT, QT, D_CHUNK / 4, Q_DT, QUERY_ROW, dn, PRM(q_sd), q_whole)
            }
#undef KEY_ROW
#undef QUERY_ROW
#undef SAME
            SYNC();
            if (d0 % SUM_D == 0) { QUAD_ZERO(scores) }
            QUAD_DOT(scores, ks, D_PITCH, qs, D_PITCH, D_CHUNK)
            if (end % SUM_D == 0 || end == D) {
                UNROLL for (i32 i = 0; i < RM; i++) {
                    UNROLL for (i32 j = 0; j < RN / 4; j++) {
                        const i32 at = DOT_ROW(i) * QT + QUAD_COL(j);
                        const f4 part = scores[i][j] * F4(PRM(scale));
                        if (end <= SUM_D) { F4_ST(ps, at, part); }
                        else { F4_ST(ps, at, F4_LD(ps, at) + part); }
                    }
                }
            }
        }
