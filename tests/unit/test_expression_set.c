/* Expressions as sets and as scores of plans: their numbering in packed sequences, schedules, and what is refused. */
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tessera/tessera_expression.h"
#include "tessera/tessera_set.h"

enum { TOKENS = 3 * 4 * 5 + 7, SEGMENTS = 3, ALL = SEGMENTS * TOKENS };

static tsr_expression *create(const char *text, tsr_expression_kind kind)
{
    const tsr_expression_desc desc = {.text = text, .kind = kind};
    tsr_expression *e = NULL;
    if (tsr_expression_create(&desc, &e) != TSR_OK) fail_msg("%s", tsr_last_error());
    return e;
}

static const int64_t cu[SEGMENTS + 1] = {0, TOKENS, 2 * TOKENS, 3 * TOKENS};

static tsr_set_desc describe(const tsr_set_node *node, bool packed)
{
    tsr_set_desc desc = {.nodes = node, .node_count = 1, .grid = {3, 4, 5}, .text_before = 3, .text_after = 4};
    if (packed) desc.cu_queries = desc.cu_keys = cu, desc.segments = SEGMENTS;
    return desc;
}

/* Frame of a token of its sequence; -1 in the text. */
static int64_t frame(int64_t token) { return token < 3 || token >= 63 ? -1 : (token - 3) / 20; }

/* abs(q - kv) % 3 == 0 && kv < nk - 5 && qt >= kt, of packed sequences or of one. */
static bool holds(int64_t q, int64_t k, int64_t nk, bool packed)
{
    if (packed && q / TOKENS != k / TOKENS) return false;
    return llabs(q - k) % 3 == 0 && k < nk - 5 && frame(q % TOKENS) >= frame(k % TOKENS);
}

static void numbering(void **state)
{
    (void)state;
    tsr_expression *e = create("abs(q - kv) % 3 == 0 && kv < nk - 5 && qt >= kt", TSR_EXPRESSION_MASK);
    const tsr_set_node node = {.op = TSR_SET_EXPRESSION, .expression = e};
    for (int packed = 0; packed < 2; packed++) {
        const tsr_set_desc desc = describe(&node, packed);
        const int64_t n = packed ? ALL : TOKENS;
        tsr_set *set = NULL;
        tsr_schedule *schedule = NULL;
        if (tsr_set_create(&desc, &set) != TSR_OK) fail_msg("%s", tsr_last_error());
        uint64_t pairs = 0;
        for (int64_t q = 0; q < n; q++) {
            for (int64_t k = 0; k < n; k++) {
                int is = -1;
                assert_int_equal(tsr_set_contains(set, n, n, q, k, &is), TSR_OK);
                if (is != holds(q, k, n, packed)) fail_msg("query %d, key %d: %d", (int)q, (int)k, is);
                pairs += (uint64_t)is;
            }
        }
        const tsr_schedule_desc what = {.set = set, .nq = n, .nk = n, .query_tile = 48};
        tsr_schedule_info info;
        assert_int_equal(tsr_schedule_create(&what, &schedule), TSR_OK);
        assert_int_equal(tsr_schedule_get_info(schedule, &info), TSR_OK);
        assert_true(pairs > 0 && info.pairs == pairs);
        tsr_schedule_destroy(schedule);
        tsr_set_destroy(set);
    }
    tsr_expression_destroy(e);
}

