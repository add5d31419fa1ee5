/* What runs know of those before them: the tensor that a step had in the run before, and the number of the run. */
#include <stdlib.h>
#include <string.h>

#include "flow.h"

flow_tensor flow_run_number(tsr_flow *f)
{
    flow_tensor t = {.buffer = f->run, .dtype = TSR_F32, .shape = {1, 1, 1, 1}, .stride = {1, 1, 1, 1}};
    if (f->run >= 0) return t;
    t = flow_new(f, 1, 1, 1, 1);
    if (f->r->status != TSR_OK) return t;
    f->run = t.buffer;
    f->buffers[t.buffer].kept = true;
    return t;
}

/* t with the extents of another, where its own are 1. */
static flow_tensor spread_over(tsr_flow *f, flow_tensor t, const int64_t shape[4])
{
    int64_t joined[4], group;
    if (!flow_join(f, "first and like", t.shape, shape, joined)) return t;
    if (memcmp(joined, shape, sizeof(joined)) != 0)
        tsr_reader_fail(f->r, "has 'first' of more elements than 'like'; expected as many, or 1 along an axis");
    flow_strides(&t, shape, t.stride, &group);
    if (group == 1) memcpy(t.shape, shape, sizeof(t.shape));
    return t;
}

/* Until its first run is over, a flow has no run before: then it is what `first` says. */
flow_value flow_op_previous(tsr_flow *f, tsr_fields *p)
{
    flow_value value = {.kind = FLOW_NOTHING};
    const cJSON *of = tsr_fields_get(p, "of");
    const flow_tensor like = flow_tensor_of(f, p, "like", true);
    flow_tensor first = flow_tensor_of(f, p, "first", false);
    if (!cJSON_IsString(of)) tsr_reader_fail(f->r, "has no 'of', the name of a step");
    if (f->memory) tsr_reader_fail(f->r, "stands within what is remembered; expected it outside, where every run comes by");
    if (f->r->status == TSR_OK && !flow_given(&first)) first = flow_number_tensor(f, 0);
    if (f->r->status == TSR_OK) first = spread_over(f, first, like.shape);
    flow_recall *recalls = f->r->status == TSR_OK ? realloc(f->recalls, (size_t)(f->recall_count + 1) * sizeof(*recalls)) : NULL;
    if (!recalls) {
        if (f->r->status == TSR_OK) f->r->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a step");
        return value;
    }
    f->recalls = recalls;
    const flow_tensor kept = flow_new(f, like.shape[0], like.shape[1], like.shape[2], like.shape[3]);
    f->memory = flow_memory_open(f, 0);
    flow_copy(f, first, kept);
    f->memory = 0;
    if (f->r->status != TSR_OK) return value;
    f->buffers[kept.buffer].kept = true;
    recalls[f->recall_count++] = (flow_recall){.name = of->valuestring, .kept = kept};
    return (flow_value){.kind = FLOW_TENSOR, .tensor = kept};
}

void flow_build_recalls(tsr_flow *f, int32_t first)
{
    for (int32_t i = first; i < f->recall_count && f->r->status == TSR_OK; i++) { /* steps may add to the list */
        const flow_recall recall = f->recalls[i];
        flow_value value = {.kind = FLOW_NOTHING};
        const size_t up = tsr_reader_enter(f->r, "steps");
        if (!flow_find(f, recall.name, &value) || (value.kind != FLOW_TENSOR && value.kind != FLOW_STATE))
            tsr_reader_fail(f->r, "has no tensor '%.64s', of which the previous one is wanted", recall.name);
        else if (memcmp(value.tensor.shape, recall.kept.shape, sizeof(recall.kept.shape)) != 0)
            tsr_reader_fail(f->r, "has '%.64s' of other extents than what its previous one is like", recall.name);
        tsr_reader_leave(f->r, up);
        f->recalls[i].now = value.tensor;
    }
    for (int32_t i = first; i < f->recall_count && f->r->status == TSR_OK; i++) flow_copy(f, f->recalls[i].now, f->recalls[i].kept);
}
