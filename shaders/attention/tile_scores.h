/* One turn of the walk: the next tile of keys, and its scores in ps. A text within a kernel's loop. */
        if (left == 0) { TAKE_ENTRY(key0, left, block, block_at, bits_at) }
        const i32 keys = left < BC ? left : BC;
        const bool tested = TESTED != 0 && block >= 0 && block % 2 == 0;

        /* Scores of the tile: S = K Q. */
#if TILE == TILE_SIMT
#include "simt_scores.h"
#else
        fv acc[RM][RN];
        if (IN_PLACE(K_DT)) {
            const i32 k_sd = PRM(k_sd);
            i32 row0 = 0;
            do {
#ifdef FETCH_VALUES
                FETCH_VALUES(row0)
#endif
                ptr k_row[RM];
                UNROLL for (i32 i = 0; i < RM; i++)
                    k_row[i] = PADD(kb, I64(KEY(row0 + i < keys ? row0 + i : keys - 1)) * PRM(k_sn));
                i32 s0 = 0;
                do {
                    const i32 sn = D - s0 < SUM_D ? D - s0 : SUM_D;
                    TILE_ZERO(acc)
#define A_(kk, i) load_as(K_DT, k_row[i], (s0 + kk) * k_sd)
#define B_(kk, j) FV_LD(qs, (s0 + kk) * CELLS + CELL(j))
                    TILE_MUL(acc, A_, B_, sn)
#undef A_
#undef B_
                    STORE_SCORES(row0, s0 == 0)
                    s0 += SUM_D;
                } while (s0 < D);
                row0 += RM;
            } while (row0 < keys);
        } ELSE_STAGED
#if TILE == TILE_VECTOR
        {
            TILE_ZERO(acc)
            for (i32 d0 = 0; d0 < D; d0 += D_CHUNK) {
                const i32 dn = D - d0 < D_CHUNK ? D - d0 : D_CHUNK;
                SYNC();
                STAGE_ROWS(K_DT, kb, PRM(k_sn), 0, d0, PRM(k_sd), keys, dn, D_CHUNK)
                SYNC();
                for (i32 row0 = TILE_ROW0; row0 < BC; row0 += TILE_ROWS) {
#ifdef FETCH_VALUES
                    FETCH_VALUES(row0)
#endif
                    for (i32 s0 = 0; s0 < dn; s0 += SUM_D) { /* staged heads may be longer than a part, and shorter */
                        const i32 sn = dn - s0 < SUM_D ? dn - s0 : SUM_D, end = d0 + s0 + sn;
                        if ((d0 + s0) % SUM_D == 0) { TILE_ZERO(acc) }
#define A_(kk, i) ks[(row0 + i) * D_CHUNK + s0 + kk]
#define B_(kk, j) FV_LD(qs, (s0 + kk) * QT + TILE_COL(j))
                        TILE_MUL(acc, A_, B_, sn)
#undef A_
#undef B_
                        if (end % SUM_D == 0 || end == D) { STORE_SCORES(row0, end <= SUM_D) }
                    }
                }
            }
        }
#endif
#endif
#if TILE == TILE_SIMT
        if (TO_MEMORY || tested)
#endif
        {
            SYNC();
#include "tile_passes.h"
        }
