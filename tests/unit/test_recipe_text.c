/* Recipes as texts: what is wrong is named with its place, heads and segments, and hostile or damaged texts. */
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
#include "tessera/tessera_set.h"

#define SET(text) "{\"set\":" text "}"
#define GRID(text) "{\"grid\":[6,30,52],\"set\":" text "}"

static const struct {
    const char *text, *says;
} refused_texts[] = {
    /* the text itself */
    {"", "the recipe: its text is no JSON object"},
    {"[]", "expected '{'"},
    {"{", "the recipe: its text is not JSON"},
    {"{} x", "1 bytes follow the JSON of its text"},
    {"{\"name\":\"\xff\"}", "not UTF-8 at byte 9"},
    {"{\"name\":\"\\u0000\"}", "escaped NUL"},
    {"{\"nam\":\"x\"}", "nam is not known; expected name, system, paper, source, comment, "},
    {"{\"name\":\"a\",\"name\":\"b\"}", "the recipe has 'name' twice"},
    {"{\"name\":1}", "name is a number; expected a string"},
    {"{\"comment\":[\"a\",1]}", "comment[1] is a number; expected a string, one line"},
    /* the sequence */
    {"{\"grid\":[0,2,3]}", "grid[0] is 0; expected 1 or more"},
    {"{\"grid\":[3000000000,2]}", "grid[0] is 3000000000; expected 1 to 1073741824"},
    {"{\"grid\":[1,2,3,4]}", "grid has 4 entries; expected at most 3: T, H, W"},
    {"{\"grid\":7}", "grid is a number; expected a list of whole numbers"},
    {"{\"grid\":[]}", "grid is an empty list"},
    {"{\"grid\":[1.5]}", "grid[0] is 1.5; expected a whole number"},
    {"{\"grid\":[1e999]}", "grid[0] is inf; expected a whole number"},
    {"{\"grid\":[1000000,1000000,1000000]}", "has a grid of 1000000x1000000x1000000"},
    {"{\"text_before\":3}", "has 'text_before'; expected it with a grid only"},
    {"{\"grid\":[4],\"query_first\":5}", "has queries from token 5 to 4; expected them within the 4 keys"},
    {"{\"grid\":[4],\"tokens\":4}", "has 'tokens' and 'grid'"},
    {"{\"grid\":[4],\"text_after\":-1}", "text_after is -1; expected 0 or more"},
    {"{\"segments\":{\"queries\":[0,3,2]}}", "segments.queries decreases from 3 to 2 at [2]"},
    {"{\"segments\":{\"queries\":[1,3]}}", "segments.queries begins with 1; expected 0"},
    {"{\"segments\":{\"queries\":[0,3],\"keys\":[0,3,4]}}", "segments has 2 queries and 3 keys"},
    {"{\"segments\":{}}", "segments.queries is null; expected a list"},
    {"{\"segments\":{\"queries\":[0,3],\"q\":1}}", "segments.q is not known; expected queries or keys"},
    {"{\"head_count\":0}", "head_count is 0; expected 1 to 65536"},
    /* sets */
    {SET("3"), "set is a number; expected an object with one member"},
    {SET("{}"), "set has 0 members"},
    {SET("{\"causal\":{},\"window\":{}}"), "set has 2 members"},
    {SET("{\"casual\":{}}"), "set names 'casual'; expected all, causal, window"},
    {SET("{\"union\":{}}"), "set.union is an object; expected a list of sets"},
    {SET("{\"union\":[]}"), "set.union is an empty list"},
    {SET("{\"union\":[{\"causal\":{}},4]}"), "set.union[1] is a number"},
    {SET("{\"not\":[]}"), "set.not is a list"},
    {SET("{\"causal\":[]}"), "set.causal is a list; expected an object"},
    {SET("{\"causal\":{\"left\":1}}"), "set.causal.left is not known; expected align"},
    {SET("{\"causal\":{\"align\":\"left\"}}"), "set.causal.align is 'left'; expected 'top-left' or 'bottom-right'"},
    {SET("{\"window\":{\"left\":-2}}"), "set.window.left is -2; expected -1 or more"},
    {SET("{\"window\":{\"left\":\"3\"}}"), "set.window.left is a string; expected a whole number"},
    {SET("{\"window\":{\"left\":1.5}}"), "set.window.left is 1.5"},
    {SET("{\"window\":{\"left\":99999999999}}"), "set.window.left is 99999999999"},
    {SET("{\"window\":{\"lefft\":1}}"), "set.window.lefft is not known; expected left, right, chunk or align"},
    {SET("{\"window\":{\"chunk\":0}}"), "set.window.chunk is 0; expected 1 or more"},
    {SET("{\"dilated\":{\"left\":3}}"), "set.dilated has no 'dilation'"},
    {SET("{\"strided\":{}}"), "set.strided has no 'stride'"},
    {SET("{\"strided\":{\"stride\":4,\"part\":\"half\"}}"), "set.strided.part is 'half'; expected 'both', 'local' or 'strided'"},
    {SET("{\"fixed\":{\"stride\":4,\"summary\":5}}"), "set.fixed.summary is 5; expected 1 to 4"},
    {SET("{\"fixed\":{\"stride\":4,\"causal\":1}}"), "set.fixed.causal is a number; expected true or false"},
    {SET("{\"sinks\":{}}"), "set.sinks has neither; expected 'tokens' or 'frames'"},
    {SET("{\"sinks\":{\"tokens\":1,\"frames\":1}}"), "set.sinks has both"},
    {SET("{\"sinks\":{\"frames\":1}}"), "the recipe has no grid"},
    {SET("{\"streaming\":{}}"), "set.streaming has no 'window'"},
    {SET("{\"document\":{}}"), "set.document has neither; expected 'ids' or 'lengths'"},
    {SET("{\"document\":{\"lengths\":[3,-1]}}"), "set.document.lengths[1] is -1"},
    {SET("{\"document\":{\"lengths\":[3,4]}}"), "set.document has 'lengths' of 7 tokens; expected 40, the keys"},
    {"{\"segments\":{\"queries\":[0,2]},\"set\":{\"document\":{\"lengths\":[3]}}}", "set.document has 'lengths' of 3 tokens; expected 2, the keys"},
    {SET("{\"document\":{\"ids\":[\"a\"]}}"), "set.document.ids[0] is a string"},
    {SET("{\"keys\":{\"axis\":\"t\"}}"), "expected 'token': the recipe has no grid"},
    {SET("{\"text\":{}}"), "set.text is a pattern of a token grid"},
    {SET("{\"radial\":{}}"), "set.radial is a pattern of a token grid"},
    {SET("{\"expression\":3}"), "set.expression is a number; expected a string, or a list of lines"},
    {SET("{\"expression\":[\"a = 1;\",\"a > \"]}"), "set.expression: line 2, column"},
    {SET("{\"neighborhood\":{\"window\":41}}"), "set.neighborhood.window is 41; expected 1 to 40, the axis' extent"},
    {SET("{\"neighborhood\":{\"window\":[3,3]}}"), "set.neighborhood.window has 2 entries; expected 1: the recipe has no grid"},
    {GRID("{\"union\":[{\"causal\":{}},{\"neighborhood\":{\"window\":[1,3,60]}}]}"),
     "set.union[1].neighborhood.window[2] is 60; expected 1 to 52, the axis' extent"},
    {GRID("{\"neighborhood\":{\"window\":20}}"), "set.neighborhood.window is 20 on axis T; expected 1 to 6, the axis' extent"},
    {GRID("{\"neighborhood\":{\"window\":[3,3]}}"), "set.neighborhood.window has 2 entries; expected 3, the axes of the grid 6x30x52"},
    {GRID("{\"neighborhood\":{\"window\":0}}"), "set.neighborhood.window is 0; expected 1 to 6"},
    {GRID("{\"neighborhood\":{}}"), "set.neighborhood has no 'window'"},
    {GRID("{\"neighborhood\":{\"window\":3,\"stride\":4}}"), "set.neighborhood.stride is 4 on axis T; expected 1 to 3, the window"},
    {GRID("{\"neighborhood\":{\"window\":3,\"dilation\":[1,11,1]}}"),
     "set.neighborhood.dilation[1] is 11; expected 1 to 10, so that the window fits the axis"},
    {GRID("{\"neighborhood\":{\"window\":3,\"causal\":[true,1,true]}}"), "set.neighborhood.causal[1] is a number; expected true or false"},
    {GRID("{\"neighborhood\":{\"window\":3,\"border\":\"wrap\"}}"), "set.neighborhood.border is 'wrap'; expected 'inward' or 'cut'"},
    {GRID("{\"blocked\":{\"window\":[2,7,7],\"shift\":[0,7,0]}}"), "set.blocked.shift[1] is 7; expected 0 to 6, less than the window"},
    {GRID("{\"halo\":{\"block\":[1,8,8]}}"), "set.halo has no 'halo'"},
    {GRID("{\"cross\":{\"stripe\":2,\"axis\":\"x\"}}"), "set.cross.axis is 'x'; expected 'cross', 't', 'h' or 'w'"},
    {GRID("{\"sliding_tiles\":{\"tile\":[2,5,13],\"window\":[3,2,3]}}"),
     "set.sliding_tiles has a window of 2 tiles on axis H; expected an odd number, or 6, all of them"},
    {GRID("{\"sliding_tiles\":{\"tile\":[2,5,13],\"window\":[3,7,3]}}"), "set.sliding_tiles.window[1] is 7; expected 1 to 6, the axis' tiles"},
    {GRID("{\"frames\":{\"chunk\":7}}"), "set.frames.chunk is 7; expected 1 to 6"},
    {GRID("{\"frames\":{\"causal\":true,\"right\":1}}"), "set.frames has 'right'; expected none where 'causal' is true"},
    {GRID("{\"attention_tiles\":{}}"), "set.attention_tiles has no 'references'"},
    {GRID("{\"attention_tiles\":{\"references\":[6]}}"), "set.attention_tiles.references[0] is 6; expected 0 to 5"},
    {GRID("{\"attention_tiles\":{\"references\":7}}"), "set.attention_tiles.references is 7; expected 1 to 6, the frames"},
    {GRID("{\"radial\":{\"decay\":1.5}}"), "set.radial has a decay of 1.5"},
    {"{\"grid\":[100000,2,2],\"set\":{\"radial\":{}}}", "set.radial has 100000 frames and 3125 x 3125 blocks of 128; expected fewer"},
    {GRID("{\"radial\":{\"neighbors\":\"none\"}}"), "set.radial.neighbors is 'none'; expected 'full' or 'half'"},
    {GRID("{\"causal\":{\"align\":\"bottom-right\"}}"), "set.causal has the align 'bottom-right'"},
    {"{\"set\":{\"causal\":{}},\"heads\":[]}", "has 'set' and 'heads'; expected one of them"},
    /* heads, of which there are four */
    {"{\"heads\":[]}", "heads is an empty list"},
    {"{\"heads\":[{\"heads\":0}]}", "heads[0] has no 'set'"},
    {"{\"heads\":[{\"heads\":0,\"set\":{\"causal\":{}}}]}", "heads has no set for head 1; expected one for each of 4"},
    {"{\"heads\":[{\"heads\":4,\"set\":{\"causal\":{}}}]}", "heads[0].heads is 4; expected 0 to 3, the heads"},
    {"{\"heads\":[{\"heads\":\"1-4\",\"set\":{\"causal\":{}}}]}", "heads[0].heads is '1-4'; expected heads 0 to 3"},
    {"{\"heads\":[{\"heads\":\"2-1\",\"set\":{\"causal\":{}}}]}", "heads[0].heads is '2-1'"},
    {"{\"heads\":[{\"heads\":\"99999999999999999999\",\"set\":{\"causal\":{}}}]}", "expected heads 0 to 3"},
    {"{\"heads\":[{\"heads\":\"most\",\"set\":{\"causal\":{}}}]}", "heads[0].heads is 'most'; expected numbers, 'all'"},
    {"{\"heads\":[{\"heads\":\"1-\",\"set\":{\"causal\":{}}}]}", "heads[0].heads is '1-'"},
    {"{\"heads\":[{\"heads\":\"even\",\"set\":{\"causal\":{}}},{\"heads\":[1,2,3],\"set\":{\"causal\":{}}}]}",
     "heads[1].heads takes head 2, which has the set of heads[0] already"},
    {"{\"heads\":[{\"heads\":\"all\",\"set\":{\"casual\":{}}}]}", "heads[0].set names 'casual'"},
    /* scores and names */
    {"{\"score\":\"score +\"}", "score: line 1, column"},
    {"{\"scale\":0}", "has a scale of 0; expected another number"},
    {"{\"softcap\":-1}", "has a softcap of -1; expected more than 0"},
    {"{\"softcap\":1e300}", "softcap is 1e+300; expected a number within fp32's range"},
    {"{\"scalars\":{\"a\":\"1\"}}", "scalars.a is no number"},
    {"{\"scalars\":[]}", "scalars is a list; expected an object"},
    {"{\"tensors\":{\"a\":{\"shape\":[2]}}}", "tensors.a has no 'data'"},
    {"{\"tensors\":{\"a\":{\"shape\":[2,2],\"data\":[1,2,3]}}}", "tensors.a has data of 3 numbers; expected 4"},
    {"{\"tensors\":{\"a\":{\"shape\":[1,1,1,1,1],\"data\":[1]}}}", "tensors.a has rank 5; expected 1 to 4"},
    {"{\"tensors\":{\"a\":{\"shape\":[2],\"data\":[1,null]}}}", "tensors.a has data[1], which is no number"},
};

