/* One frame of one node: finds the frames that it reads, cuts it into stripes where frames or limits ask for it, and watches for
 * results beyond fp16. */
#include <stdlib.h>
#include <string.h>

#include "execute.h"

/* A frame as an operand: on the device as a whole, or through a window of rows. */
typedef struct operand {
    tsr_slot *slot; /* NULL: a frame of zeros, or none */
    int32_t feature, role;
    int32_t height, width, channels;
    bool out;
} operand;

static uint64_t row_bytes(const operand *o) { return (uint64_t)o->width * (uint64_t)o->channels * tsr_dtype_size(o->slot->dtype); }

static operand operand_of(const tsr_exec *ex, int32_t feature, tsr_slot *slot, int32_t role, bool out)
{
    if (feature == TSR_NONE) return (operand){0};
    const tsr_feature *f = &ex->net->features[feature];
    return (operand){slot, feature, role, tsr_extent(ex->height, f->level), tsr_extent(ex->width, f->level), f->channels, out};
}

static tsr_status need_window(tsr_exec *ex, int32_t role, uint64_t bytes)
{
    if (ex->windows[role] && tsr_buffer_size(ex->windows[role]) >= bytes) return TSR_OK;
    tsr_status status = tsr_drain(ex->net->dev);
    if (status != TSR_OK) return status;
    tsr_buffer_destroy(ex->windows[role]);
    ex->windows[role] = NULL;
    return tsr_buffer_create(ex->net->dev, bytes > ex->window_bytes[role] ? bytes : ex->window_bytes[role], &ex->windows[role]);
}

/* Rows [low, high) of an operand, where a kernel can reach them. */
static tsr_status bring(tsr_exec *ex, const operand *o, int32_t low, int32_t high, tsr_rows *out)
{
    *out = (tsr_rows){.dtype = o->slot ? o->slot->dtype : TSR_F32};
    if (!o->slot) return TSR_OK;
    if (o->slot->device) {
        out->at.buffer = o->slot->device;
        return TSR_OK;
    }
    const uint64_t row = row_bytes(o), bytes = row * (uint64_t)(high - low);
    tsr_status status = need_window(ex, o->role, bytes);
    if (status == TSR_OK && !o->out && !ex->rehearse) status = tsr_buffer_write(ex->windows[o->role], 0, o->slot->host + row * (uint64_t)low, bytes);
    out->at.buffer = ex->windows[o->role];
    out->first = low;
    return status;
}

static tsr_status take_back(tsr_exec *ex, const operand *o, int32_t low, int32_t high)
{
    if (!o->slot || !o->slot->host || ex->rehearse) return TSR_OK;
    const uint64_t row = row_bytes(o);
    return tsr_buffer_read(ex->windows[o->role], 0, o->slot->host + row * (uint64_t)low, row * (uint64_t)(high - low));
}

/* The operands of one run. */
typedef struct run {
    tsr_node *node;
    tsr_state *state;
    tsr_window window;
    operand x[TSR_MAX_FRAMES_READ], residual, modulation, y, act;
    int32_t height, width; /* of x */
    int32_t grid;          /* rows of the grid */
    bool add;              /* to a statistic */
} run;

