/* Attention over whole sets within a flow: a plan of its own, run in its turn. */
#include <stdlib.h>
#include <string.h>

#include "flow.h"

tsr_layout flow_layout(const flow_tensor *t)
{
    tsr_layout l = {.dtype = t->dtype};
    if (!flow_given(t)) return (tsr_layout){0};
    memcpy(l.shape, t->shape, sizeof(l.shape));
    memcpy(l.stride, t->stride, sizeof(l.stride));
    /* All zero would mean packed: a step along an axis of 1 is never made. */
    for (int i = 0; i < 4; i++)
        if (l.shape[i] == 1 && l.stride[i] == 0) l.stride[i] = 1;
    return l;
}

flow_tensor flow_laid_out(const tsr_layout *l, int32_t buffer)
{
    flow_tensor t = {.buffer = buffer, .dtype = l->dtype};
    memcpy(t.shape, l->shape, sizeof(t.shape));
    memcpy(t.stride, l->stride, sizeof(t.stride));
    return t;
}

void flow_plan_keep(tsr_flow *f, tsr_attention *plan)
{
    tsr_attention **p = realloc(f->plans, (size_t)(f->plan_count + 1) * sizeof(tsr_attention *));
    if (!p) {
        tsr_attention_destroy(plan);
        if (f->r->status == TSR_OK) f->r->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a plan");
        return;
    }
    f->plans = p;
    f->plans[f->plan_count++] = plan;
}

flow_attend *flow_attend_add(tsr_flow *f, tsr_attention *plan, bool whole)
{
    if (f->r->status != TSR_OK) return NULL;
    flow_attend *p = realloc(f->attends, (size_t)(f->attend_count + 1) * sizeof(*p));
    if (!p) {
        f->r->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a plan");
        return NULL;
    }
    f->attends = p;
    p[f->attend_count] = (flow_attend){.counts = {.buffer = -1}, .plan = plan, .whole = whole};
    return &p[f->attend_count++];
}

void flow_plan(tsr_flow *f, const tsr_attention_desc *desc, const flow_tensor *const *bindings, int count)
{
    tsr_attention *plan = NULL;
    if (f->r->status != TSR_OK) return;
    tsr_reader_pass(f->r, tsr_attention_prepare(f->dev, desc, &plan));
    if (f->r->status != TSR_OK) return;
    flow_plan_keep(f, plan);
    flow_launch *l = flow_launch_add(f);
    if (!l) return;
    l->plan = plan;
    l->attends = true;
    for (int i = 0; i < count; i++) flow_bind(f, l, bindings[i]);
    flow_attend_add(f, plan, bindings[0]->buffer == FLOW_Q && bindings[1]->buffer == FLOW_K);
}
