/* Recipes with steps as texts: what is wrong is named with its line and place; damaged texts do no harm. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "oracle/oracle.h"
#include "tessera/tessera_flow.h"

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

/* q [1,4,64,16], k and v [1,2,96,16]. */
static tsr_status prepare(const char *text, const int64_t *grid, tsr_flow **flow)
{
    const tsr_flow_desc desc = {.text = text,
                                .q = {TSR_F32, {1, 4, 64, 16}, {0}},
                                .k = {TSR_F32, {1, 2, 96, 16}, {0}},
                                .v = {TSR_F32, {1, 2, 96, 16}, {0}},
                                .o = {TSR_F32, {1, 4, 64, 16}, {0}},
                                .grid = {grid ? grid[0] : 0, grid ? grid[1] : 0, grid ? grid[2] : 0}};
    return tsr_flow_prepare(device, &desc, flow);
}

#define STEPS(text) "{\"parameters\": {\"tile\": 16, \"keep\": 0.5},\n \"steps\": {\n" text "\n}}"
#define SELECT(members) "\"o\": \"q\",\n\"m\": {\"dot\": {\"a\": \"q\",\n \"b\": \"k\"}},\n\"s\": {\"select\": {\"of\": \"m\",\n" members "}}"

#define SET(left) "\"o\": {\"attend\": {\"set\":\n {\"window\":\n {\"left\": " left "}}}}"

