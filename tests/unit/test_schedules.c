/* Sets and schedules of the engine against the reference: every pair of random sets, in patterns and in raw formulas, is held by the
 * set and visited by its schedule just as the definitions say. */
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
#include "formula.h"
#include "tessera/tessera_expression.h"

/* What the engine must agree with, and room for one tile. */
typedef struct subject {
    const tsr_set *set;
    int64_t nq, nk;
    uint8_t *sees; /* [nq, nk], by the reference */
    uint64_t pairs;
    int64_t *rows, *keys;
    uint8_t *full, *seen_query, *listed;
    const char *text;
} subject;

static void open_subject(subject *s, int64_t nq, int64_t nk)
{
    *s = (subject){.nq = nq, .nk = nk};
    s->sees = calloc((size_t)(nq * nk) + 1, 1);
    s->rows = calloc(129, sizeof(int64_t));
    s->keys = calloc((size_t)nk + 1, sizeof(int64_t));
    s->full = calloc((size_t)nk + 1, 1);
    s->seen_query = calloc((size_t)nq + 1, 1);
    s->listed = calloc((size_t)nk + 1, 1);
    assert_true(s->sees && s->rows && s->keys && s->full && s->seen_query && s->listed);
}

static void close_subject(subject *s)
{
    free(s->sees);
    free(s->rows);
    free(s->keys);
    free(s->full);
    free(s->seen_query);
    free(s->listed);
}

#define EXPECT(condition, ...)                                                                                                                       \
    do {                                                                                                                                             \
        if (!(condition)) {                                                                                                                          \
            print_error("%s\n", s->text);                                                                                                            \
            fail_msg(__VA_ARGS__);                                                                                                                   \
        }                                                                                                                                            \
    } while (0)

static void check_contains(const subject *s)
{
    for (int64_t i = 0; i < s->nq; i++)
        for (int64_t j = 0; j < s->nk; j++) {
            int holds = -1;
            EXPECT(tsr_set_contains(s->set, s->nq, s->nk, i, j, &holds) == TSR_OK, "%s", tsr_last_error());
            EXPECT(holds == s->sees[i * s->nk + j], "query %d of %d, key %d of %d: the set says %d, the definition %d", (int)i, (int)s->nq, (int)j,
                   (int)s->nk, holds, s->sees[i * s->nk + j]);
        }
}

/* Each key once; full where all rows see it, else where one does; and no other key that a row sees. */
static void check_tile(subject *s, uint64_t index, const tsr_schedule_tile *t)
{
    memset(s->listed, 0, (size_t)s->nk);
    for (int64_t n = 0; n < t->key_count; n++) {
        const int64_t j = t->keys[n];
        EXPECT(j >= 0 && j < s->nk && !s->listed[j], "tile %d lists key %d of %d twice or from nowhere", (int)index, (int)j, (int)s->nk);
        s->listed[j] = 1;
        int64_t seen = 0;
        for (int64_t r = 0; r < t->row_count; r++) seen += s->sees[t->rows[r] * s->nk + j];
        EXPECT(seen > 0, "tile %d visits key %d, which none of its rows sees", (int)index, (int)j);
        EXPECT(!t->full[n] || seen == t->row_count, "tile %d has key %d as full; %d of %d rows see it", (int)index, (int)j, (int)seen,
               (int)t->row_count);
    }
    for (int64_t r = 0; r < t->row_count; r++)
        for (int64_t j = 0; j < s->nk; j++)
            EXPECT(s->listed[j] || !s->sees[t->rows[r] * s->nk + j], "tile %d leaves out key %d, which query %d sees", (int)index, (int)j,
                   (int)t->rows[r]);
}

