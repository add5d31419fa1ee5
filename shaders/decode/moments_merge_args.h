/* The interface of the moments_merge kernel: moments of chunks and channels join the statistic of their group, by Chan's formula in a fixed order
 * (Chan, Golub and LeVeque, 1979). One workgroup sees to one group of channels. */
#define MOMENTS_MERGE_SPECS(S) S(0, LANES, 64)
#define MOMENTS_MERGE_SHAPES(S)

/* pixels, chunk as of moments; per: channels of a group; first 1: the statistic is forgotten first. */
#define MOMENTS_MERGE_PARAMS(F) F(i32, pixels) F(i32, chunk) F(i32, chunks) F(i32, channels) F(i32, per) F(i32, first) F(i32, has_scale) F(f32, eps)

/* found: as moments leaves it. scale: fp32 [channels], where has_scale is not 0. state: [groups][5]: mean = first + second, variance, pixels = fourth + fifth 2^20 (i32).
 * stat: fp32 [3][channels]: for each channel both parts of the mean and scale / sqrt(variance + eps). */
#define MOMENTS_MERGE_ARGS(RO, RW) RO(found) RO(scale) RW(state) RW(stat)
