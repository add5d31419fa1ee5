/* What tessera attend says of a run. */
#include <cjson/cJSON.h>
#include <stdio.h>

#include "attend.h"

static void add_plan(cJSON *o, const attend *a)
{
    tsr_attention_info info;
    tsr_attention_get_info(a->plan, &info);
    cJSON_AddStringToObject(o, "kernel", info.kernel);
    cJSON_AddStringToObject(o, "why", info.why);
    cJSON_AddNumberToObject(o, "flops", (double)info.flops);
    cJSON_AddNumberToObject(o, "gflops_per_second", a->seconds > 0 ? (double)info.flops / a->seconds / 1e9 : 0);
    cJSON_AddNumberToObject(o, "waste", info.waste);
    cJSON_AddNumberToObject(o, "tiles_full", (double)info.tiles_full);
    cJSON_AddNumberToObject(o, "plan_seconds", info.plan_seconds);
    cJSON_AddNumberToObject(o, "splits", info.splits);
    cJSON_AddNumberToObject(o, "workspace_bytes", (double)info.workspace);
}

static void add_flow(cJSON *o, const attend_summary *s)
{
    cJSON_AddNumberToObject(o, "steps", s->flow_info.steps);
    cJSON_AddNumberToObject(o, "launches", s->flow_info.launches);
    cJSON_AddNumberToObject(o, "workspace_bytes", (double)s->flow_info.workspace);
    cJSON_AddNumberToObject(o, "seconds_select", s->flow.seconds_select);
    cJSON_AddNumberToObject(o, "seconds_attend", s->flow.seconds_attend);
}

static void add_comparison(cJSON *o, const attend *a)
{
    const attend_summary *s = &a->summary;
    cJSON *dense = cJSON_AddObjectToObject(o, "dense");
    cJSON_AddNumberToObject(dense, "seconds", s->dense_seconds);
    cJSON_AddBoolToObject(dense, "causal", s->dense_causal);
    cJSON_AddNumberToObject(dense, "relative_l1", s->difference.l1);
    cJSON_AddNumberToObject(dense, "cosine", s->difference.cosine);
    cJSON_AddNumberToObject(dense, "largest_difference", s->difference.most);
}

static void report_json(const attend *a)
{
    const attend_summary *s = &a->summary;
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "device", tsr_device_info_of(a->device.dev)->id);
    cJSON_AddNumberToObject(o, "seconds", a->seconds);
    cJSON_AddNumberToObject(o, "density", s->density);
    cJSON *heads = s->by_head ? cJSON_AddArrayToObject(o, "density_by_head") : NULL;
    for (size_t h = 0; heads && h < s->heads; h++) cJSON_AddItemToArray(heads, cJSON_CreateNumber(s->by_head[h]));
    cJSON_AddNumberToObject(o, "tiles_visited", (double)s->tiles_visited);
    cJSON_AddNumberToObject(o, "tiles_dense", (double)s->tiles_dense);
    if (s->steps)
        add_flow(o, s);
    else
        add_plan(o, a);
    if (s->compared) add_comparison(o, a);
    char *text = cJSON_Print(o);
    puts(text ? text : "{}");
    cJSON_free(text);
    cJSON_Delete(o);
}

static void report_heads(const attend_summary *s)
{
    double low = 1, high = 0;
    for (size_t h = 0; s->by_head && h < s->heads; h++) {
        if (s->by_head[h] < low) low = s->by_head[h];
        if (s->by_head[h] > high) high = s->by_head[h];
    }
    if (s->by_head && high > low) fprintf(stderr, " (%.3g to %.3g by head)", low, high);
}

void attend_report(const attend *a)
{
    const attend_summary *s = &a->summary;
    if (a->json) {
        report_json(a);
        return;
    }
    if (a->device.quiet) return;
    if (s->steps) {
        fprintf(stderr, "%s: %.3f s, of these %.3f s selection and %.3f s attention; density %.3g", a->out, a->seconds, s->flow.seconds_select,
                s->flow.seconds_attend, s->density);
        report_heads(s);
        fprintf(stderr, ", tiles %llu of %llu\n", (unsigned long long)s->tiles_visited, (unsigned long long)s->tiles_dense);
    } else {
        tsr_attention_info info;
        tsr_attention_get_info(a->plan, &info);
        fprintf(stderr, "%s: %.3f s, %.1f GFLOP/s, %s, density %.3g", a->out, a->seconds, a->seconds > 0 ? (double)info.flops / a->seconds / 1e9 : 0,
                info.kernel, info.density);
        report_heads(s);
        fprintf(stderr, ", waste %.3g, tiles %llu full of %llu\n", info.waste, (unsigned long long)info.tiles_full,
                (unsigned long long)info.tiles_visited);
    }
    if (s->compared)
        fprintf(stderr, "dense%s: %.3f s; relative L1 %.3g, cosine %.6f, largest difference %.3g\n", s->dense_causal ? ", causal" : "",
                s->dense_seconds, s->difference.l1, s->difference.cosine, s->difference.most);
}
