/* Making flows: a recipe's JSON is read, its steps become launches, and all memory is allocated. */
#include "flow.h"

#include <stdlib.h>
#include <string.h>

static tsr_status check_desc(tsr_flow *f, const tsr_flow_desc *d)
{
    if (!d->text) return tsr_fail(TSR_ERROR_ARGUMENT, "argument text is NULL");
    if (d->keep > 1) return tsr_fail(TSR_ERROR_ARGUMENT, "argument keep is %u; expected 0 or 1", d->keep);
    for (size_t i = 0; i < sizeof(d->reserved) / sizeof(d->reserved[0]); i++)
        if (d->reserved[i]) return tsr_fail(TSR_ERROR_ARGUMENT, "argument reserved[%zu] is %u; expected 0", i, d->reserved[i]);
    if (d->input_count && !d->inputs) return tsr_fail(TSR_ERROR_ARGUMENT, "argument inputs is NULL; expected %zu", d->input_count);
    if (d->parameter_count && !d->parameters) return tsr_fail(TSR_ERROR_ARGUMENT, "argument parameters is NULL; expected %zu", d->parameter_count);
    if (d->input_count > FLOW_STEPS)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument input_count is %zu; expected at most %d", d->input_count, FLOW_STEPS);
    const tsr_attention_desc call = {.q = d->q, .k = d->k, .v = d->v, .o = d->o, .lse = d->lse};
    tsr_attention_desc checked;
    const tsr_status s = tsr_attention_validate(&call, &checked);
    if (s != TSR_OK) return s;
    f->desc = *d;
    f->desc.q = checked.q, f->desc.k = checked.k, f->desc.v = checked.v, f->desc.o = checked.o, f->desc.lse = checked.lse;
    return TSR_OK;
}

/* The caller's inputs, whose layouts runs are checked against. */
static tsr_status copy_inputs(tsr_flow *f)
{
    tsr_flow_input *own = calloc(f->desc.input_count + 1, sizeof(*own));
    const tsr_flow_input *given = f->desc.inputs;
    f->own_inputs = own;
    f->desc.inputs = own;
    if (!own) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %zu inputs", f->desc.input_count);
    for (size_t i = 0; i < f->desc.input_count; i++) {
        if (!given[i].name) return tsr_fail(TSR_ERROR_ARGUMENT, "argument inputs[%zu].name is NULL", i);
        own[i].layout = given[i].layout;
        if (!(own[i].name = strdup(given[i].name))) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a name");
    }
    return TSR_OK;
}

/* q, k, v, o and lse: the first buffers. */
static void add_call(tsr_flow *f)
{
    const tsr_layout *const layouts[] = {&f->desc.q, &f->desc.k, &f->desc.v, &f->desc.o, &f->desc.lse};
    for (int32_t i = 0; i < FLOW_INPUTS; i++) {
        const flow_tensor t = flow_external(f, layouts[i], i);
        if (i < 3) f->call[i] = (flow_value){.kind = FLOW_TENSOR, .tensor = t};
    }
}

static void read_steps(tsr_flow *f, const cJSON *root)
{
    tsr_names names = {0};
    tsr_packing packing = {0};
    const tsr_recipe_desc of_sets = {.grid = {f->desc.grid[0], f->desc.grid[1], f->desc.grid[2]}, .nq = f->desc.q.shape[2], .nk = f->desc.k.shape[2]};
    tsr_fields fields = tsr_fields_open(f->r, root);
    f->build->names = &names;
    tsr_recipe_words(f->r, &fields, &f->name);
    tsr_recipe_sequence(f->build, &fields, &of_sets, &packing);
    if (f->build->segmented) tsr_reader_fail(f->r, "has 'segments' beside 'steps'; expected one sequence");
    tsr_recipe_names(f->r, &fields, &of_sets, &names);
    flow_read_extents(f);
    flow_read_parameters(f, &fields);
    flow_read_inputs(f, &fields);
    const cJSON *steps = tsr_fields_get(&fields, "steps");
    if (f->r->status == TSR_OK) flow_list_steps(f, steps);
    if (f->r->status == TSR_OK) flow_build_output(f, &fields);
    tsr_fields_close(&fields);
    tsr_recipe_names_free(&names);
    free(packing.cu_queries);
    free(packing.cu_keys);
}

