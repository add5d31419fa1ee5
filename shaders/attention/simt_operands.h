/* What tile model simt multiplies probabilities and values as: fp32, or words of OUTER_PER neighbouring keys, fp16 or codes; with F16_SUMS words of
 * two neighbouring queries and of two channels, fp16.
 *
 * WEIGHT(s, base)        e^(s - base)
 * PUT_WEIGHTS(at, p)     probabilities of OUTER_PER neighbouring keys, for four queries
 * V_WORDS                words of a staged row of values
 * STAGE_VALUES           KV_CHUNK whole rows of values; STAGE_SOME_VALUES: rn rows of any kind, zeros behind them
 * VALUES_WHOLE           may whole rows be staged so? V_PIECES: pieces of such a row */
#define SAME_ROW(r) (r)
#define PLAIN_PLACE(n) VALUE_PLACE(n, 0)
#if F16_SUMS
#define V_WORDS (V_PITCH / 2)
#define V_PIECE 8
#define VALUES_WHOLE PIECES_WHOLE(2, V_DT, PADD(vb, dv0 * dtype_size(V_DT)), PRM(v_sn), PRM(v_sd))
#define PUT_WEIGHTS(at, p)                                                                         \
    {                                                                                              \
        pw[HALF(at)] = pair_of(ROUNDED(p[0].x), ROUNDED(p[0].y));                                  \
        pw[HALF(at) + 1] = pair_of(ROUNDED(p[0].z), ROUNDED(p[0].w));                              \
    }
/* Values of 4096 and more, of which SUMMED may come to more than fp16 holds, make the workgroup's `large` 1. */
#define NOTE_LARGE(word) large_ |= ((word) & 0x7fff7fffu) + 0x14001400u;
#define TELL_LARGE if ((large_ & 0x80008000u) != 0u) large[0] = 1;
#define NOTE_PIECE(piece) NOTE_LARGE(piece.x) NOTE_LARGE(piece.y) NOTE_LARGE(piece.z) NOTE_LARGE(piece.w)
#define VALUE_PIECE(dt, p) LD128(p, 0)
#define STAGE_VALUES                                                                               \
    {                                                                                              \
        u32 large_ = 0u;                                                                           \
        STAGE_PIECES_SEEN(ks, V_WORDS, SAME_ROW, KV_CHUNK, V_PIECES, VALUE_PIECE, V_DT, PLAIN_PLACE, NOTE_PIECE, TELL_LARGE) \
    }
#define STAGE_SOME_VALUES                                                                          \
    {                                                                                              \
        u32 large_ = 0u;                                                                           \
        for (i32 e_ = LANE; e_ < held_rows * V_WORDS; e_ += LANES) {                               \
            const i32 r_ = e_ / V_WORDS, c_ = 2 * (e_ - r_ * V_WORDS);                             \
            u32 word_ = 0u;                                                                        \
            if (r_ < rn) word_ = load_pair(VALUE_FROM(r_), c_, dvn, PRM(v_sd));                    \
            NOTE_LARGE(word_)                                                                      \
            ks[e_] = word_;                                                                        \
        }                                                                                          \
        TELL_LARGE                                                                                 \
    }
#elif PV_DT == 0
#define V_WORDS V_PITCH
#define V_PIECE 4
#define VALUES_WHOLE PIECES_WHOLE(1, V_DT, PADD(vb, dv0 * dtype_size(V_DT)), PRM(v_sn), PRM(v_sd))
#define WEIGHT(s, base) fv_exp((s) - (base))
#define PUT_WEIGHTS(at, p)                                                                         \
    {                                                                                              \
        f4 e_ = p[0];                                                                              \
        if (P_DT == 1) e_ = F4_OF(fv_round_f16(e_.x), fv_round_f16(e_.y), fv_round_f16(e_.z), fv_round_f16(e_.w)); \
        if (P_DT == 7) e_ = f4_floor(f4_fma(e_, F4(127.0f), F4(0.5f)));                            \
        F4_ST(ps, at, e_);                                                                         \
    }
