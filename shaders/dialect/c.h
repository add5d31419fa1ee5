/* The dialect in C (GCC and Clang vector types): the host device. One invocation is a workgroup. */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__AVX__) || defined(__F16C__)
#include <immintrin.h>
#endif

#include "kernels.h" /* hk_call: what the host device hands to a kernel */

typedef float f32;
typedef int32_t i32;
typedef uint32_t u32;
typedef int64_t i64;
typedef uint64_t u64;
typedef unsigned char *ptr;

typedef float fv __attribute__((vector_size(VW * 4)));
typedef int32_t iv __attribute__((vector_size(VW * 4)));
typedef iv bv;
typedef float fv_mem_ __attribute__((vector_size(VW * 4), aligned(4), may_alias));
typedef int32_t iv_mem_ __attribute__((vector_size(VW * 4), aligned(4), may_alias));
typedef float f32_mem_ __attribute__((may_alias));
typedef uint32_t u32_mem_ __attribute__((may_alias));
typedef uint16_t u16_mem_ __attribute__((may_alias));

#define EXACT
#define UNROLL _Pragma("GCC unroll 32")
#define ROLLED
#define HELPER static inline __attribute__((always_inline))

#define LDF(p, i) (((const f32_mem_ *)(p))[i])
#define LD32(p, i) (((const u32_mem_ *)(p))[i])
#define LD16(p, i) ((u32)((const u16_mem_ *)(p))[i])
#define LD8(p, i) ((u32)(p)[i])
#define STF(p, i, x) ((f32_mem_ *)(p))[i] = (x)
#define ST32(p, i, x) ((u32_mem_ *)(p))[i] = (x)
#define ST8(p, i, x) (p)[i] = (unsigned char)(x)
#define ST16(p, i, x) ((u16_mem_ *)(p))[i] = (uint16_t)(x)
#define PADD(p, bytes) ((p) + (bytes))
#define PREFETCH(p) __builtin_prefetch((p), 0, 2) /* a line, into the second level */

HELPER f32 as_f32_(u32 x) { f32 y; memcpy(&y, &x, 4); return y; }
HELPER u32 as_u32_(f32 x) { u32 y; memcpy(&y, &x, 4); return y; }
#define AS_F32(x) as_f32_(x)
#define AS_U32(x) as_u32_(x)
#define I64(x) ((i64)(x))
#define I32(x) ((i32)(x))
#define U32(x) ((u32)(x))
#define U64(x) ((u64)(x))
#define F32(x) ((f32)(x))
#define NEG_INF (-INFINITY)

#define FV(x) ((f32)(x) - (fv){0}) /* compilers know that this is x, as 0 + x is not of -0 */
#define IV(x) ((iv){0} + (i32)(x))
#if VW == 16
#define IV_IOTA ((iv){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15})
#elif VW == 8
#define IV_IOTA ((iv){0, 1, 2, 3, 4, 5, 6, 7})
#else
#define IV_IOTA ((iv){0, 1, 2, 3})
#endif
#define FV_AT(v, l) (v)[l]
#define FV_SET(v, l, x) (v)[l] = (x)
#define FV_FIRST(v) (v)[0]
HELPER fv fv_sel_(bv c, fv a, fv b) { return (fv)((c & (iv)a) | (~c & (iv)b)); }
#define FV_SEL(cond, a, b) fv_sel_(cond, a, b)
HELPER i32 bv_any_(bv c) { i32 any = 0; for (i32 l = 0; l < VW; l++) any |= c[l]; return any; }
#define BV_ANY(c) bv_any_(c)
#define BV_AND(a, b) ((a) & (b))
#define FV_LD(a, i) (*(const fv_mem_ *)((a) + (i)))
#define FV_ST(a, i, x) *(fv_mem_ *)((a) + (i)) = (x)
#define IV_LD(a, i) (*(const iv_mem_ *)((a) + (i)))
#define FV_LDG(p, i) (*(const fv_mem_ *)((const f32_mem_ *)(p) + (i)))
HELPER f32 f16_value_(u32 h)
{
    const u32 mag = (h & 0x7fffu) << 13;
    const f32 x = mag >= 0x0f800000u ? as_f32_(mag | 0x7f800000u) : as_f32_(mag) * 0x1p112f;
    return as_f32_(as_u32_(x) | (h & 0x8000u) << 16);
}
#define LDH(p, i) f16_value_(LD16(p, i))
#if VW == 16 && defined(__AVX512F__)
#define FV_LDGH(p, i) ((fv)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)((p) + 2 * (i)))))
#define FV_LDGB(p, i) ((fv)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)((p) + 2 * (i)))), 16))
#else
#if VW == 8 && defined(__F16C__)
#define FV_LDGH(p, i) ((fv)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)((p) + 2 * (i)))))
#else
HELPER fv fv_ldgh_(ptr p) { fv r; for (i32 l = 0; l < VW; l++) r[l] = LDH(p, l); return r; }
#define FV_LDGH(p, i) fv_ldgh_((p) + 2 * (i))
#endif
HELPER fv fv_ldgb_(ptr p) { fv r; for (i32 l = 0; l < VW; l++) r[l] = AS_F32(LD16(p, l) << 16); return r; }
#define FV_LDGB(p, i) fv_ldgb_((p) + 2 * (i))
#endif
#if VW == 16 && defined(__AVX512F__)
#define FV_LDG8(p, i) ((fv)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)((p) + (i))))))
#else
HELPER fv fv_ldg8_(ptr p) { fv r; for (i32 l = 0; l < VW; l++) r[l] = (f32)(int8_t)p[l]; return r; }
#define FV_LDG8(p, i) fv_ldg8_((p) + (i))
#endif
#define FV_STG(p, i, x) *(fv_mem_ *)((f32_mem_ *)(p) + (i)) = (x)
#if VW == 16 && defined(__AVX512F__)
#define FV_STGH(p, i, x) _mm256_storeu_si256((__m256i *)((p) + 2 * (i)), _mm512_cvtps_ph((__m512)(x), _MM_FROUND_TO_NEAREST_INT))
#elif VW == 8 && defined(__F16C__)
#define FV_STGH(p, i, x) _mm_storeu_si128((__m128i *)((p) + 2 * (i)), _mm256_cvtps_ph((__m256)(x), _MM_FROUND_TO_NEAREST_INT))
#endif
#if VW == 16 && defined(__AVX512F__)
#define fv_max(a, b) ((fv)_mm512_max_ps((__m512)(a), (__m512)(b)))
#define fv_min(a, b) ((fv)_mm512_min_ps((__m512)(a), (__m512)(b)))
#define fv_floor(a) ((fv)_mm512_roundscale_ps((__m512)(a), 9))
#elif VW == 8 && defined(__AVX__)
#define fv_max(a, b) ((fv)_mm256_max_ps((__m256)(a), (__m256)(b)))
#define fv_min(a, b) ((fv)_mm256_min_ps((__m256)(a), (__m256)(b)))
#define fv_floor(a) ((fv)_mm256_floor_ps((__m256)(a)))
#else
HELPER fv fv_max(fv a, fv b) { return fv_sel_(a > b, a, b); }
HELPER fv fv_min(fv a, fv b) { return fv_sel_(a < b, a, b); }
HELPER fv fv_floor(fv a) { fv r = __builtin_convertvector(__builtin_convertvector(a, iv), fv);
                           return r - (fv)((r > a) & (iv)FV(1.0f)); }
