/* Expressions: errors with their places, precedence, random formulas against a plain evaluation, and hostile texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "expression/expression.h"
#include "oracle/expression.h"

static const float table_data[] = {1.5f, -2.0f, 3.25f, 0.5f, 8.0f, -0.75f}, vector_data[] = {4.0f, 5.0f, 6.0f, 7.0f};
static const tsr_named_scalar scalars[] = {{"slope", 0.25f}, {"window", 12.0f}, {"nothing", NAN}};
static const tsr_named_tensor tensors[] = {{"table", 2, {2, 3}, table_data}, {"vector", 1, {4}, vector_data}};

static tsr_expression_desc describe(const char *text, tsr_expression_kind kind)
{
    return (tsr_expression_desc){.text = text, .kind = kind, .scalars = scalars, .scalar_count = 3, .tensors = tensors, .tensor_count = 2};
}

static tsr_expression *create(const char *text, tsr_expression_kind kind)
{
    const tsr_expression_desc desc = describe(text, kind);
    tsr_expression *e = NULL;
    if (tsr_expression_create(&desc, &e) != TSR_OK) fail_msg("'%s': %s", text, tsr_last_error());
    return e;
}

/* Lanes with poisoned values, so that one that is not computed shows. */
static tsr_expression_lanes *make_lanes(const tsr_expression *e)
{
    const size_t size = (tsr_expression_lanes_size(e) + 63) / 64 * 64;
    tsr_expression_lanes *lanes = aligned_alloc(64, size);
    assert_non_null(lanes);
    memset(lanes, 0xff, size);
    return lanes;
}

/* The score at one point, as a double. */
static float score_at(const char *text, const oracle_point *at)
{
    tsr_expression *e = create(text, TSR_EXPRESSION_SCORE);
    tsr_expression_lanes *lanes = make_lanes(e);
    const int64_t *v = at->variable;
    const tsr_expression_queries queries = {1, &v[4], &v[5], &v[6], &v[7], v[0], v[1], v[2], v[3]};
    float score = at->score;
    tsr_expression_begin(lanes, e, NULL, &queries);
    tsr_expression_score64(lanes, &(tsr_expression_key){v[8], v[9], v[10], v[11]}, &score);
    free(lanes);
    tsr_expression_destroy(e);
    return score;
}

