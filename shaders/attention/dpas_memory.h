/* Sizes of the flash kernel on Intel's matrix engines, and how rows get from global memory to operands. */
#ifndef TSR_DPAS_MEMORY_H
#define TSR_DPAS_MEMORY_H

#define CODES_STAY true
#define CODES_PASS false

#include "matrix_rows.h"

/* Queries of a sub-group, and matrices of them; matrices of keys and of channels; steps of channels and of keys, 32 bytes each. */
#define QS (QUERIES * SUBGROUP / LANES)
#define RQ (QS / SUBGROUP)
#define KEY_BLOCKS (BC / 8)
#define V_BLOCKS ((DV_SLICE + 7) / 8)
#define D_STEPS ((D * CODE_BYTES + 31) / 32)
#define KEY_STEPS (BC / 16)

/* What fits beside 128 registers of outputs, and scores: few queries (others are read from shared memory with each tile), and, beside one matrix
 * of queries, the rows of the next tile while this one's scores are made. */
#define Q_KEPT (D_STEPS * RQ <= 2)
#define AHEAD (RQ == 1)

/* Staged rows are operands, one after the other: keys (and queries) in blocks of 8, each step by step; channels of values likewise, keys along
 * them. The places of word w of key r, and of keys 2 n and 2 n + 1 of channel d. */
#define KEY_AT(r, w) (((r) / 8 * D_STEPS + (w) / 8) * MAT_WORDS + (r) % 8 * 8 + (w) % 8)
#define VALUE_AT(d, n) (((d) / 8 * KEY_STEPS + (n) / 8) * MAT_WORDS + (d) % 8 * 8 + (n) % 8)
#define KEY_WORDS (D_STEPS * 8)
#define SK_WORDS (KEY_BLOCKS * D_STEPS * MAT_WORDS)
#define SV_WORDS (V_BLOCKS * KEY_STEPS * MAT_WORDS)
#define PS_SIZE (SCORES_CHANGE || TESTED != 0 ? BC * QT : 1)

/* The next entry, as TAKE_ENTRY says: loops whose ends are known to be the same for all need no masks. */
#define TAKE_UNIFORM(key0, left, block, block_at, bits_at)                                         \
    TAKE_ENTRY(key0, left, block, block_at, bits_at)                                               \
    key0 = UNIFORM(key0);                                                                          \
    left = UNIFORM(left);                                                                          \
    block = UNIFORM(block);                                                                        \
    block_at = UNIFORM(block_at);                                                                  \
    bits_at = UNIFORM(bits_at);

/* A step of the j-th queries. */
#define STAGED_QUERY(d, j) MAT_LOAD_B(sq + KEY_AT(q0 + (j) * SUBGROUP, (d) * 8))
#define QUERY(d, j) (Q_KEPT ? qx[(d) * RQ + (j)] : STAGED_QUERY(d, j))

/* Pieces of 16 bytes that an invocation fetches: of keys in the order of rows, of values in that of pairs of keys, so that neighbours write
 * neighbouring words. */
#define KEY_UNITS ((BC * KEY_PIECES + LANES - 1) / LANES)
#define VALUE_UNITS ((BC / 2 * VALUE_PIECES + LANES - 1) / LANES)
#define PIECE(u) (LANE + (u) * LANES)
#define IS_PIECE(u, all) ((all) % LANES == 0 || PIECE(u) < (all))

/* Rows that lie together are fetched from where k_at and v_at say, in bytes from the first. */
#define FETCH_ROW(src, step, at, row0, last_at, first, list, r, keys)                              \
    (GATHERED != 0 ? ROW(src, step, first, list, r, keys) : PADD(row0, min(at, last_at)))
#define FETCH_KEYS(first, list, keys)                                                              \
    {                                                                                              \
        const ptr row0_ = PADD(kb, I64(first) * k_step);                                           \
        const u32 last_ = U32((keys) - 1) * U32(k_step);                                           \
        UNROLL for (i32 u = 0; u < KEY_UNITS; u++) {                                               \
            if (IS_PIECE(u, BC * KEY_PIECES)) {                                                    \
                const i32 r_ = PIECE(u) / KEY_PIECES;                                              \
                k_in[u] = LD128(FETCH_ROW(kb, k_step, k_at[u], row0_, last_, first, list, r_, keys), PIECE(u) % KEY_PIECES); \
            }                                                                                      \
        }                                                                                          \
    }
#define STORE_KEYS                                                                                 \
    UNROLL for (i32 u = 0; u < KEY_UNITS; u++) {                                                   \
        if (IS_PIECE(u, BC * KEY_PIECES)) STS128(sk, KEY_AT(PIECE(u) / KEY_PIECES, PIECE(u) % KEY_PIECES * 4), k_in[u]); \
    }
