/* Copies: packed, strided, along a mapped axis. */
#include "move.h"

#include "flow/move_args.h"

typedef struct move_params {
    MOVE_PARAMS(TSR_PARAM_FIELD)
} move_params;

enum { MOVE_I32 = 4, INDEX_I32 = 1, INDEX_F32 = 2 };

void flow_move(tsr_flow *f, const flow_moving *m)
{
    if (f->r->status != TSR_OK) return;
    int64_t s[4], n[4] = {0}, x_group, index_group = 1;
    const int64_t *shape = m->to.shape;
    const bool mapped = m->axis < FLOW_AXES;
    flow_strides(&m->from, shape, s, &x_group);
    const int64_t step = mapped ? m->from.stride[m->axis] : 0;
    if (mapped) s[m->axis] = 0;
    if (m->axis == FLOW_HEADS) x_group = 1;
    if (m->index) flow_strides(m->index, (const int64_t[4]){shape[0], shape[1], 1, m->index->shape[3]}, n, &index_group);
    const flow_items items = flow_items_of(f, shape, FLOW_AXES);
    const move_params params = {.items = items.count,
                                .s0 = s[0],
                                .s1 = s[1],
                                .s2 = s[2],
                                .s3 = s[3],
                                .step = step,
                                .y0 = m->to.stride[0],
                                .y1 = m->to.stride[1],
                                .y2 = m->to.stride[2],
                                .y3 = m->to.stride[3],
                                .index_b = n[0],
                                .index_h = n[1],
                                .index_step = n[3],
                                .n1 = (int32_t)shape[1],
                                .n2 = (int32_t)shape[2],
                                .n3 = (int32_t)shape[3],
                                .axis = m->axis,
                                .width = items.width,
                                .blocks = items.blocks,
                                .dt = m->from.dtype == TSR_I32 ? MOVE_I32 : (int32_t)m->from.dtype,
                                .y_dt = m->to.dtype == TSR_I32 ? TSR_F32 : (int32_t)m->to.dtype,
                                .bits = m->to.dtype == TSR_I32,
                                .extent = mapped ? (int32_t)m->from.shape[m->axis] : 0,
                                .div = m->div ? (int32_t)min64(m->div, INT32_MAX) : 1,
                                .flip = (int32_t)m->flip,
                                .indexed = !m->index                    ? 0
                                           : m->index->dtype == TSR_I32 ? INDEX_I32
                                                                        : INDEX_F32,
                                .x_group = (int32_t)x_group,
                                .index_group = (int32_t)index_group,
                                .fill = m->fill};
    const flow_tensor *const bindings[] = {&m->from, m->index, &m->to};
    flow_add(f, "move", NULL, &params, sizeof(params), bindings, 3, flow_groups(f, items.count));
}

void flow_copy(tsr_flow *f, flow_tensor t, flow_tensor to) { flow_move(f, &(flow_moving){.from = t, .to = to, .axis = FLOW_AXES}); }
