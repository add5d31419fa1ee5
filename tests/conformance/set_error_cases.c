/* Sets that cannot be: each is refused when it is made, or when it meets the tokens, with the argument, its value and what was
 * expected; and attention over it is not prepared. */
#include <stdio.h>
#include <string.h>

#include "suite.h"
#include "tessera/tessera_set.h"

static const int32_t ids[6] = {0, 0, 1, 1, 2, 2};
static const uint8_t blocks[4] = {1, 0, 0, 1};

enum { NODES = 4 };

typedef struct mistake {
    const char *name, *says, *also; /* parts of the text that must be there */
    int64_t nq, nk;                 /* that the set is checked for; 0: it cannot even be made */
    size_t node_count;
    tsr_set_node node[NODES];
    tsr_set_desc desc; /* without nodes */
} mistake;

#define GRID(t, h, w) .grid = {t, h, w}
#define INWARD(axis_, left_, right_) .op = TSR_SET_LAW, .axis = axis_, .left = left_, .right = right_, .flags = TSR_LAW_INWARD
#define TOKENS .op = TSR_SET_KEYS, .last = TSR_UNBOUNDED
#define IDS(queries, keys) .op = TSR_SET_IDS, .query_ids = ids, .key_ids = ids, .id_queries = queries, .id_keys = keys
#define BLOCKS(rows, columns) .op = TSR_SET_BLOCKS, .blocks = blocks, .block_rows = rows, .block_columns = columns
#define ONE(...)                                                                                                                                     \
    1,                                                                                                                                               \
    {                                                                                                                                                \
        {                                                                                                                                            \
            __VA_ARGS__                                                                                                                              \
        }                                                                                                                                            \
    }

