/* The race: every shape is compiled, its result compared with the default's, and runs are timed in turn, so that what slows the machine
 * down for a while slows all of them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "race.h"

static const double FAR_BEHIND = 1.6, BEHIND = 1.25;
static const double SHORTEST = 2e-3, LONG = 0.1; /* seconds: of a timed turn; of a run whose first time is a fair one */
/* Of the time that the caller gives: for runs that try shapes out, and after which one round is enough. */
static const double TRIALS = 10, ENOUGH = 3;

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(const double *times, uint32_t count)
{
    double sorted[TSR_RACE_ROUNDS];
    if (count == 0) return 0;
    memcpy(sorted, times, count * sizeof(*times));
    qsort(sorted, count, sizeof(*sorted), by_value);
    return count % 2 ? sorted[count / 2] : 0.5 * (sorted[count / 2 - 1] + sorted[count / 2]);
}

/* The caller's word, between runs. */
static tsr_status ask(tsr_race *r, double share)
{
    if (!r->desc->progress || r->desc->progress(r->desc->user, share, r->report) == 0) return TSR_OK;
    return tsr_fail(TSR_ERROR_CANCELLED, "tuning was stopped by the caller");
}

static void give_up(tsr_tune_result *one, tsr_tune_state state, const char *text)
{
    one->state = state;
    snprintf(one->text, sizeof(one->text), "%s", text);
}

static tsr_status time_turn(tsr_race *r, size_t i, uint32_t repeats, double *seconds)
{
    const double start = tsr_now();
    tsr_status s = TSR_OK;
    for (uint32_t n = 0; n < repeats && s == TSR_OK; n++) s = r->run(r->subject, i);
    if (s == TSR_OK) s = tsr_device_wait(r->dev);
    *seconds = (tsr_now() - start) / repeats;
    return s;
}

/* How far x is from the default's result, of its root mean square; not finite: infinitely. */
static double distance(const float *x, const float *expected, size_t n)
{
    double sum = 0, most = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = fabs((double)x[i] - (double)expected[i]);
        if (!isfinite(d)) return INFINITY;
        sum += (double)expected[i] * (double)expected[i];
        if (d > most) most = d;
    }
    return sum > 0 ? most / sqrt(sum / (double)n) : most;
}

/* Compiles the i-th shape, runs it once for its result, and once more for a first time. expected: the default's result, which this sets. */
static tsr_status try_out(tsr_race *r, size_t i, float **expected)
{
    tsr_tune_result *one = &r->report->results[i];
    float *got = NULL;
    size_t n = 0;
    double seconds = 0;
    const double start = tsr_now();
    tsr_status s = r->make(r->subject, i);
    if (s == TSR_OK) s = r->poison(r->subject);
    if (s == TSR_OK) s = time_turn(r, i, 1, &seconds);
    r->tried += seconds;
    one->compile_seconds = tsr_now() - start;
    if (s == TSR_OK) s = r->result(r->subject, &got, &n);
    if (s != TSR_OK) {
        give_up(one, TSR_TUNE_FAILED, tsr_last_error());
        return i == 0 || s == TSR_ERROR_DEVICE_LOST ? s : TSR_OK;
    }
    if (i == 0) {
        *expected = got;
        if (!isfinite(distance(got, got, n))) {
            give_up(one, TSR_TUNE_WRONG, "the result is not finite");
            return tsr_fail(TSR_ERROR_INTERNAL, "%s: the default shape of %s gives a result that is not finite", r->dev->info.id, r->report->kernel);
        }
    } else {
        const double off = distance(got, *expected, n);
        free(got);
        if (!(off <= r->tolerance)) {
            char text[128];
            snprintf(text, sizeof(text), "off by %.2g of the root mean square; expected at most %.2g", off, r->tolerance);
            give_up(one, TSR_TUNE_WRONG, text);
            return TSR_OK;
        }
    }
    s = time_turn(r, i, 1, &seconds);
    r->tried += seconds;
    r->repeats[i] = seconds < SHORTEST ? (uint32_t)(SHORTEST / (seconds > 1e-6 ? seconds : 1e-6)) + 1 : 1;
    one->seconds = seconds;
    if (s != TSR_OK) give_up(one, TSR_TUNE_FAILED, tsr_last_error());
    return s;
}

