/* Slabs of query tiles for a probe, and the steps in which their sums are added up. */
#include "slabs.h"

#include <stdlib.h>

/* How many query blocks the tiles [tile, tile + *tiles) make, in groups of *group tiles. A block of more tiles than a slab
 * has comes in several slabs, alone in each: continued is the block that the slab before left unfinished, or -1. */
static int32_t take_tiles(const tsr_schedule *s, int64_t block_q, int64_t continued, int32_t tile, int32_t *tiles, int32_t *group)
{
    const int32_t count = (int32_t)s->tile_count;
    *tiles = *group = 0;
    for (int32_t at = tile; at < count && *tiles < TSR_SLAB_TILES;) {
        const int64_t block = block_q ? s->rows[s->tiles[at].first_row] / block_q : 0;
        int32_t n = 0;
        while (at + n < count && n < TSR_SLAB_TILES && (!block_q || s->rows[s->tiles[at + n].first_row] / block_q == block)) n++;
        const bool last = at + n == count;
        if (*group && (n > *group || (n < *group && !last) || *tiles + n > TSR_SLAB_TILES)) break;
        if (!*group) *group = n;
        *tiles += n;
        at += n;
        if (n < *group || n == TSR_SLAB_TILES || block == continued) break;
    }
    return *group ? (*tiles + *group - 1) / *group : 0;
}

/* An invocation adds up part_tiles x part_keys numbers in one dispatch: all of its block, or what a driver's limit of loops lets it. */
static void cut_blocks(tsr_slab *s, uint32_t loop_limit)
{
    tsr_sums_params *b = &s->blocks;
    b->part_tiles = b->group_tiles > 0 ? b->group_tiles : 1; /* none where nothing is wanted */
    b->part_keys = b->group_keys > 0 ? b->group_keys : 1;
    const int64_t safe = (int64_t)loop_limit * 3 / 4;
    if (loop_limit && (int64_t)b->group_tiles * (b->group_keys + 1) >= safe) {
        if (b->part_keys > safe - 2) b->part_keys = (int32_t)(safe - 2);
        b->part_tiles = (int32_t)((safe - 1) / (b->part_keys + 1));
    }
    s->block_steps = (uint64_t)(tsr_slab_blocks(b->group_tiles, b->part_tiles) * tsr_slab_blocks(b->group_keys, b->part_keys));
}

tsr_status tsr_slabs_plan(const tsr_attention *att, int64_t block_q, int64_t block_k, uint32_t loop_limit, tsr_slab **slabs, size_t *count)
{
    const tsr_attention_desc *d = &att->desc;
    const int64_t heads = d->q.shape[0] * d->q.shape[1], nq = d->q.shape[2], nk = d->k.shape[2];
    const int64_t rows = block_q ? tsr_slab_blocks(nq, block_q) : 0, columns = block_k ? tsr_slab_blocks(nk, block_k) : 0;
    size_t room = 0;
    uint64_t steps = 0;
    for (int64_t h = 0; h < heads; h++) {
        const tsr_schedule *s = att->schedules[att->schedule_of[h]];
        int64_t last_block = -1;
        for (int32_t tile = 0; tile < (int32_t)s->tile_count || tile == 0;) { /* no query at all still makes sums of 0 */
            tsr_slab one = {.head = (int32_t)h, .tile = tile};
            int32_t group;
            const int32_t groups = take_tiles(s, block_q, last_block, tile, &one.tiles, &group);
            const int64_t block = block_q && one.tiles ? s->rows[s->tiles[tile].first_row] / block_q : 0;
            one.keys = (tsr_sums_params){.out_at = h * nk * 4,
                                         .tiles = one.tiles,
                                         .first = tile % TSR_SLAB_TILES,
                                         .slab_tiles = TSR_SLAB_TILES,
                                         .nk = (int32_t)nk,
                                         .group_tiles = one.tiles,
                                         .group_keys = 1,
                                         .columns = (int32_t)nk,
                                         .groups = 1,
                                         .add = tile > 0,
                                         .part_tiles = one.tiles,
                                         .part_keys = 1};
            one.blocks = (tsr_sums_params){.out_at = (h * rows + block) * columns * 4,
                                           .tiles = one.tiles,
                                           .first = tile % TSR_SLAB_TILES,
                                           .slab_tiles = TSR_SLAB_TILES,
                                           .nk = (int32_t)nk,
                                           .group_tiles = group,
                                           .group_keys = (int32_t)(block_k < nk ? block_k : nk),
                                           .columns = (int32_t)columns,
                                           .groups = groups,
                                           .add = block == last_block};
            cut_blocks(&one, loop_limit);
            one.first_step = steps;
            steps += 1 + one.block_steps;
            last_block = block + groups - 1;
            tile += one.tiles ? one.tiles : 1;
            if (*count == room) {
                room = room ? 2 * room : 64;
                tsr_slab *more = realloc(*slabs, room * sizeof(*more));
                if (!more) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %zu slabs", room);
                *slabs = more;
            }
            (*slabs)[(*count)++] = one;
        }
    }
    return TSR_OK;
}
