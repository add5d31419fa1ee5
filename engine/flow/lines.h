/* Operands of kernels that go along columns. */
#ifndef TSR_FLOW_LINES_H
#define TSR_FLOW_LINES_H

#include "flow.h"

/* A tensor as such a kernel reads it for a result of certain extents. */
typedef struct flow_lines {
    flow_tensor tensor; /* not given: none was */
    int64_t stride[4];  /* of columns: 1, or 0 where one is repeated and that is allowed */
    int64_t group;      /* heads of the result that share one of its */
} flow_lines;

/* t itself where it is like that, else a copy. */
flow_lines flow_lines_of(tsr_flow *f, flow_tensor t, const int64_t shape[4], bool may_repeat);

#endif
