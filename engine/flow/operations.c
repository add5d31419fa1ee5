/* The operations that steps may name. */
#include "flow.h"

const flow_operation flow_operations[] = {
    {"pool", flow_op_pool},
    {"spread", flow_op_spread},
    {"scan", flow_op_scan},
    {"slice", flow_op_slice},
    {"concat", flow_op_concat},
    {"reshape", flow_op_reshape},
    {"permute", flow_op_permute},
    {"pad", flow_op_pad},
    {"group_rows", flow_op_group_rows},
    {"gather", flow_op_gather},
    {"diagonals", flow_op_diagonals},
    {"slashes", flow_op_slashes},
    {"blocks", flow_op_blocks},
    {"attend", flow_op_attend},
    {"merge", flow_op_merge},
    {"remember", flow_op_remember},
    {"dot", flow_op_dot},
    {"product", flow_op_product},
    {"softmax", flow_op_softmax},
    {"lse", flow_op_lse},
    {"select", flow_op_select},
    {"tiles", flow_op_tiles},
    {NULL, NULL},
};
