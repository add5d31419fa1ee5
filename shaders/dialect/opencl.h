/* The dialect in OpenCL C 1.2: every pointer argument is a buffer and a byte offset; specialisation
 * constants come as -D options. */
#define f32 float
#define i32 int
#define u32 uint
#define i64 long
#define u64 ulong
typedef __global uchar *ptr; /* so that const binds to the pointer */

#ifndef VW
#define VW 1
#endif
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)

/* A driver may ignore the hint; nothing depends on it for the result. */
#define PRAGMA_(x) _Pragma(#x)
#define EXACT
#define UNROLL PRAGMA_(unroll 32)
#define ROLLED PRAGMA_(nounroll)
#define HELPER static inline

#define LDF(p, i) (((__global const float *)(p))[i])
#define LD32(p, i) (((__global const uint *)(p))[i])
#define LD16(p, i) ((uint)((__global const ushort *)(p))[i])
#define LDH(p, i) vload_half(i, (__global const half *)(p))
#define LD8(p, i) ((uint)((__global const uchar *)(p))[i])
#define STF(p, i, x) ((__global float *)(p))[i] = (x)
#define ST32(p, i, x) ((__global uint *)(p))[i] = (x)
#define ST8(p, i, x) (p)[i] = (uchar)(x)
#define ST16(p, i, x) ((__global ushort *)(p))[i] = (ushort)(x)
#define PADD(p, bytes) ((p) + (bytes))
#define PLOW(p) ((uint)(size_t)(p))
#if defined(__clang__) && !defined(__SPIR__) && !defined(__SPIRV__)
#define PREFETCH(p) __builtin_prefetch((p), 0, 2) /* PoCL's prefetch() does nothing */
#else
#define PREFETCH(p) prefetch((p), 64)
#endif

#define AS_F32(x) as_float(x)
#define AS_U32(x) as_uint(x)
#define I64(x) ((long)(x))
#define I32(x) ((int)(x))
#define U32(x) ((uint)(x))
#define U64(x) ((ulong)(x))
#define F32(x) ((float)(x))
#define NEG_INF (-INFINITY)

#if VW == 1
#define fv float
#define iv int
#define bv int
#define FV(x) ((float)(x))
#define IV(x) ((int)(x))
#define IV_IOTA 0
#define FV_AT(v, l) (v)
#define FV_SET(v, l, x) v = (x)
#define FV_FIRST(v) (v)
#define FV_SEL(cond, a, b) ((cond) ? (a) : (b))
#define BV_ANY(c) (c)
#define FV_LD(a, i) (a)[i]
#define FV_ST(a, i, x) (a)[i] = (x)
#define IV_LD(a, i) (a)[i]
#define fv_to_iv(a) convert_int(a)
#define fv_bits(i) as_float(i)
#define iv_to_fv(i) convert_float(i)
#define iv_bits(a) as_int(a)
#define fv_max(a, b) fmax(a, b)
#define fv_min(a, b) fmin(a, b)
#define FV_LDG(p, i) LDF(p, i)
#define FV_LDGH(p, i) LDH(p, i)
#define FV_LDGB(p, i) as_float(LD16(p, i) << 16)
#define FV_LDG8(p, i) ((float)((__global const char *)(p))[i])
#define FV_STG(p, i, x) STF(p, i, x)
#else
#define fv CAT(float, VW)
#define iv CAT(int, VW)
#define bv CAT(int, VW)
#define FV(x) ((fv)(x))
#define IV(x) ((iv)(x))
#if VW == 16
#define IV_IOTA ((int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#elif VW == 8
#define IV_IOTA ((int8)(0, 1, 2, 3, 4, 5, 6, 7))
#else
#define IV_IOTA ((int4)(0, 1, 2, 3))
#endif
#define FV_AT(v, l) (((float *)&(v))[l])
#define FV_SET(v, l, x) ((float *)&(v))[l] = (x)
#define FV_FIRST(v) (v).s0
#define FV_SEL(cond, a, b) select(b, a, cond)
#define BV_ANY(c) any(c)
/* PoCL makes a vstore16 of four stores. */
typedef fv fv_mem_ __attribute__((aligned(4)));
typedef iv iv_mem_ __attribute__((aligned(4)));
#define FV_LD(a, i) (*(__local const fv_mem_ *)((a) + (i)))
#define FV_ST(a, i, x) *(__local fv_mem_ *)((a) + (i)) = (x)
#define IV_LD(a, i) (*(__local const iv_mem_ *)((a) + (i)))
#define FV_LDG(p, i) (*(__global const fv_mem_ *)((__global const float *)(p) + (i)))
#define FV_LDGH(p, i) CAT(vload_half, VW)(0, (__global const half *)(p) + (i))
#define FV_LDGB(p, i) CAT(as_float, VW)(CAT(convert_uint, VW)(CAT(vload, VW)(0, (__global const ushort *)(p) + (i))) << 16)
#define FV_LDG8(p, i) CAT(convert_float, VW)(CAT(vload, VW)(0, (__global const char *)(p) + (i)))
#define FV_STG(p, i, x) *(__global fv_mem_ *)((__global float *)(p) + (i)) = (x)
#define FV_STGH(p, i, x) CAT(CAT(vstore_half, VW), _rte)(x, 0, (__global half *)(p) + (i))
#define fv_to_iv(a) CAT(convert_int, VW)(a)
#define fv_bits(i) CAT(as_float, VW)(i)
#define iv_to_fv(i) CAT(convert_float, VW)(i)
#define iv_bits(a) CAT(as_int, VW)(a)
/* One instruction of a CPU's, as fmax with its rule for NaN is not. */
HELPER fv fv_max(fv a, fv b) { return a > b ? a : b; }
HELPER fv fv_min(fv a, fv b) { return a < b ? a : b; }
#endif
#define BV_AND(a, b) ((a) & (b))
#define fv_fma(a, b, c) fma(a, b, c)
#define fv_floor(a) floor(a)
#define fv_abs(a) fabs(a)
#define fv_sqrt(a) sqrt(a)
#define f4 float4
#define F4(x) ((float4)(x))
#define F4_OF(a, b, c, d) ((float4)(a, b, c, d))
#define F4_LD(a, i) (*(__local const float4 *)((a) + (i)))
#define F4_ST(a, i, x) *(__local float4 *)((a) + (i)) = (x)
#define F4_LDG(p, q) (((__global const float4 *)(p))[q])
#define F4_STG(p, q, x) ((__global float4 *)(p))[q] = (x)
#define F4_LDGH(p, q) vload_half4(q, (__global const half *)(p))
#define F4_LDGB(p, q) as_float4(convert_uint4(((__global const ushort4 *)(p))[q]) << 16)
#define F4_LDG8(p, q) convert_float4(((__global const char4 *)(p))[q])
#define u4 uint4
#define U4_OF(a, b, c, d) ((uint4)(a, b, c, d))
#define U4_LD(a, i) (*(__local const uint4 *)((a) + (i)))
#define U4_ST(a, i, x) *(__local uint4 *)((a) + (i)) = (x)
#define LD128(p, i) (((__global const uint4 *)(p))[i])
#define AS_F4(x) as_float4(x)
#define AS_U4(x) as_uint4(x)
#define i4 int4
#define I4(x) ((int4)(x))
#define I4_OF(a, b, c, d) ((int4)(a, b, c, d))
#define i4_to_f4(x) convert_float4(x)
#define f4_fma(a, b, c) fma(a, b, c)
#define f4_max(a, b) fmax(a, b)
#define f4_floor(a) floor(a)
#define f32_fma(a, b, c) fma(a, b, c)
#define f32_log(a) log(a)
#define f32_max(a, b) fmax(a, b)
#define f32_abs(a) fabs(a)
#define f32_floor(a) floor(a)
#define f32_sqrt(a) sqrt(a)
#define f32_exp(a) exp(a)
#define f32_power(a) native_exp2(a)
#define f32_tanh(a) tanh(a)
#define f32_pow(a, b) pow(a, b)

