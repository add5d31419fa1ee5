/* Attention over frames of decoders on every fixture_device, with and without history, against fp64 from the formula. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "decode/params.h"
#include "decode_fixture.h"

enum { MOST_FRAMES = 6 };

/* Frames of a clip. */
typedef struct clip {
    int32_t channels, pixels, frames;
    bool history;
    tsr_dtype dtype;
    fixture_rows x[MOST_FRAMES], y[MOST_FRAMES];
} clip;

static fixture_rows packed(const clip *c, tsr_dtype dtype)
{
    const uint64_t count = (uint64_t)(c->pixels * 3 * c->channels);
    double *const values = malloc(count * sizeof(*values));
    assert_non_null(values);
    for (uint64_t i = 0; i < count; i++) values[i] = 1.5 * oracle_normal(&fixture_rng);
    const fixture_rows rows = fixture_make(fixture_device, dtype, 0, count, values);
    free(values);
    return rows;
}

static bool on_host(void) { return strcmp(fixture_device->info.backend, "host") == 0; }

/* fp32 now and then; other devices compile a kernel of some seconds for each pair of types, so there y keeps to one. */
static tsr_dtype sometimes_f32(tsr_dtype dtype, bool never) { return !never && fixture_between(0, 3) == 0 ? TSR_F32 : dtype; }

static void fill(clip *c)
{
    for (int32_t t = 0; t < c->frames; t++) {
        c->x[t] = packed(c, sometimes_f32(c->dtype, false));
        c->y[t] = fixture_make(fixture_device, sometimes_f32(c->dtype, !on_host()), 0, (uint64_t)(c->pixels * c->channels), NULL);
    }
}

static void empty(clip *c)
{
    for (int32_t t = 0; t < c->frames; t++) {
        fixture_free(&c->x[t]);
        fixture_free(&c->y[t]);
    }
}

static void run(tsr_attend *attend, const clip *c)
{
    for (int32_t t = 0; t < c->frames; t++) fixture_ok(tsr_attend_run(attend, c->x[t].rows, c->y[t].rows, t), "a run");
}

/* Row i of frame t, from the definition. */
static void expected(const clip *c, int32_t t, int32_t i, double *row)
{
    const int32_t n = c->channels, first = c->history ? 0 : t;
    const double *const q = c->x[t].values + (int64_t)i * 3 * n;
    double top = -INFINITY, total = 0;
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1) memset(row, 0, (size_t)n * sizeof(*row));
        for (int32_t frame = first; frame <= t; frame++)
            for (int32_t j = 0; j < c->pixels; j++) {
                const double *const k = c->x[frame].values + (int64_t)j * 3 * n + n, *const v = k + n;
                double s = 0;
                for (int32_t d = 0; d < n; d++) s += q[d] * k[d];
                s /= sqrt(n);
                top = pass == 0 ? fmax(top, s) : top;
                const double p = pass == 1 ? exp(s - top) : 0;
                total += p;
                for (int32_t d = 0; pass == 1 && d < n; d++) row[d] += p * v[d];
            }
    }
    for (int32_t d = 0; d < n; d++) row[d] /= total;
}

static void check(clip *c)
{
    double *const row = malloc((size_t)c->channels * sizeof(*row));
    assert_non_null(row);
    for (int32_t t = 0; t < c->frames; t++) {
        fixture_read(&c->y[t]);
        for (int32_t i = 0; i < c->pixels; i++) {
            expected(c, t, i, row);
            for (int32_t d = 0; d < c->channels; d++) {
                const double got = c->y[t].values[i * c->channels + d], limit = 5e-5 + (c->y[t].rows.dtype == TSR_F16 ? fabs(row[d]) * 0x1p-11 : 0);
                if (!(fabs(got - row[d]) <= limit))
                    fail_msg("seed %llu: %d channels, %d pixels, frame %d of %d, history %d, types %d > %d: pixel %d channel %d: %.8g, expected %.8g",
                             (unsigned long long)fixture_seed, c->channels, c->pixels, t, c->frames, c->history, (int)c->x[t].rows.dtype,
                             (int)c->y[t].rows.dtype, i, d, got, row[d]);
            }
        }
    }
    free(row);
}

/* Two clips through one attention: the second finds nothing of the first. */
static void clips(clip c, bool known)
{
    const tsr_attend_desc desc = {.name = "a", .history = c.history};
    tsr_attend *attend = NULL;
    uint64_t planned = 0, used = fixture_device->used;
    fixture_ok(tsr_attend_plan(fixture_device, &desc, c.channels, c.pixels, known ? c.frames : 0, c.dtype, &planned), "a plan");
    assert_int_equal(fixture_device->used, used);
    fixture_ok(tsr_attend_create(fixture_device, &desc, c.channels, c.pixels, known ? c.frames : 0, c.dtype, &attend), "an attention");
    assert_int_equal(tsr_attend_bytes(attend), planned);
    assert_int_equal(fixture_device->used - used, planned);
    clip first = c, second = c;
    fill(&first);
    fill(&second);
    run(attend, &first);
    run(attend, &second);
    used = fixture_device->used;
    run(attend, &first);
    assert_int_equal(fixture_device->used, used); /* nothing more is held for a clip that was seen */
    check(&first);
    check(&second);
    empty(&first);
    empty(&second);
    tsr_attend_destroy(attend);
}

