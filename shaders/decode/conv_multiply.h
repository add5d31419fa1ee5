/* The body of the conv kernel that makes sums: in acc, or in memory where a workgroup has more than one unit. */
#if TILE == TILE_SIMT
#if QK_DT == 1
#define WORD_MAC(a, b, acc) dot2(a, b, acc)
#else
#define WORD_MAC(a, b, acc) f32_fma(AS_F32(a), AS_F32(b), acc)
#endif
#define PIECE (4 * DOT_PER)
#endif
    const i32 cin = PRM(cin);
#if TILE == TILE_VECTOR
    const i32 left_units = PRM(units) - unit0, units_here = left_units < PRM(part_units) ? left_units : PRM(part_units);
    const i32 tile_pixels = PRM(tile_height) * tile_width, micro_tiles = rows_here * ((columns_here + RM - 1) / RM);
    for (i32 e = 0; e < units_here * tile_pixels * RN; e++) FV_ST(sums, e * VW, FV(0.0f));
#else
#if TILE == TILE_SIMT
    fv acc[RM][RN];
    TILE_ZERO(acc)
    i32 pixel[RM]; /* where the window of each begins */
    UNROLL for (i32 i = 0; i < RM; i++) {
        const i32 py = (TILE_ROW0 + i) / tile_width;
        pixel[i] = (py * stride * patch_pitch + TILE_ROW0 + i - py * tile_width) * PIXEL_PITCH;
    }
#endif
    const i32 unit_block = unit0 / PRM(block_units), unit_y = unit_block / r * PRM(shift), unit_x = (unit_block - unit_block / r * r) * PRM(shift);
#endif
#if TILE == TILE_SUBGROUP
    f32 taps[CHUNK * RN], sums[SUMS]; /* of a row of RM pixels after the other */
    i32 zeroed = 0;
    do {
        sums[zeroed] = 0.0f;
        zeroed++;
    } while (zeroed < SUMS);
    const ptr zeros = PADD(weight, PRM(zeros));
    i32 f = 0;
    do {
        const bool there = ((PRM(present) >> f) & 1) != 0;
        const ptr x = f == 0 ? x0 : f == 1 ? x1 : x2;
        const i32 x_first = f == 0 ? PRM(x_first0) : f == 1 ? PRM(x_first1) : PRM(x_first2);
        i32 c0 = 0;
        do {
            const i32 cn = cin - c0 < PRM(chunk) ? cin - c0 : PRM(chunk);
            i32 tap = 0;
            do {
                const i32 ky = tap / kw;
                const ptr at = PADD(TAPS_AT(unit0, f, tap), I64(c0) * I64(TILE_COLS * w_size));
                i32 k = 0;
                do {
                    UNROLL for (i32 j = 0; j < RN; j++) taps[k * RN + j] = load_as(W_DT, at, k * TILE_COLS + TILE_COL(j));
                    k++;
                } while (k < cn);
                i32 row = 0;
                do {
                    const i32 sy = edge_inside(sy0 + unit_y + ky + row * stride, PRM(height), PRM(edge));
                    ptr pixel[RM];
                    UNROLL for (i32 i = 0; i < RM; i++) {
                        const i32 sx = edge_inside(sx0 + unit_x + tap - ky * kw + i * stride, PRM(width), PRM(edge));
                        const i64 place = (I64(sy - x_first) * I64(PRM(width)) + I64(sx)) * I64(PRM(channels)) + I64(group * cin + c0);
                        pixel[i] = there && sy >= 0 && sx >= 0 && i < columns_here ? PADD(x, place * I64(x_size)) : zeros;
                    }
                    fv acc[RM][RN];
                    UNROLL for (i32 i = 0; i < RM; i++) { UNROLL for (i32 j = 0; j < RN; j++) acc[i][j] = sums[(row * RM + i) * RN + j]; }
#define A_(k, i) load_as(X_DT, pixel[i], k)
#define B_(k, j) taps[(k) * RN + (j)]
                    TILE_MUL(acc, A_, B_, cn)
#undef A_
#undef B_
                    UNROLL for (i32 i = 0; i < RM; i++) { UNROLL for (i32 j = 0; j < RN; j++) sums[(row * RM + i) * RN + j] = acc[i][j]; }
                    row++;
                } while (row < rows_here);
                tap++;
            } while (tap < tap_count);
            c0 += PRM(chunk);
        } while (c0 < cin);
        f++;
    } while (f < PRM(kt));
