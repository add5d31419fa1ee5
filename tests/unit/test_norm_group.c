/* Group norms over frames and clips on every device, against fp64 from the formulas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "norm_case.h"

/* Adds every frame in stripes, then runs the norm on each in other stripes. */
static void group_run(const norm_case *c, norm_made *m, fixture_rows *x, fixture_rows *y, bool dry)
{
    const fixture_rows none = {0};
    fixture_ok(tsr_norm_clear(m->norm), norm_text(c));
    for (int pass = 0; pass < 2; pass++)
        for (int32_t t = 0; t < c->frames; t++)
            for (int32_t row = 0, rows; row < c->height; row += rows) {
                rows = pass == 0 && c->frames > 1 ? c->height - row < 7 ? c->height - row : 7 : c->height;
                tsr_norm_args args = norm_args_of(c, &x[t], &none, &y[t]);
                args.row = row;
                args.rows = rows;
                args.dry = dry;
                fixture_ok((pass == 0 ? tsr_norm_add : tsr_norm_run)(m->norm, &args), norm_text(c));
            }
}

static void group_case(norm_case c)
{
    norm_made m = norm_make(&c);
    const uint64_t count = (uint64_t)c.height * (uint64_t)c.width * (uint64_t)c.channels;
    fixture_rows *const x = calloc((size_t)c.frames, sizeof(*x)), *const y = calloc((size_t)c.frames, sizeof(*y));
    double *const all = malloc((size_t)c.frames * count * sizeof(double));
    norm_moments *const groups = malloc((size_t)c.groups * sizeof(*groups));
    assert_true(x && y && all && groups);
    for (int32_t t = 0; t < c.frames; t++) {
        x[t] = norm_rows(c.x, 0, count, c.mean, c.spread);
        y[t] = fixture_make(fixture_device, c.y, 0, count, NULL);
        memcpy(all + (uint64_t)t * count, x[t].values, count * sizeof(double));
    }
    const int32_t per = c.channels / c.groups;
    for (int32_t g = 0; g < c.groups; g++) groups[g] = norm_moments_of(all + g * per, (int64_t)c.frames * c.height * c.width, c.channels, per, c.eps);
    group_run(&c, &m, x, y, true);
    const uint64_t ready = tsr_norm_bytes(m.norm);
    const size_t blocks = m.norm->runs.count + m.norm->sums.count + m.norm->merges.count;
    for (int round = 0; round < 2; round++) {
        group_run(&c, &m, x, y, false);
        for (int32_t t = 0; t < c.frames; t++) {
            double *const before = malloc(count * sizeof(double));
            assert_non_null(before);
            memcpy(before, y[t].values, count * sizeof(double));
            fixture_read(&y[t]);
            norm_check(&c, &m, groups, &x[t], NULL, &y[t]);
            if (round == 1 && memcmp(before, y[t].values, count * sizeof(double)) != 0) fail_msg("%s: a second run differs", norm_text(&c));
            free(before);
        }
    }
    assert_int_equal(ready, tsr_norm_bytes(m.norm));
    assert_int_equal(blocks, m.norm->runs.count + m.norm->sums.count + m.norm->merges.count);
    for (int32_t t = 0; t < c.frames; t++) {
        fixture_free(&x[t]);
        fixture_free(&y[t]);
    }
    free(x);
    free(y);
    free(all);
    free(groups);
    norm_unmake(&m);
}

static void groups(void **state)
{
    (void)state;
    static const int32_t split[][2] = {{32, 32}, {64, 32}, {96, 32}, {6, 2}, {5, 1}, {35, 5}, {128, 32}, {1, 1}, {512, 32}, {66, 2}};
    const int cases = norm_cases(60, 12, 5);
    for (int k = 0; k < cases; k++) {
        norm_case c = norm_any();
        const int32_t *const s = split[oracle_below(&fixture_rng, sizeof(split) / sizeof(split[0]))];
        c.kind = TSR_NORM_GROUP;
        c.channels = s[0];
        c.groups = s[1];
        c.modulated = false;
        c.frames = fixture_between(1, 4);
        c.height = fixture_between(1, 40);
        c.width = fixture_between(1, 30);
        c.row = 0;
        c.rows = c.height;
        c.mean = k % 2 ? 1000 : 0;
        if (c.height * c.width * c.frames * (c.channels / c.groups) == 1) c.eps = 1;
        group_case(c);
    }
}

