/* Tensors, views and launches of a flow that is being built. */
#include "flow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS_MAX = INT32_MAX };

static flow_tensor nothing(void) { return (flow_tensor){.buffer = -1, .shape = {1, 1, 1, 1}}; }

/* Room for one more; false: no memory, which is the flow's error then. */
static bool grow(tsr_flow *f, void **array, int32_t count, int32_t *room, size_t size)
{
    if (count < *room) return true;
    const int32_t to = *room ? 2 * *room : 64;
    void *p = to > 0 && to <= (1 << 24) ? realloc(*array, (size_t)to * size) : NULL;
    if (!p) {
        if (f->r->status == TSR_OK) f->r->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a recipe of %d tensors or launches", count);
        return false;
    }
    *array = p;
    *room = to;
    return true;
}

int32_t flow_buffer_add(tsr_flow *f, uint64_t size, int32_t external)
{
    if (!grow(f, (void **)&f->buffers, f->buffer_count, &f->buffer_room, sizeof(*f->buffers))) return -1;
    f->buffers[f->buffer_count] = (flow_buffer){.size = size, .first = INT32_MAX, .last = -1, .external = external, .kept = f->desc.keep != 0};
    return f->buffer_count++;
}

int64_t flow_elements(tsr_flow *f, const int64_t shape[4])
{
    int64_t n = 1;
    for (int i = 0; i < 4; i++) {
        if (shape[i] >= 0 && tsr_mul(n, shape[i], &n) && n <= INT32_MAX) continue;
        tsr_reader_fail(f->r, "makes a tensor of %" PRId64 "x%" PRId64 "x%" PRId64 "x%" PRId64 "; expected fewer than 2^31 elements", shape[0],
                        shape[1], shape[2], shape[3]);
        return 0;
    }
    return n;
}

static void pack_strides(flow_tensor *t)
{
    t->stride[3] = 1;
    for (int i = 2; i >= 0; i--) t->stride[i] = t->stride[i + 1] * t->shape[i + 1];
}

flow_tensor flow_new_typed(tsr_flow *f, tsr_dtype dtype, int64_t b, int64_t h, int64_t r, int64_t c)
{
    flow_tensor t = {.buffer = -1, .dtype = dtype, .shape = {b, h, r, c}};
    const int64_t n = f->r->status == TSR_OK ? flow_elements(f, t.shape) : 0;
    if (f->r->status != TSR_OK) return nothing();
    pack_strides(&t);
    t.buffer = flow_buffer_add(f, (uint64_t)n * tsr_dtype_size(dtype), -1);
    return t.buffer < 0 ? nothing() : t;
}

flow_tensor flow_new(tsr_flow *f, int64_t b, int64_t h, int64_t r, int64_t c) { return flow_new_typed(f, TSR_F32, b, h, r, c); }

flow_tensor flow_constant(tsr_flow *f, tsr_dtype dtype, const int64_t shape[4], void *data)
{
    const flow_tensor t = data ? flow_new_typed(f, dtype, shape[0], shape[1], shape[2], shape[3]) : nothing();
    if (!data && f->r->status == TSR_OK) f->r->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a constant");
    if (f->r->status != TSR_OK) {
        free(data);
        return nothing();
    }
    f->buffers[t.buffer].data = data;
    f->buffers[t.buffer].kept = true;
    if (f->desc.keep) f->buffers[t.buffer].last = 0; /* it can be read, though no launch may need it */
    return t;
}

bool flow_given(const flow_tensor *t) { return t->buffer >= 0; }

bool flow_packed(const flow_tensor *t)
{
    int64_t step = 1;
    for (int i = 3; i >= 0; i--) {
        if (t->shape[i] != 1 && t->stride[i] != step) return false;
        step *= t->shape[i];
    }
    return t->dtype == TSR_F32;
}

flow_tensor flow_pack(tsr_flow *f, flow_tensor t)
{
    if (f->r->status != TSR_OK || flow_packed(&t)) return t;
    const flow_tensor packed = flow_new(f, t.shape[0], t.shape[1], t.shape[2], t.shape[3]);
    flow_copy(f, t, packed);
    return packed;
}

flow_tensor flow_transposed(flow_tensor t)
{
    const int64_t shape = t.shape[2], stride = t.stride[2];
    t.shape[2] = t.shape[3], t.stride[2] = t.stride[3];
    t.shape[3] = shape, t.stride[3] = stride;
    return t;
}

