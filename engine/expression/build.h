/* Builds the program of an expression, node by node. */
#ifndef TSR_EXPRESSION_BUILD_H
#define TSR_EXPRESSION_BUILD_H

#include "expression.h"

typedef struct tsr_builder {
    uint32_t count;
    bool full; /* a node more than there may be was asked for */
    tsr_expression_node nodes[TSR_EXPRESSION_MAX_NODES];
} tsr_builder;

/* Each returns the node's index, that of an equal one where there is one, or 0 when full. */
uint16_t tsr_build_whole(tsr_builder *b, int64_t value);
uint16_t tsr_build_real(tsr_builder *b, float value);
uint16_t tsr_build_variable(tsr_builder *b, tsr_expression_variable which);
uint16_t tsr_build_scalar(tsr_builder *b, uint16_t slot);
uint16_t tsr_build_tensor(tsr_builder *b, uint16_t slot, const uint16_t *indices, uint8_t rank);

/* Arguments have the types that op takes; type is the result's. */
uint16_t tsr_build(tsr_builder *b, tsr_expression_op op, tsr_expression_type type, const uint16_t *args, uint8_t count);

/* Conversions; the node itself where there is nothing to convert. */
uint16_t tsr_build_to_real(tsr_builder *b, uint16_t node);
uint16_t tsr_build_to_truth(tsr_builder *b, uint16_t node);

#endif
