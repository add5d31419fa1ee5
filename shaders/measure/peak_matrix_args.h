/* The interface of the kernel that measures a device's rate of products of matrices. Sums of a sub-group: SUMS matrices of MM x MN. */
#define PEAK_MATRIX_SPECS(S) S(0, LANES, 32) S(1, SUBGROUP, 32) S(2, MM, 16) S(3, MN, 16) S(4, MK, 16) S(5, SUMS, 8)
#define PEAK_MATRIX_SHAPES(S)
#define PEAK_MATRIX_PARAMS(F) F(i32, steps)
#define PEAK_MATRIX_ARGS(RO, RW) RW(result)
