/* Submissions under a time limit on a device whose clock is the test's: how long they are, that the device never runs dry, and what a
 * cancel leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "internal.h"
#include "oracle/oracle.h"

enum { UNITS = 6, LEAST = 4 * UNITS };
static const double limit = 0.05;

/* A workgroup of a kernel takes seconds * (1 + slope * its number), shared by all units, times up to spread by chance. */
struct bk_kernel {
    double seconds, slope, spread;
    uint32_t next; /* workgroup that has to come now */
};

struct bk_device {
    oracle_rng rng;
    double recorded, taken[1024]; /* of submissions, by number */
    uint64_t submitted, finished;
    uint32_t pieces, largest, smallest;
    uint64_t cancel_at; /* submission after which the device is cancelled; 0: none */
    tsr_device *dev;
    bool drains; /* the caller waits for all */
    uint32_t dry;
};

static tsr_status clock_dispatch(bk_device *dev, bk_kernel *kernel, const bk_binding *bindings, uint32_t first, uint32_t count)
{
    (void)bindings;
    assert_int_equal(first, kernel->next);
    kernel->next += count;
    const double rounds = ceil((double)count / UNITS) * UNITS; /* the last round has idle units */
    double sum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum += kernel->seconds * (1 + kernel->slope * (first + i)) * pow(kernel->spread, oracle_below(&dev->rng, 1 << 20) / (double)(1 << 20));
    dev->recorded += sum * rounds / count;
    dev->pieces++;
    if (count > dev->largest) dev->largest = count;
    if (count < dev->smallest) dev->smallest = count;
    return TSR_OK;
}

static tsr_status clock_submit(bk_device *dev, uint64_t *number)
{
    *number = ++dev->submitted;
    assert_true(dev->submitted < 1024);
    dev->taken[dev->submitted] = dev->recorded;
    dev->recorded = 0;
    if (dev->submitted == dev->cancel_at) tsr_device_cancel(dev->dev);
    return TSR_OK;
}

static tsr_status clock_finish(bk_device *dev, uint64_t number, double *seconds)
{
    assert_int_equal(number, dev->finished + 1);
    if (!dev->drains && dev->submitted < number + 1) dev->dry++;
    dev->finished = number;
    *seconds = dev->taken[number];
    return TSR_OK;
}

static void clock_drop(bk_device *dev) { dev->recorded = 0; }

static tsr_status clock_wait(bk_device *dev)
{
    assert_int_equal(dev->finished, dev->submitted);
    return TSR_OK;
}

static const tsr_backend clock_backend = {
    .name = "clock", .dispatch = clock_dispatch, .submit = clock_submit, .finish = clock_finish, .drop = clock_drop, .wait = clock_wait};

static void begin(tsr_device *dev, bk_device *bk)
{
    static uint64_t seed;
    if (!seed) seed = (uint64_t)time(NULL);
    const tsr_device_desc desc = {.submission_ms = (float)(limit * 1e3)};
    *bk = (bk_device){.rng = oracle_seed(seed++), .dev = dev, .smallest = UINT32_MAX};
    *dev = (tsr_device){.backend = &clock_backend, .bk = bk, .info = {.type = TSR_DEVICE_DISCRETE, .compute_units = UNITS}};
    assert_int_equal(tsr_queue_open(dev, &desc), TSR_OK);
}

static tsr_status run(tsr_device *dev, bk_kernel *kernel, uint32_t groups)
{
    const bk_binding none = {NULL, 0};
    kernel->next = 0;
    const tsr_status s = tsr_dispatch(dev, kernel, &none, 0, groups);
    if (s == TSR_OK) assert_int_equal(kernel->next, groups);
    return s;
}

static tsr_status wait_for(tsr_device *dev)
{
    dev->bk->drains = true;
    const tsr_status s = tsr_device_wait(dev);
    dev->bk->drains = false;
    return s;
}

static double longest(const bk_device *bk, uint64_t from)
{
    double most = 0;
    for (uint64_t i = from; i <= bk->submitted; i++) most = bk->taken[i] > most ? bk->taken[i] : most;
    return most;
}

static double sum(const bk_device *bk)
{
    double all = 0;
    for (uint64_t i = 1; i <= bk->submitted; i++) all += bk->taken[i];
    return all;
}

