/* How tokens fall into tiles: runs, boxes of the grid, by label, by key, by a loop nest over the grid. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sort.h"

static flow_tensor constant(tsr_flow *f, int64_t n, int32_t *data) { return flow_constant(f, TSR_I32, (const int64_t[4]){1, 1, 1, n}, data); }

static flow_tensor readable(tsr_flow *f, flow_tensor keys) { return keys.dtype == TSR_F32 ? keys : flow_pack(f, keys); }

flow_tiles flow_tiles_by_label(tsr_flow *f, flow_tensor labels, int64_t count)
{
    labels = readable(f, labels);
    flow_tiles t = {.tokens = labels.shape[FLOW_COLUMNS], .count = count, .ordered = true};
    t.order = flow_sort(f, labels, INT32_MAX, count);
    flow_sorted_labels(f, labels, &t);
    return t;
}

static flow_tiles by_key(tsr_flow *f, flow_tensor keys, int64_t size, int64_t within)
{
    keys = readable(f, keys);
    const int64_t n = keys.shape[FLOW_COLUMNS];
    flow_tiles t = {.tokens = n, .size = size, .count = (n + size - 1) / size, .ordered = true};
    t.order = flow_sort(f, keys, within, 0);
    flow_sorted_labels(f, keys, &t);
    return t;
}

flow_tensor flow_tile_sizes(tsr_flow *f, const flow_tiles *t)
{
    const flow_tensor none = {.buffer = -1, .shape = {1, 1, 1, 1}};
    if (f->r->status != TSR_OK) return none;
    if (!t->size) { /* each offset from the next */
        flow_named ends[] = {{"a", t->offsets}, {"b", t->offsets}};
        ends[0].tensor.shape[FLOW_COLUMNS] = ends[1].tensor.shape[FLOW_COLUMNS] = t->count;
        ends[1].tensor.offset += ends[1].tensor.stride[FLOW_COLUMNS];
        return flow_compute(f, "b - a", ends, 2);
    }
    if (!t->tokens) {
        tsr_reader_fail(f->r, "asks for the sizes of tiles of %" PRId64 " tokens; expected tiles of a known number of tokens", t->size);
        return none;
    }
    float *data = malloc((size_t)t->count * sizeof(*data));
    for (int64_t i = 0; data && i < t->count; i++) data[i] = (float)(t->tokens - i * t->size < t->size ? t->tokens - i * t->size : t->size);
    return flow_constant(f, TSR_F32, (const int64_t[4]){1, 1, 1, t->count}, data);
}

/* Order and labels of tokens that are written down one after another, and where tiles begin. */
typedef struct listing {
    int32_t *order, *labels, *offsets;
    int64_t tokens, tiles;
} listing;

static void list_token(listing *l, int64_t token)
{
    l->order[l->tokens++] = (int32_t)token;
    l->labels[token] = (int32_t)l->tiles;
}

/* The tile at hand has all its tokens. */
static void list_end(listing *l) { l->offsets[++l->tiles] = (int32_t)l->tokens; }

static void list_run(listing *l, int64_t first, int64_t count, int64_t size)
{
    for (int64_t i = 0; i < count; i++) {
        list_token(l, first + i);
        if ((i + 1) % size == 0 || i + 1 == count) list_end(l);
    }
}

static void list_boxes(listing *l, const int64_t grid[3], const int64_t box[3], int64_t first)
{
    for (int64_t t0 = 0; t0 < grid[0]; t0 += box[0])
        for (int64_t h0 = 0; h0 < grid[1]; h0 += box[1])
            for (int64_t w0 = 0; w0 < grid[2]; w0 += box[2]) {
                for (int64_t t = t0; t < t0 + box[0] && t < grid[0]; t++)
                    for (int64_t h = h0; h < h0 + box[1] && h < grid[1]; h++)
                        for (int64_t w = w0; w < w0 + box[2] && w < grid[2]; w++) list_token(l, first + (t * grid[1] + h) * grid[2] + w);
                list_end(l);
            }
}

/* Tokens of the sequence; 0, and an error, where there is no grid. */
static int64_t grid_tokens(tsr_flow *f)
{
    const tsr_build *b = f->build;
    int64_t n = 0;
    if (f->r->status != TSR_OK) return 0;
    if (!b->gridded) {
        tsr_reader_fail(f->r, "needs a grid; expected 'grid' in the recipe or by the caller");
        return 0;
    }
    const bool fits = tsr_mul(b->grid[0], b->grid[1], &n) && tsr_mul(n, b->grid[2], &n) && tsr_add(n, b->text_before, &n) &&
                      tsr_add(n, b->text_after, &n) && n < INT32_MAX / 4;
    if (!fits) tsr_reader_fail(f->r, "has too large a grid; expected fewer than 2^29 tokens");
    return fits ? n : 0;
}

