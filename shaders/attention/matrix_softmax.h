/* Online softmax of the tile of scores at hand, and what it does to the outputs so far. A text within a kernel's loop. */
        if (LINES > 0) {
            f32 top[RQ * LINES_];
            bool mine = false, moved = false;
            UNROLL for (i32 j = 0; j < RQ; j++) {
                /* Element by element first: chains of maxima that do not wait for each other. */
                MAT_F(MM, MN) most = s[j];
                UNROLL for (i32 i = 1; i < KEY_BLOCKS; i++) {
                    UNROLL for (i32 n = 0; n < s[0].length(); n++) most[n] = max(most[n], s[i * RQ + j][n]);
                }
                UNROLL for (i32 n = 0; n < LINES_; n++) top[j * LINES_ + n] = most[n << LINE_SHIFT];
                UNROLL for (i32 n = 0; n < s[0].length(); n++) {
                    const i32 line = j * LINES_ + (n >> LINE_SHIFT) % LINES_;
                    top[line] = max(top[line], most[n]);
                }
            }
            UNROLL for (i32 j = 0; j < RQ * LINES_; j++) {
                UNROLL for (i32 bit = 1; bit < SUBGROUP; bit *= 2) {
                    if ((LINE_MASK & bit) != 0) top[j] = max(top[j], SUBGROUP_XOR(top[j], bit));
                }
                top[j] *= factor;
                if (HAS_SKIP != 0) mine = mine || (line_at[j] < rows && (top[j] - line_max[j]) * POWER_UNIT >= -PRM(skip));
            }
            if (HAS_SKIP != 0) { ANY_LANE(heard, mine) }
            if (heard) {
                f32 shrink[RQ * LINES_], base[RQ * LINES_], sums[2 * RQ * LINES_]; /* two at a time wait less for each other */
                UNROLL for (i32 j = 0; j < RQ * LINES_; j++) {
                    moved = moved || top[j] > line_max[j];
                    top[j] = max(top[j], line_max[j]);
                    base[j] = top[j] == NEG_INF ? 0.0f : top[j];
                    shrink[j] = WEIGHT(line_max[j], 1.0f, base[j]);
                    line_max[j] = top[j];
                    sums[2 * j] = line_sum[j] * shrink[j];
                    sums[2 * j + 1] = 0.0f;
                }
                UNROLL for (i32 j = 0; j < RQ; j++) {
                    UNROLL for (i32 i = 0; i < KEY_BLOCKS; i++) {
                        UNROLL for (i32 n = 0; n < s[0].length(); n++) {
                            const i32 line = j * LINES_ + (n >> LINE_SHIFT) % LINES_;
                            const f32 p = WEIGHT(s[i * RQ + j][n], factor, base[line]);
                            sums[line * 2 + i % 2] += p;
                            s[i * RQ + j][n] = P_DT == 7 ? floor(fma(p, 127.0f, 0.5f)) : p;
                        }
                    }
                }
                UNROLL for (i32 j = 0; j < RQ * LINES_; j++) line_sum[j] = sums[2 * j] + sums[2 * j + 1];
                if (SUBGROUP_SAYS(moved)) {
                    UNROLL for (i32 v_ = 0; v_ < V_BLOCKS; v_++) {
                        UNROLL for (i32 j = 0; j < RQ; j++) {
                            UNROLL for (i32 n = 0; n < o_acc[0].length(); n++)
                                o_acc[v_ * RQ + j][n] *= shrink[j * LINES_ + (n >> LINE_SHIFT) % LINES_];
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