static const mistake mistakes[] = {
    /* windows */
    {"window-beyond-axis", "nodes[0]", "5", 0, 0, ONE(INWARD(TSR_AXIS_W, 2, 2)), {GRID(2, 6, 4)}},
    {"window-beyond-axis-t", "nodes[0]", "4", 0, 0, ONE(INWARD(TSR_AXIS_T, 3, 0)), {GRID(3, 6, 4)}},
    {"window-beyond-tokens", "nodes[0]", "9", 8, 8, ONE(INWARD(TSR_AXIS_TOKEN, 4, 4)), {GRID(0, 0, 0)}},
    {"window-beyond-segment",
     "nodes[0]",
     "5",
     8,
     8,
     ONE(INWARD(TSR_AXIS_TOKEN, 2, 2)),
     {.cu_queries = (const int64_t[]){0, 6, 8}, .cu_keys = (const int64_t[]){0, 4, 8}, .segments = 2}},
    {"dilation-leaves-short", "nodes[0]", "3", 0, 0, ONE(INWARD(TSR_AXIS_W, 1, 1), .dilation = 3), {GRID(1, 1, 8)}},
    {"dilation-leaves-short-tokens", "nodes[0]", "3", 8, 8, ONE(INWARD(TSR_AXIS_TOKEN, 1, 1), .dilation = 3), {GRID(0, 0, 0)}},
    {"stride-beyond-window", "nodes[0].stride is 4", "window", 0, 0, ONE(INWARD(TSR_AXIS_W, 1, 1), .stride = 4), {GRID(1, 1, 8)}},
    {"stride-negative", "nodes[0].stride is -1", "expected", 0, 0, ONE(INWARD(TSR_AXIS_W, 1, 1), .stride = -1), {GRID(1, 1, 8)}},
    {"dilation-negative", "nodes[0].dilation is -2", "expected", 0, 0, ONE(INWARD(TSR_AXIS_W, 1, 1), .dilation = -2), {GRID(1, 1, 8)}},
    {"window-empty", "nodes[0]", "-3", 0, 0, ONE(INWARD(TSR_AXIS_W, 1, -3)), {GRID(1, 1, 8)}},
    {"window-endless-inward", "nodes[0].flags is 2", "INWARD", 0, 0, ONE(INWARD(TSR_AXIS_W, TSR_UNBOUNDED, 0)), {GRID(1, 1, 8)}},
    {"inward-origin", "nodes[0].flags is 2", "INWARD", 0, 0, ONE(INWARD(TSR_AXIS_W, 1, 1), .origin = 2), {GRID(1, 1, 8)}},
    {"inward-mod", "nodes[0].flags is 2", "INWARD", 0, 0, ONE(INWARD(TSR_AXIS_W, 1, 1), .mod = 4), {GRID(1, 1, 8)}},
    {"inward-shift", "nodes[0].flags is 2", "INWARD", 0, 0, ONE(INWARD(TSR_AXIS_W, 1, 1), .shift = 1), {GRID(1, 1, 8)}},
    {"powers-stride",
     "nodes[0].stride is 2",
     "1",
     0,
     0,
     ONE(.op = TSR_SET_LAW, .axis = TSR_AXIS_TOKEN, .left = 8, .stride = 2, .flags = TSR_LAW_POWERS),
     {GRID(0, 0, 0)}},
    {"flags-unknown", "nodes[0].flags is 16", "expected", 0, 0, ONE(.op = TSR_SET_LAW, .flags = 16), {GRID(0, 0, 0)}},
    {"bottom-right-on-grid",
     "nodes[0].axis is 3",
     "TSR_AXIS_TOKEN",
     0,
     0,
     ONE(.op = TSR_SET_LAW, .axis = TSR_AXIS_W, .flags = TSR_LAW_BOTTOM_RIGHT),
     {GRID(1, 1, 8)}},
    {"div-negative", "nodes[0].div is -3", "expected", 0, 0, ONE(.op = TSR_SET_LAW, .div = -3), {GRID(0, 0, 0)}},
    {"mod-negative", "nodes[0].mod is -3", "expected", 0, 0, ONE(.op = TSR_SET_LAW, .mod = -3), {GRID(0, 0, 0)}},
    {"left-far-negative",
     "nodes[0].left is -9223372036854775808",
     "expected",
     0,
     0,
     ONE(.op = TSR_SET_LAW, .left = INT64_MIN, .right = TSR_UNBOUNDED),
     {GRID(0, 0, 0)}},
    {"dilation-far", "nodes[0].dilation is 4294967296", "expected", 0, 0, ONE(.op = TSR_SET_LAW, .dilation = INT64_C(1) << 32), {GRID(0, 0, 0)}},
    {"stride-far", "nodes[0].stride is 9223372036854775807", "expected", 0, 0, ONE(.op = TSR_SET_LAW, .stride = INT64_MAX), {GRID(0, 0, 0)}},
    {"shift-far", "nodes[0].shift is 9223372036854775807", "expected", 0, 0, ONE(.op = TSR_SET_LAW, .shift = INT64_MAX), {GRID(0, 0, 0)}},
    /* axes and ranges */
    {"axis-unknown", "nodes[0].axis is 4", "expected", 0, 0, ONE(.op = TSR_SET_KEYS, .axis = 4, .last = 3), {GRID(1, 2, 3)}},
    {"axis-without-grid", "nodes[0].axis is 2", "grid", 0, 0, ONE(.op = TSR_SET_LAW, .axis = TSR_AXIS_H), {GRID(0, 0, 0)}},
    /* grids */
    {"grid-too-small", "grid is [2,3,4]", "30 keys", 24, 30, ONE(TOKENS), {GRID(2, 3, 4)}},
    {"grid-too-large", "grid is [2,3,4]", "23 keys", 23, 23, ONE(TOKENS), {GRID(2, 3, 4)}},
    {"grid-without-its-text", "31 together", "24 keys", 24, 24, ONE(TOKENS), {GRID(2, 3, 4), .text_before = 5, .text_after = 2}},
    {"grid-queries-beyond", "query_first is 5 with 20 queries", "24", 20, 24, ONE(TOKENS), {GRID(2, 3, 4), .query_first = 5}},
    {"grid-half-zero", "grid is [2,0,4]", "expected", 0, 0, ONE(TOKENS), {GRID(2, 0, 4)}},
    {"grid-negative", "grid is [2,-3,4]", "expected", 0, 0, ONE(TOKENS), {GRID(2, -3, 4)}},
    {"grid-overflow", "grid is [4294967296,4294967296,4]", "expected", 0, 0, ONE(TOKENS), {GRID(INT64_C(1) << 32, INT64_C(1) << 32, 4)}},
    {"text-negative", "text_before is -1", "expected", 0, 0, ONE(TOKENS), {GRID(2, 3, 4), .text_before = -1}},
    {"text-overflow", "text_after is 9223372036854775807", "expected", 0, 0, ONE(TOKENS), {GRID(2, 3, 4), .text_after = INT64_MAX}},
    {"query-first-negative", "query_first is -1", "expected", 0, 0, ONE(TOKENS), {GRID(2, 3, 4), .query_first = -1}},
    /* segments */
    {"lengths-decrease",
     "cu_queries[2] is 3",
     "5",
     0,
     0,
     ONE(TOKENS),
     {.cu_queries = (const int64_t[]){0, 5, 3}, .cu_keys = (const int64_t[]){0, 4, 8}, .segments = 2}},
    {"key-lengths-decrease",
     "cu_keys[3] is 7",
     "8",
     0,
     0,
     ONE(TOKENS),
     {.cu_queries = (const int64_t[]){0, 1, 1, 3}, .cu_keys = (const int64_t[]){0, 4, 8, 7}, .segments = 3}},
    {"lengths-begin-late",
     "cu_keys[0] is 1",
     "expected 0",
     0,
     0,
     ONE(TOKENS),
     {.cu_queries = (const int64_t[]){0, 5}, .cu_keys = (const int64_t[]){1, 4}, .segments = 1}},
    {"lengths-missing", "cu_keys is NULL", "expected", 0, 0, ONE(TOKENS), {.cu_queries = (const int64_t[]){0, 5}, .segments = 1}},
    {"segments-missing", "segments is 0", "expected", 0, 0, ONE(TOKENS), {.cu_queries = (const int64_t[]){0, 5}, .cu_keys = (const int64_t[]){0, 5}}},
    {"lengths-not-the-queries",
     "cu_queries and cu_keys end with 5 and 6",
     "7 queries",
     7,
     6,
     ONE(TOKENS),
     {.cu_queries = (const int64_t[]){0, 5}, .cu_keys = (const int64_t[]){0, 6}, .segments = 1}},
    {"lengths-not-the-keys",
     "cu_queries and cu_keys end with 5 and 6",
     "7 keys",
     5,
     7,
     ONE(TOKENS),
     {.cu_queries = (const int64_t[]){0, 5}, .cu_keys = (const int64_t[]){0, 6}, .segments = 1}},
    /* ids and blocks */
    {"ids-missing",
     "nodes[0].key_ids is NULL",
     "expected",
     0,
     0,
     ONE(.op = TSR_SET_IDS, .query_ids = ids, .id_queries = 6, .id_keys = 6),
     {GRID(0, 0, 0)}},
    {"ids-too-few", "nodes[0]", "6", 6, 7, ONE(IDS(6, 6)), {GRID(0, 0, 0)}},
    {"ids-too-few-queries", "nodes[0]", "6", 8, 6, ONE(IDS(6, 6)), {GRID(0, 0, 0)}},
    {"ids-negative", "nodes[0].id_keys is -1", "expected", 0, 0, ONE(IDS(6, -1)), {GRID(0, 0, 0)}},
    {"ids-test-unknown", "nodes[0].test is 3", "expected", 0, 0, ONE(IDS(6, 6), .test = 3), {GRID(0, 0, 0)}},
    {"blocks-missing",
     "nodes[0].blocks is NULL",
     "expected",
     0,
     0,
     ONE(.op = TSR_SET_BLOCKS, .block_rows = 2, .block_columns = 2, .block_q = 2, .block_k = 2),
     {GRID(0, 0, 0)}},
    {"block-size-zero", "nodes[0].block_k is 0", "expected", 0, 0, ONE(BLOCKS(2, 2), .block_q = 4), {GRID(0, 0, 0)}},
    {"blocks-too-few-rows", "nodes[0].block_rows is 2", "9 queries", 9, 8, ONE(BLOCKS(2, 2), .block_q = 4, .block_k = 4), {GRID(0, 0, 0)}},
    {"blocks-too-few-columns", "nodes[0].block_columns is 2", "9 keys", 8, 9, ONE(BLOCKS(2, 2), .block_q = 4, .block_k = 4), {GRID(0, 0, 0)}},
    {"blocks-overflow", "nodes[0].block", "expected", 0, 0, ONE(BLOCKS(INT64_MAX / 2, 4), .block_q = 1, .block_k = 1), {GRID(0, 0, 0)}},
    {"expression-missing", "nodes[0].expression is NULL", "expected", 0, 0, ONE(.op = TSR_SET_EXPRESSION), {GRID(0, 0, 0)}},
    /* formulas */
    {"op-unknown", "nodes[0].op is 0", "expected", 0, 0, ONE(.op = 0), {GRID(0, 0, 0)}},
    {"op-beyond", "nodes[0].op is 10", "expected", 0, 0, ONE(.op = 10), {GRID(0, 0, 0)}},
    {"postfix-too-few", "nodes[1]", "2", 0, 0, 2, {{TOKENS}, {.op = TSR_SET_ALL_OF, .count = 2}}, {GRID(0, 0, 0)}},
    {"postfix-none-to-deny", "nodes[0]", "0", 0, 0, ONE(.op = TSR_SET_NOT), {GRID(0, 0, 0)}},
    {"postfix-two-left", "2 sets", "expected 1", 0, 0, 2, {{TOKENS}, {TOKENS}}, {GRID(0, 0, 0)}},
    {"postfix-of-none", "nodes[1]", "0", 0, 0, 2, {{TOKENS}, {.op = TSR_SET_ANY_OF}}, {GRID(0, 0, 0)}},
    {"postfix-huge-count", "nodes[1]", "4294967295", 0, 0, 2, {{TOKENS}, {.op = TSR_SET_ANY_OF, .count = UINT32_MAX}}, {GRID(0, 0, 0)}},
    {"reserved", "reserved[3] is 1", "expected 0", 0, 0, ONE(TOKENS), {.reserved = {0, 0, 0, 1}}},
};

