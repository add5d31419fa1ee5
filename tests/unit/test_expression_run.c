/* What expressions mean: precedence, arithmetic, functions, random formulas against a plain evaluation, and kernel texts. */
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

#include "expression.h"
#include "oracle/expression.h"

static tsr_expression *create(const char *text, tsr_expression_kind kind)
{
    const tsr_expression_desc desc = describe(text, kind);
    tsr_expression *e = NULL;
    if (tsr_expression_create(&desc, &e) != TSR_OK) fail_msg("'%s': %s", text, tsr_last_error());
    return e;
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
    return which == 0 ? oracle_below(r, 1 << 28) : which < 5 ? oracle_below(r, 12) : oracle_below(r, 3000);
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

static void accuracy(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double (*function)(double);
        float low, high;
    } table[] = {{"exp(score)", exp, -87, 88},
                 {"tanh(score)", tanh, -12, 12},
                 {"tanh(score)", tanh, -0.01f, 0.01f},
                 {"log(score)", log, 1e-30f, 1e30f},
                 {"sqrt(score)", sqrt, 0, 1e4f}};
    for (size_t t = 0; t < sizeof(table) / sizeof(table[0]); t++) {
        tsr_expression *e = create(table[t].text, TSR_EXPRESSION_SCORE);
        tsr_expression_lanes *lanes = make_lanes(e);
        for (int round = 0; round < 1000; round++) {
            const int64_t q[64] = {0};
            float x[64], y[64];
            for (int i = 0; i < 64; i++) y[i] = x[i] = table[t].low + (table[t].high - table[t].low) * (float)(64 * round + i) / 64000;
            tsr_expression_begin(lanes, e, NULL, &(tsr_expression_queries){.count = 64, .q = q});
            tsr_expression_score64(lanes, &(tsr_expression_key){0}, y);
            for (int i = 0; i < 64; i++) {
                const double want = table[t].function((double)x[i]);
                if (!(fabs((double)y[i] - want) <= 2e-7 * fabs(want)))
                    fail_msg("%s of %.9g is %.9g; expected %.9g", table[t].text, (double)x[i], (double)y[i], want);
            }
        }
        free(lanes);
        tsr_expression_destroy(e);
    }
}

static char *kernel_text(const char *text, float first, int64_t extent, const char *name)
{
    const tsr_named_scalar one[] = {{name, first}};
    const tsr_named_tensor two = {"t", 2, {extent, 2}, table_data};
    const tsr_expression_desc desc = {
        .text = text, .kind = TSR_EXPRESSION_SCORE, .scalars = one, .scalar_count = 1, .tensors = &two, .tensor_count = 1};
    tsr_expression *e = NULL;
    if (tsr_expression_create(&desc, &e) != TSR_OK) fail_msg("'%s': %s", text, tsr_last_error());
    char *out = tsr_expression_kernel_text(e);
    tsr_expression_destroy(e);
    assert_non_null(out);
    return out;
}

/* One kernel serves all expressions that differ in names and numbers alone, and no other. */
static void kernel_texts(void **state)
{
    (void)state;
    char *const text = kernel_text("score * a + t[h, 1] - 2", 1.0f, 2, "a");
    const struct {
        const char *text, *name;
        float value;
        int64_t extent;
        bool same;
    } others[] = {{"score * a + t[h, 1] - 2", "a", 3.0f, 2, true},
                  {"score * a + t[h, 1] - 2", "a", 1.0f, 3, true},
                  {" (score*(b2)) + t[h,1]-2 # as above", "b2", NAN, 1, true},
                  {"unused = q * 3;\nscore * a + t[h, 1] - 2", "a", 1.0f, 2, true},
                  {"score * a + t[h, 1] - 3", "a", 1.0f, 2, false},
                  {"score * a + t[b, 1] - 2", "a", 1.0f, 2, false},
                  {"score + a * t[h, 1] - 2", "a", 1.0f, 2, false},
                  {"score * a + t[h, 1] - 2.0", "a", 1.0f, 2, false}};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        char *const other = kernel_text(others[i].text, others[i].value, others[i].extent, others[i].name);
        if ((strcmp(text, other) == 0) != others[i].same) fail_msg("'%s':\n%s\nbeside\n%s", others[i].text, other, text);
        free(other);
    }
    free(text);
    /* What fits 32 bits is computed so, and nothing else. */
    char *const narrow = kernel_text("(q + nk - nq - kv) % 100 + abs(qt - kt) * 3", 0, 1, "a"), *const wide = kernel_text("q * kv % 7", 0, 1, "a");
    assert_null(strstr(narrow, "i64"));
    assert_non_null(strstr(wide, "user_mul(I64("));
    free(narrow);
    free(wide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(precedence), cmocka_unit_test(meaning),         cmocka_unit_test(accuracy),
                                       cmocka_unit_test(reads),      cmocka_unit_test(random_formulas), cmocka_unit_test(kernel_texts)};
    return cmocka_run_group_tests_name("expression_run", tests, NULL, NULL);
}
