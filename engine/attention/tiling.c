/* Chooses the shapes of the flash kernel from a device's facts: a pure function, no device needed.
 * The numbers are measured ones; see the comments. */
#include "attention.h"

static int32_t min32(int32_t a, int32_t b) { return a < b ? a : b; }

/* Registers of a micro-tile must leave room for operands: 4 x 4 vectors of 16 (AVX-512: 0.7 of FMA
 * peak), 4 x 3 where there are only 16 vector registers. One vector of queries where there are few. */
static void tile_vector(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling *t)
{
    const int32_t width = (int32_t)info->vector_width, wide = width >= 16 ? 4 : 3;
    t->lanes = 1;
    t->ln = 1;
    t->rm = 4;
    t->rn = d->q.shape[2] <= width ? 1 : wide;
    t->bc = 64;
    t->d_chunk = (int32_t)d->q.shape[3];
    t->kv_chunk = t->bc;
    t->dv_slice = (int32_t)d->v.shape[3];
    t->query_tile = t->rn * width;
}

/* 64 invocations hold 64 keys x 64 queries in 8 x 8 registers; with a slice of 128 value channels the
 * outputs take 128 more. Shared memory: 8 KiB of queries, 8 to 16 of keys or values, 16 of scores. */
static void tile_simt(const tsr_attention_desc *d, tsr_tiling *t)
{
    t->lanes = 64;
    t->ln = 8;
    t->rm = 8;
    t->rn = 4;
    t->bc = 64;
    t->d_chunk = min32((int32_t)d->q.shape[3], 32);
    t->dv_slice = min32((int32_t)d->v.shape[3], 128);
    t->kv_chunk = 16;
    t->query_tile = t->rn * t->ln;
}

/* One sub-group of a CPU behind a GPU interface: large register tiles, since loads are dear there and
 * spilled registers cheap (lavapipe: three times the simt tile). Larger ones still run faster, but their
 * unrolled code takes its compiler tens of seconds; it grows with the outputs that a lane holds. */
static void tile_subgroup(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling *t)
{
    const bool small = d->q.shape[3] <= 64 && d->v.shape[3] <= 64;
    const int32_t queries = small ? 32 : 16;
    t->lanes = t->ln = (int32_t)info->subgroup_max;
    t->rm = t->lanes > 16 ? t->lanes : 16;
    t->rn = queries > t->lanes ? queries / t->lanes : 1;
    t->bc = small ? 32 : t->rm;
    t->d_chunk = min32((int32_t)d->q.shape[3], 128);
    t->dv_slice = min32((int32_t)d->v.shape[3], 128);
    t->kv_chunk = small ? 32 : 16;
    t->query_tile = t->rn * t->ln;
}

static uint32_t choose_splits(const tsr_device_info *info, const tsr_attention_desc *d, const tsr_tiling *t)
{
    enum { MIN_KEYS = 512, MAX_SPLITS = 64 };
    const int64_t dv_slices = (d->v.shape[3] + t->dv_slice - 1) / t->dv_slice;
    const int64_t groups = (d->q.shape[2] + t->query_tile - 1) / t->query_tile * d->q.shape[0] * d->q.shape[1] * dv_slices;
    const int64_t wanted = (int64_t)info->compute_units * 2;
    if (groups == 0 || groups >= wanted) return 1;
    int64_t splits = (wanted + groups - 1) / groups;
    if (splits > d->k.shape[2] / MIN_KEYS) splits = d->k.shape[2] / MIN_KEYS;
    return splits < 1 ? 1 : splits > MAX_SPLITS ? MAX_SPLITS : (uint32_t)splits;
}

tsr_status tsr_attention_tiling(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling *t)
{
    *t = (tsr_tiling){.tile = d->tile ? (tsr_tile)d->tile : tsr_tile_for(info)};
    if (t->tile == TSR_TILE_VECTOR) {
        if (info->vector_width < 4) return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument tile is vector; %s has no wide vectors", info->id);
        tile_vector(info, d, t);
    } else if (t->tile == TSR_TILE_SUBGROUP) {
        if (!(info->features & TSR_FEATURE_SUBGROUP) || info->subgroup_max > 32 || info->subgroup_min != info->subgroup_max)
            return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument tile is subgroup; %s has no sub-groups of one size up to 32", info->id);
        tile_subgroup(info, d, t);
    } else {
        if (info->max_workgroup < 64)
            return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument tile is simt; %s runs workgroups of %u only", info->id, info->max_workgroup);
        tile_simt(d, t);
    }
    t->splits = d->splits ? d->splits : choose_splits(info, d, t);
    return TSR_OK;
}
