/* The constants of the flash kernel in tile model matrix; parameters, arguments and those of the same names are in flash_args.h.
 *
 * QUERIES of a workgroup are shared by its sub-groups of SUBGROUP invocations; matrices are MM x MN x MK, and CM x CN x CK of int8 codes. ACROSS:
 * scores stand transposed, S^T = K Q^T, each column a query, and outputs likewise; else S = Q K^T. LINES, LINE_SHIFT, LINE_MASK: which elements
 * of scores belong to a query, as tsr_matrix_lines has it (LINES 0: that is not known, and statistics are made in shared memory). PASS, PAIR:
 * how probabilities become an input, as tsr_matrix_pass has it. WIDE: rows of keys and values are whole pieces of 16 bytes; 0: the kernel looks. */
#define FLASH_MATRIX_SPECS(S)                                                                      \
    S(0, LANES, 128) S(1, SUBGROUP, 32) S(2, D, 64) S(3, DV_SLICE, 64) S(4, BC, 64) S(5, QUERIES, 64) \
    S(6, V_DT, 1) S(7, O_DT, 1) S(8, BIAS_DT, -1) S(9, HAS_MASK, 0) S(10, HAS_SINK, 0) S(11, HAS_LSE, 0) \
    S(12, HAS_CAP, 0) S(13, GATHERED, 0) S(14, TESTED, 0) S(15, TAGGED, 0) S(16, HAS_SKIP, 0)       \
    S(17, CODES, 0) S(18, P_DT, 0)                                                                 \
    S(19, MM, 16) S(20, MN, 16) S(21, MK, 16) S(22, CM, 16) S(23, CN, 16) S(24, CK, 16)             \
    S(25, ACROSS, 1) S(26, LINES, 1) S(27, LINE_SHIFT, 0) S(28, LINE_MASK, 0) S(29, PASS, 0) S(30, PAIR, 0) \
    S(31, WIDE, 0)
#define FLASH_MATRIX_SHAPES(S)
#define FLASH_MATRIX_ARGS FLASH_ARGS
