/* The interface of the convolution kernel, shared by its text and the engine. */

/* X_DT, W_DT, R_DT, Y_DT, A_DT: storage of x, the weights, the residual, the sum y and its norm, as tsr_dtype (f32 or f16). RESIDUAL: 1 at
 * output's size, 2 through the table. NORM: tsr_norm_kind + 1 of the fused norm, 0: none. PATCH, SUMS: floats (tile model packed: words) of a
 * workgroup's memory for staged input and for sums. RUN, ABREAST: channels in and out of a block of packed weights; those of several outputs
 * are in the order of fragments. WIDE: pixels of x are whole quads of words. STRIDE: the convolution's. */
#define CONV_SPECS(S)                                                                              \
    S(0, LANES, 64) S(1, X_DT, 0) S(2, W_DT, 0) S(3, R_DT, 0) S(4, Y_DT, 0) S(5, A_DT, 0)          \
    S(6, RESIDUAL, 0) S(7, NOISE, 0) S(8, NORM, 0) S(9, PATCH, 1) S(10, SUMS, 1) S(11, RUN, 1) S(12, ABREAST, 1) \
    S(13, WIDE, 0) S(14, STRIDE, 1)
/* RM pixels x RN (vectors of) output channels in registers, LN invocations side by side in channels; CHUNK: input channels staged at a time. */
#define CONV_SHAPES(S) S(15, RM, 8) S(16, RN, 4) S(17, LN, 8) S(18, CHUNK, 16)

/* The same in tile model matrix, of features and weights in fp16: RM x RN fragments of MM pixels x MN output channels in the registers of a
 * sub-group, MK input channels multiplied at a time, LN sub-groups side by side in channels. PATCH: 16-byte words of a workgroup's memory.
 * PITCH: pixels of a staged row. WIDE: pixels of x are whole 16-byte words. OWN: elements of weights that each
 * of OWNERS invocations has of a fragment, in whose order they are packed; 0: packed by columns. KW: taps of a
 * row. */
#define CONV_MATRIX_SPECS(S)                                                                       \
    S(0, LANES, 128) S(1, SUBGROUP, 32) S(2, MM, 16) S(3, MN, 16) S(4, MK, 16) S(5, R_DT, 0) S(6, Y_DT, 0) S(7, RESIDUAL, 0) S(8, NOISE, 0) \
    S(9, PATCH, 1) S(10, PITCH, 18) S(11, STRIDE, 1) S(12, WIDE, 1) S(13, OWN, 0) S(14, OWNERS, 1) S(15, KW, 3)
#define CONV_MATRIX_SHAPES(S) S(16, RM, 4) S(17, RN, 4) S(18, LN, 2) S(19, CHUNK, 32)

/* The grid is x over its stride; a pixel of it makes r x r pixels of the output, of `made` channels each: these are the blocks of a group
 * (groups of the convolution, whose inputs are cin channels each). A block's weights and those that follow from them are found by
 * block_first + (group blocks + block) block_step. Its channels are cut into units of the tile's columns; a workgroup makes part_units units
 * of a group on a tile of the grid.
 * taps: kt frames (bit f of present: is there) of kh x kw, from -before + (the block's place in r x r) shift on.
 * packed: cin, and the zeros that weights are filled up with. multiple: outputs of a channel, where each is convolved by itself. zeros: where
 * weight holds cin zeros. order: where it holds, for each u16 place in a block, the channel in times ABREAST plus the channel out. .._first: the first row that is there. from_row: of table, in channels. */
#define CONV_PARAMS(F)                                                                             \
    F(i64, zeros) F(i64, order) F(i32, height) F(i32, width) F(i32, channels) F(i32, grid_width) F(i32, row) F(i32, rows) F(i32, tile_height) \
    F(i32, tile_width) F(i32, tiles_across) F(i32, tiles_down) F(i32, parts) F(i32, part_units) F(i32, units) F(i32, block_units) \
    F(i32, cin) F(i32, packed) F(i32, multiple) F(i32, chunk) F(i32, made) F(i32, all_made) F(i32, kt) F(i32, kh) F(i32, kw) F(i32, present) F(i32, before) \
    F(i32, shift) F(i32, edge) F(i32, r) F(i32, blocks) F(i32, block_first) F(i32, block_step) F(i32, x_first0) F(i32, x_first1) \
    F(i32, x_first2) F(i32, residual_first) F(i32, residual_channels) F(i32, from_row) F(i32, noise_first) F(i32, y_first) F(i32, act_first) \
    F(i32, act_kind) F(i32, clamp) F(f32, low) F(f32, high) F(i32, norm_act) F(f32, eps) F(i32, has_y) F(i32, watch)

/* weight: [block][unit][frame][tap][packed / RUN][columns of a tile / ABREAST][ABREAST][RUN]. bias, noise_scale: fp32 [block][units' columns]. table: i32, channel
 * of the residual [row][r x r][made]. x0, x1, x2: frames of the window. norm: fp32 scales, then shifts, [units' columns] each. overflow: u32. */
#define CONV_ARGS(RO, RW)                                                                          \
    RO(weight) RO(bias) RO(noise_scale) RO(table) RO(x0) RO(x1) RO(x2) RO(residual) RO(noise) RO(norm) RW(y) RW(act) RW(overflow)
#define CONV_MATRIX_ARGS CONV_ARGS

/* tsr_norm_kind + 1. */
#define CONV_L2 2
#define CONV_RMS 3
#define CONV_LAYER 4
