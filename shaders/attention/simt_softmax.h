/* Online softmax of a tile whose scores are in registers: what invocations find of a column meets in ps, sums in `sums` at the end of the walk. A text
 * within a kernel's loop: `heard` comes out of it, and probabilities in memory. */
        if (TO_MEMORY || tested) {
            UNROLL for (i32 i = 0; i < RM; i++) {
                UNROLL for (i32 j = 0; j < RN / 4; j++) scores[i][j] = F4_LD(ps, DOT_ROW(i) * QT + QUAD_COL(j));
            }
            SYNC();
        }
        if (keys < BC) {
            UNROLL for (i32 i = 0; i < RM; i++) {
                UNROLL for (i32 j = 0; j < RN / 4; j++) {
                    if (DOT_ROW(i) >= keys) scores[i][j] = F4(NEG_INF);
                }
            }
        }
        UNROLL for (i32 j = 0; j < RN / 4; j++) {
            f4 most = scores[0][j];
            UNROLL for (i32 i = 1; i < RM; i++) most = f4_max(most, scores[i][j]);
            F4_ST(ps, LANE / LN * QT + QUAD_COL(j), most);
        }
        SYNC();
        f32 old = 0.0f, top = 0.0f;
        if (LANE < QT) {
            top = ps[LANE];
            UNROLL for (i32 r = 1; r < LM; r++) top = f32_max(top, ps[r * QT + LANE]);
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
                const f32 base = top == NEG_INF ? 0.0f : top, shrink = WEIGHT(old, base);
                row_max[LANE] = top;
                row_scale[LANE] = shrink;
                row_base[LANE] = base;
                row_sum[LANE] *= shrink;
            }
            SYNC();
            UNROLL for (i32 j = 0; j < RN / 4; j++) {
                const f4 base = F4_LD(row_base, QUAD_COL(j));
                sums[j] = sums[j] * F4_LD(row_scale, QUAD_COL(j));
                UNROLL for (i32 i = 0; i < RM; i += OUTER_PER) {
                    f4 p[OUTER_PER];
                    UNROLL for (i32 n = 0; n < OUTER_PER; n++) {
                        p[n] = F4_OF(WEIGHT(scores[i + n][j].x, base.x), WEIGHT(scores[i + n][j].y, base.y), WEIGHT(scores[i + n][j].z, base.z),
                                     WEIGHT(scores[i + n][j].w, base.w));
                        sums[j] = sums[j] + p[n];
                    }
                    PUT_WEIGHTS(DOT_ROW(i) / OUTER_PER * QT + QUAD_COL(j), p)
                }
            }
        }
