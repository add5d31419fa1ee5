/* Steps that are worked out in some runs only, and are as they were in between. */
#include <stdlib.h>

#include "move.h"

int32_t flow_memory_open(tsr_flow *f, int64_t every)
{
    flow_memory *memories = realloc(f->memories, (size_t)(f->memory_count + 1) * sizeof(*memories));
    if (!memories) {
        if (f->r->status == TSR_OK) f->r->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a step that remembers");
        return 0;
    }
    f->memories = memories;
    memories[f->memory_count] = (flow_memory){every};
    return ++f->memory_count;
}

/* The elements in a tensor of their own, which nothing else writes in other runs. own: the buffers that the memory made begin here. */
static void keep(tsr_flow *f, flow_tensor *t, int32_t own)
{
    if (f->r->status != TSR_OK || !flow_given(t) || (f->buffers[t->buffer].external < 0 && f->buffers[t->buffer].data)) return;
    if (t->buffer < own || f->buffers[t->buffer].external >= 0) {
        const flow_tensor from = *t;
        *t = flow_new_typed(f, from.dtype == TSR_I32 ? TSR_I32 : TSR_F32, from.shape[0], from.shape[1], from.shape[2], from.shape[3]);
        flow_copy(f, from, *t);
    }
    if (f->r->status == TSR_OK) f->buffers[t->buffer].kept = true;
}

flow_value flow_op_remember(tsr_flow *f, tsr_fields *p)
{
    flow_value value = {.kind = FLOW_NOTHING};
    const cJSON *item = tsr_fields_get(p, "of");
    const int64_t every = flow_whole_of(f, p, "every", 0, TSR_RECIPE_MAX, 0);
    const int32_t around = f->memory, own = f->buffer_count, memory = f->r->status == TSR_OK ? flow_memory_open(f, every) : 0;
    if (!item) tsr_reader_fail(f->r, "has no 'of'");
    if (f->r->status != TSR_OK) return value;
    f->memory = memory;
    const size_t up = tsr_reader_enter(f->r, "of");
    /* A name is all that it names: tiles, states. */
    if (!cJSON_IsString(item) || !flow_find(f, item->valuestring, &value)) value = flow_item(f, item);
    tsr_reader_leave(f->r, up);
    flow_tensor *const parts[] = {&value.tensor, &value.lse};
    flow_tensor *const lists[] = {&value.tiles.order, &value.tiles.labels, &value.tiles.offsets, &value.tiles.centroids};
    if (value.kind == FLOW_TENSOR || value.kind == FLOW_STATE)
        for (int i = 0; i < (value.kind == FLOW_STATE ? 2 : 1); i++) keep(f, parts[i], own);
    if (value.kind == FLOW_TILES && value.tiles.ordered)
        for (int i = 0; i < 4; i++)
            if ((i != 2 || value.tiles.size == 0) && (i != 3 || value.tiles.clustered)) keep(f, lists[i], own);
    f->memory = around;
    return value;
}
