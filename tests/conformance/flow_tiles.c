/* How tokens fall into tiles beside the definitions: every order, label and size must be exact. */
#include "flow_tiles.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

tiles_expected flow_tiles_expected(flow_case *f, int64_t b, int64_t h, int64_t n, int64_t tiles)
{
    return (tiles_expected){flow_case_array(f, b, h, 1, n), flow_case_array(f, b, h, 1, n), flow_case_array(f, b, h, 1, tiles)};
}

void flow_tiles_compare(flow_case *f, const tiles_expected *e)
{
    if (!flow_case_ok(f)) return;
    flow_case_compare(f, "order_of", e->order, 0);
    flow_case_compare(f, "labels_of", e->labels, 0);
    flow_case_compare(f, "sizes_of", e->sizes, 0);
}

typedef struct sort_case {
    const char *name;
    int64_t b, h, n, size, within; /* within 0: all; else drawn where below 0 */
    int64_t labels;                /* keys are labels, so many; 0: numbers */
    double step;                   /* of the keys, for ties; 0: none */
} sort_case;

static const sort_case sorts[] = {
    {"sort", 2, 3, 331, 17, 0, 0, 0},           {"sort-ties", 1, 2, 1031, 64, 0, 0, 0.5},     {"sort-equal", 1, 1, 211, 10, 0, 0, 1e9},
    {"sort-one", 1, 1, 1, 64, 0, 0, 0},         {"sort-within", 1, 2, 700, 64, 128, 0, 0.25}, {"sort-within-5", 2, 1, 97, 3, 5, 0, 0.25},
    {"sort-within-1", 1, 1, 50, 7, 1, 0, 0.25}, {"sort-long", 1, 1, 20011, 100, 0, 0, 1e-3},  {"labels", 2, 2, 500, 0, 0, 13, 0},
    {"labels-empty", 1, 2, 20, 0, 0, 301, 0},   {"labels-one", 1, 1, 131, 0, 0, 1, 0},        {"labels-many", 1, 1, 5003, 0, 0, 1000, 0},
};

typedef struct ranked {
    double key;
    int64_t run, at;
} ranked;

static int by_key(const void *a, const void *b)
{
    const ranked *l = a, *r = b;
    if (l->run != r->run) return l->run < r->run ? -1 : 1;
    if (l->key != r->key) return l->key < r->key ? -1 : 1;
    return l->at < r->at ? -1 : 1;
}

/* One head's tokens. */
static void sort_head(const sort_case *c, const double *keys, ranked *list, double *order, double *labels, double *sizes)
{
    for (int64_t i = 0; i < c->n; i++) list[i] = (ranked){keys[i], c->within ? i / c->within : 0, i};
    qsort(list, (size_t)c->n, sizeof(*list), by_key);
    for (int64_t i = 0; i < c->n; i++) {
        const int64_t tile = c->labels ? (int64_t)list[i].key : i / c->size;
        order[i] = (double)list[i].at;
        labels[list[i].at] = (double)tile;
        sizes[tile] += 1;
    }
}

static suite_verdict run_sort(const suite_case *sc, suite_run_context *run)
{
    const sort_case *c = sc->params;
    flow_case f;
    flow_case_begin(&f, run, sc->name, (flow_sizes){.b = 1, .h = 1, .hkv = 1, .nq = 3, .nk = 3, .d = 4});
    f.n.strided = oracle_below(&f.rng, 2) == 1;
    flow_array *keys = flow_case_input(&f, "keys", TSR_F32, c->b, c->h, 1, c->n);
    const int64_t tiles = c->labels ? c->labels : (c->n + c->size - 1) / c->size;
    for (int64_t i = 0; keys && i < c->b * c->h * c->n; i++) {
        if (c->labels)
            keys->x[i] = (double)oracle_below(&f.rng, (uint32_t)c->labels);
        else if (c->step != 0)
            keys->x[i] = c->step * round(keys->x[i] / c->step); /* -0 too, which is 0 */
    }
    char members[128];
    if (c->labels)
        snprintf(members, sizeof(members), "'labels': 'keys', 'count': %lld", (long long)c->labels);
    else if (c->within)
        snprintf(members, sizeof(members), "'sort': 'keys', 'size': %lld, 'within': %lld", (long long)c->size, (long long)c->within);
    else
        snprintf(members, sizeof(members), "'sort': 'keys', 'size': %lld", (long long)c->size);
    flow_case_start(&f, "{'inputs': {'keys': {'shape': [%lld,%lld,1,%lld]}}, 'steps': {'t': {'tiles': {%s}}, %s, 'o': '0 * q'}}", (long long)c->b,
                    (long long)c->h, (long long)c->n, members, FLOW_TILES_PARTS);
    tiles_expected e = flow_tiles_expected(&f, c->b, c->h, c->n, tiles);
    if (!c->labels) e.sizes = flow_case_array(&f, 1, 1, 1, tiles);
    ranked *list = malloc((size_t)c->n * sizeof(*list));
    if (!list) flow_case_fail(&f, "no memory for a list");
    for (int64_t i = 0; flow_case_ok(&f) && i < c->b * c->h; i++) {
        memset(c->labels ? e.sizes->x + i * tiles : e.sizes->x, 0, (size_t)tiles * sizeof(double));
        sort_head(c, keys->x + i * c->n, list, e.order->x + i * c->n, e.labels->x + i * c->n, c->labels ? e.sizes->x + i * tiles : e.sizes->x);
    }
    free(list);
    flow_tiles_compare(&f, &e);
    return flow_case_end(&f);
}

