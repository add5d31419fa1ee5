/* Which tiles of queries and keys a set of the recipe language holds pairs of: worked out while the flow is made. */
#include <stdlib.h>

#include "flow.h"
#include "set/set.h"

typedef enum blocks_rule { RULE_ANY, RULE_ALL, RULE_SHARE } blocks_rule;

/* Tokens tile after tile: tile t has order[first[t]] .. order[first[t + 1] - 1]. */
typedef struct tiling {
    int64_t count;
    int64_t *first, *order;
    int32_t *label; /* of each token */
} tiling;

static void tiling_free(tiling *t)
{
    free(t->first);
    free(t->order);
    free(t->label);
}

/* What the flow's constants say of a tensor of tiles; NULL: it is computed by runs, or has heads. */
static const int32_t *constant_of(const tsr_flow *f, const flow_tensor *t, int64_t count)
{
    if (t->buffer < 0 || t->dtype != TSR_I32 || t->shape[FLOW_BATCH] != 1 || t->shape[FLOW_HEADS] != 1 || t->shape[FLOW_COLUMNS] < count) return NULL;
    const int32_t *data = f->buffers[t->buffer].data;
    return data && t->stride[FLOW_COLUMNS] == 1 ? data + t->offset : NULL;
}

static bool tiling_make(tsr_flow *f, const flow_tiles *tiles, const char *name, int64_t tokens, tiling *out)
{
    *out = (tiling){.count = flow_tile_count(tiles, tokens)};
    const bool cut = tiles->ordered && tiles->size == 0;
    const int32_t *const order = tiles->ordered ? constant_of(f, &tiles->order, tokens) : NULL;
    const int32_t *const offsets = cut ? constant_of(f, &tiles->offsets, out->count + 1) : NULL;
    if (tiles->tokens && tiles->tokens != tokens)
        tsr_reader_fail(f->r, "has %s of %lld tokens; expected %lld", name, (long long)tiles->tokens, (long long)tokens);
    else if ((tiles->ordered && !order) || (cut && !offsets))
        tsr_reader_fail(f->r, "has %s that come from data; expected tiles that the recipe alone tells", name);
    if (f->r->status != TSR_OK) return false;
    out->first = malloc((size_t)(out->count + 1) * sizeof(*out->first));
    out->order = malloc((size_t)(tokens + 1) * sizeof(*out->order));
    out->label = malloc((size_t)(tokens + 1) * sizeof(*out->label));
    if (!out->first || !out->order || !out->label) {
        f->r->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the tiles of %lld tokens", (long long)tokens);
        return false;
    }
    const int64_t size = tiles->size ? tiles->size : max64(tokens, 1);
    for (int64_t t = 0; t <= out->count; t++) out->first[t] = cut ? offsets[t] : min64(t * size, tokens);
    for (int64_t i = 0; i < tokens; i++) out->order[i] = order ? order[i] : i;
    for (int64_t t = 0; t < out->count; t++)
        for (int64_t i = out->first[t]; i < out->first[t + 1]; i++) out->label[out->order[i]] = (int32_t)t;
    return true;
}

/* Pairs of the set for each key tile, of rows that some bits stand for. */
static void count_keys(const tsr_tile_keys *seen, int rows, const tiling *keys, int64_t *pairs)
{
    for (int s = 0; s < seen->count; s++) {
        const tsr_keys_span *span = &seen->spans[s];
        for (int64_t k = span->first; k < span->last; k++) pairs[keys->label[k]] += span->full ? rows : __builtin_popcountll(seen->bits[k]);
    }
}

static float value_of(blocks_rule rule, int64_t pairs, int64_t area)
{
    if (rule == RULE_SHARE) return area ? (float)((double)pairs / (double)area) : 0.0f;
    return rule == RULE_ANY ? pairs > 0 : area > 0 && pairs == area;
}

