/* Probes with bad descriptions and arguments: each is refused, and named; and blocks of any size. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tessera/tessera_probe.h"

enum { HEADS = 2, TOKENS = 8, DIM = 4 };

static tsr_context *context;
static tsr_device *device;

static int open_host(void **state)
{
    (void)state;
    return tsr_context_create(NULL, &context) != TSR_OK || tsr_device_open(context, "host", NULL, &device) != TSR_OK;
}

static int close_host(void **state)
{
    (void)state;
    tsr_device_destroy(device);
    tsr_context_destroy(context);
    return 0;
}

static tsr_probe_desc good(void)
{
    const tsr_layout tokens = {.dtype = TSR_F32, .shape = {1, HEADS, TOKENS, DIM}}, lse = {.dtype = TSR_F32, .shape = {1, HEADS, TOKENS, 1}};
    return (tsr_probe_desc){.attention = {.q = tokens, .k = tokens, .v = tokens, .o = tokens, .lse = lse}, .key_sums = 1};
}

static void refused(const tsr_probe_desc *desc, const char *says, const char *also)
{
    tsr_probe *probe = NULL;
    assert_int_equal(tsr_probe_prepare(device, desc, &probe), TSR_ERROR_ARGUMENT);
    assert_null(probe);
    if (!strstr(tsr_last_error(), says) || !strstr(tsr_last_error(), also)) fail_msg("'%s'; expected '%s' and '%s'", tsr_last_error(), says, also);
}

static void descriptions(void **state)
{
    (void)state;
    static const int64_t rows[2] = {0, TOKENS};
    tsr_probe_desc d = good();
    memset(&d.attention.lse, 0, sizeof(d.attention.lse));
    refused(&d, "attention.lse is not described", "expected");
    d = good(), d.key_sums = 2;
    refused(&d, "key_sums is 2", "expected 0 or 1");
    d = good(), d.key_sums = 0;
    refused(&d, "key_sums is 0", "something to look at");
    d = good(), d.block_q = 4;
    refused(&d, "block_q is 4 and block_k 0", "both 1 or more");
    d = good(), d.block_q = 4, d.block_k = -1;
    refused(&d, "block_k -1", "both 1 or more");
    d = good(), d.row_count = 2;
    refused(&d, "rows is NULL", "expected 2 rows");
    d = good(), d.rows = rows, d.row_count = 2;
    refused(&d, "rows[1] is 8", "one of 8 queries");
    d = good(), d.reserved[5] = 1;
    refused(&d, "reserved[5] is 1", "expected 0");
    d = good(), d.attention.scale = NAN;
    refused(&d, "scale is", "finite");
    d = good(), d.attention.codes.bits = 8;
    tsr_probe *probe = NULL;
    assert_int_equal(tsr_probe_prepare(device, &d, &probe), TSR_ERROR_UNSUPPORTED);
    assert_null(probe);
    assert_non_null(strstr(tsr_last_error(), "codes.bits is 8; expected 0"));
}

static void arguments(void **state)
{
    (void)state;
    const tsr_probe_desc d = good();
    const tsr_probe_args none = {.rows = {NULL, 0}};
    tsr_probe *probe = NULL;
    assert_int_equal(tsr_probe_prepare(device, &d, NULL), TSR_ERROR_ARGUMENT);
    assert_int_equal(tsr_probe_prepare(NULL, &d, &probe), TSR_ERROR_ARGUMENT);
    assert_int_equal(tsr_probe_prepare(device, &d, &probe), TSR_OK);
    assert_int_equal(tsr_probe_run(probe, NULL), TSR_ERROR_ARGUMENT);
    assert_int_equal(tsr_probe_run(probe, &none), TSR_ERROR_ARGUMENT);
    assert_non_null(strstr(tsr_last_error(), "q.buffer is NULL"));
    tsr_probe_destroy(probe);
    tsr_probe_destroy(NULL);
}

/* Blocks beyond all tokens hold everything: their one sum is the number of queries. */
static void blocks_without_end(void **state)
{
    (void)state;
    tsr_probe_desc d = good();
    d.key_sums = 0, d.block_q = d.block_k = INT64_MAX;
    float numbers[HEADS * TOKENS * DIM], lse[HEADS * TOKENS], sums[HEADS] = {NAN, NAN};
    for (int i = 0; i < HEADS * TOKENS * DIM; i++) numbers[i] = 0;
    for (int i = 0; i < HEADS * TOKENS; i++) lse[i] = logf(TOKENS);
    tsr_probe *probe = NULL;
    tsr_buffer *q = NULL, *l = NULL, *out = NULL;
    assert_int_equal(tsr_probe_prepare(device, &d, &probe), TSR_OK);
    assert_int_equal(tsr_buffer_create(device, sizeof(numbers), &q), TSR_OK);
    assert_int_equal(tsr_buffer_create(device, sizeof(lse), &l), TSR_OK);
    assert_int_equal(tsr_buffer_create(device, sizeof(sums), &out), TSR_OK);
    assert_int_equal(tsr_buffer_write(q, 0, numbers, sizeof(numbers)), TSR_OK);
    assert_int_equal(tsr_buffer_write(l, 0, lse, sizeof(lse)), TSR_OK);
    assert_int_equal(tsr_buffer_write(out, 0, sums, sizeof(sums)), TSR_OK);
    const tsr_probe_args args = {.q = {q, 0}, .k = {q, 0}, .lse = {l, 0}, .block_sums = {out, 0}};
    assert_int_equal(tsr_probe_run(probe, &args), TSR_OK);
    assert_int_equal(tsr_buffer_read(out, 0, sums, sizeof(sums)), TSR_OK);
    for (int h = 0; h < HEADS; h++)
        if (!(fabsf(sums[h] - TOKENS) < 1e-5f)) fail_msg("sum %d is %g; expected %d", h, (double)sums[h], TOKENS);
    tsr_probe_destroy(probe);
    tsr_buffer_destroy(q);
    tsr_buffer_destroy(l);
    tsr_buffer_destroy(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(descriptions), cmocka_unit_test(arguments), cmocka_unit_test(blocks_without_end)};
    return cmocka_run_group_tests(tests, open_host, close_host);
}
