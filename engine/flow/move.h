/* How flow kernels share elements among invocations, and the move kernel's jobs. */
#ifndef TSR_FLOW_MOVE_H
#define TSR_FLOW_MOVE_H

#include "flow.h"

/* An invocation sees to width columns of a row: vectors of them where it stands alone, one where neighbours take the next ones, or where columns
 * are the axis along which it goes. */
typedef struct flow_items {
    int64_t count;
    int32_t width, blocks; /* blocks: invocations of a row */
} flow_items;

static inline flow_items flow_items_of(const tsr_flow *f, const int64_t shape[4], int axis)
{
    const int32_t width = f->lanes == 1 && axis != FLOW_COLUMNS ? 64 : 1;
    const int64_t blocks = (shape[3] + width - 1) / width;
    return (flow_items){shape[0] * shape[1] * shape[2] * blocks, width, (int32_t)blocks};
}

/* Elements of from to the places of to. */
typedef struct flow_moving {
    flow_tensor from, to;     /* from's axes of 1 are repeated, heads shared; to: F32, F16, BF16, or I32 as from */
    int axis;                 /* FLOW_AXES: none, else places along it are mapped */
    int64_t div, flip;        /* place p has element p / div, or the mirror image of p in its run of flip; 0: neither */
    const flow_tensor *index; /* or the element of the number at p: I32 or F32 [.., 1, places]; NULL: neither */
    float fill;               /* where there is no such element */
} flow_moving;
void flow_move(tsr_flow *f, const flow_moving *m);

/* scan.c: sums up to and with each place. */
flow_tensor flow_scan(tsr_flow *f, flow_tensor x, int axis);

#endif
