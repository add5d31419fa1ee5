/* What tessera bench sparse found, beside the goals: as a table and as JSON. */
#include <stdio.h>

#include "bench_sparse.h"

bool bench_sparse_is_wrong(const bench_sparse_case *c) { return !(c->error <= c->tolerance); }

double bench_sparse_time(const bench_sparse_case *c) { return c->times.median / c->dense.median; }

double bench_sparse_select(const bench_sparse_case *c) { return c->select.median / c->dense.median; }

double bench_sparse_goal(const bench_sparse_case *c)
{
    if (c->choice == BENCH_GIVEN) return 1.15 * c->report.density;
    return c->share == 0.1 ? 0.2 : 0;
}

bool bench_sparse_met(const bench_sparse_case *c) { return bench_sparse_time(c) <= bench_sparse_goal(c); }

double bench_sparse_select_goal(const bench_sparse_case *c) { return c->choice == BENCH_CHOSEN ? 0.08 : 0; }

bool bench_sparse_select_met(const bench_sparse_case *c) { return bench_sparse_select(c) <= bench_sparse_select_goal(c); }

void bench_sparse_print(const bench_sparse_case *cases, size_t count)
{
    const bench_sparse_case *first = cases;
    printf("%s: %s, tile %d, head dim %lld, %s, %s tensors, dense %.4g s (%.4g GFLOP/s, %.2f of the peak)\n", first->device.id, first->device.name,
           BENCH_TILE, (long long)first->shape.dim, first->dtype, first->tensors, first->dense.median, first->dense_flops / first->dense.median / 1e9,
           first->dense_flops / first->dense.median / first->peak);
    printf("%-28s %11s %10s %9s %14s %14s %10s %9s\n", "case", "time/dense", "goal", "density", "time/density", "select/dense", "workspace", "error");
    for (size_t i = 0; i < count; i++) {
        const bench_sparse_case *c = &cases[i];
        char goal[32] = "", select[32] = "";
        if (bench_sparse_goal(c) > 0) snprintf(goal, sizeof(goal), "%.3f %s", bench_sparse_goal(c), bench_sparse_met(c) ? "met" : "MISSED");
        if (c->choice == BENCH_CHOSEN)
            snprintf(select, sizeof(select), "%.4f %s", bench_sparse_select(c), bench_sparse_select_met(c) ? "met" : "MISSED");
        printf("%-28s %11.4f %10s %9.4f %14.3f %14s %6.1f MiB %9.2g%s\n", c->label, bench_sparse_time(c), goal, c->report.density,
               bench_sparse_time(c) / c->report.density, select, (double)c->workspace / 0x1p20, c->error, bench_sparse_is_wrong(c) ? " WRONG" : "");
    }
    fflush(stdout);
}

void bench_sparse_json(bench *b, const bench_sparse_case *c)
{
    cJSON *o = bench_json_row(b, c->label);
    cJSON_AddStringToObject(o, "tiles", c->choice == BENCH_GIVEN ? "given" : "chosen");
    cJSON_AddStringToObject(o, "tensors", c->tensors);
    cJSON_AddNumberToObject(o, "tokens", (double)c->shape.keys);
    cJSON_AddNumberToObject(o, "heads", (double)c->shape.heads);
    cJSON_AddNumberToObject(o, "head_dim", (double)c->shape.dim);
    cJSON_AddStringToObject(o, "dtype", c->dtype);
    cJSON_AddNumberToObject(o, "seed", (double)c->seed);
    cJSON_AddNumberToObject(o, "time_to_dense", bench_sparse_time(c));
    if (bench_sparse_goal(c) > 0) {
        cJSON_AddNumberToObject(o, "time_goal", bench_sparse_goal(c));
        cJSON_AddBoolToObject(o, "time_goal_met", bench_sparse_met(c));
    }
    if (c->choice == BENCH_CHOSEN) {
        cJSON_AddNumberToObject(o, "select_to_dense", bench_sparse_select(c));
        cJSON_AddNumberToObject(o, "select_goal", bench_sparse_select_goal(c));
        cJSON_AddBoolToObject(o, "select_goal_met", bench_sparse_select_met(c));
    }
    cJSON_AddNumberToObject(o, "density", c->report.density);
    cJSON_AddNumberToObject(o, "tiles_visited", (double)c->report.tiles_visited);
    cJSON_AddNumberToObject(o, "tiles_dense", (double)c->report.tiles_dense);
    cJSON_AddNumberToObject(o, "workspace_bytes", (double)c->workspace);
    bench_json_times(o, &c->times, c->dense_flops * c->report.density, c->peak);
    cJSON *dense = cJSON_AddObjectToObject(o, "dense");
    bench_json_times(dense, &c->dense, c->dense_flops, c->peak);
    cJSON_AddNumberToObject(o, "error", c->error);
    cJSON_AddNumberToObject(o, "error_allowed", c->tolerance);
    cJSON_AddBoolToObject(o, "wrong", bench_sparse_is_wrong(c));
}
