/* The reference itself: storage types, and that the suite's tolerances see a wrong tile or mask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "oracle/oracle.h"

/* Every finite 16-bit value survives a round trip, and the middle between two goes to the even one. */
static void test_storage(void **state)
{
    (void)state;
    const tsr_dtype types[] = {TSR_F16, TSR_BF16};
    for (int t = 0; t < 2; t++) {
        for (uint32_t h = 0; h < 65535; h++) {
            uint16_t in[2] = {(uint16_t)h, (uint16_t)(h + 1)}, out = 0xdead;
            const double x = oracle_load(types[t], in, 0), y = oracle_load(types[t], in, 1);
            if (!isfinite(x)) continue;
            oracle_store(types[t], &out, 0, x);
            assert_int_equal(out, h);
            if (!isfinite(y) || signbit(x) != signbit(y)) continue;
            oracle_store(types[t], &out, 0, (x + y) / 2);
            assert_int_equal(out, h & 1 ? h + 1 : h);
        }
    }
}

enum { N = 130, M = 200, D = 16 };

typedef struct problem {
    float q[N * D], k[M * D], v[M * D];
    tsr_attention_desc desc;
    oracle_attention_inputs in;
} problem;

static void make(problem *p)
{
    oracle_rng r = oracle_seed(3);
    for (int i = 0; i < N * D; i++) p->q[i] = (float)oracle_normal(&r);
    for (int i = 0; i < M * D; i++) p->k[i] = (float)oracle_normal(&r), p->v[i] = (float)oracle_normal(&r);
    const tsr_layout q = {.shape = {1, 1, N, D}, .stride = {N * D, N * D, D, 1}}, k = {.shape = {1, 1, M, D}, .stride = {M * D, M * D, D, 1}};
    p->desc = (tsr_attention_desc){.q = q, .k = k, .v = k, .o = q, .band = {1, TSR_ALIGN_BOTTOM_RIGHT, TSR_UNBOUNDED, 0}};
    p->in = (oracle_attention_inputs){.q = {q, p->q}, .k = {k, p->k}, .v = {k, p->v}};
}

/* A mask shifted by one, and a tile of keys left out, must each exceed the loosest tolerance, 8e-3. */
static void test_mutations(void **state)
{
    (void)state;
    static problem p;
    static double right[N * D], wrong[N * D], lse[N];
    make(&p);
    oracle_attention(&p.desc, &p.in, right, lse);
    p.desc.band.right = 1;
    oracle_attention(&p.desc, &p.in, wrong, lse);
    assert_true(oracle_error(wrong, right, N * D) > 8e-3);
    p.desc.band.right = 0;
    memset(p.k + 64 * D, 0, 64 * D * sizeof(float));
    memset(p.v + 64 * D, 0, 64 * D * sizeof(float));
    oracle_attention(&p.desc, &p.in, wrong, lse);
    assert_true(oracle_error(wrong, right, N * D) > 8e-3);
}

/* Plain fp32 agrees to fp32's precision: two codes, one formula. */
static void test_plain(void **state)
{
    (void)state;
    static problem p;
    static double exact[N * D], plain[N * D], lse[N];
    make(&p);
    oracle_attention(&p.desc, &p.in, exact, lse);
    oracle_plain(&p.desc, &p.in, plain);
    assert_true(oracle_error(plain, exact, N * D) < 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_storage), cmocka_unit_test(test_mutations), cmocka_unit_test(test_plain)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