static const struct {
    const char *text;
    const char *error; /* of a mask, or of a score where the text begins with "S: " */
} mistakes[] = {
    {"", "line 1, column 1: found the end of the text; expected a number, a name or '('"},
    {"# nothing\n\n  ", "line 3, column 3: found the end of the text; expected a number, a name or '('"},
    {"q +", "line 1, column 4: found the end of the text; expected a number, a name or '('"},
    {"q >\n  + kv", "line 2, column 3: found '+'; expected a number, a name or '('"},
    {"q kv", "line 1, column 3: found 'kv'; expected an operator or the end of the text"},
    {"q > kv;", "line 1, column 7: found ';'; expected an operator or the end of the text"},
    {"(q > kv", "line 1, column 8: found the end of the text; expected ')'"},
    {"q > kv)", "line 1, column 7: found ')'; expected an operator or the end of the text"},
    {"x = q", "line 1, column 6: found the end of the text; expected an operator or ';'"},
    {"x = q;", "line 1, column 7: found the end of the text; expected a number, a name or '('"},
    {"q = 3; q", "line 1, column 1: found 'q'; expected a name that has no value yet"},
    {"x = 3; x = 4; x", "line 1, column 8: found 'x'; expected a name that has no value yet"},
    {"slope = 3; q", "line 1, column 1: found 'slope'; expected a name that has no value yet"},
    {"table = 3; q", "line 1, column 1: found 'table'; expected a name that has no value yet"},
    {"max = 3; q", "line 1, column 1: found 'max'; expected a name that has no value yet"},
    {"x = y; y = 1; x", "line 1, column 5: found 'y'; expected a built-in name (b, h, q, kv, ...), a name given before, a scalar or a tensor"},
    {"q > foo", "line 1, column 5: found 'foo'; expected a built-in name (b, h, q, kv, ...), a name given before, a scalar or a tensor"},
    {"sin(q)", "line 1, column 1: found 'sin'; expected a function: abs, min, max, floor, exp, log, sqrt, tanh, pow or clamp"},
    {"score > 1", "line 1, column 1: found 'score'; expected no score in a mask"},
    {"abs", "line 1, column 4: found the end of the text; expected '(' after the function's name"},
    {"abs()", "line 1, column 5: found ')'; expected a number, a name or '('"},
    {"abs(q, kv)", "line 1, column 1: found abs with 2 arguments; expected 1"},
    {"1 + max(q)", "line 1, column 5: found max with 1 argument; expected 2"},
    {"clamp(q, 1, 2, 3, 4, 5)", "line 1, column 1: found clamp with 6 arguments; expected 3"},
    {"max(q kv)", "line 1, column 7: found 'kv'; expected ',' or ')'"},
    {"table + 1", "line 1, column 7: found '+'; expected '[' after the tensor's name"},
    {"table[q]", "line 1, column 1: found table with 1 index; expected 2, one for each axis"},
    {"vector[q, kv]", "line 1, column 1: found vector with 2 indices; expected 1, one for each axis"},
    {"vector[q / 2]", "line 1, column 8: found a real number; expected a whole number (floor makes one of a real)"},
    {"vector[q > 2]", "line 1, column 8: found a truth value; expected a whole number (floor makes one of a real)"},
    {"vector[1)", "line 1, column 9: found ')'; expected ',' or ']'"},
    {"slope[1]", "line 1, column 6: found '['; expected an operator or the end of the text"},
    {"q % 1.5", "line 1, column 5: found a real number; expected a whole number (floor makes one of a real)"},
    {"1 + (q < 2)", "line 1, column 5: found a truth value; expected a number (c ? 1 : 0 makes one)"},
    {"0 < q < 9", "line 1, column 1: found a truth value; expected a number (c ? 1 : 0 makes one)"},
    {"-(q < 2)", "line 1, column 2: found a truth value; expected a number (c ? 1 : 0 makes one)"},
    {"exp(q < 2)", "line 1, column 5: found a truth value; expected a number (c ? 1 : 0 makes one)"},
    {"(q < 2) == 1", "line 1, column 1: found a truth value; expected a number (c ? 1 : 0 makes one)"},
    {"q < 2 ? 1 : kv > 1", "line 1, column 13: found a truth value; expected a number (c ? 1 : 0 makes one)"},
    {"q ? 1", "line 1, column 6: found the end of the text; expected an operator or ':'"},
    {"q & 1", "line 1, column 3: found '&'; expected '&&'"},
    {"q | 1", "line 1, column 3: found '|'; expected '||'"},
    {"q ^ 1", "line 1, column 3: found '^'; expected a number, a name or an operator"},
    {"\xc3\xa9 + 1", "line 1, column 1: found byte 0xc3; expected a number, a name or an operator"},
    {"# \xc3\xa9\xe2\x82\xac\n# \xc3\xa9\xe2\x82\xac\r\n q q", "line 3, column 4: found 'q'; expected an operator or the end of the text"},
    {"1x", "line 1, column 1: found '1'; expected a number that ends before the letter"},
    {".", "line 1, column 1: found '.'; expected digits beside the point"},
    {"1e", "line 1, column 1: found '1e'; expected digits after the exponent's e"},
    {"1e+", "line 1, column 1: found '1e+'; expected digits after the exponent's e"},
    {"1e39", "line 1, column 1: found '1e39'; expected a number within the range of fp32"},
    {"9223372036854775808", "line 1, column 1: found '9223372036854775808'; expected a whole number below 2^63"},
    {"1.2.3", "line 1, column 4: found '.3'; expected an operator or the end of the text"},
    {"S: ", "line 1, column 1: found the end of the text; expected a number, a name or '('"},
    {"S: score > 1", "line 1, column 1: found a truth value; expected a number (c ? 1 : 0 makes one)"},
    {"S: x = q;\n\n x > 1", "line 3, column 2: found a truth value; expected a number (c ? 1 : 0 makes one)"},
};

