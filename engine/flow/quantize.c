/* Few bits: values rounded to whole multiples of a step that the largest of their group sets. */
#include <math.h>
#include <string.h>

#include "move.h"

/* The largest of each group, repeated where groups are of several rows; size 0: all rows. */
static flow_tensor largest(tsr_flow *f, flow_tensor of, bool columns, int64_t size)
{
    const flow_tiles all = {.size = 0}, groups = {.size = size};
    const flow_named x = {"x", of};
    flow_tensor top = flow_compute(f, "abs(x)", &x, 1);
    if (!columns) top = flow_pool(f, top, FLOW_COLUMNS, &all, FLOW_MAX, NULL);
    if (size == 1) return top;
    top = flow_pool(f, top, FLOW_ROWS, size ? &groups : &all, FLOW_MAX, NULL);
    if (size == 0 || f->r->status != TSR_OK) return top;
    const flow_tensor each = flow_new(f, top.shape[0], top.shape[1], of.shape[FLOW_ROWS], 1);
    flow_move(f, &(flow_moving){.from = top, .to = each, .axis = FLOW_ROWS, .div = size});
    return each;
}

flow_value flow_op_quantize(tsr_flow *f, tsr_fields *p)
{
    static const char *const ways[] = {"all", "row", "column", NULL};
    const flow_tensor of = flow_tensor_of(f, p, "of", true);
    const int64_t bits = flow_whole_of(f, p, "bits", 2, 16, 8);
    const cJSON *per = tsr_fields_get(p, "per");
    bool named = !per;
    int way = 0;
    for (int i = 0; i < 3 && cJSON_IsString(per); i++)
        if (strcmp(per->valuestring, ways[i]) == 0) way = i, named = true;
    const int64_t size = !named ? flow_whole_of(f, p, "per", 1, TSR_RECIPE_MAX, 1) : way == 1 ? 1 : 0;
    const flow_tensor top = largest(f, of, way == 2, size);
    const flow_tensor levels = flow_number_tensor(f, exp2((double)bits - 1) - 1);
    const flow_named tensors[] = {{"x", of}, {"top", top}, {"levels", levels}};
    return (flow_value){.kind = FLOW_TENSOR, .tensor = flow_compute(f, "top > 0 ? round(x / (top / levels)) * (top / levels) : x", tensors, 3)};
}
