/* Steps that pool and move tensors, each against its definition in fp64. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "flow_case.h"

static const char *const axes[] = {"batch", "heads", "rows", "columns"};
enum { BATCH, HEADS, ROWS, COLUMNS };

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* What a step was told, for its value at a place. */
typedef struct told {
    const flow_array *x, *y, *z;
    int axis, kind;
    int64_t size, extent, first, step;
    bool flag;
    const char *letters;
    double fill;
} told;

/* x with place p on the axis, the other places as they are. */
static double on_axis(const told *t, const int64_t at[4], int64_t p)
{
    int64_t i[4] = {at[0], at[1], at[2], at[3]};
    i[t->axis] = p;
    return flow_at(t->x, i[0], i[1], i[2], i[3]);
}

enum { MEAN, SUM, MAX, MIN, FIRST, LAST, ARGMAX, KINDS };
static const char *const kinds[] = {"mean", "sum", "max", "min", "first", "last", "argmax"};

static double pooled(const void *user, int64_t b, int64_t h, int64_t r, int64_t c)
{
    const told *t = user;
    const int64_t at[4] = {b, h, r, c}, begin = at[t->axis] * t->size, end = begin + t->size < t->extent ? begin + t->size : t->extent;
    double sum = 0, most = -INFINITY, least = INFINITY;
    int64_t where = 0;
    for (int64_t p = begin; p < end; p++) {
        const double x = on_axis(t, at, p);
        sum += x;
        if (x > most) most = x, where = p;
        least = fmin(least, x);
    }
    const double results[KINDS] = {sum / (double)(end - begin), sum, most, least, on_axis(t, at, begin), on_axis(t, at, end - 1), (double)where};
    return results[t->kind];
}

static void set_shape(int64_t shape[4], const flow_array *a)
{
    for (int i = 0; i < 4; i++) shape[i] = a ? a->shape[i] : 0;
}

/* x in tiles along an axis, by all kinds at once. */
static void check_pool(flow_case *f, const char *name, const flow_array *x, int axis, int64_t size)
{
    int64_t shape[4];
    set_shape(shape, x);
    told t = {.x = x, .axis = axis, .size = size ? size : shape[axis], .extent = shape[axis]};
    shape[axis] = ceil_div(shape[axis], t.size);
    char text[1024] = "", tiles[48] = "";
    size_t used = 0;
    if (size) snprintf(tiles, sizeof(tiles), "'tiles': %lld, ", (long long)size);
    for (int k = 0; k < KINDS; k++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "'%s': {'pool': {'of': '%s', %s'axis': '%s', 'kind': '%s'}}, ", kinds[k], name,
                                 tiles, axes[axis], kinds[k]);
    flow_case_start(f, "{'inputs': {'x': {'shape': [%s], 'default': 0}}, 'steps': {%s'o': 'q'}}", axis == COLUMNS ? "1, 2, 3, 'Nq'" : "2, 3, 'Nq', 5",
                    text);
    for (t.kind = 0; t.kind < KINDS; t.kind++)
        flow_case_expect(f, kinds[t.kind], shape, pooled, &t, t.kind == SUM ? 2e-6 * sqrt((double)t.size) : t.kind == MEAN ? 2e-6 : 0);
}

static void test_pool(flow_case *f, int number)
{
    const int64_t size = flow_case_draw(f, 1, 70);
    if (number < 4)
        check_pool(f, "q", f->q, number, number < 2 ? flow_case_draw(f, 1, 3) : size);
    else if (number < 6)
        check_pool(f, "k", f->k, number - 2, 0);
    else
        check_pool(f, "k", f->k, ROWS, (number & 1) ? size : 64);
}

/* Tiles that one invocation does not take in whole. */
static void test_pool_long(flow_case *f, int number)
{
    if (number == 0)
        check_pool(f, "k", f->k, ROWS, 0);
    else if (number == 1)
        check_pool(f, "k", f->k, ROWS, flow_case_draw(f, 1025, 2500));
    else if (number == 2)
        check_pool(f, "x", flow_case_input(f, "x", TSR_BF16, 1, 2, 3, 4001), COLUMNS, flow_case_draw(f, 1, 2000));
    else
        check_pool(f, "x", flow_case_input(f, "x", TSR_F32, 2, 3, f->n.nq, 5), ROWS, flow_case_draw(f, 1500, 1700));
}

static double spread(const void *user, int64_t b, int64_t h, int64_t r, int64_t c)
{
    const told *t = user;
    const int64_t at[4] = {b, h, r, c};
    return on_axis(t, at, at[t->axis] / t->size);
}

