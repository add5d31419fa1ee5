/* The steps of a recipe: their names, and the one that is the result. */
#include "flow.h"

#include <inttypes.h>
#include <string.h>

void flow_list_steps(tsr_flow *f, const cJSON *object)
{
    const cJSON *item;
    const size_t up = tsr_reader_enter(f->r, "steps");
    (void)tsr_fields_open(f->r, object);
    cJSON_ArrayForEach(item, object)
    {
        if (f->r->status != TSR_OK) break;
        const size_t deeper = tsr_reader_enter(f->r, item->string);
        if (f->step_count >= FLOW_STEPS) tsr_reader_fail(f->r, "is one of too many steps; expected at most %d", FLOW_STEPS);
        for (int32_t i = 0; i < f->step_count; i++)
            if (strcmp(f->steps[i].name, item->string) == 0) tsr_reader_fail(f->r, "is there twice");
        if (!item->string[0] || strpbrk(item->string, ". ")) tsr_reader_fail(f->r, "is no name; expected one without points and blanks");
        if (flow_name_taken(f, item->string)) tsr_reader_fail(f->r, "has the name of an input, a parameter, an extent or a place; expected another");
        tsr_reader_leave(f->r, deeper);
        if (f->r->status == TSR_OK) f->steps[f->step_count++] = (flow_step){.name = item->string, .item = item};
    }
    tsr_reader_leave(f->r, up);
}

/* The result, into o and lse of the call where it did not go there by itself. */
static void write_output(tsr_flow *f, const char *name, const flow_value *v)
{
    const tsr_flow_desc *d = &f->desc;
    const flow_tensor to = flow_laid_out(&d->o, FLOW_O);
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
    if (v->lse.buffer != FLOW_LSE) flow_copy(f, v->lse, flow_laid_out(&d->lse, FLOW_LSE));
}

void flow_build_output(tsr_flow *f, tsr_fields *fields)
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
    /* What the next run recalls is put away when nothing reads it any more. */
    if (!f->desc.keep) flow_build_recalls(f, 0);
    /* What nothing needs is checked too, and can be read. */
    const int32_t launches = f->launch_count, buffers = f->buffer_count, attends = f->attend_count, checks = f->check_count,
                  recalls = f->recall_count;
    for (int32_t i = 0; i < f->step_count && f->r->status == TSR_OK; i++)
        if (f->steps[i].state == 0) (void)flow_find(f, f->steps[i].name, &value);
    flow_build_recalls(f, f->desc.keep ? 0 : recalls);
    if (f->desc.keep) return;
    f->launch_count = launches;
    f->attend_count = attends; /* reports tell of what runs */
    f->check_count = checks;
    f->recall_count = recalls;
    if (checks == 0) f->flags = -1;
    for (int32_t n = buffers; n < f->buffer_count; n++) f->buffers[n].last = -1;
}
