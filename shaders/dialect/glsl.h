/* The dialect in GLSL: pointers are 64-bit device addresses, arguments are push constants. */
#define f32 float
#define i32 int
#define u32 uint
#define i64 int64_t
#define u64 uint64_t
#define ptr uint64_t
#define fv float
#define iv int
#define bv bool
#define VW 1

#define EXACT precise
#define UNROLL [[unroll]]
#define ROLLED [[dont_unroll]]
#define SUM_LOOP
#define HELPER

layout(buffer_reference, scalar, buffer_reference_align = 4) buffer f32_p_ { float v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 4) buffer u32_p_ { uint v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 16) buffer f4_p_ { vec4 v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 16) buffer u128_p_ { uvec4 v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 8) buffer h4_p_ { uvec2 v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 2) buffer u16_p_ { uint16_t v[]; };
layout(buffer_reference, scalar, buffer_reference_align = 1) buffer u8_p_ { uint8_t v[]; };

#define LDF(p, i) (f32_p_(p).v[i])
#define LD32(p, i) (u32_p_(p).v[i])
#define LD16(p, i) uint(u16_p_(p).v[i])
#define LDH(p, i) unpackHalf2x16(LD16(p, i)).x
#define LD8(p, i) uint(u8_p_(p).v[i])
#define STF(p, i, x) f32_p_(p).v[i] = (x)
#define ST32(p, i, x) u32_p_(p).v[i] = (x)
#define ST8(p, i, x) u8_p_(p).v[i] = uint8_t(x)
#define ST16(p, i, x) u16_p_(p).v[i] = uint16_t(x)
#define PADD(p, bytes) ((p) + uint64_t(bytes))
#define PLOW(p) uint(p)

#define AS_F32(x) uintBitsToFloat(x)
#define AS_U32(x) floatBitsToUint(x)
#define I64(x) int64_t(x)
#define I32(x) int(x)
#define U32(x) uint(x)
#define U64(x) uint64_t(x)
#define F32(x) float(x)
#define NEG_INF uintBitsToFloat(0xff800000u)

