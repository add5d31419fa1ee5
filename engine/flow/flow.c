/* Making flows: a recipe's JSON is read, its steps become launches, and all memory is allocated. */
#include "flow.h"

#include <inttypes.h>
#include <stdio.h>
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

static flow_tensor external(tsr_flow *f, const tsr_layout *l, int32_t which)
{
    flow_tensor t = {.buffer = -1, .dtype = l->dtype, .shape = {1, 1, 1, 1}};
    t.buffer = flow_buffer_add(f, 0, which);
    if (!tsr_layout_wanted(l)) return t;
    memcpy(t.shape, l->shape, sizeof(t.shape));
    memcpy(t.stride, l->stride, sizeof(t.stride));
    return t;
}

/* q, k, v, o and lse: the first buffers. */
static void add_call(tsr_flow *f)
{
    const tsr_layout *const layouts[] = {&f->desc.q, &f->desc.k, &f->desc.v, &f->desc.o, &f->desc.lse};
    for (int32_t i = 0; i < FLOW_INPUTS; i++) {
        const flow_tensor t = external(f, layouts[i], i);
        if (i < 3) f->call[i] = (flow_value){.kind = FLOW_TENSOR, .tensor = t};
    }
}

static void add_scalar(tsr_flow *f, const char *name, double value) { f->scalars[f->scalar_count++] = (flow_scalar){name, value}; }

static void add_extents(tsr_flow *f)
{
    const tsr_flow_desc *d = &f->desc;
    const tsr_build *b = f->build;
    add_scalar(f, "B", (double)d->q.shape[0]);
    add_scalar(f, "H", (double)d->q.shape[1]);
    add_scalar(f, "Hkv", (double)d->k.shape[1]);
    add_scalar(f, "Nq", (double)d->q.shape[2]);
    add_scalar(f, "Nk", (double)d->k.shape[2]);
    add_scalar(f, "D", (double)d->q.shape[3]);
    add_scalar(f, "Dv", (double)d->v.shape[3]);
    add_scalar(f, "grid_t", b->gridded ? (double)b->grid[0] : 0);
    add_scalar(f, "grid_h", b->gridded ? (double)b->grid[1] : 0);
    add_scalar(f, "grid_w", b->gridded ? (double)b->grid[2] : 0);
    add_scalar(f, "text_before", (double)b->text_before);
    add_scalar(f, "text_after", (double)b->text_after);
}

/* A caller's fp32 as the decimal number that it was written as: 0.7 of 10 are 7. */
static double meant(float x)
{
    char text[32];
    double value = (double)x;
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, (double)x);
        value = strtod(text, NULL);
        if ((float)value == x) break;
    }
    return value;
}

/* Numbers with names: the caller's values stand for the recipe's. A parameter may be a formula of those before it. */
static void read_parameters(tsr_flow *f, tsr_fields *fields)
{
    const cJSON *object = tsr_fields_get(fields, "parameters"), *item;
    const size_t up = tsr_reader_enter(f->r, "parameters");
    const int32_t first = f->scalar_count;
    if (object) {
        tsr_fields p = tsr_fields_open(f->r, object);
        cJSON_ArrayForEach(item, object)
        {
            const size_t deeper = tsr_reader_enter(f->r, item->string);
            double value = 0, known;
            if (flow_scalar_find(f, item->string, &known)) tsr_reader_fail(f->r, "is an extent or there twice; expected another name");
            if (f->scalar_count >= FLOW_STEPS) tsr_reader_fail(f->r, "is one of too many; expected fewer than %d", FLOW_STEPS - f->scalar_count);
            if (f->r->status == TSR_OK) value = flow_number(f, item);
            for (size_t i = 0; i < f->desc.parameter_count; i++)
                if (strcmp(f->desc.parameters[i].name, item->string) == 0) value = meant(f->desc.parameters[i].value);
            tsr_reader_leave(f->r, deeper);
            if (f->r->status != TSR_OK) break;
            add_scalar(f, item->string, value);
        }
        (void)p;
    }
    tsr_reader_leave(f->r, up);
    for (size_t i = 0; i < f->desc.parameter_count && f->r->status == TSR_OK; i++) {
        bool there = false;
        for (int32_t n = first; n < f->scalar_count; n++) there = there || strcmp(f->scalars[n].name, f->desc.parameters[i].name) == 0;
        if (!there)
            f->r->status = tsr_fail(TSR_ERROR_ARGUMENT, "argument parameters[%zu] is '%.64s'; the recipe has no parameter of that name", i,
                                    f->desc.parameters[i].name);
    }
}

