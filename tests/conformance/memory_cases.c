/* Device memory: copies at odd places, large buffers, the caller's budget. */
#include <stdlib.h>
#include <string.h>

#include "suite.h"

static suite_verdict copies(const suite_case *c, suite_run_context *run)
{
    (void)c;
    enum { SIZE = 100003 };
    tsr_buffer *buf = NULL;
    unsigned char *sent = malloc(SIZE), *back = malloc(SIZE);
    oracle_rng r = oracle_seed(run->seed);
    suite_verdict v = SUITE_PASS;
    tsr_status s = sent && back ? tsr_buffer_create(run->dev, SIZE, &buf) : TSR_ERROR_HOST_MEMORY;
    for (int i = 0; sent && i < SIZE; i++) sent[i] = (unsigned char)oracle_next(&r);
    if (s == TSR_OK) s = tsr_buffer_write(buf, 0, sent, SIZE);
    for (int round = 0; round < 32 && s == TSR_OK && v == SUITE_PASS; round++) {
        const uint32_t at = oracle_below(&r, SIZE), n = oracle_below(&r, SIZE - at) + 1;
        for (uint32_t i = 0; i < n; i++) sent[at + i] = (unsigned char)oracle_next(&r);
        s = tsr_buffer_write(buf, at, sent + at, n);
        memset(back, 0xee, SIZE);
        if (s == TSR_OK) s = tsr_buffer_read(buf, 0, back, SIZE);
        if (s == TSR_OK && memcmp(sent, back, SIZE) != 0) v = suite_say(run, SUITE_FAIL, "%u bytes written at %u came back different", n, at);
    }
    if (s != TSR_OK) v = suite_error(run, s, "copying");
    tsr_buffer_destroy(buf);
    free(sent);
    free(back);
    return v;
}

/* Larger than the 128 MiB that some drivers allow a storage buffer's range. */
static suite_verdict large(const suite_case *c, suite_run_context *run)
{
    (void)c;
    const uint64_t size = (uint64_t)200 << 20, places[] = {0, 12345, (uint64_t)134217727, size - 8};
    if (tsr_device_info_of(run->dev)->max_buffer < size) return suite_say(run, SUITE_UNSUPPORTED, "one buffer holds less than 200 MiB");
    tsr_buffer *buf = NULL;
    tsr_status s = tsr_buffer_create(run->dev, size, &buf);
    suite_verdict v = SUITE_PASS;
    for (int i = 0; i < 4 && s == TSR_OK; i++) {
        const uint64_t value = run->seed * 977 + (uint64_t)i + 1;
        s = tsr_buffer_write(buf, places[i], &value, 8);
    }
    for (int i = 0; i < 4 && s == TSR_OK; i++) {
        uint64_t value = 0;
        s = tsr_buffer_read(buf, places[i], &value, 8);
        if (s == TSR_OK && value != run->seed * 977 + (uint64_t)i + 1)
            v = suite_say(run, SUITE_FAIL, "byte %llu came back different", (unsigned long long)places[i]);
    }
    if (s != TSR_OK) v = suite_error(run, s, "a buffer of 200 MiB");
    tsr_buffer_destroy(buf);
    return v;
}

static suite_verdict bounds(const suite_case *c, suite_run_context *run)
{
    (void)c;
    tsr_buffer *buf = NULL, *empty = NULL;
    char byte = 0;
    tsr_status s = tsr_buffer_create(run->dev, 100, &buf);
    if (s == TSR_OK) s = tsr_buffer_create(run->dev, 0, &empty);
    suite_verdict v = s == TSR_OK ? SUITE_PASS : suite_error(run, s, "small buffers");
    if (v == SUITE_PASS &&
        (tsr_buffer_write(buf, 100, &byte, 1) != TSR_ERROR_ARGUMENT || tsr_buffer_read(buf, UINT64_MAX, &byte, 1) != TSR_ERROR_ARGUMENT))
        v = suite_say(run, SUITE_FAIL, "a copy beyond the end was not refused");
    tsr_buffer *huge = NULL;
    if (v == SUITE_PASS &&
        (tsr_buffer_create(run->dev, UINT64_MAX / 2, &huge) != TSR_ERROR_DEVICE_MEMORY || huge || !strstr(tsr_last_error(), "needed")))
        v = suite_say(run, SUITE_FAIL, "2^63 bytes: expected a clean refusal, got '%s'", tsr_last_error());
    tsr_buffer_destroy(empty);
    tsr_buffer_destroy(buf);
    return v;
}

static suite_verdict budget(const suite_case *c, suite_run_context *run)
{
    (void)c;
    const tsr_device_desc desc = {.memory_budget = 1000};
    tsr_device *dev = NULL;
    tsr_buffer *a = NULL, *b = NULL;
    tsr_status s = tsr_device_open(run->ctx, tsr_device_info_of(run->dev)->id, &desc, &dev);
    if (s == TSR_OK) s = tsr_buffer_create(dev, 600, &a);
    suite_verdict v = s == TSR_OK ? SUITE_PASS : suite_error(run, s, "within the budget");
    if (v == SUITE_PASS &&
        (tsr_buffer_create(dev, 401, &b) != TSR_ERROR_DEVICE_MEMORY || !strstr(tsr_last_error(), "401") || !strstr(tsr_last_error(), "400")))
        v = suite_say(run, SUITE_FAIL, "401 bytes with 400 left: got '%s'", tsr_last_error());
    tsr_buffer_destroy(a);
    if (v == SUITE_PASS && tsr_buffer_create(dev, 1000, &b) != TSR_OK)
        v = suite_say(run, SUITE_FAIL, "freed memory does not count again: %s", tsr_last_error());
    tsr_buffer_destroy(b);
    tsr_device_destroy(dev);
    return v;
}

int suite_add_memory(suite *s)
{
    return suite_add(s, "memory/copies", copies, NULL, 0) && suite_add(s, "memory/large-buffer", large, NULL, 0) &&
           suite_add(s, "memory/bounds", bounds, NULL, 0) && suite_add(s, "memory/budget", budget, NULL, 0);
}
