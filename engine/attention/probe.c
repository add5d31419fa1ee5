/* A look inside attention: prepares and runs the probe kernel over slabs of query tiles, and sums the slabs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "attention/probe_args.h"
#include "flash.h"
#include "slabs.h"
#include "tessera/tessera_probe.h"

#define PROBE_ID(id, NAME, value) PROBE_##NAME = id,
#define SUMS_ID(id, NAME, value) SUMS_##NAME = id,
enum { PROBE_SPECS(PROBE_ID) PROBE_SHAPES(PROBE_ID) };
enum { SUMS_SPECS(SUMS_ID) };
typedef struct probe_params {
    PROBE_PARAMS(TSR_PARAM_FIELD)
} probe_params;

/* One of the two kinds of look, which differ in rows and so in schedules. */
typedef struct look {
    tsr_attention att; /* description, schedules and lists; no attention of its own */
    tsr_tiling tiling;
    bk_kernel *kernel;
    tsr_buffer *params; /* one that fills, then one for each pass, params_step apart */
} look;

struct tsr_probe {
    tsr_device *dev;
    tsr_attention_desc desc; /* checked */
    bool key_sums;
    int64_t block_q, block_k;
    uint64_t row_count;
    look sums, rows; /* unused where att.dev is NULL */
    bk_kernel *adder;
    tsr_slab *slabs;
    size_t slab_count;
    tsr_buffer *steps; /* tsr_sums_params of each slab, sums_step apart */
    tsr_buffer *space; /* [TSR_SLAB_TILES][Nk] */
};

static const uint64_t params_step = (sizeof(probe_params) + 255) / 256 * 256, sums_step = 256;

static tsr_status look_prepare(look *l, tsr_device *dev, const tsr_attention_desc *desc, int mode, const int64_t *rows, int64_t row_count,
                               int64_t break_rows)
{
    l->att.dev = dev;
    l->att.desc = *desc;
    const int64_t nk = desc->k.shape[2];
    tsr_tiling *t = &l->tiling;
    tsr_device_info info = dev->info;
    if (info.max_workgroup > 128) info.max_workgroup = 128; /* its registers let no more invocations meet at a barrier on Adreno */
    tsr_status s = tsr_attention_tiling(&info, desc, t);
    if (s != TSR_OK) return s;
    t->dv_slice = t->kv_chunk = 1;                                       /* values are not read */
    const int64_t fill = nk / t->lanes + 2, limit = tsr_loop_limit(dev); /* loops that clear one row of out */
    if (limit && fill > limit / 2)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "the driver ends loops after %" PRId64 " iterations; %" PRId64 " keys take more", limit, nk);
    const int64_t rows_fit = limit && mode == 1 ? limit / 2 / fill : t->query_tile;
    s = tsr_attention_plan(&l->att, &(tsr_plan_tiles){.query_tile = t->query_tile,
                                                      .key_tile = t->bc,
                                                      .rows = rows,
                                                      .row_count = row_count,
                                                      .break_rows = break_rows,
                                                      .tile_rows = rows_fit < t->query_tile ? (int32_t)rows_fit : t->query_tile});
    tsr_attention_desc one = *desc; /* nothing is merged, so nothing is split */
    one.splits = 1;
    if (s == TSR_OK) s = tsr_attention_cut(&dev->info, tsr_loop_limit(dev), &one, l->att.q_tiles, l->att.most_tiles, mode == 0 ? 4 * t->bc : 0, t);
    if (s != TSR_OK) return s;
    l->att.dv_slices = 1;
    l->att.passes = t->passes;
    int32_t specs[BK_MAX_SPECS];
    tsr_flash_fill_specs(&l->att, t, specs);
    specs[PROBE_MODE] = mode;
    specs[FLASH_V_DT] = specs[FLASH_O_DT] = 0;
    if ((s = tsr_kernel_get_scored(dev, "probe", t->tile, specs, desc->score, &l->kernel)) != TSR_OK) return s;
    int64_t blocks_at;
    if ((s = tsr_attention_upload_lists(&l->att, t, &blocks_at)) != TSR_OK || (s = tsr_attention_upload_score(&l->att)) != TSR_OK) return s;
    const flash_params flash = tsr_flash_params(&l->att, t, blocks_at);
    probe_params p;
    memcpy(&p, &flash, sizeof(flash)); /* its end may be padding, where ours goes on */
    p.slab_tiles = TSR_SLAB_TILES, p.map_rows = (int32_t)row_count, p.fill = 1;
    if ((s = tsr_buffer_create(dev, (1 + t->passes) * params_step, &l->params)) != TSR_OK) return s;
    s = tsr_buffer_write(l->params, 0, &p, sizeof(p));
    for (p.fill = 0; s == TSR_OK && (uint32_t)p.pass < t->passes; p.pass++)
        s = tsr_buffer_write(l->params, (uint64_t)(1 + p.pass) * params_step, &p, sizeof(p));
    return s;
}