static tsr_status run_conv(tsr_exec *ex, const run *r, int32_t row, int32_t rows)
{
    const tsr_node *n = r->node;
    tsr_conv_args args = {.height = r->height, .width = r->width, .set = r->window.set, .row = row, .rows = rows, .dry = ex->rehearse};
    int32_t low, high;
    tsr_conv_reads(n->conv, r->height, row, rows, &low, &high);
    tsr_status status = TSR_OK;
    for (int32_t i = 0; i < n->frames_read && status == TSR_OK; i++) {
        bool again = false; /* a frame that is read twice, at an end of the clip, is brought once */
        for (int32_t j = 0; j < i && !again; j++) {
            again = r->x[i].slot && r->x[j].slot == r->x[i].slot;
            if (again) args.x[i] = args.x[j];
        }
        if (!again) status = bring(ex, &r->x[i], low, high, &args.x[i]);
    }
    const int32_t out_low = row * n->shuffle, out_high = (row + rows) * n->shuffle;
    const int32_t res_low = n->residual_parted ? row : out_low, res_high = n->residual_parted ? row + rows : out_high;
    if (status == TSR_OK) status = bring(ex, &r->residual, res_low, res_high, &args.residual);
    if (status == TSR_OK) status = bring(ex, &r->y, out_low, out_high, &args.y);
    if (status == TSR_OK) status = bring(ex, &r->act, out_low, out_high, &args.act);
    if (status != TSR_OK) return status;
    args.residual_row = r->window.residual_row;
    args.residual_channels = n->residual_parted ? r->residual.channels : 0;
    args.noise = (tsr_rows){.at.buffer = r->state->noise};
    args.overflow.buffer = ex->watch ? ex->overflow : NULL;
    status = tsr_conv_run(n->conv, &args);
    if (status == TSR_OK) status = take_back(ex, &r->y, out_low, out_high);
    if (status == TSR_OK) status = take_back(ex, &r->act, out_low, out_high);
    return status;
}

static tsr_status run_norm(tsr_exec *ex, const run *r, int32_t row, int32_t rows)
{
    const tsr_node *n = r->node;
    tsr_norm_args args = {.height = r->height, .width = r->width, .row = row, .rows = rows, .dry = ex->rehearse};
    tsr_status status = bring(ex, &r->x[0], row, row + rows, &args.x);
    if (status == TSR_OK && r->add) return tsr_norm_add(n->norm, &args);
    if (status == TSR_OK) status = bring(ex, &r->y, row, row + rows, &args.y);
    if (status == TSR_OK) status = bring(ex, &r->modulation, 0, r->modulation.height, &args.modulation);
    if (status != TSR_OK) return status;
    for (int32_t h = r->modulation.height; r->modulation.slot && h < r->height; h *= 2) args.modulation_shift++;
    args.overflow.buffer = ex->watch ? ex->overflow : NULL;
    status = tsr_norm_run(n->norm, &args);
    return status == TSR_OK ? take_back(ex, &r->y, row, row + rows) : status;
}

static tsr_status run_attend(tsr_exec *ex, const run *r)
{
    tsr_rows x, y;
    tsr_status status = bring(ex, &r->x[0], 0, r->height, &x);
    if (status == TSR_OK) status = bring(ex, &r->y, 0, r->height, &y);
    if (status == TSR_OK && !ex->rehearse) status = tsr_attend_run(r->state->attend, x, y, r->window.step);
    return status == TSR_OK ? take_back(ex, &r->y, 0, r->height) : status;
}

/* Rows of the grid that one stripe has. */
static int32_t stripe_of(const tsr_exec *ex, const run *r)
{
    if (ex->stripe_rows == 0 || r->node->kind == TSR_NODE_ATTEND) return r->grid;
    const tsr_feature *x = &ex->net->features[r->node->x];
    const int32_t level = x->level - (r->node->stride == 2) - ex->coarsest;
    const int64_t rows = (int64_t)ex->stripe_rows << level;
    return rows < r->grid ? (int32_t)rows : r->grid;
}

/* A window did not fit: smaller stripes, as long as these are not thin, else fewer frames on the device, else thin ones. */
static bool find_room(tsr_exec *ex, int32_t *stripe)
{
    enum { THIN = 8 };
    if (*stripe <= THIN && tsr_exec_make_room(ex)) return true;
    if (*stripe == 1) return false;
    *stripe /= 2;
    ex->stripe_rows = ex->stripe_rows > 1 ? ex->stripe_rows / 2 : ex->stripe_rows == 1 ? 1 : (tsr_extent(ex->height, ex->coarsest) + 1) / 2;
    tsr_exec_windows(ex);
    ex->net->dev->ctx->services.log(ex->net->dev->ctx->services.ctx, TSR_LOG_WARNING,
                                    "device memory ran out: layers are cut into stripes of %d latent rows from now on", ex->stripe_rows);
    return true;
}

