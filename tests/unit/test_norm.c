/* Norms over the channels of pixels on every device, against fp64 from the formulas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "norm_case.h"

/* A buffer of rows [first, last) of which [row, row + rows) is a part. */
static fixture_rows operand(const norm_case *c, tsr_dtype dtype, bool filled)
{
    const int32_t first = fixture_between(0, c->row), last = fixture_between(c->row + c->rows, c->height);
    const uint64_t count = (uint64_t)(last - first) * (uint64_t)c->width * (uint64_t)c->channels;
    return filled ? norm_rows(dtype, first, count, c->mean, c->spread) : fixture_make(fixture_device, dtype, first, count, NULL);
}

static fixture_rows modulation_of(const norm_case *c)
{
    if (!c->modulated) return (fixture_rows){0};
    const int32_t rows = c->height >> c->shift, low = fixture_between(0, c->row >> c->shift < rows ? c->row >> c->shift : rows - 1);
    return norm_rows(c->m, low, (uint64_t)(rows - low) * (uint64_t)(c->width >> c->shift) * 2 * (uint64_t)c->channels, 0.5, 1);
}

static void pixels(void **state)
{
    (void)state;
    const int cases = norm_cases(400, 40, 10);
    for (int k = 0; k < cases; k++) {
        norm_case c = norm_any();
        if (c.modulated) { /* levels of a net: a whole number of the latent's pixels */
            c.height = (c.height >> c.shift) << c.shift;
            c.width = (c.width >> c.shift) << c.shift;
            c.row = fixture_between(0, c.height - 1);
            c.rows = fixture_between(1, c.height - c.row);
        }
        norm_made m = norm_make(&c);
        fixture_rows x = operand(&c, c.x, true), y = operand(&c, c.y, false), modulation = modulation_of(&c);
        tsr_norm_args args = norm_args_of(&c, &x, &modulation, &y);
        args.dry = true;
        fixture_ok(tsr_norm_run(m.norm, &args), norm_text(&c));
        const size_t ready = m.norm->runs.count;
        args.dry = false;
        fixture_ok(tsr_norm_run(m.norm, &args), norm_text(&c));
        assert_int_equal(ready, m.norm->runs.count);
        fixture_read(&y);
        norm_check(&c, &m, NULL, &x, c.modulated ? &modulation : NULL, &y);
        fixture_free(&x);
        fixture_free(&y);
        if (c.modulated) fixture_free(&modulation);
        norm_unmake(&m);
    }
}

/* Stripes of any height norm_make what the whole frame makes, bit for bit. */
static void stripes(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        norm_case c = norm_any();
        c.kind = (tsr_norm_kind)k;
        c.modulated = k & 1;
        c.height = 12;
        c.width = 8;
        c.row = 0;
        c.rows = c.height;
        norm_made m = norm_make(&c);
        fixture_rows x = operand(&c, c.x, true), whole = operand(&c, c.y, false), parts = operand(&c, c.y, false), modulation = modulation_of(&c);
        const tsr_norm_args args = norm_args_of(&c, &x, &modulation, &whole);
        fixture_ok(tsr_norm_run(m.norm, &args), norm_text(&c));
        for (int32_t row = 0, rows; row < c.height; row += rows) {
            rows = fixture_between(1, c.height - row);
            tsr_norm_args part = args;
            part.row = row;
            part.rows = rows;
            part.y = parts.rows;
            fixture_ok(tsr_norm_run(m.norm, &part), norm_text(&c));
        }
        fixture_read(&whole);
        fixture_read(&parts);
        if (memcmp(whole.values, parts.values, whole.count * sizeof(double)) != 0) fail_msg("%s: stripes differ from the whole", norm_text(&c));
        norm_check(&c, &m, NULL, &x, c.modulated ? &modulation : NULL, &whole);
        fixture_free(&x);
        fixture_free(&whole);
        fixture_free(&parts);
        if (c.modulated) fixture_free(&modulation);
        norm_unmake(&m);
    }
}