static suite_verdict expect(const mistake *m, tsr_status s, const char *what, suite_run_context *run)
{
    if (s != TSR_ERROR_ARGUMENT)
        return suite_say(run, SUITE_FAIL, "%s: %s, '%s'; expected argument", what, tsr_status_name(s), s == TSR_OK ? "" : tsr_last_error());
    if (!strstr(tsr_last_error(), m->says) || !strstr(tsr_last_error(), m->also))
        return suite_say(run, SUITE_FAIL, "%s: the text is '%s'; expected '%s' and '%s' in it", what, tsr_last_error(), m->says, m->also);
    return SUITE_PASS;
}

/* A set that can be made, and does not fit: not for a check, a pair, a schedule or attention. */
static suite_verdict refuse_tokens(const mistake *m, const tsr_set *set, suite_run_context *run)
{
    const tsr_layout q = {.shape = {1, 1, m->nq, 8}}, k = {.shape = {1, 1, m->nk, 8}};
    const tsr_attention_desc attention = {.q = q, .k = k, .v = k, .o = q, .sets = &set, .set_count = 1};
    const tsr_schedule_desc schedule_desc = {.set = set, .nq = m->nq, .nk = m->nk};
    tsr_attention *plan = (tsr_attention *)&plan; /* must become NULL */
    tsr_schedule *schedule = (tsr_schedule *)&schedule;
    int holds = 77;
    suite_verdict v = expect(m, tsr_set_check(set, m->nq, m->nk), "checking", run);
    if (v == SUITE_PASS) v = expect(m, tsr_set_contains(set, m->nq, m->nk, 0, 0, &holds), "asking for a pair", run);
    if (v == SUITE_PASS && holds != 77) v = suite_say(run, SUITE_FAIL, "a refused question was answered");
    if (v == SUITE_PASS) v = expect(m, tsr_schedule_create(&schedule_desc, &schedule), "making a schedule", run);
    if (v == SUITE_PASS && schedule) v = suite_say(run, SUITE_FAIL, "a refused schedule is there");
    if (v == SUITE_PASS) v = expect(m, tsr_attention_prepare(run->dev, &attention, &plan), "preparing", run);
    if (v == SUITE_PASS && plan) v = suite_say(run, SUITE_FAIL, "a refused plan is there");
    return v;
}