/* The text is refused and says so; the recipe becomes NULL. */
static void refused(const char *text, size_t length, const char *says)
{
    tsr_recipe *recipe = (tsr_recipe *)(uintptr_t)says;
    const tsr_recipe_desc desc = {.text = text, .length = length, .nq = strstr(text, "grid") || strstr(text, "segments") ? 0 : 40, .heads = 4};
    const tsr_status s = tsr_recipe_parse(&desc, &recipe);
    if (s == TSR_OK) tsr_recipe_destroy(recipe);
    if ((s != TSR_ERROR_FILE && s != TSR_ERROR_COMPILE) || !strstr(tsr_last_error(), says))
        fail_msg("%.200s: %s, '%s'; expected '%s'", text, tsr_status_name(s), s == TSR_OK ? "" : tsr_last_error(), says);
    assert_null(recipe);
}

static void errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused_texts) / sizeof(refused_texts[0]); i++) refused(refused_texts[i].text, 0, refused_texts[i].says);
}

/* Nesting, long lists, long names: refused, at once and without a deep stack. */
static void hostile(void **state)
{
    (void)state;
    enum { SIZE = 1 << 22 };
    char *text = malloc(SIZE);
    assert_non_null(text);
    size_t n = (size_t)sprintf(text, "{\"set\":");
    for (int i = 0; i < 100000; i++) n += (size_t)sprintf(text + n, "{\"not\":");
    refused(text, 0, "nests deeper than 64");
    n = (size_t)sprintf(text, "{\"set\":");
    for (int i = 0; i < 30; i++) n += (size_t)sprintf(text + n, "{\"not\":");
    n += (size_t)sprintf(text + n, "{\"causal\":{}}");
    memset(text + n, '}', 31);
    text[n + 31] = '\0';
    refused(text, 0, "nests sets deeper than 16");
    n = (size_t)sprintf(text, "{\"scalars\":{");
    for (int i = 0; i < 300; i++) n += (size_t)sprintf(text + n, "%s\"a%d\":1", i ? "," : "", i);
    strcpy(text + n, "}}");
    refused(text, 0, "scalars has 300 members; expected at most 256");
    n = (size_t)sprintf(text, "{\"set\":{\"union\":[");
    for (int i = 0; i < 5000; i++) n += (size_t)sprintf(text + n, "%s{\"causal\":{}}", i ? "," : "");
    strcpy(text + n, "]}}");
    refused(text, 0, "makes a formula of more than 4096 nodes");
    n = (size_t)sprintf(text, "{\"heads\":[");
    for (int i = 0; i < 1025; i++) n += (size_t)sprintf(text + n, "%s{\"heads\":\"rest\",\"set\":{\"causal\":{}}}", i ? "," : "");
    strcpy(text + n, "]}");
    refused(text, 0, "has 1025 sets for heads; expected at most 1024");
    n = (size_t)sprintf(text, "{\"grid\":[");
    for (int i = 0; i < 1 << 20; i++) n += (size_t)sprintf(text + n, "%s1", i ? "," : "");
    strcpy(text + n, "]}");
    refused(text, 0, "values; expected at most");
    n = (size_t)sprintf(text, "{\"");
    memset(text + n, 'a', 100000);
    strcpy(text + n + 100000, "\":1}");
    refused(text, 0, "aaaaaaaa is not known");
    free(text);
    refused("{\"set\":{\"causal\":{}}}", 5, "is not JSON");
    refused("{\"set\":{\"causal\":{}}}\0\0", 23, "NUL byte");
}

