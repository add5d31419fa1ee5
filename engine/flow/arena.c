/* Where the tensors of a flow lie: in one buffer, those that are never needed together in the same place. */
#include <inttypes.h>
#include <stdlib.h>

#include "flow.h"

static uint64_t aligned(uint64_t size) { return (size + 255) / 256 * 256; }

static bool apart(const flow_buffer *a, const flow_buffer *b) { return !a->kept && !b->kept && (a->last < b->first || b->last < a->first); }

static int by_offset(const void *a, const void *b)
{
    const flow_buffer *x = *(const flow_buffer *const *)a, *y = *(const flow_buffer *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* The lowest place that is free while b is needed; placed: those before, of which near has room for all. */
static uint64_t find_place(const flow_buffer *b, flow_buffer *const *placed, size_t count, const flow_buffer **near)
{
    size_t n = 0;
    uint64_t at = 0;
    for (size_t i = 0; i < count; i++)
        if (!apart(b, placed[i])) near[n++] = placed[i];
    qsort(near, n, sizeof(*near), by_offset);
    for (size_t i = 0; i < n; i++) {
        if (near[i]->offset >= at + aligned(b->size)) break;
        if (near[i]->offset + aligned(near[i]->size) > at) at = near[i]->offset + aligned(near[i]->size);
    }
    return at;
}

static int by_size(const void *a, const void *b)
{
    const flow_buffer *x = *(const flow_buffer *const *)a, *y = *(const flow_buffer *const *)b;
    if (x->size != y->size) return x->size > y->size ? -1 : 1;
    return x < y ? -1 : x > y;
}

static tsr_status upload(tsr_flow *f)
{
    tsr_status s = TSR_OK;
    for (int32_t i = 0; i < f->buffer_count && s == TSR_OK; i++) {
        flow_buffer *b = &f->buffers[i];
        if (b->data && b->last >= 0 && b->size) s = tsr_buffer_write(f->arena, b->offset, b->data, b->size);
        free(b->data);
        b->data = NULL;
    }
    if (s == TSR_OK) s = tsr_buffer_create(f->dev, f->params_size, &f->params_buffer);
    if (s == TSR_OK && f->params_size) s = tsr_buffer_write(f->params_buffer, 0, f->params, f->params_size);
    return s;
}

tsr_status flow_allocate(tsr_flow *f)
{
    const size_t room = (size_t)f->buffer_count + 1;
    flow_buffer **order = malloc(room * sizeof(flow_buffer *));
    const flow_buffer **near = malloc(room * sizeof(flow_buffer *));
    tsr_status s = order && near ? TSR_OK : tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %zu tensors", room);
    size_t count = 0;
    uint64_t total = 0;
    for (int32_t i = 0; i < f->buffer_count && s == TSR_OK; i++)
        if (f->buffers[i].external < 0 && f->buffers[i].last >= 0) order[count++] = &f->buffers[i];
    if (s == TSR_OK) qsort(order, count, sizeof(*order), by_size);
    for (size_t i = 0; i < count; i++) {
        flow_buffer *b = order[i];
        b->offset = find_place(b, order, i, near);
        if (b->offset + aligned(b->size) > total) total = b->offset + aligned(b->size);
        if (b->kept && !b->data) f->kept_bytes += aligned(b->size);
    }
    free(order);
    free(near);
    if (s == TSR_OK) s = tsr_buffer_create(f->dev, total, &f->arena);
    return s == TSR_OK ? upload(f) : s;
}