#define FETCH_VALUES(first, list, keys)                                                            \
    {                                                                                              \
        const ptr row0_ = PADD(vs, I64(first) * v_step);                                           \
        const u32 last_ = U32((keys) - 1) * U32(v_step);                                           \
        UNROLL for (i32 u = 0; u < VALUE_UNITS; u++) {                                             \
            if (IS_PIECE(u, BC / 2 * VALUE_PIECES)) {                                              \
                const i32 r_ = PIECE(u) % (BC / 2) * 2, at_ = PIECE(u) / (BC / 2);                 \
                LOAD_VALUES(v_in[2 * u], FETCH_ROW(vs, v_step, v_at[u], row0_, last_, first, list, r_, keys), at_) \
                LOAD_VALUES(v_in[2 * u + 1], FETCH_ROW(vs, v_step, v_at[u] + U32(v_step), row0_, last_, first, list, r_ + 1, keys), at_) \
            }                                                                                      \
        }                                                                                          \
    }
/* Two keys of 8 channels: turned, a word for each channel. */
#define STORE_VALUES                                                                               \
    UNROLL for (i32 u = 0; u < VALUE_UNITS; u++) {                                                 \
        if (IS_PIECE(u, BC / 2 * VALUE_PIECES)) {                                                  \
            const i32 n_ = PIECE(u) % (BC / 2), d_ = PIECE(u) / (BC / 2) * 8;                      \
            UNROLL for (i32 w = 0; w < 4; w++) {                                                   \
                const u32 x_ = VALUE_WORD(v_in[2 * u], w), y_ = VALUE_WORD(v_in[2 * u + 1], w);    \
                sv[VALUE_AT(d_ + 2 * w, n_)] = LOWER_HALVES(x_, y_);                               \
                sv[VALUE_AT(d_ + 2 * w + 1, n_)] = UPPER_HALVES(x_, y_);                           \
            }                                                                                      \
        }                                                                                          \
    }

/* The steps of a tile's codes. */
#define STAGE_STEPS(first, list, keys)                                                             \
    for (i32 r = LANE; r < BC && CODES != 0; r += LANES) key_step[r] = LDF(ROW(kb, k_step, first, list, r, keys), CODES_END);

/* The same of rows of any kind, element by element. */
#define STAGE_KEYS(first, list, keys)                                                              \
    for (i32 e = LANE; e < BC * KEY_WORDS; e += LANES) {                                           \
        const i32 r_ = e / KEY_WORDS, w_ = e % KEY_WORDS;                                          \
        const ptr row_ = ROW(kb, k_step, first, list, r_, keys);                                   \
        sk[KEY_AT(r_, w_)] = LOAD_WORD(row_, w_, PRM(k_sd), D);                                    \
    }
#define STAGE_VALUES(first, list, keys)                                                            \
    for (i32 e = LANE; e < V_BLOCKS * 8 * BC / 2; e += LANES) {                                    \
        const i32 n_ = e / (V_BLOCKS * 8), d_ = e % (V_BLOCKS * 8);                                \
        const ptr row0_ = ROW(vs, v_step, first, list, 2 * n_, keys), row1_ = ROW(vs, v_step, first, list, 2 * n_ + 1, keys); \
        sv[VALUE_AT(d_, n_)] = VALUE_BITS(row0_, d_) | VALUE_BITS(row1_, d_) << 16;                \
    }

/* Scores, query after query of a key, in lines that are a sub-group's: addresses of each invocation would take a register for each score. */
#define EACH_SCORE(step)                                                                           \
    UNROLL for (i32 i = 0; i < KEY_BLOCKS; i++) {                                                  \
        UNROLL for (i32 j = 0; j < RQ; j++) {                                                      \
            UNROLL for (i32 m = 0; m < 8; m++) { step(s[i * RQ + j][m], ps + (i * 8 + m) * QT + qs0 + j * SUBGROUP) } \
        }                                                                                          \
    }
#define SCORE_TO_MEMORY(x, line) LINE_ST(line, MAT_DT == 7 ? x : x * scale);
#define SCORE_FROM_MEMORY(x, line)                                                                 \
    {                                                                                              \
        const f32 score_ = LINE_LD(line);                                                          \
        x = TO_POWER(score_);                                                                      \
    }
#define SCORES_TO_MEMORY EACH_SCORE(SCORE_TO_MEMORY)
#define SCORES_FROM_MEMORY EACH_SCORE(SCORE_FROM_MEMORY)
/* Eight channels of outputs, query after query of a channel, in the place of queries. */
#define OUTPUT_AT(c, d) ((d) * QT + (c))
#define EACH_OUTPUT(step)                                                                          \
    UNROLL for (i32 j = 0; j < RQ; j++) {                                                          \
        UNROLL for (i32 m = 0; m < 8; m++) { step(o_acc[n * RQ + j][m], sq[OUTPUT_AT(q0 + j * SUBGROUP, m)]) } \
    }
#define TAKE_OUTPUT(x, place) x = AS_F32(place);
#define GIVE_OUTPUT(x, place) place = AS_U32(x);

#endif
