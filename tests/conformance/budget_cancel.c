/* Work that is cancelled: before, during and after a run, from another thread, within a decoder; and the device afterwards. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "budget.h"
#include "decode.h"

enum { HEADS = 3, DIM = 64 };

/* An attention of n queries and keys that can be run again and again. */
typedef struct work {
    tsr_device *dev;
    tsr_attention *att;
    tsr_buffer *buf;
    tsr_attention_args args;
    size_t bytes; /* of each tensor */
} work;

static void work_close(work *w)
{
    tsr_attention_destroy(w->att);
    tsr_buffer_destroy(w->buf);
    w->att = NULL;
    w->buf = NULL;
}

static tsr_status work_open(work *w, int64_t n, uint64_t seed)
{
    const tsr_layout l = {.shape = {1, HEADS, n, DIM}};
    const tsr_attention_desc desc = {.q = l, .k = l, .v = l, .o = l};
    oracle_rng rng = oracle_seed(seed);
    w->bytes = (size_t)(HEADS * n * DIM) * sizeof(float);
    float *x = malloc(3 * w->bytes);
    for (size_t i = 0; x && i < 3 * w->bytes / sizeof(float); i++) x[i] = (float)oracle_normal(&rng);
    tsr_status s = x ? tsr_buffer_create(w->dev, 4 * w->bytes, &w->buf) : TSR_ERROR_HOST_MEMORY;
    if (s == TSR_OK) s = tsr_buffer_write(w->buf, 0, x, 3 * w->bytes);
    free(x);
    if (s == TSR_OK) s = tsr_attention_prepare(w->dev, &desc, &w->att);
    w->args = (tsr_attention_args){.q = {w->buf, 0}, .k = {w->buf, w->bytes}, .v = {w->buf, 2 * w->bytes}, .o = {w->buf, 3 * w->bytes}};
    return s;
}

