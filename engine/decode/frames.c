/* Memory of frames: pools of equal size on the device or the host, and the frames of each feature that are still needed. */
#include <stdlib.h>
#include <string.h>

#include "execute.h"
#include "family/weights.h"

uint64_t tsr_frame_bytes(const tsr_exec *ex, int32_t feature, tsr_dtype dtype)
{
    const tsr_feature *f = &ex->net->features[feature];
    return (uint64_t)tsr_extent(ex->height, f->level) * (uint64_t)tsr_extent(ex->width, f->level) * (uint64_t)f->channels * tsr_dtype_size(dtype);
}

static int32_t find_pool(tsr_exec *ex, uint64_t bytes, bool hosted)
{
    enum { STEP = 32 };
    for (int32_t i = 0; i < ex->pool_count; i++)
        if (ex->pools[i].bytes == bytes && ex->pools[i].hosted == hosted) return i;
    if (ex->pool_count % STEP == 0) {
        tsr_pool *more = realloc(ex->pools, (size_t)(ex->pool_count + STEP) * sizeof(*more));
        if (!more) return -1;
        ex->pools = more;
    }
    ex->pools[ex->pool_count] = (tsr_pool){.bytes = bytes, .hosted = hosted};
    return ex->pool_count++;
}

static bool pool_room(tsr_pool *pool)
{
    if (pool->held < pool->capacity) return true;
    const int32_t capacity = 2 * pool->capacity + 8;
    void **more = realloc(pool->free, (size_t)capacity * sizeof(*more));
    if (!more) return false;
    pool->free = more;
    pool->capacity = capacity;
    return true;
}

/* One more frame of a pool: device or host memory. */
static tsr_status pool_hold(tsr_exec *ex, tsr_pool *pool)
{
    void *memory = NULL;
    if (!pool_room(pool)) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %d frames", pool->held + 1);
    if (pool->hosted) {
        memory = malloc((size_t)pool->bytes);
        if (!memory) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a frame of %llu bytes", (unsigned long long)pool->bytes);
        ex->host_bytes += pool->bytes;
    } else {
        tsr_buffer *buffer = NULL;
        const tsr_status status = tsr_buffer_create(ex->net->dev, pool->bytes, &buffer);
        if (status != TSR_OK) return status;
        memory = buffer;
    }
    pool->free[pool->free_count++] = memory;
    pool->held++;
    return TSR_OK;
}

tsr_status tsr_pools_fill(tsr_exec *ex, const tsr_pool *peaks, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        const int32_t at = peaks[i].hosted ? -2 : find_pool(ex, peaks[i].bytes, false);
        if (at == -1) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the pools of a clip");
        while (at >= 0 && ex->pools[at].held < peaks[i].peak) {
            const tsr_status status = pool_hold(ex, &ex->pools[at]);
            if (status != TSR_OK) return status;
        }
    }
    return TSR_OK;
}

static void pool_drop_free(tsr_exec *ex, tsr_pool *pool)
{
    while (pool->free_count > 0) {
        void *memory = pool->free[--pool->free_count];
        pool->held--;
        if (pool->hosted) {
            free(memory);
            ex->host_bytes -= pool->bytes;
        } else {
            tsr_buffer_destroy(memory);
        }
    }
}

void tsr_pools_free(tsr_exec *ex)
{
    for (int32_t i = 0; i < ex->pool_count; i++) {
        pool_drop_free(ex, &ex->pools[i]);
        free(ex->pools[i].free);
    }
    free(ex->pools);
    ex->pools = NULL;
    ex->pool_count = 0;
}

/* Memory of the device or the host for a slot. */
static tsr_status slot_place(tsr_exec *ex, tsr_slot *slot, uint64_t bytes, bool hosted)
{
    slot->pool = find_pool(ex, bytes, hosted);
    if (slot->pool < 0) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the pools of a clip");
    tsr_pool *pool = &ex->pools[slot->pool];
    if (!ex->dry && pool->free_count == 0) {
        const tsr_status status = pool_hold(ex, pool);
        if (status != TSR_OK) return status;
    }
    if (++pool->live > pool->peak) pool->peak = pool->live;
    if (ex->dry) return TSR_OK;
    void *memory = pool->free[--pool->free_count];
    slot->device = hosted ? NULL : memory;
    slot->host = hosted ? memory : NULL;
    return TSR_OK;
}

static void slot_empty(tsr_exec *ex, tsr_slot *slot)
{
    tsr_pool *pool = &ex->pools[slot->pool];
    pool->live--;
    if (ex->dry) return;
    pool->free[pool->free_count++] = pool->hosted ? (void *)slot->host : (void *)slot->device;
    slot->host = NULL;
    slot->device = NULL;
}

bool tsr_exec_make_room(tsr_exec *ex)
{
    int32_t best = TSR_NONE;
    uint64_t most = 0;
    for (int32_t i = 0; i < ex->net->feature_count; i++) {
        const tsr_track *track = &ex->tracks[i];
        const uint64_t bytes = track->hosted || i == ex->net->output ? 0 : (uint64_t)track->count * tsr_frame_bytes(ex, i, track->dtype);
        if (bytes <= most) continue;
        most = bytes;
        best = i;
    }
    if (best == TSR_NONE || tsr_track_to_host(ex, best) != TSR_OK) return false;
    const char *name = "the input";
    for (const tsr_node *node = ex->net->nodes; node < ex->net->nodes + ex->net->node_count; node++)
        if (node->y == best || node->act == best) name = node->name;
    ex->net->dev->ctx->services.log(ex->net->dev->ctx->services.ctx, TSR_LOG_WARNING,
                                    "device memory ran out: what layer '%s' makes (%llu bytes) waits in host memory from now on", name,
                                    (unsigned long long)most);
    return true;
}

