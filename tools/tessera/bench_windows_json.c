/* A row of tessera bench windows as JSON. */
#include "bench_windows.h"

static void add_axes(cJSON *o, const char *name, const int64_t values[3])
{
    const double numbers[3] = {(double)values[0], (double)values[1], (double)values[2]};
    cJSON_AddItemToObject(o, name, cJSON_CreateDoubleArray(numbers, 3));
}

static void add_window(cJSON *o, const bench_window *w)
{
    add_axes(o, "grid", w->grid);
    add_axes(o, "window", w->window);
    add_axes(o, "stride", w->stride);
    add_axes(o, "dilation", w->dilation);
    add_axes(o, "causal", (const int64_t[3]){w->causal[0], w->causal[1], w->causal[2]});
}

static void add_goal(cJSON *o, const char *name, double goal, bool met)
{
    if (!(goal > 0)) return;
    cJSON *g = cJSON_AddObjectToObject(o, name);
    cJSON_AddNumberToObject(g, "at_most", goal);
    cJSON_AddBoolToObject(g, "met", met);
}

static void add_published(cJSON *o, const bench_case *c)
{
    static const char *const gpus[BENCH_GPUS] = {"H100", "B200"};
    cJSON *n = cJSON_AddObjectToObject(o, "natten");
    add_window(n, &c->published->shape);
    for (int gpu = 0; gpu < BENCH_GPUS; gpu++) {
        cJSON *g = cJSON_AddObjectToObject(n, gpus[gpu]);
        cJSON_AddNumberToObject(g, "dense_ms", c->published->dense[gpu]);
        cJSON_AddNumberToObject(g, "window_ms", c->published->window[gpu]);
        cJSON_AddNumberToObject(g, "ratio_of_ideal", bench_published_ideal(c->published, gpu));
    }
    cJSON_AddBoolToObject(o, "beats_natten", bench_case_beats(c));
}

void bench_windows_json(bench *b, const bench_case *c)
{
    static const char *const names[BENCH_FAMILIES] = {"1-D", "1-D causal", "grid", "fitted", "own", "natten"};
    cJSON *o = bench_json_row(b, c->label);
    cJSON_AddStringToObject(o, "family", names[c->family]);
    if (c->by_recipe)
        cJSON_AddStringToObject(o, "recipe", b->ask.recipe_info.name);
    else
        add_window(o, &c->window);
    cJSON_AddNumberToObject(o, "queries", (double)c->shape.queries);
    cJSON_AddNumberToObject(o, "tokens", (double)c->shape.keys);
    cJSON_AddNumberToObject(o, "heads", (double)c->shape.heads);
    cJSON_AddNumberToObject(o, "head_dim", (double)c->shape.dim);
    cJSON_AddStringToObject(o, "dtype", c->dtype);
    cJSON_AddNumberToObject(o, "seed", (double)c->seed);
    cJSON_AddStringToObject(o, "kernel", c->plan.kernel);
    cJSON_AddNumberToObject(o, "time_to_dense", bench_case_time(c));
    add_goal(o, "time_goal", c->time_goal, bench_case_time_met(c));
    cJSON_AddNumberToObject(o, "ratio_of_ideal", bench_case_ideal(c));
    cJSON_AddNumberToObject(o, "share_of_keys", c->plan.density);
    cJSON_AddNumberToObject(o, "waste", c->plan.waste);
    add_goal(o, "waste_goal", c->waste_goal, bench_case_waste_met(c));
    cJSON_AddNumberToObject(o, "query_tile", c->plan.query_tile);
    cJSON_AddNumberToObject(o, "key_tile", c->plan.key_tile);
    cJSON_AddNumberToObject(o, "tiles_visited", (double)c->plan.tiles_visited);
    cJSON_AddNumberToObject(o, "tiles_full", (double)c->plan.tiles_full);
    cJSON_AddNumberToObject(o, "plan_seconds", c->plan.plan_seconds);
    bench_json_times(o, &c->times, (double)c->plan.flops, c->peak);
    cJSON *dense = cJSON_AddObjectToObject(o, "dense");
    bench_json_times(dense, &c->dense, c->dense_flops, c->peak);
    cJSON_AddNumberToObject(dense, "error", c->dense_error);
    cJSON_AddNumberToObject(o, "error", c->error);
    cJSON_AddNumberToObject(o, "error_allowed", c->tolerance);
    cJSON_AddBoolToObject(o, "wrong", bench_case_is_wrong(c));
    if (c->published) add_published(o, c);
}
