/* The default shape, and how the keys are cut, from a device's facts: pure functions, no device needed. */
#include "attention.h"

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
 * leaves the loops over a simt micro-tile rolled. */
static int64_t tile_iterations(const tsr_attention_desc *d, const tsr_tiling *t)
{
    const int64_t head = d->q.shape[3], lanes = t->lanes, elements = (int64_t)t->bc * t->query_tile;
    const int64_t blocks = tsr_ceil_div(t->bc, t->lanes / t->ln * t->rm), o_blocks = tsr_ceil_div(t->dv_slice, t->lanes / t->ln * t->rm);
    const int64_t softmax = ((d->score ? 3 : 1) + (d->codes.bits != 0)) * loop(tsr_ceil_div(elements, lanes), 2) +
                            loop(tsr_ceil_div(t->query_tile, lanes), 2 * loop(t->bc, 0)) +
                            (d->skip > 0 ? loop(tsr_ceil_div(t->query_tile, lanes), loop(t->bc, 0)) : 0);
    if (t->tile == TSR_TILE_SUBGROUP) return loop(blocks, loop(tsr_ceil_div(head, 64), loop(64, 0))) + softmax + loop(o_blocks, loop(t->bc, 0));
    if (t->tile == TSR_TILE_MATRIX) /* rows in words, at the least a matrix of channels; statistics that are made in memory */
        return loop(tsr_ceil_div((int64_t)t->bc * (head + 32), lanes), 0) + loop(tsr_ceil_div((int64_t)t->bc * (t->dv_slice + 32), lanes), 0) +
               softmax + loop(tsr_ceil_div(elements, lanes), 0) + loop(tsr_ceil_div(t->query_tile, lanes), loop(t->bc, 0)) + loop(t->bc, 0);
    if (t->tile == TSR_TILE_SIMT || t->tile == TSR_TILE_PACKED) {
        const int64_t quads = t->rn / 4, stage = loop(tsr_ceil_div((t->bc + t->query_tile) * t->d_chunk / 4, lanes), 0) + 1;
        const int64_t dot = loop(t->d_chunk / 4, loop(t->rn, 0) + loop(t->rm, loop(quads, 0))), ends = loop(t->rm, loop(quads, 0));
        const int64_t channels = o_blocks * (lanes / t->ln * t->rm), words = t->tile == TSR_TILE_PACKED ? 2 : 4; /* values staged at a time */
        const int64_t statistics = 4 * ends + loop(lanes / t->ln, 0);
        const int64_t values = loop(tsr_ceil_div((int64_t)t->kv_chunk * channels / words, lanes), 0) +
                               o_blocks * (loop(t->kv_chunk / 4, loop(4, loop(t->rm / 4, loop(quads, 0)) + loop(quads, 0))) + 2 * ends);
        return loop(tsr_ceil_div(head, t->d_chunk), stage + dot + 2 * ends) + softmax + statistics + loop(tsr_ceil_div(t->bc, t->kv_chunk), values);
    }
    const int64_t stage_k = loop(tsr_ceil_div((int64_t)t->bc * t->d_chunk, lanes), 0);
    const int64_t stage_v = loop(tsr_ceil_div((int64_t)t->kv_chunk * t->dv_slice, lanes), 0);
    return loop(tsr_ceil_div(head, t->d_chunk), stage_k + loop(blocks, loop(1, loop(t->d_chunk, 0)))) + softmax +
           loop(tsr_ceil_div(t->bc, t->kv_chunk), stage_v + o_blocks * loop(t->kv_chunk, 0));
}

/* The same outside the tiles: fetching the state, storing it. */
static int64_t fixed_iterations(const tsr_tiling *t)
{
    if (t->tile == TSR_TILE_MATRIX)
        return loop(tsr_ceil_div((int64_t)(t->bc + t->query_tile) * 2 * (t->d_chunk + t->dv_slice + 32), t->lanes), 0) + 8 * loop(t->query_tile, 0) +
               3 * loop(t->dv_slice + 32, loop(tsr_ceil_div(t->query_tile, t->lanes), 0));
    const int64_t rows = t->lanes / t->ln * t->rm, outputs = tsr_ceil_div(t->dv_slice, rows) * rows;
    const int64_t queries = t->tile == TSR_TILE_SUBGROUP ? loop(t->rn, loop(t->d_chunk, 0)) : 0;
    return queries + 3 * loop(t->rn, 4) + 2 * loop(outputs, loop(tsr_ceil_div(t->query_tile, t->lanes), 0));
}

/* Key tiles that a workgroup may take at once. A submission ends between workgroups alone, so that on a GPU, whose desktop waits for it, one must
 * be over within a budget of 50 ms: 2 GFLOP (65536 keys beside 64 queries of head dim 128) are, from some 50 GFLOP/s for a compute unit on. */
static int64_t tiles_in_time(const tsr_device_info *info, const tsr_attention_desc *d, const tsr_tiling *t)
{
    const int64_t group_flop = INT64_C(1) << 31, tile_flop = 2 * (d->q.shape[3] + t->dv_slice) * (int64_t)t->bc * t->query_tile;
    return info->type == TSR_DEVICE_CPU ? INT64_MAX : group_flop > tile_flop ? group_flop / tile_flop : 1;
}

tsr_status tsr_attention_cut(const tsr_device_info *info, uint32_t loop_limit, const tsr_attention_desc *d, int64_t query_tiles, int64_t most_tiles,
                             int64_t more_iterations, tsr_tiling *t)
{
    t->splits = d->splits ? d->splits : choose_splits(info, d, t, query_tiles, most_tiles);
    const int64_t split_tiles = tsr_ceil_div(most_tiles, t->splits);
    int64_t tiles = tiles_in_time(info, d, t);
    if (loop_limit != 0) {
        const int64_t safe = (int64_t)loop_limit * 3 / 4; /* a compiler may make loops of its own */
        const int64_t counted = (safe - fixed_iterations(t) - more_iterations) / (1 + tile_iterations(d, t));
        if (counted < 1)
            return tsr_fail(TSR_ERROR_UNSUPPORTED, "the driver ends loops after %u iterations; a tile of head dim %d takes %lld", loop_limit,
                            (int)d->q.shape[3], (long long)tile_iterations(d, t));
        if (counted < tiles) tiles = counted;
    }
    if (tiles > split_tiles) tiles = split_tiles ? split_tiles : 1;
    t->pass_tiles = (int32_t)tiles;
    t->passes = (uint32_t)(split_tiles ? tsr_ceil_div(split_tiles, tiles) : 1);
    return TSR_OK;
}

tsr_status tsr_attention_tiling(const tsr_device_info *info, const tsr_attention_desc *d, tsr_tiling *t)
{
    const bool flash_alone = d->tile == TSR_TILE_MATRIX || d->tile == TSR_TILE_PACKED;
    const tsr_tile tile = !d->tile ? tsr_tile_for(info) : flash_alone ? TSR_TILE_SIMT : (tsr_tile)d->tile;
    tsr_tiling all[TSR_MAX_SHAPES];
    const tsr_status s = tsr_attention_allows(info, d, tile);
    if (s != TSR_OK) return s;
    (void)tsr_attention_shapes(info, d, tile, all);
    *t = all[0];
    return TSR_OK;
}
