/* Good plans with bad arguments, devices that are not there, budgets too small: refused, and nothing written. */
#include <stdlib.h>
#include <string.h>

#include "suite.h"

enum { BYTES = 65536, ROOM = 8192 }; /* of the one buffer; between the tensors in it */

typedef struct fixture {
    tsr_device *other; /* the same device, opened a second time */
    tsr_attention *plan;
    tsr_buffer *big, *small, *foreign;
    unsigned char sent[BYTES], back[BYTES];
} fixture;

static const tsr_attention_desc desc = {.q = {.shape = {1, 4, 5, 16}},
                                        .k = {.shape = {1, 2, 7, 16}},
                                        .v = {.shape = {1, 2, 7, 8}},
                                        .o = {.shape = {1, 4, 5, 8}},
                                        .lse = {.shape = {1, 4, 5, 1}}};

static tsr_status set_up(fixture *f, suite_run_context *run)
{
    oracle_rng r = oracle_seed(run->seed);
    for (int i = 0; i < BYTES; i++) f->sent[i] = (unsigned char)(oracle_next(&r) >> 56);
    tsr_status s = tsr_device_open(run->ctx, tsr_device_info_of(run->dev)->id, NULL, &f->other);
    if (s == TSR_OK) s = tsr_attention_prepare(run->dev, &desc, &f->plan);
    if (s == TSR_OK) s = tsr_buffer_create(run->dev, BYTES, &f->big);
    if (s == TSR_OK) s = tsr_buffer_create(run->dev, 100, &f->small);
    if (s == TSR_OK) s = tsr_buffer_create(f->other, BYTES, &f->foreign);
    if (s == TSR_OK) s = tsr_buffer_write(f->big, 0, f->sent, BYTES);
    return s;
}

static void tear_down(fixture *f)
{
    if (!f) return;
    tsr_attention_destroy(f->plan);
    tsr_buffer_destroy(f->big);
    tsr_buffer_destroy(f->small);
    tsr_buffer_destroy(f->foreign);
    tsr_device_destroy(f->other);
    free(f);
}

enum { ATTEMPTS = 13 };

/* Fills in bad arguments, and what the text of each refusal must say. */
static void make_attempts(const fixture *f, const tsr_attention_args *fine, tsr_attention_args args[ATTEMPTS], const char *says[ATTEMPTS][2])
{
    static const char *const texts[ATTEMPTS][2] = {{"k.buffer is NULL", "expected a buffer"},
                                                   {"argument v needs 448 bytes from offset 16384", "its buffer has 100"},
                                                   {"argument q needs 1280 bytes from offset 64260", "its buffer has 65536"},
                                                   {"argument q needs 1280 bytes from offset 18446744073709551612", "65536"},
                                                   {"q.offset is 2", "multiple of 4"},
                                                   {"o overlaps k", "outputs apart"},
                                                   {"o overlaps lse", "outputs apart"},
                                                   {"argument bias has a buffer", "expected none"},
                                                   {"argument lse.buffer is NULL", "expected a buffer"},
                                                   {"argument q.buffer", "another device"},
                                                   {"first_tile is 1000000", "tiles"},
                                                   {"tile_count 18446744073709551615", "tiles"},
                                                   {"argument skipped has a buffer", "expected none"}};
    for (int i = 0; i < ATTEMPTS; i++) {
        args[i] = *fine;
        says[i][0] = texts[i][0];
        says[i][1] = texts[i][1];
    }
    args[0].k.buffer = NULL;
    args[1].v.buffer = f->small;
    args[2].q.offset = BYTES - 1276;
    args[3].q.offset = UINT64_MAX - 3;
    args[4].q.offset = 2;
    args[5].o.offset = fine->k.offset + 4;
    args[6].lse.offset = fine->o.offset;
    args[7].bias.buffer = f->big;
    args[8].lse.buffer = NULL;
    args[9].q.buffer = f->foreign;
    args[10].first_tile = 1000000;
    args[11].tile_count = UINT64_MAX;
    args[12].skipped.buffer = f->big;
}

static suite_verdict refuse_all(fixture *f, suite_run_context *run)
{
    const tsr_attention_args fine = {
        .q = {f->big, 0}, .k = {f->big, ROOM}, .v = {f->big, 2 * ROOM}, .o = {f->big, 3 * ROOM}, .lse = {f->big, 4 * ROOM}};
    tsr_attention_args args[ATTEMPTS];
    const char *says[ATTEMPTS][2];
    make_attempts(f, &fine, args, says);
    for (int i = 0; i < ATTEMPTS; i++) {
        const tsr_status s = tsr_attention_run(f->plan, &args[i]);
        if (s != TSR_ERROR_ARGUMENT || !strstr(tsr_last_error(), says[i][0]) || !strstr(tsr_last_error(), says[i][1]))
            return suite_say(run, SUITE_FAIL, "mistake %d: %s, '%s'; expected '%s' and '%s'", i, tsr_status_name(s), tsr_last_error(), says[i][0],
                             says[i][1]);
    }
    tsr_status s = tsr_buffer_read(f->big, 0, f->back, BYTES);
    if (s != TSR_OK) return suite_error(run, s, "reading back");
    if (memcmp(f->sent, f->back, BYTES) != 0) return suite_say(run, SUITE_FAIL, "a refused call wrote to a buffer");
    if ((s = tsr_attention_run(f->plan, &fine)) != TSR_OK) return suite_error(run, s, "good arguments after bad ones");
    if ((s = tsr_buffer_read(f->big, 0, f->back, BYTES)) != TSR_OK) return suite_error(run, s, "reading back");
    return memcmp(f->sent, f->back, BYTES) != 0 ? SUITE_PASS : suite_say(run, SUITE_FAIL, "good arguments after bad ones wrote nothing");
}

