/* Preparing attention: choose tiles, compile, lay out parameters and workspace. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "attention/merge_args.h"
#include "codes.h"
#include "flash.h"
#include "shapes.h"

#define MERGE_ID(id, NAME, value) MERGE_##NAME = id,
enum { MERGE_SPECS(MERGE_ID) };
typedef struct merge_params {
    MERGE_PARAMS(TSR_PARAM_FIELD)
} merge_params;

static tsr_status create_flash(tsr_attention *att, const tsr_tiling *t)
{
    const tsr_attention_desc *d = &att->desc;
    const tsr_device_info *info = &att->dev->info;
    const bool staged = t->splits > 1 || t->passes > 1;
    int32_t specs[BK_MAX_SPECS];
    tsr_flash_fill_specs(att, t, specs);
    specs[FLASH_O_DT] = staged ? TSR_F32 : (int32_t)d->o.dtype;
    specs[FLASH_HAS_SINK] = tsr_layout_wanted(&d->sink) && !staged;
    specs[FLASH_HAS_LSE] = tsr_layout_wanted(&d->lse) || staged;
    if (t->tile == TSR_TILE_MATRIX) return tsr_flash_create_matrix(att, t, specs);
    if (t->tile == TSR_TILE_PACKED)
        return tsr_kernel_get_packed(att->dev, "flash", tsr_packed_input(d), tsr_packed_values(info, d), tsr_packed_sums(info, d), specs, d->score,
                                     &att->flash);
    return tsr_kernel_get_scored(att->dev, "flash", t->tile, specs, d->score, &att->flash);
}

/* Kernels beside flash have no form in tile models matrix and packed. */
static tsr_tiling beside(const tsr_tiling *t)
{
    tsr_tiling other = *t;
    if (t->tile == TSR_TILE_MATRIX || t->tile == TSR_TILE_PACKED) other.tile = TSR_TILE_SIMT, other.lanes = 64;
    return other;
}

static tsr_status create_merge(tsr_attention *att, const tsr_tiling *t)
{
    const tsr_attention_desc *d = &att->desc;
    const tsr_tiling own = beside(t);
    const int32_t specs[BK_MAX_SPECS] = {
        [MERGE_LANES] = own.lanes,
        [MERGE_O_DT] = (int32_t)d->o.dtype,
        [MERGE_HAS_LSE] = tsr_layout_wanted(&d->lse),
        [MERGE_HAS_SINK] = tsr_layout_wanted(&d->sink),
        [MERGE_SPLITS] = (int32_t)t->splits,
    };
    return tsr_kernel_get(att->dev, "merge", own.tile, specs, &att->merge);
}

static flash_params make_flash_params(const tsr_attention *att, const tsr_tiling *t, int64_t blocks_at)
{
    const tsr_attention_desc *d = &att->desc;
    const int64_t nq = d->q.shape[2], heads = d->q.shape[1], dv = d->v.shape[3];
    flash_params p = tsr_flash_params(att, t, blocks_at);
    if (att->merge) { /* partial states lie packed: [split][B,Hq,Nq][Dv] and [split][B,Hq,Nq] */
        const int64_t rows = d->q.shape[0] * heads * nq;
        p.o_sn = dv * 4, p.o_sh = nq * dv * 4, p.o_sb = heads * nq * dv * 4, p.o_ss = rows * dv * 4, p.o_sd = 1;
        p.lse_sn = 4, p.lse_sh = nq * 4, p.lse_sb = heads * nq * 4, p.lse_ss = rows * 4;
        if (t->passes > 1) p.lse_plane = p.lse_ss * t->splits;
    }
    return p;
}

static merge_params make_merge_params(const tsr_attention *att)
{
    const tsr_attention_desc *d = &att->desc;
    return (merge_params){
        .o_sb = tsr_layout_step(&d->o, 0),
        .o_sh = tsr_layout_step(&d->o, 1),
        .o_sn = tsr_layout_step(&d->o, 2),
        .o_sd = (int32_t)d->o.stride[3],
        .lse_sb = tsr_layout_step(&d->lse, 0),
        .lse_sh = tsr_layout_step(&d->lse, 1),
        .lse_sn = tsr_layout_step(&d->lse, 2),
        .rows = d->q.shape[0] * d->q.shape[1] * d->q.shape[2],
        .sink_sh = (int32_t)d->sink.stride[1],
        .heads = (int32_t)d->q.shape[1],
        .nq = (int32_t)d->q.shape[2],
        .dv = (int32_t)d->v.shape[3],
    };
}

