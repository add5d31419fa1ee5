/* Single-head attention over the pixels of frames, of which q, k and v are thirds of the channels.
 *
 * History: the new frame's queries attend to one earlier frame at a time, and the results are merged by log-sum-exp, as splits of keys are.
 * So one prepared attention serves clips of any length, keys and values lie in one buffer for each frame (none grows, none is large), and no run
 * waits for the device or visits a key that it may not see. */
#include <stdlib.h>
#include <string.h>

#include "attend.h"

static uint64_t key_bytes(const tsr_attend *a, tsr_dtype dtype) { return 2 * (uint64_t)(a->pixels * a->channels) * tsr_dtype_size(dtype); }

static tsr_layout rows_layout(const tsr_attend *a, tsr_dtype dtype, int64_t pitch)
{
    return (tsr_layout){dtype, {1, 1, a->pixels, a->channels}, {a->pixels * pitch, a->pixels * pitch, pitch, 1}};
}

/* pitch: of keys and values. */
static tsr_status prepare(const tsr_attend *a, tsr_dtype q, tsr_dtype kv, int64_t pitch, tsr_dtype o, bool sums, tsr_attention **out)
{
    if (*out) return TSR_OK;
    tsr_attention_desc desc = {
        .q = rows_layout(a, q, 3 * a->channels), .k = rows_layout(a, kv, pitch), .v = rows_layout(a, kv, pitch), .o = rows_layout(a, o, a->channels)};
    if (sums) desc.lse = (tsr_layout){TSR_F32, {1, 1, a->pixels, 1}, {a->pixels, a->pixels, 1, 1}};
    return tsr_attention_prepare(a->dev, &desc, out);
}

static tsr_status prepare_direct(tsr_attend *a, tsr_dtype x, tsr_dtype y) { return prepare(a, x, x, 3 * a->channels, y, false, &a->direct[x][y]); }

static tsr_status prepare_partial(tsr_attend *a, tsr_dtype q, tsr_dtype kv)
{
    return prepare(a, q, kv, 2 * a->channels, TSR_F32, true, &a->partial[q][kv]);
}

static tsr_status need_room(tsr_attend *a, int64_t frames)
{
    if (frames <= a->room) return TSR_OK;
    const int64_t room = frames > 2 * a->room ? frames : 2 * a->room;
    attend_keys *const more = realloc(a->keys, (size_t)room * sizeof(*more));
    if (!more) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a history of %lld frames", (long long)room);
    memset(more + a->room, 0, (size_t)(room - a->room) * sizeof(*more));
    a->keys = more;
    a->room = room;
    return TSR_OK;
}

static tsr_status need_keys(tsr_attend *a, int64_t frame, tsr_dtype dtype)
{
    tsr_status status = need_room(a, frame + 1);
    if (status != TSR_OK) return status;
    attend_keys *const keys = &a->keys[frame];
    keys->dtype = dtype;
    if (tsr_buffer_size(keys->buffer) >= key_bytes(a, dtype)) return TSR_OK;
    if (keys->buffer && (status = tsr_drain(a->dev)) != TSR_OK) return status;
    tsr_buffer_destroy(keys->buffer);
    keys->buffer = NULL;
    return tsr_buffer_create(a->dev, key_bytes(a, dtype), &keys->buffer);
}

static tsr_status check_sizes(int32_t channels, int64_t pixels, int64_t frames, tsr_dtype dtype)
{
    int64_t all;
    if (channels < 1 || channels > 1024) return tsr_fail(TSR_ERROR_UNSUPPORTED, "attention of %d channels; expected 1 to 1024", channels);
    if (pixels < 1 || pixels > INT32_MAX / (2 * channels) || !tsr_mul(pixels, 3 * channels, &all))
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "attention over frames of %lld pixels of %d channels; expected 1 to %d pixels", (long long)pixels,
                        channels, INT32_MAX / (2 * channels));
    if (frames < 0 || !tsr_mul(all, 4, &all) || !tsr_mul(all, frames, &all))
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "attention over %lld frames of %lld pixels", (long long)frames, (long long)pixels);
    if (dtype != TSR_F32 && dtype != TSR_F16) return tsr_fail(TSR_ERROR_INTERNAL, "attention over frames of %s", tsr_dtype_name(dtype));
    return TSR_OK;
}

/* All but states, keys and values. */
static tsr_status make(tsr_device *dev, const tsr_attend_desc *desc, int32_t channels, int64_t pixels, int64_t frames, tsr_dtype dtype,
                       tsr_attend **out)
{
    *out = NULL;
    tsr_status status = check_sizes(channels, pixels, frames, dtype);
    if (status != TSR_OK) return status;
    tsr_attend *const a = malloc(sizeof(*a));
    if (!a) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for an attention of %zu bytes", sizeof(*a));
    *a = (tsr_attend){.dev = dev, .history = desc->history, .channels = channels, .pixels = pixels};
    status = prepare_direct(a, dtype, dtype);
    if (a->history && status == TSR_OK) status = prepare_partial(a, dtype, dtype);
    if (a->history && status == TSR_OK) status = tsr_attend_history(a, dtype);
    if (status != TSR_OK) {
        tsr_attend_destroy(a);
        return status;
    }
    *out = a;
    return TSR_OK;
}

