/* What a recipe computes with: extents, parameters, tensors that callers give by name. */
#include "flow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

flow_tensor flow_external(tsr_flow *f, const tsr_layout *l, int32_t which)
{
    const int32_t buffer = flow_buffer_add(f, 0, which);
    return tsr_layout_wanted(l) ? flow_laid_out(l, buffer) : (flow_tensor){.buffer = buffer, .dtype = l->dtype, .shape = {1, 1, 1, 1}};
}

static void add_scalar(tsr_flow *f, const char *name, double value) { f->scalars[f->scalar_count++] = (flow_scalar){name, value}; }

void flow_read_extents(tsr_flow *f)
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
void flow_read_parameters(tsr_flow *f, tsr_fields *fields)
{
    const cJSON *object = tsr_fields_get(fields, "parameters"), *item;
    const size_t up = tsr_reader_enter(f->r, "parameters");
    const int32_t first = f->scalar_count;
    if (object) {
        tsr_fields p = tsr_fields_open(f->r, object);
        cJSON_ArrayForEach(item, object)
        {
            if (f->r->status != TSR_OK) break; /* the items of a list have no names */
            const size_t deeper = tsr_reader_enter(f->r, item->string);
            double value = 0;
            if (flow_name_taken(f, item->string)) tsr_reader_fail(f->r, "is an extent, a place or there twice; expected another name");
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
        value.tensor = flow_external(f, &checked, FLOW_INPUTS + (int32_t)i);
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

void flow_read_inputs(tsr_flow *f, tsr_fields *fields)
{
    const cJSON *object = tsr_fields_get(fields, "inputs"), *item;
    if (!object) return;
    const size_t up = tsr_reader_enter(f->r, "inputs");
    (void)tsr_fields_open(f->r, object);
    cJSON_ArrayForEach(item, object)
    {
        if (f->r->status != TSR_OK) break;
        const size_t deeper = tsr_reader_enter(f->r, item->string);
        if (flow_name_taken(f, item->string)) tsr_reader_fail(f->r, "is a parameter, an extent, a place or there twice; expected another name");
        if (f->input_count >= FLOW_STEPS) tsr_reader_fail(f->r, "is one of too many inputs; expected at most %d", FLOW_STEPS);
        const flow_value value = f->r->status == TSR_OK ? read_input(f, item) : (flow_value){0};
        tsr_reader_leave(f->r, deeper);
        if (f->r->status != TSR_OK) break;
        f->input_names[f->input_count] = item->string;
        f->inputs[f->input_count++] = value;
    }
    tsr_reader_leave(f->r, up);
}