static void test_spread(flow_case *f, int number)
{
    told t = {.x = f->k, .axis = number % 4, .size = flow_case_draw(f, 1, 40)};
    int64_t shape[4];
    set_shape(shape, t.x);
    shape[t.axis] = (shape[t.axis] - 1) * t.size + flow_case_draw(f, 1, t.size);
    flow_case_start(f, "{'steps': {'s': {'spread': {'of': 'k', 'tiles': %lld, 'axis': '%s', 'to': %lld}}, 'o': 'q'}}", (long long)t.size,
                    axes[t.axis], (long long)shape[t.axis]);
    flow_case_expect(f, "s", shape, spread, &t, 0);
}

static double sliced(const void *user, int64_t b, int64_t h, int64_t r, int64_t c)
{
    const told *t = user;
    const int64_t at[4] = {b, h, r, c};
    return on_axis(t, at, t->first + at[t->axis] * t->step);
}

/* What may be a view of the call's tensors cannot be read: pooling by tiles of 1 copies it. */
static void test_slice(flow_case *f, int number)
{
    told t = {.x = f->k, .axis = number % 4, .step = flow_case_draw(f, 1, 3)};
    int64_t shape[4], one[4];
    set_shape(shape, t.x);
    set_shape(one, t.x);
    const int64_t n = shape[t.axis], first = flow_case_draw(f, 0, n - 1), last = flow_case_draw(f, first, n);
    const char *const axis = axes[t.axis];
    t.first = first;
    shape[t.axis] = ceil_div(last - first, t.step);
    one[t.axis] = 1;
    flow_case_start(
        f,
        "{'steps': {'s': {'concat': {'of': [{'slice': {'of': 'k', 'axis': '%s', 'first': %lld, 'last': %lld, 'step': %lld}}], 'axis': '%s'}}, "
        "'end': {'pool': {'of': {'slice': {'of': 'k', 'axis': '%s', 'first': -1}}, 'axis': '%s', 'tiles': 1}}, 'o': 'q'}}",
        axis, (long long)(number < 4 ? first : first - n), (long long)last, (long long)t.step, axis, axis, axis);
    flow_case_expect(f, "s", shape, sliced, &t, 0);
    t.first = n - 1;
    flow_case_expect(f, "end", one, sliced, &t, 0);
}

static double joined(const void *user, int64_t b, int64_t h, int64_t r, int64_t c)
{
    const told *t = user;
    const flow_array *const parts[] = {t->x, t->y, t->z};
    int64_t at[4] = {b, h, r, c};
    int i = 0;
    for (; i < 2 && at[t->axis] >= parts[i]->shape[t->axis]; i++) at[t->axis] -= parts[i]->shape[t->axis];
    return flow_at(parts[i], at[0], at[1], at[2], at[3]);
}

/* Parts of other lengths along the axis, of 1 along others. */
static void test_concat(flow_case *f, int number)
{
    const int axis = number % 4;
    int64_t shape[4] = {f->n.b, f->n.h, f->n.nq, f->n.d}, other[4] = {f->n.b, f->n.h, f->n.nq, f->n.d}, third[4];
    other[axis] = flow_case_draw(f, 1, 9);
    memcpy(third, other, sizeof(third));
    for (int i = 0; i < 4; i++)
        if (i != axis && flow_case_draw(f, 0, 1)) third[i] = 1;
    const told t = {.axis = axis,
                    .x = f->q,
                    .y = flow_case_input(f, "x", TSR_F16, other[0], other[1], other[2], other[3]),
                    .z = flow_case_input(f, "y", TSR_BF16, third[0], third[1], third[2], third[3])};
    shape[axis] += 2 * other[axis];
    flow_case_start(f,
                    "{'inputs': {'x': {'shape': [%lld, %lld, %lld, %lld]}, 'y': {'shape': [%lld, %lld, %lld, %lld]}}, "
                    "'steps': {'s': {'concat': {'of': ['q', 'x', 'y'], 'axis': '%s'}}, 'o': 'q'}}",
                    (long long)other[0], (long long)other[1], (long long)other[2], (long long)other[3], (long long)third[0], (long long)third[1],
                    (long long)third[2], (long long)third[3], axes[axis]);
    if (flow_case_ok(f)) flow_case_expect(f, "s", shape, joined, &t, 0);
}