#define FV(x) float(x)
#define IV(x) int(x)
#define IV_IOTA 0
#define FV_AT(v, l) (v)
#define FV_SET(v, l, x) v = (x)
#define FV_FIRST(v) (v)
#define FV_SEL(cond, a, b) ((cond) ? (a) : (b))
#define BV_ANY(c) (c)
#define BV_AND(a, b) ((a) && (b))
#define FV_LD(a, i) (a)[i]
#define IV_LD(a, i) (a)[i]
#define FV_ST(a, i, x) (a)[i] = (x)
#define FV_LDG(p, i) LDF(p, i)
#define FV_LDGH(p, i) LDH(p, i)
#define FV_STG(p, i, x) STF(p, i, x)
#define fv_max(a, b) max(a, b)
#define fv_min(a, b) min(a, b)
#define fv_fma(a, b, c) fma(a, b, c)
#define fv_floor(a) floor(a)
#define fv_to_iv(a) int(a)
#define fv_bits(i) intBitsToFloat(i)
#define iv_to_fv(i) float(i)
#define fv_abs(a) abs(a)
#define iv_bits(a) floatBitsToInt(a)
#define fv_sqrt(a) sqrt(a)
#define f4 vec4
#define F4(x) vec4(x)
#define F4_OF(a, b, c, d) vec4(a, b, c, d)
#define F4_LD(a, i) vec4((a)[i], (a)[(i) + 1], (a)[(i) + 2], (a)[(i) + 3]) /* drivers make one load of it */
#define F4_ST(a, i, value) { const vec4 v_ = value; a[i] = v_.x; a[(i) + 1] = v_.y; a[(i) + 2] = v_.z; a[(i) + 3] = v_.w; }
#define F4_LDG(p, q) (f4_p_(p).v[q])
#define F4_STG(p, q, x) f4_p_(p).v[q] = (x)
#define F4_LDGH(p, q) vec4(unpackHalf2x16(h4_p_(p).v[q].x), unpackHalf2x16(h4_p_(p).v[q].y))
#define F4_LDGB(p, q) uintBitsToFloat(uvec4(h4_p_(p).v[q].xxyy << uvec4(16, 0, 16, 0)) & uvec4(0xffff0000u))
#define F4_LDG8(p, q) vec4(ivec4(uvec4(u32_p_(p).v[q]) << uvec4(24, 16, 8, 0)) >> 24)
#define u4 uvec4
#define U4_OF(a, b, c, d) uvec4(a, b, c, d)
#define U4_LD(a, i) uvec4((a)[i], (a)[(i) + 1], (a)[(i) + 2], (a)[(i) + 3])
#define U4_ST(a, i, value) { const uvec4 v_ = value; a[i] = v_.x; a[(i) + 1] = v_.y; a[(i) + 2] = v_.z; a[(i) + 3] = v_.w; }
#define LD128(p, i) (u128_p_(p).v[i])
#define AS_F4(x) uintBitsToFloat(x)
#define AS_U4(x) floatBitsToUint(x)
#define i4 ivec4
#define I4(x) ivec4(x)
#define I4_OF(a, b, c, d) ivec4(a, b, c, d)
#define i4_to_f4(x) vec4(x)
#define f4_fma(a, b, c) fma(a, b, c)
#define f4_max(a, b) max(a, b)
#define f4_floor(a) floor(a)
#define f32_fma(a, b, c) fma(a, b, c)
#define f32_log(a) log(a)
#define f32_max(a, b) max(a, b)
#define f32_abs(a) abs(a)
#define f32_floor(a) floor(a)
#define f32_sqrt(a) sqrt(a)
#define f32_exp(a) exp(a)
#define f32_power(a) exp2(a)
#define f32_tanh(a) fv_tanh(a) /* GLSL's own overflows */
/* GLSL's has no negative base, and no 0 to the power of 0. */
float f32_pow(float a, float b)
{
    if (b == 0.0) return 1.0;
    if (a == 0.0) return b > 0.0 ? 0.0 : uintBitsToFloat(0x7f800000u);
    if (a > 0.0) return pow(a, b);
    if (b != floor(b)) return uintBitsToFloat(0x7fc00000u);
    return floor(b * 0.5) * 2.0 == b ? pow(-a, b) : -pow(-a, b);
}

#define GROUP (gl_WorkGroupID.x + arg_.group_base)
#define LANE i32(gl_LocalInvocationID.x)
#define LANE_ANEW
#define LANE_OVER(n) (LANE / (n))
#if TILE == 3 /* the workgroup is one sub-group, in step anyway */
#define SYNC() subgroupMemoryBarrierShared(); subgroupBarrier()
#define SUBGROUP_ANY(c) (subgroupBallot(c) != uvec4(0u))
#else
#define SYNC() barrier()
#endif
#define PRM(name) (params_p_(arg_.params).name)

#define SPEC_(id, name, value) layout(constant_id = id) const int name = value;
#define PARAM_(T, name) T name;
#define ARG_(name) uint64_t name;
#define ARG_LOCAL_(name) const uint64_t name = arg_.name;
#define SHARED_(T, name, count) shared T name[count];

#define KERNEL(name)                                                                     \
    layout(local_size_x_id = 0) in;                                                      \
    layout(buffer_reference, scalar, buffer_reference_align = 8) buffer params_p_ { PARAMS_(PARAM_) }; \
    layout(push_constant, scalar) uniform arg_t_ { uint64_t params; ARGS_(ARG_, ARG_) uint group_base; } arg_; \
    SMEM_(SHARED_)                                                                       \
    void main() { ARGS_(ARG_LOCAL_, ARG_LOCAL_)
#define KERNEL_END }
#define DECLARE_SPECS SPECS_(SPEC_) SHAPES_(SPEC_)
