/* Sums along diagonals, and the tiles that marked diagonals meet. */
#include "flow/diagonals_args.h"
#include "flow/slashes_args.h"

#include "move.h"

typedef struct diagonals_params {
    DIAGONALS_PARAMS(TSR_PARAM_FIELD)
} diagonals_params;
typedef struct slashes_params {
    SLASHES_PARAMS(TSR_PARAM_FIELD)
} slashes_params;

/* Rows that one invocation adds up. */
enum { PART = 512 };

flow_value flow_op_diagonals(tsr_flow *f, tsr_fields *p)
{
    flow_value value = {.kind = FLOW_TENSOR, .tensor = {.buffer = -1}};
    flow_tensor x = flow_tensor_of(f, p, "of", true);
    if (x.dtype != TSR_F32) x = flow_pack(f, x);
    if (f->r->status != TSR_OK) return value;
    const int64_t rows = x.shape[FLOW_ROWS], columns = x.shape[FLOW_COLUMNS], parts = rows > PART ? (rows + PART - 1) / PART : 1;
    const flow_tensor sums = flow_new(f, x.shape[0], x.shape[1], parts, columns);
    const flow_items items = flow_items_of(f, sums.shape, FLOW_AXES);
    const diagonals_params params = {.items = items.count,
                                     .s0 = x.stride[0],
                                     .s1 = x.stride[1],
                                     .s2 = x.stride[2],
                                     .s3 = x.stride[3],
                                     .heads = (int32_t)x.shape[FLOW_HEADS],
                                     .rows = (int32_t)rows,
                                     .columns = (int32_t)columns,
                                     .parts = (int32_t)parts,
                                     .part = PART,
                                     .width = items.width,
                                     .blocks = items.blocks};
    const flow_tensor *const bindings[] = {&x, &sums};
    flow_add(f, "diagonals", NULL, &params, sizeof(params), bindings, 2, flow_groups(f, items.count));
    value.tensor = parts > 1 ? flow_pool(f, sums, FLOW_ROWS, &(flow_tiles){.size = 0}, FLOW_SUM, NULL) : sums;
    return value;
}

flow_value flow_op_slashes(tsr_flow *f, tsr_fields *p)
{
    flow_value value = {.kind = FLOW_TENSOR, .tensor = {.buffer = -1}};
    const flow_tensor of = flow_tensor_of(f, p, "of", true);
    const int64_t rows = flow_whole_of(f, p, "rows", 0, TSR_RECIPE_MAX, TSR_REQUIRED),
                  size = flow_whole_of(f, p, "tiles", 1, TSR_RECIPE_MAX, TSR_REQUIRED);
    const int64_t keys = of.shape[FLOW_COLUMNS];
    if (f->r->status == TSR_OK && of.shape[FLOW_ROWS] != 1)
        tsr_reader_fail(f->r, "has 'of' of %lld rows; expected 1", (long long)of.shape[FLOW_ROWS]);
    if (f->r->status == TSR_OK && keys > 1 << 24) /* that sums of fp32 count */
        tsr_reader_fail(f->r, "has %lld diagonals; expected at most %d", (long long)keys, 1 << 24);
    if (f->r->status != TSR_OK) return value;
    const flow_named marks = {"x", of};
    const flow_tensor sums = flow_scan(f, flow_compute(f, "x != 0", &marks, 1), FLOW_COLUMNS);
    value.tensor = flow_new(f, of.shape[0], of.shape[1], (rows + size - 1) / size, (keys + size - 1) / size);
    const int64_t items = flow_elements(f, value.tensor.shape);
    const slashes_params params = {.items = items,
                                   .rows = (int32_t)rows,
                                   .keys = (int32_t)keys,
                                   .size = (int32_t)size,
                                   .row_tiles = (int32_t)value.tensor.shape[FLOW_ROWS],
                                   .key_tiles = (int32_t)value.tensor.shape[FLOW_COLUMNS]};
    const flow_tensor *const bindings[] = {&sums, &value.tensor};
    flow_add(f, "slashes", NULL, &params, sizeof(params), bindings, 2, flow_groups(f, items));
    return value;
}
