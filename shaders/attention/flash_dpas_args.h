/* The constants of the flash kernel on Intel's matrix engines; parameters, arguments and constants of the same names are in flash_args.h.
 *
 * QUERIES of a workgroup are shared by its sub-groups of SUBGROUP invocations; a matrix has SUBGROUP of them. */
#define FLASH_DPAS_SPECS(S)                                                                        \
    S(0, LANES, 64) S(1, SUBGROUP, 8) S(2, D, 64) S(3, DV_SLICE, 64) S(4, BC, 32) S(5, QUERIES, 128) \
    S(6, V_DT, 1) S(7, O_DT, 1) S(8, BIAS_DT, -1) S(9, HAS_MASK, 0) S(10, HAS_SINK, 0) S(11, HAS_LSE, 0) \
    S(12, HAS_CAP, 0) S(13, GATHERED, 0) S(14, TESTED, 0) S(15, TAGGED, 0) S(16, HAS_SKIP, 0)       \
    S(17, CODES, 0) S(18, P_DT, 0)
#define FLASH_DPAS_SHAPES(S)
#define FLASH_DPAS_ARGS FLASH_ARGS
