/* Sizes of the flash kernel on matrices, and how it moves rows, scores and outputs between global memory, shared memory and matrices. */
#ifndef TSR_MATRIX_MEMORY_H
#define TSR_MATRIX_MEMORY_H

#include "matrix_rows.h"
#include "matrix_lines.h"

/* What probabilities and values are multiplied as, and queries and keys. */
#if MAT_DT == 7
#define MAT_VALUE float16_t
#define SM CM
#define SN CN
#define SK CK
#else
#define MAT_VALUE MAT_IN
#define SM MM
#define SN MN
#define SK MK
#endif
#define MAT_F(m, n) MAT(float, m, n, gl_MatrixUseAccumulator)
#define VALUE_A MAT(MAT_VALUE, MM, MK, gl_MatrixUseA)
#define VALUE_B MAT(MAT_VALUE, MK, MN, gl_MatrixUseB)
#define QUERY_A MAT_A(SM, SK)
#define QUERY_B MAT_B(SK, SN)

/* Queries of a sub-group and of one of its matrices, keys and channels of a matrix. */
#define QS (QUERIES * SUBGROUP / LANES)
#define QN (ACROSS != 0 ? MN : MM)
#define RQ (QS / QN)
#define CQ (ACROSS != 0 ? SN : SM) /* the same of queries as scores take them */
#define RC (QS / CQ)
#define KN (ACROSS != 0 ? MM : MN)
#define KEY_BLOCKS (BC / KN)
#define VN KN
#define V_BLOCKS ((DV_SLICE + VN - 1) / VN)
#define V_TURNED (LINES > 0 ? 1 : 0) /* values are staged channel by channel */

/* Rows of keys (and queries) in words, padded to whole matrices; 4 words more keep rows apart in banks. */
#define D_STEPS ((D + SK - 1) / SK)
#define STEP_WORDS (SK * CODE_BYTES / 4)
#define KEY_WORDS (D_STEPS * STEP_WORDS)
#define KEY_PITCH ((KEY_WORDS + 3) / 4 * 4 + 4)
#define SK_WORDS (BC * KEY_PITCH)
/* Steps of queries that stay in registers; those behind are read from sq for each tile. */
#define Q_STEPS (D_STEPS * SK > 176 ? 176 / SK : D_STEPS)
#define Q_WORDS (D_STEPS > Q_STEPS ? (D_STEPS - Q_STEPS) * STEP_WORDS : 1)
#define Q_PITCH ((Q_WORDS + 3) / 4 * 4 + 4)
#define SQ_WORDS (D_STEPS > Q_STEPS ? QT * Q_PITCH : 1)
#define VALUE_PITCH ((V_TURNED != 0 ? BC / 2 : (V_BLOCKS * VN / 2 + 3) / 4 * 4) + 4)
#define SV_WORDS ((V_TURNED != 0 ? V_BLOCKS * VN : BC) * VALUE_PITCH)
/* Scores of codes are made of exact sums where these lie as scores do. */
#define CODES_STAY (CM == MM && CN == MN && LINES > 0)
#define CODES_PASS ((CM != MM || CN != MN) && CODES != 0) /* in this order, here and below: glslang 15 writes nested ones after what needs them */
#define ALL_BY_MEMORY (SCORES_CHANGE || LINES == 0)
#define PS_SIZE (ALL_BY_MEMORY || TESTED != 0 ? (BC > VN ? BC : VN) * QT : VN * QT)
#define PP_PITCH (BC + 8)
#define PP_SIZE (PASS == 0 || LINES == 0 ? QUERIES * PP_PITCH : 1)
#define IOTA_SIZE (QUERIES > BC ? QUERIES : BC)

/* Pieces of 16 bytes that an invocation fetches. */
#define KEY_UNITS ((BC * KEY_PIECES + LANES - 1) / LANES)
#define VALUE_PAIRS ((BC / 2 * VALUE_PIECES + LANES - 1) / LANES)
#define VALUE_UNITS (2 * VALUE_PAIRS)
/* The key that stands at a place of the staged values: where inputs are pairs of two invocations' elements, first all of the one. */
#define SLOT_KEY(n) (PASS == 2 ? (n) / MK * MK + (n) % MK % (MK / 2) * 2 + (n) % MK / (MK / 2) : (n))
/* Which piece of keys or values an invocation fetches n-th, and of which row; values come in two neighbouring rows. */
#define PIECE_ROW(n, pieces)                                                                       \
    (LANES % (pieces) == 0 ? LANE_U / U32(pieces) + U32((n) * (LANES / (pieces))) : (LANE_U + U32((n) * LANES)) / U32(pieces))