static void errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        const bool score = strncmp(mistakes[i].text, "S: ", 3) == 0;
        const tsr_expression_desc desc = describe(mistakes[i].text + (score ? 3 : 0), score ? TSR_EXPRESSION_SCORE : TSR_EXPRESSION_MASK);
        tsr_expression *e = (tsr_expression *)&desc; /* must become NULL */
        const tsr_status status = tsr_expression_create(&desc, &e);
        if (status != TSR_ERROR_COMPILE || strcmp(tsr_last_error(), mistakes[i].error) != 0)
            fail_msg("'%s': %s '%s'; expected '%s'", mistakes[i].text, tsr_status_name(status), tsr_last_error(), mistakes[i].error);
        assert_null(e);
    }
}

static void refused(tsr_expression_desc desc, const char *says)
{
    tsr_expression *e = (tsr_expression *)&desc;
    const tsr_status status = tsr_expression_create(&desc, &e);
    if (status != TSR_ERROR_ARGUMENT || !strstr(tsr_last_error(), says))
        fail_msg("%s, '%s'; expected '%s'", tsr_status_name(status), tsr_last_error(), says);
    assert_null(e);
}

static void names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *says;
    } wrong[] = {
        {NULL, "scalars[0].name is NULL"},
        {"", "scalars[0].name is ''"},
        {"1x", "'1x'; expected letters"},
        {"a-b", "'a-b'; expected letters"},
        {"h", "'h', a built-in name"},
        {"score", "'score', a built-in name"},
        {"tanh", "'tanh', a built-in name"},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "at most 63 characters"},
        {"other", "scalars[1].name is 'other', which is taken"},
        {"vector", "tensors[1].name is 'vector', which is taken"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const tsr_named_scalar two[] = {{wrong[i].name, 1.0f}, {"other", 2.0f}};
        tsr_expression_desc desc = describe("q", TSR_EXPRESSION_MASK);
        desc.scalars = two;
        desc.scalar_count = 2;
        refused(desc, wrong[i].says);
    }
    static const struct {
        tsr_named_tensor tensor;
        const char *says;
    } bad[] = {
        {{"t", 0, {1}, vector_data}, "tensors[0].rank is 0"},
        {{"t", 5, {1}, vector_data}, "tensors[0].rank is 5"},
        {{"t", 2, {3, 0}, vector_data}, "tensors[0].shape[1] is 0"},
        {{"t", 1, {-4}, vector_data}, "tensors[0].shape[0] is -4"},
        {{"t", 1, {INT64_MAX}, vector_data}, "tensors[0].shape[0] is 9223372036854775807"},
        {{"t", 4, {65536, 65536, 65536, 65536}, vector_data}, "tensors[0].shape[1] is 65536"},
        {{"t", 1, {1}, NULL}, "tensors[0].data is NULL"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        tsr_expression_desc desc = describe("q", TSR_EXPRESSION_MASK);
        desc.tensors = &bad[i].tensor;
        desc.tensor_count = 1;
        refused(desc, bad[i].says);
    }
    tsr_expression_desc desc = describe(NULL, TSR_EXPRESSION_MASK);
    refused(desc, "text is NULL");
    desc = describe("q", (tsr_expression_kind)7);
    refused(desc, "kind is 7");
    desc = describe("q", TSR_EXPRESSION_MASK);
    desc.scalars = NULL;
    refused(desc, "scalar_count is 3 and scalars is NULL");
    desc.scalar_count = 100000;
    refused(desc, "scalar_count is 100000");
    tsr_expression *e = NULL;
    assert_int_equal(tsr_expression_create(NULL, &e), TSR_ERROR_ARGUMENT);
    assert_int_equal(tsr_expression_create(&desc, NULL), TSR_ERROR_ARGUMENT);
    tsr_expression_destroy(NULL);
}