static flow_tiles grid_tiles(tsr_flow *f, tsr_fields *p)
{
    flow_tiles tiles = {.ordered = true};
    const cJSON *list = tsr_fields_get(p, "grid"), *item;
    int64_t box[3] = {1, 1, 1}, area = 1;
    const size_t up = tsr_reader_enter(f->r, "grid");
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != 3) tsr_reader_fail(f->r, "is no list of 3 numbers; expected those of a box");
    int i = 0;
    cJSON_ArrayForEach(item, list)
    {
        const double x = f->r->status == TSR_OK ? flow_number(f, item) : 1;
        if (f->r->status == TSR_OK && !(x >= 1 && x <= TSR_RECIPE_MAX && x == (double)(int64_t)x))
            tsr_reader_fail(f->r, "has %g; expected whole numbers, 1 or more", x);
        if (f->r->status != TSR_OK) break;
        box[i] = x > (double)f->build->grid[i] && f->build->grid[i] > 0 ? f->build->grid[i] : (int64_t)x;
        area = area > TSR_RECIPE_MAX / (int64_t)x ? TSR_RECIPE_MAX : area * (int64_t)x;
        i++;
    }
    tsr_reader_leave(f->r, up);
    const int64_t text = flow_whole_of(f, p, "text", 1, TSR_RECIPE_MAX, area), n = grid_tokens(f);
    if (f->r->status != TSR_OK) return tiles;
    const tsr_build *b = f->build;
    const size_t bytes = (size_t)(n + 1) * sizeof(int32_t);
    listing l = {malloc(bytes), malloc(bytes), malloc(bytes), 0, 0};
    if (l.order && l.labels && l.offsets) {
        l.offsets[0] = 0;
        list_run(&l, 0, b->text_before, text);
        list_boxes(&l, b->grid, box, b->text_before);
        list_run(&l, n - b->text_after, b->text_after, text);
    }
    tiles.tokens = n;
    tiles.count = l.tiles;
    tiles.order = constant(f, n, l.order);
    tiles.labels = constant(f, n, l.labels);
    tiles.offsets = constant(f, l.tiles + 1, l.offsets);
    return tiles;
}

/* The grid's tokens in the order of a loop nest, outermost axis first. */
static void list_nest(listing *l, const int64_t grid[3], const int nest[3], int64_t first)
{
    const int64_t step[3] = {grid[1] * grid[2], grid[2], 1};
    for (int64_t i = 0; i < grid[nest[0]]; i++)
        for (int64_t j = 0; j < grid[nest[1]]; j++)
            for (int64_t k = 0; k < grid[nest[2]]; k++) list_token(l, first + i * step[nest[0]] + j * step[nest[1]] + k * step[nest[2]]);
}

static flow_tiles nest_tiles(tsr_flow *f, tsr_fields *p)
{
    const char *axes = cJSON_GetStringValue(tsr_fields_get(p, "axes"));
    const int64_t size = flow_whole_of(f, p, "size", 1, TSR_RECIPE_MAX, TSR_REQUIRED);
    flow_tiles tiles = {.size = size, .ordered = true};
    int nest[3] = {0, 1, 2}, seen = 0;
    for (int i = 0; axes && i < 3 && axes[i]; i++) {
        const char *at = strchr("thw", axes[i]);
        if (at) seen |= 1 << (at - "thw"), nest[i] = (int)(at - "thw");
    }
    if (!axes || strlen(axes) != 3 || seen != 7) tsr_reader_fail(f->r, "has 'axes' \"%.16s\"; expected t, h and w in some order", axes ? axes : "");
    const int64_t n = tiles.tokens = grid_tokens(f);
    if (f->r->status != TSR_OK) return tiles;
    const tsr_build *b = f->build;
    const size_t bytes = (size_t)n * sizeof(int32_t);
    listing l = {malloc(bytes), malloc(bytes), NULL, 0, 0};
    if (l.order && l.labels) {
        for (int64_t i = 0; i < b->text_before; i++) list_token(&l, i);
        list_nest(&l, b->grid, nest, b->text_before);
        for (int64_t i = n - b->text_after; i < n; i++) list_token(&l, i);
        for (int64_t i = 0; i < n; i++) l.labels[l.order[i]] = (int32_t)(i / size);
    }
    tiles.count = (n + size - 1) / size;
    tiles.order = constant(f, n, l.order);
    tiles.labels = constant(f, n, l.labels);
    return tiles;
}

flow_value flow_op_tiles(tsr_flow *f, tsr_fields *p)
{
    flow_value value = {.kind = FLOW_TILES};
    flow_around(f, (const int64_t[4]){1, 1, 1, f->desc.k.shape[2]}); /* labels and keys by place are those of the call's keys */
    if (tsr_fields_has(p, "grid")) {
        value.tiles = grid_tiles(f, p);
    } else if (tsr_fields_has(p, "axes")) {
        value.tiles = nest_tiles(f, p);
    } else if (tsr_fields_has(p, "labels")) {
        const flow_tensor labels = flow_tensor_of(f, p, "labels", true);
        const int64_t count = flow_whole_of(f, p, "count", 1, 1 << 22, TSR_REQUIRED);
        if (f->r->status == TSR_OK) value.tiles = flow_tiles_by_label(f, labels, count);
    } else if (tsr_fields_has(p, "sort")) {
        const flow_tensor keys = flow_tensor_of(f, p, "sort", true);
        const int64_t size = flow_whole_of(f, p, "size", 1, TSR_RECIPE_MAX, TSR_REQUIRED);
        const int64_t within = flow_whole_of(f, p, "within", 1, TSR_RECIPE_MAX, TSR_RECIPE_MAX);
        if (f->r->status == TSR_OK) value.tiles = by_key(f, keys, size, within);
    } else {
        value.tiles = (flow_tiles){.size = flow_whole_of(f, p, "size", 1, TSR_RECIPE_MAX, TSR_REQUIRED)};
    }
    return value;
}