#define PIECE_AT(n, pieces) ((LANES % (pieces) == 0 ? LANE_U : LANE_U + U32((n) * LANES)) % U32(pieces))
#define KEY_ROW(n) I32(PIECE_ROW(n, KEY_PIECES))
#define KEY_AT(n) PIECE_AT(n, KEY_PIECES)
#define VALUE_ROW(n) I32(2u * PIECE_ROW((n) / 2, VALUE_PIECES) + U32((n) % 2))
#define VALUE_AT(n) PIECE_AT((n) / 2, VALUE_PIECES)
#define LANE_U gl_LocalInvocationID.x

/* Rows that lie together are fetched from where k_at and v_at say, in bytes from the first. */
#define FETCH(in_, units, load, bytes, src, step, at, piece, row, first, list, keys)               \
    if (GATHERED == 0) {                                                                           \
        const ptr row0 = PADD(src, I64(first) * step);                                             \
        const u32 last_at = U32(((keys) - 1) * I32(step));                                         \
        UNROLL for (i32 u = 0; u < units; u++) { load(in_[u], PADD(row0, min(at[u], last_at) + piece(u) * bytes), 0) } \
    } else {                                                                                       \
        UNROLL for (i32 u = 0; u < units; u++) { load(in_[u], ROW(src, step, first, list, row(u), keys), I32(piece(u))) } \
    }
#define LOAD_KEYS(to, p, n) to = LD128(p, n);
#define VALUE_KEY(n) SLOT_KEY(VALUE_ROW(n))
#define FETCH_KEYS(first, list, keys) FETCH(k_in, KEY_UNITS, LOAD_KEYS, 16u, kb, k_step, k_at, KEY_AT, KEY_ROW, first, list, keys)
#define FETCH_VALUES(first, list, keys) FETCH(v_in, VALUE_UNITS, LOAD_VALUES, VALUE_PIECE, vs, v_step, v_at, VALUE_AT, VALUE_KEY, first, list, keys)
#define STORE_KEYS                                                                                 \
    UNROLL for (i32 u = 0; u < KEY_UNITS; u++) {                                                   \
        const u32 r = U32(KEY_ROW(u)), to = r * U32(KEY_PITCH) + KEY_AT(u) * 4u;                   \
        if (BC * KEY_PIECES % LANES == 0 || r < U32(BC)) {                                         \
            UNROLL for (i32 w = 0; w < 4; w++) sk[to + U32(w)] = k_in[u][w];                       \
        }                                                                                          \
    }
