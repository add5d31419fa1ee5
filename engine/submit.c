/* The one way of the engine's kernels to the device: cut and gathered into submissions of a limited time, between which work can
 * be cancelled. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

tsr_status tsr_queue_note(tsr_device *dev, tsr_status status)
{
    tsr_queue *q = &dev->queue;
    if (status != TSR_ERROR_DEVICE_LOST || q->lost) return status;
    q->lost = true;
    snprintf(q->lost_text, sizeof(q->lost_text), "%s", tsr_last_error());
    return status;
}

/* Recorded work is not submitted any more. */
static void drop(tsr_device *dev)
{
    if (dev->queue.now.count > 0 && dev->backend->drop) dev->backend->drop(dev->bk);
    dev->queue.now.count = 0;
    dev->queue.now.expected = 0;
}

tsr_status tsr_queue_ready(tsr_device *dev, bool work)
{
    tsr_queue *q = &dev->queue;
    if (q->lost) return tsr_fail(TSR_ERROR_DEVICE_LOST, "%s is lost, all that it has can only be destroyed; %s", dev->info.id, q->lost_text);
    if (!work || !atomic_load_explicit(&q->cancelled, memory_order_relaxed)) return TSR_OK;
    drop(dev);
    return tsr_fail(TSR_ERROR_CANCELLED, "%s: tsr_device_cancel was called; expected tsr_device_wait before more work", dev->info.id);
}

/* The oldest submission under way is waited for, and learnt from. */
static tsr_status finish_oldest(tsr_device *dev)
{
    tsr_queue *q = &dev->queue;
    double seconds = -1;
    const tsr_status s = tsr_queue_note(dev, dev->backend->finish(dev->bk, q->flight[0].number, &seconds));
    const double now = tsr_now(), from = q->flight[0].at > q->finished ? q->flight[0].at : q->finished;
    q->finished = now;
    if (s == TSR_OK) {
        if (seconds < 0) seconds = now - from;
        tsr_pace_learn(&q->pace, &q->flight[0], seconds);
        q->stats.seconds += seconds;
        if (seconds > q->stats.longest) q->stats.longest = seconds;
    }
    q->in_flight--;
    memmove(&q->flight[0], &q->flight[1], q->in_flight * sizeof(q->flight[0]));
    return s;
}

static tsr_status submit(tsr_device *dev)
{
    tsr_queue *q = &dev->queue;
    tsr_status s = TSR_OK;
    if (q->now.count == 0) return TSR_OK;
    while (q->in_flight == TSR_IN_FLIGHT && s == TSR_OK) s = finish_oldest(dev);
    if (s == TSR_OK) s = tsr_queue_ready(dev, true);
    if (s != TSR_OK) return s;
    uint64_t number = 0;
    s = tsr_queue_note(dev, dev->backend->submit(dev->bk, &number));
    if (s == TSR_OK && number > 0) {
        q->stats.submissions++;
        q->now.number = number;
        q->now.at = tsr_now();
        if (q->pace.rates) q->flight[q->in_flight++] = q->now;
    }
    q->now.count = 0;
    q->now.expected = 0;
    return s;
}

tsr_status tsr_dispatch(tsr_device *dev, bk_kernel *kernel, const bk_binding *bindings, uint32_t first, uint32_t count)
{
    tsr_queue *q = &dev->queue;
    const tsr_pace_key key = {kernel, bindings[0].buffer, bindings[0].offset};
    tsr_status s = tsr_queue_ready(dev, true);
    if (s == TSR_OK && count > 0) q->stats.dispatches++;
    while (count > 0 && s == TSR_OK) {
        const uint32_t groups = tsr_pace_fit(&q->pace, &q->now, &key, count);
        if (groups == 0) {
            s = submit(dev);
            continue;
        }
        tsr_pace_add(&q->pace, &q->now, &key, groups);
        q->stats.pieces++;
        s = tsr_queue_note(dev, dev->backend->dispatch(dev->bk, kernel, bindings, first, groups));
        first += groups;
        count -= groups;
        if (s == TSR_OK && tsr_pace_full(&q->pace, &q->now)) s = submit(dev);
        if (s == TSR_OK) s = tsr_queue_ready(dev, true); /* may have changed meanwhile: hosts run the piece at once */
    }
    return s;
}

