/* Submissions under a time limit: the same bits whatever the limit, and limits that are none. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "decode.h"
#include "flow_case.h"
#include "whole.h"

static const float limits[] = {INFINITY, 5.0f, 0.1f};
enum { LIMITS = sizeof(limits) / sizeof(limits[0]) };

tsr_status budget_open(suite_run_context *run, float submission_ms, tsr_device **out)
{
    const tsr_device_desc desc = {.submission_ms = submission_ms};
    return tsr_device_open(run->ctx, tsr_device_info_of(run->dev)->id, &desc, out);
}

/* What a device with that limit makes of the inputs, malloc'd; where it fails, it says why. */
typedef suite_verdict (*budget_make)(suite_run_context *run, const char *name, void **out, size_t *size);

static suite_verdict make_attention(suite_run_context *run, const char *name, void **out, size_t *size)
{
    (void)name;
    oracle_rng rng = oracle_seed(run->seed);
    whole a;
    tsr_status s = whole_make(&a, 1, 6, 3, 157, 331, 40, 24, &rng) ? TSR_OK : TSR_ERROR_HOST_MEMORY;
    a.desc.splits = 3;
    for (int i = 0; i < 3 && s == TSR_OK; i++) s = whole_run(&a, run->dev); /* with rates known too */
    const size_t o = whole_size(&a.desc.o) * sizeof(float), lse = whole_size(&a.desc.lse) * sizeof(float);
    *size = o + lse;
    *out = malloc(o + lse);
    if (s == TSR_OK && *out) {
        memcpy(*out, a.o, o);
        memcpy((char *)*out + o, a.lse, lse);
    }
    whole_free(&a);
    return s == TSR_OK ? SUITE_PASS : suite_error(run, s, "attention");
}

static suite_verdict make_flow(suite_run_context *run, const char *name, void **out, size_t *size)
{
    flow_case f;
    flow_case_begin(&f, run, name, (flow_sizes){.b = 1, .h = 4, .hkv = 2, .nq = 150, .nk = 211, .d = 16, .dv = 16});
    flow_case_start(&f, "{'steps': {'one': {'attend': {'causal': true}}, 'two': {'attend': {'q': '2 * q', 'v': 'v + 1', 'window': [9, 3]}}, "
                        "'m': {'merge': {'of': ['one', 'two']}}, 'mean': {'pool': {'of': 'k'}}, 'o': 'm + 0.5 * q'}}");
    flow_case_run(&f, 1);
    const flow_array *o = flow_case_output(&f, "o");
    *size = o ? (size_t)(o->shape[0] * o->shape[1] * o->shape[2] * o->shape[3]) * sizeof(double) : 0;
    *out = malloc(*size + 1);
    if (o && *out) memcpy(*out, o->x, *size);
    f.compared = true;
    return flow_case_end(&f);
}

static suite_verdict make_clip(suite_run_context *run, const char *name, void **out, size_t *size)
{
    (void)name;
    decode_bench b;
    decode_out frames = {0};
    suite_verdict v = decode_bench_open(&b, &decode_taehv_forms[0], TSR_PRECISION_F32, run);
    tsr_status s = v == SUITE_PASS && decode_out_new(&frames, &b.want) ? TSR_OK : TSR_ERROR_HOST_MEMORY;
    if (v == SUITE_PASS && s == TSR_OK) s = decode_all(b.dec, &b.in, (tsr_clip){.latents = b.latents}, &frames);
    *size = (size_t)frames.frames * frames.pixels * sizeof(float);
    *out = frames.x;
    if (v == SUITE_PASS && s != TSR_OK) v = suite_error(run, s, "decoding");
    decode_bench_close(&b);
    return v;
}

static const struct {
    const char *name;
    budget_make make;
} makes[] = {{"budget/equal/attention", make_attention}, {"budget/equal/recipe", make_flow}, {"budget/equal/decode", make_clip}};

