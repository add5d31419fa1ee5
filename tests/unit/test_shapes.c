/* Every shape of the flash kernel that a device lists gives the same attention: a small awkward problem against fp64. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "attention/attention.h"
#include "tune/race.h"

enum { HEADS = 2, DIM = 40, VALUES = 24 };

typedef struct problem {
    int64_t queries, keys;
    tsr_dtype dtype;
    bool causal;
} problem;

static const problem problems[] = {{67, 131, TSR_F32, false}, {67, 131, TSR_F16, true}, {1, 193, TSR_F16, false}};
enum { PROBLEMS = sizeof(problems) / sizeof(problems[0]) };

static float *draw(tsr_buffer **out, tsr_device *dev, tsr_dtype dtype, size_t n, uint64_t seed)
{
    void *raw = malloc(n * 4);
    float *x = malloc(n * 4);
    tsr_tune_fill(raw, dtype, n, seed);
    tsr_tune_floats(raw, dtype, n, x);
    assert_int_equal(tsr_buffer_create(dev, n * tsr_dtype_size(dtype), out), TSR_OK);
    assert_int_equal(tsr_buffer_write(*out, 0, raw, n * tsr_dtype_size(dtype)), TSR_OK);
    free(raw);
    return x;
}

/* o[i] = sum_j exp(s[i,j]) v[j] / sum_j exp(s[i,j]); the last query stands at the last key. */
static double *attention(const problem *p, const float *q, const float *k, const float *v)
{
    double *o = calloc((size_t)(HEADS * p->queries * VALUES), sizeof(double));
    for (int64_t row = 0; row < HEADS * p->queries; row++) {
        const int64_t h = row / p->queries, i = row % p->queries, seen = p->causal ? p->keys - p->queries + i + 1 : p->keys;
        double sum = 0;
        for (int64_t j = 0; j < seen; j++) {
            double s = 0;
            for (int d = 0; d < DIM; d++) s += (double)q[row * DIM + d] * (double)k[(h * p->keys + j) * DIM + d];
            const double e = exp(s / sqrt(DIM));
            sum += e;
            for (int d = 0; d < VALUES; d++) o[row * VALUES + d] += e * (double)v[(h * p->keys + j) * VALUES + d];
        }
        for (int d = 0; d < VALUES; d++) o[row * VALUES + d] /= sum;
    }
    return o;
}

/* turn: of the host -1; drivers take long to compile, so elsewhere each problem is for a part of the shapes. */
static void run_shapes(tsr_device *dev, const problem *p, uint64_t seed, int turn)
{
    tsr_attention_desc d = {.q = {p->dtype, {1, HEADS, p->queries, DIM}, {0}},
                            .k = {p->dtype, {1, HEADS, p->keys, DIM}, {0}},
                            .v = {p->dtype, {1, HEADS, p->keys, VALUES}, {0}},
                            .o = {TSR_F32, {1, HEADS, p->queries, VALUES}, {0}},
                            .scale = (float)(1 / sqrt(DIM)), /* said, for shapes are listed before a device fills it in */
                            .band = {p->causal, TSR_ALIGN_BOTTOM_RIGHT, TSR_UNBOUNDED, 0}};
    const size_t n = (size_t)(HEADS * p->queries * VALUES);
    const double most = p->dtype == TSR_F32 ? 1e-5 : 3e-3; /* matrices round probabilities to fp16 */
    tsr_buffer *q, *k, *v, *o;
    float *const qf = draw(&q, dev, p->dtype, (size_t)(HEADS * p->queries * DIM), seed);
    float *const kf = draw(&k, dev, p->dtype, (size_t)(HEADS * p->keys * DIM), seed + 1), *got = malloc(n * 4);
    float *const vf = draw(&v, dev, p->dtype, (size_t)(HEADS * p->keys * VALUES), seed + 2);
    double *const expected = attention(p, qf, kf, vf);
    tsr_tiling all[TSR_MAX_CANDIDATES];
    assert_int_equal(tsr_buffer_create(dev, n * 4, &o), TSR_OK);
    const size_t count = tsr_attention_candidates(&dev->info, &d, all);
    assert_true(count > 1);
    for (d.shape = 1; d.shape <= count; d.shape++) {
        tsr_attention *att = NULL;
        tsr_attention_info info;
        if (turn >= 0 && (int)d.shape % PROBLEMS != turn) continue;
        memset(got, 0xff, n * 4);
        if (tsr_attention_prepare(dev, &d, &att) != TSR_OK) fail_msg("%s, shape %u: %s", dev->info.id, d.shape, tsr_last_error());
        assert_int_equal(tsr_attention_get_info(att, &info), TSR_OK);
        assert_int_equal(tsr_buffer_write(o, 0, got, n * 4), TSR_OK);
        assert_int_equal(tsr_attention_run(att, &(tsr_attention_args){.q = {q, 0}, .k = {k, 0}, .v = {v, 0}, .o = {o, 0}}), TSR_OK);
        assert_int_equal(tsr_buffer_read(o, 0, got, n * 4), TSR_OK);
        for (size_t i = 0; i < n; i++)
            if (!(fabs((double)got[i] - expected[i]) <= most))
                fail_msg("seed %llu: %s, shape %u (%s), %lld queries: o[%zu] is %g; expected %g", (unsigned long long)seed, dev->info.id, d.shape,
                         info.kernel, (long long)p->queries, i, (double)got[i], expected[i]);
        tsr_attention_destroy(att);
    }
    /* One past the last is refused by its number. */
    tsr_attention *att = NULL;
    assert_int_equal(tsr_attention_prepare(dev, &d, &att), TSR_ERROR_ARGUMENT);
    assert_non_null(strstr(tsr_last_error(), "shape"));
    tsr_buffer *const buffers[] = {q, k, v, o};
    for (int i = 0; i < 4; i++) tsr_buffer_destroy(buffers[i]);
    void *const owned[] = {qf, kf, vf, got, expected};
    for (int i = 0; i < 5; i++) free(owned[i]);
}

