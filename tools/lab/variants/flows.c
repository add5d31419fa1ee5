/* Recipes whose steps, together, need every kernel of flows; and the kernel of the device's ceiling. */
#include <stdio.h>
#include <stdlib.h>

#include "tessera/tessera_flow.h"
#include "variants.h"

typedef struct flow_case {
    const char *recipe;
    bool quick;
    int64_t tokens;
} flow_case;

static const flow_case flows[] = {{"dhsa", true, 4096},
                                  {"dam", true, 4096},
                                  {"anchor_attention", true, 4096},
                                  {"routing_transformer", true, 4096},
                                  {"sage_attention", false, 8192},
                                  {"sla", false, 32760},
                                  {"xattention", false, 8192},
                                  {"minference", false, 8192}};

static char *read_text(const char *folder, const char *recipe)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s.json", folder, recipe);
    FILE *file = fopen(path, "rb");
    char *text = file ? calloc(1, 1 << 20) : NULL;
    if (text && fread(text, 1, (1 << 20) - 1, file) == 0) {
        free(text);
        text = NULL;
    }
    if (file) fclose(file);
    return text;
}

static tsr_status prepare(lab *l, const flow_case *c, tsr_dtype dtype)
{
    char *text = read_text(l->recipes, c->recipe);
    if (!text) return tsr_fail(TSR_ERROR_FILE, "recipe %s/%s.json cannot be read", l->recipes, c->recipe);
    const tsr_layout rows = {.dtype = dtype, .shape = {1, 8, c->tokens, 64}};
    const tsr_flow_desc desc = {.text = text, .q = rows, .k = rows, .v = rows, .o = rows};
    tsr_flow *flow = NULL;
    const tsr_status status = tsr_flow_prepare(l->dev, &desc, &flow);
    tsr_flow_destroy(flow);
    free(text);
    return status;
}

void lab_flows(lab *l)
{
    double rate;
    if (lab_begin(l, true, "peak")) lab_end(l, tsr_device_peak(l->dev, &rate));
    if (lab_begin(l, true, "bandwidth")) lab_end(l, tsr_device_bandwidth(l->dev, &rate));
    if (lab_begin(l, true, "matrix peak")) lab_end(l, tsr_device_matrix_peak(l->dev, &rate));
    for (size_t i = 0; i < sizeof(flows) / sizeof(flows[0]); i++)
        if (lab_begin(l, flows[i].quick, "flow f16 %s", flows[i].recipe)) lab_end(l, prepare(l, &flows[i], TSR_F16));
}
