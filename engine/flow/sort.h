/* Tokens by ascending key, on the device. */
#ifndef TSR_FLOW_SORT_C_H
#define TSR_FLOW_SORT_C_H

#include "flow.h"

/* I32 [.., 1, n]: tokens of each run of so many in the order of their keys, F32 [.., 1, n], equal ones as they were; NaN last. labels: keys are
 * whole numbers below it; 0: any numbers. */
flow_tensor flow_sort(tsr_flow *f, flow_tensor keys, int64_t within, int64_t labels);

/* The labels of tiles whose order is sorted, and, where they have no size, their offsets, from the keys, which are then the labels. */
void flow_sorted_labels(tsr_flow *f, flow_tensor keys, flow_tiles *tiles);

#endif
