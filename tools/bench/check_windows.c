/* Tests the arithmetic of tessera bench windows: check_windows ROWS.json
 * Every ratio is computed again from the row's times, and the share of the keys and the waste from the row's window,
 * by the library's tile schedule and by counting the keys of every query. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/bench_windows.h"

static const cJSON *row; /* the one at hand */
static int failures;

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void fail(const char *format, ...)
{
    const char *what = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "case"));
    printf("%s: ", what ? what : "a row");
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    failures++;
}

static double number(const cJSON *o, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, name);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static bool truth(const cJSON *o, const char *name) { return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(o, name)); }

static void expect(const cJSON *o, const char *name, double wanted)
{
    const double got = number(o, name);
    if (!(fabs(got - wanted) <= 1e-9 * fabs(wanted))) fail("%s is %.12g, expected %.12g", name, got, wanted);
}

static bool read_axes(const cJSON *o, const char *name, int64_t out[3])
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, name);
    if (cJSON_GetArraySize(list) != 3) return false;
    for (int a = 0; a < 3; a++) out[a] = (int64_t)cJSON_GetArrayItem(list, a)->valuedouble;
    return true;
}

static bool read_window(const cJSON *o, bench_window *w)
{
    int64_t causal[3];
    const bool ok = read_axes(o, "grid", w->grid) && read_axes(o, "window", w->window) && read_axes(o, "stride", w->stride) &&
                    read_axes(o, "dilation", w->dilation) && read_axes(o, "causal", causal);
    for (int a = 0; ok && a < 3; a++) w->causal[a] = causal[a] != 0;
    if (!ok) fail("no window");
    return ok;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of "seconds" is what "seconds_median" says. */
static double check_median(const cJSON *o)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "seconds");
    const int n = cJSON_GetArraySize(list);
    double *t = calloc((size_t)n + 1, sizeof(*t));
    if (!t) exit(2);
    for (int i = 0; i < n; i++) t[i] = cJSON_GetArrayItem(list, i)->valuedouble;
    qsort(t, (size_t)n, sizeof(*t), by_value);
    const double median = n ? 0.5 * (t[n / 2] + t[(n - 1) / 2]) : NAN;
    free(t);
    expect(o, "seconds_median", median);
    expect(o, "gflops_per_second", number(o, "gflops") / median);
    return median;
}

static void check_goal(const char *name, double value, bool wrong)
{
    const cJSON *goal = cJSON_GetObjectItemCaseSensitive(row, name);
    if (goal && truth(goal, "met") != (!wrong && value <= number(goal, "at_most"))) fail("%s: %g and 'met' do not agree", name, value);
}

/* Pairs by the window's definition. */
static uint64_t count_pairs(const bench_window *w)
{
    const int64_t tokens = bench_window_tokens(w);
    int64_t *keys = malloc((size_t)tokens * sizeof(*keys));
    uint64_t pairs = 0;
    if (!keys) exit(2);
    for (int64_t q = 0; q < tokens; q++) pairs += (uint64_t)bench_window_keys(w, q, keys);
    free(keys);
    return pairs;
}

static void check_schedule(const bench_window *w, double heads)
{
    const int64_t tokens = bench_window_tokens(w);
    tsr_set *set = NULL;
    tsr_schedule *schedule = NULL;
    tsr_schedule_info info = {0};
    tsr_status status = bench_window_set(w, &set);
    const tsr_schedule_desc desc = {
        .set = set, .nq = tokens, .nk = tokens, .query_tile = (int32_t)number(row, "query_tile"), .key_tile = (int32_t)number(row, "key_tile")};
    if (status == TSR_OK) status = tsr_schedule_create(&desc, &schedule);
    if (status == TSR_OK) status = tsr_schedule_get_info(schedule, &info);
    if (status != TSR_OK) fail("no schedule: %s", tsr_last_error());
    const uint64_t pairs = count_pairs(w);
    if (info.pairs != pairs) fail("the schedule has %llu pairs, the definition %llu", (unsigned long long)info.pairs, (unsigned long long)pairs);
    expect(row, "share_of_keys", (double)pairs / ((double)tokens * (double)tokens));
    expect(row, "waste", info.waste);
    expect(row, "tiles_visited", heads * (double)(info.full + info.partial));
    expect(row, "tiles_full", heads * (double)info.full);
    expect(row, "gflops", 4e-9 * (double)pairs * heads * number(row, "head_dim"));
    expect(cJSON_GetObjectItemCaseSensitive(row, "dense"), "gflops", 4e-9 * (double)tokens * (double)tokens * heads * number(row, "head_dim"));
    tsr_schedule_destroy(schedule);
    tsr_set_destroy(set);
}

static void check_published(const cJSON *natten, const bench_window *w, double ideal)
{
    static const char *const gpus[] = {"H100", "B200"};
    bench_window shape;
    bool beats = !truth(row, "wrong");
    if (!read_window(natten, &shape)) return;
    const double share = (double)bench_window_size(&shape) / (double)bench_window_tokens(&shape);
    if (fabs((double)bench_window_size(w) / (double)bench_window_tokens(w) / share - 1) > 1e-9) fail("not the share that NATTEN measured");
    for (int i = 0; i < 2; i++) {
        const cJSON *gpu = cJSON_GetObjectItemCaseSensitive(natten, gpus[i]);
        expect(gpu, "ratio_of_ideal", share / (number(gpu, "window_ms") / number(gpu, "dense_ms")));
        beats = beats && ideal >= number(gpu, "ratio_of_ideal");
    }
    if (truth(row, "beats_natten") != beats) fail("beats_natten is %d, expected %d", !beats, beats);
}

static void check_row(void)
{
    bench_window w;
    const bool by_recipe = cJSON_HasObjectItem(row, "recipe");
    if (!by_recipe && !read_window(row, &w)) return;
    const cJSON *dense = cJSON_GetObjectItemCaseSensitive(row, "dense"), *natten = cJSON_GetObjectItemCaseSensitive(row, "natten");
    const double time = check_median(row) / check_median(dense), ideal = number(row, "share_of_keys") / time;
    const bool wrong = !(number(row, "error") <= number(row, "error_allowed")) || !(number(dense, "error") <= number(row, "error_allowed"));
    expect(row, "time_to_dense", time);
    expect(row, "ratio_of_ideal", ideal);
    if (truth(row, "wrong") != wrong) fail("'wrong' and the errors do not agree");
    check_goal("time_goal", time, wrong);
    check_goal("waste_goal", number(row, "waste"), false);
    if (by_recipe) return;
    expect(row, "tokens", (double)bench_window_tokens(&w));
    check_schedule(&w, number(row, "heads"));
    if (natten) check_published(natten, &w, ideal);
}

int main(int argc, char **argv)
{
    static char text[1 << 22];
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (!file) {
        fprintf(stderr, "usage: check_windows ROWS.json\n");
        return 2;
    }
    const size_t size = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    cJSON *rows = cJSON_ParseWithLength(text, size);
    if (cJSON_GetArraySize(rows) == 0) fail("no rows");
    cJSON_ArrayForEach(row, rows) check_row();
    printf("%d rows, %d failures\n", cJSON_GetArraySize(rows), failures);
    cJSON_Delete(rows);
    return failures > 0;
}