static tsr_status create_workspace(tsr_attention *att, const tsr_tiling *t)
{
    const tsr_attention_desc *d = &att->desc;
    att->params_step = (sizeof(flash_params) + 255) / 256 * 256;
    tsr_status s = tsr_buffer_create(att->dev, t->passes * att->params_step + sizeof(merge_params), &att->params);
    if (s != TSR_OK) return s;
    int64_t blocks_at;
    s = att->given ? att->given->place(att->given->user, att, t, &blocks_at) : tsr_attention_upload_lists(att, t, &blocks_at);
    if (s != TSR_OK || (s = tsr_attention_upload_score(att)) != TSR_OK) return s;
    flash_params flash = make_flash_params(att, t, blocks_at);
    for (flash.pass = 0; (uint32_t)flash.pass < t->passes; flash.pass++)
        if ((s = tsr_buffer_write(att->params, (uint64_t)flash.pass * att->params_step, &flash, sizeof(flash))) != TSR_OK) return s;
    const merge_params merge = make_merge_params(att);
    if ((s = tsr_buffer_write(att->params, t->passes * att->params_step, &merge, sizeof(merge))) != TSR_OK) return s;
    if (att->merge) {
        const uint64_t rows = (uint64_t)merge.rows * t->splits;
        att->partial_lse = rows * (uint64_t)d->v.shape[3] * 4;
        const uint64_t planes = t->passes == 1 ? 1 : (d->codes.values ? 4 : 2) * (uint64_t)att->dv_slices;
        if ((s = tsr_buffer_create(att->dev, att->partial_lse + rows * 4 * planes, &att->partials)) != TSR_OK) return s;
    }
    if (d->skip > 0 && (s = tsr_buffer_create(att->dev, att->info.tile_count * 4, &att->skipped)) != TSR_OK) return s;
    const tsr_buffer *const held[] = {att->params, att->lists, att->user, att->partials, att->skipped};
    for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) att->info.workspace += tsr_buffer_size(held[i]);
    att->info.workspace += tsr_coder_bytes(att->coder);
    return TSR_OK;
}

static uint64_t layout_bytes(const tsr_layout *l)
{
    uint64_t n = tsr_layout_wanted(l) ? tsr_dtype_size(l->dtype) : 0;
    for (int i = 0; i < 4; i++)
        if (l->stride[i] != 0 || l->shape[i] == 0) n *= (uint64_t)l->shape[i];
    return n;
}

static void fill_info(tsr_attention *att, const tsr_tiling *t)
{
    const tsr_attention_desc *d = &att->desc;
    const uint64_t heads = (uint64_t)(d->q.shape[0] * d->q.shape[1]);
    uint64_t pairs = 0, area = 0;
    const tsr_layout *const all[] = {&d->q, &d->k, &d->v, &d->o, &d->lse, &d->bias, &d->mask, &d->sink};
    tsr_attention_info *info = &att->info;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) info->bytes += layout_bytes(all[i]);
    for (uint64_t i = 0; i < heads && !att->given; i++) {
        const tsr_schedule_info *one = &att->schedules[att->schedule_of[i]]->info;
        pairs += one->pairs;
        area += one->area;
        info->tiles_full += one->full;
        info->tiles_visited += one->full + one->partial;
    }
    for (uint32_t i = 0; i < att->schedule_count; i++) info->plan_seconds += att->schedules[i]->info.seconds;
    info->flops = 2 * (uint64_t)(d->q.shape[3] + d->v.shape[3]) * pairs;
    const double dense = (double)heads * (double)d->q.shape[2] * (double)d->k.shape[2];
    info->density = dense > 0 ? (double)pairs / dense : 0.0;
    info->waste = pairs ? (double)area / (double)pairs : 1.0;
    info->tile_count = (uint64_t)att->q_tiles * t->splits * (uint64_t)att->dv_slices * heads;
    info->splits = t->splits;
    info->query_tile = (uint32_t)t->query_tile;
    info->key_tile = (uint32_t)t->bc;
    info->tile = t->tile;
    snprintf(info->kernel, sizeof(info->kernel), "flash %s %dx%d%s", tsr_tile_name(t->tile), t->query_tile, t->bc, d->codes.bits ? " int8" : "");
}

