/* Attention over selections: maps become lists in slabs of query tiles, and each slab is attended to before the next takes its memory. */
#include "lists.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "flow/tile_emit_args.h"
#include "flow/tile_masks_args.h"
#include "flow/tile_scan_args.h"

typedef struct tile_masks_params {
    TILE_MASKS_PARAMS(TSR_PARAM_FIELD)
} tile_masks_params;
typedef struct tile_scan_params {
    TILE_SCAN_PARAMS(TSR_PARAM_FIELD)
} tile_scan_params;
typedef struct tile_emit_params {
    TILE_EMIT_PARAMS(TSR_PARAM_FIELD)
} tile_emit_params;

/* Bytes of lists and bits that a slab may take, units of variable size at most, and reach of bands: further than any token. */
enum { SLAB_BYTES = 64 << 20, UNIT_MAX = 256, GROUP_KEYS = 256, LANE_UNITS = 64 };
static const int64_t far_away = INT64_C(1) << 40;

/* An order of tokens, as kernels take it. */
typedef struct order {
    bool there;
    flow_tensor list;
    int64_t stride[4], group;
} order;

typedef struct lists {
    tsr_flow *f;
    const tsr_attention_desc *desc;
    const flow_selection *s;
    int64_t batches, heads, nq, nk;
    int32_t query_tile, key_tile, bit_words, q_tiles, pieces, units, unit_size;
    bool runs, gathered, tested;
    int64_t shift;
    order queries, keys;
    int32_t passes, pass_tiles, slab; /* pieces of a slab */
    int32_t entry_room, block_room;
    int64_t tiles_at, rows_at, pieces_at, entries_at, blocks_at, words;
} lists;

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

static int64_t common_divisor(int64_t a, int64_t b) { return b ? common_divisor(b, a % b) : a; }

static order order_of(const lists *l, const flow_tiles *t)
{
    order o = {.there = t->ordered, .list = {.buffer = -1}, .group = 1};
    const int64_t shape[4] = {l->batches, l->heads, 1, t->tokens};
    if (t->ordered) o.list = t->order, flow_strides(&t->order, shape, o.stride, &o.group);
    return o;
}

/* Do tiles cut places of this order, each so many? */
static bool cuts(const flow_tiles *t, const order *o)
{
    if (!t->size || t->ordered != o->there) return false;
    return !o->there || (t->order.buffer == o->list.buffer && t->order.offset == o->list.offset);
}

/* Labels of all tokens, also of tiles that need none elsewhere. */
static flow_tensor labels_of(tsr_flow *f, const flow_tiles *t, int64_t tokens)
{
    if (t->ordered) return t->labels;
    const int64_t shape[4] = {1, 1, 1, tokens};
    int32_t *data = malloc((size_t)(tokens ? tokens : 1) * sizeof(*data));
    for (int64_t i = 0; data && i < tokens; i++) data[i] = (int32_t)(i / t->size);
    return flow_constant(f, TSR_I32, shape, data);
}

static void check_tiles(lists *l, const flow_tiles *t, int64_t tokens, int64_t extent, const char *what)
{
    if (t->tokens && t->tokens != tokens) tsr_reader_fail(l->f->r, "has %s tiles of %" PRId64 " tokens; expected %" PRId64, what, t->tokens, tokens);
    const int64_t count = flow_tile_count(t, tokens);
    if (extent != count && extent != 1)
        tsr_reader_fail(l->f->r, "has a map of %" PRId64 " %s tiles; expected %" PRId64 " (%" PRId64 " tokens)", extent, what, count, tokens);
}

/* The largest number of keys that all maps agree on, and that is small enough for one unit. */
static int32_t choose_unit(const lists *l)
{
    int64_t unit = 0;
    for (int i = 0; i < l->s->count; i++) {
        const flow_tiles *t = &l->s->sources[i].keys;
        if (!cuts(t, &l->keys)) return 1;
        unit = common_divisor(t->size, unit);
    }
    if (!l->keys.there && unit % l->key_tile == 0) return l->key_tile;
    for (int64_t parts = 1; parts <= unit; parts++)
        if (unit % parts == 0 && unit / parts <= UNIT_MAX) return (int32_t)(unit / parts);
    return 1;
}

