/* The shapes of an attention, raced. */
#include <stdio.h>
#include <stdlib.h>

#include "attention/tuned.h"
#include "race.h"

typedef struct subject {
    tsr_device *dev;
    tsr_attention_desc desc;
    tsr_attention *plans[TSR_TUNE_MAX_RESULTS];
    uint32_t shapes[TSR_TUNE_MAX_RESULTS];
    tsr_buffer *q, *k, *v, *o;
} subject;

static tsr_status make(void *user, size_t i)
{
    subject *s = user;
    tsr_attention_desc d = s->desc;
    d.shape = s->shapes[i];
    return tsr_attention_prepare(s->dev, &d, &s->plans[i]);
}

static tsr_status run(void *user, size_t i)
{
    subject *s = user;
    return tsr_attention_run(s->plans[i], &(tsr_attention_args){.q = {s->q, 0}, .k = {s->k, 0}, .v = {s->v, 0}, .o = {s->o, 0}});
}

static tsr_status fill(tsr_buffer *to, tsr_dtype dtype, uint64_t seed)
{
    const size_t size = (size_t)tsr_buffer_size(to);
    void *data = malloc(size + 1);
    if (!data) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %zu bytes of numbers", size);
    tsr_tune_fill(data, dtype, size / tsr_dtype_size(dtype), seed);
    const tsr_status s = tsr_buffer_write(to, 0, data, size);
    free(data);
    return s;
}

static tsr_status poison(void *user)
{
    subject *s = user;
    return tsr_tune_poison(s->o);
}

static tsr_status result(void *user, float **out, size_t *n)
{
    subject *s = user;
    return tsr_tune_numbers(s->o, s->desc.o.dtype, out, n);
}

static tsr_status upload(subject *s)
{
    const struct {
        tsr_buffer **to;
        const tsr_layout *layout;
        uint64_t seed;
    } all[] = {{&s->q, &s->desc.q, 1}, {&s->k, &s->desc.k, 2}, {&s->v, &s->desc.v, 3}, {&s->o, &s->desc.o, 0}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const uint64_t size = (uint64_t)tsr_layout_extent(all[i].layout) * tsr_dtype_size(all[i].layout->dtype);
        tsr_status status = tsr_buffer_create(s->dev, size, all[i].to);
        if (status == TSR_OK && all[i].seed) status = fill(*all[i].to, all[i].layout->dtype, all[i].seed);
        if (status != TSR_OK) return status;
    }
    return TSR_OK;
}

static tsr_status check(const tsr_attention_desc *d)
{
    if (d->set_count || d->score || d->tagged || tsr_layout_wanted(&d->mask) || tsr_layout_wanted(&d->bias) || tsr_layout_wanted(&d->sink) ||
        tsr_layout_wanted(&d->lse))
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument attention has sets, a score, tags, mask, bias, sink or lse; expected none of them");
    if (d->q.shape[2] < 1 || d->k.shape[2] < 1 || d->q.shape[0] * d->q.shape[1] < 1)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument attention has no queries or no keys; expected some");
    if (d->shape) return tsr_fail(TSR_ERROR_ARGUMENT, "argument attention.shape is %u; expected 0", d->shape);
    return TSR_OK;
}

/* Of the result's root mean square: sums over many keys; 16-bit outputs, and probabilities in 16 bits where matrices multiply them; codes. */
static double tolerance(const tsr_attention_desc *d)
{
    if (d->codes.bits) return 0.3;
    return d->q.dtype == TSR_F32 && d->k.dtype == TSR_F32 && d->v.dtype == TSR_F32 && d->o.dtype == TSR_F32 ? 1e-3 : 0.06;
}

tsr_status tsr_tune_attention(tsr_device *dev, const tsr_tune_desc *desc, tsr_tune_report *out)
{
    tsr_tiling all[TSR_MAX_CANDIDATES];
    subject s = {.dev = dev};
    tsr_race *race = calloc(1, sizeof(*race));
    if (!race) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a race of %zu bytes", sizeof(*race));
    tsr_status status = tsr_attention_validate(desc->attention, &s.desc);
    if (status == TSR_OK) status = check(&s.desc);
    if (status == TSR_OK) status = upload(&s);
    if (status == TSR_OK) {
        const size_t count = tsr_attention_candidates(&dev->info, &s.desc, all);
        out->count = (uint32_t)(count < TSR_TUNE_MAX_RESULTS ? count : TSR_TUNE_MAX_RESULTS);
        snprintf(out->kernel, sizeof(out->kernel), "flash");
        (void)tsr_tune_attention_problem(&s.desc, 0, out->problem);
        race->dev = dev, race->desc = desc, race->report = out, race->subject = &s;
        for (uint32_t i = 0; i < out->count; i++) race->candidates[i] = tsr_tune_attention_candidate(&dev->info, &s.desc, &all[i]);
        tsr_race_line_up(race, out->kernel, s.shapes);
        race->make = make, race->run = run, race->poison = poison, race->result = result;
        race->tolerance = tolerance(&s.desc);
        tsr_choice none; /* says what is lacking */
        status = count ? tsr_race_run(race) : tsr_attention_choose(dev, &s.desc, &none);
    }
    for (size_t i = 0; i < TSR_TUNE_MAX_RESULTS; i++) tsr_attention_destroy(s.plans[i]);
    tsr_buffer *const buffers[] = {s.q, s.k, s.v, s.o};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) tsr_buffer_destroy(buffers[i]);
    free(race);
    return status;
}
