/* The body of a convolution kernel that finishes sums and stores them: bias, noise, residual, activation, clamp, the fused norm. Sums wait in
 * memory, of the workgroup or private, or in a queue of registers, for loops that stay rolled: drivers would compile the long way out for
 * each sum. */
#if TILE != TILE_MATRIX
#define OUT_WIDTH tile_width
#endif
#if TILE != TILE_SIMT
#define OUT_NEXT
#endif
#if TILE == TILE_VECTOR
#define OUT_PIXELS (rows_here * tile_width)
#define OUT_PIXEL(i) (i)
#define OUT_SLOTS (run * RN)
#define OUT_COLUMN(j) (unit_at * TILE_COLS + (j) * VW)
#define OUT_AT(i, j) (((u + (j) / RN) * tile_pixels + (i)) * TILE_COLS + (j) % RN * VW)
#define OUT_SUM(i, j) FV_LD(sums, OUT_AT(i, j))
    i32 run = 0;
    for (i32 u = 0; u < units_here; u += run) {
        const i32 unit = unit0 + u, block = unit / PRM(block_units), unit_at = unit - block * PRM(block_units);
        run = PRM(block_units) - unit_at < units_here - u ? PRM(block_units) - unit_at : units_here - u;
#elif TILE == TILE_MATRIX
/* In passes, each with one fragment of pixels of every sub-group; invocations side by side have channels side by side. */
#define OUT_ACROSS (TILE_COLS % SUBGROUP == 0 ? SUBGROUP : MN)
#define OUT_PLACE(i) (LANE / OUT_ACROSS + (i) * (LANES / OUT_ACROSS))
#define OUT_PIXELS (MM * OUT_ACROSS / (LN * SUBGROUP))
#define OUT_WIDTH MM
#define OUT_PIXEL(i) ((OUT_PLACE(i) / MM * RM + pass) * MM + OUT_PLACE(i) % MM)
#define OUT_SLOTS (TILE_COLS / OUT_ACROSS)
#define OUT_CHANNEL(j) (LANE % OUT_ACROSS + (j) * OUT_ACROSS)
#define OUT_COLUMN(j) (unit_at * TILE_COLS + OUT_CHANNEL(j))
#define OUT_AT(i, j) (OUT_PLACE(i) * TILE_COLS + OUT_CHANNEL(j))
#define OUT_SUM(i, j) STAGED_SUM(OUT_AT(i, j))
    for (i32 pass = 0; pass < RM; pass++) {
        SYNC();
        UNROLL for (i32 i = 0; i < RM; i++) {
            if (i == pass) { UNROLL for (i32 j = 0; j < RN; j++) { PUT_SUMS(sums[i * RN + j], down * MM * TILE_COLS + (side * RN + j) * MN) } }
        }
        SYNC();
        const i32 block = unit_block, unit_at = unit0 - block * PRM(block_units);
#else
#define OUT_SLOTS RN
#define OUT_COLUMN(j) (unit_at * TILE_COLS + TILE_COL(j))
#if TILE == TILE_SIMT
/* The first of the sums, which all move up once it is used: an index that turns with a loop would keep them out of registers. */
#define OUT_SUM(i, j) sums[0]
#define OUT_NEXT UNROLL for (i32 s_ = 1; s_ < RM * RN; s_++) sums[s_ - 1] = sums[s_];
#define OUT_PIXELS RM
#define OUT_PIXEL(i) (TILE_ROW0 + (i))
#else
#define OUT_SUM(i, j) sums[(i) * RN + (j)]
#define OUT_PIXELS (rows_here * RM)
#define OUT_PIXEL(i) (i)
#endif
    {
        const i32 block = unit_block, unit_at = unit0 - block * PRM(block_units);
#endif
        const i32 block_y = block / r, block_x = block - block_y * r, made = PRM(made), out_width = PRM(grid_width) * r;
        const i32 columns0 = (PRM(block_first) + (group * PRM(blocks) + block) * PRM(block_step)) * PRM(block_units) * TILE_COLS;
        const f32 y_limit = Y_DT == 0 ? AS_F32(0x7f800000u) : 65520.0f;
        fv bad = FV(0.0f);
        for (i32 i = 0; i < OUT_PIXELS; i++) {
            const i32 ty = OUT_PIXEL(i) / OUT_WIDTH, tx = OUT_PIXEL(i) - ty * OUT_WIDTH;
            const bool valid = ty < rows_here && tx < columns_here;
            /* Pixels past the tile's end repeat its last: what is loaded for them is there, and nothing is stored. */
            const i32 gy = gy0 + (ty < rows_here ? ty : rows_here - 1), gx = gx0 + (tx < columns_here ? tx : columns_here - 1);
            const i32 oy = gy * r + block_y, ox = gx * r + block_x;
            const i64 to = (I64(oy - PRM(y_first)) * I64(out_width) + I64(ox)) * I64(PRM(all_made)) + I64(group * made);
            f32 noise_here = 0.0f;
            if (NOISE != 0) noise_here = LDF(PADD(noise, (I64(oy - PRM(noise_first)) * I64(out_width) + I64(ox)) * I64(4)), 0);
            fv total = FV(0.0f), squares = FV(0.0f);
            for (i32 j = 0; j < OUT_SLOTS; j++) {
                const i32 c = OUT_COLUMN(j), lanes = made - c < VW ? made - c : VW;
                if (valid && lanes > 0) {
                    fv value = OUT_SUM(i, j) + FV_LDG(bias, columns0 + c);
                    if (NOISE != 0) value += FV(noise_here) * FV_LDG(noise_scale, columns0 + c);
                    if (RESIDUAL == 1) {
                        const ptr from = PADD(residual, ((I64(oy - PRM(residual_first)) * I64(out_width) + I64(ox)) * I64(PRM(all_made)) + I64(group * made + c)) * I64(R_DT == 0 ? 4 : 2));
                        if (lanes == VW) {
                            if (R_DT == 0) { value += FV_LDG(from, 0); }
                            else { value += FV_LDGH(from, 0); }
                        } else {
                            for (i32 l = 0; l < lanes; l++) FV_SET(value, l, FV_AT(value, l) + load_as(R_DT, from, l));
                        }
                    }
                    if (RESIDUAL == 2) {
                        const ptr from = PADD(residual, (I64(gy - PRM(residual_first)) * I64(PRM(grid_width)) + I64(gx)) * I64(PRM(residual_channels)) * I64(R_DT == 0 ? 4 : 2));
                        for (i32 l = 0; l < lanes; l++)
                            FV_SET(value, l, FV_AT(value, l) + load_as(R_DT, from, I32(LD32(table, PRM(from_row) + block * made + c + l))));
                    }
                    value = act_of(PRM(act_kind), value);
                    if (PRM(clamp) != 0) {
                        value = FV_SEL(value < FV(PRM(low)), FV(PRM(low)), value); /* NaN stays */
                        value = FV_SEL(value > FV(PRM(high)), FV(PRM(high)), value);
                    }
                    if (PRM(has_y) != 0) {
                        bad = FV_SEL(fv_abs(value) < FV(y_limit), bad, FV(1.0f));
                        const ptr at = PADD(y, (to + I64(c)) * I64(Y_DT == 0 ? 4 : 2));
                        if (lanes < VW) { for (i32 l = 0; l < lanes; l++) store_as(Y_DT, at, l, FV_AT(value, l)); }
                        else if (Y_DT == 0) { FV_STG(at, 0, value); }
                        else { FV_STGH(at, 0, value); }
                    }
#if TILE == TILE_VECTOR
                    if (NORM != 0) {
                        FV_ST(sums, OUT_AT(i, j), value);
                        total += value;
                        squares = fv_fma(value, value, squares);
                    }
#endif
                }
                OUT_NEXT
            }
#if TILE == TILE_VECTOR
            if (NORM != 0 && valid) {
                const f32 act_limit = A_DT == 0 ? AS_F32(0x7f800000u) : 65520.0f;
                f32 sum = 0.0f, square = 0.0f;
                for (i32 l = 0; l < VW; l++) {
                    sum += FV_AT(total, l);
                    square += FV_AT(squares, l);
                }
                const f32 mean = NORM == CONV_LAYER ? sum / F32(made) : 0.0f;
                if (NORM == CONV_LAYER) {
                    squares = FV(0.0f);
                    for (i32 j = 0; j < OUT_SLOTS; j++) {
                        const fv apart = OUT_SUM(i, j) - FV(mean);
                        squares += FV_SEL(IV(OUT_COLUMN(j)) + IV_IOTA < IV(made), apart * apart, FV(0.0f));
                    }
                    square = 0.0f;
                    for (i32 l = 0; l < VW; l++) square += FV_AT(squares, l);
                }
                const f32 length = FV_FIRST(fv_sqrt(FV(NORM == CONV_L2 ? square : square / F32(made) + PRM(eps))));
                const f32 factor = NORM == CONV_L2 ? FV_FIRST(fv_sqrt(FV(F32(made)))) / (length < 1e-12f ? 1e-12f : length) : NORM == CONV_RMS || NORM == CONV_LAYER ? 1.0f / length : 1.0f;
                for (i32 j = 0; j < OUT_SLOTS; j++) {
                    const i32 c = OUT_COLUMN(j), lanes = made - c < VW ? made - c : VW;
                    if (lanes <= 0) break;
                    const fv scaled = (OUT_SUM(i, j) - FV(mean)) * FV(factor) * FV_LDG(norm, c);
                    const fv value = act_of(PRM(norm_act), scaled + FV_LDG(norm, PRM(block_units) * TILE_COLS + c));
                    bad = FV_SEL(fv_abs(value) < FV(act_limit), bad, FV(1.0f));
                    const i64 act_to = to + I64(PRM(y_first) - PRM(act_first)) * I64(out_width) * I64(PRM(all_made)) + I64(c);
                    const ptr at = PADD(act, act_to * I64(A_DT == 0 ? 4 : 2));
                    if (lanes < VW) { for (i32 l = 0; l < lanes; l++) store_as(A_DT, at, l, FV_AT(value, l)); }
                    else if (A_DT == 0) { FV_STG(at, 0, value); }
                    else { FV_STGH(at, 0, value); }
                }
            }
#endif
        }
        if (PRM(watch) != 0 && BV_ANY(bad > FV(0.0f))) ST32(overflow, 0, 1u);
    }
#undef OUT_WIDTH
#undef OUT_PIXELS
#undef OUT_PIXEL
#undef OUT_SLOTS
#undef OUT_COLUMN
#undef OUT_AT
#undef OUT_SUM
#undef OUT_NEXT
#undef OUT_ACROSS
#undef OUT_PLACE
#undef OUT_CHANNEL