static void arguments(void **state)
{
    (void)state;
    tsr_recipe *recipe = NULL;
    tsr_recipe_info info;
    const tsr_recipe_desc none = {.nq = 1}, negative = {.text = "{}", .nk = -1}, heads = {.text = "{}", .heads = 1u << 20},
                          later = {.text = "{}", .reserved = {0, 1}}, grid = {.text = "{}", .grid = {2, 0, 3}},
                          other = {.text = "{\"grid\":[2,3]}", .nk = 7};
    const struct {
        const tsr_recipe_desc *desc;
        const char *says;
    } cases[] = {{NULL, "argument desc is NULL"},
                 {&none, "argument text is NULL"},
                 {&negative, "argument nk is -1"},
                 {&heads, "argument heads is 1048576"},
                 {&later, "argument reserved[1] is 1; expected 0"},
                 {&grid, "argument grid[1] is 0"},
                 {&other, "argument nk is 7; expected 6: 0 tokens of text and the grid 1x2x3"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(tsr_recipe_parse(cases[i].desc, &recipe), TSR_ERROR_ARGUMENT);
        if (!strstr(tsr_last_error(), cases[i].says)) fail_msg("'%s'; expected '%s'", tsr_last_error(), cases[i].says);
    }
    assert_int_equal(tsr_recipe_parse(&other, NULL), TSR_ERROR_ARGUMENT);
    assert_int_equal(tsr_recipe_get_info(NULL, &info), TSR_ERROR_ARGUMENT);
    tsr_recipe_destroy(NULL);
}

static tsr_recipe_info parse(const tsr_recipe_desc *desc, tsr_recipe **recipe)
{
    tsr_recipe_info info = {0};
    if (tsr_recipe_parse(desc, recipe) != TSR_OK || tsr_recipe_get_info(*recipe, &info) != TSR_OK) fail_msg("%s: %s", desc->text, tsr_last_error());
    return info;
}

static void heads(void **state)
{
    (void)state;
    static const struct {
        const char *first, *second;
        uint32_t of_head[5];
    } cases[] = {
        {"\"even\"", "\"odd\"", {0, 1, 0, 1, 0}},
        {"\"odd\"", "\"rest\"", {1, 0, 1, 0, 1}},
        {"\"1-3\"", "[0,4]", {1, 0, 0, 0, 1}},
        {"\"0,2-3\"", "\"rest\"", {0, 1, 0, 0, 1}},
        {"\"first half\"", "\"second half\"", {0, 0, 0, 1, 1}},
        {"2", "\"rest\"", {1, 1, 0, 1, 1}},
        {"\"all\"", "\"rest\"", {0, 0, 0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text), "{\"head_count\":5,\"heads\":[{\"heads\":%s,\"set\":{\"causal\":{}}},{\"heads\":%s,\"set\":{\"all\":{}}}]}",
                 cases[i].first, cases[i].second);
        tsr_recipe *recipe = NULL;
        const tsr_recipe_desc desc = {.text = text};
        const tsr_recipe_info info = parse(&desc, &recipe);
        assert_true(info.heads == 5 && info.set_count == 2 && info.nq == 0 && info.nk == 0);
        for (int h = 0; h < 5; h++) assert_int_equal(info.set_of_head[h], cases[i].of_head[h]);
        tsr_recipe_destroy(recipe);
    }
}

/* Segments of 3 and 4 queries, 5 and 4 keys: causal within each, its last query at its last key. */
static void segments(void **state)
{
    (void)state;
    tsr_recipe *recipe = NULL;
    const tsr_recipe_desc desc = {.text = "{\"segments\":{\"queries\":[0,3,7],\"keys\":[0,5,9]},\"set\":{\"causal\":{}}}"};
    const tsr_recipe_info info = parse(&desc, &recipe);
    assert_true(info.nq == 7 && info.nk == 9);
    for (int64_t q = 0; q < 7; q++)
        for (int64_t k = 0; k < 9; k++) {
            int holds = -1;
            assert_int_equal(tsr_set_contains(info.sets[0], 7, 9, q, k, &holds), TSR_OK);
            assert_int_equal(holds, q < 3 ? k < 5 && k <= q + 2 : k >= 5 && k - 5 <= q - 3);
        }
    tsr_recipe_destroy(recipe);
}

/* Segments alone: everyone of the own segment; a grid alone: everyone, on the grid. */
static void segments_without_set(void **state)
{
    (void)state;
    tsr_recipe *recipe = NULL;
    const tsr_recipe_desc packed = {.text = "{\"segments\":{\"queries\":[0,3,7]}}"}, grid = {.text = "{\"grid\":[2,3],\"score\":\"score + kw\"}"};
    tsr_recipe_info info = parse(&packed, &recipe);
    assert_true(info.set_count == 1 && info.nq == 7 && info.nk == 7);
    for (int64_t q = 0; q < 7; q++)
        for (int64_t k = 0; k < 7; k++) {
            int holds = -1;
            assert_int_equal(tsr_set_contains(info.sets[0], 7, 7, q, k, &holds), TSR_OK);
            assert_int_equal(holds, (q < 3) == (k < 3));
        }
    tsr_recipe_destroy(recipe);
    info = parse(&grid, &recipe);
    assert_true(info.set_count == 1 && info.nq == 6);
    tsr_recipe_destroy(recipe);
}

/* Scalars and tensors of the recipe and of the caller in one expression; the numbers beside it. */
static void names(void **state)
{
    (void)state;
    const float table[3] = {1, 0, 1};
    const tsr_named_scalar scalar = {"offset", 2};
    const tsr_named_tensor tensor = {.name = "table", .rank = 1, .shape = {3}, .data = table};
    tsr_recipe *recipe = NULL;
    const tsr_recipe_desc desc = {.text = "{\"name\":\"n\",\"grid\":[4,3],\"text_after\":1,\"scalars\":{\"wide\":3},"
                                          "\"tensors\":{\"rows\":{\"shape\":[4,1],\"data\":[0,1,1,1]}},\"scale\":-0.5,\"softcap\":20,"
                                          "\"set\":{\"expression\":[\"near = q - kv < wide + offset;\",\"near && table[kw] && rows[qh, 0]\"]},"
                                          "\"score\":\"score + wide\"}",
                                  .scalars = &scalar,
                                  .scalar_count = 1,
                                  .tensors = &tensor,
                                  .tensor_count = 1};
    const tsr_recipe_info info = parse(&desc, &recipe);
    assert_true(info.nq == 13 && info.nk == 13 && info.grid[0] == 1 && info.grid[1] == 4 && info.grid[2] == 3);
    assert_true(info.score && info.scale == -0.5f && info.softcap == 20);
    int seen = 0;
    for (int64_t q = 0; q < 13; q++)
        for (int64_t k = 0; k < 13; k++) {
            int holds = -1;
            assert_int_equal(tsr_set_contains(info.sets[0], 13, 13, q, k, &holds), TSR_OK);
            const bool expected = q - k < 5 && k < 12 && k % 3 != 1 && q < 12 && q / 3 >= 1;
            if (holds != expected) fail_msg("pair %d, %d is %d; expected %d", (int)q, (int)k, holds, expected);
            seen += holds;
        }
    assert_true(seen > 0 && seen < 169);
    tsr_recipe_destroy(recipe);
}

/* A recipe without sets: a score alone. */
static void no_set(void **state)
{
    (void)state;
    tsr_recipe *recipe = NULL;
    const tsr_recipe_desc desc = {.text = " \n{\"score\":\"score * 2\"}", .nq = 3, .nk = 4};
    const tsr_recipe_info info = parse(&desc, &recipe);
    assert_true(info.set_count == 0 && info.score && info.heads == 1 && info.nq == 3 && info.nk == 4);
    assert_string_equal(info.name, "");
    tsr_recipe_destroy(recipe);
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

/* The published recipes are good as they are, and under random damage never worse than refused. */
static void published(void **state)
{
    (void)state;
    const uint64_t seed = (uint64_t)time(NULL);
    printf("seed %llu\n", (unsigned long long)seed);
    oracle_rng rng = oracle_seed(seed);
    int files = 0, good = 0, bad = 0;
    DIR *folder = opendir(TEST_RECIPES);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));) {
        const char *ending = strrchr(entry->d_name, '.');
        if (!ending || strcmp(ending, ".json") != 0) continue;
        char *text = read_file(TEST_RECIPES, entry->d_name), name[256];
        tsr_recipe *recipe = NULL;
        if (strstr(text, "\"steps\"")) { /* see test_flow_text.c */
            free(text);
            continue;
        }
        const tsr_recipe_desc desc = {.text = text};
        const tsr_recipe_info info = parse(&desc, &recipe);
        snprintf(name, sizeof(name), "%s.json", info.name);
        assert_string_equal(name, entry->d_name);
        assert_true(info.set_count > 0 && info.nk > 0);
        tsr_recipe_destroy(recipe);
        files++;
        const size_t length = strlen(text);
        for (int i = 0; i < 200; i++) {
            char *damaged = strdup(text);
            for (uint32_t n = oracle_below(&rng, 3) + 1; n > 0; n--)
                damaged[oracle_below(&rng, (uint32_t)length)] = "{}[]\",:019-e.tx \\\xff"[oracle_below(&rng, 17)];
            const tsr_recipe_desc broken = {.text = damaged, .grid = {2, 3, 4}, .heads = 4};
            recipe = NULL;
            if (tsr_recipe_parse(&broken, &recipe) == TSR_OK)
                good++;
            else
                bad++;
            tsr_recipe_destroy(recipe);
            free(damaged);
        }
        free(text);
    }
    closedir(folder);
    assert_true(files > 10 && good > 0 && bad > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors), cmocka_unit_test(hostile),  cmocka_unit_test(arguments),
        cmocka_unit_test(heads),  cmocka_unit_test(segments), cmocka_unit_test(segments_without_set),
        cmocka_unit_test(names),  cmocka_unit_test(no_set),   cmocka_unit_test(published),
    };
    return cmocka_run_group_tests_name("recipe_text", tests, NULL, NULL);
}
