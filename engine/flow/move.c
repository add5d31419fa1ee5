/* Operations that put elements elsewhere: as views where strides can say it, else as copies. */
#include "move.h"

#include <math.h>
#include <string.h>

static flow_value tensor(flow_tensor t) { return (flow_value){.kind = FLOW_TENSOR, .tensor = t}; }

static const flow_tensor nothing = {.buffer = -1, .shape = {1, 1, 1, 1}};

/* A place along an axis of n: negative ones are counted from the end; n itself is one where end is. */
static int64_t place_of(tsr_flow *f, tsr_fields *p, const char *name, int64_t n, bool end, int64_t fallback)
{
    const int64_t at = flow_whole_of(f, p, name, -n, end ? n : max64(n - 1, 0), fallback);
    return at < 0 ? at + n : at;
}

flow_value flow_op_slice(tsr_flow *f, tsr_fields *p)
{
    flow_tensor t = flow_tensor_of(f, p, "of", true);
    const int axis = flow_axis_of(f, p, "axis", -1);
    const int64_t n = t.shape[axis], first = place_of(f, p, "first", n, true, 0), last = place_of(f, p, "last", n, true, n);
    const int64_t step = flow_whole_of(f, p, "step", 1, TSR_RECIPE_MAX, 1);
    if (f->r->status != TSR_OK) return tensor(nothing);
    t.shape[axis] = last > first ? (last - first + step - 1) / step : 0;
    if (t.shape[axis] > 0) t.offset += first * t.stride[axis];
    t.stride[axis] *= t.shape[axis] > 1 ? step : 1;
    return tensor(t);
}

flow_value flow_op_permute(tsr_flow *f, tsr_fields *p)
{
    static const char letters[] = "bhrc";
    const flow_tensor t = flow_tensor_of(f, p, "of", true);
    const cJSON *item = tsr_fields_get(p, "axes");
    const char *axes = cJSON_GetStringValue(item);
    flow_tensor to = t;
    bool whole = axes && strlen(axes) == 4;
    for (int i = 0; i < 4 && whole; i++) {
        const char *at = strchr(letters, axes[i]);
        whole = at && !strchr(axes + i + 1, axes[i]);
        if (!whole) break;
        to.shape[i] = t.shape[at - letters];
        to.stride[i] = t.stride[at - letters];
    }
    if (!whole) tsr_reader_fail(f->r, "has axes '%.16s'; expected the letters b, h, r and c, once each", axes ? axes : "");
    return tensor(f->r->status == TSR_OK ? to : nothing);
}

/* The members of a list as tensors, in list order; their number. */
static int read_list(tsr_flow *f, tsr_fields *p, const char *name, flow_tensor *out, int room)
{
    const cJSON *list = tsr_fields_get(p, name), *item;
    int count = 0;
    const size_t up = tsr_reader_enter(f->r, name);
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) < 1 || cJSON_GetArraySize(list) > room)
        tsr_reader_fail(f->r, "is %s; expected a list of 1 to %d tensors", list ? tsr_reader_kind(list) : "not there", room);
    cJSON_ArrayForEach(item, list)
    {
        if (f->r->status != TSR_OK) break;
        const size_t deeper = tsr_reader_enter_index(f->r, (size_t)count);
        const flow_value value = flow_item(f, item);
        if (f->r->status == TSR_OK && value.kind != FLOW_TENSOR && value.kind != FLOW_STATE) tsr_reader_fail(f->r, "names tiles; expected a tensor");
        tsr_reader_leave(f->r, deeper);
        out[count++] = value.tensor;
    }
    tsr_reader_leave(f->r, up);
    return f->r->status == TSR_OK ? count : 0;
}

enum { PARTS_MAX = 64 };

flow_value flow_op_concat(tsr_flow *f, tsr_fields *p)
{
    flow_tensor parts[PARTS_MAX];
    const int count = read_list(f, p, "of", parts, PARTS_MAX), axis = flow_axis_of(f, p, "axis", -1);
    int64_t shape[4] = {1, 1, 1, 1}, length = 0;
    for (int i = 0; i < count; i++) {
        int64_t of[4];
        memcpy(of, parts[i].shape, sizeof(of));
        if (!tsr_add(length, of[axis], &length)) tsr_reader_fail(f->r, "is too long");
        of[axis] = 1;
        if (f->r->status != TSR_OK || !flow_join(f, "of", shape, of, shape)) return tensor(nothing);
    }
    shape[axis] = length;
    const flow_tensor whole = flow_new(f, shape[0], shape[1], shape[2], shape[3]);
    flow_tensor to = whole;
    for (int i = 0; i < count && f->r->status == TSR_OK; i++) {
        to.shape[axis] = parts[i].shape[axis];
        flow_copy(f, parts[i], to);
        to.offset += to.shape[axis] * to.stride[axis];
    }
    return tensor(whole);
}

