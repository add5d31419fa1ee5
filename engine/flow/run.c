/* Running a flow: its launches in order, those of memories now and then. */
#include <inttypes.h>

#include "flow.h"

static tsr_status check_run(const tsr_flow *f, const tsr_flow_args *a)
{
    tsr_run_range ranges[] = {
        {"q", &a->q, &f->desc.q, 0, false}, {"k", &a->k, &f->desc.k, 0, false},      {"v", &a->v, &f->desc.v, 0, false},
        {"o", &a->o, &f->desc.o, 0, true},  {"lse", &a->lse, &f->desc.lse, 0, true},
    };
    for (size_t i = 0; i < sizeof(a->reserved) / sizeof(a->reserved[0]); i++)
        if (a->reserved[i]) return tsr_fail(TSR_ERROR_ARGUMENT, "argument reserved[%zu] is %u; expected 0", i, a->reserved[i]);
    if (a->timed > 1) return tsr_fail(TSR_ERROR_ARGUMENT, "argument timed is %u; expected 0 or 1", a->timed);
    if (f->desc.input_count && !a->inputs) return tsr_fail(TSR_ERROR_ARGUMENT, "argument inputs is NULL; expected %zu", f->desc.input_count);
    tsr_status s = tsr_attention_check_ranges(f->dev, ranges, sizeof(ranges) / sizeof(ranges[0]));
    for (size_t i = 0; i < f->desc.input_count && s == TSR_OK; i++) {
        if (!f->input_used[i]) continue;
        /* Beside the outputs, which it may not overlap. */
        tsr_run_range one[] = {{f->desc.inputs[i].name, &a->inputs[i], &f->desc.inputs[i].layout, 0, false},
                               {"o", &a->o, &f->desc.o, 0, true},
                               {"lse", &a->lse, &f->desc.lse, 0, true}};
        s = tsr_attention_check_ranges(f->dev, one, 3);
    }
    return s;
}

static tsr_span span_of(const tsr_flow *f, const tsr_flow_args *a, int32_t buffer, int64_t offset)
{
    if (buffer < 0) return (tsr_span){NULL, 0};
    const flow_buffer *b = &f->buffers[buffer];
    const tsr_span call[] = {a->q, a->k, a->v, a->o, a->lse};
    tsr_span span = {f->arena, b->offset};
    if (b->external >= 0) span = b->external < FLOW_INPUTS ? call[b->external] : a->inputs[b->external - FLOW_INPUTS];
    span.offset += (uint64_t)offset;
    return span;
}

static tsr_status launch(tsr_flow *f, const flow_launch *l, const tsr_flow_args *a)
{
    if (l->plan) {
        tsr_span s[BK_MAX_BINDINGS];
        for (uint32_t i = 0; i < BK_MAX_BINDINGS; i++) s[i] = i < l->bindings ? span_of(f, a, l->buffers[i], l->offsets[i]) : (tsr_span){NULL, 0};
        const tsr_attention_args args = {.q = s[0],
                                         .k = s[1],
                                         .v = s[2],
                                         .o = s[3],
                                         .lse = s[4],
                                         .bias = s[5],
                                         .mask = s[6],
                                         .sink = s[7],
                                         .first_tile = l->first,
                                         .tile_count = l->groups};
        return l->listed ? tsr_attention_run_given(l->plan, &args, &s[8]) : tsr_attention_run(l->plan, &args);
    }
    bk_binding bindings[BK_MAX_BINDINGS] = {{f->params_buffer->bk, l->params}};
    for (uint32_t i = 0; i < l->bindings; i++) {
        const tsr_span span = span_of(f, a, l->buffers[i], l->offsets[i]);
        bindings[i + 1] = tsr_bind(&span);
    }
    return tsr_dispatch(f->dev, l->kernel, bindings, (uint32_t)l->first, (uint32_t)l->groups);
}

tsr_status tsr_flow_run(tsr_flow *f, const tsr_flow_args *args)
{
    if (!f || !args) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", f ? "args" : "flow");
    tsr_status s = check_run(f, args);
    if (s != TSR_OK) return s;
    if (args->run != 0 && !f->begun) return tsr_fail(TSR_ERROR_ARGUMENT, "argument run is %" PRIu64 "; expected 0, the first", args->run);
    if (f->run >= 0 && f->buffers[f->run].last >= 0) {
        const float number = (float)args->run;
        if ((s = tsr_buffer_write(f->arena, f->buffers[f->run].offset, &number, sizeof(number))) != TSR_OK) return s;
    }
    double before = 0;
    f->seconds_select = f->seconds_attend = 0;
    if (args->timed && (s = tsr_drain(f->dev)) == TSR_OK) before = tsr_now();
    for (int32_t i = 0; i < f->launch_count && s == TSR_OK; i++) {
        const flow_launch *l = &f->launches[i];
        if (l->memory) {
            const int64_t every = f->memories[l->memory - 1].every;
            if (every ? args->run % (uint64_t)every != 0 : args->run != 0) continue;
        }
        s = launch(f, l, args);
        if (!args->timed || s != TSR_OK || (i + 1 < f->launch_count && f->launches[i + 1].attends == l->attends)) continue;
        if ((s = tsr_drain(f->dev)) != TSR_OK) break;
        const double now = tsr_now();
        *(l->attends ? &f->seconds_attend : &f->seconds_select) += now - before;
        before = now;
    }
    if (s == TSR_OK) f->begun = true;
    return s;
}
