/* What the forms of the flash kernel in tile model matrix share: how rows of queries, keys and values are read, and scores in powers of two. */
#ifndef TSR_MATRIX_ROWS_H
#define TSR_MATRIX_ROWS_H

/* What values are multiplied as; bytes of an element of queries and keys, and of a value. */
#if MAT_DT == 7
#define VALUE_DT 1
#define CODE_BYTES 1
#else
#define VALUE_DT MAT_DT
#define CODE_BYTES 2
#endif
#define VALUE_BYTES (V_DT == 0 ? 4 : V_DT == 7 ? 1 : 2)
/* Does something stand between all scores and their softmax? CODES_PASS: the steps of codes do, as sums do not lie as scores. */
#define SCORES_CHANGE (CODES_PASS || HAS_CAP != 0 || BIAS_DT >= 0 || HAS_MASK != 0 || TAGGED != 0 || HAS_USER)

/* Can rows be read in pieces of 16 bytes, those of values in codes in 8? */
#define KEYS_MAY_BE_WIDE (D * CODE_BYTES % 16 == 0)
#define VALUES_MAY_BE_WIDE ((V_DT == VALUE_DT || V_DT == 7) && DV_SLICE % 8 == 0)
#define VALUE_PIECE (V_DT == 7 ? 8u : 16u)
#define KEY_PIECES (D * CODE_BYTES / 16 > 0 ? D * CODE_BYTES / 16 : 1)
#define VALUE_PIECES (DV_SLICE / 8 > 0 ? DV_SLICE / 8 : 1)
/* Steps that a tile's codes have. */
#define STEP_ROWS (CODES != 0 ? BC : 1)
#define IS_WIDE(p, step, sd, piece) ((sd) == 1 && ((PLOW(p) | U32(step)) & ((piece) - 1u)) == 0u && (step) < I64(1 << 20))
/* The n-th piece of 8 values of a row, and word w of it as pairs of what is multiplied. */
#define LOAD_VALUES(to, p, n)                                                                      \
    if (V_DT == 7) {                                                                               \
        to[0] = LD32(p, 2 * (n));                                                                  \
        to[1] = LD32(p, 2 * (n) + 1);                                                              \
    } else {                                                                                       \
        to = LD128(p, n);                                                                          \
    }
#define VALUE_WORD(from, w) (V_DT == 7 ? CODES_AS_F16(from[(w) / 2] >> ((w) % 2 * 16)) : from[w])
/* A row of a tile; past the last key the last one. */
#define CLAMPED(r, keys) ((r) < (keys) ? (r) : (keys) - 1)
#define ROW(src, step, first, list, r, keys)                                                       \
    PADD(src, I64(GATHERED != 0 ? (first) + LI((list) + CLAMPED(r, keys)) : (first) + CLAMPED(r, keys)) * (step))

/* Rows of any kind, element by element: word w of a row of n elements, zeros behind the last. */
#if MAT_DT == 7
#define LOAD_WORD(row, w, sd, n) ((w) * 4 >= (n) ? 0u : (n) - (w) * 4 >= 4 ? LD32(row, w) : LD32(row, w) & ((1u << U32(((n) - (w) * 4) * 8)) - 1u))
#else
#define LOAD_WORD(row, w, sd, n)                                                                   \
    (((w) * 2 < (n) ? LD16(row, (w) * 2 * (sd)) : 0u) | ((w) * 2 + 1 < (n) ? LD16(row, ((w) * 2 + 1) * (sd)) << 16 : 0u))
#endif
/* One value as 16 bits of the type that is multiplied. */
#if MAT_DT == 2
#define TO_VALUE(x) f32_to_bf16(x)
#else
#define TO_VALUE(x) f32_to_f16(x)
#endif
#define VALUE_BITS(row, d) ((d) >= dvn ? 0u : V_DT == VALUE_DT ? LD16(row, (d) * PRM(v_sd)) : TO_VALUE(load_as(V_DT, row, (d) * PRM(v_sd))))
/* The step of a channel of values in codes, which stand behind the last key. */
#define VALUE_STEP(d) LDF(PADD(vb, I64(PRM(nk)) * PRM(v_sn)), dv0 + ((d) < dvn ? (d) : dvn - 1))

/* Scores in powers of two; finite ones stay so, the largest being the largest. Beside codes they stay natural, and weights that
 * become codes are those of other devices to the last bits, for these decide how they round to few of them. */
#if MAT_DT == 7
#define TO_POWER(x) (x)
#define FROM_POWER(x) (x)
#define POWER_UNIT 1.0f
#define WEIGHT(s, factor, base) (P_DT == 7 ? fv_exp2(((s) - (base)) * LOG2E) : MAT_EXP2(((s) - (base)) * LOG2E))
#else
#define LARGEST 3.40282347e38f
#define TO_POWER(x) ((x) == NEG_INF ? NEG_INF : clamp((x) * LOG2E, -LARGEST, LARGEST))
#define FROM_POWER(x) (f32_abs(x) == LARGEST ? (x) : (x) * LN2)
#define POWER_UNIT LN2
#define WEIGHT(s, factor, base) MAT_EXP2(f32_fma(s, factor, -(base)))
#endif

#endif