/* Long clips of large mean. */
static void clips(void **state)
{
    (void)state;
    group_case((norm_case){.kind = TSR_NORM_GROUP,
                           .act = TSR_ACT_SILU,
                           .channels = 32,
                           .groups = 8,
                           .height = 16,
                           .width = 16,
                           .rows = 16,
                           .frames = 100,
                           .mean = 1000,
                           .spread = 1,
                           .eps = 1e-6f,
                           .scaled = true,
                           .shifted = true});
}

/* More pixels than one dispatch takes, and more than 2^20 in all: whose norm_moments are known without fp64 sums over all of them. */
static void large(void **state)
{
    (void)state;
    enum { WIDTH = 1 << 12, HEIGHT = 129, CHANNELS = 64 };
    if (strcmp(fixture_device->info.backend, "host") != 0) skip();
    const norm_case c = {
        .kind = TSR_NORM_GROUP, .channels = CHANNELS, .groups = 2, .height = HEIGHT, .width = WIDTH, .rows = HEIGHT, .x = TSR_F16, .eps = 1e-6f};
    const uint64_t count = (uint64_t)WIDTH * HEIGHT * CHANNELS;
    norm_made m = norm_make(&c);
    uint16_t *const x = malloc(count * sizeof(*x));
    assert_non_null(x);
    uint16_t halves[2][256]; /* the last row, beyond the first dispatch, is far from the others */
    double sum[2] = {0}, squares[2] = {0}, value[2][256];
    for (int i = 0; i < 512; i++) {
        oracle_store(TSR_F16, halves[i / 256], i % 256, (i < 256 ? 3 : 60) + oracle_normal(&fixture_rng));
        value[i / 256][i % 256] = oracle_load(TSR_F16, halves[i / 256], i % 256);
    }
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t pick = (i * UINT64_C(0x9e3779b97f4a7c15)) >> 56, last = i / CHANNELS / WIDTH == HEIGHT - 1;
        x[i] = halves[last][pick];
        sum[i / 32 % 2] += value[last][pick];
        squares[i / 32 % 2] += value[last][pick] * value[last][pick];
    }
    fixture_rows y = fixture_make(fixture_device, TSR_F32, 0, WIDTH * CHANNELS, NULL),
                 first = fixture_make(fixture_device, TSR_F16, 0, WIDTH * CHANNELS, NULL);
    for (uint64_t i = 0; i < first.count; i++) first.values[i] = oracle_load(TSR_F16, x, (int64_t)i);
    norm_moments groups[2];
    for (int g = 0; g < 2; g++) {
        const double mean = sum[g] / ((double)count / 2);
        groups[g] = (norm_moments){mean, 1 / sqrt(squares[g] / ((double)count / 2) - mean * mean + (double)c.eps)};
    }
    tsr_norm_args args = {.height = HEIGHT, .width = WIDTH, .rows = HEIGHT, .x.dtype = TSR_F16, .y = y.rows};
    fixture_ok(tsr_buffer_create(fixture_device, count * sizeof(*x), &args.x.at.buffer), "many pixels");
    fixture_ok(tsr_buffer_write(args.x.at.buffer, 0, x, count * sizeof(*x)), "many pixels");
    for (int i = 0; i < 3; i++) fixture_ok(tsr_norm_add(m.norm, &args), norm_text(&c));
    args.rows = 1;
    fixture_ok(tsr_norm_run(m.norm, &args), norm_text(&c));
    fixture_read(&y);
    norm_case one = c;
    one.rows = 1;
    norm_check(&one, &m, groups, &first, NULL, &y);
    tsr_buffer_destroy(args.x.at.buffer);
    fixture_free(&first);
    fixture_free(&y);
    free(x);
    norm_unmake(&m);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(groups), cmocka_unit_test(clips), cmocka_unit_test(large)};
    return fixture_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]), TEST_REQUIRE);
}