/* A recipe of sets alone: one attention. */
static void read_sets(tsr_flow *f)
{
    const tsr_flow_desc *d = &f->desc;
    const tsr_recipe_desc desc = {.text = d->text,
                                  .length = d->length,
                                  .grid = {d->grid[0], d->grid[1], d->grid[2]},
                                  .nq = d->q.shape[2],
                                  .nk = d->k.shape[2],
                                  .heads = (uint32_t)d->q.shape[1]};
    tsr_recipe *recipe = NULL;
    tsr_recipe_info info;
    f->r->status = tsr_recipe_parse(&desc, &recipe);
    if (f->r->status == TSR_OK && d->parameter_count)
        f->r->status = tsr_fail(TSR_ERROR_ARGUMENT, "argument parameters[0] is '%.64s'; the recipe has no parameters", d->parameters[0].name);
    if (f->r->status == TSR_OK) f->r->status = tsr_recipe_get_info(recipe, &info);
    if (f->r->status == TSR_OK && !(f->name = strdup(info.name))) f->r->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a name");
    if (f->r->status == TSR_OK) {
        const tsr_attention_desc attention = {.q = d->q,
                                              .k = d->k,
                                              .v = d->v,
                                              .o = d->o,
                                              .lse = d->lse,
                                              .scale = info.scale,
                                              .softcap = info.softcap,
                                              .sets = info.sets,
                                              .set_count = info.set_count,
                                              .set_of = info.set_of_head,
                                              .set_of_count = info.set_count ? info.heads : 0,
                                              .score = info.score};
        const flow_tensor tensors[] = {
            f->call[0].tensor, f->call[1].tensor, f->call[2].tensor, {.buffer = FLOW_O}, {.buffer = tsr_layout_wanted(&d->lse) ? FLOW_LSE : -1}};
        const flow_tensor *const bindings[] = {&tensors[0], &tensors[1], &tensors[2], &tensors[3], &tensors[4]};
        flow_plan(f, &attention, bindings, 5);
    }
    tsr_recipe_destroy(recipe);
}

static double formula(void *user, const char *text) { return flow_formula(user, text); }

static tsr_status build(tsr_flow *f, const tsr_flow_desc *desc)
{
    const tsr_recipe_desc text = {.text = desc->text, .length = desc->length};
    tsr_build b = {.r = {.text = desc->text, .text_size = desc->length ? desc->length : desc->text ? strlen(desc->text) : 0}};
    cJSON *root = NULL;
    f->r = &b.r, f->build = &b;
    b.r.formula = formula, b.r.user = f;
    f->steps = calloc(FLOW_STEPS, sizeof(*f->steps));
    f->scalars = calloc(2 * FLOW_STEPS, sizeof(*f->scalars));
    f->inputs = calloc(FLOW_STEPS, sizeof(*f->inputs));
    f->input_names = calloc(FLOW_STEPS, sizeof(*f->input_names));
    f->input_used = calloc(FLOW_STEPS, sizeof(*f->input_used));
    if (!f->steps || !f->scalars || !f->inputs || !f->input_names || !f->input_used)
        b.r.status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a recipe");
    else
        b.r.status = tsr_recipe_json(&text, &root);
    if (b.r.status == TSR_OK) add_call(f);
    if (b.r.status == TSR_OK && cJSON_GetObjectItemCaseSensitive(root, "steps"))
        read_steps(f, root);
    else if (b.r.status == TSR_OK)
        read_sets(f);
    for (int32_t i = 0; i < f->step_count; i++) { /* for tsr_flow_read */
        f->steps[i].name = strdup(f->steps[i].name);
        f->steps[i].memory = 0;
        if (!f->steps[i].name && b.r.status == TSR_OK) b.r.status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a name");
    }
    f->own_names = true;
    f->input_count = 0;
    cJSON_Delete(root);
    tsr_build_clear(&b);
    for (size_t i = 0; i < b.expression_count; i++) tsr_expression_destroy(b.expressions[i]);
    free(b.expressions);
    f->r = NULL, f->build = NULL;
    return b.r.status == TSR_OK ? flow_allocate(f) : b.r.status;
}

tsr_status tsr_flow_prepare(tsr_device *dev, const tsr_flow_desc *desc, tsr_flow **out)
{
    if (!dev || !desc || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !dev ? "dev" : desc ? "out" : "desc");
    *out = NULL;
    tsr_flow *f = calloc(1, sizeof(*f));
    if (!f) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a flow");
    f->dev = dev;
    f->tile = tsr_tile_for(&dev->info);
    f->lanes = f->tile == TSR_TILE_VECTOR ? 1 : f->tile == TSR_TILE_SUBGROUP ? (int32_t)dev->info.subgroup_max : 64;
    f->flags = f->run = -1;
    tsr_status s = check_desc(f, desc);
    if (s == TSR_OK) s = copy_inputs(f);
    if (s == TSR_OK) s = build(f, desc);
    if (s != TSR_OK) {
        tsr_flow_destroy(f);
        return s;
    }
    /* What the caller's pointers say was read. */
    f->desc.text = NULL, f->desc.parameters = NULL;
    *out = f;
    return TSR_OK;
}

void tsr_flow_destroy(tsr_flow *f)
{
    if (!f) return;
    for (int32_t i = 0; i < f->step_count && f->own_names; i++) free((char *)f->steps[i].name);
    for (int32_t i = 0; i < f->buffer_count; i++) free(f->buffers[i].data);
    for (int32_t i = 0; i < f->plan_count; i++) tsr_attention_destroy(f->plans[i]);
    for (size_t i = 0; i < f->desc.input_count && f->own_inputs; i++) free((char *)f->own_inputs[i].name);
    free(f->own_inputs);
    tsr_buffer_destroy(f->arena);
    tsr_buffer_destroy(f->params_buffer);
    free(f->plans);
    free(f->attends);
    free(f->memories);
    free(f->recalls);
    free(f->checks);
    free(f->steps);
    free(f->scalars);
    free(f->inputs);
    free(f->input_names);
    free(f->input_used);
    free(f->buffers);
    free(f->launches);
    free(f->params);
    free(f->name);
    free(f);
}
