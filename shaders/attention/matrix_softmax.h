/* Online softmax of the tile of scores at hand, and what it does to the outputs so far. A text within a kernel's loop. */
        if (LINES > 0) {
            BY_LINES(top, RQ);
            bool mine = false, moved = false;
            UNROLL for (i32 j = 0; j < RQ; j++) {
                /* Element by element first: chains of maxima that do not wait for each other. */
                MAT_F(MM, MN) most = s[j];
                UNROLL for (i32 i = 1; i < KEY_BLOCKS; i++) {
                    UNROLL for (i32 n = 0; n < s[0].length(); n++) most[n] = max(most[n], s[i * RQ + j][n]);
                }
                LARGEST_OF_LINES(top, j, most)
                UNROLL for (i32 n = 0; n < LINE_COUNT; n++) {
                    OF_LINE(top, j, n) *= factor;
                    if (HAS_SKIP != 0) {
                        const f32 above = OF_LINE(top, j, n) - OF_LINE(line_max, j, n);
                        mine = mine || (OF_LINE(line_at, j, n) < F32(rows) && above * POWER_UNIT >= -PRM(skip));
                    }
                }
            }
            if (HAS_SKIP != 0) { ANY_LANE(heard, mine) }
            if (heard) {
                BY_LINES(shrink, RQ);
                BY_LINES(base, RQ);
                BY_LINES(sums, 2 * RQ); /* two at a time wait less for each other */
                UNROLL for (i32 j = 0; j < RQ; j++) {
                    UNROLL for (i32 n = 0; n < LINE_COUNT; n++) {
                        const f32 old = OF_LINE(line_max, j, n), most = max(OF_LINE(top, j, n), old), from = most == NEG_INF ? 0.0f : most;
                        moved = moved || most > old;
                        OF_LINE(base, j, n) = from;
                        OF_LINE(shrink, j, n) = WEIGHT(old, 1.0f, from);
                        OF_LINE(line_max, j, n) = most;
                        OF_LINE(sums, 2 * j, n) = OF_LINE(line_sum, j, n) * OF_LINE(shrink, j, n);
                        OF_LINE(sums, 2 * j + 1, n) = 0.0f;
                    }
                }
                UNROLL for (i32 j = 0; j < RQ; j++) {
                    UNROLL for (i32 i = 0; i < KEY_BLOCKS; i++) {
                        UNROLL for (i32 n = 0; n < s[0].length(); n++) {
                            const f32 p = WEIGHT(s[i * RQ + j][n], factor, OF_ELEMENT(base, j, n));
                            OF_ELEMENT(sums, 2 * j + i % 2, n) += p;
                            s[i * RQ + j][n] = P_DT == 7 ? floor(fma(p, 127.0f, 0.5f)) : p;
                        }
                    }
                }
                UNROLL for (i32 j = 0; j < RQ; j++) {
                    UNROLL for (i32 n = 0; n < LINE_COUNT; n++) OF_LINE(line_sum, j, n) = OF_LINE(sums, 2 * j, n) + OF_LINE(sums, 2 * j + 1, n);
                }
                if (SUBGROUP_SAYS(moved)) {
                    UNROLL for (i32 v_ = 0; v_ < V_BLOCKS; v_++) {
                        UNROLL for (i32 j = 0; j < RQ; j++) {
                            UNROLL for (i32 n = 0; n < o_acc[0].length(); n++)
                                o_acc[v_ * RQ + j][n] *= OF_ELEMENT(shrink, j, n);
                        }
                    }
                }
                if (PASS == 0) { /* through memory, each element to where it belongs */
                    MAT_F(MM, MN) of_query, of_key;
                    LOAD_BY_KEY(of_key, iota, 0)
                    UNROLL for (i32 j = 0; j < RQ; j++) {
                        LOAD_BY_QUERY(of_query, iota, q0 + j * QN)
                        UNROLL for (i32 i = 0; i < KEY_BLOCKS; i++) {
                            UNROLL for (i32 n = 0; n < s[0].length(); n++)
                                pp[I32(of_query[n]) * PP_PITCH + i * KN + I32(of_key[n])] = MAT_VALUE(s[i * RQ + j][n]);
                        }
                    }
                }
            }
        } else {
            SYNC();
            if (HAS_SKIP != 0) {
                bool mine = false;
                for (i32 c = LANE; c < QT; c += LANES) {
                    f32 most = NEG_INF;
                    for (i32 r = 0; r < keys; r++) most = max(most, ps[r * QT + c]);
                    mine = mine || (c < rows && most - row_max[c] * POWER_UNIT >= -PRM(skip));
                }
                ANY_LANE(heard, mine)
            }
            if (heard) {
                for (i32 c = LANE; c < QT; c += LANES) {
                    const f32 old = row_max[c];
                    f32 top = NEG_INF, sum = 0.0f;
                    for (i32 r = 0; r < keys; r++) top = max(top, ps[r * QT + c]);
                    top = max(old, TO_POWER(top));
                    const f32 base = top == NEG_INF ? 0.0f : top, shrink = WEIGHT(old, 1.0f, base);
                    for (i32 r = 0; r < BC; r++) {
                        const f32 p = WEIGHT(TO_POWER(ps[r * QT + c]), 1.0f, base);
                        sum += p;
                        pp[c * PP_PITCH + r] = MAT_VALUE(P_DT == 7 ? floor(fma(p, 127.0f, 0.5f)) : p);
                    }
                    row_max[c] = top;
                    row_sum[c] = fma(row_sum[c], shrink, sum);
                    row_scale[c] = shrink;
                }
                SYNC();
                MAT_F(MM, MN) shrink;
                UNROLL for (i32 j = 0; j < RQ; j++) {
                    LOAD_BY_QUERY(shrink, row_scale, q0 + j * QN)
                    UNROLL for (i32 v_ = 0; v_ < V_BLOCKS; v_++) o_acc[v_ * RQ + j] = o_acc[v_ * RQ + j] * shrink;
                }
            }
        }
        passed_over += heard ? 0 : 1;