static tsr_status prepare(tsr_attention *att)
{
    const tsr_attention_desc *d = &att->desc;
    tsr_choice choice;
    tsr_status s = att->given ? TSR_OK : tsr_attention_choose(att->dev, d, &choice);
    tsr_tiling t;
    if (s == TSR_OK) {
        const tsr_choice *c = att->given ? att->given->choice : &choice;
        t = c->shape;
        snprintf(att->info.why, sizeof(att->info.why), "%s", c->why);
    }
    if (s == TSR_OK && !att->given) s = tsr_attention_plan(att, &(tsr_plan_tiles){.query_tile = t.query_tile, .key_tile = t.bc});
    if (s != TSR_OK) return s;
    if (att->given) { /* at most all keys, and two tiles that are not whole */
        att->q_tiles = (int32_t)((d->q.shape[2] + t.query_tile - 1) / t.query_tile);
        att->most_tiles = (int32_t)((d->k.shape[2] + t.bc - 1) / t.bc) + 2;
    }
    if ((s = tsr_attention_cut(&att->dev->info, tsr_loop_limit(att->dev), d, att->q_tiles, att->most_tiles, 0, &t)) != TSR_OK) return s;
    att->dv_slices = (int32_t)((d->v.shape[3] + t.dv_slice - 1) / t.dv_slice);
    att->passes = t.passes;
    fill_info(att, &t);
    if (att->info.tile_count == 0) return TSR_OK; /* nothing to do, nothing to compile */
    if (att->info.tile_count > UINT32_MAX || (uint64_t)d->q.shape[0] * (uint64_t)d->q.shape[1] * (uint64_t)d->q.shape[2] > INT32_MAX)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument q.shape has %" PRId64 " x %" PRId64 " x %" PRId64 " rows; expected fewer than 2^31",
                        d->q.shape[0], d->q.shape[1], d->q.shape[2]);
    const tsr_tiling coding = beside(&t);
    if (d->codes.bits && (s = tsr_coder_create(att, &coding)) != TSR_OK) return s;
    if ((s = create_flash(att, &t)) != TSR_OK) return s;
    if ((t.splits > 1 || t.passes > 1) && (s = create_merge(att, &t)) != TSR_OK) return s;
    return create_workspace(att, &t);
}

tsr_status tsr_attention_prepare(tsr_device *dev, const tsr_attention_desc *desc, tsr_attention **out)
{
    return tsr_attention_prepare_given(dev, desc, NULL, out);
}

tsr_status tsr_attention_prepare_given(tsr_device *dev, const tsr_attention_desc *desc, const tsr_given_lists *given, tsr_attention **out)
{
    if (!dev || !desc || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !dev ? "dev" : !desc ? "desc" : "out");
    *out = NULL;
    tsr_attention *att = calloc(1, sizeof(*att));
    if (!att) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a plan of %zu bytes", sizeof(*att));
    att->dev = dev;
    att->given = given;
    tsr_status s = tsr_attention_validate(desc, &att->desc);
    if (s == TSR_OK) s = prepare(att);
    att->given = NULL;
    att->desc.sets = NULL; /* the caller's, from here on */
    att->desc.set_of = NULL;
    att->desc.score = NULL;
    if (s != TSR_OK) {
        tsr_attention_destroy(att);
        return s;
    }
    *out = att;
    return TSR_OK;
}

void tsr_attention_destroy(tsr_attention *att)
{
    if (!att) return;
    tsr_attention_forget_plan(att);
    tsr_buffer_destroy(att->params);
    tsr_buffer_destroy(att->partials);
    tsr_buffer_destroy(att->skipped);
    tsr_coder_destroy(att->coder);
    free(att);
}

tsr_status tsr_attention_get_info(const tsr_attention *att, tsr_attention_info *out)
{
    if (!att || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", att ? "out" : "att");
    *out = att->info;
    return TSR_OK;
}
