/* Attention over selections: maps become lists in slabs of query tiles, and each slab is attended to before the next takes its memory. */
#include "lists.h"

#include <inttypes.h>

/* Bytes of lists and bits that a slab may take; keys of a unit at most. */
enum { SLAB_BYTES = 64 << 20, UNIT_MAX = 256 };

static int64_t common_divisor(int64_t a, int64_t b) { return b ? common_divisor(b, a % b) : a; }

flow_order flow_order_of(const flow_lists *l, const flow_tiles *t)
{
    flow_order o = {.there = t->ordered, .list = {.buffer = -1}, .group = 1};
    const int64_t shape[4] = {l->batches, l->heads, 1, t->tokens};
    if (t->ordered) o.list = t->order, flow_strides(&t->order, shape, o.stride, &o.group);
    return o;
}

/* Do tiles cut places of this order, each so many? */
bool flow_cuts(const flow_tiles *t, const flow_order *o)
{
    if (!t->size || t->ordered != o->there) return false;
    return !o->there || (t->order.buffer == o->list.buffer && t->order.offset == o->list.offset);
}

static void check_tiles(flow_lists *l, const flow_tiles *t, int64_t tokens, int64_t extent, const char *what)
{
    if (t->tokens && t->tokens != tokens) tsr_reader_fail(l->f->r, "has %s tiles of %" PRId64 " tokens; expected %" PRId64, what, t->tokens, tokens);
    const int64_t count = flow_tile_count(t, tokens);
    if (extent != count && extent != 1)
        tsr_reader_fail(l->f->r, "has a map of %" PRId64 " %s tiles; expected %" PRId64 " (%" PRId64 " tokens)", extent, what, count, tokens);
}

/* The largest number of keys that all maps agree on, and that is small enough for one unit. */
static int32_t choose_unit(const flow_lists *l)
{
    int64_t unit = 0;
    for (int i = 0; i < l->s->count; i++) {
        const flow_tiles *t = &l->s->sources[i].keys;
        if (!flow_cuts(t, &l->keys)) return 1;
        unit = common_divisor(t->size, unit);
    }
    if (!l->keys.there && unit % l->key_tile == 0) return l->key_tile;
    for (int64_t parts = 1; parts <= unit; parts++)
        if (unit % parts == 0 && unit / parts <= UNIT_MAX) return (int32_t)(unit / parts);
    return 1;
}

/* May some of a query tile see a unit, and others not? */
static bool may_differ(const flow_lists *l)
{
    if (l->s->band.bounded) return true;
    for (int i = 0; i < l->s->count; i++) {
        const flow_source *s = &l->s->sources[i];
        if (s->map.shape[FLOW_ROWS] == 1) continue;
        if (!flow_cuts(&s->queries, &l->queries) || s->queries.size % l->query_tile != 0) return true;
    }
    return false;
}

static void read_selection(flow_lists *l)
{
    const flow_selection *s = l->s;
    for (int i = 0; i < s->count; i++) {
        check_tiles(l, &s->sources[i].queries, l->nq, s->sources[i].map.shape[FLOW_ROWS], "query");
        check_tiles(l, &s->sources[i].keys, l->nk, s->sources[i].map.shape[FLOW_COLUMNS], "key");
        if (!l->queries.there) l->queries = flow_order_of(l, &s->sources[i].queries);
        if (!l->keys.there) l->keys = flow_order_of(l, &s->sources[i].keys);
    }
    l->shift = s->band.align == TSR_ALIGN_BOTTOM_RIGHT ? l->nk - l->nq : 0;
    l->unit_size = choose_unit(l);
    l->units = (int32_t)tsr_ceil_div(l->nk, l->unit_size);
    l->runs = !l->keys.there && l->unit_size % l->key_tile == 0;
    l->tested = may_differ(l);
    l->gathered = l->tested || !l->runs;
}

/* How much a slab takes, and how many pieces it has: whole heads where one fits. */
static tsr_status place(void *user, const tsr_attention *att, const tsr_tiling *t, int64_t *blocks_at)
{
    flow_lists *l = user;
    const int64_t tiles = tsr_ceil_div(l->nk, l->key_tile) + 2, each = l->tested ? 1 + l->bit_words : 1;
    l->passes = (int32_t)t->passes, l->pass_tiles = t->pass_tiles;
    l->q_tiles = att->q_tiles;
    if (l->batches * l->heads * l->q_tiles > INT32_MAX / 64)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "a selection has %" PRId64 " query tiles; expected fewer than 2^25",
                        l->batches * l->heads * l->q_tiles);
    l->pieces = (int32_t)(l->batches * l->heads * l->q_tiles);
    l->entry_room = (int32_t)((l->runs ? tsr_ceil_div(l->units, 2) + 1 + l->passes : 0) + (l->gathered ? tiles : 0));
    l->block_room = (int32_t)(l->gathered ? tiles * each : 0);
    const int64_t piece = (int64_t)l->units * 12 + (int64_t)l->entry_room * 12 + (int64_t)l->block_room * l->key_tile * 4;
    int64_t slab = max64(1, SLAB_BYTES / piece);
    if (slab >= l->q_tiles)
        slab = min64(slab / l->q_tiles * l->q_tiles, l->pieces);
    else
        slab = tsr_ceil_div(l->q_tiles, tsr_ceil_div(l->q_tiles, slab));
    l->slab = (int32_t)slab;
    l->tiles_at = 3 * l->batches * l->heads;
    l->rows_at = l->tiles_at + 2 * (int64_t)l->pieces;
    l->pieces_at = l->rows_at + l->batches * l->heads * l->nq;
    l->entries_at = l->pieces_at + 2 * (int64_t)l->pieces * l->passes;
    l->blocks_at = l->entries_at + 3 * (int64_t)l->entry_room * slab;
    l->words = l->blocks_at + (1 + (int64_t)l->block_room * slab) * l->key_tile;
    if (l->words > INT32_MAX || slab * l->units > INT32_MAX / 3)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "the lists of a selection take %" PRId64 " words; expected fewer than 2^31", l->words);
    const int64_t limit = tsr_loop_limit(l->f->dev), loops = (int64_t)l->units + l->entry_room + l->query_tile + l->key_tile + l->passes;
    if (limit && loops > limit * 3 / 4)
        return tsr_fail(TSR_ERROR_UNSUPPORTED,
                        "the driver ends loops after %" PRId64 " iterations; a selection among %d units of keys takes %" PRId64, limit, l->units,
                        loops);
    *blocks_at = l->blocks_at;
    return TSR_OK;
}

