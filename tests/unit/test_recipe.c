/* Recipes: every pattern, with random parameters on small sequences and grids, against its definition written out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "recipe_patterns.h"
#include "tessera/tessera_set.h"

enum { DRAWS = 40 };

static oracle_rng rng;

int64_t draw(int64_t lo, int64_t hi) { return lo + (int64_t)oracle_below(&rng, (uint32_t)(hi - lo + 1)); }

void write_set(world *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(w->text, sizeof(w->text), format, args);
    va_end(args);
}

/* Coordinates on the grid; false: text. */
bool place(const world *w, int64_t token, int64_t x[3])
{
    const int64_t g = token - w->before, *n = w->grid;
    if (g < 0 || g >= n[0] * n[1] * n[2]) return false;
    x[0] = g / (n[1] * n[2]);
    x[1] = g / n[2] % n[1];
    x[2] = g % n[2];
    return true;
}

/* Where query q stands in the sequence. */
int64_t token_of(const world *w, int64_t q) { return w->gridded ? q + w->first : q + w->nk - w->nq; }

static world draw_world(bool gridded)
{
    world w = {.gridded = gridded};
    if (gridded) {
        for (int i = 0; i < 3; i++) w.grid[i] = draw(1, 5);
        if (draw(0, 1)) w.before = draw(0, 4), w.after = draw(0, 4);
        w.nk = w.before + w.grid[0] * w.grid[1] * w.grid[2] + w.after;
        w.nq = w.nk;
        if (w.nk > 1 && draw(0, 3) == 0) w.first = draw(1, w.nk - 1), w.nq = draw(1, w.nk - w.first);
        return w;
    }
    w.nk = draw(1, 48);
    w.nq = draw(0, 1) ? w.nk : draw(1, 48);
    return w;
}

/* The schedule of a set visits as many pairs as there are. */
static void compare_schedule(const char *json, const tsr_set *set, const world *w, int64_t pairs)
{
    tsr_schedule *schedule = NULL;
    tsr_schedule_info info;
    const tsr_schedule_desc desc = {.set = set, .nq = w->nq, .nk = w->nk, .query_tile = (int32_t)draw(1, 64), .key_tile = (int32_t)draw(1, 20)};
    assert_int_equal(tsr_schedule_create(&desc, &schedule), TSR_OK);
    assert_int_equal(tsr_schedule_get_info(schedule, &info), TSR_OK);
    if ((int64_t)info.pairs != pairs) fail_msg("%s: the schedule has %d pairs, the set %d", json, (int)info.pairs, (int)pairs);
    tsr_schedule_destroy(schedule);
}

/* One draw: every pair. Counts the pairs within and without. */
static void compare(const pattern *p, const world *w, int64_t counts[2])
{
    char json[1024];
    int used = snprintf(json, sizeof(json), "{\"name\":\"%s\",", p->name);
    if (w->gridded)
        used += snprintf(json + used, sizeof(json) - (size_t)used, "\"grid\":[%d,%d,%d],\"text_before\":%d,\"text_after\":%d,", (int)w->grid[0],
                         (int)w->grid[1], (int)w->grid[2], (int)w->before, (int)w->after);
    if (w->first) used += snprintf(json + used, sizeof(json) - (size_t)used, "\"query_first\":%d,", (int)w->first);
    snprintf(json + used, sizeof(json) - (size_t)used, "\"set\":%s}", w->text);
    tsr_recipe *recipe = NULL;
    const tsr_recipe_desc desc = {.text = json, .nq = w->nq, .nk = w->nk, .heads = 2};
    if (tsr_recipe_parse(&desc, &recipe) != TSR_OK) fail_msg("%s: %s", json, tsr_last_error());
    tsr_recipe_info info;
    assert_int_equal(tsr_recipe_get_info(recipe, &info), TSR_OK);
    assert_string_equal(info.name, p->name);
    assert_int_equal(info.set_count, 1);
    assert_true(info.heads == 2 && info.set_of_head[0] == 0 && info.set_of_head[1] == 0);
    assert_true(info.nq == w->nq && info.nk == w->nk);
    const int64_t before = counts[1];
    for (int64_t q = 0; q < w->nq; q++)
        for (int64_t k = 0; k < w->nk; k++) {
            int holds = -1;
            assert_int_equal(tsr_set_contains(info.sets[0], w->nq, w->nk, q, k, &holds), TSR_OK);
            const bool expected = p->sees(w, q, k);
            if (holds != expected)
                fail_msg("%s, %d x %d: pair %d, %d is %d, by the definition %d", json, (int)w->nq, (int)w->nk, (int)q, (int)k, holds, expected);
            counts[holds]++;
        }
    compare_schedule(json, info.sets[0], w, counts[1] - before);
    tsr_recipe_destroy(recipe);
}

