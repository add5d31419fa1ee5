/* O = O * scale + V P. A text within a kernel's loop. */
#if F16_SUMS
#define HELD_ROWS(n) (((n) + SUMMED - 1) / SUMMED * SUMMED)
#else
#define HELD_ROWS(n) (((n) + 4 * OUTER_PER - 1) / (4 * OUTER_PER) * 4)
#endif
#if PV_DT != 1
            /* A tile's sum is kept apart first, so that rounding grows slowly with the number of keys: where there are several blocks, that of a chunk. */
#define TAKE_PART(nb, first)                                                                       \
    UNROLL for (i32 i = 0; i < RM; i++) {                                                          \
        UNROLL for (i32 j = 0; j < RN / 4; j++) {                                                  \
            const f4 scale = (first) ? F4_LD(row_scale, QUAD_COL(j)) : F4(1.0f);                   \
            o_acc[nb][i][j] = f4_fma(o_acc[nb][i][j], scale, OUTER_F4(part[0][i][j]));             \
        }                                                                                          \
    }
            OUTER_SUM part[1][RM][RN / 4];
            QUAD_SET(part[0], OUTER_ZERO)
#endif
            const ptr v_tile = PADD(PADD(vb, I64(key0) * PRM(v_sn)), v_from);
            for (i32 r0 = 0; r0 < keys; r0 += KV_CHUNK) {
#if PV_DT != 0
                LANE_ANEW
#endif
                const i32 rn = keys - r0 < KV_CHUNK ? keys - r0 : KV_CHUNK, held_rows = HELD_ROWS(rn);
                const ptr v_chunk = PADD(v_tile, I64(r0) * PRM(v_sn));
                if (r0 > 0) SYNC();
#define VALUE_ROW(r) PADD(vb, I64(KEY(r0 + (r))) * PRM(v_sn))
#define VALUE_FROM(r) PADD(VALUE_ROW(r), dv0 * PRM(v_sd) * dtype_size(V_DT))
#define VALUE_PLACE(n, t)                                                                          \
    (GATHERED == 0 ? PADD(v_chunk, I64(OUTER_PER * (n) * PIECE_STEP(V_PIECES) + (t)) * PRM(v_sn))                \
                   : PADD(VALUE_ROW(OUTER_PER * PIECE_ROW(n, V_PIECES) + (t)), (dv0 + PIECE_AT(V_PIECES) * V_PIECE) * dtype_size(V_DT)))
                if (v_fast && rn == KV_CHUNK) {
                    STAGE_VALUES
                } else {
                    STAGE_SOME_VALUES
                }
#undef VALUE_ROW
#undef VALUE_FROM
#undef VALUE_PLACE
                SYNC();
#if PV_DT == 1
                UNROLL for (i32 nb = 0; nb < O_BLOCKS; nb++) {
                    UNROLL for (i32 i = 0; i < RM; i++) {
                        UNROLL for (i32 j = 0; j < RN / 4; j++) o_acc[nb][i][j] = o_acc[nb][i][j] * (r0 == 0 ? F4_LD(row_scale, QUAD_COL(j)) : F4(1.0f));
                    }
                }
#if F16_SUMS
                if (large[0] == 0) {
                    QUAD_OUTER_SUMS(o_acc, O_BLOCKS, ks, V_WORDS, pw, r0 * (QT / 2), QT / 2, held_rows)
                } else
#endif
                {
                    QUAD_OUTER(o_acc, O_BLOCKS, ks, 0, V_PITCH, pw, r0 / OUTER_PER * QT, QT, held_rows)
                }
#else
                UNROLL for (i32 nb = 0; nb < O_BLOCKS; nb++) {
                    if (O_BLOCKS > 1) { QUAD_SET(part[0], OUTER_ZERO) }
                    QUAD_OUTER(part, 1, ks, nb * TILE_ROWS, V_PITCH, WEIGHTS, r0 / OUTER_PER * QT, QT, held_rows)
                    if (O_BLOCKS > 1) { TAKE_PART(nb, r0 == 0) }
                }
#endif
            }
#if PV_DT != 1
            if (O_BLOCKS == 1) { TAKE_PART(0, true) }
#undef TAKE_PART
#endif
#undef HELD_ROWS
