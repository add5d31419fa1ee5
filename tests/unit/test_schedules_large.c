/* Schedules of video-sized grids: all pairs are counted, tiles drawn at random hold just what the reference says, and little else is
 * visited. */
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

typedef struct row {
    const char *name;
    int64_t extent[ORACLE_AXES], window[ORACLE_AXES], stride[ORACLE_AXES], dilation[ORACLE_AXES];
    double waste; /* at most; 0: not of interest */
    bool full;    /* only where TESSERA_FULL is set: planning takes seconds */
} row;

/* NATTEN's cases that its own tests leave out as too long, and the windows whose waste is bounded. */
static const row rows[] = {
    {"hunyuan", {30, 48, 80}, {18, 24, 24}, {16, 8, 8}, {0}, 0, true},
    {"flat", {57, 20, 88}, {19, 4, 6}, {13, 1, 6}, {2, 2, 7}, 0, true},
    {"cube", {61, 61, 61}, {10, 10, 10}, {0}, {2, 2, 2}, 0, false},
    {"tall", {48, 64, 64}, {7, 15, 11}, {1, 2, 2}, {5, 3, 2}, 0, true},
    {"5 % of the keys", {21, 30, 52}, {8, 11, 19}, {0}, {0}, 2.1, false},
    {"10 % of the keys", {21, 30, 52}, {10, 14, 24}, {0}, {0}, 1.85, false},
    {"20 % of the keys", {21, 30, 52}, {12, 18, 30}, {0}, {0}, 1.6, false},
    {"fitted to tiles", {20, 32, 48}, {4, 12, 12}, {4, 4, 4}, {0}, 1.0, false},
    {"one axis, 1024", {1, 1, 16384}, {1, 1, 1024}, {0}, {0}, 1.15, false},
    {"one axis, 3001", {1, 1, 20011}, {1, 1, 3001}, {0}, {0}, 1.15, false},
};

static void check_tile(const oracle_set *set, int64_t n, const tsr_schedule_tile *t, const char *name)
{
    uint8_t *listed = calloc((size_t)n + 1, 1), *seen = calloc((size_t)n + 1, 1);
    assert_true(listed && seen);
    for (int64_t k = 0; k < t->key_count; k++) listed[t->keys[k]] += 1;
    for (int64_t r = 0; r < t->row_count; r++) {
        uint64_t *bits = oracle_set_pairs(set, n, n, (oracle_rows){t->rows[r], n});
        assert_non_null(bits);
        for (int64_t j = 0; j < n; j++) seen[j] = (uint8_t)(seen[j] + oracle_pair(bits, n, 0, j));
        free(bits);
    }
    for (int64_t j = 0; j < n; j++)
        if (listed[j] != (seen[j] > 0)) fail_msg("%s: key %d is listed %d times; %d rows of the tile see it", name, (int)j, listed[j], seen[j]);
    for (int64_t k = 0; k < t->key_count; k++)
        if (t->full[k] && seen[t->keys[k]] != t->row_count) fail_msg("%s: key %d is full; not all rows see it", name, (int)t->keys[k]);
    free(listed);
    free(seen);
}

static void check_row(const row *w, oracle_rng *r)
{
    enum { SAMPLE = 12 };
    oracle_set set = {.count = 1, .gridded = true, .of = {{.kind = ORACLE_NATTEN}}};
    for (int a = 0; a < ORACLE_AXES; a++) set.of[0].axis[a] = (oracle_axis){w->extent[a], w->window[a], w->stride[a], w->dilation[a], 0, false};
    const int64_t n = set_tokens(&set);
    int64_t *places = malloc((size_t)(n + 64) * sizeof(*places));
    uint8_t *full = malloc((size_t)n), *there = calloc((size_t)n, 1);
    set_encoding e;
    tsr_set *made = NULL;
    tsr_schedule *schedule = NULL;
    tsr_schedule_info info;
    assert_true(places && full && there && set_encode(&set, n, n, &e));
    assert_int_equal(tsr_set_create(&e.desc, &made), TSR_OK);
    const tsr_schedule_desc desc = {.set = made, .nq = n, .nk = n};
    assert_int_equal(tsr_schedule_create(&desc, &schedule), TSR_OK);
    assert_int_equal(tsr_schedule_get_info(schedule, &info), TSR_OK);
    print_message("%-18s waste %.3f, boxes of %dx%dx%d, %.2f s, %.1f MB\n", w->name, info.waste, (int)info.box[0], (int)info.box[1], (int)info.box[2],
                  info.seconds, (double)info.bytes / 1e6);
    assert_int_equal(info.pairs, n * w->window[0] * w->window[1] * w->window[2]);
    for (uint64_t i = 0; i < info.query_tiles; i++) {
        tsr_schedule_tile t = {.rows = places};
        assert_int_equal(tsr_schedule_get_tile(schedule, i, &t), TSR_OK);
        for (int64_t q = 0; q < t.row_count; q++) assert_int_equal(there[t.rows[q]]++, 0);
    }
    for (int64_t i = 0; i < n; i++) assert_int_equal(there[i], 1);
    for (int i = 0; i < SAMPLE; i++) {
        tsr_schedule_tile t = {places + n, places, full, 0, 0};
        assert_int_equal(tsr_schedule_get_tile(schedule, oracle_below(r, (uint32_t)info.query_tiles), &t), TSR_OK);
        check_tile(&set, n, &t, w->name);
    }
    if (w->waste > 0 && info.waste > w->waste + 1e-9) fail_msg("%s: waste %.3f; expected at most %.2f", w->name, info.waste, w->waste);
    tsr_schedule_destroy(schedule);
    tsr_set_destroy(made);
    set_encoding_free(&e);
    free(places);
    free(full);
    free(there);
}

static void test_rows(void **state)
{
    (void)state;
    const char *given = getenv("TESSERA_SEED");
    const uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("seed %llu (TESSERA_SEED repeats it)\n", (unsigned long long)seed);
    oracle_rng r = oracle_seed(seed);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (!rows[i].full || getenv("TESSERA_FULL")) check_row(&rows[i], &r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
