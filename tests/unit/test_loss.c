/* Devices that are lost: at every submission of a small run, in every way that a driver has. Each later call says so, all that the device
 * has can be destroyed, and another device of the same context, or of a new one, does the work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "internal.h"
#include "loss.h"
#include "oracle/oracle.h"

enum { HEADS = 3, TOKENS = 61, DIM = 24, COUNT = HEADS * TOKENS * DIM };

typedef struct run {
    tsr_context *ctx;
    tsr_device *dev;
    tsr_attention *att;
    tsr_buffer *buf;
} run;

static float data[3 * COUNT], wanted[COUNT];
static const char *selector;
static bool required;

static tsr_status open_run(run *r)
{
    const tsr_layout l = {.shape = {1, HEADS, TOKENS, DIM}};
    const tsr_attention_desc desc = {.q = l, .k = l, .v = l, .o = l, .splits = 2};
    const tsr_device_desc how = {.submission_ms = 0.05f, .patience_ms = 60000}; /* drivers compile when work first runs */
    tsr_status s = tsr_device_open(r->ctx, selector, &how, &r->dev);
    if (s == TSR_OK) s = tsr_attention_prepare(r->dev, &desc, &r->att);
    if (s == TSR_OK) s = tsr_buffer_create(r->dev, sizeof(data) + sizeof(wanted), &r->buf);
    return s;
}

static void close_run(run *r)
{
    tsr_attention_destroy(r->att);
    tsr_buffer_destroy(r->buf);
    tsr_device_destroy(r->dev);
    *r = (run){.ctx = r->ctx};
}

static tsr_status attend(run *r, float *o)
{
    const tsr_attention_args args = {.q = {r->buf, 0}, .k = {r->buf, sizeof(wanted)}, .v = {r->buf, 2 * sizeof(wanted)}, .o = {r->buf, sizeof(data)}};
    for (int i = 0; i < COUNT; i++) o[i] = NAN;
    tsr_status s = tsr_buffer_write(r->buf, 0, data, sizeof(data));
    if (s == TSR_OK) s = tsr_buffer_write(r->buf, sizeof(data), o, sizeof(wanted));
    if (s == TSR_OK) s = tsr_attention_run(r->att, &args);
    if (s == TSR_OK) s = tsr_device_wait(r->dev);
    if (s == TSR_OK) s = tsr_buffer_read(r->buf, sizeof(data), o, sizeof(wanted));
    return s;
}

static struct {
    tsr_backend faulty;
    const tsr_backend *real;
    int left;
} backend;

static tsr_status faulty_submit(bk_device *dev, uint64_t *number)
{
    if (backend.left-- <= 0) return tsr_fail(TSR_ERROR_DEVICE_LOST, "the test's device stopped answering");
    return backend.real->submit(dev, number);
}

static bool arm(tsr_device *dev, loss_way way, int at)
{
    if (way != LOSS_BACKEND) {
#ifdef TSR_WITH_VULKAN
        if (loss_arm_vulkan(dev, way, at)) return true;
#endif
#ifdef TSR_WITH_OPENCL
        if (loss_arm_opencl(dev, way, at)) return true;
#endif
        return false;
    }
    backend.real = dev->backend;
    backend.faulty = *dev->backend;
    backend.faulty.submit = faulty_submit;
    backend.left = at;
    dev->backend = &backend.faulty;
    return true;
}

static void says_lost(tsr_status s, const char *call)
{
    if (s != TSR_ERROR_DEVICE_LOST || !strstr(tsr_last_error(), "lost") || !strstr(tsr_last_error(), "stopped answering"))
        fail_msg("%s on a lost device: %s", call, s == TSR_OK ? "worked" : tsr_last_error());
}