static void check_schedule(subject *s, int32_t query_tile, int32_t key_tile, bool keep)
{
    const tsr_schedule_desc desc = {.set = s->set, .nq = s->nq, .nk = s->nk, .query_tile = query_tile, .key_tile = key_tile, .keep_order = keep};
    tsr_schedule *schedule = NULL;
    tsr_schedule_info info;
    EXPECT(tsr_schedule_create(&desc, &schedule) == TSR_OK, "%s", tsr_last_error());
    EXPECT(tsr_schedule_get_info(schedule, &info) == TSR_OK, "%s", tsr_last_error());
    EXPECT(info.pairs == s->pairs, "%d pairs; expected %d", (int)info.pairs, (int)s->pairs);
    const int64_t tile = query_tile ? query_tile : 64;
    const uint64_t area = (info.full + info.partial) * (uint64_t)tile * (uint64_t)(key_tile ? key_tile : 64);
    EXPECT(info.area == area && area >= info.pairs, "area %d; expected %d, not below %d pairs", (int)info.area, (int)area, (int)info.pairs);
    memset(s->seen_query, 0, (size_t)s->nq);
    int64_t next = 0;
    for (uint64_t n = 0; n < info.query_tiles; n++) {
        tsr_schedule_tile t = {s->rows, s->keys, s->full, -1, -1};
        EXPECT(tsr_schedule_get_tile(schedule, n, &t) == TSR_OK, "%s", tsr_last_error());
        EXPECT(t.row_count > 0 && t.row_count <= tile && t.key_count >= 0 && t.key_count <= s->nk, "tile %d has %d rows and %d keys", (int)n,
               (int)t.row_count, (int)t.key_count);
        for (int64_t r = 0; r < t.row_count; r++) {
            EXPECT(t.rows[r] >= 0 && t.rows[r] < s->nq && !s->seen_query[t.rows[r]]++, "query %d is there twice, or from nowhere", (int)t.rows[r]);
            EXPECT(!keep || t.rows[r] == next++, "query %d is out of the caller's order", (int)t.rows[r]);
        }
        check_tile(s, n, &t);
    }
    for (int64_t i = 0; i < s->nq; i++) EXPECT(s->seen_query[i], "query %d is left out", (int)i);
    tsr_schedule_tile beyond = {s->rows, s->keys, s->full, -1, -1};
    EXPECT(tsr_schedule_get_tile(schedule, info.query_tiles, &beyond) == TSR_ERROR_ARGUMENT, "there is a tile beyond the last");
    tsr_schedule_destroy(schedule);
}

static void check_all(subject *s, const tsr_set_desc *desc, oracle_rng *r)
{
    tsr_set *set = NULL;
    for (int64_t e = 0; e < s->nq * s->nk; e++) s->pairs += s->sees[e];
    EXPECT(tsr_set_create(desc, &set) == TSR_OK, "%s", tsr_last_error());
    EXPECT(tsr_set_check(set, s->nq, s->nk) == TSR_OK, "%s", tsr_last_error());
    s->set = set;
    check_contains(s);
    check_schedule(s, 0, 0, false);
    check_schedule(s, 0, 0, true);
    check_schedule(s, (int32_t)set_between(r, 1, 64), (int32_t)set_between(r, 1, 200), oracle_below(r, 2));
    tsr_set_destroy(set);
}

static uint64_t fresh_seed(void)
{
    const char *given = getenv("TESSERA_SEED");
    const uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("seed %llu (TESSERA_SEED repeats it)\n", (unsigned long long)seed);
    return seed;
}

static void test_patterns(void **state)
{
    (void)state;
    oracle_rng r = oracle_seed(fresh_seed());
    for (int n = 0; n < 400; n++) {
        char text[1024];
        oracle_set set;
        set_encoding e;
        subject s;
        int64_t nq, nk;
        set_draw(&r, 30 + n % 8 * 70, &set, &nq, &nk);
        set_describe(&set, text, sizeof(text));
        open_subject(&s, nq, nk);
        s.text = text;
        for (int64_t p = 0; p < nq * nk; p++) s.sees[p] = oracle_set_sees(&set, nq, nk, p / nk, p % nk);
        assert_true(set_encode(&set, nq, nk, &e));
        check_all(&s, &e.desc, &r);
        set_encoding_free(&e);
        close_subject(&s);
    }
}

