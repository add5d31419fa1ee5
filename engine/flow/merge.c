/* States of attention over parts of the keys become one of their union, by log-sum-exp. */
#include "flow/join_args.h"

#include "move.h"

typedef struct join_params {
    JOIN_PARAMS(TSR_PARAM_FIELD)
} join_params;

static flow_value join(tsr_flow *f, const flow_value *a, const flow_value *b)
{
    flow_value value = {.kind = FLOW_STATE, .tensor = {.buffer = -1}, .lse = {.buffer = -1}};
    int64_t shape[4], rows[4], so[2][4], sl[2][4], group[2], lse_group[2];
    if (!flow_join(f, "of", a->tensor.shape, b->tensor.shape, shape)) return value;
    for (int i = 0; i < 4; i++) rows[i] = i == FLOW_COLUMNS ? 1 : shape[i];
    value.tensor = flow_new(f, shape[0], shape[1], shape[2], shape[3]);
    value.lse = flow_new(f, rows[0], rows[1], rows[2], rows[3]);
    const flow_value *const of[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        flow_strides(&of[i]->tensor, shape, so[i], &group[i]);
        flow_strides(&of[i]->lse, rows, sl[i], &lse_group[i]);
    }
    const flow_items items = flow_items_of(f, shape, FLOW_AXES);
    const join_params params = {.items = items.count,
                                .a0 = so[0][0],
                                .a1 = so[0][1],
                                .a2 = so[0][2],
                                .a3 = so[0][3],
                                .b0 = so[1][0],
                                .b1 = so[1][1],
                                .b2 = so[1][2],
                                .b3 = so[1][3],
                                .m0 = sl[0][0],
                                .m1 = sl[0][1],
                                .m2 = sl[0][2],
                                .n0 = sl[1][0],
                                .n1 = sl[1][1],
                                .n2 = sl[1][2],
                                .e1 = (int32_t)shape[1],
                                .e2 = (int32_t)shape[2],
                                .e3 = (int32_t)shape[3],
                                .width = items.width,
                                .blocks = items.blocks,
                                .a_group = (int32_t)group[0],
                                .b_group = (int32_t)group[1],
                                .m_group = (int32_t)lse_group[0],
                                .n_group = (int32_t)lse_group[1]};
    const flow_tensor *const bindings[] = {&a->tensor, &a->lse, &b->tensor, &b->lse, &value.tensor, &value.lse};
    flow_add(f, "join", NULL, &params, sizeof(params), bindings, 6, flow_groups(f, items.count));
    return value;
}

/* A name is the state itself; as an expression it would be the output alone. */
static flow_value state_of(tsr_flow *f, const cJSON *item)
{
    flow_value value = {.kind = FLOW_NOTHING};
    if (!cJSON_IsString(item) || !flow_find(f, item->valuestring, &value)) value = flow_item(f, item);
    if (f->r->status == TSR_OK && value.kind != FLOW_STATE) tsr_reader_fail(f->r, "is no attend and no merge; expected one");
    if (value.tensor.dtype != TSR_F32) value.tensor = flow_pack(f, value.tensor); /* an output of the call */
    return value;
}

flow_value flow_op_merge(tsr_flow *f, tsr_fields *p)
{
    flow_value value = {.kind = FLOW_NOTHING};
    const cJSON *list = tsr_fields_get(p, "of"), *item;
    size_t index = 0;
    const size_t up = tsr_reader_enter(f->r, "of");
    if (!cJSON_IsArray(list) || !list->child)
        tsr_reader_fail(f->r, "is %s; expected a list of attends and merges",
                        list ? cJSON_IsArray(list) ? "an empty list" : tsr_reader_kind(list) : "not there");
    cJSON_ArrayForEach(item, list)
    {
        if (f->r->status != TSR_OK) break;
        const size_t deeper = tsr_reader_enter_index(f->r, index++);
        const flow_value next = state_of(f, item);
        if (f->r->status == TSR_OK) value = value.kind == FLOW_NOTHING ? next : join(f, &value, &next);
        tsr_reader_leave(f->r, deeper);
    }
    tsr_reader_leave(f->r, up);
    return value;
}
