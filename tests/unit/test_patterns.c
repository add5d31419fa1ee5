/* The reference for sets: definitions against others' formulas and masks made by hand, and against the engine's terms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "conformance/set_case.h"
#include "conformance/set_encode.h"

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* One axis as NATTEN's mask for FlexAttention says it: a leader, a centre kept off the borders, reach to either side. */
static bool flex(int64_t extent, int64_t w, int64_t s, int64_t d, bool causal, int64_t x, int64_t y)
{
    const int64_t group = x % d, length = (extent - group + d - 1) / d, q = x / d, k = y / d;
    if (group != y % d) return false;
    if (causal) {
        const int64_t leader = least(q / s * s + s - 1, length - 1);
        return k <= q && leader - k < w;
    }
    const int64_t left = w / 2, right = w / 2 + w % 2 - 1;
    int64_t centre = least(q / s * s + s / 2, length - 1);
    if (centre < left) centre = left;
    if (centre > length - 1 - right) centre = length - 1 - right;
    return centre - k <= left && k - centre <= right;
}

/* The first key of a window of 2 reach + 1 as NATTEN's first kernels had it (stride 1, odd windows). */
static int64_t first_key(int64_t i, int64_t length, int64_t reach, int64_t d)
{
    if (i - reach * d < 0) return i % d;
    if (i + reach * d >= length) {
        const int64_t class = i % d, even = length / d * d, rest = length - even;
        if (class < rest) return length - rest + class - 2 * reach * d;
        return even + class - (2 * reach + 1) * d;
    }
    return i - reach * d;
}

static oracle_set one_axis(oracle_kind kind, oracle_axis a)
{
    oracle_set s = {.count = 1, .gridded = true};
    s.of[0].kind = kind;
    s.of[0].axis[2] = a;
    return s;
}

static void test_natten(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= 13; n++)
        for (int64_t w = 1; w <= n; w++)
            for (int64_t s = 1; s <= w; s++)
                for (int64_t d = 1; d * w <= n; d++)
                    for (int64_t e = 0; e < 2 * n * n; e++) {
                        const int64_t x = e / 2 / n, y = e / 2 % n;
                        const oracle_set set = one_axis(ORACLE_NATTEN, (oracle_axis){n, w, s, d, 0, e % 2});
                        assert_int_equal(oracle_set_sees(&set, n, n, x, y), flex(n, w, s, d, e % 2, x, y));
                        if (e % 2 || s > 1 || w % 2 == 0) continue;
                        const int64_t first = first_key(x, n, w / 2, d);
                        assert_int_equal(oracle_set_sees(&set, n, n, x, y), y >= first && y < first + w * d && (y - first) % d == 0);
                    }
}

/* STA with windows of k tiles is NATTEN with the tile as its stride. */
static void test_sta_is_natten(void **state)
{
    (void)state;
    for (int64_t tile = 1; tile <= 4; tile++)
        for (int64_t tiles = 1; tiles <= 6; tiles++)
            for (int64_t k = 1; k <= tiles + 1; k++) {
                const int64_t n = tile * tiles, w = tile * least(k / 2 * 2 + 1, tiles);
                const oracle_set sta = one_axis(ORACLE_STA, (oracle_axis){.extent = n, .window = k, .stride = tile});
                const oracle_set na = one_axis(ORACLE_NATTEN, (oracle_axis){.extent = n, .window = w, .stride = tile});
                for (int64_t e = 0; e < n * n; e++)
                    assert_int_equal(oracle_set_sees(&sta, n, n, e / n, e % n), oracle_set_sees(&na, n, n, e / n, e % n));
            }
}

typedef struct drawn {
    const char *name;
    oracle_set set;
    int64_t nq, nk;
    const char *mask; /* rows of nk characters, '#': may attend */
} drawn;

#define SEQUENCE(...)                                                                                                                                \
    {                                                                                                                                                \
        .count = 1, .of = { {__VA_ARGS__} }                                                                                                          \
    }
#define LINE(...)                                                                                                                                    \
    {                                                                                                                                                \
        .count = 1, .gridded = true, .of = { {__VA_ARGS__} }                                                                                         \
    }

