/* What a run did: pairs and tiles that were visited, selections that met NaN, tensors of steps. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

/* What one attention did; counts: [pieces][4], NULL where its info tells. */
typedef struct attend_counts {
    const flow_attend *attend;
    int32_t *counts;
    int64_t tiles; /* of queries, for each head */
} attend_counts;

static tsr_status read_counts(tsr_flow *f, const flow_attend *a, attend_counts *out)
{
    const int64_t *shape = a->counts.shape;
    *out = (attend_counts){.attend = a};
    if (!flow_given(&a->counts)) return TSR_OK;
    const uint64_t bytes = (uint64_t)(shape[0] * shape[1] * shape[2]) * 16;
    out->tiles = shape[2];
    out->counts = malloc(bytes ? bytes : 1);
    if (!out->counts) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a report");
    memset(out->counts, 0, bytes);
    const bool empty = f->buffers[a->counts.buffer].last < 0; /* no launch counted anything */
    const tsr_status s = empty ? TSR_OK : tsr_buffer_read(f->arena, f->buffers[a->counts.buffer].offset, out->counts, bytes);
    if (s != TSR_OK) free(out->counts);
    return s;
}

static tsr_status check_flags(tsr_flow *f)
{
    int32_t flags[FLOW_CHECKS];
    if (f->flags < 0 || f->check_count == 0 || f->buffers[f->flags].last < 0) return TSR_OK; /* none chose from anything */
    const uint64_t at = f->buffers[f->flags].offset, bytes = (uint64_t)f->check_count * sizeof(*flags);
    tsr_status s = tsr_buffer_read(f->arena, at, flags, bytes);
    for (int32_t i = 0; i < f->check_count && s == TSR_OK; i++) {
        if (flags[i] == 0) continue;
        static const int32_t zeros[FLOW_CHECKS];
        s = tsr_buffer_write(f->arena, at, zeros, bytes);
        return s != TSR_OK ? s : tsr_fail(TSR_ERROR_ARGUMENT, "%s: NaN among the values to select from; expected numbers", f->checks[i].name);
    }
    return s;
}

/* Pairs of what it attends to, which may be a part of the call's tokens. */
static double own_pairs(const flow_attend *a) { return (double)a->plan->desc.q.shape[2] * (double)a->plan->desc.k.shape[2]; }

static double dense_pairs(const tsr_flow *f) { return (double)f->desc.q.shape[2] * (double)f->desc.k.shape[2]; }

