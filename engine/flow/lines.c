/* Operands of kernels that go along columns. */
#include "lines.h"

flow_lines flow_lines_of(tsr_flow *f, flow_tensor t, const int64_t shape[4], bool may_repeat)
{
    flow_lines l = {.tensor = t, .group = 1};
    if (!flow_given(&t) || f->r->status != TSR_OK) return l;
    const bool repeats = t.shape[FLOW_COLUMNS] == 1 && shape[FLOW_COLUMNS] != 1;
    const bool fits = t.shape[FLOW_COLUMNS] == 1 || t.stride[FLOW_COLUMNS] == 1;
    if (repeats && !may_repeat) {
        l.tensor = flow_new(f, t.shape[FLOW_BATCH], t.shape[FLOW_HEADS], t.shape[FLOW_ROWS], shape[FLOW_COLUMNS]);
        flow_copy(f, t, l.tensor);
    } else if (t.dtype != TSR_F32 || !fits) {
        l.tensor = flow_pack(f, t);
    }
    flow_strides(&l.tensor, shape, l.stride, &l.group);
    if (shape[FLOW_COLUMNS] == 1) l.stride[FLOW_COLUMNS] = 1;
    return l;
}