/* One number among others that fit: is it reported? */
static bool told(double odd, tsr_dtype x_type, tsr_dtype y_type, int32_t channels)
{
    const norm_case c = {.channels = channels, .height = 3, .width = 5, .rows = 3, .x = x_type, .y = y_type};
    norm_made m = norm_make(&c);
    const uint64_t count = (uint64_t)(c.height * c.width * channels);
    double *const values = norm_normals(count, 0, 1);
    values[oracle_below(&fixture_rng, 2) ? count - 1 : oracle_below(&fixture_rng, (uint32_t)count)] = odd;
    fixture_rows x = fixture_make(fixture_device, x_type, 0, count, values), y = fixture_make(fixture_device, y_type, 0, count, NULL), none = {0};
    free(values);
    tsr_norm_args args = norm_args_of(&c, &x, &none, &y);
    uint32_t flag = 0;
    fixture_ok(tsr_buffer_create(fixture_device, 8, &args.overflow.buffer), "a flag");
    args.overflow.offset = 4;
    fixture_ok(tsr_buffer_write(args.overflow.buffer, 4, &flag, 4), "a flag");
    fixture_ok(tsr_norm_run(m.norm, &args), norm_text(&c));
    fixture_ok(tsr_buffer_read(args.overflow.buffer, 4, &flag, 4), "a flag");
    tsr_buffer_destroy(args.overflow.buffer);
    fixture_free(&x);
    fixture_free(&y);
    norm_unmake(&m);
    return flag != 0;
}

static void overflows(void **state)
{
    (void)state;
    for (int32_t channels = 3; channels <= 32; channels += 29) {
        assert_false(told(1, TSR_F32, TSR_F16, channels));
        assert_false(told(65519.99, TSR_F32, TSR_F16, channels)); /* rounds to 65504 */
        assert_true(told(65520, TSR_F32, TSR_F16, channels));
        assert_true(told(-1e30, TSR_F32, TSR_F16, channels));
        assert_true(told(NAN, TSR_F32, TSR_F16, channels));
        assert_true(told(INFINITY, TSR_F16, TSR_F16, channels));
        assert_false(told(1e30, TSR_F32, TSR_F32, channels));
        assert_true(told(-INFINITY, TSR_F32, TSR_F32, channels));
        assert_true(told(NAN, TSR_F16, TSR_F32, channels));
    }
}

static void refusals(void **state)
{
    (void)state;
    tsr_norm *norm = NULL;
    tsr_norm_desc desc = {.name = "norm7", .kind = TSR_NORM_GROUP, .modulation = TSR_NONE};
    assert_int_equal(tsr_norm_create(fixture_device, &desc, 33, &norm), TSR_ERROR_ARGUMENT);
    assert_non_null(strstr(tsr_last_error(), "norm7"));
    assert_non_null(strstr(tsr_last_error(), "33"));
    assert_null(norm);
    desc.groups = 3;
    fixture_ok(tsr_norm_create(fixture_device, &desc, 33, &norm), "3 groups of 33");
    const tsr_norm_args args = {.height = 1, .width = 1, .rows = 1};
    assert_int_equal(tsr_norm_run(norm, &args), TSR_ERROR_INTERNAL);
    tsr_norm_destroy(norm);
    desc.kind = TSR_NORM_RMS;
    assert_int_equal(tsr_norm_create(fixture_device, &desc, 0, &norm), TSR_ERROR_ARGUMENT);
    desc.kind = (tsr_norm_kind)9;
    assert_int_equal(tsr_norm_create(fixture_device, &desc, 4, &norm), TSR_ERROR_INTERNAL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pixels), cmocka_unit_test(stripes), cmocka_unit_test(overflows), cmocka_unit_test(refusals)};
    return fixture_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]), TEST_REQUIRE);
}