/* May some of a query tile see a unit, and others not? */
static bool may_differ(const lists *l)
{
    if (l->s->band.bounded) return true;
    for (int i = 0; i < l->s->count; i++) {
        const flow_source *s = &l->s->sources[i];
        if (s->map.shape[FLOW_ROWS] == 1) continue;
        if (!cuts(&s->queries, &l->queries) || s->queries.size % l->query_tile != 0) return true;
    }
    return false;
}

static void read_selection(lists *l)
{
    const flow_selection *s = l->s;
    for (int i = 0; i < s->count; i++) {
        check_tiles(l, &s->sources[i].queries, l->nq, s->sources[i].map.shape[FLOW_ROWS], "query");
        check_tiles(l, &s->sources[i].keys, l->nk, s->sources[i].map.shape[FLOW_COLUMNS], "key");
        if (!l->queries.there) l->queries = order_of(l, &s->sources[i].queries);
        if (!l->keys.there) l->keys = order_of(l, &s->sources[i].keys);
    }
    l->shift = s->band.align == TSR_ALIGN_BOTTOM_RIGHT ? l->nk - l->nq : 0;
    l->unit_size = choose_unit(l);
    l->units = (int32_t)ceil_div(l->nk, l->unit_size);
    l->runs = !l->keys.there && l->unit_size % l->key_tile == 0;
    l->tested = may_differ(l);
    l->gathered = l->tested || !l->runs;
}

/* How much a slab takes, and how many pieces it has: whole heads where one fits. */
static tsr_status place(void *user, const tsr_attention *att, const tsr_tiling *t, int64_t *blocks_at)
{
    lists *l = user;
    const int64_t tiles = ceil_div(l->nk, l->key_tile) + 2, each = l->tested ? 1 + l->bit_words : 1;
    l->passes = (int32_t)t->passes, l->pass_tiles = t->pass_tiles;
    l->q_tiles = att->q_tiles;
    if (l->batches * l->heads * l->q_tiles > INT32_MAX / 64)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "a selection has %" PRId64 " query tiles; expected fewer than 2^25",
                        l->batches * l->heads * l->q_tiles);
    l->pieces = (int32_t)(l->batches * l->heads * l->q_tiles);
    l->entry_room = (int32_t)((l->runs ? ceil_div(l->units, 2) + 1 + l->passes : 0) + (l->gathered ? tiles : 0));
    l->block_room = (int32_t)(l->gathered ? tiles * each : 0);
    const int64_t piece = (int64_t)l->units * 12 + (int64_t)l->entry_room * 12 + (int64_t)l->block_room * l->key_tile * 4;
    int64_t slab = max64(1, SLAB_BYTES / piece);
    if (slab >= l->q_tiles)
        slab = min64(slab / l->q_tiles * l->q_tiles, l->pieces);
    else
        slab = ceil_div(l->q_tiles, ceil_div(l->q_tiles, slab));
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

