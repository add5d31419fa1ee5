/* O = O * scale + V P; a tile's sum is kept apart first, so that rounding grows slowly with N. A text within a kernel's loop. */
            for (i32 r0 = 0; r0 < keys; r0 += KV_CHUNK) {
                const i32 rn = keys - r0 < KV_CHUNK ? keys - r0 : KV_CHUNK, rn4 = (rn + 3) / 4 * 4;
                SYNC();
#define VALUE_PLACE(r) PADD(vb, I64(KEY(r0 + (r))) * PRM(v_sn) + I64(dv0 * PRM(v_sd) * dtype_size(V_DT)))
#define SAME(r) (r)
                STAGE_QUADS(ks, V_PITCH, SAME, rn4, (DV_SLICE + 3) / 4, V_DT, VALUE_PLACE, r_ < rn ? dvn : 0, PRM(v_sd), v_whole)
#undef VALUE_PLACE
#undef SAME
                SYNC();
                UNROLL for (i32 nb = 0; nb < O_BLOCKS; nb++) {
                    f4 sums[RM][RN / 4];
                    QUAD_ZERO(sums)
                    QUAD_OUTER(sums, ks, nb * TILE_ROWS, V_PITCH, ps, r0 * QT, QT, rn4)
                    UNROLL for (i32 i = 0; i < RM; i++) {
                        f4 step = F4(1.0f);
                        if (V_DT == 7) step = F4(VALUE_STEP(nb * TILE_ROWS + QUAD_ROW(i / 4) + i % 4));
                        UNROLL for (i32 j = 0; j < RN / 4; j++) {
                            const f4 scale = r0 == 0 ? F4_LD(row_scale, QUAD_COL(j)) : F4(1.0f);
                            o_acc[nb][i][j] = f4_fma(o_acc[nb][i][j], scale, sums[i][j] * step);
                        }
                    }
                }
            }
