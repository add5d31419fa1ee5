/* SPIR-V with fp16 as one with bf16: what is exchanged, what is refused, and that no damaged module is read past its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "catalogue.h"
#include "oracle/oracle.h"
#include "vulkan/internal.h"

#define OP(length, op) ((uint32_t)(length) << 16 | (op))
enum { ROOM = 256, BOUND = 40 };

/* Ids of the module that the tests append to. */
enum { HALF = 1, PAIR, SINGLE, MATRIX, HALF_0, SCOPE, ROWS, USE, SINGLE_1, WORD, FIRST_FREE };

typedef struct module {
    uint32_t words[ROOM];
    size_t count;
} module;

static void append(module *m, const uint32_t *words, size_t count)
{
    assert_true(m->count + count <= ROOM);
    memcpy(m->words + m->count, words, count * sizeof(*words));
    m->count += count;
}
#define APPEND(m, ...) append(m, (const uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static const uint32_t header[] = {0x07230203, 0x00010500, 0, BOUND, 0};
static const uint32_t memory_model[] = {OP(3, 14), 5348, 3};

/* Types of floats, the second with an encoding in what is expected, and constants. */
static void append_types(module *m, bool exchanged)
{
    if (exchanged) {
        APPEND(m, OP(4, 22), HALF, 16, 0);
    } else {
        APPEND(m, OP(3, 22), HALF, 16);
    }
    APPEND(m, OP(4, 23), PAIR, HALF, 2);                          /* OpTypeVector */
    APPEND(m, OP(3, 22), SINGLE, 32);                             /* OpTypeFloat */
    APPEND(m, OP(7, 4456), MATRIX, HALF, SCOPE, ROWS, ROWS, USE); /* OpTypeCooperativeMatrixKHR */
    APPEND(m, OP(4, 43), HALF, HALF_0, 0);                        /* OpConstant */
    APPEND(m, OP(4, 43), SINGLE, SINGLE_1, 0x3f800000);
}

static module with_types(void)
{
    module m = {.count = 0};
    append(&m, header, 5);
    APPEND(&m, OP(2, 17), 1, OP(2, 17), 9, OP(2, 17), 6022); /* OpCapability Shader, Float16, CooperativeMatrixKHR */
    append(&m, memory_model, 3);
    append_types(&m, false);
    return m;
}

/* SPV_KHR_bfloat16 in words. */
static const uint32_t extension[] = {OP(6, 10), 0x5f565053, 0x5f52484b, 0x6f6c6662, 0x36317461, 0};

static void test_exchange(void **state)
{
    (void)state;
    const module m = with_types();
    module want = {.count = 0};
    append(&want, header, 5);
    APPEND(&want, OP(2, 17), 1, OP(2, 17), 6022, OP(2, 17), 5116, OP(2, 17), 5118);
    append(&want, extension, 6);
    append(&want, memory_model, 3);
    append_types(&want, true);
    uint32_t *out = NULL;
    size_t count = 0;
    assert_int_equal(vk_bfloat("test", m.words, m.count, &out, &count), TSR_OK);
    assert_int_equal(count, want.count);
    assert_memory_equal(out, want.words, count * sizeof(*out));
    free(out);
}

static void expect(const module *m, tsr_status want, const char *what)
{
    uint32_t *out = NULL;
    size_t count = 0;
    const tsr_status is = vk_bfloat("test", m->words, m->count, &out, &count);
    if (is != want) fail_msg("%s: status %d; expected %d", what, (int)is, (int)want);
    assert_true((is == TSR_OK) == (out != NULL) && (is == TSR_OK) == (count != 0));
    free(out);
}

typedef struct instruction {
    const char *what;
    uint32_t words[8];
} instruction;

enum { X = FIRST_FREE, Y, Z, V, M };

/* Behind values X of HALF, V of PAIR, M of MATRIX and Z of SINGLE. */
static void each(const instruction *all, size_t count, tsr_status want)
{
    for (size_t i = 0; i < count; i++) {
        module m = with_types();
        APPEND(&m, OP(4, 115), HALF, X, SINGLE_1); /* OpFConvert */
        APPEND(&m, OP(4, 124), PAIR, V, WORD);     /* OpBitcast */
        APPEND(&m, OP(4, 61), MATRIX, M, WORD);    /* OpLoad */
        APPEND(&m, OP(4, 115), SINGLE, Z, X);
        append(&m, all[i].words, all[i].words[0] >> 16);
        expect(&m, want, all[i].what);
    }
}
#define EACH(all, want) each(all, sizeof(all) / sizeof((all)[0]), want)