static const struct {
    const char *text, *says;
} refused[] = {
    /* keys and types */
    {STEPS("\"o\": {\"pool\": {\"of\": \"q\",\n \"kin\": \"max\"}}"), "line 4: steps.o.pool.kin is not known; expected of, tiles, axis or kind"},
    {STEPS("\"o\": {\"pol\": {\"of\": \"q\"}}"), "line 3: steps.o.pol is no operation; expected "},
    {STEPS("\"o\": {\"pool\": {\"of\": \"q\"},\n \"dot\": {}}"), "line 3: steps.o has several members; expected one operation"},
    {STEPS("\"o\": {\"pool\": {\"of\":\n true}}"), "steps.o.pool.of is true or false; expected a tensor"},
    {STEPS("\"o\": \"q\",\n\"p\": {\"pool\": {\"tiles\": \"tile\"}}"), "line 4: steps.p.pool has no 'of'"},
    {STEPS("\"o\": {\"pool\": {\"of\": \"q\", \"tiles\": \"tile / 3\"}}"), "line 3: steps.o.pool.tiles is 5.33"},
    {STEPS("\"o\": {\"pool\": {\"of\": \"q\",\n\"kind\": \"mena\"}}"), "line 4: steps.o.pool.kind is 'mena'; expected 'mean', 'sum'"},
    {STEPS("\"o\": 7,\n\"p\": [\"q\"]"), "line 4: steps.p is a list; expected a tensor"},
    {STEPS("\"p\": \"q\""), "has no step 'o' for the result"},
    {STEPS("\"o\": \"q\",\n\"keep\": \"q\""), "line 4: steps.keep has the name of an input, a parameter, an extent or a place"},
    {STEPS("\"o\": \"q\",\n\"o\": \"q\""), "steps.o is there twice"},
    {"{\"steps\": {\"o\": \"q\"},\n\n \"outptu\": \"o\"}", "line 3: outptu is not known; expected "},
    {"{\"steps\": {\"o\": \"q\"},\n \"parameters\": {\"a\": 1,\n \"b\": \"c\"}}", "line 3: parameters.b has 'c' at column 1, which is not known"},
    {"{\"steps\": {\"o\": \"q\"},\n \"parameters\": [1]}", "line 2: parameters is a list; expected an object"},
    {"{\"steps\": {\"o\": \"q\"},\n \"inputs\": {\"gate\":\n {\"default\": 0}}}", "line 2: inputs.gate"},
    /* names */
    {STEPS("\"map\": \"q\",\n\"o\": \"mpa * 2\""),
     "line 4: steps.o has 'mpa' at column 1, which is not known; expected a step, an input, q, k, v, a parameter, "
     "an extent, a place or a function; near it: 'map'"},
    {STEPS("\"o\": \"q * kep\""),
     "at column 5, which is not known; expected a step, an input, q, k, v, a parameter, an extent, a place or a function; near it: "
     "'keep'"},
    {STEPS("\"o\": \"sigmod(q)\""), "near it: 'sigmoid'"},
    {STEPS("\"o\": {\"pool\": {\"of\": \"q\", \"tiles\": \"titel\"}}"),
     "steps.o.pool.tiles has 'titel' at column 1, which is not known; expected a parameter, an "
     "extent or a function; near it: 'tile'"},
    {STEPS("\"o\": \"q + o.lse\""), "line 3: steps.o closes a circle: 'o' needs 'o'"},
    {STEPS("\"a\": \"b + 1\",\n\"b\": \"c + 1\",\n\"c\": {\"pool\": {\"of\": \"a\"}},\n\"o\": \"a\""), "line 5: steps.c.pool.of closes a circle: "},
    {STEPS("\"o\": \"q + q.lse\""), "has 'q.lse' at column 5, which is not known"},
    /* expressions */
    {STEPS("\"o\": \"q +\""), "steps.o ends at column 4; expected a number, a name or '('"},
    {STEPS("\"o\": \"(q\""), "steps.o ends at column 3; expected ')'"},
    {STEPS("\"o\": \"q q\""), "steps.o has 'q' at column 3; expected an operator, or the end"},
    {STEPS("\"o\": \"q & q\""), "steps.o has '&' at column 3; expected '&&'"},
    {STEPS("\"o\": \"max(q)\""), "steps.o has ')' at column 6; expected two arguments"},
    {STEPS("\"o\": \"exp(q, q)\""), "expected one argument"},
    {STEPS("\"o\": \"exp q\""), "steps.o has 'q' at column 5; expected '(' behind the function's name"},
    {STEPS("\"o\": \"q ? 1\""), "steps.o ends at column 6; expected ':'"},
    {STEPS("\"o\": \"q * 1e99\""), "steps.o has '1e99' at column 5; expected a number within the range of fp32"},
    {STEPS("\"o\": \"q . lse\""), "steps.o has '.' at column 3"},
    {STEPS("\"o\": \"\""), "steps.o ends at column 1; expected a number, a name or '('"},
    {STEPS("\"o\": \"row + 1\""), "steps.o names 'row', and no tensor tells the extents"},
    {STEPS("\"o\": \"q + k\""), "line 3: steps.o puts together: 64 rows beside 96"},
    /* selections */
    {STEPS(SELECT("\"count\": 97")), "line 7: steps.s.select.count is 97; expected a whole number, 0 to 96, the elements to choose among"},
    {STEPS(SELECT("\"count\": 1, \"share\": 0.5")), "line 6: steps.s.select has"},
    {STEPS(SELECT("\"share\": 1.5")), "has 'share' 1.5; expected 0 to 1"},
    {STEPS(SELECT("\"count\": 3,\n\"pin\": \"row == colum\"")), "line 8: steps.s.select.pin has 'colum' at column 8, which is not known"},
    /* formulas in sets */
    {STEPS(SET("\"tile / 3\"")), "line 5: steps.o.attend.set.window.left is 5.33"},
    {STEPS(SET("\"0 - tile\"")), "line 5: steps.o.attend.set.window.left is -16; expected -1 or more"},
    {STEPS(SET("\"tiel\"")), "line 5: steps.o.attend.set.window.left has 'tiel' at column 1, which is not known"},
    {STEPS(SET("true")), "line 5: steps.o.attend.set.window.left is true or false; expected a whole number"},
};

static void errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        tsr_flow *flow = (tsr_flow *)(uintptr_t)1;
        const tsr_status s = prepare(refused[i].text, NULL, &flow);
        if (s != TSR_ERROR_FILE || !strstr(tsr_last_error(), refused[i].says))
            fail_msg("%s: %s, '%s'; expected '%s'", refused[i].text, tsr_status_name(s), s == TSR_OK ? "" : tsr_last_error(), refused[i].says);
        assert_null(flow);
    }
}