tsr_status tsr_flow_get_report(tsr_flow *f, tsr_flow_report *out)
{
    if (!f || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", f ? "out" : "flow");
    tsr_flow_report report = {.seconds_select = f->seconds_select, .seconds_attend = f->seconds_attend};
    double pairs = 0;
    tsr_status s = check_flags(f);
    const double heads = (double)(f->desc.q.shape[0] * f->desc.q.shape[1]), all = heads * dense_pairs(f);
    for (int32_t i = 0; i < f->attend_count && s == TSR_OK; i++) {
        const flow_attend *a = &f->attends[i];
        const tsr_attention_info *info = &a->plan->info;
        attend_counts c;
        if (!a->whole || (s = read_counts(f, a, &c)) != TSR_OK) continue;
        const int64_t pieces = c.counts ? a->counts.shape[0] * a->counts.shape[1] * a->counts.shape[2] : 0;
        for (int64_t n = 0; n < pieces; n++) report.tiles_visited += (uint64_t)c.counts[4 * n + 2], pairs += (double)c.counts[4 * n + 3];
        if (!c.counts) report.tiles_visited += info->tiles_visited, pairs += info->density * heads * own_pairs(a);
        const uint64_t rows = (uint64_t)(f->desc.q.shape[2] + info->query_tile - 1) / info->query_tile;
        const uint64_t columns = (uint64_t)(f->desc.k.shape[2] + info->key_tile - 1) / info->key_tile;
        report.tiles_dense = (uint64_t)heads * rows * columns;
        free(c.counts);
    }
    report.density = all > 0 ? pairs / all : 0;
    if (s == TSR_OK) *out = report;
    return s;
}

tsr_status tsr_flow_density(tsr_flow *f, double *density, size_t count)
{
    if (!f || !density) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", f ? "density" : "flow");
    const size_t heads = (size_t)(f->desc.q.shape[0] * f->desc.q.shape[1]);
    if (count != heads) return tsr_fail(TSR_ERROR_ARGUMENT, "argument count is %zu; expected %zu, batches times heads", count, heads);
    double *sum = calloc(heads + 1, sizeof(*sum));
    tsr_status s = sum ? TSR_OK : tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a report");
    const double all = dense_pairs(f);
    for (int32_t i = 0; i < f->attend_count && s == TSR_OK; i++) {
        const flow_attend *a = &f->attends[i];
        attend_counts c;
        if (!a->whole || (s = read_counts(f, a, &c)) != TSR_OK) continue;
        for (size_t h = 0; h < heads; h++) {
            for (int64_t n = 0; n < c.tiles; n++) sum[h] += (double)c.counts[4 * ((int64_t)h * c.tiles + n) + 3];
            if (!c.counts)
                sum[h] +=
                    a->plan->schedule_of ? (double)a->plan->schedules[a->plan->schedule_of[h]]->info.pairs : a->plan->info.density * own_pairs(a);
        }
        free(c.counts);
    }
    for (size_t h = 0; h < heads && s == TSR_OK; h++) density[h] = all > 0 ? sum[h] / all : 0;
    free(sum);
    return s;
}

tsr_status tsr_flow_get_info(const tsr_flow *f, tsr_flow_info *out)
{
    if (!f || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", f ? "out" : "flow");
    *out = (tsr_flow_info){.name = f->name, .steps = (uint32_t)f->step_count, .launches = (uint32_t)f->launch_count, .kept = f->kept_bytes};
    out->workspace = tsr_buffer_size(f->arena) + tsr_buffer_size(f->params_buffer);
    for (int32_t i = 0; i < f->plan_count; i++) out->workspace += f->plans[i]->info.workspace;
    return TSR_OK;
}

static float element(const unsigned char *data, tsr_dtype dtype, int64_t at)
{
    float x = 0;
    int32_t whole = 0;
    if (dtype == TSR_I32) memcpy(&whole, data + at * 4, 4);
    if (dtype == TSR_F32) memcpy(&x, data + at * 4, 4);
    return dtype == TSR_I32 ? (float)whole : x;
}

tsr_status tsr_flow_read(tsr_flow *f, const char *name, int64_t shape[4], float *out, uint64_t room)
{
    if (!f || !name || !shape) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !f ? "flow" : name ? "shape" : "name");
    if (!f->desc.keep) return tsr_fail(TSR_ERROR_ARGUMENT, "the flow keeps no steps; expected one prepared with keep");
    flow_value value = {.kind = FLOW_NOTHING};
    tsr_reader reader = {0};
    f->r = &reader;
    const bool found = flow_find(f, name, &value);
    f->r = NULL;
    if (!found || (value.kind != FLOW_TENSOR && value.kind != FLOW_STATE))
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument name is '%.64s'; expected a step that gives a tensor, or a tensor of one", name);
    const flow_tensor *t = &value.tensor;
    const flow_buffer *b = &f->buffers[t->buffer];
    if (b->external >= 0) return tsr_fail(TSR_ERROR_ARGUMENT, "argument name is '%.64s', which lies in a buffer of the caller's", name);
    const uint64_t n = (uint64_t)(t->shape[0] * t->shape[1] * t->shape[2] * t->shape[3]);
    memcpy(shape, t->shape, sizeof(t->shape));
    if (!out) return TSR_OK;
    if (room < n) return tsr_fail(TSR_ERROR_ARGUMENT, "argument room is %" PRIu64 "; expected %" PRIu64 " elements", room, n);
    unsigned char *data = malloc(b->size ? b->size : 1);
    if (!data) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %" PRIu64 " bytes", b->size);
    const tsr_status s = b->last < 0 ? TSR_OK : tsr_buffer_read(f->arena, b->offset, data, b->size);
    if (b->last < 0) memset(data, 0, b->size);
    int64_t i[4], to = 0;
    for (i[0] = 0; i[0] < shape[0] && s == TSR_OK; i[0]++)
        for (i[1] = 0; i[1] < shape[1]; i[1]++)
            for (i[2] = 0; i[2] < shape[2]; i[2]++)
                for (i[3] = 0; i[3] < shape[3]; i[3]++)
                    out[to++] =
                        element(data, t->dtype, t->offset + i[0] * t->stride[0] + i[1] * t->stride[1] + i[2] * t->stride[2] + i[3] * t->stride[3]);
    free(data);
    return s;
}