/* What is under way is waited for, also where work was cancelled. */
static tsr_status finish_all(tsr_device *dev)
{
    tsr_queue *q = &dev->queue;
    tsr_status s = TSR_OK;
    while (q->in_flight > 0 && s == TSR_OK) s = finish_oldest(dev);
    q->in_flight = 0;
    return s == TSR_OK ? tsr_queue_note(dev, dev->backend->wait(dev->bk)) : s;
}

tsr_status tsr_drain(tsr_device *dev)
{
    tsr_status s = tsr_queue_ready(dev, true);
    if (s == TSR_OK) s = submit(dev);
    if (s == TSR_OK) s = finish_all(dev);
    return s;
}

tsr_status tsr_device_wait(tsr_device *dev)
{
    if (!dev) return tsr_fail(TSR_ERROR_ARGUMENT, "argument dev is NULL");
    tsr_status s = tsr_drain(dev);
    if (s != TSR_OK && s != TSR_ERROR_CANCELLED) return s;
    if (s == TSR_ERROR_CANCELLED) s = finish_all(dev);
    if (!atomic_exchange(&dev->queue.cancelled, false) || s != TSR_OK) return s;
    return tsr_fail(TSR_ERROR_CANCELLED, "%s: tsr_device_cancel was called; what was not yet submitted is undone", dev->info.id);
}

void tsr_device_cancel(tsr_device *dev)
{
    if (dev) atomic_store(&dev->queue.cancelled, true);
}

tsr_status tsr_device_get_stats(const tsr_device *dev, tsr_device_stats *out)
{
    if (!dev || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", dev ? "out" : "dev");
    *out = dev->queue.stats;
    return TSR_OK;
}

void tsr_queue_forget(tsr_device *dev, const bk_buffer *buf)
{
    if (atomic_load_explicit(&dev->queue.cancelled, memory_order_relaxed)) drop(dev);
    tsr_pace_forget(&dev->queue.pace, buf);
}

/* Milliseconds as 0 (the default), a number or INFINITY, to seconds. */
static tsr_status read_limit(const char *name, float given, double otherwise, double *out)
{
    if (!(given >= 0))
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is %g; expected milliseconds, 0 (the default) or INFINITY (none)", name, given);
    *out = given > 0 ? given * 1e-3 : otherwise;
    return TSR_OK;
}

static tsr_status environment(float *out)
{
    const char *text = getenv("TESSERA_SUBMISSION_MS");
    char *end = NULL;
    if (!text || !text[0] || *out != 0) return TSR_OK;
    *out = strcmp(text, "none") == 0 ? INFINITY : strtof(text, &end);
    return !end || (end != text && !*end && *out >= 0)
               ? TSR_OK
               : tsr_fail(TSR_ERROR_ARGUMENT, "the environment's TESSERA_SUBMISSION_MS is '%s'; expected milliseconds or none", text);
}

tsr_status tsr_queue_open(tsr_device *dev, const tsr_device_desc *desc)
{
    tsr_queue *q = &dev->queue;
    const bool cpu = dev->info.type == TSR_DEVICE_CPU;
    float submission = desc ? desc->submission_ms : 0;
    bk_limits limits = {.cancelled = &q->cancelled};
    tsr_status s = environment(&submission);
    if (s == TSR_OK) s = read_limit("submission_ms", submission, cpu ? (double)INFINITY : 0.05, &q->pace.limit);
    limits.timed = isfinite(q->pace.limit);
    /* A processor may be away from us for as long as it likes: only who asks hears of it. */
    if (s == TSR_OK) s = read_limit("patience_ms", desc ? desc->patience_ms : 0, cpu ? (double)INFINITY : 10 + q->pace.limit, &limits.patience);
    if (s != TSR_OK) return s;
    const uint32_t units = dev->info.compute_units ? dev->info.compute_units : 16;
    q->pace.least = cpu ? units : 4 * units; /* a GPU hides latency behind several workgroups */
    if (limits.timed && !(q->pace.rates = calloc(TSR_RATES, sizeof(*q->pace.rates))))
        return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the rates of %d kernels", (int)TSR_RATES);
    if (dev->backend->limit) return dev->backend->limit(dev->bk, &limits);
    return TSR_OK;
}

void tsr_queue_close(tsr_device *dev)
{
    drop(dev);
    if (!dev->queue.lost) finish_all(dev);
    free(dev->queue.pace.rates);
}
