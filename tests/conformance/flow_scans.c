/* Steps that go along an axis: linear recurrences, diagonals of maps, each against its definition in fp64. */
#include <math.h>
#include <string.h>

#include "flow_case.h"

static const char *const axes[] = {"batch", "heads", "rows", "columns"};
enum { ROWS = 2, COLUMNS = 3 };

/* What a step was told, for its value at a place. */
typedef struct told {
    const flow_array *x, *y;
    int axis;
    int64_t size, extent;
    bool flag;
} told;

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* The recurrence from its beginning, in fp64. */
static double scanned(const void *user, int64_t b, int64_t h, int64_t r, int64_t c)
{
    const told *t = user;
    int64_t at[4] = {b, h, r, c};
    const int64_t end = at[t->axis] - (t->flag ? 1 : 0);
    double y = 0;
    for (int64_t p = 0; p <= end; p++) {
        at[t->axis] = p;
        const double decay = t->y ? flow_at_head(t->y, at[0], at[1], t->x->shape[1], at[2], at[3]) : 1;
        y = decay * y + flow_at(t->x, at[0], at[1], at[2], at[3]);
    }
    return y;
}

/* decay: none, a number for each head, one for each element. */
static void check_scan(flow_case *f, int axis)
{
    told t = {.x = f->q, .axis = axis, .flag = flow_case_draw(f, 0, 1)};
    const int decays = (int)flow_case_draw(f, 0, 2);
    int64_t d[4] = {1, f->n.h, 1, 1};
    if (decays == 2) memcpy(d, f->q->shape, sizeof(d));
    flow_array *decay = flow_case_ok(f) ? flow_case_input(f, "x", TSR_F32, d[0], d[1], d[2], d[3]) : NULL;
    for (int64_t i = 0; decay && i < d[0] * d[1] * d[2] * d[3]; i++) decay->x[i] = 1 / (1 + exp(-2 - decay->x[i]));
    if (decays) t.y = decay;
    flow_case_start(f,
                    "{'inputs': {'x': {'shape': [%lld, %lld, %lld, %lld]}}, 'steps': {'s': {'scan': {'of': 'q', 'axis': '%s', %s'exclusive': %s}}, "
                    "'o': 'x * q'}}",
                    (long long)d[0], (long long)d[1], (long long)d[2], (long long)d[3], axes[t.axis], decays ? "'decay': 'x', " : "",
                    t.flag ? "true" : "false");
    if (flow_case_ok(f)) flow_case_expect(f, "s", f->q->shape, scanned, &t, 2e-6 * sqrt((double)f->q->shape[axis] + 25));
}

static void test_scan(flow_case *f, int number) { check_scan(f, number); }
static void test_scan_rows(flow_case *f, int number)
{
    (void)number;
    check_scan(f, ROWS);
}

static void test_scan_columns(flow_case *f, int number)
{
    (void)number;
    check_scan(f, COLUMNS);
}

static double diagonal(const void *user, int64_t b, int64_t h, int64_t r, int64_t c)
{
    const told *t = user;
    const int64_t rows = t->x->shape[2], columns = t->x->shape[3];
    double sum = 0;
    for (int64_t i = 0; i < rows; i++) {
        const int64_t j = i + columns - rows - c;
        if (j >= 0 && j < columns) sum += flow_at(t->x, b, h, i + r, j);
    }
    return sum;
}

static void test_diagonals(flow_case *f, int number)
{
    static const int64_t rows[] = {1, 5, 64, 700, 33, 2}, columns[] = {7, 64, 131, 90, 1, 300};
    const int64_t n = rows[number], m = columns[number], heads = flow_case_draw(f, 1, 3);
    const told t = {.x = flow_case_input(f, "x", number & 1 ? TSR_F16 : TSR_F32, 2, heads, n, m)};
    flow_case_start(f, "{'inputs': {'x': {'shape': [2, %lld, %lld, %lld]}}, 'steps': {'d': {'diagonals': {'of': 'x'}}, 'o': 'q'}}", (long long)heads,
                    (long long)n, (long long)m);
    flow_case_expect(f, "d", (const int64_t[4]){2, heads, 1, m}, diagonal, &t, 1e-5);
}

static double slashed(const void *user, int64_t b, int64_t h, int64_t r, int64_t c)
{
    const told *t = user;
    const int64_t keys = t->x->shape[3];
    for (int64_t i = r * t->size; i < (r + 1) * t->size && i < t->extent; i++)
        for (int64_t j = c * t->size; j < (c + 1) * t->size && j < keys; j++) {
            const int64_t d = i + keys - t->extent - j;
            if (d >= 0 && d < keys && flow_at(t->x, b, h, 0, d) != 0) return 1;
        }
    return 0;
}

static void test_slashes(flow_case *f, int number)
{
    const int64_t heads = flow_case_draw(f, 1, 3), size = flow_case_draw(f, 1, 40);
    flow_array *marks = flow_case_input(f, "x", TSR_F32, 1, heads, 1, f->n.nk);
    for (int64_t i = 0; marks && i < heads * f->n.nk; i++) marks->x[i] = flow_case_draw(f, 0, number < 2 ? 3 : 30) ? 0 : marks->x[i];
    const told t = {.x = marks, .size = size, .extent = f->n.nq};
    flow_case_start(
        f, "{'inputs': {'x': {'shape': [1, %lld, 1, 'Nk']}}, 'steps': {'m': {'slashes': {'of': 'x', 'rows': 'Nq', 'tiles': %lld}}, 'o': 'q'}}",
        (long long)heads, (long long)size);
    if (flow_case_ok(f)) flow_case_expect(f, "m", (const int64_t[4]){1, heads, ceil_div(f->n.nq, size), ceil_div(f->n.nk, size)}, slashed, &t, 0);
}

static const flow_family families[] = {
    {"scan", test_scan, 4, {.h = 0}},
    {"scan-rows", test_scan_rows, 4, {.b = 1, .h = 2, .hkv = 1, .nq = 1601, .nk = 3, .d = 67}},
    {"scan-columns", test_scan_columns, 4, {.b = 1, .h = 2, .hkv = 1, .nq = 5, .nk = 3, .d = 901}},
    {"diagonals", test_diagonals, 6, {.nq = 3}},
    {"slashes", test_slashes, 8, {.h = 0}},
};

int suite_add_flow_scans(suite *s) { return flow_case_add(s, families, sizeof(families) / sizeof(families[0])); }
