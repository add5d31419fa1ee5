/* tessera attend with a recipe whose schedule comes from the data. */
#include <stdlib.h>
#include <string.h>

#include "attend.h"
#include "file_tensors.h"
#include "named_numbers.h"
#include "recipe_file.h"

/* Options that say what such a recipe says itself. */
static int refuse_options(const attend *a)
{
    const struct {
        const char *name;
        bool given;
    } options[] = {{"--scale", a->scale_text}, {"--softcap", a->softcap_text}, {"--causal", a->causal && !a->compare}, {"--window", a->window},
                   {"--align", a->align},      {"--set", a->set_text},         {"--document-lengths", a->documents},   {"--sinks", a->sinks},
                   {"--mask", a->mask_text},   {"--score", a->score},          {"--scalar", a->scalar_texts},          {"--splits", a->splits},
                   {"--tile", a->tile},        {"--key-sums", a->key_sums},    {"--block-sums", a->block_sums},        {"--map-rows", a->map_rows}};
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (options[i].given)
            return cli_error(ATTEND_NAME, EXIT_INPUT, "argument %s is given beside a recipe with steps; expected --parameter", options[i].name);
    return -1;
}

static bool any_causal(const cJSON *item)
{
    bool causal = item->string && strcmp(item->string, "causal") == 0 && cJSON_IsTrue(item);
    for (const cJSON *child = item->child; child && !causal; child = child->next) causal = any_causal(child);
    return causal;
}

static tsr_status summarise(attend *a, flow_call *c)
{
    attend_summary *s = &a->summary;
    s->steps = true;
    s->flow = c->report;
    s->density = c->report.density;
    s->tiles_visited = c->report.tiles_visited, s->tiles_dense = c->report.tiles_dense;
    s->heads = (size_t)(a->desc.q.shape[0] * a->desc.q.shape[1]);
    if (!(s->by_head = calloc(s->heads + 1, sizeof(*s->by_head)))) return TSR_ERROR_HOST_MEMORY;
    const tsr_status status = tsr_flow_density(c->flow, s->by_head, s->heads);
    return status == TSR_OK ? tsr_flow_get_info(c->flow, &s->flow_info) : status;
}

static int run(attend *a, flow_call *c, const cJSON *recipe)
{
    int code = cli_open(ATTEND_NAME, &a->device);
    if (code >= 0) return code;
    c->dev = a->device.dev;
    cli_catch();
    cli_cancels(&a->device);
    cli_waits_first(&a->device);
    tsr_status s = flow_call_prepare(c);
    if (s == TSR_OK) s = attend_upload(a);
    c->q.buffer = a->buffers[0], c->k.buffer = a->buffers[1], c->v.buffer = a->buffers[2], c->o.buffer = a->buffers[6], c->lse.buffer = a->buffers[7];
    const double start = cli_now();
    if (s == TSR_OK) s = flow_call_run(c);
    a->seconds = cli_now() - start;
    cli_waits_end();
    if (s == TSR_OK) s = summarise(a, c);
    if (s != TSR_OK) return recipe_fail(ATTEND_NAME, s);
    if ((code = attend_save(a)) >= 0 || (code = attend_compare(a, a->causal || any_causal(recipe))) >= 0) return code;
    attend_report(a);
    return EXIT_DONE;
}

static int with_steps(attend *a, const char *text, const cJSON *recipe)
{
    named_numbers parameters = {0};
    flow_call c = {.desc = {.text = text, .q = a->desc.q, .k = a->desc.k, .v = a->desc.v, .o = a->desc.o, .lse = a->desc.lse}};
    int code = refuse_options(a);
    a->has_bias = a->has_mask = a->has_sink = false; /* tensors of these names are the recipe's, if it has such inputs */
    a->desc.bias = a->desc.mask = a->desc.sink = (tsr_layout){0};
    if (code < 0) code = recipe_parse_axes(ATTEND_NAME, "--grid", a->grid_text, c.desc.grid) ? -1 : EXIT_INPUT;
    if (code < 0) code = named_numbers_read(ATTEND_NAME, "--parameter", a->parameter_texts, &parameters);
    if (code < 0) code = file_inputs(ATTEND_NAME, a->file, recipe, &c);
    c.desc.parameters = parameters.numbers, c.desc.parameter_count = parameters.count;
    if (code < 0) code = run(a, &c, recipe);
    flow_call_close(&c);
    named_numbers_free(&parameters);
    return code;
}

int attend_flow(attend *a)
{
    char *text = a->recipe_name ? recipe_file_read(ATTEND_NAME, a->recipe_name) : NULL;
    if (a->recipe_name && !text) return EXIT_INPUT;
    cJSON *recipe = text ? recipe_json(text) : NULL;
    int code = -1;
    if (recipe && recipe_has_steps(recipe) && a->explain)
        code = cli_error(ATTEND_NAME, EXIT_INPUT, "argument --explain is given with a recipe with steps; expected one that says all by itself");
    else if (recipe && recipe_has_steps(recipe))
        code = with_steps(a, text, recipe);
    else if (a->parameter_texts)
        code = cli_error(ATTEND_NAME, EXIT_INPUT, "argument --parameter is given without a recipe with steps");
    cJSON_Delete(recipe);
    free(text);
    return code;
}