/* The same elements in order, as a tensor of another shape. */
static flow_tensor reshaped(tsr_flow *f, flow_tensor t, const int64_t shape[4])
{
    const int64_t have = flow_elements(f, t.shape), want = flow_elements(f, shape);
    if (f->r->status == TSR_OK && have != want)
        tsr_reader_fail(f->r, "makes %lld elements of %lld; expected as many", (long long)want, (long long)have);
    t = flow_pack(f, t);
    if (f->r->status != TSR_OK) return nothing;
    int64_t step = 1;
    for (int i = 3; i >= 0; i--) {
        t.shape[i] = shape[i];
        t.stride[i] = step;
        step *= shape[i];
    }
    return t;
}

flow_value flow_op_reshape(tsr_flow *f, tsr_fields *p)
{
    int64_t shape[4] = {0};
    const flow_tensor t = flow_tensor_of(f, p, "of", true);
    return tensor(flow_shape_of(f, p, shape) ? reshaped(f, t, shape) : nothing);
}

/* t with its axis n long: what is missing at the end is value. flip: as for flow_move. */
static flow_tensor lengthened(tsr_flow *f, flow_tensor t, int axis, int64_t n, int64_t flip, double value)
{
    int64_t shape[4];
    memcpy(shape, t.shape, sizeof(shape));
    shape[axis] = n;
    const flow_tensor to = flow_new(f, shape[0], shape[1], shape[2], shape[3]);
    flow_move(f, &(flow_moving){.from = t, .to = to, .axis = axis, .flip = flip, .fill = (float)value});
    return to;
}

flow_value flow_op_pad(tsr_flow *f, tsr_fields *p)
{
    const flow_tensor t = flow_tensor_of(f, p, "of", true);
    const int axis = flow_axis_of(f, p, "axis", -1);
    const bool by_multiple = tsr_fields_has(p, "multiple");
    const int64_t n = t.shape[axis], multiple = flow_whole_of(f, p, "multiple", 1, TSR_RECIPE_MAX, 1);
    const int64_t to = flow_whole_of(f, p, "to", n, TSR_RECIPE_MAX, by_multiple ? (n + multiple - 1) / multiple * multiple : TSR_REQUIRED);
    const double value = flow_number_of(f, p, "value", 0);
    if (by_multiple && tsr_fields_has(p, "to")) tsr_reader_fail(f->r, "has 'to' and 'multiple'; expected one of them");
    return tensor(f->r->status == TSR_OK ? to == n ? t : lengthened(f, t, axis, to, 0, value) : nothing);
}

flow_value flow_op_group_rows(tsr_flow *f, tsr_fields *p)
{
    flow_tensor t = flow_tensor_of(f, p, "of", true);
    const int64_t size = flow_whole_of(f, p, "size", 1, TSR_RECIPE_MAX, TSR_REQUIRED), groups = (t.shape[FLOW_ROWS] + size - 1) / size;
    const bool reverse = tsr_fields_flag(p, "reverse", false);
    int64_t columns;
    if (!tsr_mul(t.shape[FLOW_COLUMNS], size, &columns)) tsr_reader_fail(f->r, "makes rows that are too long");
    if (f->r->status != TSR_OK) return tensor(nothing);
    if (reverse || groups * size != t.shape[FLOW_ROWS]) t = lengthened(f, t, FLOW_ROWS, groups * size, reverse ? size : 0, 0);
    return tensor(reshaped(f, t, (const int64_t[4]){t.shape[0], t.shape[1], groups, columns}));
}

flow_value flow_op_gather(tsr_flow *f, tsr_fields *p)
{
    const flow_tensor t = flow_tensor_of(f, p, "of", true), rows = flow_tensor_of(f, p, "rows", true);
    int64_t shape[4];
    if (f->r->status != TSR_OK) return tensor(nothing);
    if (rows.shape[FLOW_ROWS] != 1) tsr_reader_fail(f->r, "has 'rows' of %lld rows; expected 1", (long long)rows.shape[FLOW_ROWS]);
    const flow_tensor index = rows.dtype == TSR_I32 ? rows : flow_pack(f, rows);
    if (f->r->status != TSR_OK || !flow_join(f, "rows", t.shape, (const int64_t[4]){rows.shape[0], rows.shape[1], 1, 1}, shape))
        return tensor(nothing);
    shape[FLOW_ROWS] = rows.shape[FLOW_COLUMNS];
    const flow_tensor to = flow_new(f, shape[0], shape[1], shape[2], shape[3]);
    /* A row that is not there makes NaN, so that it is seen. */
    flow_move(f, &(flow_moving){.from = t, .to = to, .axis = FLOW_ROWS, .index = &index, .fill = NAN});
    return tensor(to);
}