static void add_run(const flow_lists *l, tsr_attention *plan, const flow_tensor *const *bindings, const flow_tensor *out, int64_t first,
                    int64_t tiles)
{
    flow_launch *launch = flow_launch_add(l->f);
    if (!launch) return;
    launch->plan = plan;
    launch->listed = launch->attends = true;
    launch->first = (uint64_t)first, launch->groups = (uint64_t)tiles;
    for (int i = 0; i < 8; i++) flow_bind(l->f, launch, bindings[i]);
    flow_bind(l->f, launch, out);
}

/* The workgroups of a slab: those of whole heads follow each other, those of a part do within each slice of the value channels. */
static void add_runs(const flow_lists *l, tsr_attention *plan, const flow_tensor *const *bindings, const flow_tensor *out, int64_t first,
                     int64_t pieces)
{
    const int64_t slices = plan->dv_slices, head = first / l->q_tiles;
    if (pieces % l->q_tiles == 0) {
        add_run(l, plan, bindings, out, first * slices, pieces * slices);
        return;
    }
    for (int64_t slice = 0; slice < slices; slice++)
        add_run(l, plan, bindings, out, (head * slices + slice) * l->q_tiles + first % l->q_tiles, pieces);
}

/* The shape, and how the selection lies over its tiles. Tested tiles take more shared memory, and whether there are any is known with the shape. */
static void choose_shape(flow_lists *l, const tsr_attention_desc *desc, tsr_choice *choice)
{
    tsr_attention_desc asked = *desc;
    for (asked.set_count = 0; asked.set_count <= 1; asked.set_count++) {
        if (l->f->r->status == TSR_OK) tsr_reader_pass(l->f->r, tsr_attention_choose(l->f->dev, &asked, choice));
        if (l->f->r->status != TSR_OK) return;
        l->query_tile = choice->shape.query_tile;
        l->key_tile = choice->shape.bc;
        l->bit_words = (l->query_tile + 31) / 32;
        read_selection(l);
        if (!l->tested) return;
    }
}

void flow_attend_selected(tsr_flow *f, const tsr_attention_desc *desc, const flow_selection *s, const flow_tensor *const *bindings)
{
    tsr_attention_desc checked;
    tsr_choice choice = {0};
    tsr_attention *plan = NULL;
    if (f->r->status != TSR_OK) return;
    tsr_reader_pass(f->r, tsr_attention_validate(desc, &checked));
    if (f->r->status != TSR_OK) return;
    flow_lists l = {.f = f,
                    .s = s,
                    .batches = checked.q.shape[0],
                    .heads = checked.q.shape[1],
                    .nq = checked.q.shape[2],
                    .nk = checked.k.shape[2],
                    .queries = {.list = {.buffer = -1}, .group = 1},
                    .keys = {.list = {.buffer = -1}, .group = 1}};
    choose_shape(&l, &checked, &choice);
    const tsr_given_lists given = {l.gathered, l.tested, place, &l, &choice};
    if (f->r->status == TSR_OK) tsr_reader_pass(f->r, tsr_attention_prepare_given(f->dev, &checked, &given, &plan));
    if (f->r->status != TSR_OK) return;
    flow_plan_keep(f, plan);
    if (plan->info.tile_count == 0) return;
    const flow_tensor words = flow_new_typed(f, TSR_I32, 1, 1, (int64_t)l.slab * l.units, 3), out = flow_new_typed(f, TSR_I32, 1, 1, 1, l.words);
    const flow_tensor counts = flow_new_typed(f, TSR_I32, l.batches, l.heads, l.q_tiles, 4);
    flow_add_labels(&l);
    for (int64_t first = 0; first < l.pieces && f->r->status == TSR_OK;) {
        const int64_t in_head = l.slab < l.q_tiles ? l.q_tiles - first % l.q_tiles : l.pieces - first, pieces = min64(l.slab, in_head);
        flow_add_masks(&l, &words, (int32_t)first, (int32_t)pieces);
        flow_add_scan(&l, &words, &out, &counts, (int32_t)first, (int32_t)pieces);
        if (l.gathered) flow_add_emit(&l, &words, &out, &counts, (int32_t)first, (int32_t)pieces);
        add_runs(&l, plan, bindings, &out, first, pieces);
        first += pieces;
    }
    flow_attend *attend = flow_attend_add(
        f, plan, bindings[0]->buffer == FLOW_Q && bindings[1]->buffer == FLOW_K && l.nq == f->desc.q.shape[2] && l.nk == f->desc.k.shape[2]);
    if (!attend) return;
    attend->counts = counts;
    f->buffers[counts.buffer].kept = true; /* for reports */
}