static void look_free(look *l)
{
    tsr_attention_forget_plan(&l->att);
    tsr_buffer_destroy(l->params);
}

static tsr_status upload_steps(tsr_probe *p)
{
    const tsr_slab *last = p->slab_count ? &p->slabs[p->slab_count - 1] : NULL;
    tsr_status s = tsr_buffer_create(p->dev, last ? (last->first_step + 1 + last->block_steps) * sums_step : 0, &p->steps);
    for (size_t i = 0; i < p->slab_count && s == TSR_OK; i++) {
        const tsr_slab *one = &p->slabs[i];
        s = tsr_buffer_write(p->steps, one->first_step * sums_step, &one->keys, sizeof(tsr_sums_params));
        const uint64_t across = tsr_slab_blocks(one->blocks.group_keys, one->blocks.part_keys);
        for (uint64_t part = 0; part < one->block_steps && s == TSR_OK; part++) {
            tsr_sums_params step = one->blocks;
            step.skip_tiles = (int32_t)(part / across) * step.part_tiles;
            step.skip_keys = (int32_t)(part % across) * step.part_keys;
            step.add = step.add || part > 0;
            s = tsr_buffer_write(p->steps, (one->first_step + 1 + part) * sums_step, &step, sizeof(step));
        }
    }
    return s;
}

static tsr_status prepare_sums(tsr_probe *p, const tsr_attention_desc *desc)
{
    const int64_t nq = desc->q.shape[2], nk = desc->k.shape[2];
    int64_t *all = malloc((size_t)(nq ? nq : 1) * sizeof(*all));
    if (!all) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %" PRId64 " rows", nq);
    for (int64_t i = 0; i < nq; i++) all[i] = i;
    tsr_status s = look_prepare(&p->sums, p->dev, desc, 0, all, nq, p->block_q);
    free(all);
    if (s == TSR_OK) s = tsr_slabs_plan(&p->sums.att, p->block_q, p->block_k, tsr_loop_limit(p->dev), &p->slabs, &p->slab_count);
    if (s == TSR_OK) s = upload_steps(p);
    if (s == TSR_OK) s = tsr_buffer_create(p->dev, (uint64_t)TSR_SLAB_TILES * (uint64_t)nk * 4, &p->space);
    const int32_t specs[BK_MAX_SPECS] = {[SUMS_LANES] = p->sums.tiling.lanes};
    if (s == TSR_OK) s = tsr_kernel_get(p->dev, "sums", p->sums.tiling.tile, specs, &p->adder);
    return s;
}