/* Formulas that mean the same in C, at a point whose numbers are all positive. */
static void precedence(void **state)
{
    (void)state;
    const oracle_point at = {{1, 2, 100, 200, 17, 3, 4, 5, 9, 1, 2, 3}, 2.5f};
    const int b = 1, h = 2, nq = 100, nk = 200, q = 17, qt = 3, qh = 4, qw = 5, kv = 9, kt = 1, kh = 2, kw = 3;
    const float score = 2.5f, slope = 0.25f, window = 12.0f;
#define SAME(formula)                                                                                                                                \
    {                                                                                                                                                \
#formula, (float)(formula)                                                                                                                   \
    }
    const struct {
        const char *text;
        float value;
    } formulas[] = {
        SAME(q - kv - 3),
        SAME(q - (kv - 3)),
        SAME(q + kv * 3 % 5 - 2 * -q),
        SAME(-q * -kv + - -b),
        SAME(2 * q % 5 * 3),
        SAME(score * 3 - slope * window),
        SAME(score - slope - window),
        SAME(score / slope / window),
        SAME(score / (slope / window)),
        SAME(q < kv  ? 1
             : h < q ? 2
                     : 3),
        SAME(q > kv ? q > 20 ? 5 : 6 : 7),
        SAME((q > kv ? 1 : 2) * 10),
        {"q < kv || h < q && nq > nk ? 1 : 0", q < kv || (h < q && nq > nk) ? 1 : 0},
        SAME((q < kv || h < q) && nq < nk ? 1 : 0),
        {"q < kv || h < q && nq < nk ? 1 : 0", q < kv || (h < q && nq < nk) ? 1 : 0},
        SAME(!(q < kv) && q != kv ? 1 : 0),
        SAME(!q == (b > h) ? 1 : 0),
        {"q > kv == h > b ? 1 : 0", (q > kv) == (h > b) ? 1 : 0},
        {"q > kv != h > b ? 1 : 0", (q > kv) != (h > b) ? 1 : 0},
        SAME(q + kv == 26 ? 1 : 0),
        SAME(q + kv <= 26 && q >= 17 && !(q > 17) ? qt + qh * qw : kt + kh * kw),
        SAME(h ? slope ? 3 : 4 : 5),
        SAME(1.5e1 + .5 + 1e-2 + 2. + 0.25E+2 + 10e0),
        SAME(0.1f * 3),
    };
#undef SAME
    for (size_t i = 0; i < sizeof(formulas) / sizeof(formulas[0]); i++) {
        char text[128];
        snprintf(text, sizeof(text), "%s", formulas[i].text);
        for (char *f; (f = strstr(text, "0.1f"));) f[3] = ' ';
        const float is = score_at(text, &at);
        if (!(fabsf(is - formulas[i].value) <= 4e-7f * fabsf(formulas[i].value))) fail_msg("%s is %.9g; expected %.9g", text, is, formulas[i].value);
    }
}

