/* The kernels that turn maps into lists: bits of query tiles, places of keys, the keys themselves. */
#include "lists.h"

#include <stdlib.h>
#include <string.h>

#include "flow/tile_emit_args.h"
#include "flow/tile_masks_args.h"
#include "flow/tile_scan_args.h"

/* The first fields of the parameters of all three. */
typedef struct piece_params {
    PIECE_PARAMS(TSR_PARAM_FIELD)
} piece_params;
typedef struct tile_masks_params {
    TILE_MASKS_PARAMS(TSR_PARAM_FIELD)
} tile_masks_params;
typedef struct tile_scan_params {
    TILE_SCAN_PARAMS(TSR_PARAM_FIELD)
} tile_scan_params;
typedef struct tile_emit_params {
    TILE_EMIT_PARAMS(TSR_PARAM_FIELD)
} tile_emit_params;

/* Keys that one workgroup writes, and units that one invocation of a CPU's kernel looks at; further than bands reach. */
enum { GROUP_KEYS = 256, LANE_UNITS = 64 };
static const int64_t far_away = INT64_C(1) << 40;

/* Labels of all tokens, also of tiles that need none elsewhere. */
static flow_tensor labels_of(tsr_flow *f, const flow_tiles *t, int64_t tokens)
{
    if (t->ordered) return t->labels;
    const int64_t shape[4] = {1, 1, 1, tokens};
    int32_t *data = malloc((size_t)(tokens ? tokens : 1) * sizeof(*data));
    for (int64_t i = 0; data && i < tokens; i++) data[i] = (int32_t)(i / t->size);
    return flow_constant(f, TSR_I32, shape, data);
}

static flow_order labels_order(const flow_lists *l, const flow_tiles *t, int64_t tokens)
{
    const flow_tiles labelled = {.ordered = true, .tokens = tokens, .order = labels_of(l->f, t, tokens)};
    return flow_order_of(l, &labelled);
}

static bool by_row(const flow_lists *l, const flow_source *s) { return s->map.shape[FLOW_ROWS] == 1 || flow_cuts(&s->queries, &l->queries); }

void flow_add_labels(flow_lists *l)
{
    for (int i = 0; i < l->s->count; i++) {
        const flow_source *s = &l->s->sources[i];
        const flow_order none = {.list = {.buffer = -1}, .group = 1};
        l->query_labels[i] = by_row(l, s) ? none : labels_order(l, &s->queries, l->nq);
        l->key_labels[i] = flow_cuts(&s->keys, &l->keys) ? none : labels_order(l, &s->keys, l->nk);
    }
}

static piece_params params_of(const flow_lists *l, int32_t first, int32_t pieces)
{
    return (piece_params){
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
        .bounded = (int32_t)l->s->band.bounded,
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
        .blocks_at = (int32_t)l->blocks_at,
        .block_room = l->block_room,
    };
}

void flow_add_masks(const flow_lists *l, const flow_tensor *words, int32_t first, int32_t pieces)
{
    tsr_flow *f = l->f;
    const int32_t group_units = f->tile == TSR_TILE_VECTOR ? LANE_UNITS : 1; /* a workgroup costs a CPU as much as some units do */
    const piece_params pieces_of = params_of(l, first, pieces);
    for (int i = 0; i < l->s->count; i++) {
        const flow_source *s = &l->s->sources[i];
        const int64_t shape[4] = {l->batches, l->heads, s->map.shape[FLOW_ROWS], s->map.shape[FLOW_COLUMNS]};
        const flow_order *query_labels = &l->query_labels[i], *key_labels = &l->key_labels[i];
        int64_t stride[4], group;
        flow_strides(&s->map, shape, stride, &group);
        tile_masks_params p = {
            .map_sb = stride[0],
            .map_sh = stride[1],
            .map_sr = s->map.shape[FLOW_ROWS] == 1 ? 0 : stride[2],
            .map_sc = s->map.shape[FLOW_COLUMNS] == 1 ? 0 : stride[3],
            .query_label_sb = query_labels->stride[0],
            .query_label_sh = query_labels->stride[1],
            .key_label_sb = key_labels->stride[0],
            .key_label_sh = key_labels->stride[1],
            .map_group = (int32_t)group,
            .query_label_group = (int32_t)query_labels->group,
            .key_label_group = (int32_t)key_labels->group,
            .group_units = group_units,
            .unit_groups = (int32_t)tsr_ceil_div(l->units, group_units),
            .query_size = !by_row(l, s)                  ? 0
                          : s->map.shape[FLOW_ROWS] == 1 ? INT32_MAX / l->query_tile * l->query_tile
                                                         : (int32_t)s->queries.size,
            .key_size = flow_cuts(&s->keys, &l->keys) ? (int32_t)s->keys.size : 0,
            .first_source = i == 0,
            .last_source = i + 1 == l->s->count,
        };
        memcpy(&p, &pieces_of, sizeof(pieces_of));
        const flow_tensor *const bindings[] = {&s->map, &l->queries.list, &l->keys.list, &query_labels->list, &key_labels->list, words};
        flow_add(f, "tile_masks", NULL, &p, sizeof(p), bindings, 6, flow_groups(f, (int64_t)pieces * p.unit_groups));
    }
}

void flow_add_scan(const flow_lists *l, const flow_tensor *words, const flow_tensor *out, const flow_tensor *counts, int32_t first, int32_t pieces)
{
    const piece_params pieces_of = params_of(l, first, pieces);
    tile_scan_params p = {
        .entries_at = l->entries_at,
        .runs = l->runs,
        .tiles_at = (int32_t)l->tiles_at,
        .rows_at = (int32_t)l->rows_at,
        .pieces_at = (int32_t)l->pieces_at,
        .entry_room = l->entry_room,
        .passes = l->passes,
        .pass_tiles = l->pass_tiles,
    };
    memcpy(&p, &pieces_of, sizeof(pieces_of));
    const flow_tensor *const bindings[] = {&l->queries.list, words, out, counts};
    flow_add(l->f, "tile_scan", NULL, &p, sizeof(p), bindings, 4, flow_groups(l->f, pieces));
}

void flow_add_emit(const flow_lists *l, const flow_tensor *words, const flow_tensor *out, const flow_tensor *counts, int32_t first, int32_t pieces)
{
    const int32_t group_units = (int32_t)max64(1, GROUP_KEYS / l->unit_size);
    const piece_params pieces_of = params_of(l, first, pieces);
    tile_emit_params p = {
        .group_units = group_units,
        .unit_groups = (int32_t)tsr_ceil_div(l->units, group_units),
    };
    memcpy(&p, &pieces_of, sizeof(pieces_of));
    const flow_tensor *const bindings[] = {&l->queries.list, &l->keys.list, words, counts, out};
    flow_add(l->f, "tile_emit", NULL, &p, sizeof(p), bindings, 5, (int64_t)pieces * p.unit_groups);
}
