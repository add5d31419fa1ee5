/* Words of two fp16 values in the dialect, of which kernels built with PAIRS keep their operands. PAIRS 1: their products are made in fp32; 2: by the
 * GPU's own instruction (GLSL: VK_VALVE_shader_mixed_float_dot_product, which has numbers here as compilers older than it have no names;
 * OpenCL C: as AMD's compiler calls it).
 *
 * dot2(a, b, c)     c + the products of the low and of the high values of a and b, in fp32
 * pair_low(a, b)    the low values of two words as one word; pair_high: the high ones
 * pair_of(x, y)     two numbers from 0 to 1 rounded to fp16 */
#if defined(TSR_GLSL)
#if PAIRS == 2
#extension GL_EXT_spirv_intrinsics : require
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
#define pair_of(x, y) packHalf2x16(vec2(x, y))
#elif defined(__OPENCL_VERSION__)
#if PAIRS == 2
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#define dot2(a, b, c) __builtin_amdgcn_fdot2(as_half2(a), as_half2(b), c, false)
#else
static inline float dot2(uint a, uint b, float c)
{
    const float2 x = vload_half2(0, (const half *)&a), y = vload_half2(0, (const half *)&b);
    return fma(x.y, y.y, fma(x.x, y.x, c));
}
#endif
static inline uint pair_of(float x, float y)
{
    uint word;
    vstore_half2((float2)(x, y), 0, (half *)&word);
    return word;
}
#endif
#define pair_low(a, b) (((a) & 0xffffu) | (b) << 16)
#define pair_high(a, b) ((a) >> 16 | ((b) & 0xffff0000u))