/* b and h differ from tile to tile of a schedule that is asked for with them. */
static void by_head(void **state)
{
    (void)state;
    tsr_expression *e = create("kv <= b * 10 + h", TSR_EXPRESSION_MASK);
    const tsr_set_node node = {.op = TSR_SET_EXPRESSION, .expression = e};
    const tsr_set_desc desc = {.nodes = &node, .node_count = 1};
    tsr_set *set = NULL;
    assert_int_equal(tsr_set_create(&desc, &set), TSR_OK);
    for (int i = 0; i < 4; i++) {
        const tsr_schedule_desc what = {.set = set, .nq = 7, .nk = 90, .b = i, .h = 2 * i};
        tsr_schedule *schedule = NULL;
        tsr_schedule_info info;
        assert_int_equal(tsr_schedule_create(&what, &schedule), TSR_OK);
        assert_int_equal(tsr_schedule_get_info(schedule, &info), TSR_OK);
        assert_int_equal(info.pairs, 7 * (12 * i + 1));
        tsr_schedule_destroy(schedule);
    }
    tsr_set_destroy(set);
    tsr_expression_destroy(e);
}

static void refused_set(const tsr_expression *e, const char *says)
{
    const tsr_set_node node = {.op = TSR_SET_EXPRESSION, .expression = e};
    const tsr_set_desc desc = {.nodes = &node, .node_count = 1};
    tsr_set *set = (tsr_set *)&desc;
    assert_int_equal(tsr_set_create(&desc, &set), TSR_ERROR_ARGUMENT);
    if (!strstr(tsr_last_error(), says)) fail_msg("'%s'; expected '%s'", tsr_last_error(), says);
    assert_null(set);
}

static void refused_plan(tsr_device *dev, tsr_attention_desc desc, tsr_status status, const char *says)
{
    tsr_attention *att = (tsr_attention *)&desc;
    assert_int_equal(tsr_attention_prepare(dev, &desc, &att), status);
    if (!strstr(tsr_last_error(), says)) fail_msg("'%s'; expected '%s'", tsr_last_error(), says);
    assert_null(att);
}

static void mistakes(void **state)
{
    (void)state;
    tsr_expression *mask = create("q > kv", TSR_EXPRESSION_MASK), *score = create("score * qt", TSR_EXPRESSION_SCORE);
    refused_set(NULL, "nodes[0].expression is NULL");
    refused_set(score, "nodes[0].expression is a score");
    tsr_context *ctx = NULL;
    tsr_device *dev = NULL;
    assert_int_equal(tsr_context_create(&(tsr_context_desc){.cache_dir = ""}, &ctx), TSR_OK);
    assert_int_equal(tsr_device_open(ctx, "host", NULL, &dev), TSR_OK);
    const tsr_layout x = {.shape = {1, 2, ALL, 16}};
    tsr_attention_desc desc = {.q = x, .k = x, .v = x, .o = x, .score = mask};
    refused_plan(dev, desc, TSR_ERROR_ARGUMENT, "score is a mask");
    const tsr_set_desc packed = describe(NULL, true), small = {.grid = {3, 1, 67}}, other = {.grid = {67, 1, 3}};
    tsr_set *sets[3] = {NULL, NULL, NULL};
    tsr_set_desc descs[3] = {packed, small, other};
    for (int i = 0; i < 3; i++) {
        descs[i].node_count = 0;
        if (tsr_set_create(&descs[i], &sets[i]) != TSR_OK) fail_msg("%s", tsr_last_error());
    }
    desc.score = score;
    desc.sets = (const tsr_set *const *)sets;
    desc.set_count = 1;
    refused_plan(dev, desc, TSR_ERROR_UNSUPPORTED, "sets[0] has segments");
    desc.sets = (const tsr_set *const *)&sets[1];
    desc.set_count = 2;
    desc.set_of = (const uint32_t[]){0, 1};
    desc.set_of_count = 2;
    refused_plan(dev, desc, TSR_ERROR_UNSUPPORTED, "sets[1] on the grid of sets[0]");
    for (int i = 0; i < 3; i++) tsr_set_destroy(sets[i]);
    tsr_device_destroy(dev);
    tsr_context_destroy(ctx);
    tsr_expression_destroy(mask);
    tsr_expression_destroy(score);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbering), cmocka_unit_test(by_head), cmocka_unit_test(mistakes)};
    return cmocka_run_group_tests_name("expression_set", tests, NULL, NULL);
}
