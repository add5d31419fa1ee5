/* tessera attend --explain: the kernel that would run, why that one, and its work. */
#include <cjson/cJSON.h>
#include <stdio.h>

#include "attend.h"

static int explain_json(const attend *a, const tsr_attention_info *info)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "device", tsr_device_info_of(a->device.dev)->id);
    cJSON_AddStringToObject(o, "kernel", info->kernel);
    cJSON_AddStringToObject(o, "why", info->why);
    cJSON_AddNumberToObject(o, "splits", info->splits);
    cJSON_AddNumberToObject(o, "density", info->density);
    cJSON_AddNumberToObject(o, "tiles_visited", (double)info->tiles_visited);
    cJSON_AddNumberToObject(o, "tiles_full", (double)info->tiles_full);
    cJSON_AddNumberToObject(o, "waste", info->waste);
    cJSON_AddNumberToObject(o, "flops", (double)info->flops);
    cJSON_AddNumberToObject(o, "workspace_bytes", (double)info->workspace);
    char *text = cJSON_Print(o);
    cJSON_Delete(o);
    if (!text) return cli_error(ATTEND_NAME, EXIT_FAILED, "no memory for a report");
    puts(text);
    cJSON_free(text);
    return EXIT_DONE;
}

int attend_explain(const attend *a)
{
    tsr_attention_info info;
    tsr_attention_get_info(a->plan, &info);
    if (a->json) return explain_json(a, &info);
    printf("kernel     %s\n", info.kernel);
    printf("why        %s\n", info.why);
    printf("splits     %u\n", info.splits);
    printf("density    %.4g\n", info.density);
    printf("tiles      %llu of %u x %u, %llu of them full; waste %.3g\n", (unsigned long long)info.tiles_visited, info.query_tile, info.key_tile,
           (unsigned long long)info.tiles_full, info.waste);
    printf("work       %.4g GFLOP, %.4g MB read and written\n", (double)info.flops / 1e9, (double)info.bytes / 1e6);
    printf("workspace  %llu bytes\n", (unsigned long long)info.workspace);
    return EXIT_DONE;
}
