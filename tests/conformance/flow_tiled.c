/* Steps over tiles whose tokens lie apart: pooled, spread, remembered, and under maps of sets. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "flow_case.h"

/* The tile of each token, and where it stands within that. */
typedef struct tiled {
    const flow_array *x, *labels, *ranks;
    int64_t heads;
    int kind;
} tiled;

enum { MEAN, SUM, MAX, MIN, FIRST, LAST, ARGMAX, KINDS };
static const char *const kinds[] = {"mean", "sum", "max", "min", "first", "last", "argmax"};

static double pooled(const void *user, int64_t b, int64_t h, int64_t r, int64_t c)
{
    const tiled *t = user;
    double sum = 0, most = -INFINITY, least = INFINITY, low = INFINITY, high = -INFINITY, first = 0, last = 0;
    int64_t count = 0, where = 0;
    for (int64_t n = 0; n < t->x->shape[2]; n++) {
        if (flow_at_head(t->labels, b, h, t->heads, 0, n) != (double)r) continue;
        const double x = flow_at_head(t->x, b, h, t->heads, n, c), rank = flow_at_head(t->ranks, b, h, t->heads, 0, n);
        count++;
        sum += x;
        if (x > most) most = x, where = n;
        least = fmin(least, x);
        if (rank < low) low = rank, first = x;
        if (rank >= high) high = rank, last = x;
    }
    const double results[KINDS] = {sum / (double)count, sum, most, least, first, last, (double)where};
    return count ? results[t->kind] : 0;
}

static double spread(const void *user, int64_t b, int64_t h, int64_t r, int64_t c)
{
    tiled t = *(const tiled *)user;
    t.kind = SUM;
    return pooled(&t, b, h, (int64_t)flow_at_head(t.labels, b, h, t.heads, 0, r), c);
}

/* All kinds over the tiles of a step 't' of so many, and sums spread again. */
static void check_tiles(flow_case *f, tiled *t, int64_t count, const char *before)
{
    char text[1024] = "";
    size_t used = 0;
    for (int k = 0; k < KINDS; k++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "'%s': {'pool': {'of': 'k', 'tiles': 't', 'kind': '%s'}}, ", kinds[k], kinds[k]);
    flow_case_start(f, "{%s, %s'back': {'spread': {'of': 'sum', 'tiles': 't'}}, 'o': 'q'}}", before, text);
    const int64_t shape[4] = {f->n.b, t->heads, count, f->n.d}, whole[4] = {f->n.b, t->heads, f->n.nk, f->n.d};
    const double error = 2e-6 * sqrt((double)f->n.nk);
    for (t->kind = 0; t->kind < KINDS; t->kind++) flow_case_expect(f, kinds[t->kind], shape, pooled, t, t->kind < MAX ? error : 0);
    if (f->n.nk < 1000) flow_case_expect(f, "back", whole, spread, t, error);
}

/* Labels for each head, for each head of queries, for all, for all batches: some have no token. */
static void test_labels(flow_case *f, int number)
{
    const int64_t heads = number == 0 ? f->n.hkv : number == 1 ? f->n.h : 1, batches = number == 3 ? 1 : f->n.b, n = f->n.nk;
    const int64_t count = n > 1000 ? 3 : flow_case_draw(f, 1, 40);
    flow_array *labels = flow_case_input(f, "labels", TSR_F32, batches, heads, 1, n), *ranks = flow_case_array(f, 1, 1, 1, n);
    for (int64_t i = 0; labels && i < batches * heads * n; i++) labels->x[i] = (double)(n > 1000 ? i % 50 == 7 : flow_case_draw(f, 0, count - 1));
    for (int64_t i = 0; ranks && i < n; i++) ranks->x[i] = (double)i;
    tiled t = {.x = f->k, .labels = labels, .ranks = ranks, .heads = heads > f->n.hkv ? heads : f->n.hkv};
    char text[256];
    snprintf(text, sizeof(text),
             "'inputs': {'labels': {'shape': [%lld, %lld, 1, 'Nk']}}, 'steps': {'t': {'tiles': {'labels': 'labels', 'count': %lld}}",
             (long long)batches, (long long)heads, (long long)count);
    if (flow_case_ok(f)) check_tiles(f, &t, count, text);
}

