/* The first lines of a kernel that walks tile lists: which head, queries and entries are this workgroup's. A text within a kernel. */
    i32 rest = I32(GROUP);
    const i32 tile = rest % PRM(q_tiles); rest /= PRM(q_tiles);
    const i32 split = rest % PRM(splits); rest /= PRM(splits);
    rest /= PRM(dv_slices);
    const i32 h = rest % PRM(heads), b = rest / PRM(heads), hkv = h / PRM(group_heads);
    const i32 head_at = 3 * (b * PRM(heads) + h), tile_at = LI(head_at) + 2 * tile, rows_at = LI(tile_at), rows = LI(tile_at + 1);
    const i32 piece_at = LI(head_at + 1) + 2 * ((tile * PRM(splits) + split) * PRM(passes) + PRM(pass));

    const ptr qb = PADD(q, I64(b) * PRM(q_sb) + I64(h) * PRM(q_sh));
    const ptr kb = PADD(k, I64(b) * PRM(k_sb) + I64(hkv) * PRM(k_sh));

#if TILE == TILE_SUBGROUP
    f32 qs[D * CELLS], ps[BC * CELLS];
    f32 code_step[CODES != 0 ? CELLS : 1], code_shift[CODES != 0 ? CELLS : 1];
    i32 row_at[CELLS], tag_low[TAGGED != 0 ? CELLS : 1], tag_high[TAGGED != 0 ? CELLS : 1];
#endif
    /* Columns past the last query repeat it, and are never stored. */
    for (i32 c = CELL0; c < CELLS; c += CELL_STEP) {
        for (i32 l = 0; l < VW; l++) {
            const i32 col = CELL_COL(c) + l, at = rows == 0 ? 0 : LI(rows_at + (col < rows ? col : rows - 1));
            row_at[c + l] = at;
            if (CODES != 0) {
                code_step[c + l] = LDF(PADD(qb, I64(at) * PRM(q_sn)), CODES_END);
                code_shift[c + l] = LDF(PADD(qb, I64(at) * PRM(q_sn)), CODES_END + 1);
            }
            if (TAGGED != 0) {
                tag_low[c + l] = I32(LD32(query_tags, 2 * at));
                tag_high[c + l] = I32(LD32(query_tags, 2 * at + 1));
            }
        }
    }
    SYNC();
#if TILE == TILE_VECTOR || TILE == TILE_SUBGROUP
    for (i32 c = 0; c < CELLS; c++) {
        const ptr row = PADD(qb, I64(row_at[c]) * PRM(q_sn));
        for (i32 d = 0; d < D; d++) qs[d * CELLS + c] = load_as(Q_DT, row, d * PRM(q_sd));
    }
#endif

    /* Walks the entries of the piece, BC keys at a time. */
    i32 entry = LI(piece_at), entries = LI(piece_at + 1), left = 0, key0 = 0, block = -1, block_at = 0, bits_at = 0;
#if TILE == TILE_SIMT
    bool begun = false;
    const bool q_whole = PIECES_WHOLE(DOT_PER, Q_DT, qb, PRM(q_sn), PRM(q_sd)), k_whole = PIECES_WHOLE(DOT_PER, K_DT, kb, PRM(k_sn), PRM(k_sd));
    /* Pieces of whole rows, as an invocation fetches them. */
    const bool k_fast = k_whole && D % D_CHUNK + PIECES_LEFT(BC, K_PIECES) == 0;
    const bool q_fast = q_whole && D % D_CHUNK + Q_CHUNKS - 1 + PIECES_LEFT(QT, K_PIECES) == 0;
    const i64 k_from = I64(PIECE_ROW(0, K_PIECES)) * PRM(k_sn) + I64(PIECE_AT(K_PIECES) * 4 * DOT_PER * dtype_size(K_DT));
    ptr q_from[PIECE_COUNT(QT, K_PIECES)];
    UNROLL for (i32 n = 0; n < PIECE_COUNT(QT, K_PIECES); n++) {
        const i32 r = PIECE_ROW(n, K_PIECES);
        q_from[n] = PADD(qb, I64(row_at[r < QT ? r : QT - 1]) * PRM(q_sn) + I64(PIECE_AT(K_PIECES) * 4 * DOT_PER * dtype_size(Q_DT)));
    }
#endif
