/* Golden fixtures: numbers drawn as draw.py draws them, and the weight files that are made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "golden/golden.h"
#include "oracle/oracle.h"

static void test_draw(void **state)
{
    (void)state;
    static const float want[5] = {0x1.3f63cc0000000p+0f, -0x1.8cc8760000000p+0f, -0x1.1b79d00000000p-4f, 0x1.db9cca0000000p-1f,
                                  -0x1.28891a0000000p-1f};
    float got[5], one[4];
    golden_draw("latent0", 7, 1.7f, 0.0f, 0, 5, got);
    assert_memory_equal(got, want, sizeof(want));
    golden_draw("decoder.conv_in.weight", 20260, 0.25f, 1.0f, 0, 3, one);
    golden_draw("decoder.conv_in.weight", 20260, 0.25f, 1.0f, 69999, 1, one + 3);
    static const float weight[4] = {0x1.13a7d80000000p+0f, 0x1.062ba80000000p+0f, 0x1.f7aa740000000p-1f, 0x1.e78e300000000p-1f};
    assert_memory_equal(one, weight, sizeof(weight));
}

static tsr_tensors *make(const golden *g, int scheme, tsr_dtype dtype, const char *spoiled)
{
    char path[] = "/tmp/tessera-test-XXXXXX";
    const int fd = mkstemp(path);
    tsr_tensors *file = NULL;
    assert_true(fd >= 0);
    assert_true(golden_write(g, scheme, dtype, spoiled, path));
    assert_int_equal(tsr_tensors_open(path, &file), TSR_OK);
    unlink(path);
    close(fd);
    return file;
}

/* Both schemes of a fixture hold the same numbers under their own names. */
static void test_schemes(void **state)
{
    (void)state;
    golden g;
    char why[256] = "";
    if (!golden_open(GOLDEN_FOLDER, "kl", &g, why, sizeof(why))) fail_msg("%s", why);
    assert_true(g.scheme_count >= 2);
    tsr_tensors *a = make(&g, 0, g.storage, NULL), *b = make(&g, 1, g.storage, NULL);
    assert_int_equal(tsr_tensors_count(a), tsr_tensors_count(b));
    int n = 0;
    for (; golden_tensor(&g, 0, n); n++) {
        tsr_tensor_view x, y;
        assert_int_equal(tsr_tensors_find(a, golden_tensor(&g, 0, n), &x), TSR_OK);
        assert_int_equal(tsr_tensors_find(b, golden_tensor(&g, 1, n), &y), TSR_OK);
        assert_string_not_equal(x.name, y.name);
        assert_int_equal(x.dtype, TSR_F16);
        assert_int_equal(x.size, y.size);
        assert_memory_equal(x.data, y.data, x.size);
    }
    assert_int_equal((size_t)n, tsr_tensors_count(a));
    tsr_tensor_view linear, convolution;
    assert_int_equal(tsr_tensors_find(a, "decoder.mid_block.attentions.0.to_q.weight", &linear), TSR_OK);
    assert_int_equal(tsr_tensors_find(b, "first_stage_model.decoder.mid.attn_1.q.weight", &convolution), TSR_OK);
    assert_int_equal(linear.rank, 2);
    assert_int_equal(convolution.rank, 4);
    tsr_tensors_close(a);
    tsr_tensors_close(b);
    golden_close(&g);
}

/* A file in another storage type has the fixture's rounding first; the spoiled tensor alone has the wrong sign. */
static void test_storage(void **state)
{
    (void)state;
    golden g;
    char why[256] = "";
    if (!golden_open(GOLDEN_FOLDER, "wan21-bf16", &g, why, sizeof(why))) fail_msg("%s", why);
    static const char spoiled[] = "decoder.conv_in.weight";
    tsr_tensors *own = make(&g, 0, TSR_BF16, NULL), *wide = make(&g, 0, TSR_F32, spoiled);
    for (int n = 0; golden_tensor(&g, 0, n); n++) {
        tsr_tensor_view x, y;
        const char *name = golden_tensor(&g, 0, n);
        assert_int_equal(tsr_tensors_find(own, name, &x), TSR_OK);
        assert_int_equal(tsr_tensors_find(wide, name, &y), TSR_OK);
        assert_int_equal(2 * x.size, y.size);
        const double sign = strcmp(name, spoiled) == 0 ? -1 : 1;
        for (int64_t i = 0; i < (int64_t)(x.size / 2); i++)
            if (oracle_load(TSR_BF16, x.data, i) != sign * oracle_load(TSR_F32, y.data, i)) fail_msg("%s, element %lld", name, (long long)i);
    }
    tsr_tensors_close(own);
    tsr_tensors_close(wide);
    golden_close(&g);
}

/* The configuration goes with the original names alone. */
static void test_metadata(void **state)
{
    (void)state;
    golden g;
    char why[256] = "";
    if (!golden_open(GOLDEN_FOLDER, "ltx-2.0", &g, why, sizeof(why))) fail_msg("%s", why);
    tsr_tensors *a = make(&g, 0, TSR_F32, NULL), *b = make(&g, 1, TSR_F32, NULL);
    assert_null(tsr_tensors_metadata(a, "config"));
    assert_non_null(strstr(tsr_tensors_metadata(b, "config"), "\"spatial_padding_mode\":\"reflect\""));
    tsr_tensors_close(a);
    tsr_tensors_close(b);
    golden_close(&g);
}

static void test_missing(void **state)
{
    (void)state;
    golden g;
    char why[256] = "";
    assert_false(golden_open(GOLDEN_FOLDER, "no-such-fixture", &g, why, sizeof(why)));
    assert_non_null(strstr(why, "no-such-fixture.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_draw), cmocka_unit_test(test_schemes), cmocka_unit_test(test_storage),
                                       cmocka_unit_test(test_metadata), cmocka_unit_test(test_missing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
