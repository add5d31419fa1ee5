/* Outputs beside each other. */
#ifndef FLOW_COMPARE_H
#define FLOW_COMPARE_H

#include "tessera/tessera.h"

typedef struct flow_difference {
    double l1;     /* sum |a - b| / sum |b| */
    double cosine; /* of all elements as one vector */
    double most;   /* the largest |a - b| */
} flow_difference;

/* count elements of type dtype each, read from the device. */
tsr_status flow_compare(tsr_buffer *a, tsr_buffer *b, tsr_dtype dtype, uint64_t count, flow_difference *out);

#endif