static const drawn masks[] = {
    {"natten w3", LINE(ORACLE_NATTEN, .axis[2] = {.extent = 5, .window = 3}), 5, 5, "###..###...###...###..###"},
    {"natten w4", LINE(ORACLE_NATTEN, .axis[2] = {.extent = 6, .window = 4}), 6, 6, "####..####..####...####...####..####"},
    {"natten w3 causal", LINE(ORACLE_NATTEN, .axis[2] = {.extent = 5, .window = 3, .causal = true}), 5, 5, "#....##...###...###...###"},
    {"natten w3 s2", LINE(ORACLE_NATTEN, .axis[2] = {.extent = 5, .window = 3, .stride = 2}), 5, 5, "###..###....###..###..###"},
    {"natten w2 d2", LINE(ORACLE_NATTEN, .axis[2] = {.extent = 5, .window = 2, .dilation = 2}), 5, 5, "#.#...#.#.#.#...#.#...#.#"},
    {"window", SEQUENCE(ORACLE_FLASH, .left = 1, .right = 0), 3, 5, ".##....##....##"},
    {"causal, more queries", SEQUENCE(ORACLE_FLASH, .left = -1, .right = -1, .causal = true), 4, 2, "....#.##"},
    {"chunk 2", SEQUENCE(ORACLE_FLASH, .left = -1, .right = -1, .chunk = 2), 4, 4, "##..##....##..##"},
    {"sink 1, window 1", SEQUENCE(ORACLE_FLASH, .left = 1, .right = 0, .prefix = 1, .causal = true), 4, 4, "#...##..###.#.##"},
    {"pad 1", SEQUENCE(ORACLE_FLASH, .left = -1, .right = 0, .pad = 1), 3, 3, "....#..##"},
    {"documents", SEQUENCE(ORACLE_DOCUMENTS, .bounds = {1, 3}), 4, 4, "#....##..##....#"},
    {"block causal", SEQUENCE(ORACLE_BLOCK_CAUSAL, .count = 2), 4, 4, "##..##..########"},
    {"mini causal", SEQUENCE(ORACLE_MINI_CAUSAL, .count = 2), 4, 4, "#.#.#####.#.####"},
    {"dilated", SEQUENCE(ORACLE_DILATED, .count = 2, .left = 1), 5, 5, "#.#...#.#.#.#.#.#.#...#.#"},
    {"strided 2", SEQUENCE(ORACLE_STRIDED, .count = 2), 6, 6, "#.....##....###....###..#.###..#.###"},
    {"fixed 3, 1", SEQUENCE(ORACLE_FIXED, .count = 3, .prefix = 1), 6, 6, "#.....##....###.....##....###...####"},
    {"powers", SEQUENCE(ORACLE_POWERS, .left = 4), 6, 6, "#.....##....###....###..#.###..#.###"},
    {"swin 2, moved by 1", LINE(ORACLE_SWIN, .axis[2] = {.extent = 4, .window = 2, .shift = 1}), 4, 4, "#....##..##....#"},
    {"halo 2, 1", LINE(ORACLE_HALO, .axis[2] = {.extent = 5, .stride = 2, .shift = 1}), 5, 5, "###..###...####.####...##"},
    {"sta 3 of 2", LINE(ORACLE_STA, .axis[2] = {.extent = 8, .window = 3, .stride = 2}), 8, 8,
     "######..######..######..######....######..######..######..######"},
    {"frames, one pinned", LINE(ORACLE_FRAMES, .axis[0] = {.extent = 4}, .left = 2, .prefix = 1, .causal = true), 4, 4, "#...##..###.#.##"},
    {"last row", SEQUENCE(ORACLE_LAST_ROWS, .count = 1), 3, 3, "......###"},
    {"text",
     {.count = 1, .gridded = true, .text_before = 1, .of = {{ORACLE_NATTEN, .axis[2] = {.extent = 3, .window = 1}}}},
     4,
     4,
     "######..#.#.#..#"},
    {"segments",
     {.count = 1, .segments = 3, .cu_queries = {0, 1, 1, 3}, .cu_keys = {0, 2, 3, 4}, .of = {{.kind = ORACLE_EVERYONE}}},
     3,
     4,
     "##.....#...#"},
};

