/* Products of matrices: of rows with rows, of rows with columns. */
#include <inttypes.h>
#include <math.h>

#include "flow.h"
#include "flow/matrix_args.h"

#define MATRIX_ID(id, NAME, value) MATRIX_##NAME = id,
enum { MATRIX_SPECS(MATRIX_ID) MATRIX_SHAPES(MATRIX_ID) };
typedef struct matrix_params {
    MATRIX_PARAMS(TSR_PARAM_FIELD)
} matrix_params;

/* Elements of a part lie within 2^31 bytes of each other: kernels count these with 32 bits. */
enum { STEP_MAX = 1 << 22 };

/* Rows and columns of a workgroup. */
typedef struct blocking {
    int32_t specs[BK_MAX_SPECS];
    int64_t rows, columns, most_products; /* of a launch: drivers end loops that are too long */
} blocking;

static blocking block_for(const tsr_flow *f)
{
    const int32_t width = (int32_t)f->dev->info.vector_width;
    blocking b = {.most_products = tsr_loop_limit(f->dev) == 0 ? INT32_MAX : f->tile == TSR_TILE_SIMT ? 2048 : 4096};
    int32_t *s = b.specs;
    if (f->tile == TSR_TILE_VECTOR)
        s[MATRIX_ROWS] = 128, s[MATRIX_K_CHUNK] = 64, s[MATRIX_RM] = 4, s[MATRIX_RN] = width >= 16 ? 4 : 3, s[MATRIX_LN] = 1;
    else if (f->tile == TSR_TILE_SUBGROUP)
        s[MATRIX_ROWS] = 32, s[MATRIX_K_CHUNK] = 64, s[MATRIX_RM] = 8, s[MATRIX_RN] = 4, s[MATRIX_LN] = f->lanes;
    else
        s[MATRIX_ROWS] = 64, s[MATRIX_K_CHUNK] = 32, s[MATRIX_RM] = 8, s[MATRIX_RN] = 4, s[MATRIX_LN] = 8;
    b.rows = s[MATRIX_ROWS];
    b.columns = s[MATRIX_RN] * s[MATRIX_LN] * (f->tile == TSR_TILE_VECTOR ? width : 1);
    return b;
}

static flow_tensor readable(tsr_flow *f, flow_tensor t, int inner)
{
    const bool far = t.stride[inner] > STEP_MAX && t.shape[inner] > 1;
    return t.dtype == TSR_F32 || t.dtype == TSR_F16 || t.dtype == TSR_BF16 ? far ? flow_pack(f, t) : t : flow_pack(f, t);
}

/* Rows of a with columns of b. */
static flow_tensor multiply(tsr_flow *f, flow_tensor a, flow_tensor b, double scale, bool l1)
{
    const flow_tensor none = {.buffer = -1, .shape = {1, 1, 1, 1}};
    if (f->r->status != TSR_OK) return none;
    const int64_t products = a.shape[FLOW_COLUMNS];
    if (products != b.shape[FLOW_ROWS] || products == 0) {
        tsr_reader_fail(f->r, "sums over %" PRId64 " products of a and %" PRId64 " of b; expected as many, 1 or more", products, b.shape[FLOW_ROWS]);
        return none;
    }
    a = readable(f, a, FLOW_COLUMNS), b = readable(f, b, FLOW_ROWS);
    const int64_t heads_a[4] = {a.shape[0], a.shape[1], 1, 1}, heads_b[4] = {b.shape[0], b.shape[1], 1, 1};
    int64_t shape[4], a_stride[4], b_stride[4], a_group, b_group;
    if (f->r->status != TSR_OK || !flow_join(f, "a and b", heads_a, heads_b, shape)) return none;
    const int64_t rows = a.shape[FLOW_ROWS], columns = b.shape[FLOW_COLUMNS];
    flow_strides(&a, (const int64_t[4]){shape[0], shape[1], rows, products}, a_stride, &a_group);
    flow_strides(&b, (const int64_t[4]){shape[0], shape[1], products, columns}, b_stride, &b_group);
    const flow_tensor c = flow_new(f, shape[0], shape[1], rows, columns);
    blocking k = block_for(f);
    k.specs[MATRIX_A_DT] = (int32_t)a.dtype, k.specs[MATRIX_B_DT] = (int32_t)b.dtype, k.specs[MATRIX_L1] = l1;
    matrix_params p = {.a_sb = a_stride[0],
                       .a_sh = a_stride[1],
                       .a_sr = a_stride[2],
                       .a_sk = products == 1 ? 1 : a_stride[3],
                       .b_sb = b_stride[0],
                       .b_sh = b_stride[1],
                       .b_sk = products == 1 ? 1 : b_stride[2],
                       .b_sc = b_stride[3],
                       .a_group = (int32_t)a_group,
                       .b_group = (int32_t)b_group,
                       .heads = (int32_t)shape[1],
                       .rows = (int32_t)rows,
                       .columns = (int32_t)columns,
                       .row_tiles = (int32_t)((rows + k.rows - 1) / k.rows),
                       .column_tiles = (int32_t)((columns + k.columns - 1) / k.columns),
                       .scale = (float)scale};
    const flow_tensor *const bindings[] = {&a, &b, &c};
    const int64_t groups = shape[0] * shape[1] * p.row_tiles * p.column_tiles;
    for (int64_t first = 0; first < products && f->r->status == TSR_OK; first += k.most_products) {
        p.k_first = (int32_t)first;
        p.k_count = (int32_t)(products - first < k.most_products ? products - first : k.most_products);
        p.add = first > 0;
        flow_add(f, "matrix", k.specs, &p, sizeof(p), bindings, 3, groups);
    }
    return c;
}

flow_tensor flow_dot(tsr_flow *f, flow_tensor a, flow_tensor b, double scale, bool l1) { return multiply(f, a, flow_transposed(b), scale, l1); }

flow_tensor flow_product(tsr_flow *f, flow_tensor a, flow_tensor b, bool transpose_a)
{
    return multiply(f, transpose_a ? flow_transposed(a) : a, b, 1, false);
}

static flow_value value_of(flow_tensor t) { return (flow_value){.kind = t.buffer >= 0 ? FLOW_TENSOR : FLOW_NOTHING, .tensor = t}; }

flow_value flow_op_dot(tsr_flow *f, tsr_fields *p)
{
    static const char *const inners[] = {"dot", "l1", NULL};
    const flow_tensor a = flow_tensor_of(f, p, "a", true), b = flow_tensor_of(f, p, "b", true);
    const double scale = flow_number_of(f, p, "scale", 1);
    const int inner = tsr_fields_choice(p, "inner", inners, 0);
    return value_of(flow_dot(f, a, b, scale, inner == 1));
}

flow_value flow_op_product(tsr_flow *f, tsr_fields *p)
{
    const flow_tensor a = flow_tensor_of(f, p, "a", true), b = flow_tensor_of(f, p, "b", true);
    return value_of(flow_product(f, a, b, tsr_fields_flag(p, "transpose_a", false)));
}
