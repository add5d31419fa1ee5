/* What kernels that walk tile lists share: names of the lists, memory, staging of rows. */
#ifndef TSR_TILE_MEMORY_H
#define TSR_TILE_MEMORY_H

#define QT TILE_COLS
#define TAGS (TAGGED != 0 ? QT : 1)
#define CODE_COLS (CODES != 0 ? QT : 1)
/* Do scores in ps have the steps of codes already? */
#ifndef CODES_STAY
#define CODES_STAY false
#endif
/* Where a row of codes ends, in fp32. */
#define CODES_END ((D + 3) / 4)
#define LI(i) I32(LD32(lists, i))
#define BIT_WORDS ((QT + 31) / 32)
/* Where an entry's distances are, in units of BC words. */
#define UNIT_OF(block) ((block) < 0 ? 0 : (block) / 2)
/* The r-th key of the tile at hand. */
#define KEY(r) (key0 + (GATHERED != 0 ? LI(block_at + (r)) : (r)))

/* The next entry of the piece: its first key, how many, where its distances and its bits are. */
#define TAKE_ENTRY(key0, left, block, block_at, bits_at)                                           \
    key0 = LI(entry);                                                                              \
    left = LI(entry + 1);                                                                          \
    block = LI(entry + 2);                                                                         \
    block_at = I32(PRM(blocks_at)) + UNIT_OF(block) * BC;                                          \
    bits_at = block_at + BC;                                                                       \
    entry += 3;                                                                                    \
    entries--;

/* qs: queries, transposed; ks: staged rows; ps: scores. */
/* Rows of src [rows, n channels] as fp32 rows of ks, pitch apart. */
#if VW > 1
#define STAGE_ROWS(dt, src, row_bytes, row0, chan0, sd, rows, n, pitch)                                  \
    for (i32 r_ = 0; r_ < (rows); r_++) {                                                          \
        const ptr row_ = PADD(src, I64(KEY((row0) + r_)) * (row_bytes));                                   \
        const i32 to_ = r_ * (pitch);                                                              \
        i32 c_ = 0;                                                                                \
        if ((sd) == 1) {                                                                           \
            if ((dt) == 0) for (; c_ + VW <= (n); c_ += VW) FV_ST(ks, to_ + c_, FV_LDG(row_, (chan0) + c_)); \
            else if ((dt) == 1) for (; c_ + VW <= (n); c_ += VW) FV_ST(ks, to_ + c_, FV_LDGH(row_, (chan0) + c_)); \
            else if ((dt) == 7) for (; c_ + VW <= (n); c_ += VW) FV_ST(ks, to_ + c_, FV_LDG8(row_, (chan0) + c_)); \
            else for (; c_ + VW <= (n); c_ += VW) FV_ST(ks, to_ + c_, FV_LDGB(row_, (chan0) + c_)); \
        }                                                                                          \
        for (; c_ < (n); c_++) ks[to_ + c_] = load_as(dt, row_, ((chan0) + c_) * (sd));            \
    }
#endif

/* Rows that an invocation reads where they lie, one value for all its columns: it converts them once for each micro-tile of queries, so
 * those of a CPU's vectors are staged where that is work. */
#if TILE == TILE_SUBGROUP
#define IN_PLACE(dt) true
#define ELSE_STAGED
#else
#define IN_PLACE(dt) ((dt) == 0)
#define ELSE_STAGED else
#endif

/* Rows that are read next come into the cache while those at hand are multiplied, RM at each turn: the list says which they are, and no
 * hardware guesses gathered ones. Rows from, from + step, ... of the tile that begins at first, whose distances are at list. Straight
 * lines: short loops that end now and then cost more than what they fetch. */
#if TILE == TILE_VECTOR
#define FETCH_ROWS(src, row_bytes, bytes, first, list, from, step)                                                                   \
    for (i32 f_ = (from); f_ < BC; f_ += (step)) {                                                                                   \
        ptr row_[RM];                                                                                                                \
        UNROLL for (i32 i_ = 0; i_ < RM; i_++) {                                                                                     \
            const i32 key_ = (first) + LI((list) + f_ + i_);                                                                         \
            row_[i_] = PADD(src, I64(key_ < PRM(nk) ? key_ : 0) * (row_bytes));                                                      \
        }                                                                                                                            \
        for (i32 b_ = 0; b_ < (bytes); b_ += 256) {                                                                                  \
            UNROLL for (i32 i_ = 0; i_ < RM; i_++) {                                                                                 \
                UNROLL for (i32 l_ = 0; l_ < 4; l_++) PREFETCH(PADD(row_[i_], b_ + 64 * l_));                                        \
            }                                                                                                                        \
        }                                                                                                                            \
    }
#endif

/* A micro-tile of scores to ps; out of registers, what is done to them needs no unrolled copies. */
/* Sums over long heads are made in parts of so many products, so that rounding grows slowly with D. */
#define SUM_D (D <= 128 ? D : 64)
#define STORE_SCORES(row0, first)                                                                  \
    UNROLL for (i32 i = 0; i < RM; i++) {                                                          \
        UNROLL for (i32 j = 0; j < RN; j++) {                                                      \
            const i32 at = ((row0) + i) * CELLS + CELL(j);                                         \
            const fv part = acc[i][j] * FV(PRM(scale));                                            \
            if (first) FV_ST(ps, at, part); else FV_ST(ps, at, FV_LD(ps, at) + part);              \
        }                                                                                          \
    }

/* At the end of a tile's turn. */
#if TILE == TILE_SIMT
#include "../tile/quads.h"
/* Of staged keys and queries, in words; those of queries of several values stay for all keys, but for short chunks, which come anew with those of keys. */
#define D_PITCH QUAD_PITCH(D_CHUNK / DOT_PER)
#define Q_CHUNKS (DOT_PER == 1 || D_CHUNK < 64 ? 1 : (D + D_CHUNK - 1) / D_CHUNK)
#define Q_PITCH QUAD_PITCH(Q_CHUNKS * D_CHUNK / DOT_PER)
#define K_PIECES (D_CHUNK / (4 * DOT_PER))
/* Steps of the codes of a tile's keys, those of an invocation's rows of scores side by side. */
#define KEY_STEPS (CODES != 0 ? BC : 4)
#define STEP_SLOT(r) ((r) / OUTER_PER % LM * RM + (r) / OUTER_PER / LM * OUTER_PER + (r) % OUTER_PER)
/* Do scores pass through memory, whatever the tile? */
#define TO_MEMORY (HAS_CAP + (BIAS_DT + 1) + HAS_MASK + TAGGED + (HAS_USER ? 1 : 0) + SCORES_STAY > 0)
#define NEXT_TILE begun = true; key0 += keys; left -= keys;
#else
#define NEXT_TILE key0 += keys; left -= keys;
#endif

#endif
