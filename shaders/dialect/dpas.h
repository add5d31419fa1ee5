/* Matrices of Intel's engines in the dialect, for tile model matrix in OpenCL C (cl_intel_subgroup_matrix_multiply_accumulate): operands are
 * registers, whose order the extension says. MAT_DT: the storage type of inputs, as tsr_dtype: 1 fp16, 2 bf16, 7 int8.
 *
 * mat_a    8 rows of 32 bytes: in memory one row after the other, MAT_WORDS words in all
 * mat_b    32 bytes of a column for each invocation
 * mat_c    8 rows in fp32, a column for each invocation
 * MAT_LOAD_A(p), MAT_LOAD_B(p)  from shared memory: the sub-group's p, a multiple of 16 bytes; each invocation's own, a multiple of 32
 * MAT_LDG_B(p)     from memory: each invocation's own p, a multiple of 32
 * MAT_MUL(a, b, c), MAT_MUL_CODES(a, b, c)   a b + c, of numbers of 16 bits, and of int8 with sums in int32
 * MAT_PAIR(x, y)   two fp32 rounded to what is multiplied beside MAT_DT, as a word
 * LINE_LD(p), LINE_ST(p, x)  one fp32 for each invocation, side by side from p on, which is the sub-group's
 * UNIFORM(x)      what is the same in all invocations, so that a compiler knows it
 * SUBGROUP_AT, SUBLANE, SUBGROUP_SAYS(c)  as in matrix.h
 * u32x4, STS128(a, i, x)  16 bytes at a time, as LD128 loads them
 * CODES_AS_F16(x)  as in matrix.h
 * LOWER_HALVES(a, b), UPPER_HALVES(a, b)  a word of the 16 bits of two words */
#define MAT_WORDS 64
#define mat_b int8
#define mat_c float8
#define mat_sums int8 /* of codes */
#define MAT_LOAD_B(p) (*(__local const int8 *)(p))
#define MAT_LDG_B(p) (*(__global const int8 *)(p))

#ifdef DPAS_EMULATED
#include "dpas_emulated.h"
#else
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#pragma OPENCL EXTENSION cl_khr_subgroups : enable
#if SUBGROUP == 8
#define mat_a int8
#else
#define mat_a short8
#endif
/* Not all of Intel's compilers that have the functions declare them. */
#define BUILT_IN_ __attribute__((overloadable, convergent))
uint8 BUILT_IN_ intel_sub_group_block_read8(const __local uint *p);
ushort8 BUILT_IN_ intel_sub_group_block_read_us8(const __local ushort *p);
uint BUILT_IN_ intel_sub_group_block_read(const __local uint *p);
void BUILT_IN_ intel_sub_group_block_write(__local uint *p, uint x);
int8 BUILT_IN_ intel_sub_group_i8_i8_matrix_mad_k32(mat_a a, int8 b, int8 c);
float8 BUILT_IN_ intel_sub_group_f16_f16_matrix_mad_k16(mat_a a, int8 b, float8 c);
float8 BUILT_IN_ intel_sub_group_bf16_bf16_matrix_mad_k16(mat_a a, int8 b, float8 c);
ushort2 __attribute__((overloadable)) intel_convert_bfloat162_as_ushort2(float2 x);
#if SUBGROUP == 8
#define MAT_LOAD_A(p) as_int8(intel_sub_group_block_read8((__local const uint *)(p)))
#else
#define MAT_LOAD_A(p) as_short8(intel_sub_group_block_read_us8((__local const ushort *)(p)))
#endif
#define LINE_LD(p) as_float(intel_sub_group_block_read((__local const uint *)(p)))
#define LINE_ST(p, x) intel_sub_group_block_write((__local uint *)(p), as_uint(x))
#define MAT_MUL_CODES(a, b, c) intel_sub_group_i8_i8_matrix_mad_k32(a, b, c)
#if MAT_DT == 2
#define MAT_MUL(a, b, c) intel_sub_group_bf16_bf16_matrix_mad_k16(a, b, c)
#define MAT_PAIR(x, y) as_uint(intel_convert_bfloat162_as_ushort2((float2)(x, y)))
#else
#define MAT_MUL(a, b, c) intel_sub_group_f16_f16_matrix_mad_k16(a, b, c)
#define MAT_PAIR(x, y) as_uint(convert_half2((float2)(x, y)))
#endif
#define MAT_EXP2(x) native_exp2(x)
#define UNIFORM(x) sub_group_broadcast(x, 0)
#define SUBGROUP_AT ((i32)get_sub_group_id())
#define SUBLANE ((i32)get_sub_group_local_id())
#define SUBGROUP_SAYS(c) (sub_group_any(c) != 0)
#endif

#define u32x4 uint4
#define CODES_AS_F16(x) MAT_PAIR((f32)(char)((x) & 0xffu), (f32)(char)((x) >> 8 & 0xffu))
#define STS128(a, i, x) *(__local uint4 *)((a) + (i)) = (x)
#define LOWER_HALVES(a, b) (((b) << 16) | ((a) & 0xffffu))
#define UPPER_HALVES(a, b) (((a) >> 16) | ((b) & 0xffff0000u))
