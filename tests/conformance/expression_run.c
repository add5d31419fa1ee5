/* One attention with an expression, on a device and by the reference. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expression.h"

static size_t elements(const tsr_layout *l) { return (size_t)(l->shape[0] * l->shape[1] * l->shape[2] * l->shape[3]); }

static float *normals(const tsr_layout *l, oracle_rng *r)
{
    float *data = malloc((elements(l) + 1) * sizeof(*data));
    for (size_t i = 0; data && i < elements(l); i++) data[i] = (float)oracle_normal(r);
    return data;
}

bool expression_make(expression_problem *p, const tsr_attention_desc *desc, oracle_rng *r)
{
    *p = (expression_problem){.desc = *desc};
    p->q = normals(&desc->q, r);
    p->k = normals(&desc->k, r);
    p->v = normals(&desc->v, r);
    p->bias = normals(&desc->bias, r);
    p->o = malloc(elements(&desc->o) * sizeof(float));
    p->lse = malloc(elements(&desc->lse) * sizeof(float));
    p->mask = malloc(elements(&desc->mask) + 1);
    for (size_t i = 0; p->mask && i < elements(&desc->mask); i++) p->mask[i] = oracle_below(r, 4) != 0;
    return p->q && p->k && p->v && p->bias && p->o && p->lse && p->mask;
}

void expression_free(expression_problem *p)
{
    free(p->q);
    free(p->k);
    free(p->v);
    free(p->bias);
    free(p->o);
    free(p->lse);
    free(p->mask);
}

/* One buffer of the device holds everything, part after part. */
typedef struct part {
    void *data;
    size_t size;
    tsr_span *span;
    bool output;
} part;

static tsr_status run_plan(expression_problem *p, tsr_device *dev, tsr_attention *plan)
{
    tsr_attention_args args = {0};
    const part parts[] = {
        {p->q, elements(&p->desc.q) * 4, &args.q, false},      {p->k, elements(&p->desc.k) * 4, &args.k, false},
        {p->v, elements(&p->desc.v) * 4, &args.v, false},      {p->bias, elements(&p->desc.bias) * 4, &args.bias, false},
        {p->mask, elements(&p->desc.mask), &args.mask, false}, {p->o, elements(&p->desc.o) * 4, &args.o, true},
        {p->lse, elements(&p->desc.lse) * 4, &args.lse, true},
    };
    enum { PARTS = sizeof(parts) / sizeof(parts[0]) };
    uint64_t size = 0;
    for (int i = 0; i < PARTS; i++) size += (parts[i].size + 255) / 256 * 256;
    tsr_buffer *buf = NULL;
    tsr_status s = tsr_buffer_create(dev, size, &buf);
    uint64_t at = 0;
    for (int i = 0; i < PARTS && s == TSR_OK; i++) {
        if (parts[i].size == 0) continue;
        *parts[i].span = (tsr_span){buf, at};
        if (parts[i].output) memset(parts[i].data, 0xff, parts[i].size);
        s = tsr_buffer_write(buf, at, parts[i].data, parts[i].size);
        at += (parts[i].size + 255) / 256 * 256;
    }
    if (s == TSR_OK) s = tsr_attention_run(plan, &args);
    for (int i = 0; i < PARTS && s == TSR_OK; i++)
        if (parts[i].output) s = tsr_buffer_read(buf, parts[i].span->offset, parts[i].data, parts[i].size);
    tsr_buffer_destroy(buf);
    return s;
}

tsr_status expression_run(expression_problem *p, tsr_device *dev)
{
    const bool mask = p->expression.kind == TSR_EXPRESSION_MASK;
    tsr_expression *expression = NULL;
    tsr_set *set = NULL;
    tsr_attention *plan = NULL;
    tsr_status s = tsr_expression_create(&p->expression, &expression);
    const tsr_set_node node = {.op = TSR_SET_EXPRESSION, .expression = expression};
    if (mask) p->set.nodes = &node, p->set.node_count = 1;
    if (s == TSR_OK) s = tsr_set_create(&p->set, &set);
    p->set.nodes = NULL;
    tsr_attention_desc desc = p->desc;
    const tsr_set *const sets[] = {set};
    desc.score = mask ? NULL : expression;
    desc.sets = sets;
    desc.set_count = 1;
    if (s == TSR_OK) s = tsr_attention_prepare(dev, &desc, &plan);
    tsr_set_destroy(set);
    tsr_expression_destroy(expression); /* both are read during prepare only */
    if (s == TSR_OK) s = run_plan(p, dev, plan);
    tsr_attention_destroy(plan);
    return s;
}

static oracle_tensor packed(const tsr_layout *l, void *data)
{
    oracle_tensor t = {*l, elements(l) ? data : NULL};
    for (int64_t a = 3, step = 1; a >= 0; step *= l->shape[a--]) t.layout.stride[a] = step;
    return t;
}

bool expression_reference(const expression_problem *p, double (*score)(const void *user, double score, int64_t b, int64_t h, int64_t i, int64_t j),
                          const void *user, double *o, double *lse)
{
    const tsr_attention_desc *d = &p->desc;
    const oracle_attention_inputs in = {.q = packed(&d->q, p->q),
                                        .k = packed(&d->k, p->k),
                                        .v = packed(&d->v, p->v),
                                        .bias = packed(&d->bias, p->bias),
                                        .mask = packed(&d->mask, p->mask),
                                        .score = score,
                                        .user = user};
    return oracle_attention(d, &in, o, lse);
}
