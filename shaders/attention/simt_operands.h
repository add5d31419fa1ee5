/* What tile model simt multiplies probabilities and values as: fp32, or with PAIRS words of two neighbouring keys.
 *
 * WEIGHT(s, base)        e^(s - base)
 * PUT_WEIGHTS(at, p)     probabilities of PER neighbouring keys, for four queries
 * STAGE_VALUES           KV_CHUNK whole rows of values; STAGE_SOME_VALUES: rn rows of any kind, zeros behind them */
#define V_PIECES ((DV_SLICE + PIECE - 1) / PIECE)
#if PAIRS
/* A hundredth of what the rounding to fp16 costs. */
#define WEIGHT(s, base) f32_power(((s) - (base)) * LOG2E)
/* Rounded before the conversion, which may truncate; the sum of all is of the unrounded. */
#define ROUNDED(x) AS_F32((AS_U32(x) + 0x1000u) & 0xffffe000u)
#define PUT_WEIGHTS(at, p)                                                                         \
    U4_ST(pw, at, U4_OF(pair_of(ROUNDED(p[0].x), ROUNDED(p[1].x)), pair_of(ROUNDED(p[0].y), ROUNDED(p[1].y)), \
                        pair_of(ROUNDED(p[0].z), ROUNDED(p[1].z)), pair_of(ROUNDED(p[0].w), ROUNDED(p[1].w))));
#define STAGE_VALUES                                                                               \
    {                                                                                              \
        u4 x_[PIECE_COUNT(KV_CHUNK / 2, V_PIECES)], y_[PIECE_COUNT(KV_CHUNK / 2, V_PIECES)];       \
        UNROLL for (i32 n_ = 0; n_ < PIECE_COUNT(KV_CHUNK / 2, V_PIECES); n_++) {                  \
            x_[n_] = LD128(VALUE_PLACE(n_, 0), 0);                                                 \
            y_[n_] = LD128(VALUE_PLACE(n_, 1), 0);                                                 \
        }                                                                                          \
        UNROLL for (i32 n_ = 0; n_ < PIECE_COUNT(KV_CHUNK / 2, V_PIECES); n_++) {                  \
            const i32 to_ = PIECE_ROW(n_, V_PIECES) * V_PITCH + 8 * PIECE_AT(V_PIECES);            \
            const u4 a_ = x_[n_], b_ = y_[n_];                                                     \
            U4_ST(ks, to_, U4_OF(pair_low(a_.x, b_.x), pair_high(a_.x, b_.x), pair_low(a_.y, b_.y), pair_high(a_.y, b_.y))); \
            U4_ST(ks, to_ + 4, U4_OF(pair_low(a_.z, b_.z), pair_high(a_.z, b_.z), pair_low(a_.w, b_.w), pair_high(a_.w, b_.w))); \
        }                                                                                          \
    }
#define STAGE_SOME_VALUES                                                                          \
    for (i32 e_ = LANE; e_ < held_rows * V_PITCH; e_ += LANES) {                                   \
        const i32 t_ = e_ / V_PITCH, c_ = e_ - t_ * V_PITCH;                                       \
        u32 word_ = 0u;                                                                            \
        if (c_ < dvn && 2 * t_ < rn) word_ = LD16(VALUE_FROM(2 * t_), c_ * PRM(v_sd));             \
        if (c_ < dvn && 2 * t_ + 1 < rn) word_ |= LD16(VALUE_FROM(2 * t_ + 1), c_ * PRM(v_sd)) << 16; \
        ks[e_] = word_;                                                                            \
    }
#else
#define WEIGHT(s, base) fv_exp((s) - (base))
#define PUT_WEIGHTS(at, p)                                                                         \
    {                                                                                              \
        f4 e_ = p[0];                                                                              \
        if (P_DT == 1) e_ = F4_OF(fv_round_f16(e_.x), fv_round_f16(e_.y), fv_round_f16(e_.z), fv_round_f16(e_.w)); \
        if (P_DT == 7) e_ = f4_floor(f4_fma(e_, F4(127.0f), F4(0.5f)));                            \
        F4_ST(ps, at, e_);                                                                         \
    }
#define SAME_ROW(r) (r)
#define PLAIN_PLACE(n) VALUE_PLACE(n, 0)
#define STAGE_VALUES STAGE_PIECES(ks, V_PITCH, SAME_ROW, KV_CHUNK, V_PIECES, V_DT, PLAIN_PLACE)
#define STAGE_SOME_VALUES STAGE_ROWS_HELD(ks, V_PITCH, SAME_ROW, held_rows, V_PIECES, V_DT, VALUE_FROM, r_ < rn ? dvn : 0, PRM(v_sd), v_whole)
#endif