static void run_device(const char *selector)
{
    tsr_context *ctx = NULL;
    tsr_device *dev = NULL;
    assert_int_equal(tsr_context_create(NULL, &ctx), TSR_OK);
    if (tsr_device_open(ctx, selector, NULL, &dev) != TSR_OK) {
        print_message("%s: %s\n", selector, tsr_last_error());
        tsr_context_destroy(ctx);
        if (TEST_REQUIRE) fail_msg("%s", tsr_last_error());
        skip();
    }
    for (int i = 0; i < PROBLEMS; i++) run_shapes(dev, &problems[i], (uint64_t)time(NULL) * 7 + (uint64_t)i, strcmp(selector, "host") == 0 ? -1 : i);
    tsr_device_destroy(dev);
    tsr_context_destroy(ctx);
}

/* On a GPU no workgroup takes a million keys in one dispatch; on a CPU nobody waits for it. */
static void cut(void **state)
{
    (void)state;
    enum { KEYS = 1 << 20, QUERIES = 64, TILE = 32 };
    const int64_t dims[] = {3, 64, 128};
    for (int i = 0; i < 3; i++) {
        const tsr_attention_desc d = {.q = {TSR_F16, {1, 1, QUERIES, dims[i]}, {0}}, .k = {TSR_F16, {1, 1, KEYS, dims[i]}, {0}}, .splits = 2};
        tsr_tiling t = {.tile = TSR_TILE_SIMT, .query_tile = QUERIES, .bc = TILE, .dv_slice = (int32_t)dims[i]};
        assert_int_equal(tsr_attention_cut(&(tsr_device_info){.type = TSR_DEVICE_INTEGRATED}, 0, &d, 1, KEYS / TILE, 0, &t), TSR_OK);
        const double flop = 4.0 * (double)dims[i] * QUERIES * TILE * t.pass_tiles;
        assert_true(t.pass_tiles == KEYS / TILE / 2 ? flop <= 2.2e9 : flop > 1.9e9 && flop <= 2.2e9);
        assert_true((int64_t)t.passes * t.pass_tiles >= KEYS / TILE / 2 && (int64_t)(t.passes - 1) * t.pass_tiles < KEYS / TILE / 2);
        assert_true(dims[i] < 64 ? t.passes == 1 : t.passes > 1);
        assert_int_equal(tsr_attention_cut(&(tsr_device_info){.type = TSR_DEVICE_CPU}, 0, &d, 1, KEYS / TILE, 0, &t), TSR_OK);
        assert_int_equal(t.passes, 1);
    }
}
static void host(void **state) { (void)state, run_device("host"), cut(state); }
static void vulkan(void **state) { (void)state, run_device("vulkan"); }
static void opencl(void **state) { (void)state, run_device("opencl"); }

/* Argument: the one device that is meant. */
int main(int argc, char **argv)
{
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {cmocka_unit_test(host), cmocka_unit_test(vulkan), cmocka_unit_test(opencl)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
