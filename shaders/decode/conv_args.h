/* The interface of the convolution kernel, shared by its text and the engine. */

/* CIN channels from x, then CIN_PAST from past; TAPS x TAPS window, 1 or 3; UP 1: x is read through a
 * nearest 2x up-sampling; SHUFFLE p: channel (c p + i) p + j goes to pixel (p y + i, p x + j) of plane c.
 * C_CHUNK: input channels staged at a time; ROWS: output channels of one workgroup. */
#define CONV_SPECS(S)                                                                              \
    S(0, LANES, 64) S(1, CIN, 64) S(2, CIN_PAST, 0) S(3, COUT, 64) S(4, TAPS, 3) S(5, UP, 0)       \
    S(6, C_CHUNK, 8) S(7, ROWS, 64) S(8, HAS_BIAS, 0) S(9, HAS_RESIDUAL, 0) S(10, IN_TANH, 0)      \
    S(11, RELU, 0) S(12, CLAMP, 0) S(13, SHUFFLE, 1)
#define CONV_SHAPES(S) S(14, RM, 4) S(15, RN, 4) S(16, LN, 8)

/* Of the output, before a shuffle. */
#define CONV_PARAMS(F) F(i32, height) F(i32, width) F(i32, x_tiles)
#define CONV_ARGS(RO, RW) RO(weight) RO(bias) RO(x) RO(past) RO(residual) RW(y)
