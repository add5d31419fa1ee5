/* A clip on its way through a net: made, fed, run until a frame is ready. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "execute.h"
#include "family/weights.h"

static int32_t coarsest_level(const tsr_net *net)
{
    int32_t level = 0;
    for (int32_t i = 0; i < net->feature_count; i++) level = net->features[i].level < level ? net->features[i].level : level;
    return level;
}

/* What a window for that feature's rows of one stripe takes. `reach` rows more on both sides. */
static void want_window(tsr_exec *ex, int32_t role, int32_t feature, int64_t rows)
{
    if (feature == TSR_NONE || !ex->tracks[feature].hosted) return;
    const tsr_feature *f = &ex->net->features[feature];
    const int64_t height = tsr_extent(ex->height, f->level);
    const uint64_t frame = tsr_frame_bytes(ex, feature, ex->tracks[feature].dtype);
    const uint64_t bytes = rows >= height ? frame : frame / (uint64_t)height * (uint64_t)rows;
    if (bytes > ex->window_bytes[role]) ex->window_bytes[role] = bytes;
}

void tsr_exec_windows(tsr_exec *ex)
{
    const tsr_net *net = ex->net;
    memset(ex->window_bytes, 0, sizeof(ex->window_bytes));
    for (const tsr_node *node = net->nodes; node < net->nodes + net->node_count; node++) {
        const int32_t height = tsr_extent(ex->height, net->features[node->x].level), grid = (height + node->stride - 1) / node->stride;
        int64_t rows = grid;
        int32_t low, high;
        if (ex->stripe_rows > 0 && node->kind != TSR_NODE_ATTEND) {
            const int64_t stripe = (int64_t)ex->stripe_rows << (net->features[node->x].level - (node->stride == 2) - ex->coarsest);
            rows = stripe < rows ? stripe : rows;
        }
        int64_t reads = rows;
        if (node->conv) {
            for (int32_t row = 0; row < grid; row += (int32_t)rows) {
                tsr_conv_reads(node->conv, height, row, grid - row < rows ? grid - row : (int32_t)rows, &low, &high);
                if (high - low > reads) reads = high - low;
            }
        }
        for (int32_t i = 0; i < node->frames_read; i++) want_window(ex, i, node->x, reads);
        want_window(ex, 3, node->residual, node->residual_parted ? rows : rows * node->shuffle);
        if (node->modulation != TSR_NONE) want_window(ex, 4, node->modulation, INT32_MAX);
        want_window(ex, 5, node->y, rows * node->shuffle);
        want_window(ex, 6, node->act, rows * node->shuffle);
    }
}

/* One draw for all frames and channels; draw: its number, the same on all devices, whatever they fuse. */
static tsr_status make_noise(tsr_exec *ex, int32_t index, uint64_t draw)
{
    const tsr_node *node = &ex->net->nodes[index];
    const tsr_feature *y = &ex->net->features[node->y != TSR_NONE ? node->y : node->act];
    const uint64_t n = (uint64_t)tsr_extent(ex->height, y->level) * (uint64_t)tsr_extent(ex->width, y->level);
    float *noise = malloc((size_t)n * sizeof(float));
    if (!noise) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %llu numbers of noise", (unsigned long long)n);
    tsr_normal_fill(ex->noise_seed + draw, noise, n);
    tsr_status status = tsr_buffer_create(ex->net->dev, n * sizeof(float), &ex->states[index].noise);
    if (status == TSR_OK) status = tsr_buffer_write(ex->states[index].noise, 0, noise, n * sizeof(float));
    free(noise);
    return status;
}

static tsr_status open_devices_part(tsr_exec *ex)
{
    const tsr_net *net = ex->net;
    const uint32_t zero = 0;
    uint64_t draws = 0;
    tsr_status status = tsr_buffer_create(net->dev, sizeof(zero), &ex->overflow);
    if (status == TSR_OK) status = tsr_buffer_write(ex->overflow, 0, &zero, sizeof(zero));
    for (int32_t i = 0; i < TSR_ROLES && status == TSR_OK; i++)
        if (ex->window_bytes[i] > 0) status = tsr_buffer_create(net->dev, ex->window_bytes[i], &ex->windows[i]);
    for (int32_t i = 0; i < net->node_count && status == TSR_OK; i++) {
        const tsr_node *node = &net->nodes[i];
        if (node->has_noise) status = make_noise(ex, i, ++draws);
        if (node->kind != TSR_NODE_ATTEND || status != TSR_OK) continue;
        const tsr_feature *x = &net->features[node->x];
        const int64_t pixels = (int64_t)tsr_extent(ex->height, x->level) * tsr_extent(ex->width, x->level);
        status = tsr_attend_create(net->dev, &node->attend, x->channels / 3, pixels, node->attend.history ? ex->total : 1, net->store,
                                   &ex->states[i].attend);
    }
    return status;
}

