/* Lists of key tiles: what they become, and every way in which they can be wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "oracle/oracle.h"
#include "tessera/tessera_flow.h"

enum { ROWS = 6, COLUMNS = 5 };

/* Random lists of two heads, three query tiles each, and the map by which they were drawn. */
typedef struct lists {
    int32_t counts[ROWS], indices[ROWS * COLUMNS];
    float map[ROWS * COLUMNS];
    tsr_block_lists desc;
} lists;

static void draw(lists *l, oracle_rng *rng)
{
    memset(l, 0, sizeof(*l));
    uint64_t at = 0;
    for (int row = 0; row < ROWS; row++)
        for (int column = 0; column < COLUMNS; column++) {
            if (oracle_below(rng, 3)) continue;
            l->map[row * COLUMNS + column] = 1;
            l->counts[row]++;
            l->indices[at++] = column;
        }
    l->desc = (tsr_block_lists){1, 2, ROWS / 2, COLUMNS, l->counts, l->indices, at};
}

static void test_map(void **state)
{
    (void)state;
    oracle_rng rng = oracle_seed(71);
    for (int turn = 0; turn < 200; turn++) {
        lists l;
        float map[ROWS * COLUMNS];
        draw(&l, &rng);
        memset(map, 0xff, sizeof(map)); /* NaN */
        assert_int_equal(tsr_block_lists_to_map(&l.desc, map, ROWS * COLUMNS), TSR_OK);
        assert_memory_equal(map, l.map, sizeof(map));
    }
}

/* Refused, by a text that has this in it, with the map as it was. */
static void refused(const lists *l, uint64_t room, const char *text)
{
    float map[ROWS * COLUMNS], before[ROWS * COLUMNS];
    memset(map, 0x5a, sizeof(map));
    memcpy(before, map, sizeof(map));
    assert_int_equal(tsr_block_lists_to_map(&l->desc, map, room), TSR_ERROR_ARGUMENT);
    if (!strstr(tsr_last_error(), text)) fail_msg("'%s' says nothing of '%s'", tsr_last_error(), text);
    assert_memory_equal(map, before, sizeof(map));
}

/* Three tiles in the first list, none in the others. */
static lists three(int32_t a, int32_t b, int32_t c)
{
    lists l = {.counts = {3}, .indices = {a, b, c}};
    return l;
}

static void test_errors(void **state)
{
    (void)state;
    const uint64_t room = ROWS * COLUMNS;
    static const struct {
        int32_t indices[3];
        const char *text;
    } wrong[] = {
        {{0, 2, 5}, "indices[2] (list 0) is 5; expected 0 to 4"},
        {{-1, 2, 3}, "indices[0] (list 0) is -1"},
        {{0, 3, 2}, "indices[2] (list 0) is 2 after 3"},
        {{1, 1, 2}, "indices[1] (list 0) is 1 again"},
        {{0, 1, INT32_MAX}, "is 2147483647"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        lists l = three(wrong[i].indices[0], wrong[i].indices[1], wrong[i].indices[2]);
        l.desc = (tsr_block_lists){1, 2, ROWS / 2, COLUMNS, l.counts, l.indices, 3};
        refused(&l, room, wrong[i].text);
    }
    lists l = three(0, 1, 2);
    l.desc = (tsr_block_lists){1, 2, ROWS / 2, COLUMNS, l.counts, l.indices, 3};
    refused(&l, room - 1, "room is 29; expected 30");
    l.desc.index_count = 2;
    refused(&l, room, "index_count is 2");
    l.desc.index_count = 4;
    refused(&l, room, "index_count is 4; expected 3");
    l.desc.index_count = 3;
    l.counts[0] = COLUMNS + 1;
    refused(&l, room, "counts[0] is 6; expected 0 to 5");
    l.counts[0] = -1;
    refused(&l, room, "counts[0] is -1");
    l.desc.h = 0;
    refused(&l, room, "h is 0");
    l.desc.h = INT64_MAX;
    refused(&l, room, "h is 9223372036854775807");
    l.desc.h = 2, l.desc.counts = NULL;
    refused(&l, room, "counts is NULL");
    l.desc.counts = l.counts, l.desc.indices = NULL;
    refused(&l, room, "indices is NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_map), cmocka_unit_test(test_errors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