static void meaning(void **state)
{
    (void)state;
    const oracle_point at = {{1, 2, 100, 200, 17, -1, -1, -1, 9, 3, 4, 5}, 2.5f};
    static const struct {
        const char *text;
        float value;
    } table[] = {
        {"-7 % 3", 2},
        {"7 % -3", -2},
        {"-7 % -3", -1},
        {"6 % -3", 0},
        {"(kv - q) % 5", 2},
        {"q % 0", 0},
        {"floor(-7 / 2)", -4},
        {"floor(7 / -2)", -4},
        {"floor(-8 / 2)", -4},
        {"x = kv - q; y = x / 3; floor(y)", -3},
        {"floor(q / 0)", 0},
        {"7 / 2", 3.5f},
        {"q / 0", INFINITY},
        {"-q / 0", -INFINITY},
        {"0 / 0", NAN},
        {"floor(-1.5)", -2},
        {"floor(1e30)", 2147483647.0f},
        {"floor(-1e30)", -2147483648.0f},
        {"floor(0.0 / 0.0)", 0},
        {"floor(q)", 17},
        {"abs(kv - q) + abs(-1.5)", 9.5f},
        {"min(q, kv) + max(q, 17.5) + clamp(q, 1, 3) + clamp(-1, 0, 3) + clamp(2.5, 0, 3)", 9 + 17.5f + 3 + 0 + 2.5f},
        {"(4611686018427387904 + 4611686018427387904 < 0) ? 1 : 0", 1}, /* wraps */
        {"(9223372036854775807 * 3 == 9223372036854775805) ? 1 : 0", 1},
        {"(3037000500 * 3037000500 > 0) ? 1 : 0", 0},
        {"floor((0 - 9223372036854775807 - 1) / -1) < 0 ? 1 : 0", 1},
        {"(0 - 9223372036854775807 - 1) % -1", 0},
        {"(100003 * 100019) % 1000", 57},
        {"floor(100003 * 100019 / 1000003) % 1000", 2},
        {"table[1, 2] + table[0, 1]", -2.75f},
        {"table[2, 0] + table[0, 3] + table[-1, 0] + table[0, -1] + table[1, 4611686018427387904]", 0},
        {"vector[kt] + vector[3000000000] + vector[qt]", 7},
        {"exp(0) + log(1) + sqrt(16) + tanh(0) + pow(2, 10)", 1029},
        {"pow(-2, 3)", -8},
        {"tanh(1000)", 1},
        {"nothing", NAN},
        {"nothing == nothing ? 1 : 0", 0},
        {"nothing ? 1 : 0", 1},
        {"max(nothing, 3)", NAN},
        {"min(3, nothing)", 3},
        {"qt + qh + qw", -3},
        {"a = q; b_2 = a * a; # of a\n b_2 - a", 272},
        {"q > 3 ? 1 : 0\r\n# the end", 1},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const float is = score_at(table[i].text, &at);
        if (!(is == table[i].value || (isnan(is) && isnan(table[i].value))))
            fail_msg("%s is %.9g; expected %.9g", table[i].text, (double)is, (double)table[i].value);
    }
}

static void reads(void **state)
{
    (void)state;
    static const struct {
        const char *text, *names; /* those that the value hangs on */
    } table[] = {
        {"q > kv", " q kv "}, {"x = h; b", " b "}, {"x = h; y = x + nq; y * kt", " h nq kt "}, {"table[qt, kw] + nk", " qt kw nk "}, {"3", " "}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        tsr_expression *e = create(table[i].text, TSR_EXPRESSION_MASK);
        for (int v = 0; v < TSR_VAR_COUNT; v++) {
            char name[8];
            snprintf(name, sizeof(name), " %s ", tsr_expression_variables[v]);
            assert_int_equal(tsr_expression_reads(e, (tsr_expression_variable)v), strstr(table[i].names, name) != NULL);
        }
        assert_false(tsr_expression_reads(e, TSR_VAR_SCORE));
        tsr_expression_destroy(e);
    }
    tsr_expression *e = create("score * 2", TSR_EXPRESSION_SCORE);
    assert_true(tsr_expression_reads(e, TSR_VAR_SCORE));
    tsr_expression_destroy(e);
}

static int64_t random_whole(oracle_rng *r)
{
    const uint32_t which = oracle_below(r, 8);
    return which == 0 ? oracle_below(r, INT32_MAX) : which < 5 ? oracle_below(r, 12) : oracle_below(r, 3000);
}