static suite_verdict bad_arguments(const suite_case *c, suite_run_context *run)
{
    (void)c;
    fixture *f = calloc(1, sizeof(*f));
    const tsr_status s = f ? set_up(f, run) : TSR_ERROR_HOST_MEMORY;
    const suite_verdict v = s == TSR_OK ? refuse_all(f, run) : suite_error(run, s, "preparing");
    tear_down(f);
    return v;
}

static suite_verdict null_arguments(const suite_case *c, suite_run_context *run)
{
    (void)c;
    tsr_attention *plan = NULL;
    tsr_device *dev = NULL;
    tsr_buffer *buf = NULL;
    const tsr_status statuses[] = {tsr_attention_prepare(NULL, &desc, &plan),
                                   tsr_attention_prepare(run->dev, NULL, &plan),
                                   tsr_attention_prepare(run->dev, &desc, NULL),
                                   tsr_attention_run(NULL, NULL),
                                   tsr_attention_get_info(NULL, NULL),
                                   tsr_device_open(NULL, "host", NULL, &dev),
                                   tsr_buffer_create(NULL, 4, &buf),
                                   tsr_device_wait(NULL)};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i] != TSR_ERROR_ARGUMENT)
            return suite_say(run, SUITE_FAIL, "call %zu with NULL: %s; expected argument", i, tsr_status_name(statuses[i]));
    tsr_attention_destroy(NULL);
    tsr_buffer_destroy(NULL);
    return strstr(tsr_last_error(), "NULL") ? SUITE_PASS : suite_say(run, SUITE_FAIL, "the text is '%s'; expected NULL in it", tsr_last_error());
}

/* The text must list every device that is there. */
static suite_verdict no_device(const suite_case *c, suite_run_context *run)
{
    (void)c;
    static const char *const absent[] = {"host:no such card", "no such backend", "host:99"};
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        tsr_device *dev = NULL;
        const tsr_status s = tsr_device_open(run->ctx, absent[i], NULL, &dev);
        bool named = s == TSR_ERROR_NO_DEVICE && !dev && strstr(tsr_last_error(), absent[i]);
        for (size_t j = 0; j < tsr_device_count(run->ctx); j++) {
            tsr_device_info info;
            named = named && tsr_device_get_info(run->ctx, j, &info) == TSR_OK && strstr(tsr_last_error(), info.id);
        }
        tsr_device_destroy(dev);
        if (!named)
            return suite_say(run, SUITE_FAIL, "'%s': %s, '%s'; expected no device, and those that are there", absent[i], tsr_status_name(s),
                             tsr_last_error());
    }
    return SUITE_PASS;
}

/* A plan whose workspace is beyond the budget: needed and available are named, and what was taken is given back. */
static suite_verdict small_budget(const suite_case *c, suite_run_context *run)
{
    (void)c;
    enum { BUDGET = 4096 };
    const tsr_device_desc device = {.memory_budget = BUDGET};
    tsr_attention_desc d = desc;
    d.k.shape[2] = d.v.shape[2] = 4096;
    d.splits = 64;
    tsr_device *dev = NULL;
    tsr_attention *plan = NULL;
    tsr_buffer *all = NULL;
    tsr_status s = tsr_device_open(run->ctx, tsr_device_info_of(run->dev)->id, &device, &dev);
    suite_verdict v = s == TSR_OK ? SUITE_PASS : suite_error(run, s, "opening");
    if (v == SUITE_PASS) {
        s = tsr_attention_prepare(dev, &d, &plan);
        if (s != TSR_ERROR_DEVICE_MEMORY || plan || !strstr(tsr_last_error(), "needed") || !strstr(tsr_last_error(), "available"))
            v = suite_say(run, SUITE_FAIL, "%s, '%s'; expected device memory, needed and available", tsr_status_name(s), tsr_last_error());
    }
    if (v == SUITE_PASS && tsr_buffer_create(dev, BUDGET, &all) != TSR_OK)
        v = suite_say(run, SUITE_FAIL, "the refused plan kept memory: %s", tsr_last_error());
    tsr_attention_destroy(plan);
    tsr_buffer_destroy(all);
    tsr_device_destroy(dev);
    return v;
}

int suite_add_arguments(suite *s)
{
    return suite_add(s, "errors/arguments", bad_arguments, NULL, 0) && suite_add(s, "errors/null", null_arguments, NULL, 0) &&
           suite_add(s, "errors/no-device", no_device, NULL, 0) && suite_add(s, "errors/budget", small_budget, NULL, 0);
}
