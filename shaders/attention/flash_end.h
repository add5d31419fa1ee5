/* Counts, weights of the rows, and their log-sum-exps. A text within a kernel. */
    if (HAS_SKIP != 0 && LANE == 0)
        ST32(skipped, GROUP, (slice == 0 ? U32(passed_over) : 0u) + (PRM(pass) != 0 ? LD32(skipped, GROUP) : 0u));

    /* Normalise; the sink adds weight but no value. */
    for (i32 c = CELL0; c < CELLS; c += CELL_STEP) {
        for (i32 l = 0; l < VW; l++) {
            const f32 top = row_max[c + l], sum = row_sum[c + l];
            f32 m = top, keep = 1.0f, total = sum;
            if (HAS_SINK != 0) {
                const f32 logit = LDF(sink, h * PRM(sink_sh)), more = f32_max(top, logit);
                m = more == NEG_INF ? 0.0f : more;
                keep = f32_exp2((top - m) * LOG2E);
                total = f32_fma(sum, keep, f32_exp2((logit - m) * LOG2E));
            }
            const f32 weight = total > 0.0f ? keep / total : 0.0f, out_lse = total > 0.0f ? m + f32_log(total) : NEG_INF;
            row_scale[c + l] = weight;
            if (HAS_LSE != 0 && CELL_COL(c) + l < rows && (slice == 0 || PRM(lse_plane) != I64(0)))
                STF(PADD(lb, PLANE(PRM(pass)) + I64(row_at[c + l]) * PRM(lse_sn)), 0, out_lse);
            if (HAS_LSE != 0 && P_DT != 0 && CELL_COL(c) + l < rows && PRM(lse_plane) != I64(0))
                STF(PADD(lb, TOP_PLANE(PRM(pass)) + I64(row_at[c + l]) * PRM(lse_sn)), 0, top);
        }
    }
    SYNC();
