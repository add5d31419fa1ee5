/* A recipe's inputs on the device, its run and its report. */
#include "call.h"

#include <stdlib.h>

tsr_status flow_call_prepare(flow_call *c)
{
    tsr_flow_input inputs[FLOW_CALL_INPUTS];
    for (size_t i = 0; i < c->input_count; i++) inputs[i] = (tsr_flow_input){c->inputs[i].name, c->inputs[i].layout};
    c->desc.inputs = inputs;
    c->desc.input_count = c->input_count;
    tsr_status s = tsr_flow_prepare(c->dev, &c->desc, &c->flow);
    c->desc.inputs = NULL;
    for (size_t i = 0; i < c->input_count && s == TSR_OK; i++) {
        s = tsr_buffer_create(c->dev, c->inputs[i].size, &c->buffers[i]);
        if (s == TSR_OK) s = tsr_buffer_write(c->buffers[i], 0, c->inputs[i].data, c->inputs[i].size);
    }
    return s;
}

tsr_status flow_call_run(flow_call *c)
{
    tsr_span inputs[FLOW_CALL_INPUTS];
    for (size_t i = 0; i < c->input_count; i++) inputs[i] = (tsr_span){c->buffers[i], 0};
    const tsr_flow_args args = {.q = c->q, .k = c->k, .v = c->v, .o = c->o, .lse = c->lse, .inputs = inputs, .timed = 1};
    const tsr_status s = tsr_flow_run(c->flow, &args);
    return s == TSR_OK ? tsr_flow_get_report(c->flow, &c->report) : s;
}

void flow_call_close(flow_call *c)
{
    tsr_flow_destroy(c->flow);
    for (size_t i = 0; i < c->input_count; i++) tsr_buffer_destroy(c->buffers[i]);
}