/* One input: the caller's tensor of that name, or the default everywhere. */
static flow_value read_input(tsr_flow *f, const cJSON *item)
{
    tsr_fields p = tsr_fields_open(f->r, item);
    const cJSON *about = tsr_fields_get(&p, "about"), *fallback = tsr_fields_get(&p, "default");
    int64_t wanted[4] = {0};
    flow_value value = {.kind = FLOW_TENSOR};
    if (about && !cJSON_IsString(about)) tsr_reader_fail(f->r, "has 'about' of %s; expected a string", tsr_reader_kind(about));
    if (!flow_shape_of(f, &p, wanted)) return value;
    for (size_t i = 0; i < f->desc.input_count; i++) {
        if (strcmp(f->desc.inputs[i].name, item->string) != 0) continue;
        tsr_layout checked;
        tsr_reader_pass(f->r, tsr_layout_check(item->string, &f->desc.inputs[i].layout, false, &checked));
        if (f->r->status != TSR_OK) return value;
        f->own_inputs[i].layout = checked;
        if (checked.dtype > TSR_BF16) tsr_reader_fail(f->r, "is given as %s; expected f32, f16 or bf16", tsr_dtype_name(checked.dtype));
        for (int a = 0; a < 4; a++)
            if (checked.shape[a] != wanted[a])
                tsr_reader_fail(f->r, "is given with %" PRId64 " at axis %d; expected %" PRId64, checked.shape[a], a, wanted[a]);
        f->input_used[i] = true;
        value.tensor = external(f, &checked, FLOW_INPUTS + (int32_t)i);
        tsr_fields_close(&p);
        return value;
    }
    if (!fallback) {
        if (f->r->status == TSR_OK)
            f->r->status =
                tsr_fail(TSR_ERROR_ARGUMENT, "argument inputs has no '%.64s'; the recipe needs it, [%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "]",
                         item->string, wanted[0], wanted[1], wanted[2], wanted[3]);
        return value;
    }
    const size_t up = tsr_reader_enter(f->r, "default");
    value.tensor = flow_number_tensor(f, flow_number(f, fallback));
    tsr_reader_leave(f->r, up);
    /* The number, repeated: a view without steps. */
    for (int a = 0; a < 4; a++) value.tensor.shape[a] = wanted[a], value.tensor.stride[a] = 0;
    tsr_fields_close(&p);
    return value;
}

static void read_inputs(tsr_flow *f, tsr_fields *fields)
{
    const cJSON *object = tsr_fields_get(fields, "inputs"), *item;
    if (!object) return;
    const size_t up = tsr_reader_enter(f->r, "inputs");
    (void)tsr_fields_open(f->r, object);
    cJSON_ArrayForEach(item, object)
    {
        if (f->r->status != TSR_OK) break;
        const size_t deeper = tsr_reader_enter(f->r, item->string);
        if (f->input_count >= FLOW_STEPS) tsr_reader_fail(f->r, "is one of too many inputs; expected at most %d", FLOW_STEPS);
        const flow_value value = f->r->status == TSR_OK ? read_input(f, item) : (flow_value){0};
        tsr_reader_leave(f->r, deeper);
        if (f->r->status != TSR_OK) break;
        f->input_names[f->input_count] = item->string;
        f->inputs[f->input_count++] = value;
    }
    tsr_reader_leave(f->r, up);
}

static void list_steps(tsr_flow *f, const cJSON *object)
{
    const cJSON *item;
    const size_t up = tsr_reader_enter(f->r, "steps");
    (void)tsr_fields_open(f->r, object);
    cJSON_ArrayForEach(item, object)
    {
        if (f->r->status != TSR_OK) break;
        const size_t deeper = tsr_reader_enter(f->r, item->string);
        flow_value taken;
        double number;
        if (f->step_count >= FLOW_STEPS) tsr_reader_fail(f->r, "is one of too many steps; expected at most %d", FLOW_STEPS);
        for (int32_t i = 0; i < f->step_count; i++)
            if (strcmp(f->steps[i].name, item->string) == 0) tsr_reader_fail(f->r, "is there twice");
        if (!item->string[0] || strpbrk(item->string, ". ")) tsr_reader_fail(f->r, "is no name; expected one without points and blanks");
        const int32_t count = f->step_count;
        f->step_count = 0; /* inputs and tensors of the call alone */
        if (f->r->status == TSR_OK && (flow_scalar_find(f, item->string, &number) || flow_find(f, item->string, &taken)))
            tsr_reader_fail(f->r, "has the name of an input, a parameter or an extent; expected another");
        f->step_count = count;
        tsr_reader_leave(f->r, deeper);
        if (f->r->status == TSR_OK) f->steps[f->step_count++] = (flow_step){.name = item->string, .item = item};
    }
    tsr_reader_leave(f->r, up);
}