/* Two seconds of equal workgroups: no submission beyond the limit, few of them, and always another one under way. */
static void even(void **state)
{
    (void)state;
    tsr_device dev;
    bk_device bk;
    bk_kernel kernel = {.seconds = 1e-5, .spread = 1};
    begin(&dev, &bk);
    assert_int_equal(run(&dev, &kernel, 200000), TSR_OK);
    assert_int_equal(wait_for(&dev), TSR_OK);
    assert_int_equal(bk.taken[1] < 1e-5 * (LEAST + UNITS), 1); /* nothing was known */
    assert_true(longest(&bk, 1) <= limit * 1.05);
    assert_true(bk.submitted <= sum(&bk) / limit * 1.1 + 16);
    assert_int_equal(bk.dry, 0);
    tsr_device_stats stats;
    assert_int_equal(tsr_device_get_stats(&dev, &stats), TSR_OK);
    assert_true(fabs(stats.longest - longest(&bk, 1)) < 1e-9 && fabs(stats.seconds - sum(&bk)) < 1e-6);
    assert_int_equal(stats.submissions, bk.submitted);
    assert_int_equal(stats.pieces, bk.pieces);
    assert_int_equal(stats.dispatches, 1);
    tsr_queue_close(&dev);
}

/* Workgroups that grow with their number, as rows of a causal attention do, and by chance up to thirtyfold. */
static void uneven(void **state)
{
    (void)state;
    for (int random = 0; random < 2; random++) {
        tsr_device dev;
        bk_device bk;
        bk_kernel kernel = {.seconds = 1e-7, .slope = random ? 0 : 1, .spread = random ? 30 : 1};
        begin(&dev, &bk);
        assert_int_equal(run(&dev, &kernel, random ? 3000000 : 6000), TSR_OK);
        assert_int_equal(wait_for(&dev), TSR_OK);
        if (longest(&bk, 1) > limit * (random ? 1.5 : 3)) fail_msg("%g s", longest(&bk, 1));
        assert_true(bk.submitted > 8);
        assert_int_equal(bk.dry, 0);
        tsr_queue_close(&dev);
    }
}

/* Workgroups beyond the limit: pieces that fill the device, none smaller, as those would take as long. */
static void heavy(void **state)
{
    (void)state;
    tsr_device dev;
    bk_device bk;
    bk_kernel kernel = {.seconds = 0.3, .spread = 1};
    begin(&dev, &bk);
    assert_int_equal(run(&dev, &kernel, 20 * LEAST), TSR_OK);
    assert_int_equal(wait_for(&dev), TSR_OK);
    assert_int_equal(bk.smallest, LEAST);
    assert_int_equal(bk.largest, LEAST);
    tsr_queue_close(&dev);
}

/* Many short kernels, again and again: once they are known, they are gathered and none is cut. */
static void many(void **state)
{
    (void)state;
    enum { KERNELS = 40, ROUNDS = 30 };
    tsr_device dev;
    bk_device bk;
    bk_kernel kernels[KERNELS];
    begin(&dev, &bk);
    for (int i = 0; i < KERNELS; i++) kernels[i] = (bk_kernel){.seconds = 1e-8 * (i + 1), .spread = 1};
    uint64_t at = 0;
    for (int round = 0; round < ROUNDS; round++) {
        if (round == ROUNDS - 1) at = bk.submitted, bk.pieces = 0;
        for (int i = 0; i < KERNELS; i++) assert_int_equal(run(&dev, &kernels[i], (uint32_t)(50 + 97 * i)), TSR_OK);
    }
    assert_int_equal(bk.pieces, KERNELS);
    assert_true(bk.submitted - at <= KERNELS / TSR_BATCH + 2);
    assert_int_equal(wait_for(&dev), TSR_OK);
    assert_true(longest(&bk, 1) <= limit * 1.05);
    tsr_queue_close(&dev);
}

/* A short kernel beside one whose time is not known: only the new one is learnt from the submission that both are in. */
static void stranger(void **state)
{
    (void)state;
    tsr_device dev;
    bk_device bk;
    bk_kernel known = {.seconds = 1e-6, .spread = 1}, slow = {.seconds = 5e-3, .spread = 1};
    begin(&dev, &bk);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(run(&dev, &known, 100 * UNITS), TSR_OK);
        assert_int_equal(wait_for(&dev), TSR_OK);
    }
    assert_int_equal(run(&dev, &known, 100 * UNITS), TSR_OK);
    assert_int_equal(run(&dev, &slow, UNITS), TSR_OK);
    assert_int_equal(wait_for(&dev), TSR_OK);
    const uint32_t before = bk.pieces;
    assert_int_equal(run(&dev, &known, 100 * UNITS), TSR_OK);
    assert_int_equal(bk.pieces - before, 1);
    assert_int_equal(wait_for(&dev), TSR_OK);
    tsr_queue_close(&dev);
}

/* Parameters in memory that was freed and came back: the kernel is a stranger again. */
static void forgotten(void **state)
{
    (void)state;
    tsr_device dev;
    bk_device bk;
    bk_kernel kernel = {.seconds = 1e-8, .spread = 1};
    const bk_binding params = {(bk_buffer *)(uintptr_t)4096, 256};
    begin(&dev, &bk);
    assert_int_equal(tsr_dispatch(&dev, &kernel, &params, 0, 1000000), TSR_OK);
    assert_int_equal(wait_for(&dev), TSR_OK);
    tsr_queue_forget(&dev, params.buffer);
    kernel.seconds = 1e-4;
    kernel.next = 0;
    const uint64_t at = bk.submitted + 1;
    assert_int_equal(tsr_dispatch(&dev, &kernel, &params, 0, 20000), TSR_OK);
    assert_int_equal(wait_for(&dev), TSR_OK);
    assert_true(longest(&bk, at) <= limit * 1.05);
    tsr_queue_close(&dev);
}

