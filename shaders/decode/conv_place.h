/* The body of a convolution kernel that finds its tile: a workgroup makes some units of a group on a tile of the grid. */
    i32 rest = I32(GROUP);
    const i32 tile_column = rest % PRM(tiles_across); rest /= PRM(tiles_across);
    const i32 tile_row = rest % PRM(tiles_down); rest /= PRM(tiles_down);
    const i32 group = rest / PRM(parts), unit0 = (rest - group * PRM(parts)) * PRM(part_units);
    const i32 tile_width = PRM(tile_width), first_row = tile_row * PRM(tile_height), left_rows = PRM(rows) - first_row;
    const i32 gy0 = PRM(row) + first_row, gx0 = tile_column * tile_width, left_columns = PRM(grid_width) - gx0;
    const i32 rows_here = left_rows < PRM(tile_height) ? left_rows : PRM(tile_height), columns_here = left_columns < tile_width ? left_columns : tile_width;
    const i32 r = PRM(r), stride = STRIDE, kw = PRM(kw), tap_count = PRM(kh) * kw;
    const i32 sy0 = gy0 * stride - PRM(before), sx0 = gx0 * stride - PRM(before);
    const i32 x_size = X_DT == 0 ? 4 : 2, w_size = W_DT == 0 ? 4 : 2;
    /* Columns of a staged row: those of each remainder by the stride side by side, so that neighbours in the output are neighbours. */
    const i32 phase_columns = ((tile_width - 1) * stride + kw + PRM(shift) * (r - 1) + stride - 1) / stride, patch_pitch = phase_columns * stride;
/* Where the weights of frame f, tap t begin, for unit u of this group. */
#define TAPS_AT(u, f, t)                                                                           \
    PADD(weight, (((I64((PRM(block_first) + (group * PRM(blocks) + (u) / PRM(block_units)) * PRM(block_step)) * PRM(block_units) + (u) % PRM(block_units)) * \
                        I64(PRM(kt)) + I64(f)) * I64(tap_count) + I64(t)) * I64(PRM(packed))) * I64(TILE_COLS * w_size))
