/* Luma and chroma: against the formula in fp64, in both matrices, 4:4:4 and 4:2:0, odd sizes; rounding; and back. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode/colour.h"
#include "oracle/oracle.h"

typedef struct pixel {
    double y, b, r;
} pixel;

static pixel formula(const float *frame, size_t n, size_t at, bool hd)
{
    const double kr = hd ? 0.2126 : 0.299, kb = hd ? 0.0722 : 0.114;
    const double r = (double)frame[at], g = (double)frame[n + at], b = (double)frame[2 * n + at], y = kr * r + (1 - kr - kb) * g + kb * b;
    return (pixel){16 + 219 * y, 128 + 112 * (b - y) / (1 - kb), 128 + 112 * (r - y) / (1 - kr)};
}

/* Rounded to the nearest, but for what fp32 cannot tell from half-way. */
static void nearest(uint8_t got, double x)
{
    x = x < 0 ? 0 : x > 255 ? 255 : x;
    if (fabs((double)got - x) > 0.5 + 1e-3) fail_msg("%d; expected %.4f", got, x);
}

static size_t clamped(ptrdiff_t x, size_t n) { return x < 0 ? 0 : (size_t)x >= n ? n - 1 : (size_t)x; }

static void check(size_t w, size_t h, int chroma, uint64_t seed)
{
    oracle_rng r = oracle_seed(seed);
    const size_t n = w * h, step = chroma == 420 ? 2 : 1, cw = (w + step - 1) / step, ch = (h + step - 1) / step, pitch = w + 5;
    float *frame = malloc(3 * n * sizeof(float));
    uint8_t *bytes = malloc(3 * pitch * h), *const planes[3] = {bytes, bytes + pitch * h, bytes + 2 * pitch * h};
    assert_true(frame && bytes);
    for (size_t i = 0; i < 3 * n; i++) frame[i] = (float)oracle_below(&r, 1 << 20) / (float)((1 << 20) - 1);
    memset(bytes, 0xa5, 3 * pitch * h);
    const bool hd = w >= 1280 || h >= 720;
    colour_planes(frame, (uint32_t)w, (uint32_t)h, chroma, planes, (int[3]){(int)pitch, (int)pitch, (int)pitch});
    for (size_t y = 0; y < h; y++)
        for (size_t x = 0; x < w; x++) nearest(planes[0][y * pitch + x], formula(frame, n, y * w + x, hd).y);
    for (size_t y = 0; y < ch; y++)
        for (size_t x = 0; x < cw; x++) {
            double b = 0, red = 0;
            for (int dy = 0; dy < (int)step; dy++)
                for (int dx = step == 2 ? -1 : 0; dx < (int)step; dx++) {
                    const double weight = step == 1 ? 1 : dx == 0 ? 0.25 : 0.125;
                    const pixel p = formula(frame, n, clamped((ptrdiff_t)(y * step) + dy, h) * w + clamped((ptrdiff_t)(x * step) + dx, w), hd);
                    b += weight * p.b;
                    red += weight * p.r;
                }
            nearest(planes[1][y * pitch + x], b);
            nearest(planes[2][y * pitch + x], red);
        }
    for (size_t p = 0; p < 3; p++)
        for (size_t y = 0; y < (p ? ch : h); y++)
            for (size_t x = p ? cw : w; x < pitch; x++) assert_int_equal(planes[p][y * pitch + x], 0xa5);
    free(frame);
    free(bytes);
}

static void against_formula(void **state)
{
    (void)state;
    static const size_t sizes[][2] = {{1, 1}, {2, 2}, {7, 5}, {33, 18}, {1280, 3}, {6, 720}, {1279, 7}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        for (int chroma = 420; chroma <= 444; chroma += 24) check(sizes[i][0], sizes[i][1], chroma, 40 + i);
}

static void known_colours(void **state)
{
    (void)state;
    static const struct {
        float rgb[3];
        uint8_t sd[3], hd[3];
    } all[] = {{{1, 1, 1}, {235, 128, 128}, {235, 128, 128}},
               {{0, 0, 0}, {16, 128, 128}, {16, 128, 128}},
               {{1, 0, 0}, {81, 90, 240}, {63, 102, 240}},
               {{0, 1, 0}, {145, 54, 34}, {173, 42, 26}},
               {{0, 0, 1}, {41, 240, 110}, {32, 240, 118}}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        static float frame[3 * 1280];
        static uint8_t y[1280], b[1280], r[1280];
        for (size_t x = 0; x < 1280; x++)
            for (size_t c = 0; c < 3; c++) frame[c * 1280 + x] = all[i].rgb[c];
        uint8_t *const planes[3] = {y, b, r};
        colour_planes(frame, 1280, 1, 444, planes, (int[3]){1280, 1280, 1280});
        assert_true(y[9] == all[i].hd[0] && b[9] == all[i].hd[1] && r[9] == all[i].hd[2]);
        const float one[3] = {all[i].rgb[0], all[i].rgb[1], all[i].rgb[2]};
        colour_planes(one, 1, 1, 420, planes, (int[3]){1, 1, 1});
        assert_true(y[0] == all[i].sd[0] && b[0] == all[i].sd[1] && r[0] == all[i].sd[2]);
    }
}

static void bytes(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        assert_int_equal(colour_byte((float)i - 0.49f), i);
        assert_int_equal(colour_byte((float)i + 0.49f), i);
    }
    assert_int_equal(colour_byte(-1e30f), 0);
    assert_int_equal(colour_byte(INFINITY), 255);
    assert_int_equal(colour_byte(NAN), 0);
}

/* 4:4:4 comes back to half a step of 8 bits; a smooth frame does so from 4:2:0 too, in its own placing alone. */
static void back(void **state)
{
    (void)state;
    enum { W = 62, H = 40, N = W * H };
    static float frame[3 * N], got[3 * N];
    static uint8_t store[3 * N];
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < N; i++) frame[c * N + i] = 0.5f + 0.4f * sinf((float)(i % W) * 0.05f * (float)(c + 1) + (float)(i / W) * 0.04f);
    for (int chroma = 420; chroma <= 444; chroma += 24) {
        const int cw = chroma == 420 ? W / 2 : W, ch = chroma == 420 ? H / 2 : H;
        uint8_t *const planes[3] = {store, store + N, store + N + cw * ch};
        const uint8_t *const read[3] = {planes[0], planes[1], planes[2]};
        colour_planes(frame, W, H, chroma, planes, (int[3]){W, cw, cw});
        double worst = 0, other = 0;
        for (int centred = 0; centred < 2; centred++) {
            colour_frame(read, W, H, chroma, false, centred, got);
            for (int i = 0; i < 3 * N; i++) {
                const int x = i % W, y = i % N / W;
                if (x < 2 || x >= W - 2 || y < 2 || y >= H - 2) continue;
                double *const most = centred ? &other : &worst;
                *most = fmax(*most, fabs((double)got[i] - (double)frame[i]));
            }
        }
        assert_true(worst < 0.012);
        if (chroma == 420) assert_true(other > worst);
    }
    const uint8_t white[3] = {255, 128, 128}, *const read[3] = {white, white + 1, white + 2};
    colour_frame(read, 1, 1, 444, true, false, got);
    for (int c = 0; c < 3; c++) assert_true(fabsf(got[c] - 1) < 1e-6f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(against_formula), cmocka_unit_test(known_colours), cmocka_unit_test(bytes),
                                       cmocka_unit_test(back)};
    return cmocka_run_group_tests_name("colour", tests, NULL, NULL);
}