static void add_masks(const lists *l, const flow_tensor *words, int32_t first, int32_t pieces)
{
    tsr_flow *f = l->f;
    const int32_t group_units = f->tile == TSR_TILE_VECTOR ? LANE_UNITS : 1; /* a workgroup costs a CPU as much as some units do */
    for (int i = 0; i < l->s->count; i++) {
        const flow_source *s = &l->s->sources[i];
        const int64_t shape[4] = {l->batches, l->heads, s->map.shape[FLOW_ROWS], s->map.shape[FLOW_COLUMNS]};
        const bool by_row = s->map.shape[FLOW_ROWS] == 1 || cuts(&s->queries, &l->queries), by_column = cuts(&s->keys, &l->keys);
        order query_labels = {.group = 1}, key_labels = {.group = 1};
        int64_t stride[4], group;
        flow_strides(&s->map, shape, stride, &group);
        if (!by_row) {
            flow_tiles t = {.ordered = true, .tokens = l->nq, .order = labels_of(f, &s->queries, l->nq)};
            query_labels = order_of(l, &t);
        }
        if (!by_column) {
            flow_tiles t = {.ordered = true, .tokens = l->nk, .order = labels_of(f, &s->keys, l->nk)};
            key_labels = order_of(l, &t);
        }
        const tile_masks_params p = {
            .map_sb = stride[0],
            .map_sh = stride[1],
            .map_sr = s->map.shape[FLOW_ROWS] == 1 ? 0 : stride[2],
            .map_sc = s->map.shape[FLOW_COLUMNS] == 1 ? 0 : stride[3],
            .left = min64(l->s->band.left, far_away),
            .right = min64(l->s->band.right, far_away),
            .shift = l->shift,
            .query_order_sb = l->queries.stride[0],
            .query_order_sh = l->queries.stride[1],
            .key_order_sb = l->keys.stride[0],
            .key_order_sh = l->keys.stride[1],
            .query_label_sb = query_labels.stride[0],
            .query_label_sh = query_labels.stride[1],
            .key_label_sb = key_labels.stride[0],
            .key_label_sh = key_labels.stride[1],
            .map_group = (int32_t)group,
            .query_order_group = (int32_t)l->queries.group,
            .key_order_group = (int32_t)l->keys.group,
            .query_label_group = (int32_t)query_labels.group,
            .key_label_group = (int32_t)key_labels.group,
            .query_ordered = l->queries.there,
            .key_ordered = l->keys.there,
            .heads = (int32_t)l->heads,
            .nq = (int32_t)l->nq,
            .nk = (int32_t)l->nk,
            .q_tiles = l->q_tiles,
            .query_tile = l->query_tile,
            .units = l->units,
            .unit_size = l->unit_size,
            .group_units = group_units,
            .unit_groups = (int32_t)ceil_div(l->units, group_units),
            .query_size = !by_row                        ? 0
                          : s->map.shape[FLOW_ROWS] == 1 ? INT32_MAX / l->query_tile * l->query_tile
                                                         : (int32_t)s->queries.size,
            .key_size = by_column ? (int32_t)s->keys.size : 0,
            .first = first,
            .pieces = pieces,
            .first_source = i == 0,
            .last_source = i + 1 == l->s->count,
            .bounded = (int32_t)l->s->band.bounded,
        };
        const flow_tensor *const bindings[] = {&s->map, &l->queries.list, &l->keys.list, &query_labels.list, &key_labels.list, words};
        flow_add(f, "tile_masks", NULL, &p, sizeof(p), bindings, 6, flow_groups(f, (int64_t)pieces * p.unit_groups));
    }
}

static void add_scan(const lists *l, const flow_tensor *words, const flow_tensor *out, const flow_tensor *counts, int32_t first, int32_t pieces)
{
    const tile_scan_params p = {
        .query_order_sb = l->queries.stride[0],
        .query_order_sh = l->queries.stride[1],
        .entries_at = l->entries_at,
        .query_order_group = (int32_t)l->queries.group,
        .query_ordered = l->queries.there,
        .batches = (int32_t)l->batches,
        .heads = (int32_t)l->heads,
        .nq = (int32_t)l->nq,
        .nk = (int32_t)l->nk,
        .q_tiles = l->q_tiles,
        .query_tile = l->query_tile,
        .key_tile = l->key_tile,
        .bit_words = l->bit_words,
        .units = l->units,
        .unit_size = l->unit_size,
        .first = first,
        .pieces = pieces,
        .runs = l->runs,
        .tiles_at = (int32_t)l->tiles_at,
        .rows_at = (int32_t)l->rows_at,
        .pieces_at = (int32_t)l->pieces_at,
        .blocks_at = (int32_t)l->blocks_at,
        .entry_room = l->entry_room,
        .block_room = l->block_room,
        .passes = l->passes,
        .pass_tiles = l->pass_tiles,
    };
    const flow_tensor *const bindings[] = {&l->queries.list, words, out, counts};
    flow_add(l->f, "tile_scan", NULL, &p, sizeof(p), bindings, 4, flow_groups(l->f, pieces));
}

static void add_emit(const lists *l, const flow_tensor *words, const flow_tensor *out, const flow_tensor *counts, int32_t first, int32_t pieces)
{
    const int32_t group_units = (int32_t)max64(1, GROUP_KEYS / l->unit_size);
    const tile_emit_params p = {
        .left = min64(l->s->band.left, far_away),
        .right = min64(l->s->band.right, far_away),
        .shift = l->shift,
        .query_order_sb = l->queries.stride[0],
        .query_order_sh = l->queries.stride[1],
        .key_order_sb = l->keys.stride[0],
        .key_order_sh = l->keys.stride[1],
        .query_order_group = (int32_t)l->queries.group,
        .key_order_group = (int32_t)l->keys.group,
        .query_ordered = l->queries.there,
        .key_ordered = l->keys.there,
        .heads = (int32_t)l->heads,
        .nq = (int32_t)l->nq,
        .nk = (int32_t)l->nk,
        .q_tiles = l->q_tiles,
        .query_tile = l->query_tile,
        .key_tile = l->key_tile,
        .bit_words = l->bit_words,
        .units = l->units,
        .unit_size = l->unit_size,
        .group_units = group_units,
        .unit_groups = (int32_t)ceil_div(l->units, group_units),
        .first = first,
        .bounded = (int32_t)l->s->band.bounded,
        .blocks_at = (int32_t)l->blocks_at,
        .block_room = l->block_room,
    };
    const flow_tensor *const bindings[] = {&l->queries.list, &l->keys.list, words, counts, out};
    flow_add(l->f, "tile_emit", NULL, &p, sizeof(p), bindings, 5, (int64_t)pieces * p.unit_groups);
}

