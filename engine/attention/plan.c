/* From a description's band and sets to tile schedules, one for each set that some head has. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "attention.h"

/* The set of a head with the band intersected; the caller's to destroy. */
static tsr_status banded(const tsr_attention_desc *d, const tsr_set *set, tsr_set *out)
{
    *out = set ? *set : (tsr_set){0};
    const size_t count = out->node_count;
    if (!d->band.bounded) return TSR_OK;
    tsr_set_node *nodes = malloc((count + 2) * sizeof(*nodes));
    if (!nodes) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %zu nodes", count + 2);
    if (count) memcpy(nodes, set->nodes, count * sizeof(*nodes));
    nodes[count] = (tsr_set_node){.op = TSR_SET_LAW,
                                  .div = 1,
                                  .stride = 1,
                                  .dilation = 1,
                                  .left = d->band.left > TSR_LAW_FAR ? TSR_UNBOUNDED : d->band.left,
                                  .right = d->band.right > TSR_LAW_FAR ? TSR_UNBOUNDED : d->band.right,
                                  .shift = -out->query_first, /* a band counts its queries from 0 */
                                  .flags = d->band.align == TSR_ALIGN_BOTTOM_RIGHT ? TSR_LAW_BOTTOM_RIGHT : 0};
    nodes[count + 1] = (tsr_set_node){.op = TSR_SET_ALL_OF, .count = 2};
    out->nodes = nodes;
    out->node_count = count ? count + 2 : 1;
    return TSR_OK;
}

static tsr_status make_schedule(tsr_attention *att, uint32_t set_index, int32_t b, int32_t h, const tsr_plan_tiles *tiles)
{
    const tsr_attention_desc *d = &att->desc;
    tsr_set set;
    tsr_status s = banded(d, d->set_count ? d->sets[set_index] : NULL, &set);
    if (s != TSR_OK) return s;
    const tsr_schedule_desc desc = {
        .set = &set, .nq = d->q.shape[2], .nk = d->k.shape[2], .query_tile = tiles->query_tile, .key_tile = tiles->key_tile, .b = b, .h = h};
    tsr_schedule **const out = &att->schedules[att->schedule_count];
    s = tiles->rows ? tsr_schedule_create_rows(&desc, tiles->rows, tiles->row_count, tiles->tile_rows, tiles->break_rows, out)
                    : tsr_schedule_create(&desc, out);
    if (s == TSR_OK) att->schedule_count++;
    if (d->band.bounded) free(set.nodes);
    return s;
}

tsr_status tsr_attention_plan(tsr_attention *att, const tsr_plan_tiles *tiles)
{
    const tsr_attention_desc *d = &att->desc;
    const uint32_t heads = (uint32_t)(d->q.shape[0] * d->q.shape[1]), sets = d->set_count ? d->set_count : 1;
    bool by_head = false;
    for (uint32_t i = 0; i < d->set_count; i++) by_head = by_head || tsr_set_by_head(d->sets[i]);
    const uint32_t room = by_head && heads > sets ? heads : sets;
    att->schedules = calloc(room, sizeof(*att->schedules));
    att->schedule_of = malloc((heads ? heads : 1) * sizeof(*att->schedule_of));
    if (!att->schedules || !att->schedule_of) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %u schedules", room);
    tsr_status s = TSR_OK;
    for (uint32_t i = 0; i < sets && !by_head && s == TSR_OK; i++) s = make_schedule(att, i, 0, 0, tiles);
    for (uint32_t i = 0; i < heads && s == TSR_OK; i++) {
        const uint32_t set = d->set_of_count ? d->set_of[i % d->set_of_count] : 0;
        const int32_t b = (int32_t)(i / d->q.shape[1]), h = (int32_t)(i % d->q.shape[1]);
        att->schedule_of[i] = by_head ? i : set;
        if (by_head) s = make_schedule(att, set, b, h, tiles);
    }
    for (uint32_t i = 0; i < att->schedule_count && s == TSR_OK; i++) {
        const tsr_schedule *schedule = att->schedules[i];
        if ((int32_t)schedule->tile_count > att->q_tiles) att->q_tiles = (int32_t)schedule->tile_count;
        for (size_t tile = 0; tile < schedule->tile_count; tile++)
            if (schedule->tiles[tile].key_tiles > att->most_tiles) att->most_tiles = schedule->tiles[tile].key_tiles;
    }
    return s;
}

void tsr_attention_forget_plan(tsr_attention *att)
{
    for (uint32_t i = 0; i < att->schedule_count; i++) tsr_schedule_destroy(att->schedules[i]);
    free(att->schedules);
    free(att->schedule_of);
    free(att->pieces);
    tsr_buffer_destroy(att->lists);
    tsr_buffer_destroy(att->user);
}

tsr_status tsr_attention_get_schedule(const tsr_attention *att, uint32_t index, const tsr_schedule **out)
{
    if (!att || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", att ? "out" : "att");
    if (index >= att->schedule_count)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument index is %u; expected one of %u schedules", index, att->schedule_count);
    *out = att->schedules[index];
    return TSR_OK;
}
