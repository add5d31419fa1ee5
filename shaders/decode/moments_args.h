/* The interface of the moments kernel: mean and sum of squared deviations of each channel of x [pixels][CHANNELS] over chunks of pixels.
 * XT: storage of x, as tsr_dtype. TEAM: lanes side by side on channels, a power of two; the other lanes of the group take turns on pixels. */
#define MOMENTS_SPECS(S) S(0, LANES, 64) S(1, CHANNELS, 64) S(2, XT, 0) S(3, TEAM, 64)
#define MOMENTS_SHAPES(S)

/* chunk: pixels of each, the last one may be shorter. blocks: groups that share a chunk, of TEAM lanes' channels each. */
#define MOMENTS_PARAMS(F) F(i32, pixels) F(i32, chunk) F(i32, blocks)

/* found: fp32 [chunks][3][CHANNELS]: a pivot, the mean less the pivot, the sum of squares. */
#define MOMENTS_ARGS(RO, RW) RO(x) RW(found)