static void frames(void **state)
{
    (void)state;
    static const int32_t widths[] = {1, 3, 8, 16, 17, 33, 48, 96};
    const int cases = on_host() ? 24 : 2;
    for (int k = 0; k < cases; k++) {
        const clip c = {.channels = widths[oracle_below(&fixture_rng, sizeof(widths) / sizeof(widths[0]))],
                        .pixels = fixture_between(0, 1) ? fixture_between(1, 20) : fixture_between(60, 150),
                        .frames = k % 2 ? fixture_between(2, MOST_FRAMES) : fixture_between(1, 2),
                        .history = k % 2,
                        .dtype = (tsr_dtype)fixture_between(TSR_F32, TSR_F16)};
        clips(c, fixture_between(0, 1));
    }
}

/* As wide as decoders are. */
static void wide(void **state)
{
    (void)state;
    if (!on_host()) skip();
    clips((clip){.channels = 384, .pixels = 50, .frames = 2, .dtype = TSR_F16}, true);
    clips((clip){.channels = 1024, .pixels = 31, .frames = 3, .history = true, .dtype = TSR_F16}, true);
}

static void refusals(void **state)
{
    (void)state;
    const tsr_attend_desc desc = {.name = "a", .history = true};
    tsr_attend *attend = NULL;
    uint64_t bytes = 7;
    assert_int_equal(tsr_attend_create(fixture_device, &desc, 1025, 4, 1, TSR_F32, &attend), TSR_ERROR_UNSUPPORTED);
    assert_int_equal(tsr_attend_create(fixture_device, &desc, 8, INT64_MAX / 2, 1, TSR_F32, &attend), TSR_ERROR_UNSUPPORTED);
    assert_int_equal(tsr_attend_plan(fixture_device, &desc, 8, 1 << 20, INT64_MAX / 2, TSR_F32, &bytes), TSR_ERROR_UNSUPPORTED);
    assert_int_equal(tsr_attend_create(fixture_device, &desc, 8, 4, 1, TSR_BF16, &attend), TSR_ERROR_INTERNAL);
    assert_null(attend);
    assert_int_equal(bytes, 7);
    clip c = {.channels = 8, .pixels = 4, .frames = 2, .history = true, .dtype = TSR_F32};
    fixture_ok(tsr_attend_create(fixture_device, &desc, 8, 4, 2, TSR_F32, &attend), "an attention");
    fill(&c);
    assert_int_equal(tsr_attend_run(attend, c.x[1].rows, c.y[1].rows, 1), TSR_ERROR_INTERNAL); /* frame 0 was not there */
    empty(&c);
    tsr_attend_destroy(attend);
}

/* Asks for block i, and reads what the fixture_device has where it is said to be. */
static bk_binding ask(tsr_params *params, int32_t i)
{
    const int32_t block[3] = {7, i, -i};
    int32_t found[3] = {0};
    bk_binding at;
    fixture_ok(tsr_params_get(params, block, &at), "a block");
    fixture_ok(fixture_device->backend->buffer_read(fixture_device->bk, at.buffer, at.offset, found, sizeof(found)), "a block");
    assert_memory_equal(found, block, sizeof(block));
    return at;
}

/* Blocks are found again where they were, until there are too many of them; then the oldest makes way. */
static void blocks(void **state)
{
    (void)state;
    tsr_params params;
    uint64_t at[TSR_PARAMS_BLOCKS];
    const uint64_t used = fixture_device->used;
    tsr_params_init(&params, fixture_device, sizeof(int32_t[3]));
    const uint64_t bytes = tsr_params_bytes(&params);
    for (int32_t i = 0; i < TSR_PARAMS_BLOCKS; i++) at[i] = ask(&params, i).offset;
    for (int32_t i = TSR_PARAMS_BLOCKS; i-- > 0;) assert_int_equal(ask(&params, i).offset, at[i]);
    assert_int_equal(params.next, 0); /* none was written twice */
    assert_int_equal(ask(&params, 1000).offset, at[0]);
    assert_int_equal(ask(&params, 0).offset, at[1]);
    assert_int_equal(ask(&params, 2).offset, at[2]);
    assert_int_equal(tsr_params_bytes(&params), bytes);
    assert_int_equal(fixture_device->used - used, bytes);
    tsr_params_free(&params);
    assert_int_equal(fixture_device->used, used);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(frames), cmocka_unit_test(wide), cmocka_unit_test(refusals), cmocka_unit_test(blocks)};
    return fixture_main(argc, argv, tests, sizeof(tests) / sizeof(tests[0]), TEST_REQUIRE);
}