typedef struct grid_tiles_case {
    const char *name;
    int64_t grid[3], before, after, box[3], text; /* text 0: as the box */
    const char *axes;                             /* else a loop nest, and box[0] the size of tiles */
} grid_tiles_case;

static const grid_tiles_case grids[] = {
    {"grid", {4, 6, 8}, 0, 0, {2, 3, 4}, 0, NULL},          {"grid-cut", {5, 7, 9}, 0, 0, {2, 4, 4}, 0, NULL},
    {"grid-text", {3, 5, 7}, 11, 13, {2, 2, 3}, 4, NULL},   {"grid-text-as-box", {3, 4, 4}, 9, 17, {1, 2, 4}, 0, NULL},
    {"grid-wide-box", {2, 3, 5}, 0, 3, {9, 9, 9}, 0, NULL}, {"axes", {3, 5, 7}, 0, 0, {16, 0, 0}, 0, "hwt"},
    {"axes-text", {4, 3, 5}, 6, 9, {7, 0, 0}, 0, "wth"},    {"axes-as-is", {4, 3, 5}, 0, 2, {64, 0, 0}, 0, "thw"},
};

/* Where a token stands: the numbers by which tiles and tokens within them are ordered. */
typedef struct placed {
    int64_t keys[7], at;
} placed;

static int by_place(const void *a, const void *b)
{
    const placed *l = a, *r = b;
    for (int i = 0; i < 7; i++)
        if (l->keys[i] != r->keys[i]) return l->keys[i] < r->keys[i] ? -1 : 1;
    return 0;
}

static bool same_tile(const placed *l, const placed *r) { return memcmp(l->keys, r->keys, 4 * sizeof(l->keys[0])) == 0; }

static placed place_of(const grid_tiles_case *c, int64_t token)
{
    const int64_t *g = c->grid, area = g[0] * g[1] * g[2], on = token - c->before, text = c->text ? c->text : c->box[0] * c->box[1] * c->box[2];
    if (on < 0) return (placed){{0, token / (c->axes ? 1 : text), 0, 0, token}, token};
    if (on >= area) return (placed){{2, (on - area) / (c->axes ? 1 : text), 0, 0, on}, token};
    const int64_t x[3] = {on / g[2] / g[1], on / g[2] % g[1], on % g[2]};
    if (!c->axes) return (placed){{1, x[0] / c->box[0], x[1] / c->box[1], x[2] / c->box[2], x[0], x[1], x[2]}, token};
    placed p = {{1, 0, 0, 0}, token};
    for (int i = 0; i < 3; i++) p.keys[1 + i] = x[strchr("thw", c->axes[i]) - "thw"];
    return p;
}