static tsr_status run_stripes(tsr_exec *ex, const run *r)
{
    int32_t stripe = stripe_of(ex, r);
    for (int32_t row = 0; row < r->grid;) {
        const int32_t rows = r->grid - row < stripe ? r->grid - row : stripe;
        const tsr_status status = r->node->kind == TSR_NODE_CONV   ? run_conv(ex, r, row, rows)
                                  : r->node->kind == TSR_NODE_NORM ? run_norm(ex, r, row, rows)
                                                                   : run_attend(ex, r);
        if (status == TSR_ERROR_DEVICE_MEMORY && find_room(ex, &stripe)) continue;
        if (status != TSR_OK) return status;
        row += rows;
    }
    return TSR_OK;
}

static tsr_status overflowed(tsr_exec *ex, bool *out)
{
    uint32_t word = 0;
    const tsr_status status = tsr_buffer_read(ex->overflow, 0, &word, sizeof(word));
    *out = word != 0;
    if (status != TSR_OK || word == 0) return status;
    word = 0;
    return tsr_buffer_write(ex->overflow, 0, &word, sizeof(word));
}

/* Keeps a feature in fp32 from now on, and has its new frame written again. */
static tsr_status widen(tsr_exec *ex, operand *o)
{
    if (ex->tracks[o->feature].dtype != TSR_F32) ex->in_f32++;
    ex->tracks[o->feature].dtype = TSR_F32;
    return tsr_slot_to_f32(ex, o->feature, o->slot);
}

static tsr_status run_watched(tsr_exec *ex, run *r)
{
    operand *const outs[] = {&r->y, &r->act};
    for (int32_t tries = 0;; tries++) {
        bool wide = false;
        tsr_status status = run_stripes(ex, r);
        if (status == TSR_OK && ex->watch && !ex->rehearse && r->node->kind != TSR_NODE_ATTEND && !r->add) status = overflowed(ex, &wide);
        if (status != TSR_OK || !wide) return status;
        operand *o = NULL; /* the sum first: it is what grows */
        for (int32_t i = 0; i < 2 && !o; i++) o = outs[i]->slot && outs[i]->slot->dtype != TSR_F32 ? outs[i] : NULL;
        if (!o) return TSR_OK; /* not finite in fp32 either: that is the model's answer */
        if ((status = widen(ex, o)) != TSR_OK) return status;
    }
}

/* Frames of one window are of one type. */
static tsr_status same_type(tsr_exec *ex, run *r)
{
    bool wide = false;
    for (int32_t i = 0; i < r->node->frames_read; i++) wide = wide || (r->x[i].slot && r->x[i].slot->dtype == TSR_F32);
    for (int32_t i = 0; i < r->node->frames_read && wide; i++) {
        const tsr_status status = r->x[i].slot ? tsr_slot_to_f32(ex, r->node->x, r->x[i].slot) : TSR_OK;
        if (status != TSR_OK) return status;
    }
    return TSR_OK;
}

static int64_t clamp(int64_t i, int64_t low, int64_t high) { return i < low ? low : i > high ? high : i; }

