/* The kernel language: picks the header of the language that this text is being compiled as.
 *
 * A kernel file defines, as X-macros, then writes KERNEL(name) ... KERNEL_END:
 *   SPECS_(S)   S(id, NAME, default)   specialisation constants, ids from 0; spec 0 is LANES
 *   SHAPES_(S)  the same, continuing the ids: constants that shape registers, so that the C build
 *               needs them at compile time (-DNAME=value); the others are locals of a C kernel
 *   PARAMS_(F)  F(type, name)          one struct of scalars, read as PRM(name); i64 fields first
 *   ARGS_(RO, RW)  RO(name) RW(name)   untyped pointers, in binding order; params is binding 0
 *   SMEM_(S)    S(type, name, count)   memory of one workgroup
 *   MANY_PARAMS, in a long kernel, in front of this file: parameters are loaded anew where they are used
 *
 * Words: f32 i32 u32 i64 u64 ptr; GROUP (workgroup), LANE, LANE_OVER(n): LANE / n, SYNC(); LD32/LD16/LD8(p, i) and ST32/ST16/ST8(p,
 * i, x) on u32 bits, LDF/STF(p, i) on f32; PADD(p, bytes); AS_F32, AS_U32; UNROLL, ROLLED before a loop, SUM_LOOP before one over the steps of a
 * long sum; LANE_ANEW, not in C: what goes by LANE behind it is computed there, not kept from before;
 * EXACT before a variable whose sums and products keep their order.
 * FV_LDG/FV_STG(p, i) on VW adjacent f32, FV_LDGH/FV_STGH the same stored as fp16.
 * fv, iv: VW adjacent columns (1 in GLSL); FV(x), IV_IOTA, FV_SEL(cond, a, b), FV_FIRST(v), fv_max, fv_fma, fv_floor; fv_bits, iv_bits: the same bits.
 * f4, not in C: four adjacent values; F4(x), F4_OF(a, b, c, d), F4_LD/F4_ST(a, i) of shared memory, i a multiple of 4, F4_LDG/F4_STG(p, q) the q-th four of
 * fp32 at an address aligned to them, F4_LDGH, F4_LDGB, F4_LDG8 likewise of fp16, bf16, int8; PLOW(p) the low bits of an address. u4, U4_OF, U4_LD,
 * U4_ST: the same of u32; LD128(p, i): the i-th of them at an address that is a multiple of 16; AS_F4, AS_U4: the same bits. i4, I4(x), I4_OF: of i32;
 * i4_to_f4. f32_power: 2^x as the hardware has it, for what is rounded to 16 bits.
 * Where a loop holds loads that are the same for the whole workgroup, write it as do-while: llvmpipe runs
 * a for loop's body once too often, with no invocation active, and such loads then read past the end.
 * No other file asks which language it is in, and bodies use no pointers but ptr. */
#ifndef TSR_DIALECT_H
#define TSR_DIALECT_H

#if QK_DT || PV_DT
#include "dots.h"
#endif
#if defined(TSR_GLSL)
#if TILE == 4
#include "matrix.h"
#endif
#include "glsl.h"
#elif defined(__OPENCL_VERSION__)
#include "opencl.h"
#if TILE == 4
#include "dpas.h"
#endif
#else
#include "c.h"
#endif

#include "math.h"

/* A user's score expression stands in front of a text that is compiled at run time; C calls its interpreter. HAS_USER; USER_TILE,
 * over the names of the kernels that walk tiles, replaces the tile of scores. */
#ifdef USER_TEXT
#include "user.h"
#elif !defined(HAS_USER)
#define HAS_USER false
#define USER_TILE
#endif

#endif
