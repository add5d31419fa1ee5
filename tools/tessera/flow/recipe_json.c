/* What a recipe's JSON says before it is prepared. */
#include <stdio.h>
#include <string.h>

#include "call.h"

cJSON *recipe_json(const char *text)
{
    cJSON *recipe = cJSON_Parse(text);
    if (cJSON_IsObject(recipe)) return recipe;
    cJSON_Delete(recipe);
    return NULL;
}

bool recipe_has_steps(const cJSON *recipe) { return cJSON_GetObjectItemCaseSensitive(recipe, "steps") != NULL; }

/* A recipe of the same sequence and parameters, whose steps are the inputs' extents: s0, s1, ..., four for each. */
static cJSON *asking(const cJSON *recipe, const flow_call *c)
{
    static const char *const same[] = {"parameters", "grid", "text_before", "text_after", "tokens"};
    cJSON *asked = cJSON_CreateObject(), *steps = cJSON_AddObjectToObject(asked, "steps");
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(recipe, same[i]);
        if (item) cJSON_AddItemToObject(asked, same[i], cJSON_Duplicate(item, true));
    }
    cJSON_AddStringToObject(steps, "o", "q");
    for (size_t i = 0; i < c->input_count; i++) {
        const cJSON *input = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(recipe, "inputs"), c->inputs[i].name);
        const cJSON *shape = cJSON_GetObjectItemCaseSensitive(input, "shape");
        for (int axis = 0; axis < 4; axis++) {
            char name[32];
            snprintf(name, sizeof(name), "s%zu", 4 * i + (size_t)axis);
            const cJSON *extent = cJSON_GetArrayItem(shape, axis);
            cJSON_AddItemToObject(steps, name, extent ? cJSON_Duplicate(extent, true) : cJSON_CreateNull());
        }
    }
    return asked;
}

static tsr_status read_shapes(flow_call *c, const char *text)
{
    tsr_flow_desc desc = c->desc;
    tsr_flow *flow = NULL;
    desc.text = text;
    desc.v = desc.k, desc.o = desc.q, desc.keep = 1;
    desc.lse = (tsr_layout){0};
    tsr_status s = tsr_flow_prepare(c->dev, &desc, &flow);
    for (size_t i = 0; i < 4 * c->input_count && s == TSR_OK; i++) {
        char name[32];
        int64_t one[4];
        float extent = 0;
        snprintf(name, sizeof(name), "s%zu", i);
        if ((s = tsr_flow_read(flow, name, one, &extent, 1)) == TSR_OK) c->inputs[i / 4].layout.shape[i % 4] = (int64_t)extent;
    }
    tsr_flow_destroy(flow);
    return s;
}

tsr_status recipe_input_shapes(flow_call *c, const cJSON *recipe, bool without_default)
{
    const cJSON *input;
    c->input_count = 0;
    cJSON_ArrayForEach(input, cJSON_GetObjectItemCaseSensitive(recipe, "inputs"))
    {
        if (c->input_count == FLOW_CALL_INPUTS || strlen(input->string) >= FLOW_CALL_NAME) continue;
        if (without_default && cJSON_GetObjectItemCaseSensitive(input, "default")) continue;
        flow_call_input *i = &c->inputs[c->input_count++];
        *i = (flow_call_input){.layout = {.dtype = TSR_F32}};
        snprintf(i->name, sizeof(i->name), "%s", input->string);
    }
    if (c->input_count == 0) return TSR_OK;
    cJSON *asked = asking(recipe, c);
    char *text = cJSON_PrintUnformatted(asked);
    cJSON_Delete(asked);
    const tsr_status s = text ? read_shapes(c, text) : TSR_ERROR_HOST_MEMORY;
    cJSON_free(text);
    return s;
}
