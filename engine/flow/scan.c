/* Linear recurrences along an axis; long ones in chunks, whose ends are scanned in turn. */
#include "flow/scan_args.h"

#include <string.h>

#include "move.h"

typedef struct scan_params {
    SCAN_PARAMS(TSR_PARAM_FIELD)
} scan_params;

enum { CHUNK = 64 };

typedef struct scan_job {
    flow_tensor x, decay; /* decay: buffer -1: 1 */
    int axis;
    bool exclusive;
    int64_t chunks;
} scan_job;

/* carry NULL: nothing comes before the chunks. y, or ends and factors, is written. */
static void scan_stage(tsr_flow *f, const scan_job *j, const flow_tensor *carry, const flow_tensor *y, const flow_tensor *ends,
                       const flow_tensor *factors)
{
    const int64_t *shape = j->x.shape, extent = shape[j->axis];
    int64_t s[4], d[4] = {0}, to[4] = {0}, step = 0, d_step = 0, y_step = 0, x_group, d_group = 1, m[4];
    const bool decays = flow_given(&j->decay);
    flow_strides(&j->x, shape, s, &x_group);
    if (decays) flow_strides(&j->decay, shape, d, &d_group);
    if (y) memcpy(to, y->stride, sizeof(to));
    memcpy(m, shape, sizeof(m));
    m[j->axis] = j->chunks;
    step = s[j->axis], d_step = d[j->axis], y_step = to[j->axis];
    s[j->axis] = d[j->axis] = to[j->axis] = 0;
    const flow_items items = flow_items_of(f, m, j->axis);
    const scan_params params = {.items = items.count,
                                .s0 = s[0],
                                .s1 = s[1],
                                .s2 = s[2],
                                .s3 = s[3],
                                .step = step,
                                .d0 = d[0],
                                .d1 = d[1],
                                .d2 = d[2],
                                .d3 = d[3],
                                .d_step = d_step,
                                .y0 = to[0],
                                .y1 = to[1],
                                .y2 = to[2],
                                .y3 = to[3],
                                .y_step = y_step,
                                .m1 = (int32_t)m[1],
                                .m2 = (int32_t)m[2],
                                .m3 = (int32_t)m[3],
                                .axis = j->axis,
                                .width = items.width,
                                .blocks = items.blocks,
                                .dt = (int32_t)j->x.dtype,
                                .extent = (int32_t)extent,
                                .chunk = j->chunks > 1 ? CHUNK : (int32_t)extent,
                                .decays = decays,
                                .exclusive = j->exclusive,
                                .ends_only = y == NULL,
                                .carried = carry != NULL,
                                .x_group = (int32_t)x_group,
                                .d_group = (int32_t)d_group};
    const flow_tensor *const bindings[] = {&j->x, &j->decay, carry, y, ends, factors};
    flow_add(f, "scan", NULL, &params, sizeof(params), bindings, 6, flow_groups(f, items.count));
}

/* decay: fp32, buffer -1: 1. */
static flow_tensor scan(tsr_flow *f, flow_tensor x, flow_tensor decay, int axis, bool exclusive)
{
    scan_job job = {.x = x.dtype <= TSR_BF16 ? x : flow_pack(f, x), .decay = decay, .axis = axis, .exclusive = exclusive, .chunks = 1};
    const flow_tensor y = flow_new(f, x.shape[0], x.shape[1], x.shape[2], x.shape[3]);
    if (f->r->status != TSR_OK || flow_elements(f, y.shape) == 0) return y;
    if (x.shape[axis] > 2 * CHUNK) job.chunks = (x.shape[axis] + CHUNK - 1) / CHUNK;
    if (job.chunks == 1) {
        scan_stage(f, &job, NULL, &y, NULL, NULL);
        return y;
    }
    int64_t m[4];
    memcpy(m, x.shape, sizeof(m));
    m[axis] = job.chunks;
    const flow_tensor ends = flow_new(f, m[0], m[1], m[2], m[3]), factors = flow_new(f, m[0], m[1], m[2], m[3]);
    scan_stage(f, &job, NULL, NULL, &ends, &factors);
    const flow_tensor carry = scan(f, ends, flow_given(&decay) ? factors : decay, axis, true);
    scan_stage(f, &job, &carry, &y, NULL, NULL);
    return y;
}

flow_tensor flow_scan(tsr_flow *f, flow_tensor x, int axis) { return scan(f, x, (flow_tensor){.buffer = -1}, axis, false); }

flow_value flow_op_scan(tsr_flow *f, tsr_fields *p)
{
    flow_value value = {.kind = FLOW_TENSOR, .tensor = {.buffer = -1}};
    flow_tensor x = flow_tensor_of(f, p, "of", true), decay = flow_tensor_of(f, p, "decay", false);
    const int axis = flow_axis_of(f, p, "axis", -1);
    const bool exclusive = tsr_fields_flag(p, "exclusive", false);
    int64_t shape[4];
    if (f->r->status != TSR_OK) return value;
    if (flow_given(&decay) && flow_join(f, "decay", x.shape, decay.shape, shape) && memcmp(shape, x.shape, sizeof(shape)) != 0)
        tsr_reader_fail(f->r, "has a 'decay' that is larger than 'of'; expected its extents, or 1");
    if (f->r->status == TSR_OK && flow_given(&decay) && decay.dtype != TSR_F32) decay = flow_pack(f, decay);
    if (f->r->status == TSR_OK) value.tensor = scan(f, x, decay, axis, exclusive);
    return value;
}