/* Texts that are made to go deep, or on and on. */
static void hostile(void **state)
{
    (void)state;
    enum { MANY = 40000 };
    char *text = malloc(10 * MANY), *at;
    static const struct {
        const char *piece, *says;
    } cases[] = {
        {"(", "nests deeper than 64"}, {"-", "nests deeper than 64"}, {"!", "nests deeper than 64"}, {"1+", "is a text of "}, {"q?", "nests deeper"}};
    assert_non_null(text);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const int count = strcmp(cases[i].says, "is a text of ") == 0 ? MANY : 2000;
        tsr_flow *flow = NULL;
        at = text + sprintf(text, "{\"steps\": {\"o\": \"q + ");
        for (int n = 0; n < count; n++) at += sprintf(at, "%s", cases[i].piece);
        sprintf(at, "1\"}}");
        assert_int_equal(prepare(text, NULL, &flow), TSR_ERROR_FILE);
        if (!strstr(tsr_last_error(), cases[i].says)) fail_msg("'%s'; expected '%s'", tsr_last_error(), cases[i].says);
    }
    at = text + sprintf(text, "{\"steps\": {\"o\": \"q");
    for (int n = 0; n < 600; n++) at += sprintf(at, "+q");
    sprintf(at, "\"}}");
    tsr_flow *flow = NULL;
    assert_int_equal(prepare(text, NULL, &flow), TSR_ERROR_FILE);
    assert_non_null(strstr(tsr_last_error(), "has too many operations; expected at most 512"));
    /* each step needs the next */
    at = text + sprintf(text, "{\"steps\": {\"o\": \"s0\"");
    for (int n = 0; n < 100; n++) at += sprintf(at, ", \"s%d\": \"s%d + 1\"", n, n + 1);
    sprintf(at, ", \"s100\": \"q\"}}");
    assert_int_equal(prepare(text, NULL, &flow), TSR_ERROR_FILE);
    assert_non_null(strstr(tsr_last_error(), "needs steps 64 deep"));
    free(text);
}

/* Lines of places in sets too; a text may begin with empty ones. */
static void lines(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"\n\n{\"set\": {\"union\": [{\"causal\": {}},\n {\"window\":\n {\"left\": \"x\"}}]}}", "line 5: set.union[1].window.left is a string"},
        {"{\"a\\\"b\": \"}]\", \"set\":\n {\"union\":\n [{\"causal\": {}}, 4]}}", "line 3: set.union[1] is a number"},
        {"{\"set\": {\"causal\": {}},\n\n \"tokens\":-3}", "line 3: tokens is -3"},
        {"\n{\"set\":\n {\"causal\": {}},,}", "is not JSON (line 3, byte "}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tsr_recipe *recipe = NULL;
        const tsr_recipe_desc desc = {.text = cases[i].text, .nq = 8};
        assert_int_equal(tsr_recipe_parse(&desc, &recipe), TSR_ERROR_FILE);
        if (!strstr(tsr_last_error(), cases[i].says)) fail_msg("'%s'; expected '%s'", tsr_last_error(), cases[i].says);
    }
}

static char *read_file(const char *folder, const char *file)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", folder, file);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *text = calloc(1, 1 << 16);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 16) - 1, f) > 0);
    fclose(f);
    return text;
}

/* The recipes of the repository under random damage: refused or not, but nothing worse. */
static void damaged(void **state)
{
    (void)state;
    static const char signs[] = "{}[]\",:0123456789-e.tqx*/+<?() \\\xff";
    static const int64_t grid[3] = {4, 4, 6};
    const char *rounds = getenv("TEST_ROUNDS");
    const uint64_t seed = (uint64_t)time(NULL);
    printf("seed %llu\n", (unsigned long long)seed);
    oracle_rng rng = oracle_seed(seed);
    int good = 0, bad = 0;
    DIR *folder = opendir(TEST_RECIPES);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        const char *ending = strrchr(entry->d_name, '.');
        if (!ending || strcmp(ending, ".json") != 0) continue;
        char *text = read_file(TEST_RECIPES, entry->d_name);
        const size_t length = strlen(text);
        for (int i = 0; strstr(text, "\"steps\"") && i < (rounds ? atoi(rounds) : 4); i++) {
            char *broken = strdup(text);
            for (uint32_t n = oracle_below(&rng, 3) + 1; n > 0; n--)
                broken[oracle_below(&rng, (uint32_t)length)] = signs[oracle_below(&rng, sizeof(signs) - 1)];
            tsr_flow *flow = NULL;
            if (prepare(broken, i % 2 ? grid : NULL, &flow) == TSR_OK)
                good++;
            else
                bad++;
            tsr_flow_destroy(flow);
            free(broken);
        }
        free(text);
    }
    closedir(folder);
    assert_true(good > 0 && bad > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(errors), cmocka_unit_test(hostile), cmocka_unit_test(lines), cmocka_unit_test(damaged)};
    return cmocka_run_group_tests_name("flow_text", tests, open_host, close_host);
}
