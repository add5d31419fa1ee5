/* Online softmax of the tile of scores at hand, and what it does to the outputs so far: a query's scores are all one invocation's. A text
 * within a kernel's loop. */
        f32 top[RQ];
        UNROLL for (i32 j = 0; j < RQ; j++) {
            top[j] = NEG_INF;
            UNROLL for (i32 i = 0; i < KEY_BLOCKS; i++) {
                UNROLL for (i32 m = 0; m < 8; m++) top[j] = f32_max(top[j], s[i * RQ + j][m]);
            }
            top[j] *= factor;
        }
        bool heard = true;
        if (HAS_SKIP != 0) {
            bool mine = false;
            UNROLL for (i32 j = 0; j < RQ; j++)
                mine = mine || (q0 + j * SUBGROUP < rows && (top[j] - line_max[j]) * POWER_UNIT >= -PRM(skip));
            ANY_LANE(heard, mine)
            passed_over += heard ? 0 : 1;
        }
        if (heard) {
            bool moved = false;
            f32 shrink[RQ];
            UNROLL for (i32 j = 0; j < RQ; j++) {
                moved = moved || top[j] > line_max[j];
                top[j] = f32_max(top[j], line_max[j]);
                const f32 base = top[j] == NEG_INF ? 0.0f : top[j];
                shrink[j] = WEIGHT(line_max[j], 1.0f, base);
                line_max[j] = top[j];
                f32 sums[2] = {line_sum[j] * shrink[j], 0.0f}; /* two at a time wait less for each other */
                UNROLL for (i32 i = 0; i < KEY_BLOCKS; i++) {
                    UNROLL for (i32 m = 0; m < 8; m++) {
                        const f32 p = WEIGHT(s[i * RQ + j][m], factor, base);
                        sums[m % 2] += p;
                        s[i * RQ + j][m] = P_DT == 7 ? f32_floor(f32_fma(p, 127.0f, 0.5f)) : p;
                    }
                }
                line_sum[j] = sums[0] + sums[1];
            }
            if (SUBGROUP_SAYS(moved)) {
                UNROLL for (i32 n = 0; n < V_BLOCKS; n++) {
                    UNROLL for (i32 j = 0; j < RQ; j++) o_acc[n * RQ + j] *= shrink[j];
                }
            }
        }