static void every_call(run *r)
{
    const tsr_layout l = {.shape = {1, 1, 3, 7}};
    const tsr_attention_desc desc = {.q = l, .k = l, .v = l, .o = l};
    tsr_buffer *buf = NULL;
    tsr_attention *att = NULL;
    float o[COUNT];
    says_lost(tsr_device_wait(r->dev), "tsr_device_wait");
    says_lost(tsr_buffer_create(r->dev, 4, &buf), "tsr_buffer_create");
    says_lost(tsr_buffer_write(r->buf, 0, data, 4), "tsr_buffer_write");
    says_lost(tsr_buffer_read(r->buf, 0, o, 4), "tsr_buffer_read");
    says_lost(tsr_attention_prepare(r->dev, &desc, &att), "tsr_attention_prepare");
    const tsr_attention_args args = {.q = {r->buf, 0}, .k = {r->buf, 0}, .v = {r->buf, 0}, .o = {r->buf, sizeof(data)}};
    says_lost(tsr_attention_run(r->att, &args), "tsr_attention_run");
    tsr_device_cancel(r->dev);
    says_lost(tsr_device_wait(r->dev), "tsr_device_wait, cancelled");
    assert_null(buf);
    assert_null(att);
}

static void right(run *r)
{
    float o[COUNT];
    if (attend(r, o) != TSR_OK) fail_msg("%s", tsr_last_error());
    assert_memory_equal(o, wanted, sizeof(wanted));
}

static tsr_context *new_context(void)
{
    tsr_context *ctx = NULL;
    assert_int_equal(tsr_context_create(NULL, &ctx), TSR_OK);
    return ctx;
}

/* Loses the device at each submission, until there are no more of them in the run. */
static void lose(loss_way way)
{
    enum { MOST = 200 };
    run r = {.ctx = new_context()};
    int at = 0;
    for (bool over = false; !over && at < MOST; at++) {
        float o[COUNT];
        if (open_run(&r) != TSR_OK) fail_msg("%s", tsr_last_error());
        if (!arm(r.dev, way, at)) break;
        const tsr_status s = attend(&r, o);
        if (s == TSR_OK) {
            assert_memory_equal(o, wanted, sizeof(wanted));
            over = true;
        } else {
            assert_int_equal(s, TSR_ERROR_DEVICE_LOST);
            every_call(&r);
        }
        if (way == LOSS_SILENCE && at % 4 == 1) { /* the next device while this one is still there */
            run other = {.ctx = r.ctx};
            if (open_run(&other) != TSR_OK) fail_msg("%s", tsr_last_error());
            right(&other);
            close_run(&other);
        }
        close_run(&r);
        if (at % 5 == 4) { /* the context goes too */
            tsr_context_destroy(r.ctx);
            r.ctx = new_context();
        }
    }
    assert_true(at < MOST);
    if (at == 0) print_message("%s has no such way to fail\n", selector);
    if (at > 0) assert_true(at > 2);
    close_run(&r);
    if (open_run(&r) != TSR_OK) fail_msg("%s", tsr_last_error());
    right(&r);
    close_run(&r);
    tsr_context_destroy(r.ctx);
}

static void lose_by_backend(void **state) { (void)state, lose(LOSS_BACKEND); }
static void lose_by_submission(void **state) { (void)state, lose(LOSS_SUBMIT); }
static void lose_by_wait(void **state) { (void)state, lose(LOSS_WAIT); }
static void lose_by_silence(void **state) { (void)state, lose(LOSS_SILENCE); }

int main(int argc, char **argv)
{
    static const char *const all[] = {"host", "vulkan", "opencl"};
    const struct CMUnitTest tests[] = {cmocka_unit_test(lose_by_backend), cmocka_unit_test(lose_by_submission), cmocka_unit_test(lose_by_wait),
                                       cmocka_unit_test(lose_by_silence)};
    oracle_rng rng = oracle_seed(73);
    for (int i = 0; i < 3 * COUNT; i++) data[i] = (float)oracle_normal(&rng);
    required = TEST_REQUIRE;
    int failed = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (argc > 1 && strcmp(argv[1], all[i]) != 0) continue;
        selector = all[i];
        run r = {.ctx = new_context()};
        tsr_status s = open_run(&r);
        if (s == TSR_OK) s = attend(&r, wanted);
        if (s == TSR_OK)
            failed += _cmocka_run_group_tests(selector, tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
        else
            failed += required || s != TSR_ERROR_NO_DEVICE;
        if (s != TSR_OK) print_message("%s: %s\n", selector, tsr_last_error());
        close_run(&r);
        tsr_context_destroy(r.ctx);
    }
    return failed;
}
