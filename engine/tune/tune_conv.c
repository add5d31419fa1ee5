/* The shapes of a convolution, raced. */
#include <stdio.h>
#include <stdlib.h>

#include "decode/conv_tuned.h"
#include "race.h"

typedef struct subject {
    tsr_device *dev;
    tsr_tune_conv c;
    tsr_conv *convs[TSR_TUNE_MAX_RESULTS];
    uint32_t shapes[TSR_TUNE_MAX_RESULTS];
    tsr_conv_args args;
    tsr_buffer *x, *y;
} subject;

static tsr_status no_memory(size_t bytes) { return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %zu bytes of numbers", bytes); }

static tsr_status create(subject *s, uint32_t shape, tsr_conv **out)
{
    const tsr_tune_conv *c = &s->c;
    const size_t taps = (size_t)(c->kt * c->kh * c->kw), weights = (size_t)c->cout * (size_t)(c->depthwise ? 1 : c->cin) * taps;
    tsr_conv_desc desc = {
        .name = "tuned",
        .taps = {.cout = c->cout, .cin = c->depthwise ? 1 : c->cin, .kt = c->kt, .kh = c->kh, .kw = c->kw, .w = malloc(weights * sizeof(float))},
        .groups = c->depthwise ? c->cin : 1,
        .before = c->kh / 2,
        .up = c->up != 0,
        .residual = TSR_NONE,
        .shape = shape};
    if (!desc.taps.w) return no_memory(weights * sizeof(float));
    tsr_tune_fill(desc.taps.w, TSR_F32, weights, 4);
    return tsr_conv_create(s->dev, &desc, c->dtype, out);
}

static tsr_status make(void *user, size_t i)
{
    subject *s = user;
    return create(s, s->shapes[i], &s->convs[i]);
}

static tsr_status run(void *user, size_t i)
{
    subject *s = user;
    return tsr_conv_run(s->convs[i], &s->args);
}

static tsr_status poison(void *user)
{
    subject *s = user;
    return tsr_tune_poison(s->y);
}

static tsr_status result(void *user, float **out, size_t *n)
{
    subject *s = user;
    return tsr_tune_numbers(s->y, s->c.dtype, out, n);
}

static tsr_status upload(subject *s)
{
    const tsr_tune_conv *c = &s->c;
    const size_t pixels = (size_t)c->height * (size_t)c->width, n = pixels * (size_t)c->cin, size = tsr_dtype_size(c->dtype);
    void *x = malloc(n * size);
    if (!x) return no_memory(n * size);
    tsr_tune_fill(x, c->dtype, n, 5);
    tsr_status status = tsr_buffer_create(s->dev, n * size, &s->x);
    if (status == TSR_OK) status = tsr_buffer_write(s->x, 0, x, n * size);
    if (status == TSR_OK) status = tsr_buffer_create(s->dev, pixels * (c->up ? 4 : 1) * (size_t)c->cout * size, &s->y);
    free(x);
    s->args = (tsr_conv_args){.height = c->height, .width = c->width, .rows = c->height, .y = {{s->y, 0}, 0, c->dtype}};
    for (int32_t f = 0; f < c->kt; f++) s->args.x[f] = (tsr_rows){{s->x, 0}, 0, c->dtype};
    return status;
}

static tsr_status check(const tsr_tune_conv *c)
{
    if (c->dtype != TSR_F32 && c->dtype != TSR_F16)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument conv.dtype is %s; expected f32 or f16", tsr_dtype_name(c->dtype));
    const int32_t all[] = {c->kt, c->kh, c->kw, c->cin, c->cout, c->height, c->width};
    static const int32_t most[] = {TSR_MAX_FRAMES_READ, 7, 7, 1 << 16, 1 << 16, 1 << 13, 1 << 13};
    static const char *const names[] = {"kt", "kh", "kw", "cin", "cout", "height", "width"};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i] < 1 || all[i] > most[i])
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument conv.%s is %d; expected 1 to %d", names[i], (int)all[i], (int)most[i]);
    if (c->depthwise && c->cin != c->cout)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument conv.cout is %d; expected cin, %d", (int)c->cout, (int)c->cin);
    return TSR_OK;
}

/* The candidates, those of the tile model that is asked for: their numbers in the engine's list. */
static tsr_status line_up(tsr_race *race, subject *s, const tsr_conv *listed)
{
    tsr_conv_shape all[TSR_MAX_CONV_SHAPES];
    uint32_t numbers[TSR_TUNE_MAX_RESULTS], order[TSR_TUNE_MAX_RESULTS];
    tsr_tune_report *out = race->report;
    const uint32_t asked = race->desc->tile;
    const size_t count = tsr_conv_shapes(listed, all);
    for (uint32_t i = 0; i < count; i++) {
        if (asked && all[i].tile != (tsr_tile)asked) continue;
        race->candidates[out->count] = tsr_tune_conv_candidate(listed, &all[i]);
        numbers[out->count++] = i + 1;
    }
    if (!out->count)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument tile is %s; %s has no such shapes for this convolution", tsr_tile_name((tsr_tile)asked),
                        s->dev->info.id);
    tsr_race_line_up(race, out->kernel, order);
    for (uint32_t i = 0; i < out->count; i++) s->shapes[i] = numbers[order[i] - 1];
    return TSR_OK;
}

tsr_status tsr_tune_convolution(tsr_device *dev, const tsr_tune_desc *desc, tsr_tune_report *out)
{
    subject s = {.dev = dev, .c = *desc->conv};
    tsr_conv *listed = NULL;
    tsr_race *race = calloc(1, sizeof(*race));
    if (!race) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a race of %zu bytes", sizeof(*race));
    tsr_status status = check(&s.c);
    if (status == TSR_OK) status = create(&s, 1, &listed);
    if (status == TSR_OK) status = upload(&s);
    if (status == TSR_OK) {
        snprintf(out->kernel, sizeof(out->kernel), "%s", tsr_tune_conv_kernel(listed));
        tsr_tune_conv_problem(listed, out->problem);
        race->dev = dev, race->desc = desc, race->report = out, race->subject = &s;
        race->make = make, race->run = run, race->poison = poison, race->result = result;
        race->tolerance = s.c.dtype == TSR_F32 ? 1e-3 : 0.06;
        status = line_up(race, &s, listed);
    }
    if (status == TSR_OK) status = tsr_race_run(race);
    tsr_conv_destroy(listed);
    for (size_t i = 0; i < TSR_TUNE_MAX_RESULTS; i++) tsr_conv_destroy(s.convs[i]);
    tsr_buffer_destroy(s.x);
    tsr_buffer_destroy(s.y);
    free(race);
    return status;
}