/* A run into poison; its output, where there is room for it. */
static tsr_status work_run(work *w, float *o)
{
    float *nan = malloc(w->bytes);
    for (size_t i = 0; nan && i < w->bytes / sizeof(float); i++) nan[i] = NAN;
    tsr_status s = nan ? tsr_buffer_write(w->buf, 3 * w->bytes, nan, w->bytes) : TSR_ERROR_HOST_MEMORY;
    free(nan);
    if (s == TSR_OK) s = tsr_attention_run(w->att, &w->args);
    if (s == TSR_OK) s = tsr_device_wait(w->dev);
    if (s == TSR_OK && o) s = tsr_buffer_read(w->buf, 3 * w->bytes, o, w->bytes);
    return s;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t pieces(const work *w)
{
    tsr_device_stats stats = {0};
    tsr_device_get_stats(w->dev, &stats);
    return stats.pieces;
}

typedef struct canceller {
    tsr_device *dev;
    double after; /* seconds */
} canceller;

static void *cancel_later(void *user)
{
    const canceller *c = user;
    const struct timespec pause = {.tv_sec = (time_t)c->after, .tv_nsec = (long)((c->after - floor(c->after)) * 1e9)};
    nanosleep(&pause, NULL);
    tsr_device_cancel(c->dev);
    return NULL;
}

/* One run that another thread cancels. *left: pieces of work that were not begun. */
static suite_verdict cancel_once(work *w, double after, uint64_t all, uint64_t *left, suite_run_context *run)
{
    pthread_t thread;
    canceller c = {w->dev, after};
    const uint64_t before = pieces(w);
    if (pthread_create(&thread, NULL, cancel_later, &c) != 0) return suite_say(run, SUITE_FAIL, "no thread");
    tsr_status s = tsr_attention_run(w->att, &w->args);
    pthread_join(thread, NULL);
    const uint64_t done = pieces(w) - before;
    *left = done < all ? all - done : 0;
    if (s != TSR_OK && s != TSR_ERROR_CANCELLED) return suite_error(run, s, "a run that is cancelled");
    if ((s = tsr_device_wait(w->dev)) != TSR_ERROR_CANCELLED)
        return suite_say(run, SUITE_FAIL, "the wait after a cancel: %s", s == TSR_OK ? "worked" : tsr_last_error());
    return (s = tsr_device_wait(w->dev)) == TSR_OK ? SUITE_PASS : suite_error(run, s, "the second wait");
}

/* Long enough a run to be met in the middle of; the number of its pieces, with all rates known. */
static tsr_status work_open_long(work *w, uint64_t seed, double *seconds, uint64_t *all)
{
    enum { FIRST = 384, MOST = 1 << 14 };
    tsr_status s = TSR_OK;
    *seconds = 0;
    for (int64_t n = FIRST; s == TSR_OK && *seconds < 0.3 && n < MOST; n = n * 3 / 2) {
        work_close(w);
        s = work_open(w, n, seed);
        for (int i = 0; i < 3 && s == TSR_OK; i++) { /* the last one counts */
            const uint64_t before = pieces(w);
            const double start = now();
            s = work_run(w, NULL);
            *seconds = now() - start;
            *all = pieces(w) - before;
        }
    }
    return s;
}

static suite_verdict run_thread(const suite_case *c, suite_run_context *run)
{
    (void)c;
    enum { TRIES = 8 };
    work w = {0};
    double seconds = 0;
    uint64_t all = 0, left = 0;
    float *before = NULL, *after = NULL;
    tsr_status s = budget_open(run, 2.0f, &w.dev);
    if (s == TSR_OK) s = work_open_long(&w, run->seed, &seconds, &all);
    if (s == TSR_OK && (!(before = malloc(w.bytes)) || !(after = malloc(w.bytes)))) s = TSR_ERROR_HOST_MEMORY;
    if (s == TSR_OK) s = work_run(&w, before);
    suite_verdict v = s == TSR_OK ? SUITE_PASS : suite_error(run, s, "a run to its end");
    int tries = 0;
    /* Threads start when the system lets them: what counts is that one of them came in time. */
    for (; tries < TRIES && v == SUITE_PASS && left < all / 4 + 1; tries++) v = cancel_once(&w, seconds / 8, all, &left, run);
    if (v == SUITE_PASS && left < all / 4 + 1)
        v = suite_say(run, SUITE_FAIL, "of %llu pieces all but %llu were run", (unsigned long long)all, (unsigned long long)left);
    if (v == SUITE_PASS && (s = work_run(&w, after)) != TSR_OK) v = suite_error(run, s, "the run after a cancel");
    if (v == SUITE_PASS && memcmp(before, after, w.bytes) != 0) v = suite_say(run, SUITE_FAIL, "after a cancel a run gives other bits");
    if (v == SUITE_PASS) v = suite_say(run, SUITE_PASS, "%llu of %llu pieces left out", (unsigned long long)left, (unsigned long long)all);
    free(before);
    free(after);
    work_close(&w);
    tsr_device_destroy(w.dev);
    return v;
}

/* Was the call answered as it has to be? */
static bool answers(suite_run_context *run, suite_verdict *v, const char *what, tsr_status status, tsr_status wanted)
{
    if (*v == SUITE_PASS && status != wanted)
        *v = suite_say(run, SUITE_FAIL, "%s: %s; expected %s", what, status == TSR_OK ? "worked" : tsr_last_error(), tsr_status_name(wanted));
    return *v == SUITE_PASS;
}

static suite_verdict run_order(const suite_case *c, suite_run_context *run)
{
    (void)c;
    work w = {0};
    tsr_attention *late = NULL;
    const tsr_layout l = {.shape = {1, 1, 3, 5}};
    const tsr_attention_desc desc = {.q = l, .k = l, .v = l, .o = l};
    suite_verdict v = SUITE_PASS;
    tsr_status s = budget_open(run, 1.0f, &w.dev);
    if (s == TSR_OK) s = work_open(&w, 67, run->seed);
    float *first = s == TSR_OK ? malloc(w.bytes) : NULL, *again = s == TSR_OK ? malloc(w.bytes) : NULL;
    if (s == TSR_OK && first && again) s = work_run(&w, first);
    if (s != TSR_OK || !first || !again) v = suite_error(run, s, "the first run");
    tsr_device_cancel(w.dev);
    tsr_device_cancel(w.dev);
    answers(run, &v, "a run after a cancel", v == SUITE_PASS ? tsr_attention_run(w.att, &w.args) : s, TSR_ERROR_CANCELLED);
    answers(run, &v, "a write after a cancel", v == SUITE_PASS ? tsr_buffer_write(w.buf, 0, first, 4) : s, TSR_ERROR_CANCELLED);
    answers(run, &v, "a read after a cancel", v == SUITE_PASS ? tsr_buffer_read(w.buf, 0, again, 4) : s, TSR_ERROR_CANCELLED);
    answers(run, &v, "a preparation after a cancel", v == SUITE_PASS ? tsr_attention_prepare(w.dev, &desc, &late) : s, TSR_ERROR_CANCELLED);
    answers(run, &v, "the wait after a cancel", v == SUITE_PASS ? tsr_device_wait(w.dev) : s, TSR_ERROR_CANCELLED);
    answers(run, &v, "the second wait", v == SUITE_PASS ? tsr_device_wait(w.dev) : s, TSR_OK);
    for (int after = 0; after < 2 && v == SUITE_PASS; after++) { /* cancelled with work enqueued, then with none */
        answers(run, &v, "a run", tsr_attention_run(w.att, &w.args), TSR_OK);
        if (after) answers(run, &v, "a wait", tsr_device_wait(w.dev), TSR_OK);
        tsr_device_cancel(w.dev);
        answers(run, &v, "a read", tsr_buffer_read(w.buf, 0, again, 4), TSR_ERROR_CANCELLED);
        answers(run, &v, "a wait", tsr_device_wait(w.dev), TSR_ERROR_CANCELLED);
        answers(run, &v, "another run", work_run(&w, again), TSR_OK);
        if (v == SUITE_PASS && memcmp(first, again, w.bytes) != 0) v = suite_say(run, SUITE_FAIL, "after a cancel a run gives other bits");
    }
    if (v == SUITE_PASS) {
        answers(run, &v, "a run", tsr_attention_run(w.att, &w.args), TSR_OK);
        tsr_device_cancel(w.dev); /* and closed so */
    }
    free(first);
    free(again);
    tsr_attention_destroy(late);
    work_close(&w);
    tsr_device_destroy(w.dev);
    return v;
}

typedef struct decode_calls {
    tsr_device *dev;
    int count;
} decode_calls;

static int cancel_at_third(void *user, double share)
{
    (void)share;
    decode_calls *calls = user;
    if (++calls->count == 3) tsr_device_cancel(calls->dev);
    return 0;
}

static suite_verdict run_decode(const suite_case *c, suite_run_context *run)
{
    (void)c;
    suite_run_context own = *run;
    decode_bench b;
    decode_out out = {0};
    const tsr_status s = budget_open(run, 1.0f, &own.dev);
    if (s != TSR_OK) return suite_error(run, s, "opening the device");
    decode_calls calls = {.dev = own.dev};
    suite_verdict v = decode_bench_open(&b, &decode_taehv_forms[0], TSR_PRECISION_F32, &own);
    const tsr_clip clip = {.latents = b.latents};
    if (v == SUITE_PASS && !decode_out_new(&out, &b.want)) v = suite_say(run, SUITE_FAIL, "no memory");
    if (v == SUITE_PASS) {
        tsr_decoder_set_progress(b.dec, cancel_at_third, &calls);
        answers(run, &v, "a decode that is cancelled", decode_all(b.dec, &b.in, clip, &out), TSR_ERROR_CANCELLED);
        answers(run, &v, "a start before the wait", decode_start(b.dec, &b.in, clip), TSR_ERROR_CANCELLED);
        answers(run, &v, "the wait", tsr_device_wait(own.dev), TSR_ERROR_CANCELLED);
        if (v == SUITE_PASS) answers(run, &v, "another decode", decode_all(b.dec, &b.in, clip, &out), TSR_OK);
        if (v == SUITE_PASS) v = decode_compare(&out, &b.want, 2e-5, run);
    }
    free(out.x);
    decode_bench_close(&b);
    tsr_device_destroy(own.dev);
    return v;
}

int suite_add_cancel(suite *s)
{
    return suite_add(s, "budget/cancel/thread", run_thread, NULL, 0) && suite_add(s, "budget/cancel/order", run_order, NULL, 0) &&
           suite_add(s, "budget/cancel/decode", run_decode, NULL, 0);
}