static suite_verdict run_grid(const suite_case *sc, suite_run_context *run)
{
    const grid_tiles_case *c = sc->params;
    const int64_t n = c->before + c->grid[0] * c->grid[1] * c->grid[2] + c->after;
    flow_case f;
    flow_case_begin(&f, run, sc->name, (flow_sizes){.b = 1, .h = 1, .hkv = 1, .nq = n, .nk = n, .d = 4});
    char members[128], text[32] = "";
    if (c->text) snprintf(text, sizeof(text), ", 'text': %lld", (long long)c->text);
    if (c->axes)
        snprintf(members, sizeof(members), "'axes': '%s', 'size': %lld", c->axes, (long long)c->box[0]);
    else
        snprintf(members, sizeof(members), "'grid': [%lld, '%lld', %lld]%s", (long long)c->box[0], (long long)c->box[1], (long long)c->box[2], text);
    flow_case_start(&f, "{'grid': [%lld, %lld, %lld], 'text_before': %lld, 'text_after': %lld, 'steps': {'t': {'tiles': {%s}}, %s, 'o': '0 * q'}}",
                    (long long)c->grid[0], (long long)c->grid[1], (long long)c->grid[2], (long long)c->before, (long long)c->after, members,
                    FLOW_TILES_PARTS);
    placed *list = malloc((size_t)n * sizeof(*list));
    if (!list) flow_case_fail(&f, "no memory for a list");
    for (int64_t i = 0; list && i < n; i++) list[i] = place_of(c, i);
    if (list) qsort(list, (size_t)n, sizeof(*list), by_place);
    int64_t tiles = 1;
    for (int64_t i = 1; list && i < n && !c->axes; i++) tiles += !same_tile(&list[i - 1], &list[i]);
    if (c->axes) tiles = (n + c->box[0] - 1) / c->box[0];
    const tiles_expected e = flow_tiles_expected(&f, 1, 1, n, tiles);
    for (int64_t i = 0, tile = 0; flow_case_ok(&f) && i < n; i++) {
        if (c->axes)
            tile = i / c->box[0];
        else if (i > 0 && !same_tile(&list[i - 1], &list[i]))
            tile++;
        e.order->x[i] = (double)list[i].at, e.labels->x[list[i].at] = (double)tile, e.sizes->x[tile] += 1;
    }
    free(list);
    flow_tiles_compare(&f, &e);
    return flow_case_end(&f);
}

typedef struct tiles_error {
    const char *name, *step, *what;
} tiles_error;

static const tiles_error errors[] = {
    {"no-grid", "{'tiles': {'grid': [1, 2, 3]}}", "steps.t.tiles needs a grid"},
    {"axes-twice", "{'tiles': {'axes': 'tth', 'size': 4}}", "steps.t.tiles has 'axes' \"tth\"; expected t, h and w in some order"},
    {"size-0", "{'tiles': {'size': 0}}", "steps.t.tiles.size is 0"},
    {"keys-of-many-rows", "{'tiles': {'sort': 'q', 'size': 4}}", "steps.t.tiles has 13 rows of 4 keys; expected 1 row"},
    {"clusters-above-rows", "{'cluster': {'of': 'q', 'count': 14}}", "steps.t.cluster makes 14 clusters of 13 rows"},
    {"start-of-another-size", "{'cluster': {'of': 'q', 'count': 5, 'start': 'k'}}", "steps.t.cluster starts with 17 rows of 4; expected 5 of 4"},
};

static suite_verdict run_error(const suite_case *sc, suite_run_context *run)
{
    const tiles_error *e = sc->params;
    flow_case f;
    flow_case_begin(&f, run, sc->name, (flow_sizes){.b = 1, .h = 2, .hkv = 2, .nq = 13, .nk = 17, .d = 4});
    const tsr_status status = flow_case_prepare(&f, "{'steps': {'t': %s, 'o': '0 * q'}}", e->step);
    f.compared = true;
    if (flow_case_ok(&f) && (status == TSR_OK || !strstr(tsr_last_error(), e->what)))
        flow_case_fail(&f, "status %d, \"%s\"; expected an error with \"%s\"", (int)status, status == TSR_OK ? "" : tsr_last_error(), e->what);
    return flow_case_end(&f);
}

int suite_add_flow_tiles(suite *s)
{
#define ADD(list, runner, prefix)                                                                                                                    \
    for (size_t i = 0; i < sizeof(list) / sizeof((list)[0]); i++) {                                                                                  \
        char name[96];                                                                                                                               \
        snprintf(name, sizeof(name), "flow/tiles/" prefix "%s", (list)[i].name);                                                                     \
        if (!suite_add(s, name, runner, &(list)[i], (int)i)) return 0;                                                                               \
    }
    ADD(sorts, run_sort, "")
    ADD(grids, run_grid, "")
    ADD(errors, run_error, "error-")
    return 1;
}