/* A cancel in the middle: nothing more is submitted, and the wait that reports it makes the device as new. */
static void cancel(void **state)
{
    (void)state;
    tsr_device dev;
    bk_device bk;
    bk_kernel kernel = {.seconds = 1e-5, .spread = 1};
    begin(&dev, &bk);
    bk.cancel_at = 5;
    assert_int_equal(run(&dev, &kernel, 200000), TSR_ERROR_CANCELLED);
    assert_non_null(strstr(tsr_last_error(), "tsr_device_wait"));
    assert_int_equal(run(&dev, &kernel, 1), TSR_ERROR_CANCELLED);
    assert_int_equal(bk.submitted, 5);
    assert_int_equal(wait_for(&dev), TSR_ERROR_CANCELLED);
    assert_int_equal(bk.submitted, 5);
    assert_int_equal(bk.finished, 5);
    assert_int_equal(wait_for(&dev), TSR_OK);
    assert_int_equal(run(&dev, &kernel, 1000), TSR_OK);
    assert_int_equal(wait_for(&dev), TSR_OK);
    assert_true(bk.submitted > 5);
    tsr_device_cancel(&dev); /* with nothing to stop: kept */
    assert_int_equal(run(&dev, &kernel, 1), TSR_ERROR_CANCELLED);
    assert_int_equal(wait_for(&dev), TSR_ERROR_CANCELLED);
    assert_int_equal(run(&dev, &kernel, 1), TSR_OK);
    tsr_queue_close(&dev);
}

/* The description and the environment. */
static void limits(void **state)
{
    (void)state;
    static const struct {
        const char *environment;
        float submission, patience;
        tsr_device_type type;
        double limit;
        bool wrong;
    } cases[] = {
        {NULL, 0, 0, TSR_DEVICE_DISCRETE, 0.05, false},
        {NULL, 0, 0, TSR_DEVICE_INTEGRATED, 0.05, false},
        {NULL, 0, 0, TSR_DEVICE_CPU, INFINITY, false},
        {NULL, INFINITY, 0, TSR_DEVICE_DISCRETE, INFINITY, false},
        {NULL, 2, 0, TSR_DEVICE_CPU, 0.002, false},
        {"5", 0, 0, TSR_DEVICE_CPU, 0.005, false},
        {"5", 2, 0, TSR_DEVICE_CPU, 0.002, false},
        {"none", 0, 0, TSR_DEVICE_DISCRETE, INFINITY, false},
        {"", 0, 0, TSR_DEVICE_DISCRETE, 0.05, false},
        {"5ms", 0, 0, TSR_DEVICE_DISCRETE, 0, true},
        {"-1", 0, 0, TSR_DEVICE_DISCRETE, 0, true},
        {NULL, -1, 0, TSR_DEVICE_DISCRETE, 0, true},
        {NULL, NAN, 0, TSR_DEVICE_DISCRETE, 0, true},
        {NULL, 0, -3, TSR_DEVICE_DISCRETE, 0, true},
        {NULL, 0, INFINITY, TSR_DEVICE_INTEGRATED, 0.05, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const tsr_device_desc desc = {.submission_ms = cases[i].submission, .patience_ms = cases[i].patience};
        bk_device bk = {0};
        tsr_device dev = {.backend = &clock_backend, .bk = &bk, .info.type = cases[i].type};
        if (cases[i].environment)
            setenv("TESSERA_SUBMISSION_MS", cases[i].environment, 1);
        else
            unsetenv("TESSERA_SUBMISSION_MS");
        const tsr_status s = tsr_queue_open(&dev, &desc);
        assert_int_equal(s, cases[i].wrong ? TSR_ERROR_ARGUMENT : TSR_OK);
        if (!cases[i].wrong) assert_true(dev.queue.pace.limit == cases[i].limit || fabs(dev.queue.pace.limit - cases[i].limit) < 1e-6);
        tsr_queue_close(&dev);
    }
    unsetenv("TESSERA_SUBMISSION_MS");
}

int main(void)
{
    unsetenv("TESSERA_SUBMISSION_MS");
    const struct CMUnitTest tests[] = {cmocka_unit_test(even),     cmocka_unit_test(uneven),    cmocka_unit_test(heavy),  cmocka_unit_test(many),
                                       cmocka_unit_test(stranger), cmocka_unit_test(forgotten), cmocka_unit_test(cancel), cmocka_unit_test(limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