#define STAGE_VALUES STAGE_PIECES(ks, V_PITCH, SAME_ROW, KV_CHUNK, V_PIECES, FP32_PIECE, V_DT, PLAIN_PLACE)
#define STAGE_SOME_VALUES STAGE_PARTS(ks, V_PITCH, SAME_ROW, held_rows, V_PIECES, 1, FP32_PART, V_DT, VALUE_FROM, r_ < rn ? dvn : 0, PRM(v_sd), v_whole)
#else
#define V_WORDS V_PITCH
#define V_PIECE (4 * OUTER_PER) /* channels of 16 bytes */
#define VALUES_WHOLE PIECES_WHOLE(OUTER_PER, V_DT, PADD(vb, dv0 * dtype_size(V_DT)), PRM(v_sn), PRM(v_sd))
#define PUT_WEIGHTS(at, p) U4_ST(pw, at, U4_OF(WEIGHT_WORD(p, x), WEIGHT_WORD(p, y), WEIGHT_WORD(p, z), WEIGHT_WORD(p, w)));
#if PV_DT == 1
#define WEIGHT_WORD(p, part) pair_of(ROUNDED(p[0].part), ROUNDED(p[1].part))
#define LD_VALUE LD16
/* Words of the same channels of neighbouring keys, src[n] and on, become words of neighbouring keys of one channel each. */
#define TURN_PUT(to, src, n, one, two)                                                             \
    U4_ST(ks, to, U4_OF(pair_low(src[n].one, src[(n) + 1].one), pair_high(src[n].one, src[(n) + 1].one),  \
                        pair_low(src[n].two, src[(n) + 1].two), pair_high(src[n].two, src[(n) + 1].two)));
#define PUT_TURNED(to, src, n) { TURN_PUT(to, src, n, x, y) TURN_PUT((to) + 4, src, n, z, w) }
#else
#define CODE_OF(x) U32(f32_fma(x, 127.0f, 0.5f))
#define WEIGHT_WORD(p, part) (CODE_OF(p[0].part) | CODE_OF(p[1].part) << 8 | CODE_OF(p[2].part) << 16 | CODE_OF(p[3].part) << 24)
#define LD_VALUE LD8
#define EVEN_BYTES(a, b) (((a) & 0x00ff00ffu) | ((b) & 0x00ff00ffu) << 8)
#define ODD_BYTES(a, b) (((a) >> 8 & 0x00ff00ffu) | ((b) & 0xff00ff00u))
#define TURN_PUT(to, src, n, part)                                                                 \
    {                                                                                              \
        const u32 a_ = EVEN_BYTES(src[n].part, src[(n) + 1].part), b_ = EVEN_BYTES(src[(n) + 2].part, src[(n) + 3].part); \
        const u32 c_ = ODD_BYTES(src[n].part, src[(n) + 1].part), d_ = ODD_BYTES(src[(n) + 2].part, src[(n) + 3].part); \
        U4_ST(ks, to, U4_OF(pair_low(a_, b_), pair_low(c_, d_), pair_high(a_, b_), pair_high(c_, d_)));  \
    }
#define PUT_TURNED(to, src, n) TURN_PUT(to, src, n, x) TURN_PUT((to) + 4, src, n, y) TURN_PUT((to) + 8, src, n, z) TURN_PUT((to) + 12, src, n, w)
#endif
#define STAGE_VALUES                                                                               \
    if (KV_CHUNK / OUTER_PER * V_PIECES >= LANES || LANE < KV_CHUNK / OUTER_PER * V_PIECES) {      \
        u4 x_[PIECE_COUNT(KV_CHUNK / OUTER_PER, V_PIECES) * OUTER_PER];                            \
        UNROLL for (i32 n_ = 0; n_ < PIECE_COUNT(KV_CHUNK / OUTER_PER, V_PIECES); n_++) {          \
            UNROLL for (i32 t_ = 0; t_ < OUTER_PER; t_++) x_[n_ * OUTER_PER + t_] = LD128(VALUE_PLACE(n_, t_), 0); \
        }                                                                                          \
        UNROLL for (i32 n_ = 0; n_ < PIECE_COUNT(KV_CHUNK / OUTER_PER, V_PIECES); n_++) {          \
            const i32 to_ = PIECE_ROW(n_, V_PIECES) * V_PITCH + V_PIECE * PIECE_AT(V_PIECES);      \
            PUT_TURNED(to_, x_, n_ * OUTER_PER)                                                    \
        }                                                                                          \
    }
#define STAGE_SOME_VALUES                                                                          \
    for (i32 e_ = LANE; e_ < held_rows * V_PITCH; e_ += LANES) {                                   \
        const i32 r_ = e_ / V_PITCH * OUTER_PER, c_ = e_ % V_PITCH;                                \
        u32 word_ = 0u;                                                                            \
        UNROLL for (i32 t_ = 0; t_ < OUTER_PER; t_++) {                                            \
            if (c_ < dvn && r_ + t_ < rn) word_ |= LD_VALUE(VALUE_FROM(r_ + t_), c_ * PRM(v_sd)) << (32 / OUTER_PER * t_); \
        }                                                                                          \
        ks[e_] = word_;                                                                            \
    }
#endif
#if PV_DT != 0
/* A hundredth of what the rounding to fp16 costs. */
#define WEIGHT(s, base) f32_power(((s) - (base)) * LOG2E)
/* Rounded before the conversion, which may truncate; the sum of all is of the unrounded. */
#define ROUNDED(x) AS_F32((AS_U32(x) + 0x1000u) & 0xffffe000u)
#endif
#define V_PIECES ((DV_SLICE + V_PIECE - 1) / V_PIECE)
