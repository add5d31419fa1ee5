/* Recipes on a device, for the cases of systems. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "recipes.h"
#include "tessera/tessera_flow.h"

enum { Q, K, V, O, TENSORS };

struct system_flow {
    suite_run_context *run;
    tsr_flow *flow;
    tsr_buffer *buffers[TENSORS + SYSTEM_INPUTS]; /* q, k, v, o, inputs */
    int64_t elements[TENSORS + SYSTEM_INPUTS];
    int inputs;
};

static tsr_layout layout(int64_t b, int64_t h, int64_t n, int64_t d) { return (tsr_layout){.dtype = TSR_F32, .shape = {b, h, n, d}}; }

static tsr_status prepare(system_flow *f, const system_case *c, const char *text)
{
    tsr_flow_desc desc = {.text = text,
                          .q = layout(c->b, c->h, c->nq, c->d),
                          .k = layout(c->b, c->hkv, c->nk, c->d),
                          .v = layout(c->b, c->hkv, c->nk, c->dv),
                          .o = layout(c->b, c->h, c->nq, c->dv),
                          .grid = {c->grid[0], c->grid[1], c->grid[2]}};
    tsr_flow_input inputs[SYSTEM_INPUTS];
    tsr_named_scalar parameters[SYSTEM_PARAMETERS];
    while (f->inputs < SYSTEM_INPUTS && c->inputs[f->inputs].name) {
        const system_input *x = &c->inputs[f->inputs];
        inputs[f->inputs++] = (tsr_flow_input){x->name, layout(x->shape[0], x->shape[1], x->shape[2], x->shape[3])};
    }
    desc.inputs = inputs;
    desc.input_count = (size_t)f->inputs;
    for (desc.parameters = parameters; desc.parameter_count < SYSTEM_PARAMETERS && c->parameters[desc.parameter_count].name; desc.parameter_count++) {
        const system_parameter *x = &c->parameters[desc.parameter_count];
        parameters[desc.parameter_count] = (tsr_named_scalar){x->name, (float)x->value};
    }
    const tsr_layout *const tensors[TENSORS] = {&desc.q, &desc.k, &desc.v, &desc.o};
    tsr_status s = TSR_OK;
    for (int i = 0; s == TSR_OK && i < TENSORS + f->inputs; i++) {
        const int64_t *shape = i < TENSORS ? tensors[i]->shape : inputs[i - TENSORS].layout.shape;
        f->elements[i] = shape[0] * shape[1] * shape[2] * shape[3];
        s = tsr_buffer_create(f->run->dev, (uint64_t)f->elements[i] * sizeof(float), &f->buffers[i]);
    }
    return s == TSR_OK ? tsr_flow_prepare(f->run->dev, &desc, &f->flow) : s;
}

suite_verdict system_flow_open(suite_run_context *run, const system_case *c, system_flow **out)
{
    *out = NULL;
    const char *text = system_recipe_text(c->recipe);
    system_flow *f = text ? calloc(1, sizeof(*f)) : NULL;
    if (!f) return suite_say(run, SUITE_FAIL, text ? "no memory" : "no recipe %s", c->recipe);
    f->run = run;
    const tsr_status s = prepare(f, c, text);
    if (s == TSR_OK) {
        *out = f;
        return SUITE_PASS;
    }
    const suite_verdict verdict = suite_error(run, s, "preparing");
    system_flow_close(f);
    return verdict;
}

static tsr_status upload(system_flow *f, int tensor, const double *x, float *room)
{
    for (int64_t i = 0; i < f->elements[tensor]; i++) room[i] = x ? (float)x[i] : NAN;
    return tsr_buffer_write(f->buffers[tensor], 0, room, (uint64_t)f->elements[tensor] * sizeof(float));
}

suite_verdict system_flow_run(system_flow *f, const system_problem *p, double *o)
{
    int64_t most = 1;
    for (int i = 0; i < TENSORS + f->inputs; i++) most = f->elements[i] > most ? f->elements[i] : most;
    float *room = malloc((size_t)most * sizeof(*room));
    if (!room) return suite_say(f->run, SUITE_FAIL, "no memory");
    const double *const tensors[TENSORS] = {p->q, p->k, p->v, NULL};
    tsr_span inputs[SYSTEM_INPUTS];
    tsr_status s = TSR_OK;
    for (int i = 0; s == TSR_OK && i < TENSORS + f->inputs; i++) s = upload(f, i, i < TENSORS ? tensors[i] : p->inputs[i - TENSORS].data, room);
    for (int i = 0; i < f->inputs; i++) inputs[i] = (tsr_span){.buffer = f->buffers[TENSORS + i]};
    const tsr_flow_args args = {.q = {.buffer = f->buffers[Q]},
                                .k = {.buffer = f->buffers[K]},
                                .v = {.buffer = f->buffers[V]},
                                .o = {.buffer = f->buffers[O]},
                                .inputs = inputs,
                                .run = (uint64_t)p->run};
    if (s == TSR_OK) s = tsr_flow_run(f->flow, &args);
    if (s == TSR_OK) s = tsr_buffer_read(f->buffers[O], 0, room, (uint64_t)f->elements[O] * sizeof(float));
    for (int64_t i = 0; s == TSR_OK && i < f->elements[O]; i++) o[i] = room[i];
    free(room);
    return s == TSR_OK ? SUITE_PASS : suite_error(f->run, s, "running");
}

void system_flow_close(system_flow *f)
{
    if (!f) return;
    tsr_flow_destroy(f->flow);
    for (int i = 0; i < TENSORS + SYSTEM_INPUTS; i++) tsr_buffer_destroy(f->buffers[i]);
    free(f);
}
