/* One element for each tile of an axis, and back. */
#include "flow/pool_args.h"

#include "move.h"

typedef struct pool_params {
    POOL_PARAMS(TSR_PARAM_FIELD)
} pool_params;

/* Tokens that one invocation takes in: of tiles whose sizes are known, else of any. Longer tiles take two stages, and an invocation's loops
 * have to end before drivers end them. */
enum { PART = 512, PARTS = 1024, PART_ANY = 32768, TOKENS_MAX = PART_ANY * PARTS };

typedef struct pool_job {
    flow_tensor x;
    int axis;
    flow_tiles tiles; /* size 0: offsets tell */
    int64_t tokens;
    flow_pool_kind kind;
    const flow_tensor *empty;
    int stage; /* 0: the only one */
    int64_t parts, part;
} pool_job;

static flow_tensor pool_stage(tsr_flow *f, const pool_job *j, const flow_tensor *found)
{
    int64_t shape[4], s[4], e[4] = {0}, order[4] = {0}, offset[4] = {0}, x_group, e_group = 1, order_group = 1, offset_group = 1;
    const flow_tensor none = {.buffer = -1}, *const list = j->tiles.ordered ? &j->tiles.order : &none;
    const bool cut = j->tiles.size == 0;
    for (int i = 0; i < 4; i++) shape[i] = j->x.shape[i];
    shape[j->axis] = 1;
    if (j->tiles.ordered && !flow_join(f, "tiles", shape, (const int64_t[4]){list->shape[0], list->shape[1], 1, 1}, shape)) return none;
    shape[j->axis] = flow_tile_count(&j->tiles, j->tokens) * (j->stage == 1 ? j->parts : 1);
    const flow_tensor y = flow_new(f, shape[0], shape[1], shape[2], shape[3]);
    if (f->r->status != TSR_OK) return none;
    flow_strides(&j->x, shape, s, &x_group);
    s[j->axis] = 0;
    if (j->axis == FLOW_HEADS) x_group = 1;
    if (j->tiles.ordered) flow_strides(list, (const int64_t[4]){shape[0], shape[1], 1, list->shape[3]}, order, &order_group);
    if (cut) flow_strides(&j->tiles.offsets, (const int64_t[4]){shape[0], shape[1], 1, j->tiles.offsets.shape[3]}, offset, &offset_group);
    if (j->empty) flow_strides(j->empty, shape, e, &e_group);
    const bool argmax = j->kind == FLOW_ARGMAX;
    const flow_items items = flow_items_of(f, shape, j->axis);
    const pool_params params = {.items = items.count,
                                .s0 = s[0],
                                .s1 = s[1],
                                .s2 = s[2],
                                .s3 = s[3],
                                .step = j->x.stride[j->axis],
                                .order_b = order[0],
                                .order_h = order[1],
                                .offset_b = offset[0],
                                .offset_h = offset[1],
                                .e0 = e[0],
                                .e1 = e[1],
                                .e2 = e[2],
                                .e3 = e[3],
                                .n1 = (int32_t)shape[1],
                                .n2 = (int32_t)shape[2],
                                .n3 = (int32_t)shape[3],
                                .axis = j->axis,
                                .width = items.width,
                                .blocks = items.blocks,
                                .dt = (int32_t)j->x.dtype,
                                .kind = (int32_t)j->kind,
                                .stage = j->stage,
                                .parts = (int32_t)j->parts,
                                .part = (int32_t)j->part,
                                .size = (int32_t)min64(j->tiles.size, INT32_MAX),
                                .tokens = (int32_t)j->tokens,
                                .ordered = j->tiles.ordered && j->stage != 2,
                                .x_group = (int32_t)x_group,
                                .order_group = (int32_t)order_group,
                                .offset_group = (int32_t)offset_group,
                                .has_empty = j->empty != NULL,
                                .empty_group = (int32_t)e_group};
    const flow_tensor *const offsets = cut ? &j->tiles.offsets : NULL;
    const flow_tensor *const bindings[] = {&j->x, list, offsets, j->empty, argmax ? found : &y, &y};
    flow_add(f, argmax ? "argmax" : "pool", NULL, &params, sizeof(params), bindings, argmax ? 6 : 5, flow_groups(f, items.count));
    return y;
}

