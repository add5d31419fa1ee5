/* Devices and frames for tests of decoders' operations. */
#include "decode_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { GUARD = 37 };

tsr_device *fixture_device;
oracle_rng fixture_rng;
uint64_t fixture_seed;

int32_t fixture_between(int32_t low, int32_t high) { return low + (int32_t)oracle_below(&fixture_rng, (uint32_t)(high - low + 1)); }

void fixture_ok(tsr_status status, const char *what)
{
    if (status != TSR_OK) fail_msg("%s: %s", what, tsr_last_error());
}

fixture_rows fixture_make(tsr_device *dev, tsr_dtype dtype, int32_t first, uint64_t count, const double *values)
{
    const uint64_t size = tsr_dtype_size(dtype), all = count + 2 * GUARD;
    fixture_rows f = {
        .rows = {.first = first, .dtype = dtype}, .count = count, .bytes = malloc(all * size), .values = malloc(count * sizeof(double))};
    assert_non_null(f.bytes);
    assert_non_null(f.values);
    for (uint64_t i = 0; i < all; i++) {
        const bool inside = i >= GUARD && i < GUARD + count;
        oracle_store(dtype, f.bytes, (int64_t)i, inside && values ? values[i - GUARD] : NAN);
        if (inside) f.values[i - GUARD] = oracle_load(dtype, f.bytes, (int64_t)i);
    }
    fixture_ok(tsr_buffer_create(dev, all * size, &f.rows.at.buffer), "a buffer of rows");
    fixture_ok(tsr_buffer_write(f.rows.at.buffer, 0, f.bytes, all * size), "writing rows");
    f.rows.at.offset = GUARD * size;
    return f;
}

void fixture_read(fixture_rows *f)
{
    const uint64_t all = f->count + 2 * GUARD;
    fixture_ok(tsr_buffer_read(f->rows.at.buffer, 0, f->bytes, all * tsr_dtype_size(f->rows.dtype)), "reading rows");
    for (uint64_t i = 0; i < all; i++) {
        const double x = oracle_load(f->rows.dtype, f->bytes, (int64_t)i);
        if (i >= GUARD && i < GUARD + f->count)
            f->values[i - GUARD] = x;
        else if (!isnan(x))
            fail_msg("element %lld beside the rows became %g", (long long)i - GUARD, x);
    }
}

void fixture_free(fixture_rows *f)
{
    tsr_buffer_destroy(f->rows.at.buffer);
    free(f->bytes);
    free(f->values);
    *f = (fixture_rows){0};
}

static int complaints;

static void on_log(void *user, tsr_log_level level, const char *text)
{
    (void)user;
    if (level != TSR_LOG_WARNING || strstr(text, "not installed")) return;
    print_error("%s\n", text);
    complaints++;
}

/* Tests that failed. */
static int run(const char *selector, const struct CMUnitTest *tests, size_t count, bool required)
{
    const tsr_context_desc desc = {.cache_dir = "", .validation = 1, .log = on_log};
    tsr_context *context = NULL;
    int failed = 0;
    tsr_status status = tsr_context_create(&desc, &context);
    if (status == TSR_OK) status = tsr_device_open(context, selector, NULL, &fixture_device);
    if (status == TSR_OK)
        failed = _cmocka_run_group_tests(selector, tests, count, NULL, NULL);
    else if (required || status != TSR_ERROR_NO_DEVICE)
        failed = 1;
    if (status != TSR_OK) print_error("%s: %s\n", selector, tsr_last_error());
    tsr_device_destroy(fixture_device);
    tsr_context_destroy(context);
    fixture_device = NULL;
    return failed;
}

int fixture_main(int argc, char **argv, const struct CMUnitTest *tests, size_t count, bool required)
{
    static const char *const all[] = {"host", "vulkan", "opencl"};
    const char *const given = getenv("TESSERA_SEED");
    fixture_seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    fixture_rng = oracle_seed(fixture_seed);
    int failed = 0;
    for (size_t i = 0; argc < 2 && i < sizeof(all) / sizeof(all[0]); i++) failed += run(all[i], tests, count, required);
    for (int i = 1; i < argc; i++) failed += run(argv[i], tests, count, true);
    return failed + complaints != 0;
}