/* The map of one head, [query tiles, key tiles]. */
static tsr_status fill_map(tsr_tile_eval *eval, blocks_rule rule, const tiling *queries, const tiling *keys, int64_t *pairs, float *map)
{
    tsr_status status = TSR_OK;
    for (int64_t t = 0; t < queries->count && status == TSR_OK; t++, map += keys->count) {
        const int64_t first = queries->first[t], rows = queries->first[t + 1] - first;
        for (int64_t n = 0; n < keys->count; n++) pairs[n] = 0;
        for (int64_t i = 0; i < rows && status == TSR_OK; i += TSR_TILE_MAX) {
            const int count = (int)min64(rows - i, TSR_TILE_MAX);
            tsr_tile_keys seen;
            status = tsr_tile_eval_run(eval, queries->order + first + i, count, &seen);
            if (status == TSR_OK) count_keys(&seen, count, keys, pairs);
        }
        for (int64_t n = 0; n < keys->count && status == TSR_OK; n++) map[n] = value_of(rule, pairs[n], rows * (keys->first[n + 1] - keys->first[n]));
    }
    return status;
}

static flow_tensor make_map(tsr_flow *f, const tsr_set *set, blocks_rule rule, const tiling *queries, const tiling *keys)
{
    const bool by_head = tsr_set_by_head(set);
    const int64_t nq = f->desc.q.shape[2], nk = f->desc.k.shape[2];
    const int64_t shape[4] = {by_head ? f->desc.q.shape[0] : 1, by_head ? f->desc.q.shape[1] : 1, queries->count, keys->count};
    const int64_t count = flow_elements(f, shape);
    if (f->r->status != TSR_OK) return (flow_tensor){.buffer = -1};
    float *map = malloc((size_t)(count + 1) * sizeof(*map));
    int64_t *pairs = malloc((size_t)(keys->count + 1) * sizeof(*pairs));
    tsr_status status = map && pairs ? TSR_OK : tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a map of %lld tiles", (long long)count);
    for (int64_t head = 0; head < shape[0] * shape[1] && status == TSR_OK; head++) {
        tsr_sequence sequence = tsr_set_sequence(set, 0, nq, nk);
        sequence.b = (int32_t)(head / shape[1]), sequence.h = (int32_t)(head % shape[1]);
        tsr_tile_eval *eval = NULL;
        status = tsr_tile_eval_create(&sequence, &eval);
        if (status == TSR_OK) status = fill_map(eval, rule, queries, keys, pairs, map + head * queries->count * keys->count);
        tsr_tile_eval_destroy(eval);
    }
    free(pairs);
    tsr_reader_pass(f->r, status);
    if (status == TSR_OK) return flow_constant(f, TSR_F32, shape, map);
    free(map);
    return (flow_tensor){.buffer = -1};
}

flow_value flow_op_blocks(tsr_flow *f, tsr_fields *p)
{
    static const char *const rules[] = {"any", "all", "share", NULL};
    flow_value value = {.kind = FLOW_TENSOR, .tensor = {.buffer = -1}};
    const cJSON *item = tsr_fields_get(p, "set");
    const bool both = tsr_fields_has(p, "tiles");
    const flow_tiles tiles = flow_tiles_of(f, p, "tiles", false), query_tiles = flow_tiles_of(f, p, "query_tiles", !both),
                     key_tiles = flow_tiles_of(f, p, "key_tiles", !both);
    const blocks_rule rule = (blocks_rule)tsr_fields_choice(p, "rule", rules, RULE_ANY);
    if (!item) tsr_reader_fail(f->r, "has no 'set'");
    if (both && (tsr_fields_has(p, "query_tiles") || tsr_fields_has(p, "key_tiles")))
        tsr_reader_fail(f->r, "has 'tiles' beside others; expected 'tiles', or 'query_tiles' and 'key_tiles'");
    const size_t up = tsr_reader_enter(f->r, "set");
    tsr_set *set = f->r->status == TSR_OK ? tsr_build_make_set(f->build, item, NULL, NULL, 0) : NULL;
    if (set) tsr_reader_pass(f->r, tsr_set_check(set, f->desc.q.shape[2], f->desc.k.shape[2]));
    tsr_reader_leave(f->r, up);
    tiling queries = {0}, keys = {0};
    if (f->r->status == TSR_OK && tiling_make(f, both ? &tiles : &query_tiles, both ? "tiles" : "query_tiles", f->desc.q.shape[2], &queries) &&
        tiling_make(f, both ? &tiles : &key_tiles, both ? "tiles" : "key_tiles", f->desc.k.shape[2], &keys))
        value.tensor = make_map(f, set, rule, &queries, &keys);
    tiling_free(&queries);
    tiling_free(&keys);
    tsr_set_destroy(set);
    return value;
}