#endif
#define fv_fma(a, b, c) ((a) * (b) + (c)) /* built with contraction on */
#define fv_to_iv(a) __builtin_convertvector(a, iv)
#define fv_bits(i) ((fv)(i))
#define iv_to_fv(i) __builtin_convertvector(i, fv)
#define fv_abs(a) ((fv)((iv)(a) & 0x7fffffff))
#define iv_bits(a) ((iv)(a))
HELPER fv fv_sqrt(fv a) { fv r; for (i32 l = 0; l < VW; l++) r[l] = sqrtf(a[l]); return r; }
#define f32_fma(a, b, c) ((a) * (b) + (c))
#define f32_log(a) logf(a)
#define f32_max(a, b) fmaxf(a, b)

#define GROUP (call_->group)
#define LANE 0
#define SYNC()
#define PRM(name) (params_->name)

/* The interpreter takes a whole tile of scores at a time. */
#define HAS_USER (call_->user != NULL)
#define USER_TILE                                                                                  \
    {                                                                                              \
        i32 kv_[BC];                                                                               \
        for (i32 r_ = 0; r_ < keys; r_++) kv_[r_] = KEY(r_);                                       \
        const bk_user_tile tile_ = {b, h, rows, keys, row_at, kv_, CELLS};                         \
        call_->user->score(call_->user->program, call_->user_scratch, user, &tile_, ps);           \
    }

#define PARAM_(T, name) T name;
#define SPEC_(id, name, value) const i32 name = call_->specs[id]; (void)name;
#define ARG_LOCAL_(name) const ptr name = call_->args[arg_++]; (void)name;
#define SHARED_(T, name, count) T *const restrict name = (T *)shared_; (void)name; \
                                shared_ += ((size_t)(count) * sizeof(T) + 63) / 64 * 64;
#define SHARED_SIZE_(T, name, count) size_ += ((size_t)(count) * sizeof(T) + 63) / 64 * 64;
#define SMEM_PTR(T) T *
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)

/* NAME_shared: bytes that the workgroup's memory takes; NAME: the kernel. */
#define KERNEL(name)                                                              \
    typedef struct { PARAMS_(PARAM_) } CAT(name, _params_t);                      \
    static size_t CAT(name, _shared)(const i32 *specs_) {                         \
        const hk_call call_v_ = {.specs = specs_}, *const call_ = &call_v_;       \
        size_t size_ = 0;                                                         \
        SPECS_(SPEC_) SMEM_(SHARED_SIZE_)                                         \
        return size_;                                                             \
    }                                                                             \
    static void name(const hk_call *call_) {                                      \
        const CAT(name, _params_t) *params_ = (const CAT(name, _params_t) *)call_->params; \
        u32 arg_ = 0; (void)arg_;                                                 \
        unsigned char *shared_ = call_->shared; (void)shared_;                    \
        SPECS_(SPEC_) ARGS_(ARG_LOCAL_, ARG_LOCAL_) SMEM_(SHARED_)
#define KERNEL_END }
#define DECLARE_SPECS
