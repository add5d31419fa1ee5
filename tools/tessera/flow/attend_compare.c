/* tessera attend --compare-dense: attention over all pairs on the same device; and what schedules say of a run. */
#include <stdlib.h>

#include "attend.h"

static uint64_t tiles(int64_t tokens, uint32_t size) { return ((uint64_t)tokens + size - 1) / size; }

tsr_status attend_summarise(attend *a)
{
    const tsr_attention_desc *d = &a->desc;
    attend_summary *s = &a->summary;
    tsr_attention_info info;
    tsr_attention_get_info(a->plan, &info);
    s->density = info.density;
    s->tiles_visited = info.tiles_visited;
    s->heads = (size_t)(d->q.shape[0] * d->q.shape[1]);
    s->tiles_dense = s->heads * tiles(d->q.shape[2], info.query_tile) * tiles(d->k.shape[2], info.key_tile);
    if (!(s->by_head = calloc(s->heads + 1, sizeof(*s->by_head)))) return TSR_ERROR_HOST_MEMORY;
    for (size_t h = 0; h < s->heads; h++) {
        const tsr_schedule *schedule;
        tsr_schedule_info of_set;
        const uint32_t head = (uint32_t)(h % (size_t)d->q.shape[1]);
        tsr_status status = tsr_attention_get_schedule(a->plan, d->set_of ? d->set_of[head] : 0, &schedule);
        if (status == TSR_OK) status = tsr_schedule_get_info(schedule, &of_set);
        if (status != TSR_OK) return status;
        s->by_head[h] = of_set.density;
    }
    return TSR_OK;
}

bool attend_sees_no_future(const attend *a)
{
    enum { SAMPLES = 64 };
    const int64_t nq = a->desc.q.shape[2], nk = a->desc.k.shape[2];
    if (a->desc.band.bounded) return a->desc.band.right == 0;
    if (a->desc.set_count == 0) return false;
    for (size_t set = 0; set < a->desc.set_count; set++)
        for (int64_t n = 0; n < SAMPLES; n++) {
            const int64_t i = n * nq / SAMPLES, next = i + nk - nq + 1, keys[] = {next, (next + nk) / 2, nk - 1};
            for (int k = 0; k < 3; k++) {
                int holds = 0;
                if (keys[k] < next || keys[k] < 0 || keys[k] >= nk) continue;
                if (tsr_set_contains(a->desc.sets[set], nq, nk, i, keys[k], &holds) != TSR_OK || holds) return false;
            }
        }
    return true;
}

static tsr_status run_dense(attend *a, const tsr_attention_desc *desc, tsr_buffer **o)
{
    tsr_attention *plan = NULL;
    tsr_buffer *const *b = a->buffers;
    tsr_status s = tsr_buffer_create(a->device.dev, tsr_buffer_size(b[6]), o);
    if (s == TSR_OK) s = tsr_attention_prepare(a->device.dev, desc, &plan);
    const tsr_attention_args args = {.q = {b[0], 0},
                                     .k = {b[1], 0},
                                     .v = {b[2], 0},
                                     .o = {*o, 0},
                                     .bias = {desc->bias.shape[0] ? b[3] : NULL, 0},
                                     .sink = {desc->sink.shape[0] ? b[5] : NULL, 0}};
    const double start = cli_now();
    if (s == TSR_OK) s = tsr_attention_run(plan, &args);
    if (s == TSR_OK) s = tsr_device_wait(a->device.dev);
    a->summary.dense_seconds = cli_now() - start;
    tsr_attention_destroy(plan);
    return s;
}

int attend_compare(attend *a, bool causal)
{
    if (!a->compare) return -1;
    const tsr_attention_desc *d = &a->desc;
    const tsr_band band = {.bounded = causal, .left = TSR_UNBOUNDED, .right = causal ? 0 : TSR_UNBOUNDED, .align = d->band.align};
    const tsr_attention_desc dense = {.q = d->q,
                                      .k = d->k,
                                      .v = d->v,
                                      .o = d->o,
                                      .bias = d->bias,
                                      .sink = d->sink,
                                      .scale = d->scale,
                                      .softcap = d->softcap,
                                      .tile = d->tile,
                                      .band = band};
    const int64_t *shape = d->o.shape;
    tsr_buffer *o = NULL;
    tsr_status s = run_dense(a, &dense, &o);
    if (s == TSR_OK) s = flow_compare(a->buffers[6], o, d->o.dtype, (uint64_t)(shape[0] * shape[1] * shape[2] * shape[3]), &a->summary.difference);
    tsr_buffer_destroy(o);
    a->summary.compared = s == TSR_OK;
    a->summary.dense_causal = causal;
    return s == TSR_OK ? -1 : cli_fail(ATTEND_NAME, s);
}