/* Memory for a frame of a slot's type where its feature is kept; where the device has none left, others make room, or it is the host's. */
static tsr_status slot_fill(tsr_exec *ex, int32_t feature, tsr_slot *slot)
{
    tsr_status status;
    do status = slot_place(ex, slot, tsr_frame_bytes(ex, feature, slot->dtype), ex->tracks[feature].hosted);
    while (status == TSR_ERROR_DEVICE_MEMORY && tsr_exec_make_room(ex));
    return status;
}

tsr_status tsr_slot_new(tsr_exec *ex, int32_t feature, tsr_slot **out)
{
    tsr_slot *slot = calloc(1, sizeof(*slot));
    *out = NULL;
    if (!slot) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a frame's record");
    slot->refs = 1;
    slot->dtype = ex->tracks[feature].dtype;
    const tsr_status status = slot_fill(ex, feature, slot);
    if (status == TSR_OK)
        *out = slot;
    else
        free(slot);
    return status;
}

void tsr_slot_release(tsr_exec *ex, tsr_slot *slot)
{
    if (!slot || --slot->refs > 0) return;
    slot_empty(ex, slot);
    free(slot);
}

tsr_status tsr_track_add(tsr_exec *ex, int32_t feature, tsr_slot *slot)
{
    tsr_track *track = &ex->tracks[feature];
    if (track->count == track->capacity) {
        const int32_t capacity = 2 * track->capacity + 4;
        tsr_slot **more = realloc(track->slots, (size_t)capacity * sizeof(*more));
        if (!more) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %d frames", capacity);
        track->slots = more;
        track->capacity = capacity;
    }
    track->slots[track->count++] = slot;
    track->made++;
    return TSR_OK;
}

tsr_slot *tsr_track_at(const tsr_exec *ex, int32_t feature, int64_t frame)
{
    const tsr_track *track = &ex->tracks[feature];
    return frame < track->first || frame >= track->first + track->count ? NULL : track->slots[frame - track->first];
}

void tsr_track_trim(tsr_exec *ex, int32_t feature, int64_t keep_from)
{
    tsr_track *track = &ex->tracks[feature];
    int32_t n = 0;
    while (n < track->count && track->first + n < keep_from) tsr_slot_release(ex, track->slots[n++]);
    if (n == 0) return;
    track->first += n;
    track->count -= n;
    memmove(track->slots, track->slots + n, (size_t)track->count * sizeof(*track->slots));
}

/* Moves what a slot holds to memory of another type, or to where its feature is kept now, through the host. */
static tsr_status slot_move(tsr_exec *ex, int32_t feature, tsr_slot *slot, tsr_dtype dtype)
{
    const uint64_t from = tsr_frame_bytes(ex, feature, slot->dtype), to = tsr_frame_bytes(ex, feature, dtype);
    tsr_slot target = {.dtype = dtype};
    unsigned char *copy = malloc((size_t)from), *wide = malloc((size_t)to);
    tsr_status status = copy && wide ? TSR_OK : tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a frame of %llu bytes", (unsigned long long)to);
    if (status == TSR_OK && slot->device) status = tsr_buffer_read(slot->device, 0, copy, from);
    if (status == TSR_OK && slot->host) memcpy(copy, slot->host, (size_t)from);
    if (status == TSR_OK && dtype != slot->dtype) {
        const tsr_tensor_view view = {.dtype = slot->dtype, .data = copy, .size = from};
        tsr_floats_from(&view, 0, from / tsr_dtype_size(slot->dtype), (float *)(void *)wide);
    }
    const bool same = dtype == slot->dtype;
    if (status == TSR_OK && same) slot_empty(ex, slot); /* first, so that its place may be used again */
    if (status == TSR_OK) status = slot_fill(ex, feature, &target);
    if (status == TSR_OK && target.host) memcpy(target.host, same ? copy : wide, (size_t)to);
    if (status == TSR_OK && target.device) status = tsr_buffer_write(target.device, 0, same ? copy : wide, to);
    free(copy);
    free(wide);
    if (status != TSR_OK) return status;
    if (!same) slot_empty(ex, slot);
    target.refs = slot->refs;
    *slot = target;
    return TSR_OK;
}

tsr_status tsr_slot_to_f32(tsr_exec *ex, int32_t feature, tsr_slot *slot)
{
    return slot->dtype == TSR_F32 ? TSR_OK : slot_move(ex, feature, slot, TSR_F32);
}

tsr_status tsr_track_to_host(tsr_exec *ex, int32_t feature)
{
    tsr_track *track = &ex->tracks[feature];
    tsr_status status = TSR_OK;
    track->hosted = true;
    for (int32_t i = 0; i < track->count && status == TSR_OK; i++) {
        const int32_t pool = track->slots[i]->pool;
        if (!ex->pools[pool].hosted) status = slot_move(ex, feature, track->slots[i], track->slots[i]->dtype);
        pool_drop_free(ex, &ex->pools[pool]);
    }
    if (status == TSR_OK && !ex->dry) tsr_exec_windows(ex);
    return status;
}