static tsr_status check(const tsr_probe_desc *d, tsr_attention_desc *checked)
{
    const tsr_status s = tsr_attention_validate(&d->attention, checked);
    if (s != TSR_OK) return s;
    if (!tsr_layout_wanted(&checked->lse))
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument attention.lse is not described; expected the log-sum-exp of the run");
    if (checked->k.shape[2] > INT32_MAX || checked->q.shape[2] > INT32_MAX)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument attention.k.shape[2] is %" PRId64 "; expected less than 2^31, and so for q",
                        checked->k.shape[2]);
    if (checked->codes.bits)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument attention.codes.bits is %u; expected 0: a probe looks at exact scores", checked->codes.bits);
    if (d->key_sums > 1) return tsr_fail(TSR_ERROR_ARGUMENT, "argument key_sums is %u; expected 0 or 1", d->key_sums);
    if (d->block_q < 0 || d->block_k < 0 || !d->block_q != !d->block_k)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument block_q is %" PRId64 " and block_k %" PRId64 "; expected both 0, or both 1 or more", d->block_q,
                        d->block_k);
    if (d->row_count && !d->rows) return tsr_fail(TSR_ERROR_ARGUMENT, "argument rows is NULL; expected %" PRIu64 " rows", d->row_count);
    if (d->row_count > INT32_MAX) return tsr_fail(TSR_ERROR_ARGUMENT, "argument row_count is %" PRIu64 "; expected less than 2^31", d->row_count);
    for (uint64_t i = 0; i < d->row_count; i++)
        if (d->rows[i] < 0 || d->rows[i] >= checked->q.shape[2])
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument rows[%" PRIu64 "] is %" PRId64 "; expected one of %" PRId64 " queries", i, d->rows[i],
                            checked->q.shape[2]);
    for (size_t i = 0; i < sizeof(d->reserved) / sizeof(d->reserved[0]); i++)
        if (d->reserved[i]) return tsr_fail(TSR_ERROR_ARGUMENT, "argument reserved[%zu] is %u; expected 0", i, d->reserved[i]);
    if (!d->key_sums && !d->block_q && !d->row_count)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument key_sums is 0, and so are block_q and row_count; expected something to look at");
    return TSR_OK;
}

tsr_status tsr_probe_prepare(tsr_device *dev, const tsr_probe_desc *desc, tsr_probe **out)
{
    if (!dev || !desc || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !dev ? "dev" : !desc ? "desc" : "out");
    *out = NULL;
    tsr_attention_desc checked;
    tsr_status s = check(desc, &checked);
    if (s != TSR_OK) return s;
    tsr_probe *p = calloc(1, sizeof(*p));
    if (!p) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a probe");
    p->dev = dev;
    p->key_sums = desc->key_sums, p->block_q = desc->block_q, p->block_k = desc->block_k;
    p->row_count = desc->row_count;
    if (p->key_sums || p->block_q) s = prepare_sums(p, &checked);
    if (s == TSR_OK && p->row_count) s = look_prepare(&p->rows, dev, &checked, 1, desc->rows, (int64_t)desc->row_count, 0);
    /* The caller's, from here on. */
    p->sums.att.desc.sets = p->rows.att.desc.sets = NULL;
    p->sums.att.desc.set_of = p->rows.att.desc.set_of = NULL;
    p->sums.att.desc.score = p->rows.att.desc.score = NULL;
    p->desc = checked;
    p->desc.sets = NULL, p->desc.set_of = NULL, p->desc.score = NULL;
    if (s == TSR_OK)
        *out = p;
    else
        tsr_probe_destroy(p);
    return s;
}

void tsr_probe_destroy(tsr_probe *p)
{
    if (!p) return;
    look_free(&p->sums);
    look_free(&p->rows);
    tsr_buffer_destroy(p->steps);
    tsr_buffer_destroy(p->space);
    free(p->slabs);
    free(p);
}

uint64_t tsr_probe_workspace(const tsr_probe *p)
{
    const tsr_buffer *const all[] = {p->sums.params,    p->sums.att.lists, p->sums.att.user, p->rows.params,
                                     p->rows.att.lists, p->rows.att.user,  p->steps,         p->space};
    uint64_t bytes = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) bytes += all[i] ? tsr_buffer_size(all[i]) : 0;
    return bytes;
}

static tsr_layout packed(int64_t b, int64_t h, int64_t n, int64_t d)
{
    return (tsr_layout){.dtype = TSR_F32, .shape = {b, h, n, d}, .stride = {h * n * d, n * d, d, 1}};
}

