/* The interface of the quantize kernel: a group turns `rows` rows of one head into codes, packed rows of to_sn bytes, to_sh from one
 * head to the next. levels: the largest code.
 *
 * MODE 0: x less the mean of its column (CENTRED), in steps of max|x| / levels + 1e-7 over all of the group, rounded half away from
 * zero to int8. Behind a row's codes, at the next multiple of 4 bytes, stand two fp32: the step times factor, and (SHIFTED)
 * factor times the row's product with the means. MODE 1: steps of their own for the columns, whose largest magnitudes are given;
 * after the last row of a head its steps times factor stand as fp32. MODE 2: rounded to fp16, without codes.
 *
 * SageAttention (Zhang et al., 2024), sections 4.2 and 4.3. means, largest: fp32 [kv heads][columns] in the argument of that name. */
#define QUANTIZE_SPECS(S)                                                                          \
    S(0, LANES, 64) S(1, SRC_DT, 0) S(2, MODE, 0) S(3, CENTRED, 0) S(4, SHIFTED, 0)
#define QUANTIZE_SHAPES(S)
#define QUANTIZE_PARAMS(F)                                                                         \
    F(i64, sb) F(i64, sh) F(i64, sn) F(i64, to_sh) F(i32, to_sn) F(i32, sd) F(i32, heads)          \
    F(i32, group_heads) F(i32, n) F(i32, columns) F(i32, rows) F(i32, parts) F(f32, levels) F(f32, factor)
#define QUANTIZE_ARGS(RO, RW) RO(src) RO(known) RW(codes)
