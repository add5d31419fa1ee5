/* tessera devices: what is there, and what it can do. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli.h"

static const char *type_name(tsr_device_type type)
{
    static const char *const names[] = {"cpu", "integrated", "discrete", "virtual", "other"};
    return (unsigned)type < 5 ? names[type] : "other";
}

static const struct {
    uint32_t bit;
    const char *name;
} features[] = {{TSR_FEATURE_F16, "fp16"},
                {TSR_FEATURE_BF16, "bf16"},
                {TSR_FEATURE_INT8_DOT, "int8-dot"},
                {TSR_FEATURE_SUBGROUP, "subgroup"},
                {TSR_FEATURE_MATRIX, "matrix"},
                {TSR_FEATURE_UNIFIED, "unified"},
                {TSR_FEATURE_DPAS, "dpas"},
                {TSR_FEATURE_F16_DOT, "f16-dot"},
                {TSR_FEATURE_INT8_DOT_FAST, "int8-dot-fast"},
                {TSR_FEATURE_MATRIX_REDUCED, "matrix-reduced"}};

static void print_table(const tsr_context *ctx)
{
    for (size_t i = 0; i < tsr_device_count(ctx); i++) {
        tsr_device_info d;
        if (tsr_device_get_info(ctx, i, &d) != TSR_OK) continue;
        printf("%-10s %s\n           %s, %s, driver %s %s\n           memory %.1f GiB", d.id, d.name, type_name(d.type),
               d.vendor[0] ? d.vendor : "unknown vendor", d.driver, d.version, (double)d.memory_total / (1u << 30));
        if (d.memory_free) printf(" (%.1f free)", (double)d.memory_free / (1u << 30));
        printf(", one buffer %.1f GiB, workgroup %u, shared %u KiB", (double)d.max_buffer / (1u << 30), d.max_workgroup, d.shared_bytes / 1024);
        if (d.subgroup_max) printf(", sub-group %u to %u", d.subgroup_min, d.subgroup_max);
        if (d.vector_width > 1) printf(", vectors of %u", d.vector_width);
        printf("\n           features:");
        for (size_t f = 0; f < sizeof(features) / sizeof(features[0]); f++)
            if (d.features & features[f].bit) printf(" %s", features[f].name);
        for (uint32_t m = 0; m < d.matrix_count && m < 16; m++)
            printf("%s%ux%ux%u %s->%s", m ? ", " : "\n           matrices: ", d.matrix[m].m, d.matrix[m].n, d.matrix[m].k, d.matrix[m].a,
                   d.matrix[m].c);
        printf("\n");
    }
}

static cJSON *device_json(const tsr_device_info *d)
{
    cJSON *o = cJSON_CreateObject();
    const struct {
        const char *name, *value;
    } texts[] = {{"id", d->id},         {"backend", d->backend}, {"name", d->name},           {"vendor", d->vendor},
                 {"driver", d->driver}, {"version", d->version}, {"type", type_name(d->type)}};
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"memory_total", (double)d->memory_total}, {"memory_free", (double)d->memory_free}, {"max_buffer", (double)d->max_buffer},
                   {"compute_units", d->compute_units},       {"max_workgroup", d->max_workgroup},     {"shared_bytes", d->shared_bytes},
                   {"subgroup_min", d->subgroup_min},         {"subgroup_max", d->subgroup_max},       {"vector_width", d->vector_width}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) cJSON_AddStringToObject(o, texts[i].name, texts[i].value);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) cJSON_AddNumberToObject(o, numbers[i].name, numbers[i].value);
    cJSON *f = cJSON_AddArrayToObject(o, "features");
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++)
        if (d->features & features[i].bit) cJSON_AddItemToArray(f, cJSON_CreateString(features[i].name));
    cJSON *matrices = cJSON_AddArrayToObject(o, "matrices");
    for (uint32_t m = 0; m < d->matrix_count && m < 16; m++) {
        cJSON *shape = cJSON_CreateObject();
        cJSON_AddNumberToObject(shape, "m", d->matrix[m].m);
        cJSON_AddNumberToObject(shape, "n", d->matrix[m].n);
        cJSON_AddNumberToObject(shape, "k", d->matrix[m].k);
        cJSON_AddStringToObject(shape, "inputs", d->matrix[m].a);
        cJSON_AddStringToObject(shape, "accumulator", d->matrix[m].c);
        cJSON_AddItemToArray(matrices, shape);
    }
    return o;
}

int cmd_devices(int argc, const char **argv)
{
    int json = 0;
    struct poptOption options[] = {{"json", 0, POPT_ARG_NONE, &json, 0, "print JSON", NULL}, POPT_AUTOHELP POPT_TABLEEND};
    poptContext parse;
    const char **rest;
    int code = cli_parse("devices", "devices [--json]", argc, argv, options, &parse, &rest);
    if (code >= 0) return code;
    if (rest[0]) code = cli_error("devices", EXIT_INPUT, "unexpected argument '%s'", rest[0]);
    poptFreeContext(parse);
    if (code >= 0) return code;
    tsr_context *ctx;
    const tsr_status status = tsr_context_create(NULL, &ctx);
    if (status != TSR_OK) return cli_fail("devices", status);
    if (json) {
        cJSON *list = cJSON_CreateArray();
        for (size_t i = 0; i < tsr_device_count(ctx); i++) {
            tsr_device_info info;
            if (tsr_device_get_info(ctx, i, &info) == TSR_OK) cJSON_AddItemToArray(list, device_json(&info));
        }
        char *text = cJSON_Print(list);
        puts(text ? text : "[]");
        cJSON_free(text);
        cJSON_Delete(list);
    } else {
        print_table(ctx);
    }
    tsr_context_destroy(ctx);
    return EXIT_DONE;
}
