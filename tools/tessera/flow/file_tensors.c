/* Tensors of a file as those of a call. */
#include "file_tensors.h"

#include <stdio.h>

#include "cli.h"

static const char *const names[3] = {"q", "k", "v"};

/* As four axes, those that the file leaves out in front. */
static int as_layout(const char *command, const tsr_tensor_view *view, uint32_t least, tsr_layout *out)
{
    if (view->rank < least || view->rank > 4)
        return cli_error(command, EXIT_INPUT, "tensor '%s' has rank %u; expected %u to 4", view->name, view->rank, least);
    *out = (tsr_layout){.dtype = view->dtype, .shape = {1, 1, 1, 1}};
    for (uint32_t axis = 0; axis < view->rank; axis++) out->shape[4 - view->rank + axis] = view->shape[axis];
    return -1;
}

int file_inputs(const char *command, const tsr_tensors *file, const cJSON *recipe, flow_call *c)
{
    const cJSON *input;
    int code = -1;
    cJSON_ArrayForEach(input, cJSON_GetObjectItemCaseSensitive(recipe, "inputs"))
    {
        tsr_tensor_view view;
        if (code >= 0 || c->input_count == FLOW_CALL_INPUTS || tsr_tensors_find(file, input->string, &view) != TSR_OK) continue;
        flow_call_input *i = &c->inputs[c->input_count++];
        *i = (flow_call_input){.data = view.data, .size = view.size};
        snprintf(i->name, sizeof(i->name), "%s", input->string);
        code = as_layout(command, &view, 1, &i->layout);
    }
    return code;
}

int file_tensors_open(const char *command, const char *path, const cJSON *recipe, flow_call *c, file_tensors *t)
{
    tsr_layout *const layouts[3] = {&c->desc.q, &c->desc.k, &c->desc.v};
    tsr_status s = tsr_tensors_open(path, &t->file);
    for (int i = 0; i < 3 && s == TSR_OK; i++) {
        s = tsr_tensors_find(t->file, names[i], &t->views[i]);
        if (s != TSR_OK) continue;
        const int code = as_layout(command, &t->views[i], 2, layouts[i]);
        if (code >= 0) return code;
    }
    if (s != TSR_OK) return cli_fail(command, s);
    c->desc.o = (tsr_layout){TSR_F32, {c->desc.q.shape[0], c->desc.q.shape[1], c->desc.q.shape[2], c->desc.v.shape[3]}, {0}};
    return file_inputs(command, t->file, recipe, c);
}

tsr_status file_tensors_upload(file_tensors *t, flow_call *c)
{
    tsr_span *const spans[4] = {&c->q, &c->k, &c->v, &c->o};
    const int64_t *o = c->desc.o.shape;
    tsr_status s = TSR_OK;
    for (int i = 0; i < 4 && s == TSR_OK; i++) {
        s = tsr_buffer_create(c->dev, i < 3 ? t->views[i].size : (uint64_t)(o[0] * o[1] * o[2] * o[3]) * 4, &t->buffers[i]);
        if (s == TSR_OK && i < 3) s = tsr_buffer_write(t->buffers[i], 0, t->views[i].data, t->views[i].size);
        *spans[i] = (tsr_span){t->buffers[i], 0};
    }
    return s;
}

void file_tensors_close(file_tensors *t)
{
    for (int i = 0; i < 4; i++) tsr_buffer_destroy(t->buffers[i]);
    tsr_tensors_close(t->file);
}