/* Sorted by key, each run by itself, then cut; keys of few values, so that some are equal. */
static void test_sorted(flow_case *f, int number)
{
    const int64_t heads = number % 2 ? f->n.hkv : 1, n = f->n.nk, size = flow_case_draw(f, 1, 40), within = number < 2 ? n : flow_case_draw(f, 1, n);
    flow_array *keys = flow_case_input(f, "keys", TSR_F32, 1, heads, 1, n), *labels = flow_case_array(f, 1, heads, 1, n),
               *ranks = flow_case_array(f, 1, heads, 1, n);
    for (int64_t i = 0; keys && i < heads * n; i++) keys->x[i] = (double)flow_case_draw(f, -9, 9) / 4;
    for (int64_t i = 0; flow_case_ok(f) && i < heads * n; i++) {
        const int64_t at = i % n, run = at / within * within;
        int64_t rank = run;
        for (int64_t j = run; j < run + within && j < n; j++) {
            const double mine = keys->x[i], other = keys->x[i - at + j];
            rank += other < mine || (other == mine && j < at);
        }
        ranks->x[i] = (double)rank;
        labels->x[i] = (double)(rank / size);
    }
    tiled t = {.x = f->k, .labels = labels, .ranks = ranks, .heads = f->n.hkv};
    char text[256];
    snprintf(text, sizeof(text),
             "'inputs': {'keys': {'shape': [1, %lld, 1, 'Nk']}}, 'steps': {'t': {'tiles': {'sort': 'keys', 'size': %lld, 'within': %lld}}",
             (long long)heads, (long long)size, (long long)within);
    if (flow_case_ok(f)) check_tiles(f, &t, (n + size - 1) / size, text);
}

/* Boxes of a grid with text around it. */
typedef struct boxed {
    int64_t grid[3], box[3], before, after, text;
    int64_t tiles;
    int rule;
} boxed;

static int64_t tile_of(const boxed *g, int64_t token)
{
    const int64_t n = g->grid[0] * g->grid[1] * g->grid[2], first = (g->before + g->text - 1) / g->text;
    int64_t boxes[3], i = token - g->before;
    for (int a = 0; a < 3; a++) boxes[a] = (g->grid[a] + g->box[a] - 1) / g->box[a];
    if (i < 0) return token / g->text;
    if (i >= n) return first + boxes[0] * boxes[1] * boxes[2] + (i - n) / g->text;
    const int64_t w = i % g->grid[2], h = i / g->grid[2] % g->grid[1], t = i / g->grid[2] / g->grid[1];
    return first + (t / g->box[0] * boxes[1] + h / g->box[1]) * boxes[2] + w / g->box[2];
}

/* Frames that are neighbours; text sees all and is seen by all. */
static bool sees(const boxed *g, int64_t i, int64_t j)
{
    const int64_t area = g->grid[1] * g->grid[2], n = g->grid[0] * area;
    const int64_t x = i - g->before, y = j - g->before;
    if (x < 0 || x >= n || y < 0 || y >= n) return true;
    const int64_t d = x / area - y / area;
    return d >= -1 && d <= 1;
}

static double block(const void *user, int64_t b, int64_t h, int64_t r, int64_t c)
{
    const boxed *g = user;
    const int64_t n = g->grid[0] * g->grid[1] * g->grid[2] + g->before + g->after;
    int64_t pairs = 0, area = 0;
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            if (tile_of(g, i) != r || tile_of(g, j) != c) continue;
            area++;
            pairs += sees(g, i, j);
        }
    const double results[] = {pairs > 0, pairs == area, (double)pairs / (double)area};
    return b + h ? NAN : results[g->rule];
}

