/* The words of dpas.h without matrix engines, nor sub-groups, for tests: what the texts of the extensions say, computed by each invocation.
 *
 * cl_intel_subgroups, "Sub Group Read and Write Functions": "The data is read strided, so the first value read is p[ sub_group_local_id ] and
 * the second value read is p[ sub_group_local_id + max_sub_group_size ]"; cl_intel_subgroup_local_block_io has the same of shared memory, and
 * cl_intel_subgroups_short of 16 bits.
 *
 * cl_intel_subgroup_matrix_multiply_accumulate, 6.13.X: a is M x K, M the components of its vector, K / (invocations of a sub-group) values of a
 * row from each invocation, in their order; b is K x N, a column from each invocation, packed in 8 words; acc and result are M x N, a column
 * of each invocation. Its coding sample multiplies what an invocation i gives of a row with the i-th piece of the column.
 *
 * A matrix a is where it was read from: what other invocations have of it is what they read there. */
#undef UNROLL
#define UNROLL /* a CPU's compiler takes minutes for long straight lines between barriers */
#if SUBGROUP == 8
typedef uint a_piece_;
#else
typedef ushort a_piece_;
#endif
#define mat_a __local const a_piece_ *
#define MAT_LOAD_A(p) ((__local const a_piece_ *)(p))

/* What invocation i of the sub-group has of row m. */
HELPER uint piece_of_(mat_a a, int m, int i) { return a[i + m * SUBGROUP]; }

/* Value k of a column, as 16 and as 8 bits. */
HELPER uint column16_(const int *b, int k) { return (uint)b[k / 2] >> (k % 2 * 16) & 0xffffu; }
HELPER int column8_(const int *b, int k) { return (int)((uint)b[k / 4] << (24 - k % 4 * 8)) >> 24; }

HELPER float number16_(uint bits)
{
#if MAT_DT == 2
    return as_float(bits << 16);
#else
    const ushort half_bits = (ushort)bits;
    return vload_half(0, (const half *)&half_bits);
#endif
}

HELPER mat_c mat_mul_(mat_a a, mat_b b, mat_c c)
{
    const int each = 16 / SUBGROUP; /* values of a row from an invocation */
    float sums[8];
    int column[8];
    vstore8(c, 0, sums);
    vstore8(b, 0, column);
    for (int m = 0; m < 8; m++)
        for (int i = 0; i < SUBGROUP; i++)
            for (int v = 0; v < each; v++)
                sums[m] = fma(number16_(piece_of_(a, m, i) >> (16 * v) & 0xffffu), number16_(column16_(column, i * each + v)), sums[m]);
    return vload8(0, sums);
}
#define MAT_MUL(a, b, c) mat_mul_(a, b, c)

HELPER mat_sums mat_mul_codes_(mat_a a, mat_b b, mat_sums c)
{
    const int each = 32 / SUBGROUP;
    int sums[8], column[8];
    vstore8(c, 0, sums);
    vstore8(b, 0, column);
    for (int m = 0; m < 8; m++)
        for (int i = 0; i < SUBGROUP; i++)
            for (int v = 0; v < each; v++) sums[m] += ((int)(piece_of_(a, m, i) << (24 - 8 * v)) >> 24) * column8_(column, i * each + v);
    return vload8(0, sums);
}
#define MAT_MUL_CODES(a, b, c) mat_mul_codes_(a, b, c)

#if MAT_DT == 2
#define MAT_PAIR(x, y) (f32_to_bf16(x) | f32_to_bf16(y) << 16)
#else
#define MAT_PAIR(x, y) (f32_to_f16(x) | f32_to_f16(y) << 16)
#endif
#define MAT_EXP2(x) exp2(x)
#define UNIFORM(x) (x)
#define LINE_LD(p) (p)[SUBLANE]
#define LINE_ST(p, x) (p)[SUBLANE] = (x)
#define SUBGROUP_AT (LANE / SUBGROUP)
#define SUBLANE (LANE % SUBGROUP)
#define SUBGROUP_SAYS(c) (c) /* what all do where one has to, one may do alone */