/* Counters of a device that did some work under the limit. */
static suite_verdict check_stats(const tsr_device *dev, float limit, suite_run_context *run)
{
    tsr_device_stats s;
    const tsr_status status = tsr_device_get_stats(dev, &s);
    if (status != TSR_OK) return suite_error(run, status, "counters");
    const bool none = isinf(limit);
    if (s.dispatches == 0 || s.submissions == 0 || s.submissions > s.pieces || (none && s.pieces != s.dispatches) || (none != (s.seconds <= 0)) ||
        s.longest > s.seconds || (none != (s.longest <= 0)))
        return suite_say(run, SUITE_FAIL, "at %g ms %llu dispatches became %llu pieces in %llu submissions, %g s in all, %g s the longest",
                         (double)limit, (unsigned long long)s.dispatches, (unsigned long long)s.pieces, (unsigned long long)s.submissions, s.seconds,
                         s.longest);
    return SUITE_PASS;
}

static suite_verdict run_equal(const suite_case *c, suite_run_context *run)
{
    void *first = NULL;
    size_t first_size = 0;
    uint64_t pieces[LIMITS] = {0};
    suite_verdict v = SUITE_PASS;
    for (int i = 0; i < LIMITS && v == SUITE_PASS; i++) {
        suite_run_context own = *run;
        void *made = NULL;
        size_t size = 0;
        tsr_device_stats stats = {0};
        const tsr_status s = budget_open(run, limits[i], &own.dev);
        v = s == TSR_OK ? makes[c->number].make(&own, c->name, &made, &size) : suite_error(run, s, "opening the device");
        if (v == SUITE_PASS && !made) v = suite_say(run, SUITE_FAIL, "no memory");
        if (v == SUITE_PASS) v = check_stats(own.dev, limits[i], run);
        if (v == SUITE_PASS && tsr_device_get_stats(own.dev, &stats) == TSR_OK) pieces[i] = stats.pieces;
        tsr_device_destroy(own.dev);
        if (v == SUITE_PASS && i > 0 && (size == 0 || size != first_size || memcmp(made, first, size) != 0))
            v = suite_say(run, SUITE_FAIL, "at %g ms other bits than without a limit", (double)limits[i]);
        if (i == 0) {
            first = made;
            first_size = size;
        } else {
            free(made);
        }
    }
    free(first);
    if (v != SUITE_PASS) return v;
    /* Nothing is known of a kernel at first: its first piece is small, the more the larger the device. */
    if (c->number == 0 && tsr_device_info_of(run->dev)->compute_units < 8 && pieces[LIMITS - 1] <= pieces[0])
        return suite_say(run, SUITE_FAIL, "at %g ms nothing was cut", (double)limits[LIMITS - 1]);
    return suite_say(run, SUITE_PASS, "%llu pieces, %llu at 0.1 ms", (unsigned long long)pieces[0], (unsigned long long)pieces[LIMITS - 1]);
}

static suite_verdict run_arguments(const suite_case *c, suite_run_context *run)
{
    (void)c;
    static const struct {
        tsr_device_desc desc;
        const char *text;
    } wrong[] = {{{.submission_ms = -1}, "argument submission_ms is -1"},
                 {{.submission_ms = NAN}, "argument submission_ms is"},
                 {{.patience_ms = -0.5f}, "argument patience_ms is -0.5"}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        tsr_device *dev = NULL;
        const tsr_status s = tsr_device_open(run->ctx, tsr_device_info_of(run->dev)->id, &wrong[i].desc, &dev);
        const bool right = s == TSR_ERROR_ARGUMENT && !dev && strstr(tsr_last_error(), wrong[i].text);
        tsr_device_destroy(dev);
        if (!right) return suite_say(run, SUITE_FAIL, "%s; expected '%s'", s == TSR_OK ? "opened" : tsr_last_error(), wrong[i].text);
    }
    tsr_device_stats stats;
    if (tsr_device_get_stats(NULL, &stats) != TSR_ERROR_ARGUMENT || tsr_device_get_stats(run->dev, NULL) != TSR_ERROR_ARGUMENT)
        return suite_say(run, SUITE_FAIL, "counters of nothing, or to nowhere, were not refused");
    tsr_device_cancel(NULL);
    return SUITE_PASS;
}

int suite_add_budget(suite *s)
{
    for (size_t i = 0; i < sizeof(makes) / sizeof(makes[0]); i++)
        if (!suite_add(s, makes[i].name, run_equal, NULL, (int)i)) return 0;
    return suite_add(s, "budget/arguments", run_arguments, NULL, 0) && suite_add_cancel(s);
}