static tsr_status check_args(const tsr_probe *p, const tsr_probe_args *a)
{
    const tsr_attention_desc *d = &p->desc;
    const int64_t b = d->q.shape[0], h = d->q.shape[1], nq = d->q.shape[2], nk = d->k.shape[2];
    const tsr_layout none = {0}, query_tags = tsr_attention_tags(d, nq, 2), key_tags = tsr_attention_tags(d, nk, 1);
    const tsr_layout keys = p->key_sums ? packed(b, h, 1, nk) : none, rows = p->row_count ? packed(b, h, (int64_t)p->row_count, nk) : none;
    const tsr_layout blocks = p->block_q ? packed(b, h, tsr_slab_blocks(nq, p->block_q), tsr_slab_blocks(nk, p->block_k)) : none;
    tsr_run_range ranges[] = {{"q", &a->q, &d->q, 0, false},
                              {"k", &a->k, &d->k, 0, false},
                              {"lse", &a->lse, &d->lse, 0, false},
                              {"bias", &a->bias, &d->bias, 0, false},
                              {"mask", &a->mask, &d->mask, 0, false},
                              {"query_tags", &a->query_tags, &query_tags, 0, false},
                              {"key_tags", &a->key_tags, &key_tags, 0, false},
                              {"key_sums", &a->key_sums, &keys, 0, true},
                              {"block_sums", &a->block_sums, &blocks, 0, true},
                              {"rows", &a->rows, &rows, 0, true}};
    return tsr_attention_check_ranges(p->dev, ranges, sizeof(ranges) / sizeof(ranges[0]));
}

/* The query tiles [first, first + count) of the groups: zeros, then every pass. */
static tsr_status run_look(const look *l, const tsr_probe_args *a, const tsr_span *to, uint32_t first, uint32_t count)
{
    tsr_device *dev = l->att.dev;
    bk_binding b[] = {
        {l->params->bk, 0}, tsr_bind(&a->q),       tsr_bind(&a->k),          tsr_bind(&a->bias),     tsr_bind(&a->mask),
        tsr_bind(&a->lse),  {l->att.lists->bk, 0}, tsr_bind(&a->query_tags), tsr_bind(&a->key_tags), tsr_bind(&(tsr_span){l->att.user, 0}),
        tsr_bind(to)};
    tsr_status s = TSR_OK;
    for (uint32_t pass = 0; pass <= l->tiling.passes && s == TSR_OK; pass++) {
        b[0].offset = pass * params_step;
        s = tsr_dispatch(dev, l->kernel, b, first, count);
    }
    return s;
}

static tsr_status add_up(const tsr_probe *p, const tsr_sums_params *sums, uint64_t first_step, uint64_t steps, const tsr_span *to)
{
    const uint64_t count = (uint64_t)sums->groups * (uint64_t)sums->columns, lanes = (uint64_t)p->sums.tiling.lanes;
    tsr_status s = TSR_OK;
    for (uint64_t i = 0; i < steps && count && s == TSR_OK; i++) {
        const bk_binding b[] = {{p->steps->bk, (first_step + i) * sums_step}, {p->space->bk, 0}, tsr_bind(to)};
        s = tsr_dispatch(p->dev, p->adder, b, 0, (uint32_t)((count + lanes - 1) / lanes));
    }
    return s;
}

tsr_status tsr_probe_run(tsr_probe *p, const tsr_probe_args *args)
{
    if (!p || !args) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", p ? "args" : "probe");
    tsr_status s = check_args(p, args);
    const tsr_span space = {p->space, 0};
    for (size_t i = 0; i < p->slab_count && s == TSR_OK; i++) {
        const tsr_slab *one = &p->slabs[i];
        if (one->tiles) s = run_look(&p->sums, args, &space, (uint32_t)(one->head * p->sums.att.q_tiles + one->tile), (uint32_t)one->tiles);
        if (s == TSR_OK && p->key_sums) s = add_up(p, &one->keys, one->first_step, 1, &args->key_sums);
        if (s == TSR_OK && p->block_q) s = add_up(p, &one->blocks, one->first_step + 1, one->block_steps, &args->block_sums);
    }
    const tsr_attention_desc *d = &p->desc;
    const uint32_t groups = (uint32_t)(d->q.shape[0] * d->q.shape[1]) * (uint32_t)p->rows.att.q_tiles;
    return s == TSR_OK && groups && d->k.shape[2] ? run_look(&p->rows, args, &args->rows, 0, groups) : s;
}
