/* What tessera tune says: tables of races, JSON, and the database. */
#include <cjson/cJSON.h>
#include <stdio.h>

#include "tune.h"

static const char *const states[] = {"not timed", "", "stopped early", "WRONG RESULT", "failed"};

/* Places by time: the fastest first, what was not timed last. */
static size_t order(const tsr_tune_report *r, uint32_t places[TSR_TUNE_MAX_RESULTS])
{
    for (uint32_t i = 0; i < r->count; i++) {
        uint32_t at = i;
        const tsr_tune_result *one = &r->results[i];
        for (; at > 0; at--) {
            const tsr_tune_result *other = &r->results[places[at - 1]];
            const bool timed = one->state <= TSR_TUNE_STOPPED && one->seconds > 0,
                       other_timed = other->state <= TSR_TUNE_STOPPED && other->seconds > 0;
            if (timed == other_timed ? !timed || one->seconds >= other->seconds : !timed) break;
            places[at] = places[at - 1];
        }
        places[at] = i;
    }
    return r->count;
}

void tune_print(const tune_problem *p)
{
    const tsr_tune_report *r = &p->report;
    uint32_t places[TSR_TUNE_MAX_RESULTS];
    const size_t count = order(r, places);
    printf("%s: %s; median of %u rounds\n", r->kernel, r->problem, r->rounds);
    printf("    %12s %14s %10s  %s\n", "time", "x default", "compile", "shape");
    for (size_t i = 0; i < count; i++) {
        const tsr_tune_result *one = &r->results[places[i]];
        const bool timed = one->state <= TSR_TUNE_STOPPED && one->seconds > 0;
        printf("  %c ", places[i] == r->best && timed ? '*' : ' ');
        if (timed)
            printf("%9.3f ms %14.2f", one->seconds * 1e3, r->results[0].seconds / one->seconds);
        else
            printf("%12s %14s", "-", "-");
        printf(" %8.2f s  %s%s%s%s%s%s\n", one->compile_seconds, one->shape, places[i] == 0 ? " (default)" : "", states[one->state][0] ? ", " : "",
               states[one->state], one->text[0] ? ": " : "", one->text);
    }
    printf("\n");
    fflush(stdout);
}

static cJSON *result_json(const tsr_tune_result *one, const tsr_tune_result *usual)
{
    static const char *const names[] = {"waiting", "timed", "stopped", "wrong", "failed"};
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "shape", one->shape);
    cJSON_AddStringToObject(o, "state", names[one->state]);
    cJSON_AddNumberToObject(o, "compile_seconds", one->compile_seconds);
    if (one->state <= TSR_TUNE_STOPPED && one->seconds > 0) {
        cJSON_AddNumberToObject(o, "seconds", one->seconds);
        cJSON_AddNumberToObject(o, "ratio", usual->seconds / one->seconds);
    }
    if (one->text[0]) cJSON_AddStringToObject(o, "text", one->text);
    return o;
}

int tune_print_json(const tune *t)
{
    const tsr_device_info *info = tsr_device_info_of(t->device.dev);
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "device", info->id);
    cJSON_AddStringToObject(root, "name", info->name);
    cJSON_AddStringToObject(root, "driver", info->driver);
    cJSON_AddStringToObject(root, "version", info->version);
    cJSON *list = cJSON_AddArrayToObject(root, "problems");
    for (size_t i = 0; i < t->done; i++) {
        const tsr_tune_report *r = &t->problems[i].report;
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "kernel", r->kernel);
        cJSON_AddStringToObject(o, "problem", r->problem);
        cJSON_AddNumberToObject(o, "rounds", r->rounds);
        cJSON_AddNumberToObject(o, "best", r->best);
        cJSON *results = cJSON_AddArrayToObject(o, "results");
        for (uint32_t n = 0; n < r->count; n++) cJSON_AddItemToArray(results, result_json(&r->results[n], &r->results[0]));
        cJSON_AddItemToArray(list, o);
    }
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    if (!text) return cli_error(TUNE_NAME, EXIT_FAILED, "no memory for a report");
    puts(text);
    cJSON_free(text);
    return -1;
}

int tune_show(const tune *t)
{
    const char *file = tsr_tune_file(t->device.ctx);
    tsr_tune_line line;
    size_t count = 0, stale = 0;
    if (!file) return cli_error(TUNE_NAME, EXIT_INPUT, "there is no tuning database; expected --db FILE or a cache folder");
    for (; tsr_tune_get(t->device.ctx, count, &line); count++) {
        stale += line.stale[0] != '\0';
        printf("%s %s, %s %s, %s\n", line.backend, line.device, line.driver, line.driver_version, line.date);
        printf("  %s: %s\n  %.3f ms", line.kernel, line.problem, line.seconds * 1e3);
        if (line.default_seconds > 0) printf(", %.2f x the default", line.default_seconds / line.seconds);
        printf(": %s\n", line.shape);
        if (line.stale[0]) printf("  STALE: %s\n", line.stale);
    }
    printf("%s: %zu entries, %zu stale\n", file, count, stale);
    return EXIT_DONE;
}