/* The result, into o and lse of the call where it did not go there by itself. */
static void write_output(tsr_flow *f, const char *name, const flow_value *v)
{
    const tsr_flow_desc *d = &f->desc;
    flow_tensor to = {.buffer = FLOW_O, .dtype = d->o.dtype};
    memcpy(to.shape, d->o.shape, sizeof(to.shape));
    memcpy(to.stride, d->o.stride, sizeof(to.stride));
    if (v->kind != FLOW_TENSOR && v->kind != FLOW_STATE) tsr_reader_fail(f->r, "is '%.64s', which is no tensor; expected the result", name);
    for (int i = 0; i < 4 && f->r->status == TSR_OK; i++) {
        const bool shared = i == FLOW_HEADS && v->tensor.shape[i] > 0 && to.shape[i] % v->tensor.shape[i] == 0;
        if (v->tensor.shape[i] != to.shape[i] && v->tensor.shape[i] != 1 && !shared)
            tsr_reader_fail(
                f->r, "is '%.64s' of [%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "]; expected [%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "]",
                name, v->tensor.shape[0], v->tensor.shape[1], v->tensor.shape[2], v->tensor.shape[3], to.shape[0], to.shape[1], to.shape[2],
                to.shape[3]);
    }
    if (f->r->status == TSR_OK && v->tensor.buffer != FLOW_O) flow_copy(f, v->tensor, to);
    if (!tsr_layout_wanted(&d->lse) || f->r->status != TSR_OK) return;
    if (v->kind != FLOW_STATE || !flow_given(&v->lse)) {
        f->r->status = tsr_fail(TSR_ERROR_ARGUMENT, "argument lse is wanted; the recipe's result '%.64s' has none", name);
        return;
    }
    flow_tensor lse = {.buffer = FLOW_LSE, .dtype = TSR_F32};
    memcpy(lse.shape, d->lse.shape, sizeof(lse.shape));
    memcpy(lse.stride, d->lse.stride, sizeof(lse.stride));
    if (v->lse.buffer != FLOW_LSE) flow_copy(f, v->lse, lse);
}

static void build_output(tsr_flow *f, tsr_fields *fields)
{
    const cJSON *output = tsr_fields_get(fields, "output");
    const size_t up = output ? tsr_reader_enter(f->r, "output") : f->r->length;
    const char *name = output ? cJSON_GetStringValue(output) : "o";
    flow_value value = {0};
    if (!name) {
        tsr_reader_fail(f->r, "is %s; expected the name of a step", tsr_reader_kind(output));
    } else {
        for (int32_t i = 0; i < f->step_count && !f->desc.keep; i++)
            if (strcmp(f->steps[i].name, name) == 0)
                f->output = cJSON_IsObject(f->steps[i].item) && cJSON_GetObjectItemCaseSensitive(f->steps[i].item, "attend");
        if (f->r->status == TSR_OK && !flow_find(f, name, &value)) tsr_reader_fail(f->r, "has no step '%.64s' for the result", name);
        if (f->r->status == TSR_OK) write_output(f, name, &value);
    }
    tsr_reader_leave(f->r, up);
    for (int32_t i = 0; i < f->step_count && f->r->status == TSR_OK; i++) { /* what nothing needs is checked too, and can be read */
        const int32_t launches = f->launch_count, buffers = f->buffer_count, attends = f->attend_count, checks = f->check_count;
        if (f->steps[i].state == 0) (void)flow_find(f, f->steps[i].name, &value);
        if (f->desc.keep) continue;
        f->launch_count = launches;
        f->attend_count = attends; /* reports tell of what runs */
        f->check_count = checks;
        if (checks == 0) f->flags = -1;
        for (int32_t n = buffers; n < f->buffer_count; n++) f->buffers[n].last = -1;
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
    add_extents(f);
    read_parameters(f, &fields);
    read_inputs(f, &fields);
    const cJSON *steps = tsr_fields_get(&fields, "steps");
    if (f->r->status == TSR_OK) list_steps(f, steps);
    if (f->r->status == TSR_OK) build_output(f, &fields);
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
    f->flags = -1;
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