static void test_drawn(void **state)
{
    (void)state;
    for (size_t m = 0; m < sizeof(masks) / sizeof(masks[0]); m++) {
        const drawn *d = &masks[m];
        assert_int_equal(strlen(d->mask), d->nq * d->nk);
        for (int64_t e = 0; e < d->nq * d->nk; e++)
            if (oracle_set_sees(&d->set, d->nq, d->nk, e / d->nk, e % d->nk) != (d->mask[e] == '#'))
                fail_msg("%s: query %d, key %d", d->name, (int)(e / d->nk), (int)(e % d->nk));
    }
}

static void compare(const oracle_set *s, int64_t nq, int64_t nk)
{
    char text[1024];
    set_encoding e;
    uint64_t *pairs = oracle_set_pairs(s, nq, nk, (oracle_rows){0, 0});
    assert_true(set_encode(s, nq, nk, &e) && pairs);
    for (int64_t i = 0; i < nq; i++)
        for (int64_t j = 0; j < nk; j++) {
            const bool sees = oracle_set_sees(s, nq, nk, i, j);
            if (sees == oracle_nodes_see(&e.desc, nq, nk, i, j) && sees == oracle_pair(pairs, nk, i, j)) continue;
            set_describe(s, text, sizeof(text));
            fail_msg("query %d of %d, key %d of %d: the definition says %d, the bits %d: %s", (int)i, (int)nq, (int)j, (int)nk, sees,
                     oracle_pair(pairs, nk, i, j), text);
        }
    set_encoding_free(&e);
    free(pairs);
}

/* The definition, the engine's description read word by word, and the bits say the same about every pair. */
static void test_nodes(void **state)
{
    (void)state;
    const uint64_t seed = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)seed);
    oracle_rng r = oracle_seed(seed);
    for (size_t m = 0; m < sizeof(masks) / sizeof(masks[0]); m++) compare(&masks[m].set, masks[m].nq, masks[m].nk);
    for (int n = 0; n < 3000; n++) {
        oracle_set s;
        int64_t nq, nk;
        set_draw(&r, 20 + n % 100, &s, &nq, &nk);
        compare(&s, nq, nk);
    }
}

/* A set's bits and the same pairs as a mask tensor give the same attention. */
static void test_attention(void **state)
{
    (void)state;
    enum { N = 37, D = 5 };
    oracle_rng r = oracle_seed(11);
    float x[3][N * D];
    uint8_t mask[N * N];
    double o[2][N * D], lse[2][N];
    for (int i = 0; i < 3 * N * D; i++) x[i / (N * D)][i % (N * D)] = (float)oracle_normal(&r);
    const oracle_set s = one_axis(ORACLE_NATTEN, (oracle_axis){N, 7, 3, 2, 0, true});
    uint64_t *pairs = oracle_set_pairs(&s, N, N, (oracle_rows){0, 0});
    const uint64_t *const heads[] = {pairs};
    for (int e = 0; e < N * N; e++) mask[e] = oracle_set_sees(&s, N, N, e / N, e % N);
    const tsr_layout l = {.shape = {1, 1, N, D}, .stride = {N * D, N * D, D, 1}};
    const tsr_layout m = {.dtype = TSR_U8, .shape = {1, 1, N, N}, .stride = {N * N, N * N, N, 1}};
    const tsr_attention_desc desc = {.q = l, .k = l, .v = l, .o = l};
    oracle_attention_inputs in = {.q = {l, x[0]}, .k = {l, x[1]}, .v = {l, x[2]}, .pairs = heads};
    assert_true(oracle_attention(&desc, &in, o[0], lse[0]));
    in.pairs = NULL;
    in.mask = (oracle_tensor){m, mask};
    assert_true(oracle_attention(&desc, &in, o[1], lse[1]));
    assert_memory_equal(o[0], o[1], sizeof(o[0]));
    assert_memory_equal(lse[0], lse[1], sizeof(lse[0]));
    in.mask.data = NULL;
    assert_true(oracle_attention(&desc, &in, o[1], lse[1]));
    assert_true(oracle_error(o[1], o[0], N * D) > 0.1);
    free(pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_natten), cmocka_unit_test(test_sta_is_natten), cmocka_unit_test(test_drawn),
                                       cmocka_unit_test(test_nodes), cmocka_unit_test(test_attention)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