static void test_formulas(void **state)
{
    (void)state;
    oracle_rng r = oracle_seed(fresh_seed());
    for (int n = 0; n < 1500; n++) {
        char text[4096];
        static formula f;
        subject s;
        formula_draw(&r, &f);
        formula_describe(&f, text, sizeof(text));
        open_subject(&s, f.nq, f.nk);
        s.text = text;
        for (int64_t p = 0; p < f.nq * f.nk; p++) s.sees[p] = oracle_nodes_see(&f.desc, f.nq, f.nk, p / f.nk, p % f.nk);
        check_all(&s, &f.desc, &r);
        close_subject(&s);
    }
}

typedef struct told {
    const char *text;
    int64_t n; /* tokens; 0: those of the grid */
    oracle_set set;
} told;

/* Patterns in a user's words. */
static const told masks[] = {
    {"kv <= q", 131, {.count = 1, .of = {{ORACLE_FLASH, .left = -1, .right = 0}}}},
    {"q - kv <= 40 && kv - q <= 7", 200, {.count = 1, .of = {{ORACLE_FLASH, .left = 40, .right = 7}}}},
    {"doc[q] == doc[kv]", 150, {.count = 1, .of = {{ORACLE_DOCUMENTS, .bounds = {1, 40, 64, 141}}}}},
    {"q % 32 >= kv % 32", 117, {.count = 1, .of = {{ORACLE_MINI_CAUSAL, .count = 32}}}},
    {"floor(q / 24) == floor(kv / 24)", 117, {.count = 1, .of = {{ORACLE_BLOCK_DIAGONAL, .count = 24}}}},
    {"far = abs(q - kv); far % 3 == 0 && far <= 60", 190, {.count = 1, .of = {{ORACLE_DILATED, .count = 3, .left = 20}}}},
    {"kv <= q && (q - kv <= 8 || (q - kv) % 8 == 0)", 140, {.count = 1, .of = {{ORACLE_STRIDED, .count = 8}}}},
    {"abs(clamp(qh, 2, 10) - kh) <= 2 && abs(clamp(qw, 3, 13) - kw) <= 3",
     0,
     {.count = 1, .gridded = true, .of = {{ORACLE_NATTEN, .axis = {{0}, {13, 5, 0, 0, 0, 0}, {17, 7, 0, 0, 0, 0}}}}}},
    {"kt <= qt && (qt - kt < 3 || kt < 1)",
     0,
     {.count = 1,
      .gridded = true,
      .of = {{ORACLE_FRAMES, .axis = {{.extent = 7}, {.extent = 4}, {.extent = 6}}, .left = 3, .prefix = 1, .causal = true}}}},
};

/* Users' expressions against the definitions of the patterns that they say. */
static void test_expressions(void **state)
{
    (void)state;
    oracle_rng r = oracle_seed(fresh_seed());
    for (size_t m = 0; m < sizeof(masks) / sizeof(masks[0]); m++) {
        const told *w = &masks[m];
        const int64_t n = w->n ? w->n : set_tokens(&w->set);
        float *ids = calloc((size_t)n, sizeof(*ids));
        assert_non_null(ids);
        for (int64_t x = 0; x < n; x++) ids[x] = (float)oracle_document(&w->set.of[0], x);
        const tsr_named_tensor doc = {.name = "doc", .rank = 1, .shape = {n}, .data = ids};
        const tsr_expression_desc said = {.text = w->text, .tensors = &doc, .tensor_count = 1};
        tsr_expression *expression = NULL;
        if (tsr_expression_create(&said, &expression) != TSR_OK) fail_msg("%s: %s", w->text, tsr_last_error());
        const tsr_set_node node = {.op = TSR_SET_EXPRESSION, .expression = expression};
        tsr_set_desc desc = {.nodes = &node, .node_count = 1};
        for (int a = 0; w->set.gridded && a < ORACLE_AXES; a++) desc.grid[a] = w->set.of[0].axis[a].extent ? w->set.of[0].axis[a].extent : 1;
        subject s;
        open_subject(&s, n, n);
        s.text = w->text;
        for (int64_t p = 0; p < n * n; p++) s.sees[p] = oracle_set_sees(&w->set, n, n, p / n, p % n);
        check_all(&s, &desc, &r);
        close_subject(&s);
        tsr_expression_destroy(expression);
        free(ids);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_patterns), cmocka_unit_test(test_formulas), cmocka_unit_test(test_expressions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
