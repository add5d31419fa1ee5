/* What streams on the host give back: phases far out, older tokens, what is left of evicted ones. */
#include "unit/stream_fixture.h"

#include <math.h>
#include <string.h>

/* Outputs hang on distances alone: a stream that begins 2^51 steps later gives the same. */
static void phases_stay_exact(void **state)
{
    stream_fixture *f = *state;
    static const int64_t starts[] = {0, (int64_t)1 << 51};
    tsr_stream_desc desc = fixture_desc();
    desc.time = TSR_STREAM_TIME_KEPT;
    desc.rope.theta[0] = 3;
    float out[2][2 * 4 * 6];
    const oracle_rng same = f->r;
    for (int i = 0; i < 2; i++) {
        tsr_stream_destroy(f->stream);
        f->stream = NULL;
        assert_int_equal(tsr_stream_create(f->dev, &desc, &f->stream), TSR_OK);
        f->r = same;
        for (int64_t chunk = 0; chunk < 20; chunk++) {
            const int64_t positions[3] = {starts[i] + 7 * chunk, starts[i] + 7 * chunk + 2, starts[i] + 7 * chunk + 5};
            tsr_stream_tokens tokens = fixture_tokens(f, 3);
            tokens.positions = positions;
            assert_int_equal(tsr_stream_append(f->stream, &tokens, NULL), TSR_OK);
        }
        const tsr_stream_queries q = fixture_queries(f, 1);
        assert_int_equal(tsr_stream_attend(f->stream, &q), TSR_OK);
        assert_int_equal(tsr_buffer_read(f->o, 0, out[i], sizeof(out[i])), TSR_OK);
    }
    for (int i = 0; i < 2 * 4 * 6; i++)
        if (!(fabsf(out[0][i] - out[1][i]) < 2e-6f)) fail_msg("output %d is %.9g, and %.9g far out", i, (double)out[0][i], (double)out[1][i]);
}

/* lse and before: the second last query of a chunk as one of two and alone. */
static void reads_of_older_tokens(void **state)
{
    stream_fixture *f = *state;
    float two[2 * 4 * 2 * 6], one[2 * 4 * 6], lse_two[2 * 4 * 2], lse_one[2 * 4], data[2 * 4 * 8];
    for (int i = 0; i < 5; i++) fixture_append(f, 3);
    tsr_stream_queries q = fixture_queries(f, 2);
    q.lse = (tsr_span){f->v, 16};
    assert_int_equal(tsr_stream_attend(f->stream, &q), TSR_OK);
    assert_int_equal(tsr_buffer_read(f->o, 0, two, sizeof(two)), TSR_OK);
    assert_int_equal(tsr_buffer_read(f->v, 16, lse_two, sizeof(lse_two)), TSR_OK);
    for (int h = 0; h < 8; h++) memcpy(data + 8 * h, f->data + 16 * h, 8 * sizeof(float));
    q = fixture_queries(f, 1);
    assert_int_equal(tsr_buffer_write(f->q, 0, data, sizeof(data)), TSR_OK);
    q.before = 1;
    q.lse = (tsr_span){f->v, 0};
    assert_int_equal(tsr_stream_attend(f->stream, &q), TSR_OK);
    assert_int_equal(tsr_buffer_read(f->o, 0, one, sizeof(one)), TSR_OK);
    assert_int_equal(tsr_buffer_read(f->v, 0, lse_one, sizeof(lse_one)), TSR_OK);
    for (int h = 0; h < 8; h++) {
        assert_true(fabsf(lse_one[h] - lse_two[2 * h]) < 1e-5f);
        for (int i = 0; i < 6; i++) assert_true(fabsf(one[6 * h + i] - two[12 * h + i]) < 1e-5f);
    }
}

/* What is evicted is gone, were it NaN. */
static void evicted_nan(void **state)
{
    stream_fixture *f = *state;
    tsr_stream_destroy(f->stream);
    tsr_stream_desc desc = fixture_desc();
    desc.ema = 0; /* an average would stay NaN */
    f->stream = NULL;
    assert_int_equal(tsr_stream_create(f->dev, &desc, &f->stream), TSR_OK);
    fixture_append(f, 4);
    const tsr_stream_tokens tokens = fixture_tokens(f, 2);
    for (int i = 0; i < FIXTURE_VALUES; i++) f->data[i] = NAN;
    assert_int_equal(tsr_buffer_write(f->v, 0, f->data, sizeof(f->data)), TSR_OK);
    assert_int_equal(tsr_buffer_write(f->k, 0, f->data, sizeof(f->data)), TSR_OK);
    assert_int_equal(tsr_stream_append(f->stream, &tokens, NULL), TSR_OK);
    fixture_append(f, 1);
    float out[2 * 4 * 6];
    const int64_t ids[2] = {4, 5};
    for (int round = 0; round < 2; round++) {
        const tsr_stream_queries q = fixture_queries(f, 1);
        assert_int_equal(tsr_stream_attend(f->stream, &q), TSR_OK);
        assert_int_equal(tsr_buffer_read(f->o, 0, out, sizeof(out)), TSR_OK);
        for (int i = 0; i < 2 * 4 * 6; i++) assert_true((isnan(out[i]) != 0) == (round == 0));
        if (round == 0) assert_int_equal(tsr_stream_evict(f->stream, ids, 2), TSR_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(phases_stay_exact, fixture_create, fixture_destroy),
        cmocka_unit_test_setup_teardown(reads_of_older_tokens, fixture_create, fixture_destroy),
        cmocka_unit_test_setup_teardown(evicted_nan, fixture_create, fixture_destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