#define GROUP ((u32)get_group_id(0) + group_base_)
#if defined(__AMDGCN__) && (defined(__GFX9__) || __AMDGCN_WAVEFRONT_SIZE == 64)
#include "gcn.h"
#else
#define WAVES
#if LANE_IN_PARTS && defined(SUBGROUP_SIZE) && defined(cl_intel_subgroups)
#define LANE ((i32)(get_sub_group_id() * SUBGROUP_SIZE + get_sub_group_local_id()))
#else
#define LANE ((i32)get_local_id(0))
#endif
#define LANE_DECLARED
#define LANE_ANEW
#define SUM_LOOP
#define PARAMS_SPACE __global
#define PARAMS_ADDRESS(p) (p)
#endif
/* Known to be the same for a whole sub-group, it makes loads that go by it one for all of them. */
#if defined(SUBGROUP_SIZE) && defined(cl_intel_subgroups)
#define LANE_OVER(n) ((n) % SUBGROUP_SIZE == 0 ? (i32)get_sub_group_id() / ((n) / SUBGROUP_SIZE + ((n) < SUBGROUP_SIZE)) : LANE / (n))
#else
#define LANE_OVER(n) (LANE / (n))
#endif
#if TILE == 1 /* one invocation: nothing to wait for, and PoCL 6 miscompiles loops of two rounds beside a barrier */
#define SYNC()
#else
#define SYNC() barrier(CLK_LOCAL_MEM_FENCE)
#endif
#define PRM(name) (params_->name)

#define PARAM_(T, name) T name;
#define ARG_(name) __global uchar *name##_b_, ulong name##_o_,
#define ARG_LOCAL_(name) __global uchar *name = name##_b_ + name##_o_;
#define SHARED_(T, name, count) __local T name[count] __attribute__((aligned(64)));
#define SMEM_PTR(T) __local T *

/* The narrowest sub-group keeps most registers for an invocation; a compiler that may choose takes a wider one, and spills. */
#ifdef SUBGROUP_SIZE
#define SUBGROUP_OF_SIZE __attribute__((intel_reqd_sub_group_size(SUBGROUP_SIZE)))
#else
#define SUBGROUP_OF_SIZE
#endif

#define KERNEL(name)                                                                               \
    typedef struct { PARAMS_(PARAM_) } params_t_;                                                  \
    __kernel __attribute__((reqd_work_group_size(LANES, 1, 1))) WAVES SUBGROUP_OF_SIZE void name(  \
        __global uchar *params_b_, ulong params_o_, ARGS_(ARG_, ARG_) u32 group_base_) {           \
        PARAMS_SPACE const params_t_ *params_ = (PARAMS_SPACE const params_t_ *)PARAMS_ADDRESS(params_b_ + params_o_); \
        ARGS_(ARG_LOCAL_, ARG_LOCAL_)                                                              \
        LANE_DECLARED                                                                              \
        SMEM_(SHARED_)
#define KERNEL_END }
#define DECLARE_SPECS
