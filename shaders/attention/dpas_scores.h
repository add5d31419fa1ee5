/* Scores of a tile: s = K Q, with the steps of codes. Keys past the last of the tile are -inf, unless scores go through memory. A text within a kernel's loop. */
#if MAT_DT == 7
        UNROLL for (i32 i = 0; i < KEY_BLOCKS; i++) {
            mat_sums sums[RQ];
            UNROLL for (i32 j = 0; j < RQ; j++) sums[j] = 0;
            UNROLL for (i32 d = 0; d < D_STEPS; d++) {
                const mat_a ka = MAT_LOAD_A(sk + (i * D_STEPS + d) * MAT_WORDS);
                UNROLL for (i32 j = 0; j < RQ; j++) sums[j] = MAT_MUL_CODES(ka, QUERY(d, j), sums[j]);
            }
            UNROLL for (i32 j = 0; j < RQ; j++) {
                UNROLL for (i32 m = 0; m < 8; m++) /* whole numbers, exact */
                    s[i * RQ + j][m] = f32_fma(F32(sums[j][m]), key_step[i * 8 + m] * line_step[j], line_shift[j]);
            }
        }
#else
        UNROLL for (i32 n = 0; n < KEY_BLOCKS * RQ; n++) s[n] = 0.0f;
        UNROLL for (i32 d = 0; d < D_STEPS; d++) {
            mat_b q_in[RQ];
            UNROLL for (i32 j = 0; j < RQ; j++) q_in[j] = QUERY(d, j);
            UNROLL for (i32 i = 0; i < KEY_BLOCKS; i++) {
                const mat_a ka = MAT_LOAD_A(sk + (i * D_STEPS + d) * MAT_WORDS);
                UNROLL for (i32 j = 0; j < RQ; j++) s[i * RQ + j] = MAT_MUL(ka, q_in[j], s[i * RQ + j]);
            }
        }
#endif
        if (keys < BC && !by_memory) {
            UNROLL for (i32 i = 0; i < KEY_BLOCKS; i++) {
                UNROLL for (i32 j = 0; j < RQ; j++) {
                    UNROLL for (i32 m = 0; m < 8; m++) s[i * RQ + j][m] = i * 8 + m < keys ? s[i * RQ + j][m] : NEG_INF;
                }
            }
        }
