/* tessera mask of a recipe with steps: what it selects on given tensors. */
#ifndef MASK_FLOW_H
#define MASK_FLOW_H

#include "call.h"

typedef struct mask_flow {
    const char *text;
    const char *recipe, *tensors, *step, *out, *grid_text; /* the recipe's name; NULL where not given */
    const char **parameter_texts;
    int head; /* below 0: all */
    bool json, quiet;
} mask_flow;

/* The exit code. The recipe gets a step more where what it attends by is none. */
int mask_flow_run(const mask_flow *m, cJSON *recipe);

#endif
