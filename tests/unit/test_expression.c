/* Texts of expressions: errors with their places, names, and hostile texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "expression.h"
#include "oracle/oracle.h"

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
    const struct CMUnitTest tests[] = {cmocka_unit_test(errors), cmocka_unit_test(names), cmocka_unit_test(hostile)};
    return cmocka_run_group_tests_name("expression", tests, NULL, NULL);
}
