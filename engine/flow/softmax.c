/* Softmax along columns, and the logarithm of its sum. */
#include <inttypes.h>

#include "flow/softmax_args.h"
#include "lines.h"

#define SOFTMAX_ID(id, NAME, value) SOFTMAX_##NAME = id,
enum { SOFTMAX_SPECS(SOFTMAX_ID) };
typedef struct softmax_params {
    SOFTMAX_PARAMS(TSR_PARAM_FIELD)
} softmax_params;

static flow_value softmax(tsr_flow *f, tsr_fields *p, bool lse)
{
    const flow_tensor of = flow_tensor_of(f, p, "of", true), where = flow_tensor_of(f, p, "where", false);
    flow_value value = {.kind = FLOW_NOTHING};
    int64_t shape[4];
    if (f->r->status != TSR_OK || !flow_join(f, "of and where", of.shape, where.shape, shape)) return value;
    const int64_t limit = tsr_loop_limit(f->dev), turns = 8 * (shape[FLOW_COLUMNS] / f->lanes + f->lanes); /* at most, of an invocation's loops */
    if (limit && turns > limit) {
        f->r->status = tsr_fail(TSR_ERROR_UNSUPPORTED, "%s: rows of %" PRId64 " columns; %s ends loops after %" PRId64 " turns", f->r->path,
                                shape[FLOW_COLUMNS], f->dev->info.id, limit);
        return value;
    }
    const flow_lines x = flow_lines_of(f, of, shape, false), w = flow_lines_of(f, where, shape, true);
    value.tensor = flow_new(f, shape[0], shape[1], shape[2], lse ? 1 : shape[3]);
    const softmax_params params = {.x_sb = x.stride[0],
                                   .x_sh = x.stride[1],
                                   .x_sr = x.stride[2],
                                   .w_sb = w.stride[0],
                                   .w_sh = w.stride[1],
                                   .w_sr = w.stride[2],
                                   .w_sc = (int32_t)w.stride[3],
                                   .x_group = (int32_t)x.group,
                                   .w_group = (int32_t)w.group,
                                   .has_where = flow_given(&where),
                                   .heads = (int32_t)shape[1],
                                   .rows = (int32_t)shape[2],
                                   .columns = (int32_t)shape[3]};
    const int32_t specs[BK_MAX_SPECS] = {[SOFTMAX_LSE] = lse};
    const flow_tensor *const bindings[] = {&x.tensor, &w.tensor, &value.tensor};
    flow_add(f, "softmax", specs, &params, sizeof(params), bindings, 3, shape[0] * shape[1] * shape[2]);
    value.kind = FLOW_TENSOR;
    return value;
}

flow_value flow_op_softmax(tsr_flow *f, tsr_fields *p) { return softmax(f, p, false); }
flow_value flow_op_lse(tsr_flow *f, tsr_fields *p) { return softmax(f, p, true); }