/* Two neighbouring keys of 8 channels: turned, a word for each channel. */
#define STORE_VALUES                                                                               \
    UNROLL for (i32 u = 0; u < VALUE_UNITS; u += 2) {                                              \
        const u32 n = U32(VALUE_ROW(u)) / 2u, d = VALUE_AT(u);                                     \
        if (BC / 2 * VALUE_PIECES % LANES == 0 || n < U32(BC / 2)) {                               \
            UNROLL for (i32 w = 0; w < 4; w++) {                                                   \
                const u32 x = VALUE_WORD(v_in[u], w), y = VALUE_WORD(v_in[u + 1], w);              \
                if (V_TURNED != 0) {                                                               \
                    const f16vec2 x2 = unpackFloat2x16(x), y2 = unpackFloat2x16(y);                \
                    const u32 to = (d * 8u + U32(w * 2)) * U32(VALUE_PITCH) + n;                   \
                    sv[to] = packFloat2x16(f16vec2(x2.x, y2.x));                                   \
                    sv[to + U32(VALUE_PITCH)] = packFloat2x16(f16vec2(x2.y, y2.y));                \
                } else {                                                                           \
                    const u32 to = 2u * n * U32(VALUE_PITCH) + d * 4u + U32(w);                    \
                    sv[to] = x;                                                                    \
                    sv[to + U32(VALUE_PITCH)] = y;                                                 \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
    }

/* The steps of a tile's codes. */
#define STEP_UNITS ((STEP_ROWS + LANES - 1) / LANES)
#define FETCH_STEPS(first, list, keys)                                                             \
    UNROLL for (i32 u = 0; u < STEP_UNITS && CODES != 0; u++)                                      \
        step_in[u] = LDF(ROW(kb, k_step, first, list, (LANE + u * LANES) % BC, keys), CODES_END);
#define STORE_STEPS                                                                                \
    UNROLL for (i32 u = 0; u < STEP_UNITS && CODES != 0; u++) {                                    \
        if (LANE + u * LANES < BC) key_step[LANE + u * LANES] = step_in[u];                        \
    }

#define STAGE_KEYS(first, list, keys)                                                              \
    for (i32 e = LANE; e < BC * KEY_WORDS; e += LANES)                                             \
        sk[e / KEY_WORDS * KEY_PITCH + e % KEY_WORDS] =                                            \
            LOAD_WORD(ROW(kb, k_step, first, list, e / KEY_WORDS, keys), e % KEY_WORDS, PRM(k_sd), D);
#define STAGE_VALUES(first, list, keys)                                                            \
    for (i32 e = LANE; e < V_BLOCKS * VN * BC / 2; e += LANES) {                                   \
        const i32 n = V_TURNED != 0 ? e / (V_BLOCKS * VN) * 2 : e / (V_BLOCKS * VN / 2);           \
        const i32 d = V_TURNED != 0 ? e % (V_BLOCKS * VN) : e % (V_BLOCKS * VN / 2) * 2;           \
        const ptr row = ROW(vs, v_step, first, list, SLOT_KEY(n), keys);                        \
        if (V_TURNED != 0) {                                                                       \
            const ptr row1 = ROW(vs, v_step, first, list, SLOT_KEY(n + 1), keys);               \
            sv[d * VALUE_PITCH + n / 2] = VALUE_BITS(row, d) | VALUE_BITS(row1, d) << 16;          \
        } else {                                                                                   \
            sv[n * VALUE_PITCH + d / 2] = VALUE_BITS(row, d) | VALUE_BITS(row, d + 1) << 16;       \
        }                                                                                          \
    }
/* A matrix whose elements depend on their query alone, or on their key. */
#define LOAD_BY_QUERY(m, from, i)                                                                  \
    if (ACROSS != 0) { coopMatLoad(m, from, i, 0, MAT_ROWS); } else { coopMatLoad(m, from, i, 0, MAT_COLUMNS); }
#define LOAD_BY_KEY(m, from, i)                                                                    \
    if (ACROSS != 0) { coopMatLoad(m, from, i, 0, MAT_COLUMNS); } else { coopMatLoad(m, from, i, 0, MAT_ROWS); }
/* Outputs, channel after channel of a query. */
#define LOAD_OUTPUTS(m, from, i)                                                                   \
    if (ACROSS != 0) { coopMatLoad(m, from, i, VN, MAT_COLUMNS); } else { coopMatLoad(m, from, i, VN, MAT_ROWS); }
#define STORE_OUTPUTS(m, to, i)                                                                    \
    if (ACROSS != 0) { coopMatStore(m, to, i, VN, MAT_COLUMNS); } else { coopMatStore(m, to, i, VN, MAT_ROWS); }

/* Scores, query after query of a key. Those of codes that do not stay are there already. */
#define SCORES_TO_MEMORY                                                                           \
    UNROLL for (i32 i = 0; i < KEY_BLOCKS && (MAT_DT != 7 || CODES_STAY); i++) {                   \
        UNROLL for (i32 j = 0; j < RQ; j++) {                                                      \
            if (MAT_DT != 7) s[i * RQ + j] = s[i * RQ + j] * scale;                                \
            if (ACROSS != 0) { coopMatStore(s[i * RQ + j], ps, i * KN * QT + q0 + j * QN, QT, MAT_ROWS); } \
            else { coopMatStore(s[i * RQ + j], ps, i * KN * QT + q0 + j * QN, QT, MAT_COLUMNS); }  \
        }                                                                                          \
    }
#define SCORES_FROM_MEMORY                                                                         \
    UNROLL for (i32 i = 0; i < KEY_BLOCKS && LINES > 0; i++) {                                     \
        UNROLL for (i32 j = 0; j < RQ; j++) {                                                      \
            if (ACROSS != 0) { coopMatLoad(s[i * RQ + j], ps, i * KN * QT + q0 + j * QN, QT, MAT_ROWS); } \
            else { coopMatLoad(s[i * RQ + j], ps, i * KN * QT + q0 + j * QN, QT, MAT_COLUMNS); }   \
            UNROLL for (i32 n = 0; n < s[i * RQ + j].length(); n++) {                              \
                const f32 x = s[i * RQ + j][n];                                                    \
                s[i * RQ + j][n] = TO_POWER(x);                                                    \
            }                                                                                      \
        }                                                                                          \
    }

/* sums(j) += K Q of keys from i on, a step of channels d and the j-th queries: keys are read once for all of these. */
#define MULTIPLY_KEYS(sums, i, d)                                                                  \
    if (ACROSS != 0) {                                                                             \
        MAT_A(SM, SK) ka;                                                                          \
        coopMatLoad(ka, sk, (i) * KEY_PITCH + (d) * STEP_WORDS, KEY_PITCH, MAT_ROWS);              \
        UNROLL for (i32 j = 0; j < RC; j++) {                                                      \
            QUERY_B qb_;                                                                           \
            if ((d) < Q_STEPS) { qb_ = qx[(d) * RC + j]; }                                         \
            else { coopMatLoad(qb_, sq, (q0 + j * CQ) * Q_PITCH + ((d) - Q_STEPS) * STEP_WORDS, Q_PITCH, MAT_COLUMNS); } \
            sums(j) = coopMatMulAdd(ka, qb_, sums(j));                                             \
        }                                                                                          \
    } else {                                                                                       \
        MAT_B(SK, SN) kx;                                                                          \
        coopMatLoad(kx, sk, (i) * KEY_PITCH + (d) * STEP_WORDS, KEY_PITCH, MAT_COLUMNS);           \
        UNROLL for (i32 j = 0; j < RC; j++) {                                                      \
            QUERY_A qa_;                                                                           \
            if ((d) < Q_STEPS) { qa_ = qa[(d) * RC + j]; }                                         \
            else { coopMatLoad(qa_, sq, (q0 + j * CQ) * Q_PITCH + ((d) - Q_STEPS) * STEP_WORDS, Q_PITCH, MAT_ROWS); } \
            sums(j) = coopMatMulAdd(qa_, kx, sums(j));                                             \
        }                                                                                          \
    }

/* From scores in registers to an input of the next product. */
#if MAT_REDUCED
#define PASS_ON(T, p, from) p = T(from);
#else
#define PASS_ON(T, p, from)                                                                         \
    UNROLL for (i32 e_ = 0; e_ < from.length(); e_ += 2) {                                         \
        const f16vec2 own_ = f16vec2(from[e_], from[e_ + 1]);                                      \
        if (PASS == 1) {                                                                           \
            p[e_] = own_.x;                                                                        \
            p[e_ + 1] = own_.y;                                                                    \
        } else { /* first the elements of the invocation whose bit is 0 */                         \
            const u32 mine_ = packFloat2x16(own_), other_ = SUBGROUP_XOR(mine_, PAIR);             \
            const bool second_ = (SUBLANE & PAIR) != 0;                                            \
            const f16vec2 x_ = unpackFloat2x16(second_ ? other_ : mine_), y_ = unpackFloat2x16(second_ ? mine_ : other_); \
            p[e_] = x_.x;                                                                          \
            p[e_ + 1] = x_.y;                                                                      \
            p[from.length() + e_] = y_.x;                                                          \
            p[from.length() + e_ + 1] = y_.y;                                                      \
        }                                                                                          \
    }
#endif

/* O += V P; values too are read once for all queries. */
#define MULTIPLY_VALUES                                                                            \
    UNROLL for (i32 k_ = 0; k_ < BC / MK; k_++) {                                                  \
        VALUE_A pa[RQ];                                                                            \
        VALUE_B px[RQ];                                                                            \
        UNROLL for (i32 j = 0; j < RQ; j++) {                                                      \
            if (PASS == 0 || LINES == 0) {                                                         \
                if (ACROSS != 0) { coopMatLoad(px[j], pp, (q0 + j * QN) * PP_PITCH + k_ * MK, PP_PITCH, MAT_COLUMNS); } \
                else { coopMatLoad(pa[j], pp, (q0 + j * QN) * PP_PITCH + k_ * MK, PP_PITCH, MAT_ROWS); } \
            } else if (ACROSS != 0) { PASS_ON(VALUE_B, px[j], s[k_ * RQ + j]) }                    \
            else { PASS_ON(VALUE_A, pa[j], s[k_ * RQ + j]) }                                       \
        }                                                                                          \
        UNROLL for (i32 n = 0; n < V_BLOCKS; n++) {                                                \
            if (ACROSS != 0) {                                                                     \
                VALUE_A va;                                                                        \
                if (V_TURNED != 0) { coopMatLoad(va, sv, n * VN * VALUE_PITCH + k_ * MK / 2, VALUE_PITCH, MAT_ROWS); } \
                else { coopMatLoad(va, sv, k_ * MK * VALUE_PITCH + n * VN / 2, VALUE_PITCH, MAT_COLUMNS); } \
                UNROLL for (i32 j = 0; j < RQ; j++) o_acc[n * RQ + j] = coopMatMulAdd(va, px[j], o_acc[n * RQ + j]); \
            } else {                                                                               \
                VALUE_B vx;                                                                        \
                if (V_TURNED != 0) { coopMatLoad(vx, sv, n * VN * VALUE_PITCH + k_ * MK / 2, VALUE_PITCH, MAT_COLUMNS); } \
                else { coopMatLoad(vx, sv, k_ * MK * VALUE_PITCH + n * VN / 2, VALUE_PITCH, MAT_ROWS); } \
                UNROLL for (i32 j = 0; j < RQ; j++) o_acc[n * RQ + j] = coopMatMulAdd(pa[j], vx, o_acc[n * RQ + j]); \
            }                                                                                      \
        }                                                                                          \
    }

#endif