bool flow_join(tsr_flow *f, const char *what, const int64_t a[4], const int64_t b[4], int64_t out[4])
{
    static const char *const axes[] = {"batches", "heads", "rows", "columns"};
    int64_t joined[4];
    for (int i = 0; i < 4; i++) {
        joined[i] = a[i] == 1 ? b[i] : b[i] == 1 ? a[i] : max64(a[i], b[i]);
        if (a[i] == b[i] || a[i] == 1 || b[i] == 1) continue;
        if (i == FLOW_HEADS && a[i] > 0 && b[i] > 0 && joined[i] % min64(a[i], b[i]) == 0) continue;
        tsr_reader_fail(f->r, "%s: %" PRId64 " %s beside %" PRId64 "; expected as many, or 1%s", what, a[i], axes[i], b[i],
                        i == FLOW_HEADS ? ", or a divisor" : "");
        return false;
    }
    memcpy(out, joined, sizeof(joined));
    return true;
}

void flow_strides(const flow_tensor *t, const int64_t shape[4], int64_t stride[4], int64_t *group)
{
    for (int i = 0; i < 4; i++) stride[i] = t->shape[i] == 1 && shape[i] != 1 ? 0 : t->stride[i];
    *group = t->shape[FLOW_HEADS] > 1 && shape[FLOW_HEADS] > t->shape[FLOW_HEADS] ? shape[FLOW_HEADS] / t->shape[FLOW_HEADS] : 1;
}

flow_tensor flow_flag(tsr_flow *f)
{
    static const int64_t shape[4] = {1, 1, 1, FLOW_CHECKS};
    flow_tensor t = nothing();
    if (f->check_count >= FLOW_CHECKS) tsr_reader_fail(f->r, "is one of too many selections; expected at most %d", FLOW_CHECKS);
    if (f->r->status != TSR_OK) return t;
    if (f->flags < 0) f->flags = flow_constant(f, TSR_I32, shape, calloc(FLOW_CHECKS, sizeof(int32_t))).buffer;
    flow_check *checks = realloc(f->checks, (size_t)(f->check_count + 1) * sizeof(*checks));
    if (!checks || f->flags < 0) {
        if (f->r->status == TSR_OK) f->r->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a selection");
        return t;
    }
    f->checks = checks;
    snprintf(checks[f->check_count].name, sizeof(checks[f->check_count].name), "%.63s", f->r->path);
    t.buffer = f->flags, t.dtype = TSR_I32, t.offset = f->check_count++;
    for (int i = 0; i < 4; i++) t.stride[i] = 1;
    return t;
}

int64_t flow_groups(const tsr_flow *f, int64_t elements) { return (elements + f->lanes - 1) / f->lanes; }

uint64_t flow_params_add(tsr_flow *f, const void *params, size_t size)
{
    const uint64_t at = (f->params_size + 255) / 256 * 256, need = at + size;
    if (need > f->params_room) {
        const uint64_t room = need + f->params_room + 4096;
        unsigned char *p = realloc(f->params, room);
        if (!p) {
            if (f->r->status == TSR_OK) f->r->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for parameters");
            return 0;
        }
        memset(p + f->params_size, 0, room - f->params_size);
        f->params = p, f->params_room = room;
    }
    if (size) memcpy(f->params + at, params, size);
    f->params_size = need;
    return at;
}

flow_launch *flow_launch_add(tsr_flow *f)
{
    if (f->r->status != TSR_OK || !grow(f, (void **)&f->launches, f->launch_count, &f->launch_room, sizeof(*f->launches))) return NULL;
    flow_launch *l = &f->launches[f->launch_count++];
    *l = (flow_launch){.memory = f->memory};
    return l;
}

void flow_bind(tsr_flow *f, flow_launch *l, const flow_tensor *t)
{
    const bool there = t && t->buffer >= 0;
    l->buffers[l->bindings] = there ? t->buffer : -1;
    l->offsets[l->bindings++] = there ? t->offset * (int64_t)tsr_dtype_size(t->dtype) : 0;
    if (!there) return;
    flow_buffer *b = &f->buffers[t->buffer];
    const int32_t at = (int32_t)(l - f->launches);
    if (at < b->first) b->first = at;
    if (at > b->last) b->last = at;
}

void flow_add(tsr_flow *f, const char *kernel, const int32_t *specs, const void *params, size_t params_size, const flow_tensor *const *bindings,
              int count, int64_t groups)
{
    if (f->r->status != TSR_OK || groups == 0) return;
    if (groups < 0 || groups > GROUPS_MAX) {
        tsr_reader_fail(f->r, "takes %" PRId64 " workgroups of %s; expected fewer than 2^31", groups, kernel);
        return;
    }
    int32_t own[BK_MAX_SPECS] = {0};
    if (specs) memcpy(own, specs, sizeof(own));
    own[0] = f->lanes;
    bk_kernel *compiled = NULL;
    tsr_reader_pass(f->r, tsr_kernel_get(f->dev, kernel, f->tile, own, &compiled));
    flow_launch *l = flow_launch_add(f);
    if (!l) return;
    l->kernel = compiled;
    l->params = flow_params_add(f, params, params_size);
    l->groups = (uint64_t)groups;
    for (int i = 0; i < count; i++) flow_bind(f, l, bindings[i]);
}