static double permuted(const void *user, int64_t b, int64_t h, int64_t r, int64_t c)
{
    static const char letters[] = "bhrc";
    const told *t = user;
    const int64_t at[4] = {b, h, r, c};
    int64_t from[4];
    for (int i = 0; i < 4; i++) from[strchr(letters, t->letters[i]) - letters] = at[i];
    return flow_at(t->x, from[0], from[1], from[2], from[3]);
}

/* x as [1, batches * heads, extent, size]. */
static double in_order(const void *user, int64_t b, int64_t h, int64_t r, int64_t c)
{
    const told *t = user;
    const int64_t d = t->x->shape[3], n = t->x->shape[2], heads = t->x->shape[1], e = (h * t->extent + r) * t->size + c;
    return b ? NAN : flow_at(t->x, e / d / n / heads, e / d / n % heads, e / d % n, e % d);
}

static void test_permute(flow_case *f, int number)
{
    static const char *const orders[] = {"bhcr", "bhrc", "crhb", "hbrc", "rbch", "cbhr"};
    const char *letters = orders[number % 6];
    const told t = {.x = f->k, .letters = letters}, flat = {.x = f->k, .extent = f->n.d, .size = f->n.nk};
    const int64_t of[4] = {f->n.b, f->n.hkv, f->n.nk, f->n.d};
    int64_t shape[4];
    for (int i = 0; i < 4; i++) shape[i] = of[strchr("bhrc", letters[i]) - "bhrc"];
    flow_case_start(f,
                    "{'steps': {'p': {'permute': {'of': 'k', 'axes': '%s'}}, 'copy': {'pool': {'of': 'p', 'axis': 'columns', 'tiles': 1}}, "
                    "'flat': {'pool': {'of': {'reshape': {'of': 'k', 'shape': [1, 'B * Hkv', 'D', 'Nk']}}, 'tiles': 1}}, 'o': 'q'}}",
                    letters);
    flow_case_expect(f, "copy", shape, permuted, &t, 0);
    flow_case_expect(f, "flat", (const int64_t[4]){1, f->n.b * f->n.hkv, f->n.d, f->n.nk}, in_order, &flat, 0);
}

static double padded(const void *user, int64_t b, int64_t h, int64_t r, int64_t c)
{
    const told *t = user;
    const int64_t at[4] = {b, h, r, c};
    return at[t->axis] < t->extent ? flow_at(t->x, b, h, r, c) : t->fill;
}

static void test_pad(flow_case *f, int number)
{
    const int axis = number % 4;
    int64_t shape[4], even[4];
    set_shape(shape, f->q);
    set_shape(even, f->q);
    told t = {.x = f->q, .axis = axis, .extent = shape[axis], .fill = -2.5};
    const int64_t multiple = flow_case_draw(f, 1, 40);
    shape[axis] += flow_case_draw(f, 0, 20);
    even[axis] = ceil_div(even[axis], multiple) * multiple;
    flow_case_start(f,
                    "{'steps': {'p': {'pool': {'of': {'pad': {'of': 'q', 'axis': '%s', 'to': %lld, 'value': -2.5}}, 'tiles': 1}}, "
                    "'m': {'pool': {'of': {'pad': {'of': 'q', 'axis': '%s', 'multiple': %lld}}, 'tiles': 1}}, 'o': 'q'}}",
                    axes[axis], (long long)shape[axis], axes[axis], (long long)multiple);
    flow_case_expect(f, "p", shape, padded, &t, 0);
    t.fill = 0;
    flow_case_expect(f, "m", even, padded, &t, 0);
}

static double grouped(const void *user, int64_t b, int64_t h, int64_t r, int64_t c)
{
    const told *t = user;
    const int64_t d = t->x->shape[3], j = t->flag ? t->size - 1 - c / d : c / d, row = r * t->size + j;
    return row < t->x->shape[2] ? flow_at(t->x, b, h, row, c % d) : 0;
}

static void test_group_rows(flow_case *f, int number)
{
    const told t = {.x = f->k, .size = flow_case_draw(f, 1, number < 2 ? 9 : 70), .flag = number & 1};
    flow_case_start(f, "{'steps': {'g': {'pool': {'of': {'group_rows': {'of': 'k', 'size': %lld, 'reverse': %s}}, 'tiles': 1}}, 'o': 'q'}}",
                    (long long)t.size, t.flag ? "true" : "false");
    flow_case_expect(f, "g", (const int64_t[4]){f->n.b, f->n.hkv, ceil_div(f->n.nk, t.size), t.size * f->n.d}, grouped, &t, 0);
}

