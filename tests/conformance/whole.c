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

void whole_inputs_f16(whole *a)
{
    tsr_layout *const layouts[] = {&a->desc.q, &a->desc.k, &a->desc.v};
    float *const host[] = {a->q, a->k, a->v};
    for (int t = 0; t < 3; t++) {
        layouts[t]->dtype = TSR_F16;
        for (size_t i = 0; i < whole_size(layouts[t]); i++) {
            uint32_t stored;
            oracle_store(TSR_F16, &stored, 0, (double)host[t][i]);
            host[t][i] = (float)oracle_load(TSR_F16, &stored, 0);
        }
    }
}

void whole_free(whole *a)
{
    float *const all[] = {a->q, a->k, a->v, a->sink, a->o, a->lse};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) free(all[i]);
    free(a->skipped);
    tsr_attention_destroy(a->plan);
}

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

/* A tensor on the device, in its storage type. */
static tsr_status send(tsr_device *dev, const tsr_layout *l, const float *x, tsr_buffer **out)
{
    const size_t n = whole_size(l), size = tsr_dtype_size(l->dtype);
    unsigned char *bytes = malloc((n + 1) * size);
    for (size_t i = 0; bytes && i < n; i++) oracle_store(l->dtype, bytes, (int64_t)i, (double)x[i]);
    tsr_status s = bytes ? tsr_buffer_create(dev, n * size, out) : TSR_ERROR_HOST_MEMORY;
    if (s == TSR_OK) s = tsr_buffer_write(*out, 0, bytes, n * size);
    free(bytes);
    return s;
}

static tsr_status fetch(tsr_buffer *from, const tsr_layout *l, float *x)
{
    const size_t n = whole_size(l), size = tsr_dtype_size(l->dtype);
    unsigned char *bytes = malloc((n + 1) * size);
    const tsr_status s = bytes ? tsr_buffer_read(from, 0, bytes, n * size) : TSR_ERROR_HOST_MEMORY;
    for (size_t i = 0; s == TSR_OK && i < n; i++) x[i] = (float)oracle_load(l->dtype, bytes, (int64_t)i);
    free(bytes);
    return s;
}

enum { Q, K, V, SINK, O, LSE, TENSORS };

tsr_status whole_run(whole *a, tsr_device *dev)
{
    const tsr_attention_desc *d = &a->desc;
    const tsr_layout *const layouts[TENSORS] = {&d->q, &d->k, &d->v, &d->sink, &d->o, &d->lse};
    float *const host[TENSORS] = {a->q, a->k, a->v, a->sink, a->o, a->lse};
    tsr_buffer *buf[TENSORS] = {NULL}, *skipped = NULL;
    tsr_status s = prepare(a, dev);
    for (size_t i = 0; i < whole_size(&d->o); i++) a->o[i] = NAN;
    for (size_t i = 0; i < whole_size(&d->lse); i++) a->lse[i] = NAN;
    for (int i = 0; i < TENSORS && s == TSR_OK; i++)
        if (i != SINK || d->sink.shape[1]) s = send(dev, layouts[i], host[i], &buf[i]);
    const uint64_t bytes = a->info.tile_count * sizeof(*a->skipped);
    if (s == TSR_OK && a->skipped) s = tsr_buffer_create(dev, bytes, &skipped);
    if (s == TSR_OK && a->skipped) memset(a->skipped, 0xff, (size_t)bytes);
    if (s == TSR_OK && a->skipped) s = tsr_buffer_write(skipped, 0, a->skipped, bytes);
    const tsr_attention_args args = {.q = {buf[Q], 0},
                                     .k = {buf[K], 0},
                                     .v = {buf[V], 0},
                                     .sink = {buf[SINK], 0},
                                     .o = {buf[O], 0},
                                     .lse = {buf[LSE], 0},
                                     .skipped = {skipped, 0}};
    if (s == TSR_OK) s = tsr_attention_run(a->plan, &args);
    if (s == TSR_OK) s = fetch(buf[O], &d->o, a->o);
    if (s == TSR_OK) s = fetch(buf[LSE], &d->lse, a->lse);
    if (s == TSR_OK && a->skipped) s = tsr_buffer_read(skipped, 0, a->skipped, bytes);
    for (int i = 0; i < TENSORS; i++) tsr_buffer_destroy(buf[i]);
    tsr_buffer_destroy(skipped);
    return s;
}