tsr_status tsr_attend_create(tsr_device *dev, const tsr_attend_desc *desc, int32_t channels, int64_t pixels, int64_t frames, tsr_dtype dtype,
                             tsr_attend **out)
{
    tsr_attend *a;
    tsr_status status = make(dev, desc, channels, pixels, frames, dtype, &a);
    *out = NULL;
    if (status != TSR_OK) return status;
    if (a->history) status = tsr_buffer_create(dev, tsr_attend_state_bytes(a), &a->states);
    for (int64_t i = 0; i < frames && a->history && status == TSR_OK; i++) status = need_keys(a, i, dtype);
    if (status != TSR_OK) {
        tsr_attend_destroy(a);
        return status;
    }
    *out = a;
    return TSR_OK;
}

static uint64_t workspace(const tsr_attention *plan)
{
    tsr_attention_info info = {0};
    if (plan) tsr_attention_get_info(plan, &info);
    return info.workspace;
}

static uint64_t plans_bytes(const tsr_attend *a)
{
    uint64_t bytes = tsr_params_bytes(&a->merges) + tsr_params_bytes(&a->moves);
    for (int i = 0; i < ATTEND_TYPES; i++)
        for (int j = 0; j < ATTEND_TYPES; j++) bytes += workspace(a->direct[i][j]) + workspace(a->partial[i][j]);
    return bytes;
}

tsr_status tsr_attend_plan(tsr_device *dev, const tsr_attend_desc *desc, int32_t channels, int64_t pixels, int64_t frames, tsr_dtype dtype,
                           uint64_t *bytes)
{
    tsr_attend *a;
    const tsr_status status = make(dev, desc, channels, pixels, frames, dtype, &a);
    if (status != TSR_OK) return status;
    *bytes = plans_bytes(a) + (a->history ? tsr_attend_state_bytes(a) + (uint64_t)frames * key_bytes(a, dtype) : 0);
    tsr_attend_destroy(a);
    return TSR_OK;
}

uint64_t tsr_attend_bytes(const tsr_attend *a)
{
    uint64_t bytes = plans_bytes(a) + tsr_buffer_size(a->states);
    for (int64_t i = 0; i < a->room; i++) bytes += tsr_buffer_size(a->keys[i].buffer);
    return bytes;
}

void tsr_attend_destroy(tsr_attend *a)
{
    if (!a) return;
    for (int i = 0; i < ATTEND_TYPES; i++)
        for (int j = 0; j < ATTEND_TYPES; j++) {
            tsr_attention_destroy(a->direct[i][j]);
            tsr_attention_destroy(a->partial[i][j]);
        }
    for (int64_t i = 0; i < a->room; i++) tsr_buffer_destroy(a->keys[i].buffer);
    free(a->keys);
    tsr_buffer_destroy(a->states);
    tsr_params_free(&a->merges);
    tsr_params_free(&a->moves);
    free(a);
}

/* A frame's queries against its own keys and values. */
static tsr_status run_direct(tsr_attend *a, const tsr_rows *x, const tsr_rows *y)
{
    const tsr_status status = prepare_direct(a, x->dtype, y->dtype);
    if (status != TSR_OK) return status;
    const uint64_t third = (uint64_t)a->channels * tsr_dtype_size(x->dtype);
    const tsr_attention_args args = {
        .q = x->at, .k = {x->at.buffer, x->at.offset + third}, .v = {x->at.buffer, x->at.offset + 2 * third}, .o = y->at};
    return tsr_attention_run(a->direct[x->dtype][y->dtype], &args);
}

/* Against an earlier frame's, into a state. */
static tsr_status run_partial(tsr_attend *a, const tsr_rows *x, const attend_keys *keys, int64_t state)
{
    const tsr_status status = prepare_partial(a, x->dtype, keys->dtype);
    if (status != TSR_OK) return status;
    const tsr_attention_args args = {.q = x->at,
                                     .k = {keys->buffer, 0},
                                     .v = {keys->buffer, (uint64_t)a->channels * tsr_dtype_size(keys->dtype)},
                                     .o = tsr_attend_state(a, state),
                                     .lse = tsr_attend_sums(a, state)};
    return tsr_attention_run(a->partial[x->dtype][keys->dtype], &args);
}

tsr_status tsr_attend_run(tsr_attend *a, tsr_rows x, tsr_rows y, int64_t frame)
{
    if (x.dtype > TSR_F16 || y.dtype > TSR_F16)
        return tsr_fail(TSR_ERROR_INTERNAL, "attention from %s to %s", tsr_dtype_name(x.dtype), tsr_dtype_name(y.dtype));
    if (a->history && (frame < 0 || frame > a->frames))
        return tsr_fail(TSR_ERROR_INTERNAL, "attention of frame %lld after %lld", (long long)frame, (long long)a->frames);
    tsr_status status = a->history ? need_keys(a, frame, x.dtype) : TSR_OK;
    if (status == TSR_OK && a->history) status = tsr_attend_keep(a, &x, &a->keys[frame]);
    if (status != TSR_OK) return status;
    if (!a->history || frame == 0) {
        a->frames = 1;
        return run_direct(a, &x, &y);
    }
    int64_t first = 0; /* of the two states that the next merge reads: the one so far, and the next one */
    status = run_partial(a, &x, &a->keys[0], 0);
    for (int64_t i = 1; i <= frame && status == TSR_OK; i++) {
        status = run_partial(a, &x, &a->keys[i], 1);
        if (status == TSR_OK) status = tsr_attend_merge(a, first, i == frame ? &y : NULL);
        first = 1 - first;
    }
    if (status == TSR_OK) a->frames = frame + 1;
    return status;
}
