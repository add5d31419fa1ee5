/* What users' expressions are written with, beside the dialect: see engine/expression/emit.c, which writes USER_TEXT, the
 * function user_score, and engine/expression/expression.h for the words of `user`. */

HELPER i32 user_word(ptr user, i32 i) { return I32(LD32(user, i)); }

/* Whole numbers wrap (which C leaves open but for unsigned ones), and divide towards minus infinity; x / 0 and x % 0 are 0.
 * Of negative numbers GLSL leaves % open; of magnitudes, unsigned, Mesa 22's llvmpipe made wrong results where the divisor varies. */
HELPER i64 user_add(i64 a, i64 b) { return I64(U64(a) + U64(b)); }
HELPER i64 user_sub(i64 a, i64 b) { return I64(U64(a) - U64(b)); }
HELPER i64 user_mul(i64 a, i64 b) { return I64(U64(a) * U64(b)); }

HELPER i32 user_quotient32(i32 a, i32 b)
{
    const i32 divisor = b == 0 ? 1 : b;
    const i32 q = a / divisor, r = a - q * divisor;
    return b == 0 ? 0 : r != 0 && (r ^ b) < 0 ? q - 1 : q;
}

HELPER i32 user_remainder32(i32 a, i32 b)
{
    const i32 divisor = b == 0 ? 1 : b;
    const i32 r = a - a / divisor * divisor;
    return r != 0 && (r ^ b) < 0 ? r + b : r;
}

HELPER i64 user_quotient64(i64 a, i64 b)
{
    const i64 divisor = b == I64(0) || b == I64(-1) ? I64(1) : b;
    const i64 q = a / divisor, r = a - q * divisor;
    if (b == I64(-1)) return user_sub(I64(0), a);
    return b == I64(0) ? I64(0) : r != I64(0) && (r ^ b) < I64(0) ? q - I64(1) : q;
}

HELPER i64 user_remainder64(i64 a, i64 b)
{
    const i64 divisor = b == I64(0) || b == I64(-1) ? I64(1) : b;
    const i64 r = a - a / divisor * divisor;
    return r != I64(0) && (r ^ b) < I64(0) ? r + b : r;
}

/* An index of any size as one of 32 bits: what does not fit is outside of every tensor. */
HELPER i32 user_index(i64 i) { return i < I64(0) || i > I64(0x7fffffff) ? -1 : I32(i); }

/* The place of an index behind those of the axes before; -1: outside. extent: word of the axis. */
HELPER i32 user_place(ptr user, i32 extent, i32 before, i32 index)
{
    const i32 n = user_word(user, extent);
    return before < 0 || index < 0 || index >= n ? -1 : before * n + index;
}

HELPER f32 user_read(ptr user, i32 tensor, i32 place)
{
    const f32 x = LDF(user, user_word(user, tensor) + (place < 0 ? 0 : place));
    return place < 0 ? 0.0f : x;
}

/* The coordinate of a token on axis 0 to 2 of the grid; -1: it has none. */
HELPER i32 user_coordinate(ptr user, i32 token, i32 axis)
{
    const i32 frames = user_word(user, 2), rows = user_word(user, 3), columns = user_word(user, 4), at = token - user_word(user, 5);
    if (frames == 0 || at < 0) return -1;
    const u32 line = U32(at) / U32(columns), frame = line / U32(rows);
    if (I32(frame) >= frames) return -1;
    return axis == 0 ? I32(frame) : axis == 1 ? I32(line % U32(rows)) : I32(U32(at) % U32(columns));
}

HELPER i32 user_floor(f32 x)
{
    if (x >= 2147483648.0f) return 2147483647;
    if (x >= -2147483648.0f) return I32(f32_floor(x));
    return x < 0.0f ? -2147483647 - 1 : 0;
}

HELPER f32 user_log(f32 x) { return x > 0.0f ? f32_log(x) : x == 0.0f ? NEG_INF : AS_F32(0x7fc00000u); }
HELPER f32 user_sqrt(f32 x) { return x >= 0.0f ? f32_sqrt(x) : AS_F32(0x7fc00000u); }

USER_TEXT

#define HAS_USER true
#define USER_TILE                                                                                  \
    for (i32 e = CELL0; e < keys * CELLS; e += CELL_STEP) {                                        \
        const i32 c = e % CELLS, kv = KEY(e / CELLS);                                              \
        for (i32 l = 0; l < VW && CELL_COL(c) + l < rows; l++) ps[e + l] = user_score(ps[e + l], b, h, row_at[c + l], kv, user); \
    }
