/* Online softmax of a tile: each invocation sees to a quad of columns and to every SOFT_ROWS-th row; what they find meets in ks. A text within
 * a kernel's loop: `heard` comes out of it. */
#define SOFT_ROWS (LANES / (QT / 4))
        const i32 soft_row = LANE / (QT / 4), soft_col = 4 * (LANE % (QT / 4));
        f4 most = F4(NEG_INF);
        for (i32 r = soft_row; r < keys; r += SOFT_ROWS) most = f4_max(most, F4_LD(ps, r * QT + soft_col));
        F4_ST(ks, soft_row * QT + soft_col, most);
        SYNC();
        f32 old = 0.0f, top = 0.0f;
        if (LANE < QT) {
            for (i32 r = 0; r < SOFT_ROWS; r++) top = r == 0 ? ks[LANE] : f32_max(top, ks[r * QT + LANE]);
            old = row_max[LANE];
        }
        if (HAS_SKIP != 0) {
            const bool mine = LANE < rows && top - old >= -PRM(skip);
            ANY_LANE(heard, mine)
            passed_over += heard ? 0 : 1;
        }
        if (heard) {
            if (LANE < QT) {
                top = f32_max(top, old);
                const f32 base = top == NEG_INF ? 0.0f : top;
                row_max[LANE] = top;
                row_scale[LANE] = fv_exp(old - base);
                row_base[LANE] = base;
            }
            SYNC();
            const f4 base = F4_LD(row_base, soft_col);
            f4 sum = F4(0.0f);
            for (i32 r = soft_row; r < (keys + 3) / 4 * 4; r += SOFT_ROWS) { /* values are multiplied four keys at a time */
                f4 e = F4(0.0f);
                if (r < keys) e = f4_exp(F4_LD(ps, r * QT + soft_col) - base);
                sum += e;
                if (P_DT == 1) e = F4_OF(fv_round_f16(e.x), fv_round_f16(e.y), fv_round_f16(e.z), fv_round_f16(e.w));
                if (P_DT == 7) e = f4_floor(f4_fma(e, F4(127.0f), F4(0.5f)));
                F4_ST(ps, r * QT + soft_col, e);
            }
            F4_ST(ks, soft_row * QT + soft_col, sum);
            SYNC();
            if (LANE < QT) {
                f32 all = 0.0f;
                for (i32 r = 0; r < SOFT_ROWS; r++) all += ks[r * QT + LANE];
                row_sum[LANE] = f32_fma(row_sum[LANE], row_scale[LANE], all);
            }
        }
#undef SOFT_ROWS