static bool check_tiles(tsr_flow *f, const flow_tiles *tiles, int axis, int64_t tokens)
{
    if (tiles->tokens && tiles->tokens != tokens)
        tsr_reader_fail(f->r, "has tiles of %lld tokens; expected %lld, as many as the axis has", (long long)tiles->tokens, (long long)tokens);
    if (tiles->ordered && axis < FLOW_ROWS) tsr_reader_fail(f->r, "has tiles by data; expected rows or columns for their axis");
    return f->r->status == TSR_OK;
}

flow_tensor flow_pool(tsr_flow *f, flow_tensor t, int axis, const flow_tiles *tiles, flow_pool_kind kind, const flow_tensor *other)
{
    const flow_tensor none = {.buffer = -1};
    if (f->r->status != TSR_OK || !check_tiles(f, tiles, axis, t.shape[axis])) return none;
    pool_job job = {
        .x = t.dtype <= TSR_BF16 ? t : flow_pack(f, t), .axis = axis, .tiles = *tiles, .tokens = t.shape[axis], .kind = kind, .empty = other};
    if (!tiles->ordered && tiles->size == 0) job.tiles = (flow_tiles){.size = max64(job.tokens, 1), .count = 1};
    const int64_t longest = job.tiles.size ? min64(job.tiles.size, job.tokens) : job.tokens;
    if (longest > TOKENS_MAX) tsr_reader_fail(f->r, "has tiles of %lld tokens; expected at most %d", (long long)longest, TOKENS_MAX);
    const int64_t most = job.tiles.size ? 2 * PART : PART_ANY;
    if (longest <= most || kind == FLOW_FIRST || kind == FLOW_LAST) return pool_stage(f, &job, NULL);
    job.stage = 1;
    job.part = job.tiles.size ? max64(PART, (longest + PARTS - 1) / PARTS) : PART_ANY;
    job.parts = (longest + job.part - 1) / job.part;
    const flow_tensor found = pool_stage(f, &job, NULL);
    job.stage = 2;
    if (kind != FLOW_ARGMAX) job.x = found;
    return pool_stage(f, &job, &found);
}

flow_value flow_op_pool(tsr_flow *f, tsr_fields *p)
{
    static const char *const kinds[] = {"mean", "sum", "max", "min", "first", "last", "argmax", NULL};
    const flow_tensor of = flow_tensor_of(f, p, "of", true);
    const flow_tiles tiles = flow_tiles_of(f, p, "tiles", false);
    const int axis = flow_axis_of(f, p, "axis", FLOW_ROWS), kind = tsr_fields_choice(p, "kind", kinds, FLOW_MEAN);
    return (flow_value){.kind = FLOW_TENSOR, .tensor = flow_pool(f, of, axis, &tiles, (flow_pool_kind)kind, NULL)};
}

flow_value flow_op_spread(tsr_flow *f, tsr_fields *p)
{
    flow_value value = {.kind = FLOW_TENSOR, .tensor = {.buffer = -1}};
    const flow_tensor of = flow_tensor_of(f, p, "of", true);
    const flow_tiles tiles = flow_tiles_of(f, p, "tiles", true);
    const int axis = flow_axis_of(f, p, "axis", FLOW_ROWS);
    const int64_t to = flow_whole_of(f, p, "to", 0, TSR_RECIPE_MAX, tiles.tokens ? tiles.tokens : TSR_REQUIRED);
    if (f->r->status != TSR_OK || !check_tiles(f, &tiles, axis, to)) return value;
    const int64_t count = flow_tile_count(&tiles, to);
    if (of.shape[axis] != count)
        tsr_reader_fail(f->r, "has %lld elements along the axis; expected %lld, one for each tile", (long long)of.shape[axis], (long long)count);
    int64_t shape[4] = {of.shape[0], of.shape[1], of.shape[2], of.shape[3]};
    const flow_tensor *const labels = &tiles.labels;
    if (tiles.ordered && !flow_join(f, "tiles", shape, (const int64_t[4]){labels->shape[0], labels->shape[1], 1, 1}, shape)) return value;
    shape[axis] = to;
    value.tensor = flow_new(f, shape[0], shape[1], shape[2], shape[3]);
    flow_move(f, &(flow_moving){.from = of, .to = value.tensor, .axis = axis, .div = tiles.size, .index = tiles.ordered ? labels : NULL});
    return value;
}