static double gathered(const void *user, int64_t b, int64_t h, int64_t r, int64_t c)
{
    const told *t = user;
    const int64_t row = (int64_t)flow_at(t->y, b, h, 0, r);
    return flow_at_head(t->x, b, h, t->extent, row, c);
}

/* Rows of keys for each head of queries, or for all. */
static void test_gather(flow_case *f, int number)
{
    const int64_t n = flow_case_draw(f, 1, 90), heads = number == 0 ? 1 : number == 1 ? f->n.hkv : f->n.h;
    flow_array *rows = flow_case_input(f, "x", TSR_F32, number == 3 ? 1 : f->n.b, heads, 1, n);
    for (int64_t i = 0; rows && i < rows->shape[0] * heads * n; i++) rows->x[i] = (double)flow_case_draw(f, 0, f->n.nk - 1);
    const told t = {.x = f->k, .y = rows, .extent = heads > f->n.hkv ? heads : f->n.hkv};
    flow_case_start(f, "{'inputs': {'x': {'shape': [%lld, %lld, 1, %lld]}}, 'steps': {'g': {'gather': {'of': 'k', 'rows': 'x'}}, 'o': 'q'}}",
                    (long long)(number == 3 ? 1 : f->n.b), (long long)heads, (long long)n);
    if (flow_case_ok(f)) flow_case_expect(f, "g", (const int64_t[4]){f->n.b, t.extent, n, f->n.d}, gathered, &t, 0);
}

static double nothing(const void *user, int64_t b, int64_t h, int64_t r, int64_t c) { return user || b + h + r + c < 0 ? NAN : 0; }

static double itself(const void *user, int64_t b, int64_t h, int64_t r, int64_t c) { return flow_at(user, b, h, r, c); }

/* Axes without elements. */
static void test_empty(flow_case *f, int number)
{
    const int64_t b = f->n.b, h = f->n.hkv, d = f->n.d, size = flow_case_draw(f, 1, 9) + number;
    flow_case_start(
        f,
        "{'parameters': {'size': %lld}, 'steps': {'none': {'slice': {'of': 'k', 'axis': 'rows', 'last': 0}}, 'whole': {'pool': {'of': 'none'}}, "
        "'most': {'pool': {'of': 'none', 'kind': 'argmax'}}, 'tiles': {'pool': {'of': 'none', 'tiles': 'size'}}, 'sums': {'scan': {'of': "
        "'none', 'axis': 'rows'}}, 'padded': {'pad': {'of': 'none', 'axis': 'rows', 'to': 'size'}}, 'all': {'concat': {'of': ['none', 'k', "
        "'none'], 'axis': 'rows'}}, 'lines': {'diagonals': {'of': 'none'}}, 'back': {'spread': {'of': 'tiles', 'tiles': 'size', 'to': 0}}, 'o': "
        "'q'}}",
        (long long)size);
    flow_case_expect(f, "whole", (const int64_t[4]){b, h, 1, d}, nothing, NULL, 0);
    flow_case_expect(f, "most", (const int64_t[4]){b, h, 1, d}, nothing, NULL, 0);
    flow_case_expect(f, "tiles", (const int64_t[4]){b, h, 0, d}, nothing, NULL, 0);
    flow_case_expect(f, "sums", (const int64_t[4]){b, h, 0, d}, nothing, NULL, 0);
    flow_case_expect(f, "padded", (const int64_t[4]){b, h, size, d}, nothing, NULL, 0);
    flow_case_expect(f, "all", f->k->shape, itself, f->k, 0);
    flow_case_expect(f, "lines", (const int64_t[4]){b, h, 1, d}, nothing, NULL, 0);
    flow_case_expect(f, "back", (const int64_t[4]){b, h, 0, d}, nothing, NULL, 0);
}

static const flow_family families[] = {
    {"pool", test_pool, 8, {.h = 0}},     {"pool-long", test_pool_long, 4, {.h = 2, .hkv = 1, .nq = 4001, .nk = 5003, .d = 7}},
    {"spread", test_spread, 4, {.h = 0}}, {"slice", test_slice, 8, {.h = 0}},
    {"concat", test_concat, 8, {.h = 0}}, {"permute", test_permute, 6, {.h = 0}},
    {"pad", test_pad, 4, {.h = 0}},       {"group-rows", test_group_rows, 4, {.h = 0}},
    {"gather", test_gather, 4, {.h = 0}}, {"empty", test_empty, 2, {.h = 0}},
};

int suite_add_flow_moves(suite *s) { return flow_case_add(s, families, sizeof(families) / sizeof(families[0])); }