static void add_run(const lists *l, tsr_attention *plan, const flow_tensor *const *bindings, const flow_tensor *out, int64_t first, int64_t tiles)
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
static void add_runs(const lists *l, tsr_attention *plan, const flow_tensor *const *bindings, const flow_tensor *out, int64_t first, int64_t pieces)
{
    const int64_t slices = plan->dv_slices, head = first / l->q_tiles;
    if (pieces % l->q_tiles == 0) {
        add_run(l, plan, bindings, out, first * slices, pieces * slices);
        return;
    }
    for (int64_t slice = 0; slice < slices; slice++)
        add_run(l, plan, bindings, out, (head * slices + slice) * l->q_tiles + first % l->q_tiles, pieces);
}

void flow_attend_selected(tsr_flow *f, const tsr_attention_desc *desc, const flow_selection *s, const flow_tensor *const *bindings)
{
    tsr_attention_desc checked;
    tsr_tiling t;
    tsr_attention *plan = NULL;
    if (f->r->status != TSR_OK) return;
    tsr_reader_pass(f->r, tsr_attention_validate(desc, &checked));
    if (f->r->status == TSR_OK) tsr_reader_pass(f->r, tsr_attention_tiling(&f->dev->info, &checked, &t));
    if (f->r->status != TSR_OK) return;
    lists l = {.f = f,
               .desc = &checked,
               .s = s,
               .batches = checked.q.shape[0],
               .heads = checked.q.shape[1],
               .nq = checked.q.shape[2],
               .nk = checked.k.shape[2],
               .query_tile = t.query_tile,
               .key_tile = t.bc,
               .bit_words = (t.query_tile + 31) / 32,
               .queries = {.list = {.buffer = -1}, .group = 1},
               .keys = {.list = {.buffer = -1}, .group = 1}};
    read_selection(&l);
    const tsr_given_lists given = {l.gathered, l.tested, place, &l};
    if (f->r->status == TSR_OK) tsr_reader_pass(f->r, tsr_attention_prepare_given(f->dev, &checked, &given, &plan));
    if (f->r->status != TSR_OK) return;
    flow_plan_keep(f, plan);
    if (plan->info.tile_count == 0) return;
    const flow_tensor words = flow_new_typed(f, TSR_I32, 1, 1, (int64_t)l.slab * l.units, 3), out = flow_new_typed(f, TSR_I32, 1, 1, 1, l.words);
    const flow_tensor counts = flow_new_typed(f, TSR_I32, l.batches, l.heads, l.q_tiles, 4);
    for (int64_t first = 0; first < l.pieces && f->r->status == TSR_OK;) {
        const int64_t in_head = l.slab < l.q_tiles ? l.q_tiles - first % l.q_tiles : l.pieces - first, pieces = min64(l.slab, in_head);
        add_masks(&l, &words, (int32_t)first, (int32_t)pieces);
        add_scan(&l, &words, &out, &counts, (int32_t)first, (int32_t)pieces);
        if (l.gathered) add_emit(&l, &words, &out, &counts, (int32_t)first, (int32_t)pieces);
        add_runs(&l, plan, bindings, &out, first, pieces);
        first += pieces;
    }
    flow_attend *attend = flow_attend_add(
        f, plan, bindings[0]->buffer == FLOW_Q && bindings[1]->buffer == FLOW_K && l.nq == f->desc.q.shape[2] && l.nk == f->desc.k.shape[2]);
    if (!attend) return;
    attend->counts = counts;
    f->buffers[counts.buffer].kept = true; /* for reports */
}