static void test_moves(void **state)
{
    static const instruction all[] = {{"zero", {OP(4, 43), HALF, Y, 0}},
                                      {"other constants", {OP(4, 43), SINGLE, Y, 0x3f000000}},
                                      {"composite", {OP(5, 80), PAIR, Y, X, X}},
                                      {"extract", {OP(5, 81), HALF, Y, V, 1}},
                                      {"to fp32", {OP(4, 115), SINGLE, Y, X}},
                                      {"bits", {OP(4, 124), WORD, Y, V}},
                                      {"select", {OP(6, 169), HALF, Y, WORD, X, HALF_0}},
                                      {"phi", {OP(7, 245), HALF, Y, X, 20, HALF_0, 21}},
                                      {"store", {OP(3, 62), WORD, X}},
                                      {"product", {OP(6, 4459), SINGLE, Y, M, M, Z}},
                                      {"arithmetic of fp32", {OP(5, 129), SINGLE, Y, Z, SINGLE_1}},
                                      {"exponential of fp32", {OP(6, 12), SINGLE, Y, 30, X, Z}}, /* X: the number of a function */
                                      {"shuffle of words", {OP(6, 345), WORD, Y, SCOPE, WORD, WORD}},
                                      {"a type's name", {OP(3, 5), HALF, 0x66}},
                                      {"a type's decoration", {OP(3, 71), HALF, Z}}};
    (void)state;
    EACH(all, TSR_OK);
}

static void test_arithmetic(void **state)
{
    static const instruction all[] = {{"half of fp16", {OP(4, 43), HALF, Y, 0x3800}},
                                      {"specialised", {OP(4, 50), HALF, Y, 0x3c00}},
                                      {"made of constants", {OP(5, 52), HALF, Y, 115, SINGLE_1}},
                                      {"sum", {OP(5, 129), HALF, Y, X, HALF_0}},
                                      {"sum of vectors", {OP(5, 129), PAIR, Y, V, V}},
                                      {"negated matrix", {OP(4, 127), MATRIX, Y, M}},
                                      {"scaled matrix", {OP(5, 143), MATRIX, Y, M, X}},
                                      {"comparison", {OP(5, 184), WORD, Y, X, HALF_0}},
                                      {"is NaN", {OP(4, 156), WORD, Y, X}},
                                      {"exponential", {OP(6, 12), HALF, Y, 30, 27, X}},
                                      {"packed", {OP(6, 12), WORD, Y, 30, 58, V}},
                                      {"shuffle", {OP(6, 345), HALF, Y, SCOPE, X, WORD}}};
    (void)state;
    EACH(all, TSR_ERROR_INTERNAL);
}

static void test_damaged(void **state)
{
    (void)state;
    module m = with_types();
    m.words[0] = 0x03022307;
    expect(&m, TSR_ERROR_INTERNAL, "other order of bytes");
    m = with_types();
    m.words[3] = UINT32_MAX;
    expect(&m, TSR_ERROR_INTERNAL, "endless ids");
    m = with_types();
    m.words[3] = HALF;
    expect(&m, TSR_ERROR_INTERNAL, "too low a bound");
    m = with_types();
    APPEND(&m, 0);
    expect(&m, TSR_ERROR_INTERNAL, "an instruction of no words");
    m = with_types();
    APPEND(&m, OP(0xffff, 80), PAIR, X);
    expect(&m, TSR_ERROR_INTERNAL, "an instruction past the end");
    for (m.count = 0; m.count < 5; m.count++) expect(&m, TSR_ERROR_INTERNAL, "no whole header");
}

/* Random words, most of them sensible instructions, in memory that ends with them. */
static void test_random(void **state)
{
    static const uint32_t ops[] = {5, 10, 12, 17, 22, 23, 43, 50, 52, 61, 71, 80, 115, 124, 129, 169, 184, 245, 345, 4456, 4459};
    oracle_rng rng = oracle_seed(20261122);
    (void)state;
    for (int round = 0; round < 20000; round++) {
        const size_t count = 5 + oracle_next(&rng) % 60;
        uint32_t *words = malloc(count * sizeof(*words)), *out = NULL;
        size_t out_count = 0;
        assert_non_null(words);
        memcpy(words, header, 5 * sizeof(*words));
        for (size_t i = 5; i < count; i++)
            words[i] = oracle_next(&rng) % 3 == 0 ? OP(oracle_next(&rng) % 7 + (oracle_next(&rng) % 16 != 0), ops[oracle_next(&rng) % 21])
                                                  : (uint32_t)(oracle_next(&rng) % (BOUND + 8));
        if (vk_bfloat("random", words, count, &out, &out_count) == TSR_OK) assert_true(out_count <= count + count / 3 + 10);
        free(words);
        free(out);
    }
}

/* Every kernel for matrices of bf16 can be exchanged. */
static void test_kernels(void **state)
{
    static const char *const names[] = {"flash", "layout", "flash_reduced"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        const bk_kernel_source *source = tsr_kernel_matrix_source(names[i], TSR_BF16);
        uint32_t *out = NULL;
        size_t count = 0, narrow = 0;
        assert_non_null(source);
        if (!source->spirv) continue; /* glslang knows no matrices */
        if (vk_bfloat(names[i], source->spirv, source->spirv_size / 4, &out, &count) != TSR_OK) fail_msg("%s: %s", names[i], tsr_last_error());
        for (size_t at = 5; at < count; at += out[at] >> 16) {
            assert_false(out[at] == OP(2, 17) && out[at + 1] == 9);
            assert_false(out[at] == OP(3, 22) && out[at + 2] == 16);
            narrow += out[at] == OP(4, 22) && out[at + 2] == 16 && out[at + 3] == 0;
        }
        assert_int_equal(narrow, 1);
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_exchange), cmocka_unit_test(test_moves),  cmocka_unit_test(test_arithmetic),
                                       cmocka_unit_test(test_damaged),  cmocka_unit_test(test_random), cmocka_unit_test(test_kernels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