static tsr_status find_inputs(tsr_exec *ex, run *r)
{
    bool lacks = false;
    const tsr_node *n = r->node;
    const tsr_track *track = &ex->tracks[n->x];
    for (int32_t i = 0; i < n->frames_read; i++) {
        const int64_t wanted = r->window.low + i, there = clamp(wanted, n->from, track->made - 1);
        const bool zero = wanted != there && n->past == TSR_EDGE_ZERO;
        r->x[i] = operand_of(ex, n->x, zero ? NULL : tsr_track_at(ex, n->x, there), i, false);
        lacks = lacks || (!zero && !r->x[i].slot);
    }
    if (n->residual != TSR_NONE) r->residual = operand_of(ex, n->residual, tsr_track_at(ex, n->residual, r->window.residual), 3, false);
    if (n->modulation != TSR_NONE) {
        const int64_t latent = tsr_feature_latent(&ex->net->features[n->x], r->window.step, ex->odd);
        r->modulation = operand_of(ex, n->modulation, tsr_track_at(ex, n->modulation, latent), 4, false);
    }
    lacks = lacks || (n->residual != TSR_NONE && !r->residual.slot) || (n->modulation != TSR_NONE && !r->modulation.slot);
    return lacks ? tsr_fail(TSR_ERROR_INTERNAL, "layer '%s' reads a frame that was dropped", n->name) : TSR_OK;
}

static tsr_status make_output(tsr_exec *ex, int32_t feature, int32_t role, operand *out)
{
    if (feature == TSR_NONE) return TSR_OK;
    tsr_slot *slot;
    const tsr_status status = tsr_slot_new(ex, feature, &slot);
    if (status == TSR_OK) *out = operand_of(ex, feature, slot, role, true);
    return status;
}

/* A frame that is handed on as it is. */
static tsr_status pass_on(tsr_exec *ex, const tsr_node *node, int64_t frame)
{
    tsr_slot *slot = tsr_track_at(ex, node->x, frame);
    const tsr_status status = tsr_track_add(ex, node->y, slot);
    if (status == TSR_OK) slot->refs++;
    return status;
}

/* Adds the next frame of a norm's scope to its statistic. */
static tsr_status add_frame(tsr_exec *ex, run *r)
{
    r->x[0] = operand_of(ex, r->node->x, tsr_track_at(ex, r->node->x, r->state->added), 0, false);
    r->add = true;
    r->state->added++;
    return ex->dry ? TSR_OK : run_stripes(ex, r);
}

static tsr_status make_frame(tsr_exec *ex, run *r)
{
    tsr_node *node = r->node;
    tsr_status status = find_inputs(ex, r);
    if (status == TSR_OK) status = make_output(ex, node->y, 5, &r->y);
    if (status == TSR_OK) status = make_output(ex, node->act, 6, &r->act);
    if (status == TSR_OK && !ex->dry) status = same_type(ex, r);
    if (status == TSR_OK && !ex->dry) status = run_watched(ex, r);
    operand *const outs[] = {&r->y, &r->act};
    for (int32_t i = 0; i < 2; i++) {
        if (!outs[i]->slot) continue;
        if (status == TSR_OK) status = tsr_track_add(ex, outs[i]->feature, outs[i]->slot);
        if (status != TSR_OK) tsr_slot_release(ex, outs[i]->slot);
    }
    return status;
}

tsr_status tsr_exec_node(tsr_exec *ex, int32_t index)
{
    tsr_node *node = &ex->net->nodes[index];
    tsr_state *state = &ex->states[index];
    const tsr_feature *x = &ex->net->features[node->x];
    run r = {.node = node, .state = state, .window = tsr_node_window(node, state->next, ex->odd)};
    r.height = tsr_extent(ex->height, x->level);
    r.width = tsr_extent(ex->width, x->level);
    r.grid = (r.height + node->stride - 1) / node->stride;
    ex->work_done++;
    if (node->grouped && state->added < tsr_scope_end(ex, index, state->next)) {
        if (state->added == tsr_scope_begin(ex, index, state->next) && !ex->dry) {
            const tsr_status status = tsr_norm_clear(node->norm);
            if (status != TSR_OK) return status;
        }
        return add_frame(ex, &r);
    }
    if (r.window.copy) {
        state->next++;
        return pass_on(ex, node, r.window.high);
    }
    const tsr_status status = make_frame(ex, &r);
    state->next++;
    return status;
}