static void test_boxes(flow_case *f, int number)
{
    static const char *const rules[] = {"any", "all", "share"};
    boxed g = {.grid = {5, 3, 4}, .before = number ? 5 : 0, .after = number ? 6 : 11, .text = flow_case_draw(f, 1, 4)};
    for (int a = 0; a < 3; a++) g.box[a] = flow_case_draw(f, 1, 3);
    g.tiles = tile_of(&g, f->n.nk - 1) + 1;
    char text[1024] = "";
    size_t used = 0;
    for (int i = 0; i < 3; i++)
        used += (size_t)snprintf(
            text + used, sizeof(text) - used,
            "'%s': {'blocks': {'tiles': 't', 'rule': '%s', 'set': {'union': [{'text': {}}, {'frames': {'left': 1, 'right': 1}}]}}}, ", rules[i],
            rules[i]);
    flow_case_start(
        f,
        "{'grid': [5, 3, 4], 'text_before': %lld, 'text_after': %lld, 'steps': {'t': {'tiles': {'grid': [%lld, %lld, %lld], 'text': %lld}}, "
        "%s'o': 'q'}}",
        (long long)g.before, (long long)g.after, (long long)g.box[0], (long long)g.box[1], (long long)g.box[2], (long long)g.text, text);
    for (g.rule = 0; g.rule < 3; g.rule++)
        flow_case_expect(f, rules[g.rule], (const int64_t[4]){1, 1, g.tiles, g.tiles}, block, &g, g.rule == 2 ? 1e-6 : 0);
}

/* Tiles of run 0 over the keys of each run. */
static void test_kept_tiles(flow_case *f, int number)
{
    const int64_t n = f->n.nk, count = 7;
    flow_array *labels = flow_case_input(f, "labels", TSR_F32, 1, f->n.hkv, 1, n), *old = flow_case_array(f, 1, f->n.hkv, 1, n),
               *ranks = flow_case_array(f, 1, 1, 1, n);
    tiled t = {.x = f->k, .labels = old, .ranks = ranks, .heads = f->n.hkv, .kind = MEAN}, now = t;
    const int64_t shape[4] = {f->n.b, f->n.hkv, count, f->n.d};
    now.labels = labels;
    for (int run = 0; run < 3 && flow_case_ok(f); run++) {
        for (int64_t i = 0; i < f->n.hkv * n; i++) labels->x[i] = (double)flow_case_draw(f, 0, count - 1);
        for (int64_t i = 0; i < f->n.b * f->n.hkv * n * f->n.d; i++) f->k->x[i] = oracle_normal(&f->rng);
        if (run == 0) {
            memcpy(old->x, labels->x, (size_t)(f->n.hkv * n) * sizeof(*old->x));
            flow_case_start(f,
                            "{'inputs': {'labels': {'shape': [1, 'Hkv', 1, 'Nk']}}, 'steps': {%s'now': {'pool': {'of': 'k', 'tiles': 'fresh'}}, "
                            "'m': {'pool': {'of': 'k', 'tiles': {'remember': {'of': %s}}}}, 'o': 'q'}}",
                            "'fresh': {'tiles': {'labels': 'labels', 'count': 7}}, ",
                            number ? "'fresh'" : "{'tiles': {'labels': 'labels', 'count': 7}}");
        } else {
            flow_case_change(f, "labels");
            flow_case_change(f, "k");
            flow_case_run(f, (uint64_t)run);
        }
        flow_case_expect(f, "m", shape, pooled, &t, 1e-5);
        flow_case_expect(f, "now", shape, pooled, &now, 1e-5);
    }
}

static const flow_family families[] = {
    {"labels", test_labels, 4, {.h = 4}},
    {"labels-long", test_labels, 1, {.b = 1, .h = 1, .hkv = 1, .nq = 1, .nk = 40001, .d = 3}},
    {"sorted", test_sorted, 4, {.h = 0}},
    {"boxes", test_boxes, 2, {.b = 1, .h = 2, .nq = 71, .nk = 71}},
    {"kept-tiles", test_kept_tiles, 2, {.h = 4, .hkv = 2}},
};

int suite_add_flow_tiled(suite *s) { return flow_case_add(s, families, sizeof(families) / sizeof(families[0])); }