tsr_status tsr_exec_create(tsr_net *net, const tsr_config *config, bool dry, uint64_t noise_seed, tsr_exec **out)
{
    tsr_exec *ex = calloc(1, sizeof(*ex));
    *out = NULL;
    if (ex) {
        ex->tracks = calloc((size_t)net->feature_count, sizeof(*ex->tracks));
        ex->states = calloc((size_t)net->node_count, sizeof(*ex->states));
    }
    if (!ex || !ex->tracks || !ex->states) {
        if (ex) free(ex->tracks);
        free(ex);
        return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a clip of %d layers", net->node_count);
    }
    ex->net = net;
    ex->height = config->height;
    ex->width = config->width;
    ex->total = config->total;
    ex->odd = config->total == 0 || config->total % 2 != 0;
    ex->watch = net->store == TSR_F16;
    ex->stripe_rows = config->stripe_rows;
    ex->coarsest = coarsest_level(net);
    ex->dry = dry;
    ex->noise_seed = noise_seed;
    for (int32_t i = 0; i < net->feature_count; i++) {
        ex->tracks[i].hosted = config->hosted && config->hosted[i];
        ex->tracks[i].dtype = net->features[i].dtype;
    }
    tsr_exec_windows(ex);
    const tsr_status status = dry ? TSR_OK : open_devices_part(ex);
    if (status != TSR_OK) {
        tsr_exec_destroy(ex);
        return status;
    }
    *out = ex;
    return TSR_OK;
}

void tsr_exec_destroy(tsr_exec *ex)
{
    if (!ex) return;
    if (!ex->dry) tsr_drain(ex->net->dev);
    for (int32_t i = 0; i < ex->net->feature_count; i++) {
        tsr_track_trim(ex, i, INT64_MAX);
        free(ex->tracks[i].slots);
    }
    for (int32_t i = 0; i < ex->net->node_count; i++) {
        tsr_attend_destroy(ex->states[i].attend);
        tsr_buffer_destroy(ex->states[i].noise);
    }
    for (int32_t i = 0; i < TSR_ROLES; i++) tsr_buffer_destroy(ex->windows[i]);
    tsr_buffer_destroy(ex->overflow);
    tsr_pools_free(ex);
    free(ex->tracks);
    free(ex->states);
    free(ex);
}

void tsr_exec_reset(tsr_exec *ex)
{
    for (int32_t i = 0; i < ex->net->feature_count; i++) {
        tsr_track *track = &ex->tracks[i];
        tsr_track_trim(ex, i, INT64_MAX);
        track->first = track->made = 0;
        track->ended = false;
    }
    for (int32_t i = 0; i < ex->net->node_count; i++) ex->states[i].next = ex->states[i].added = 0;
    ex->pushed = ex->taken = 0;
}

tsr_status tsr_exec_rehearse(tsr_exec *ex)
{
    enum { ENOUGH = 4 }; /* a first one, one with all its past, and one of each parity */
    ex->rehearse = true;
    const tsr_status status = tsr_exec_pretend(ex, ex->total > 0 && ex->total < ENOUGH ? ex->total : ENOUGH);
    ex->rehearse = false;
    tsr_exec_reset(ex);
    return status;
}

tsr_status tsr_exec_push(tsr_exec *ex, const float *frame)
{
    const int32_t input = ex->net->input;
    tsr_slot *slot;
    tsr_status status = tsr_slot_new(ex, input, &slot);
    if (status != TSR_OK) return status;
    const uint64_t bytes = tsr_frame_bytes(ex, input, TSR_F32);
    const bool real = !ex->dry && !ex->rehearse;
    if (real && slot->host) memcpy(slot->host, frame, (size_t)bytes);
    if (real && slot->device) status = tsr_buffer_write(slot->device, 0, frame, bytes);
    if (status == TSR_OK) status = tsr_track_add(ex, input, slot);
    if (status != TSR_OK) tsr_slot_release(ex, slot);
    ex->pushed += status == TSR_OK;
    return status;
}

void tsr_exec_finish(tsr_exec *ex)
{
    ex->tracks[ex->net->input].ended = true;
    tsr_exec_settle(ex);
}

tsr_status tsr_exec_next(tsr_exec *ex, tsr_slot **slot)
{
    const int64_t start = ex->work_done;
    *slot = NULL;
    for (bool ran = true; ran;) {
        const int64_t done = ex->work_done - start;
        *slot = tsr_track_at(ex, ex->net->output, ex->taken);
        if (*slot && done > 0) ex->call_work = done;
        if (*slot) return TSR_OK;
        const double share = done < ex->call_work ? (double)done / (double)ex->call_work : ex->call_work > 0;
        if (ex->progress && ex->progress(ex->progress_user, share))
            return tsr_fail(TSR_ERROR_CANCELLED, "cancelled by the caller after %lld layers", (long long)ex->work_done);
        const tsr_status status = tsr_exec_step(ex, &ran);
        if (status != TSR_OK) return status;
    }
    return TSR_OK;
}

void tsr_exec_taken(tsr_exec *ex)
{
    ex->taken++;
    tsr_exec_settle(ex);
}

uint64_t tsr_exec_bytes(const tsr_exec *ex)
{
    uint64_t bytes = tsr_buffer_size(ex->overflow);
    for (int32_t i = 0; i < ex->pool_count; i++) bytes += ex->pools[i].hosted ? 0 : ex->pools[i].bytes * (uint64_t)ex->pools[i].held;
    for (int32_t i = 0; i < TSR_ROLES; i++) bytes += tsr_buffer_size(ex->windows[i]);
    for (int32_t i = 0; i < ex->net->node_count; i++)
        bytes += tsr_buffer_size(ex->states[i].noise) + (ex->states[i].attend ? tsr_attend_bytes(ex->states[i].attend) : 0);
    return bytes;
}

tsr_status tsr_exec_read(tsr_exec *ex, const tsr_slot *slot, float *out)
{
    const uint64_t bytes = tsr_frame_bytes(ex, ex->net->output, TSR_F32);
    if (slot->device) return tsr_buffer_read(slot->device, 0, out, bytes);
    memcpy(out, slot->host, (size_t)bytes);
    return TSR_OK;
}
