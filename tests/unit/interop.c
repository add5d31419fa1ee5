/* One attention within an application's buffer, and its oracle. */
#include "interop.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "oracle/oracle.h"

static const tsr_attention_desc desc = {.q = {.shape = {1, HEADS, NQ, DIM}},
                                        .k = {.shape = {1, HEADS, NK, DIM}},
                                        .v = {.shape = {1, HEADS, NK, DIM}},
                                        .o = {.shape = {1, HEADS, NQ, DIM}},
                                        .scale = 0.2f};
static const tsr_layout q_layout = {.shape = {1, HEADS, NQ, DIM}, .stride = {Q, NQ *DIM, DIM, 1}};
static const tsr_layout k_layout = {.shape = {1, HEADS, NK, DIM}, .stride = {K, NK *DIM, DIM, 1}};

float interop_image[TOTAL];
static double wanted[Q];

int interop_setup(void **state)
{
    (void)state;
    static double lse[HEADS * NQ];
    const uint64_t seed = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)seed);
    oracle_rng r = oracle_seed(seed);
    for (int i = 0; i < TOTAL; i++) interop_image[i] = (float)oracle_normal(&r);
    for (int i = 0; i < Q; i++) interop_image[OUT_AT + i] = NAN;
    float *q = interop_image + IN_AT;
    const tsr_attention_desc packed = {.q = q_layout, .k = k_layout, .v = k_layout, .o = q_layout, .scale = desc.scale};
    const oracle_attention_inputs in = {.q = {q_layout, q}, .k = {k_layout, q + Q}, .v = {k_layout, q + Q + K}};
    oracle_attention(&packed, &in, wanted, lse);
    return 0;
}

void interop_attend(tsr_device *dev, tsr_buffer *in, tsr_buffer *out)
{
    const tsr_attention_args args = {.q = {in, 0}, .k = {in, sizeof(float) * Q}, .v = {in, sizeof(float) * (Q + K)}, .o = {out, 0}};
    tsr_attention *att = NULL;
    if (tsr_attention_prepare(dev, &desc, &att) != TSR_OK || tsr_attention_run(att, &args) != TSR_OK || tsr_device_wait(dev) != TSR_OK)
        fail_msg("%s", tsr_last_error());
    tsr_attention_destroy(att);
}

void interop_check(const float *got)
{
    static double o[Q];
    for (int i = 0; i < Q; i++) o[i] = got[OUT_AT + i];
    const double error = oracle_error(o, wanted, Q);
    if (!(error < 2e-6)) fail_msg("error %g; expected at most 2e-6", error);
    assert_memory_equal(got, interop_image, sizeof(float) * OUT_AT);
    assert_memory_equal(got + OUT_AT + Q, interop_image + OUT_AT + Q, sizeof(float) * GUARD);
}

void interop_refused(tsr_status status, tsr_status want, const char *says)
{
    if (status != want || !strstr(tsr_last_error(), says))
        fail_msg("%s, '%s'; expected %s with '%s'", tsr_status_name(status), tsr_last_error(), tsr_status_name(want), says);
}

tsr_device *interop_host(tsr_context *ctx)
{
    tsr_device *host = NULL;
    assert_int_equal(tsr_device_open(ctx, "host", NULL, &host), TSR_OK);
    return host;
}