static void compare_all(const pattern *patterns)
{
    for (const pattern *p = patterns; p->name; p++) {
        int64_t counts[2] = {0, 0};
        for (int n = 0; n < DRAWS; n++) {
            world w = draw_world(!p->sequence || (p->grid && n % 2));
            p->make(&w);
            compare(p, &w, counts);
        }
        if (!counts[0] || !counts[1]) fail_msg("%s: %d pairs within and %d without: nothing was tested", p->name, (int)counts[1], (int)counts[0]);
    }
}

static void sequences(void **state)
{
    (void)state;
    compare_all(sequence_patterns);
}

static void grids(void **state)
{
    (void)state;
    compare_all(grid_patterns);
}

/* One number stands for all axes but those of extent 1, lists may leave these out, and without a grid the sequence is the axis. */
static void axes(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {"{\"grid\":[1,6,7],\"set\":{\"neighborhood\":{\"window\":3}}}", "{\"grid\":[6,7],\"set\":{\"neighborhood\":{\"window\":[1,3,3]}}}"},
        {"{\"grid\":[6,7],\"set\":{\"neighborhood\":{\"window\":[3,2]}}}", "{\"grid\":[6,7],\"set\":{\"neighborhood\":{\"window\":[1,3,2]}}}"},
        {"{\"grid\":[42],\"set\":{\"neighborhood\":{\"window\":5,\"stride\":2}}}", "{\"set\":{\"neighborhood\":{\"window\":[5],\"stride\":[2]}}}"},
        {"{\"grid\":[3,2,7],\"set\":{\"blocked\":{\"window\":2}}}", "{\"grid\":[3,2,7],\"set\":{\"blocked\":{\"window\":[2,2,2]}}}"},
    };
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        tsr_recipe *recipes[2];
        tsr_recipe_info info[2];
        int seen = 0;
        for (int s = 0; s < 2; s++) {
            const tsr_recipe_desc desc = {.text = same[i][s], .nq = 42, .nk = 42};
            if (tsr_recipe_parse(&desc, &recipes[s]) != TSR_OK) fail_msg("%s: %s", same[i][s], tsr_last_error());
            assert_int_equal(tsr_recipe_get_info(recipes[s], &info[s]), TSR_OK);
        }
        for (int64_t pair = 0; pair < 42 * 42; pair++) {
            int holds[2] = {-1, -1};
            for (int s = 0; s < 2; s++) assert_int_equal(tsr_set_contains(info[s].sets[0], 42, 42, pair / 42, pair % 42, &holds[s]), TSR_OK);
            if (holds[0] != holds[1]) fail_msg("%s and %s differ at %d, %d", same[i][0], same[i][1], (int)(pair / 42), (int)(pair % 42));
            seen += holds[0];
        }
        assert_true(seen > 0 && seen < 42 * 42);
        for (int s = 0; s < 2; s++) tsr_recipe_destroy(recipes[s]);
    }
}

static int seed(void **state)
{
    (void)state;
    const char *given = getenv("TEST_SEED");
    const uint64_t value = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("TEST_SEED=%llu\n", (unsigned long long)value);
    rng = oracle_seed(value);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sequences), cmocka_unit_test(grids), cmocka_unit_test(axes)};
    return cmocka_run_group_tests_name("recipe", tests, seed, NULL);
}
