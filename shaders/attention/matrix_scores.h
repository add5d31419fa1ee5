/* Scores of a tile: s = K Q, with the steps of codes; codes whose sums lie otherwise than scores: in ps, without steps. Keys past the last of the tile
 * are -inf. A text within a kernel's loop. */
#if MAT_DT == 7
        UNROLL for (i32 i = 0; i < BC / (ACROSS != 0 ? CM : CN); i++) {
            MAT_C(CM, CN) sums[RC];
            UNROLL for (i32 j = 0; j < RC; j++) sums[j] = MAT_C(CM, CN)(0);
            UNROLL for (i32 d = 0; d < D_STEPS; d++) {
#define SUM_OF(j) sums[j]
                MULTIPLY_KEYS(SUM_OF, i * (ACROSS != 0 ? CM : CN), d)
#undef SUM_OF
            }
            if (CODES_STAY) {
                MAT_F(MM, MN) step;
                LOAD_BY_KEY(step, key_step, i * KN)
                UNROLL for (i32 j = 0; j < RQ; j++) {
                    UNROLL for (i32 n = 0; n < s[0].length(); n++) /* sums are whole numbers, exact as fp32 */
                        s[i * RQ + j][n] = f32_fma(F32(sums[j][n]), step[n] * OF_ELEMENT(line_step, j, n), OF_ELEMENT(line_shift, j, n));
                }
            } else {
                UNROLL for (i32 j = 0; j < RC; j++) {
                    const MAT_F(CM, CN) exact = MAT_F(CM, CN)(sums[j]);
                    const i32 to = i * (ACROSS != 0 ? CM : CN) * QT + q0 + j * CQ;
                    if (ACROSS != 0) { coopMatStore(exact, ps, to, QT, MAT_ROWS); } else { coopMatStore(exact, ps, to, QT, MAT_COLUMNS); }
                }
            }
        }
#else
        UNROLL for (i32 n = 0; n < KEY_BLOCKS * RQ; n++) s[n] = MAT_F(MM, MN)(0.0);
        UNROLL for (i32 d = 0; d < D_STEPS; d++) {
#define SCORE_OF(j) s[i * RQ + (j)]
            UNROLL for (i32 i = 0; i < KEY_BLOCKS; i++) { MULTIPLY_KEYS(SCORE_OF, i * KN, d) }
#undef SCORE_OF
        }
#endif
        if (keys < BC && !by_memory) {
            for (i32 r = LANE; r < BC; r += LANES) edge[r] = r < keys ? 0.0f : NEG_INF;
            SYNC();
            UNROLL for (i32 i = 0; i < KEY_BLOCKS; i++) {
                MAT_F(MM, MN) missing;
                LOAD_BY_KEY(missing, edge, i * KN)
                UNROLL for (i32 j = 0; j < RQ; j++) s[i * RQ + j] = s[i * RQ + j] + missing;
            }
        }