static suite_verdict refuse(const suite_case *c, suite_run_context *run)
{
    const mistake *m = c->params;
    tsr_set_desc d = m->desc;
    d.nodes = m->node;
    d.node_count = m->node_count;
    tsr_set *set = (tsr_set *)&set; /* must become NULL */
    const tsr_status s = tsr_set_create(&d, &set);
    suite_verdict v;
    if (m->nk == 0) {
        v = expect(m, s, "making the set", run);
        if (v == SUITE_PASS && set) v = suite_say(run, SUITE_FAIL, "a refused set is there");
        if (s != TSR_OK) return v;
    } else if (s != TSR_OK) {
        return suite_error(run, s, "making the set, which is wrong for its tokens alone");
    } else {
        v = refuse_tokens(m, set, run);
    }
    tsr_set_destroy(set);
    return v;
}

/* What heads are given: sets that are missing, indices beyond them, tables of the wrong length. */
static suite_verdict refuse_heads(const suite_case *c, suite_run_context *run)
{
    (void)c;
    static const uint32_t of[8] = {0, 1, 0, 2, 0, 0, 0, 0};
    const tsr_set_node node = {TOKENS};
    const tsr_set_desc d = {.nodes = &node, .node_count = 1};
    const tsr_layout l = {.shape = {2, 4, 5, 8}};
    tsr_set *set = NULL;
    tsr_status s = tsr_set_create(&d, &set);
    if (s != TSR_OK) return suite_error(run, s, "making a set");
    const tsr_set *const two[2] = {set, set}, *const none[2] = {set, NULL};
    const tsr_attention_desc fine = {.q = l, .k = l, .v = l, .o = l, .sets = two, .set_count = 2, .set_of_count = 4, .set_of = of};
    tsr_attention_desc bad[6] = {fine, fine, fine, fine, fine, fine};
    static const mistake says[6] = {{.says = "set_of[3] is 2", .also = "2 sets"}, {.says = "set_of_count is 5", .also = "8"},
                                    {.says = "set_of is NULL", .also = "4"},      {.says = "sets[1] is NULL", .also = "argument"},
                                    {.says = "sets is NULL", .also = "2"},        {.says = "set_of[0] is 0", .also = "0 sets"}};
    bad[1].set_of_count = 5;
    bad[2].set_of = NULL;
    bad[3].sets = none;
    bad[4].sets = NULL;
    bad[5].sets = NULL;
    bad[5].set_count = 0;
    suite_verdict v = SUITE_PASS;
    for (int i = 0; i < 6 && v == SUITE_PASS; i++) {
        char what[32];
        tsr_attention *plan = NULL;
        snprintf(what, sizeof(what), "mistake %d", i);
        v = expect(&says[i], tsr_attention_prepare(run->dev, &bad[i], &plan), what, run);
        tsr_attention_destroy(plan);
    }
    tsr_set_destroy(set);
    return v;
}