/* One formula for up to 64 queries and several keys, every lane against the plain evaluation. */
static void check_random(const oracle_expression *o, const char *text, bool mask, oracle_rng *r)
{
    tsr_expression *e = create(text, mask ? TSR_EXPRESSION_MASK : TSR_EXPRESSION_SCORE);
    tsr_expression_lanes *lanes = make_lanes(e);
    const int count = 1 + (int)oracle_below(r, 64);
    int64_t q[4][64];
    for (int i = 0; i < 4 * 64; i++) q[i / 64][i % 64] = random_whole(r) - (i >= 64 && oracle_below(r, 8) == 0);
    const bool grid = oracle_below(r, 4) != 0;
    const tsr_expression_queries queries = {
        count, q[0], grid ? q[1] : NULL, grid ? q[2] : NULL, grid ? q[3] : NULL, random_whole(r), random_whole(r), random_whole(r), random_whole(r)};
    tsr_expression_begin(lanes, e, NULL, &queries);
    for (int k = 0; k < 4; k++) {
        const tsr_expression_key key = {random_whole(r), random_whole(r) - (k == 1), random_whole(r), random_whole(r)};
        float scores[64], before[64];
        for (int i = 0; i < 64; i++) before[i] = scores[i] = (float)oracle_normal(r);
        uint64_t bits = 0;
        if (mask)
            bits = tsr_expression_mask64(lanes, &key);
        else
            tsr_expression_score64(lanes, &key, scores);
        if (count < 64) assert_int_equal(bits >> (count & 63), 0);
        for (int i = 0; i < 64; i++) {
            const oracle_point at = {{queries.b, queries.h, queries.nq, queries.nk, q[0][i], grid ? q[1][i] : -1, grid ? q[2][i] : -1,
                                      grid ? q[3][i] : -1, key.kv, key.kt, key.kh, key.kw},
                                     before[i]};
            const oracle_value want = oracle_expression_value(o, o->root, &at);
            if (i >= count) {
                assert_true(scores[i] == before[i]);
            } else if (mask) {
                if ((bits >> i & 1) != (uint64_t)(want.whole != 0)) fail_msg("query %d of\n%s\nis %d", i, text, (int)(bits >> i & 1));
            } else {
                const float real = o->terms[o->root].type == 'w' ? (float)want.whole : want.real;
                if (!(scores[i] == real || (isnan(scores[i]) && isnan(real))))
                    fail_msg("query %d of\n%s\nis %.9g; expected %.9g", i, text, (double)scores[i], (double)real);
            }
        }
    }
    free(lanes);
    tsr_expression_destroy(e);
}

static void random_formulas(void **state)
{
    (void)state;
    const uint64_t seed = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)seed);
    oracle_rng r = oracle_seed(seed);
    const tsr_expression_desc desc = describe("", TSR_EXPRESSION_MASK);
    for (int round = 0; round < 5000; round++) {
        static char text[16384];
        const uint32_t which = oracle_below(&r, 4);
        const bool mask = which < 2;
        oracle_expression o = {.desc = &desc, .score = !mask};
        oracle_expression_make(&o, &r, "twrr"[which], 1 + (int)oracle_below(&r, 40), text, sizeof(text));
        assert_true(text[0]);
        check_random(&o, text, mask, &r);
    }
}

/* Any bytes: a program or an error with its place. What is a program runs. */
static tsr_status try_text(const char *text, size_t length)
{
    char *exact = malloc(length); /* so that a sanitizer sees reads past the end */
    assert_non_null(exact);
    memcpy(exact, text, length);
    tsr_expression_desc desc = describe(exact, TSR_EXPRESSION_MASK);
    desc.length = length;
    tsr_expression *e = NULL;
    const tsr_status status = tsr_expression_create(&desc, &e);
    if (status == TSR_OK) {
        tsr_expression_lanes *lanes = make_lanes(e);
        const int64_t q[2] = {3, INT64_MIN};
        tsr_expression_begin(lanes, e, NULL, &(tsr_expression_queries){.count = 2, .q = q, .nq = INT64_MAX});
        assert_true(tsr_expression_mask64(lanes, &(tsr_expression_key){.kv = -1}) < 4);
        free(lanes);
    } else {
        int line = 0, column = 0;
        assert_int_equal(status, TSR_ERROR_COMPILE);
        if (sscanf(tsr_last_error(), "line %d, column %d: found ", &line, &column) != 2 || line < 1 || column < 1 ||
            !strstr(tsr_last_error(), "; expected "))
            fail_msg("'%s'", tsr_last_error());
    }
    tsr_expression_destroy(e);
    free(exact);
    return status;
}

static const char valid[] = "near = abs(q - kv) <= window && h % 2 == 0; # by head\n"
                            "r = table[floor(q / 7), clamp(kv - 1, 0, 2)] * slope - 1.5e-1;\n"
                            "near || !(r > 0.25) ? vector[kv] == pow(2, qt) : -q < min(kt, 3)";

