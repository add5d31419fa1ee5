/* Between the outputs in registers, quads of queries, and rows of o, quads of channels. */

/* Each quad of channels of each query: `c` its column, `d` its first channel, `quad` its values. */
#define EACH_OUTPUT(BODY)                                                                          \
    UNROLL for (i32 nb = 0; nb < O_BLOCKS; nb++) {                                                 \
        UNROLL for (i32 i = 0; i < RM / 4; i++) {                                                  \
            UNROLL for (i32 j = 0; j < RN / 4; j++) {                                              \
                const i32 d = nb * TILE_ROWS + QUAD_ROW(i);                                        \
                BODY(QUAD_COL(j), x) BODY(QUAD_COL(j) + 1, y) BODY(QUAD_COL(j) + 2, z) BODY(QUAD_COL(j) + 3, w) \
            }                                                                                      \
        }                                                                                          \
    }

/* The pass before left sums that are divided, in fp32. */
#define TAKE_OUTPUT(c, part)                                                                       \
    if ((c) < rows) {                                                                              \
        const f4 quad = load_part(0, PADD(ob, I64(row_at[c]) * PRM(o_sn) + I64(4 * dv0)), d, dvn, 1, false) * F4(row_sum[c]); \
        o_acc[nb][4 * i][j].part = quad.x;                                                         \
        o_acc[nb][4 * i + 1][j].part = quad.y;                                                     \
        o_acc[nb][4 * i + 2][j].part = quad.z;                                                     \
        o_acc[nb][4 * i + 3][j].part = quad.w;                                                     \
    }

#define PUT_OUTPUT(c, part)                                                                        \
    if ((c) < rows) {                                                                              \
        const ptr row_ = PADD(ob, I64(row_at[c]) * PRM(o_sn));                                     \
        const f32 weight_ = row_scale[c];                                                          \
        UNROLL for (i32 t = 0; t < 4; t++)                                                         \
            if (d + t < dvn) store_as(O_DT, row_, (dv0 + d + t) * PRM(o_sd), o_acc[nb][4 * i + t][j].part * weight_); \
    }