static suite_verdict refuse_null(const suite_case *c, suite_run_context *run)
{
    (void)c;
    const tsr_set_node node = {TOKENS};
    const tsr_set_desc d = {.nodes = &node, .node_count = 1}, lost = {.node_count = 1};
    tsr_set *set = NULL, *other = NULL;
    int holds = 0;
    const tsr_status made = tsr_set_create(&d, &set);
    if (made != TSR_OK) return suite_error(run, made, "making a set");
    const tsr_status statuses[] = {tsr_set_create(NULL, &other),
                                   tsr_set_create(&d, NULL),
                                   tsr_set_create(&lost, &other),
                                   tsr_set_check(NULL, 1, 1),
                                   tsr_set_check(set, -1, 1),
                                   tsr_set_contains(NULL, 1, 1, 0, 0, &holds),
                                   tsr_set_contains(set, 1, 1, 0, 0, NULL),
                                   tsr_set_contains(set, 2, 3, 2, 0, &holds),
                                   tsr_set_contains(set, 2, 3, 0, -1, &holds),
                                   tsr_schedule_create(NULL, NULL)};
    tsr_set_destroy(set);
    tsr_set_destroy(NULL);
    tsr_schedule_destroy(NULL);
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i] != TSR_ERROR_ARGUMENT) return suite_say(run, SUITE_FAIL, "call %zu: %s; expected argument", i, tsr_status_name(statuses[i]));
    return other ? suite_say(run, SUITE_FAIL, "a refused set is there") : SUITE_PASS;
}

int suite_add_set_errors(suite *s)
{
    char name[112];
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        snprintf(name, sizeof(name), "errors/set/%s", mistakes[i].name);
        if (!suite_add(s, name, refuse, &mistakes[i], (int)i)) return 0;
    }
    return suite_add(s, "errors/set/heads", refuse_heads, NULL, 0) && suite_add(s, "errors/set/null", refuse_null, NULL, 0);
}
