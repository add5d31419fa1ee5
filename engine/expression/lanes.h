/* The values of up to 64 queries, and one operation over all of them. */
#ifndef TSR_EXPRESSION_LANES_H
#define TSR_EXPRESSION_LANES_H

#include "expression.h"

enum { TSR_LANE_BLOCK = 16 };

/* By the node's type; whole numbers in 32 bits where their range fits. */
typedef union tsr_lane_values {
    int64_t wide[TSR_EXPRESSION_LANES];
    int32_t whole[TSR_EXPRESSION_LANES];
    float real[TSR_EXPRESSION_LANES];
    int32_t truth[TSR_EXPRESSION_LANES]; /* 0 or 1 */
} tsr_lane_values;

/* values[at] from those of the node's arguments: so many blocks of lanes, or the first lane where there are 0. The node is neither
 * a tensor nor without arguments. */
void tsr_lanes_compute(const tsr_expression_node *nodes, tsr_lane_values *values, uint32_t at, int blocks);

#endif
