/* Selection: what decides how many elements are taken, and its kernels. */
#ifndef TSR_FLOW_SELECT_H
#define TSR_FLOW_SELECT_H

#include "flow.h"

typedef enum flow_scope { FLOW_SCOPE_ROW, FLOW_SCOPE_MAP, FLOW_SCOPE_HEADS } flow_scope;
typedef enum flow_measure { FLOW_BY_COUNT, FLOW_BY_SHARE, FLOW_BY_MASS } flow_measure;

typedef struct flow_choice {
    flow_tensor where, pin;
    flow_measure measure;
    flow_tensor counts; /* by count, where it is not the same for all */
    int64_t count;      /* else */
    double share;       /* of the candidates, of their sum */
    flow_scope scope;
    bool extra, crossing;
    int64_t least, most;
    int rounding;            /* as of the choice kernel */
    const flow_tensor *flag; /* NULL: NaN is nobody's fault */
} flow_choice;

/* 1 where taken. */
flow_tensor flow_select(tsr_flow *f, flow_tensor of, const flow_choice *choice);

#endif
