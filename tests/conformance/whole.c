/* Makes and runs one attention on packed fp32 tensors. */
#include "whole.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t whole_size(const tsr_layout *l) { return (size_t)(l->shape[0] * l->shape[1] * l->shape[2] * l->shape[3]); }

oracle_tensor whole_tensor(const tsr_layout *l, float *data)
{
    oracle_tensor t = {*l, data};
    for (int64_t i = 3, step = 1; i >= 0; step *= l->shape[i--]) t.layout.stride[i] = step;
    return t;
}

static float *normal(const tsr_layout *l, double centre, oracle_rng *rng)
{
    const size_t n = whole_size(l);
    float *x = malloc((n + 1) * sizeof(*x));
    for (size_t i = 0; x && i < n; i++) x[i] = (float)(centre + oracle_normal(rng));
    return x;
}

bool whole_make(whole *a, int batch, int heads, int kv_heads, int nq, int nk, int d, int dv, oracle_rng *rng)
{
    *a = (whole){.desc = {.q = {.shape = {batch, heads, nq, d}},
                          .k = {.shape = {batch, kv_heads, nk, d}},
                          .v = {.shape = {batch, kv_heads, nk, dv}},
                          .o = {.shape = {batch, heads, nq, dv}},
                          .lse = {.shape = {batch, heads, nq, 1}}}};
    a->q = normal(&a->desc.q, 0, rng);
    a->k = normal(&a->desc.k, 0, rng);
    a->v = normal(&a->desc.v, 0.25, rng);
    a->sink = normal(&(tsr_layout){.shape = {1, heads, 1, 1}}, 0, rng);
    a->o = malloc((whole_size(&a->desc.o) + 1) * sizeof(*a->o));
    a->lse = malloc((whole_size(&a->desc.lse) + 1) * sizeof(*a->lse));
    return a->q && a->k && a->v && a->sink && a->o && a->lse;
}

void whole_free(whole *a)
{
    float *const all[] = {a->q, a->k, a->v, a->sink, a->o, a->lse};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) free(all[i]);
    free(a->skipped);
    tsr_attention_destroy(a->plan);
}

enum { Q, K, V, SINK, O, LSE, SKIPPED, TENSORS };

static tsr_status prepare(whole *a, tsr_device *dev)
{
    tsr_attention_destroy(a->plan);
    free(a->skipped);
    a->skipped = NULL;
    tsr_status s = tsr_attention_prepare(dev, &a->desc, &a->plan);
    if (s == TSR_OK) s = tsr_attention_get_info(a->plan, &a->info);
    if (s == TSR_OK && a->desc.skip > 0 && !(a->skipped = malloc((size_t)(a->info.tile_count + 1) * sizeof(*a->skipped)))) s = TSR_ERROR_HOST_MEMORY;
    return s;
}

tsr_status whole_run(whole *a, tsr_device *dev)
{
    tsr_status s = prepare(a, dev);
    if (s != TSR_OK) return s;
    void *const host[TENSORS] = {a->q, a->k, a->v, a->desc.sink.shape[1] ? a->sink : NULL, a->o, a->lse, a->skipped};
    const size_t bytes[TENSORS] = {4 * whole_size(&a->desc.q),     4 * whole_size(&a->desc.k), 4 * whole_size(&a->desc.v),
                                   4 * (size_t)a->desc.q.shape[1], 4 * whole_size(&a->desc.o), 4 * whole_size(&a->desc.lse),
                                   4 * (size_t)a->info.tile_count};
    tsr_buffer *buf[TENSORS] = {NULL};
    for (int i = 0; i < TENSORS && s == TSR_OK; i++) {
        if (!host[i]) continue;
        if (i >= O) memset(host[i], 0xff, bytes[i]);
        s = tsr_buffer_create(dev, bytes[i], &buf[i]);
        if (s == TSR_OK) s = tsr_buffer_write(buf[i], 0, host[i], bytes[i]);
    }
    const tsr_attention_args args = {.q = {buf[Q], 0},
                                     .k = {buf[K], 0},
                                     .v = {buf[V], 0},
                                     .sink = {buf[SINK], 0},
                                     .o = {buf[O], 0},
                                     .lse = {buf[LSE], 0},
                                     .skipped = {buf[SKIPPED], 0}};
    if (s == TSR_OK) s = tsr_attention_run(a->plan, &args);
    for (int i = O; i < TENSORS && s == TSR_OK; i++)
        if (host[i]) s = tsr_buffer_read(buf[i], 0, host[i], bytes[i]);
    for (int i = 0; i < TENSORS; i++) tsr_buffer_destroy(buf[i]);
    return s;
}
