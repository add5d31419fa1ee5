/* Before and after a race: who takes part, and what was found, as an entry of the database. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "built_in.h"
#include "race.h"

void tsr_tune_shape_text(const char *kernel, const tsr_tune_shape *shape, char *text, size_t size)
{
    size_t count;
    const char *const *names = tsr_tune_names(kernel, &count);
    int at = snprintf(text, size, "%s", tsr_tile_name(shape->tile));
    for (size_t i = 0; i < count && at > 0 && (size_t)at < size; i++) {
        const int n = snprintf(text + at, size - (size_t)at, " %s %d", names[i], (int)shape->numbers[i]);
        if (n < 0) return;
        at += n;
    }
}

void tsr_race_line_up(tsr_race *r, const char *kernel, uint32_t numbers[TSR_TUNE_MAX_RESULTS])
{
    char why[TSR_WHY];
    const uint32_t count = r->report->count;
    const size_t usual = tsr_built_in_find(&r->dev->info, kernel, r->candidates, count, why);
    for (uint32_t i = 0; i < count; i++) numbers[i] = i + 1;
    const tsr_tune_candidate first = r->candidates[usual];
    memmove(&r->candidates[1], &r->candidates[0], usual * sizeof(first));
    memmove(&numbers[1], &numbers[0], usual * sizeof(numbers[0]));
    r->candidates[0] = first;
    numbers[0] = (uint32_t)usual + 1;
    for (uint32_t i = 0; i < count; i++)
        tsr_tune_shape_text(kernel, &r->candidates[i].shape, r->report->results[i].shape, sizeof(r->report->results[i].shape));
}

/* In order of time; the default stays whatever its place is. */
static void insert(tsr_tune_entry *e, const tsr_tune_measured *m)
{
    size_t at = e->count;
    if (e->count == TSR_TUNE_SHAPES) {
        at = TSR_TUNE_SHAPES - 1;
        if (e->measured[at].is_default) at--;
        if (!m->is_default && m->seconds >= e->measured[at].seconds) return;
        memmove(&e->measured[at], &e->measured[at + 1], (e->count - at - 1) * sizeof(*m));
        at = --e->count;
    }
    for (; at > 0 && m->seconds < e->measured[at - 1].seconds; at--) e->measured[at] = e->measured[at - 1];
    e->measured[at] = *m;
    e->count++;
}

tsr_status tsr_race_keep(const tsr_race *r)
{
    const tsr_tune_report *report = r->report;
    tsr_tune_entry e = {0};
    tsr_tune_sign(&e, &r->dev->info);
    snprintf(e.kernel, sizeof(e.kernel), "%s", report->kernel);
    snprintf(e.problem, sizeof(e.problem), "%s", report->problem);
    const time_t now = time(NULL);
    struct tm day;
    if (!gmtime_r(&now, &day) || strftime(e.date, sizeof(e.date), "%Y-%m-%d", &day) == 0) snprintf(e.date, sizeof(e.date), "once");
    for (uint32_t i = 0; i < report->count; i++) {
        const tsr_tune_result *one = &report->results[i];
        if (r->counts[i] == 0 || one->state > TSR_TUNE_STOPPED || !(one->seconds > 0)) continue;
        const tsr_tune_measured m = {
            .shape = r->candidates[i].shape, .version = tsr_tune_version(r->candidates[i].source), .seconds = one->seconds, .is_default = i == 0};
        insert(&e, &m);
    }
    return e.count ? tsr_tuning_put(r->dev->ctx->tuning, &e) : TSR_OK;
}
