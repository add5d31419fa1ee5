/* The interface of the kernel that measures a device's rate of fused multiply-adds. */
#define PEAK_SPECS(S) S(0, LANES, 64)
#define PEAK_SHAPES(S) S(1, RM, 4) S(2, RN, 4)
#define PEAK_PARAMS(F) F(i32, steps) F(f32, factor) F(f32, addend)
#define PEAK_ARGS(RO, RW) RW(result)
