/* A recipe called on tensors in host memory. */
#ifndef FLOW_CALL_H
#define FLOW_CALL_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "tessera/tessera_flow.h"

enum { FLOW_CALL_INPUTS = 32, FLOW_CALL_NAME = 64 };

/* One further tensor; its bytes are the caller's. */
typedef struct flow_call_input {
    char name[FLOW_CALL_NAME];
    tsr_layout layout;
    const void *data;
    uint64_t size;
} flow_call_input;

typedef struct flow_call {
    tsr_device *dev;
    tsr_flow_desc desc; /* text, q, k, v, o, lse, grid, parameters, keep: the caller's; the inputs are those below */
    tsr_span q, k, v, o, lse;
    flow_call_input inputs[FLOW_CALL_INPUTS];
    size_t input_count;
    tsr_flow *flow;
    tsr_buffer *buffers[FLOW_CALL_INPUTS];
    tsr_flow_report report;
} flow_call;

/* Prepares the recipe and uploads its inputs. */
tsr_status flow_call_prepare(flow_call *c);
/* Run 0, timed, and its report. */
tsr_status flow_call_run(flow_call *c);
void flow_call_close(flow_call *c);

/* Is it a recipe whose schedule comes from the data? */
bool recipe_has_steps(const cJSON *recipe);

/* A text of the recipe for error-free reading: NULL where it is no JSON object. The caller deletes it. */
cJSON *recipe_json(const char *text);

/* The shapes of the inputs that the recipe's formulas give for the shapes of a call; names and layouts of c->inputs. without_default:
 * only those that callers have to give. */
tsr_status recipe_input_shapes(flow_call *c, const cJSON *recipe, bool without_default);

#endif
