/* What stands between the scores of a tile in ps and its softmax. A text within a kernel's loop. */
#if TILE != TILE_SIMT
        if (CODES != 0 && !CODES_STAY) { /* whole numbers below 2^24, and exact up to here: 127 * 127 * D for D up to 1024 */
            i32 e = CELL0;
            do {
                const i32 r = e / CELLS < keys ? e / CELLS : keys - 1;
                const fv step = FV(LDF(PADD(kb, I64(KEY(r)) * PRM(k_sn)), CODES_END)) * FV_LD(code_step, e % CELLS);
                FV_ST(ps, e, fv_fma(FV_LD(ps, e), step, FV_LD(code_shift, e % CELLS)));
                e += CELL_STEP;
            } while (e < keys * CELLS);
        }
#endif
        const bool before = HAS_CAP != 0 || BIAS_DT >= 0, after = HAS_MASK != 0 || TAGGED != 0 || tested;
        if (before || (after && !HAS_USER)) { SCORE_PASS(true, !HAS_USER) }
        if (HAS_USER) { USER_TILE }
        if (after && HAS_USER) { SCORE_PASS(false, true) }
        if (before || after || HAS_USER || CODES != 0) { SYNC(); }
