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

/* A CPU behind a GPU interface, a sub-group being one of its vectors. What counts there is the number of
 * loads, one for each row and one for each column of a micro-tile; and, where there is little to do, the
 * seconds that the driver takes to compile a large one. */
static void tile_subgroup(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling *t)
{
    t->lanes = t->ln = (int32_t)info->subgroup_max;
    t->rn = d->q.shape[2] <= t->ln ? 1 : min32(4, TSR_TILE_MAX / t->ln);
    t->rm = d->q.shape[2] <= 8 * t->ln ? 8 : 16;
    t->bc = 64;
    t->d_chunk = (int32_t)d->q.shape[3];
    t->kv_chunk = t->bc;
    t->dv_slice = (int32_t)d->v.shape[3];
    t->query_tile = t->rn * t->ln;
}

/* Few query tiles leave a device idle; but a split should have some keys to itself. */
static uint32_t choose_splits(const tsr_device_info *info, const tsr_attention_desc *d, const tsr_tiling *t, int64_t query_tiles, int64_t most_tiles)
{
    enum { MIN_KEYS = 512, MAX_SPLITS = 64 };
    const int64_t dv_slices = (d->v.shape[3] + t->dv_slice - 1) / t->dv_slice;
    const int64_t groups = query_tiles * d->q.shape[0] * d->q.shape[1] * dv_slices;
    const int64_t wanted = (int64_t)info->compute_units * 2;
    if (groups == 0 || groups >= wanted) return 1;
    int64_t splits = (wanted + groups - 1) / groups;
    if (splits > most_tiles * t->bc / MIN_KEYS) splits = most_tiles * t->bc / MIN_KEYS;
    return splits < 1 ? 1 : splits > MAX_SPLITS ? MAX_SPLITS : (uint32_t)splits;
}

/* A loop of n rounds over a body that itself takes so many iterations; the test that ends it counts too. */
static int64_t loop(int64_t n, int64_t body) { return n * (1 + body) + 1; }

/* Loop iterations of one invocation of the flash kernel for a tile of keys. It follows the kernel's text, where Mesa's OpenCL
 * leaves the loop over a simt micro-tile's rows rolled. */
static int64_t tile_iterations(const tsr_attention_desc *d, const tsr_tiling *t)
{
    const int64_t head = d->q.shape[3], lanes = t->lanes, elements = (int64_t)t->bc * t->query_tile;
    const int64_t blocks = tsr_ceil_div(t->bc, t->lanes / t->ln * t->rm), o_blocks = tsr_ceil_div(t->dv_slice, t->lanes / t->ln * t->rm);
    const int64_t softmax = ((d->score ? 3 : 1) + (d->codes.bits != 0)) * loop(tsr_ceil_div(elements, lanes), 2) +
                            loop(tsr_ceil_div(t->query_tile, lanes), 2 * loop(t->bc, 0)) +
                            (d->skip > 0 ? loop(tsr_ceil_div(t->query_tile, lanes), loop(t->bc, 0)) : 0);
    if (t->tile == TSR_TILE_SUBGROUP) return loop(blocks, loop(tsr_ceil_div(head, 64), loop(64, 0))) + softmax + loop(o_blocks, loop(t->bc, 0));
    const int64_t stage_k = loop(tsr_ceil_div((int64_t)t->bc * t->d_chunk, lanes), 0),
                  stage_q = loop(tsr_ceil_div((int64_t)t->query_tile * t->d_chunk, lanes), 0);
    const int64_t stage_v = loop(tsr_ceil_div((int64_t)t->kv_chunk * t->dv_slice, lanes), 0);
    const int64_t rolled = loop(t->rm, 0);
    return loop(tsr_ceil_div(head, t->d_chunk), stage_k + stage_q + loop(blocks, loop(1, loop(t->d_chunk, rolled)))) + softmax +
           loop(tsr_ceil_div(t->bc, t->kv_chunk), stage_v + o_blocks * loop(t->kv_chunk, rolled));
}

/* The same outside the tiles: fetching the state, storing it. */
static int64_t fixed_iterations(const tsr_tiling *t)
{
    const int64_t rows = t->lanes / t->ln * t->rm, outputs = tsr_ceil_div(t->dv_slice, rows) * rows;
    const int64_t queries = t->tile == TSR_TILE_SUBGROUP ? loop(t->rn, loop(t->d_chunk, 0)) : 0;
    return queries + 3 * loop(t->rn, 4) + 2 * loop(outputs, loop(tsr_ceil_div(t->query_tile, t->lanes), 0));
}

tsr_status tsr_attention_cut(const tsr_device_info *info, uint32_t loop_limit, const tsr_attention_desc *d, int64_t query_tiles, int64_t most_tiles,
                             int64_t more_iterations, tsr_tiling *t)
{
    t->splits = d->splits ? d->splits : choose_splits(info, d, t, query_tiles, most_tiles);
    const int64_t split_tiles = tsr_ceil_div(most_tiles, t->splits);
    t->pass_tiles = (int32_t)(split_tiles ? split_tiles : 1);
    t->passes = 1;
    if (loop_limit == 0) return TSR_OK;
    const int64_t safe = (int64_t)loop_limit * 3 / 4; /* a compiler may make loops of its own */
    const int64_t tiles = (safe - fixed_iterations(t) - more_iterations) / (1 + tile_iterations(d, t));
    if (tiles < 1)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "the driver ends loops after %u iterations; a tile of head dim %d takes %lld", loop_limit,
                        (int)d->q.shape[3], (long long)tile_iterations(d, t));
    if (tiles >= split_tiles) return TSR_OK;
    t->pass_tiles = (int32_t)tiles;
    t->passes = (uint32_t)tsr_ceil_div(split_tiles, tiles);
    return TSR_OK;
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
    return TSR_OK;
}
