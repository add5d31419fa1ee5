/* Tokens by ascending key, on the device. */
#include "sort.h"

#include <inttypes.h>

#include "flow/sort_args.h"
#include "flow/tile_labels_args.h"

#define SORT_ID(id, NAME, value) SORT_##NAME = id,
enum { SORT_COUNT_SPECS(SORT_ID) };
typedef struct sort_params {
    SORT_COUNT_PARAMS(TSR_PARAM_FIELD)
} sort_params;
typedef struct scan_params {
    SORT_SCAN_PARAMS(TSR_PARAM_FIELD)
} scan_params;
typedef struct labels_params {
    TILE_LABELS_PARAMS(TSR_PARAM_FIELD)
} labels_params;

/* Tokens of one invocation. Where it is a core it pays to take many, and many digits; long runs have no more chunks than one workgroup can sum up. */
static int64_t chunk_for(const tsr_flow *f, int64_t run)
{
    const int64_t least = f->tile == TSR_TILE_VECTOR ? 2048 : 128, chunk = tsr_ceil_div(run, 8192) > least ? tsr_ceil_div(run, 8192) : least;
    return run < chunk ? run : chunk;
}

static int32_t bits_for(const tsr_flow *f) { return f->tile == TSR_TILE_VECTOR ? 8 : 4; }

flow_tensor flow_sort(tsr_flow *f, flow_tensor keys, int64_t within, int64_t labels)
{
    const flow_tensor none = {.buffer = -1, .shape = {1, 1, 1, 1}};
    const int64_t n = keys.shape[FLOW_COLUMNS], heads = keys.shape[FLOW_BATCH] * keys.shape[FLOW_HEADS];
    if (f->r->status == TSR_OK && (keys.shape[FLOW_ROWS] != 1 || n == 0))
        tsr_reader_fail(f->r, "has %" PRId64 " rows of %" PRId64 " keys; expected 1 row, a key for each token", keys.shape[FLOW_ROWS], n);
    if (f->r->status != TSR_OK) return none;
    const int64_t run = within < n ? within : n, runs = tsr_ceil_div(n, run), chunk = chunk_for(f, run), chunks = tsr_ceil_div(run, chunk);
    const int32_t bits = bits_for(f), digits = 1 << bits;
    int32_t last = labels ? 0 : 32;
    while (labels && last < 31 && INT64_C(1) << last < labels) last++;
    if (last == 0) last = 1;
    flow_tensor order = flow_new_typed(f, TSR_I32, keys.shape[0], keys.shape[1], 1, n), other = none;
    if (last > bits) other = flow_new_typed(f, TSR_I32, keys.shape[0], keys.shape[1], 1, n);
    const flow_tensor found = flow_new_typed(f, TSR_I32, heads, runs, digits, chunks);
    sort_params p = {.x_sb = keys.stride[0],
                     .x_sh = keys.stride[1],
                     .x_sc = keys.stride[3],
                     .heads = (int32_t)keys.shape[1],
                     .tokens = (int32_t)n,
                     .run = (int32_t)run,
                     .runs = (int32_t)runs,
                     .chunk = (int32_t)chunk,
                     .chunks = (int32_t)chunks,
                     .invocations = (int32_t)(heads * runs * chunks),
                     .labels = (int32_t)labels};
    const scan_params scan = {.entries = (int32_t)(digits * chunks), .share = (int32_t)tsr_ceil_div(digits * chunks, f->lanes)};
    const int32_t specs[BK_MAX_SPECS] = {[SORT_BITS] = bits};
    const flow_tensor *const count[] = {&keys, &order, &found}, *const sums[] = {&found}, *const move[] = {&keys, &order, &found, &other};
    const flow_tensor *const first[] = {&keys, NULL, &found, &order};
    for (p.shift = 0; p.shift < last && f->r->status == TSR_OK; p.shift += bits) {
        p.has_order = p.shift > 0;
        flow_add(f, "sort_count", specs, &p, sizeof(p), count, 3, flow_groups(f, p.invocations));
        flow_add(f, "sort_scan", NULL, &scan, sizeof(scan), sums, 1, heads * runs);
        flow_add(f, "sort_move", specs, &p, sizeof(p), p.has_order ? move : first, 4, flow_groups(f, p.invocations));
        if (!p.has_order) continue;
        const flow_tensor sorted = other;
        other = order;
        order = sorted;
    }
    return order;
}

void flow_sorted_labels(tsr_flow *f, flow_tensor keys, flow_tiles *tiles)
{
    const int64_t n = tiles->tokens, items = tiles->size ? n : n + tiles->count + 1;
    if (f->r->status != TSR_OK) return;
    tiles->labels = flow_new_typed(f, TSR_I32, keys.shape[0], keys.shape[1], 1, n);
    if (!tiles->size) tiles->offsets = flow_new_typed(f, TSR_I32, keys.shape[0], keys.shape[1], 1, tiles->count + 1);
    const int64_t all = flow_elements(f, (const int64_t[4]){keys.shape[0], keys.shape[1], 1, items});
    const labels_params p = {.x_sb = keys.stride[0],
                             .x_sh = keys.stride[1],
                             .x_sc = keys.stride[3],
                             .heads = (int32_t)keys.shape[1],
                             .tokens = (int32_t)n,
                             .tiles = (int32_t)tiles->count,
                             .size = (int32_t)tiles->size,
                             .items = (int32_t)items,
                             .all_items = (int32_t)all};
    const flow_tensor *const bindings[] = {&keys, &tiles->order, &tiles->labels, tiles->size ? NULL : &tiles->offsets};
    flow_add(f, "tile_labels", NULL, &p, sizeof(p), bindings, 4, flow_groups(f, all));
}
