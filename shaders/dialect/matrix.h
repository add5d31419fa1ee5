/* Cooperative matrices in the dialect, for tile model matrix (GLSL alone). MAT_DT: the storage type of inputs, as tsr_dtype: 1 fp16, 2 bf16,
 * 7 int8; sums are fp32, of int8 int32. bf16 is compiled as fp16, and becomes bf16 in SPIR-V (backends/vulkan/bfloat.c): kernels move, convert
 * and multiply values of MAT_IN, in and out of f16vec2 too, and compute with none; constants of it are 0.
 *
 * MAT_IN, MAT_SUM       the types of an element
 * MAT_A(m, k)  MAT_B(k, n)  MAT_C(m, n)  a sub-group's matrices: C += A B
 * MAT_ROWS, MAT_COLUMNS  how elements lie in memory: a row, a column after the other
 * SUBGROUP_AT, SUBLANE   the sub-group's number in the workgroup, the invocation's in the sub-group
 * MAT_EXP2(x)            2^x as the hardware has it
 * MAT_LARGEST, MAT_TOTAL(to, from, across)  of each row, or of each column, in all of its elements; the driver's own, where MAT_REDUCED is 1
 * CODES_AS_F16(x)        the lower two int8 of a word, as a word of fp16
 * u32x4                  16 bytes, as LD128 loads them; u128_p_(p).v is memory for coopMatLoad
 * MAT_SET8(matrix, e, word)  an invocation's elements from e on, of 16 bits, from 16 bytes */
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_vote : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_EXT_shader_explicit_arithmetic_types_int8 : require
#if MAT_REDUCED
#extension GL_NV_cooperative_matrix2 : require
#endif
#if MAT_DT == 7
#define MAT_IN int8_t
#define MAT_SUM int
#else
#define MAT_IN float16_t
#define MAT_SUM float
#endif
#define MAT(T, rows, columns, use) coopmat<T, gl_ScopeSubgroup, rows, columns, use>
#define MAT_A(m, k) MAT(MAT_IN, m, k, gl_MatrixUseA)
#define MAT_B(k, n) MAT(MAT_IN, k, n, gl_MatrixUseB)
#define MAT_C(m, n) MAT(MAT_SUM, m, n, gl_MatrixUseAccumulator)
#define MAT_ROWS gl_CooperativeMatrixLayoutRowMajor
#define MAT_COLUMNS gl_CooperativeMatrixLayoutColumnMajor

#define SUBGROUP_AT i32(gl_SubgroupID)
#define SUBLANE i32(gl_SubgroupInvocationID)
#define SUBGROUP_SAYS(c) subgroupAny(c)
#define SUBGROUP_XOR(x, mask) subgroupShuffleXor(x, mask)
#define MAT_EXP2(x) exp2(x)

#if MAT_REDUCED
float mat_larger(const in float a, const in float b) { return max(a, b); }
float mat_sum(const in float a, const in float b) { return a + b; }
#define MAT_REDUCE_(to, from, across, f)                                                           \
    if (across) { coopMatReduceNV(to, from, gl_CooperativeMatrixReduceColumnNV, f); }              \
    else { coopMatReduceNV(to, from, gl_CooperativeMatrixReduceRowNV, f); }
#define MAT_LARGEST(to, from, across) MAT_REDUCE_(to, from, across, mat_larger)
#define MAT_TOTAL(to, from, across) MAT_REDUCE_(to, from, across, mat_sum)
#endif

#define u32x4 uvec4
#define CODES_AS_F16(x) packFloat2x16(f16vec2(float16_t(i32((x) << 24) >> 24), float16_t(i32((x) << 16) >> 24)))
#define MAT_SET2_(matrix, e, bits)                                                                 \
    {                                                                                              \
        const f16vec2 pair_ = unpackFloat2x16(bits);                                               \
        matrix[e] = pair_.x;                                                                       \
        matrix[(e) + 1] = pair_.y;                                                                 \
    }
#define MAT_SET8(matrix, e, word)                                                                  \
    {                                                                                              \
        const u32x4 word_ = word;                                                                  \
        MAT_SET2_(matrix, e, word_.x)                                                              \
        MAT_SET2_(matrix, (e) + 2, word_.y)                                                        \
        MAT_SET2_(matrix, (e) + 4, word_.z)                                                        \
        MAT_SET2_(matrix, (e) + 6, word_.w)                                                        \
    }
