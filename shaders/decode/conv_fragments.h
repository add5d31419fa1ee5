/* What convolutions in tile model matrix do with fragments and with the memory that stages them: cooperative matrices, or, with ENGINES, the
 * registers of Intel's matrix engines.
 *
 * STAGED(S)                 that memory
 * SUMS, TAPS, PIXELS        fragments of sums, of weights and of staged pixels; NO_SUMS: the first
 * TAKE_TAPS(taps, at, word) weights, from the word-th 16 bytes of a tap's on
 * TAKE_PIXELS(pixels, place, k)   the k-th step of channels of staged pixels, from a place on
 * PRODUCT(a, b, c)          a b + c
 * PUT_PIXEL(place, c, word) eight channels of a pixel, from c on, to where they are staged
 * PUT_SUMS(sums, n), STAGED_SUM(n)   sums to the n-th number of that memory, rows of TILE_COLS; the n-th number */
#ifdef ENGINES
/* Steps of channels are apart, and pixels of one follow each other, so that an operand begins at any of them. */
#define PLANE (PATCH / (CHUNK / 8))
#define STAGED(S) S(f32, staged, PATCH * 4)
#define SUMS mat_c
#define TAPS mat_b
#define PIXELS mat_a
#define NO_SUMS 0.0f
#define TAKE_TAPS(taps, at, word) taps = MAT_LDG_B(PADD(at, (word) * 16));
#define TAKE_PIXELS(pixels, place, k) pixels = MAT_LOAD_A(staged + ((k) * PLANE + (place)) * 8);
#define PRODUCT(a, b, c) MAT_MUL(a, b, c)
#define PUT_PIXEL(place, c, word) STS128(staged, ((c) / MK * PLANE + (place)) * 8 + (c) % MK / 2, word);
#define PUT_SUMS(sums, n)                                                                          \
    UNROLL for (i32 m_ = 0; m_ < MM; m_++) { LINE_ST(staged + (n) + m_ * TILE_COLS, sums[m_]); }
#define STAGED_SUM(n) staged[n]
#else
/* Words of a staged pixel: an odd number keeps neighbours out of each other's banks. */
#define PIXEL_PITCH (CHUNK / 8 + 1 - CHUNK / 8 % 2)
#define STAGED(S) S(u32x4, staged, PATCH)
#define SUMS MAT_C(MM, MN)
#define TAPS MAT_B(MK, MN)
#define PIXELS MAT_A(MM, MK)
/* As a product of zeros, so that they come in fragments' registers: NVK would gather them there for each multiplication. */
#define NO_SUMS coopMatMulAdd(MAT_A(MM, MK)(MAT_IN(0.0f)), MAT_B(MK, MN)(MAT_IN(0.0f)), MAT_C(MM, MN)(0.0f))
#define TAKE_TAPS(taps, at, word)                                                                  \
    if (OWN == 0) { coopMatLoad(taps, u128_p_(at).v, word, MK / 8, MAT_COLUMNS); }                 \
    else {                                                                                         \
        UNROLL for (i32 e_ = 0; e_ < OWN; e_ += 8) { MAT_SET8(taps, e_, LD128(at, (word) + e_ / 8)) } \
    }
#define TAKE_PIXELS(pixels, place, k) coopMatLoad(pixels, staged, (place) * PIXEL_PITCH + (k) * MK / 8, PIXEL_PITCH, MAT_ROWS);
#define PRODUCT(a, b, c) coopMatMulAdd(a, b, c)
#define PUT_PIXEL(place, c, word) staged[(place) * PIXEL_PITCH + (c) / 8] = word;
#define PUT_SUMS(sums, n) coopMatStore(sums, staged, (n) / 4, TILE_COLS / 4, MAT_ROWS);
#define STAGED_SUM(n) AS_F32(staged[(n) / 4][(n) % 4])
#endif
