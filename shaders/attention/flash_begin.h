/* Where the outputs of a workgroup go, and the state that the pass before has left. A text within a kernel. */
    const i32 slice = I32(GROUP) / PRM(q_tiles) / PRM(splits) % PRM(dv_slices), dv0 = slice * DV_SLICE;
    const i32 dvn = PRM(dv) - dv0 < DV_SLICE ? PRM(dv) - dv0 : DV_SLICE;
    const ptr vb = PADD(v, I64(b) * PRM(v_sb) + I64(hkv) * PRM(v_sh));
    const ptr ob = PADD(o, I64(split) * PRM(o_ss) + I64(b) * PRM(o_sb) + I64(h) * PRM(o_sh));
    const ptr lb = PADD(lse, I64(split) * PRM(lse_ss) + I64(b) * PRM(lse_sb) + I64(h) * PRM(lse_sh));
#if TILE == TILE_SUBGROUP
    f32 os[OS_SIZE], row_max[CELLS], row_sum[CELLS], row_scale[CELLS];
#endif

    /* The pass before left its normalised output and log-sum-exp: a state of maximum L and sum 1. Each slice
     * of the value channels keeps L to itself, in two planes that take turns; and its maximum in two more, where
     * probabilities are rounded against that. */
    for (i32 c = CELL0; c < CELLS; c += CELL_STEP) {
        for (i32 l = 0; l < VW; l++) {
            const i32 col = CELL_COL(c) + l;
            const bool carried = PRM(pass) != 0 && col < rows;
            const i64 row = I64(row_at[c + l]) * PRM(lse_sn);
            const f32 all = carried ? LDF(PADD(lb, PLANE(PRM(pass) + 1) + row), 0) : NEG_INF;
            const f32 top = carried && P_DT != 0 ? LDF(PADD(lb, TOP_PLANE(PRM(pass) + 1) + row), 0) : all;
            row_max[c + l] = top;
            row_sum[c + l] = top == NEG_INF ? 0.0f : P_DT != 0 ? f32_exp2((all - top) * LOG2E) : 1.0f;
        }
    }
