/* The interface of the norm kernel: y = act(norm(x) scale + shift), pixel by pixel, x and y [pixels][CHANNELS].
 * KIND as tsr_norm_kind, ACT as tsr_act; XT, YT and MT: storage of x, y and the modulation, as tsr_dtype (MT -1: none). WATCH 1: overflow is told.
 * TEAM: lanes that share a pixel, a power of two; PIXELS: that each team sees to. */
#define NORM_SPECS(S)                                                                                                     \
    S(0, LANES, 64) S(1, CHANNELS, 64) S(2, KIND, 0) S(3, ACT, 0) S(4, XT, 0) S(5, YT, 0) S(6, MT, -1) S(7, HAS_SCALE, 0) \
    S(8, HAS_SHIFT, 0) S(9, WATCH, 0) S(10, TEAM, 1) S(11, PIXELS, 1)
#define NORM_SHAPES(S)

/* The modulation [mod_rows..][mod_width][2 CHANNELS] is read at the pixel over 2^mod_shift; row: of the first pixel in the frame; mod_first, mod_last:
 * its rows that are there. */
#define NORM_PARAMS(F)                                                                                                             \
    F(i32, pixels) F(i32, width) F(i32, row) F(i32, mod_shift) F(i32, mod_width) F(i32, mod_first) F(i32, mod_last) F(f32, eps)

/* scale, shift: fp32 [CHANNELS]. stat: as moments_merge leaves it. overflow: u32, set to 1 where y does not hold the result or that is not finite. */
#define NORM_ARGS(RO, RW) RO(x) RO(scale) RO(shift) RO(stat) RO(modulation) RW(overflow) RW(y)
