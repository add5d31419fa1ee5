/* Between the outputs in registers, quads of queries, and rows of o, quads of channels. */

/* Each quad of channels of each query: `c` its column, `d` its first channel, `quad` its values, `units` what a sum of each counts in: values in codes have
 * a step for each channel, which stand behind the last key, 1/127 for the probabilities in them. */
#define VALUE_STEP(row) (V_DT == 7 && PRM(nk) > 0 ? LDF(PADD(vb, I64(PRM(nk)) * PRM(v_sn)), dv0 + ((row) < dvn ? (row) : dvn - 1)) : 1.0f)
#define EACH_OUTPUT(BODY)                                                                          \
    UNROLL for (i32 nb = 0; nb < O_BLOCKS; nb++) {                                                 \
        UNROLL for (i32 i = 0; i < RM / 4; i++) {                                                  \
            const i32 d = nb * TILE_ROWS + QUAD_ROW(i);                                            \
            const f4 units = F4_OF(VALUE_STEP(d), VALUE_STEP(d + 1), VALUE_STEP(d + 2), VALUE_STEP(d + 3)); \
            UNROLL for (i32 j = 0; j < RN / 4; j++) {                                              \
                BODY(QUAD_COL(j), x) BODY(QUAD_COL(j) + 1, y) BODY(QUAD_COL(j) + 2, z) BODY(QUAD_COL(j) + 3, w) \
            }                                                                                      \
        }                                                                                          \
    }

/* The pass before left sums that are divided, in fp32. */
#define TAKE_OUTPUT(c, part)                                                                       \
    if ((c) < rows) {                                                                              \
        const f4 quad = load_part(0, PADD(ob, I64(row_at[c]) * PRM(o_sn) + I64(4 * dv0)), d, dvn, 1, false) * F4(row_sum[c]) / units; \
        o_acc[nb][4 * i][j].part = quad.x;                                                         \
        o_acc[nb][4 * i + 1][j].part = quad.y;                                                     \
        o_acc[nb][4 * i + 2][j].part = quad.z;                                                     \
        o_acc[nb][4 * i + 3][j].part = quad.w;                                                     \
    }

#define PUT_OUTPUT(c, part)                                                                        \
    if ((c) < rows) {                                                                              \
        const ptr row_ = PADD(ob, I64(row_at[c]) * PRM(o_sn));                                     \
        const f4 quad = F4_OF(o_acc[nb][4 * i][j].part, o_acc[nb][4 * i + 1][j].part, o_acc[nb][4 * i + 2][j].part, o_acc[nb][4 * i + 3][j].part) * units * F4(row_scale[c]); \
        if (d < dvn) store_as(O_DT, row_, (dv0 + d) * PRM(o_sd), quad.x);                          \
        if (d + 1 < dvn) store_as(O_DT, row_, (dv0 + d + 1) * PRM(o_sd), quad.y);                  \
        if (d + 2 < dvn) store_as(O_DT, row_, (dv0 + d + 2) * PRM(o_sd), quad.z);                  \
        if (d + 3 < dvn) store_as(O_DT, row_, (dv0 + d + 3) * PRM(o_sd), quad.w);                  \
    }