#else
    const i32 patch_rows = (rows_here - 1) * stride + PRM(kh) + PRM(shift) * (r - 1), patch_columns = (columns_here - 1) * stride + kw + PRM(shift) * (r - 1);
    for (i32 f = 0; f < PRM(kt); f++) {
        if (((PRM(present) >> f) & 1) == 0) continue;
        const ptr x = f == 0 ? x0 : f == 1 ? x1 : x2;
        const i32 x_first = f == 0 ? PRM(x_first0) : f == 1 ? PRM(x_first1) : PRM(x_first2);
        for (i32 c0 = 0; c0 < cin; c0 += PRM(chunk)) {
            const i32 cn = cin - c0 < PRM(chunk) ? cin - c0 : PRM(chunk);
            SYNC();
#if TILE == TILE_VECTOR
            for (i32 py = 0; py < patch_rows; py++) {
                const i32 sy = edge_inside(sy0 + py, PRM(height), PRM(edge));
                for (i32 px = 0; px < patch_columns; px++) {
                    const i32 sx = edge_inside(sx0 + px, PRM(width), PRM(edge));
                    const i32 to = (py * patch_pitch + px % stride * phase_columns + px / stride) * PIXEL_PITCH;
                    if (sy < 0 || sx < 0) {
                        for (i32 e = 0; e < cn; e += VW) FV_ST(staged, to + e, FV(0.0f));
                        continue;
                    }
                    const ptr from = PADD(x, ((I64(sy - x_first) * I64(PRM(width)) + I64(sx)) * I64(PRM(channels)) + I64(group * cin + c0)) * I64(x_size));
                    i32 e = 0;
                    if (X_DT == 0) for (; e + VW <= cn; e += VW) FV_ST(staged, to + e, FV_LDG(from, e));
                    else for (; e + VW <= cn; e += VW) FV_ST(staged, to + e, FV_LDGH(from, e));
                    for (; e < cn; e++) staged[to + e] = load_as(X_DT, from, e);
                }
            }
            for (i32 u = 0; u < units_here; u++) {
                const i32 block = (unit0 + u) / PRM(block_units), block_y = block / r, block_x = block - block_y * r;
                for (i32 tap = 0; tap < tap_count; tap++) {
                    const i32 ky = tap / kw, dx = tap - ky * kw + block_x * PRM(shift);
                    const i32 seen0 = ((ky + block_y * PRM(shift)) * patch_pitch + dx % stride * phase_columns + dx / stride) * PIXEL_PITCH;
                    const ptr at = PADD(TAPS_AT(unit0 + u, f, tap), I64(c0) * I64(TILE_COLS * w_size));
                    /* While this tap is multiplied, the next one's weights come nearer, in equal shares. */
                    const ptr next = PADD(at, I64(cin) * I64(TILE_COLS * w_size));
                    const i32 share = (cn * TILE_COLS * w_size / 64 + micro_tiles - 1) / micro_tiles;
                    i32 line = 0;
                    if (W_DT != 0) for (i32 e = 0; e < cn * TILE_COLS; e += VW) FV_ST(taps, e, FV_LDGH(at, e));
                    for (i32 py = 0; py < rows_here; py++) {
                        for (i32 px = 0; px < columns_here; px += RM) {
                            const i32 seen = seen0 + (py * stride * patch_pitch + px) * PIXEL_PITCH, kept = (u * tile_pixels + py * tile_width + px) * TILE_COLS;
                            for (const i32 last = line + share; line < last; line++) PREFETCH(PADD(next, I64(line) * I64(64)));
                            fv acc[RM][RN];
                            UNROLL for (i32 i = 0; i < RM; i++) { UNROLL for (i32 j = 0; j < RN; j++) acc[i][j] = FV_LD(sums, kept + i * TILE_COLS + TILE_COL(j)); }
#define A_(k, i) staged[seen + (i) * PIXEL_PITCH + (k)]
#define B_(k, j) FV_LDG(at, (k) * TILE_COLS + TILE_COL(j))
#define B_STAGED(k, j) FV_LD(taps, (k) * TILE_COLS + TILE_COL(j))
                            if (W_DT == 0) { TILE_MUL(acc, A_, B_, cn) }
                            else { TILE_MUL(acc, A_, B_STAGED, cn) }
#undef A_
#undef B_
#undef B_STAGED
                            UNROLL for (i32 i = 0; i < RM; i++) { UNROLL for (i32 j = 0; j < RN; j++) FV_ST(sums, kept + i * TILE_COLS + TILE_COL(j), acc[i][j]); }
                        }
                    }
                }
            }
#else
            for (i32 e = LANE; e < patch_rows * patch_columns * (CHUNK / PIECE); e += LANES) {
                const i32 place = e / (CHUNK / PIECE), c = e % (CHUNK / PIECE) * PIECE, py = place / patch_columns, px = place - py * patch_columns;
                const i32 sy = edge_inside(sy0 + py, PRM(height), PRM(edge)), sx = edge_inside(sx0 + px, PRM(width), PRM(edge));
                u4 quad = U4_OF(0u, 0u, 0u, 0u);
                if (sy >= 0 && sx >= 0 && c < cn) {
                    const ptr from = PADD(x, ((I64(sy - x_first) * I64(PRM(width)) + I64(sx)) * I64(PRM(channels)) + I64(group * cin + c0)) * I64(x_size));
                    if (WIDE != 0) { quad = DOT_PIECE(X_DT, PADD(from, c * x_size)); }
                    else { quad = DOT_PART(X_DT, from, c, cn, 1, false); }
                }
                U4_ST(staged, (py * patch_pitch + px % stride * phase_columns + px / stride) * PIXEL_PITCH + c / DOT_PER, quad);
            }
            ptr at = PADD(TAPS_AT(unit0, f, 0), I64(c0) * I64(TILE_COLS * w_size));
            i32 dy = unit_y, dx = unit_x;
            for (i32 tap = 0; tap < tap_count; tap++) {
                const i32 seen = (dy * patch_pitch + dx % stride * phase_columns + dx / stride) * PIXEL_PITCH;
                SYNC();
                if (ABREAST == 1) {
                    for (i32 e = LANE; e < (cn + RUN - 1) / RUN * (RUN / PIECE) * TILE_COLS; e += LANES) {
                        const i32 block = e / (RUN / PIECE), column = block % TILE_COLS, part = block / TILE_COLS * (RUN / PIECE) + e % (RUN / PIECE);
                        U4_ST(taps, column * PIXEL_PITCH + 4 * part, DOT_PIECE(W_DT, PADD(at, e * PIECE * w_size)));
                    }
                }
#if QK_DT != 1
                else {
                    for (i32 e = LANE; e < (cn + RUN - 1) / RUN * RUN * TILE_COLS; e += LANES) {
                        const i32 place = I32(LD16(PADD(weight, PRM(order)), e % (RUN * ABREAST))), of_block = e / (RUN * ABREAST);
                        const i32 k = of_block / (TILE_COLS / ABREAST) * RUN + place / ABREAST;
                        taps[(of_block % (TILE_COLS / ABREAST) * ABREAST + place % ABREAST) * PIXEL_PITCH + k] = AS_U32(load_as(W_DT, at, e));
                    }
                }
#endif
                SYNC();
                i32 k = 0;
                do {
                    u4 b[RN];
                    UNROLL for (i32 j = 0; j < RN; j++) b[j] = U4_LD(taps, TILE_COL(j) * PIXEL_PITCH + k);
                    UNROLL for (i32 i = 0; i < RM; i++) {
                        const u4 a = U4_LD(staged, pixel[i] + seen + k);
                        UNROLL for (i32 j = 0; j < RN; j++) acc[i][j] = WORD_MAC(a.x, b[j].x, acc[i][j]);
                        UNROLL for (i32 j = 0; j < RN; j++) acc[i][j] = WORD_MAC(a.y, b[j].y, acc[i][j]);
                        UNROLL for (i32 j = 0; j < RN; j++) acc[i][j] = WORD_MAC(a.z, b[j].z, acc[i][j]);
                        UNROLL for (i32 j = 0; j < RN; j++) acc[i][j] = WORD_MAC(a.w, b[j].w, acc[i][j]);
                    }
                    k += 4;
                } while (k * DOT_PER < cn);
                at = PADD(at, I64(PRM(packed)) * I64(TILE_COLS * w_size));
                dx++;
                if (dx == unit_x + kw) {
                    dx = unit_x;
                    dy++;
                }
            }
#endif
        }
    }
#endif
#if TILE == TILE_SIMT
    f32 sums[RM * RN];
    UNROLL for (i32 i = 0; i < RM; i++) { UNROLL for (i32 j = 0; j < RN; j++) sums[i * RN + j] = acc[i][j]; }
#endif
