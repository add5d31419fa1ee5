/* The operations that steps may name. */
#include "flow.h"

const flow_operation flow_operations[] = {
    {"attend", flow_op_attend},
    {NULL, NULL},
};
