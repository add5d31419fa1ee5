/* The interface of the layout kernel: which invocation holds which elements of a sub-group's matrices A [MM, MK], B [MK, MN] and C [MM, MN].
 * found: words [A, B, C][row, column][elements][LANES], then how many elements an invocation has of A, B and C. */
#define LAYOUT_SPECS(S) S(0, LANES, 32) S(1, SUBGROUP, 32) S(2, MM, 16) S(3, MN, 16) S(4, MK, 16)
#define LAYOUT_SHAPES(S)

#define LAYOUT_PARAMS(F) F(i32, elements)

#define LAYOUT_ARGS(RO, RW) RW(found)