/* The engine lists shapes best guess first. */
static void leave_out(tsr_race *r, size_t i)
{
    char text[128];
    snprintf(text, sizeof(text), "not tried: runs of those before took %.0f s", r->tried);
    give_up(&r->report->results[i], TSR_TUNE_STOPPED, text);
}

static double best_time(const tsr_race *r)
{
    double best = INFINITY;
    for (uint32_t i = 0; i < r->report->count; i++) {
        const tsr_tune_result *one = &r->report->results[i];
        if (one->state <= TSR_TUNE_STOPPED && one->seconds > 0 && one->seconds < best) {
            best = one->seconds;
            r->report->best = i;
        }
    }
    if (r->report->results[0].seconds <= TSR_TUNE_MARGIN * best) r->report->best = 0;
    return best;
}

/* Those that cannot win any more stop; the default goes on, for all are measured against it. */
static void stop_hopeless(tsr_race *r, double behind)
{
    const double best = best_time(r);
    for (uint32_t i = 1; i < r->report->count; i++) {
        tsr_tune_result *one = &r->report->results[i];
        if (one->state <= TSR_TUNE_TIMED && one->seconds > behind * best) one->state = TSR_TUNE_STOPPED;
    }
}

static tsr_status time_round(tsr_race *r, uint32_t round, uint32_t rounds)
{
    tsr_tune_report *report = r->report;
    for (uint32_t i = 0; i < report->count; i++) {
        tsr_tune_result *one = &report->results[i];
        if (one->state > TSR_TUNE_TIMED) continue;
        tsr_status s = ask(r, 0.5 + 0.5 * (round + (double)i / report->count) / rounds);
        if (s == TSR_OK) s = time_turn(r, i, r->repeats[i], &r->times[i][r->counts[i]]);
        if (s != TSR_OK) {
            if (s != TSR_ERROR_CANCELLED) give_up(one, TSR_TUNE_FAILED, tsr_last_error());
            return s;
        }
        one->seconds = median(r->times[i], ++r->counts[i]);
        one->state = TSR_TUNE_TIMED;
    }
    report->rounds = round + 1;
    return TSR_OK;
}

static tsr_status race(tsr_race *r)
{
    tsr_tune_report *report = r->report;
    const uint32_t wanted = r->desc->rounds ? r->desc->rounds : 9, rounds = wanted < TSR_RACE_ROUNDS ? wanted : TSR_RACE_ROUNDS;
    const double limit = r->desc->seconds > 0 ? r->desc->seconds : 20;
    float *expected = NULL;
    tsr_status s = TSR_OK;
    for (uint32_t i = 0; i < report->count && s == TSR_OK; i++) {
        s = ask(r, 0.5 * i / report->count);
        if (s == TSR_OK && r->tried > TRIALS * limit)
            leave_out(r, i);
        else if (s == TSR_OK)
            s = try_out(r, i, &expected);
    }
    free(expected);
    if (s != TSR_OK) return s;
    stop_hopeless(r, best_time(r) > LONG ? FAR_BEHIND : 4);
    const double start = tsr_now();
    for (uint32_t round = 0; round < rounds && s == TSR_OK; round++) {
        const double taken = tsr_now() - start;
        if ((round >= 3 && taken > limit) || taken > ENOUGH * limit) break;
        s = time_round(r, round, rounds);
        if (round > 0) stop_hopeless(r, round < 3 ? FAR_BEHIND : BEHIND);
    }
    return s;
}

tsr_status tsr_race_run(tsr_race *r)
{
    r->report->best = r->report->rounds = 0;
    const tsr_status s = race(r);
    (void)best_time(r);
    if (r->desc->dry || (s != TSR_OK && s != TSR_ERROR_CANCELLED) || r->counts[0] == 0) return s;
    char stopped[256];
    snprintf(stopped, sizeof(stopped), "%s", tsr_last_error());
    const tsr_status kept = tsr_race_keep(r);
    return s == TSR_OK ? kept : kept == TSR_OK ? tsr_fail(s, "%s", stopped) : tsr_fail(s, "%s; %s", stopped, "and the database could not be written");
}
