/* Products of words in the dialect, for kernels whose operands are held in such: QK_DT and PV_DT say as what, as tile/quads.h has it. The GPU's own
 * instructions are used where F16_DOT and INT8_DOT are set; products are made one by one elsewhere. In GLSL the first is
 * VK_VALVE_shader_mixed_float_dot_product, the second VK_KHR_shader_integer_dot_product, both by their numbers, as compilers have no names for them;
 * in OpenCL C the second is called as cl_khr_integer_dot_product does, or with OWN_DOTS as the compilers of AMD and Intel do.
 *
 * dot2(a, b, c)     c + the products of the two fp16 values of a and b, in fp32
 * dot4(a, b, c)     c + the products of the four int8 values of a and b, in int32
 * pair_of(x, y)     two numbers from 0 to 1 rounded to fp16
 * With F16_SUMS: h2, the two fp16 values of a word, h2_of(word); h2_low(h), h2_high(h): one of them twice; h2_fma; F4_OF_HALVES(a, b): of two words
 * pair_low(a, b)    the low 16 bits of two words as one word; pair_high: the high ones */
#if defined(TSR_GLSL)
#if F16_DOT || INT8_DOT
#extension GL_EXT_spirv_intrinsics : require
#endif
#if F16_DOT
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
spirv_instruction(extensions = ["SPV_VALVE_mixed_float_dot_product"], capabilities = [6912], id = 6916)
float dot2_(f16vec2 a, f16vec2 b, float c);
#define dot2(a, b, c) dot2_(unpackFloat2x16(a), unpackFloat2x16(b), c)
#else
float dot2(uint a, uint b, float c)
{
    const vec2 x = unpackHalf2x16(a), y = unpackHalf2x16(b);
    return fma(x.y, y.y, fma(x.x, y.x, c));
}
#endif
#if INT8_DOT
spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"], capabilities = [6018, 6019], id = 4450)
int dot4_(uint a, uint b, spirv_literal int format);
#define dot4(a, b, c) ((c) + dot4_(a, b, 0))
#else
int dot4(uint a, uint b, int c)
{
    for (int at = 0; at < 32; at += 8) c += bitfieldExtract(int(a), at, 8) * bitfieldExtract(int(b), at, 8);
    return c;
}
#endif
#define pair_of(x, y) packHalf2x16(vec2(x, y))
#if F16_SUMS
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#define h2 f16vec2
#define F4_OF_HALVES(a, b) vec4(unpackHalf2x16(a), unpackHalf2x16(b))
#define h2_of(word) unpackFloat2x16(word)
#endif
#elif defined(__OPENCL_VERSION__)
#if F16_DOT
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#define dot2(a, b, c) __builtin_amdgcn_fdot2(as_half2(a), as_half2(b), c, false)
#else
static inline float dot2(uint a, uint b, float c)
{
    const float2 x = vload_half2(0, (const half *)&a), y = vload_half2(0, (const half *)&b);
    return fma(x.y, y.y, fma(x.x, y.x, c));
}
#endif
#if INT8_DOT && OWN_DOTS && defined(__AMDGCN__)
#if __has_builtin(__builtin_amdgcn_sdot4)
#define dot4(a, b, c) __builtin_amdgcn_sdot4(as_int(a), as_int(b), c, false)
#else
#define dot4(a, b, c) __builtin_amdgcn_sudot4(true, as_int(a), true, as_int(b), c, false)
#endif
#elif INT8_DOT && OWN_DOTS
int __builtin_IB_dp4a_ss(int c, int a, int b) __attribute__((const));
#define dot4(a, b, c) __builtin_IB_dp4a_ss(c, as_int(a), as_int(b))
#elif INT8_DOT
#define dot4(a, b, c) ((c) + dot_4x8packed_ss_int(a, b))
#else
static inline int dot4(uint a, uint b, int c)
{
    const int4 x = convert_int4(as_char4(a)), y = convert_int4(as_char4(b));
    return c + x.x * y.x + x.y * y.y + x.z * y.z + x.w * y.w;
}
#endif
static inline uint pair_of(float x, float y)
{
    uint word;
    vstore_half2((float2)(x, y), 0, (half *)&word);
    return word;
}
#if F16_SUMS
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#define h2 half2
#define F4_OF_HALVES(a, b) convert_float4((half4)(as_half2(a), as_half2(b)))
#define h2_of(word) as_half2(word)
#endif
#endif
#define h2_low(h) ((h).xx)
#define h2_high(h) ((h).yy)
#define h2_fma(a, b, c) fma(a, b, c)
#define pair_low(a, b) (((a) & 0xffffu) | (b) << 16)
#define pair_high(a, b) ((a) >> 16 | ((b) & 0xffff0000u))