static void hostile(void **state)
{
    (void)state;
    enum { MANY = 60000 };
    const size_t length = strlen(valid);
    assert_int_equal(try_text(valid, length), TSR_OK);
    for (size_t n = 1; n < length; n++) try_text(valid, n);
    const uint64_t seed = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)seed);
    oracle_rng r = oracle_seed(seed);
    for (int round = 0; round < 20000; round++) {
        char text[sizeof(valid)];
        memcpy(text, valid, length);
        for (uint32_t i = 0; i <= oracle_below(&r, 4); i++) {
            const size_t at = oracle_below(&r, (uint32_t)length);
            text[at] = oracle_below(&r, 2) ? (char)oracle_next(&r) : valid[oracle_below(&r, (uint32_t)length)];
        }
        try_text(text, length);
    }
    static const struct {
        const char *unit, *tail;
        tsr_status status;
        const char *says;
    } repeated[] = {
        {"(", "", TSR_ERROR_COMPILE, "deeper nesting; expected at most 128 levels"},
        {"-", "q", TSR_ERROR_COMPILE, "deeper nesting"},
        {"!", "q", TSR_ERROR_COMPILE, "deeper nesting"},
        {"abs(", "q", TSR_ERROR_COMPILE, "deeper nesting"},
        {"vector[", "q", TSR_ERROR_COMPILE, "deeper nesting"},
        {"q ? q : ", "q", TSR_ERROR_COMPILE, "deeper nesting"},
        {"q ? ", "q", TSR_ERROR_COMPILE, "deeper nesting"},
        {"q + ", "q", TSR_ERROR_COMPILE, "more operations; expected at most 512"},
        {"q * ", "0", TSR_ERROR_COMPILE, "more operations"},
        {"max(q, kv) == min(q, kv) || ", "q", TSR_ERROR_COMPILE, "more operations"},
        {" ", "q", TSR_OK, NULL},
        {"#", "\nq", TSR_OK, NULL},
        {"1", "", TSR_ERROR_COMPILE, "below 2^63"},
        {"0", ".5", TSR_OK, NULL},
        {"9", ".5", TSR_ERROR_COMPILE, "range of fp32"},
        {"x", "", TSR_ERROR_COMPILE, "..."},
    };
    static char text[MANY + 16];
    for (size_t i = 0; i < sizeof(repeated) / sizeof(repeated[0]); i++) {
        size_t at = 0;
        while (at + strlen(repeated[i].unit) < MANY) at += (size_t)sprintf(text + at, "%s", repeated[i].unit);
        at += (size_t)sprintf(text + at, "%s", repeated[i].tail);
        const tsr_status status = try_text(text, at);
        if (status != repeated[i].status || (repeated[i].says && !strstr(tsr_last_error(), repeated[i].says)))
            fail_msg("%s...: %s, %s", repeated[i].unit, tsr_status_name(status), tsr_last_error());
    }
    assert_int_equal(try_text("q\0kv", 4), TSR_ERROR_COMPILE);
    assert_non_null(strstr(tsr_last_error(), "line 1, column 2: found byte 0x00"));
    size_t at = 0;
    for (int i = 0; i < 200; i++) at += (size_t)sprintf(text + at, "n%d = q;", i);
    at += (size_t)sprintf(text + at, "q");
    assert_int_equal(try_text(text, at), TSR_ERROR_COMPILE);
    assert_non_null(strstr(tsr_last_error(), "one more name; expected at most 128"));
    memset(text, ' ', sizeof(text));
    tsr_expression_desc desc = describe(text, TSR_EXPRESSION_MASK);
    desc.length = SIZE_MAX;
    refused(desc, "length is more than 65536");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(errors),  cmocka_unit_test(names), cmocka_unit_test(precedence),
                                       cmocka_unit_test(meaning), cmocka_unit_test(reads), cmocka_unit_test(random_formulas),
                                       cmocka_unit_test(hostile)};
    return cmocka_run_group_tests_name("expression", tests, NULL, NULL);
}
