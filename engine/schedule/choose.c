/* Chooses the order of queries whose tiles see fewest keys.
 *
 * Every way to cut the axes is estimated from windows, strides and dilations alone; the most promising are tried on a
 * sample of their tiles. How many are tried depends on the work that one trial takes, never on time: the same set always
 * gets the same tiles. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "schedule.h"

enum { MAX_CUTS = 256, MAX_TRIED = 384, SAMPLE = 24 };
static const int64_t work_limit = 30000000; /* keys looked at in all trials: some hundredths of a second */

/* The box of tokens among the queries: whole frames of the grid, or all queries on one line. */
static void find_box(const tsr_sequence *s, tsr_order *o)
{
    const tsr_set *set = s->set;
    o->extent[0] = o->extent[1] = 1, o->extent[2] = s->nq;
    if (!set->gridded) return;
    const int64_t *g = set->grid, frame = g[1] * g[2], grid_end = set->text_before + g[0] * frame;
    const int64_t first = set->query_first, last = first + s->nq;
    const int64_t begin = first > set->text_before ? first : set->text_before, end = min64(last, grid_end);
    if (end <= begin || (begin - set->text_before) % frame || (end - set->text_before) % frame) return;
    o->box_first = begin - first;
    o->before = o->box_first;
    o->after = last - end;
    o->extent[0] = (end - begin) / frame, o->extent[1] = g[1], o->extent[2] = g[2];
}

static void caller_order(const tsr_sequence *s, tsr_order *o)
{
    o->before = o->after = o->box_first = 0;
    o->extent[0] = o->extent[1] = 1, o->extent[2] = s->nq;
}

/* What the laws say of an axis. */
typedef struct hint {
    int64_t unit, phase;      /* boxes of multiples of it share their windows; where it begins */
    int64_t dilation, window; /* of the widest window, in keys of its class */
} hint;

static hint axis_hint(const tsr_sequence *s, const tsr_order *o, int axis)
{
    hint h = {1, 0, 1, 0};
    const bool on_grid = s->set->gridded && (o->extent[0] > 1 || o->extent[1] > 1);
    for (size_t i = 0; i < s->set->node_count; i++) {
        const tsr_set_node *n = &s->set->nodes[i];
        if (n->op != TSR_SET_LAW || !(n->axis == (on_grid ? (tsr_axis)(axis + 1) : TSR_AXIS_TOKEN) || (axis == 2 && n->axis == TSR_AXIS_W))) continue;
        int64_t unit, window = o->extent[axis];
        if (tsr_mul(n->stride, n->div, &unit) && unit > h.unit && unit <= INT32_MAX) h.unit = unit, h.phase = (unit - n->origin % unit) % unit;
        if (n->div == 1 && n->dilation > h.dilation && n->dilation <= 1024) h.dilation = n->dilation;
        if (n->left != TSR_UNBOUNDED && n->right != TSR_UNBOUNDED && tsr_mul(n->left + n->right + 1, n->div, &window))
            window = min64(window, o->extent[axis]);
        if (window > h.window) h.window = window;
    }
    if (h.window == 0) h.window = o->extent[axis];
    return h;
}

/* A way to cut an axis, with what is expected of it. */
typedef struct way {
    tsr_cut cut;
    double chunks, keys; /* keys that a chunk sees along the axis */
} way;

static double keys_of(tsr_cut c, hint h, int64_t extent)
{
    double keys;
    if (c.step == 1 && h.dilation > 1) /* classes side by side, each with a window of its own */
        keys = (double)min64(c.size, h.dilation) * ((double)h.window + (double)(c.size - 1) / (double)h.dilation);
    else if (c.phase >= 0 && h.unit >= c.size && h.unit % c.size == 0)
        keys = (double)h.window;
    else if (c.phase >= 0 && c.size % h.unit == 0)
        keys = (double)(h.window + c.size - h.unit);
    else
        keys = (double)(h.window + c.size - 1) + (double)(h.unit - 1) / 2;
    return fmin(keys, (double)extent);
}

static void add_way(way *ways, int *count, int64_t extent, hint h, int64_t size, int64_t step, int64_t phase)
{
    const tsr_cut c = {(int32_t)size, (int32_t)step, phase < 0 ? -1 : (int32_t)(phase % size)};
    for (int i = 0; i < *count; i++)
        if (memcmp(&ways[i].cut, &c, sizeof(c)) == 0) return;
    if (*count < MAX_CUTS) ways[(*count)++] = (way){c, (double)tsr_cut_axis(extent, c, NULL), keys_of(c, h, extent)};
}

/* All ways to cut an axis into chunks of at most room places. */
static int axis_ways(int64_t extent, int64_t room, hint h, way *ways)
{
    int count = 0;
    for (int64_t step = 1; step <= h.dilation; step += h.dilation > 1 ? h.dilation - 1 : 1) {
        const int64_t length = (extent + step - 1) / step;
        for (int64_t size = min64(room, length); size >= 1; size--) {
            add_way(ways, &count, extent, h, size, step, -1);
            if (h.unit > 1 && (size % h.unit == 0 || h.unit % size == 0)) add_way(ways, &count, extent, h, size, step, h.phase);
        }
    }
    return count;
}

typedef struct trial {
    tsr_cut cut[3];
    double expected;
} trial;

/* The most promising cuts of the three axes, best first; returns how many. */
static int rank_trials(const tsr_order *o, const hint *hints, int32_t query_tile, int room, trial *out)
{
    static const size_t size = MAX_CUTS * sizeof(way);
    way *ways = malloc(3 * size);
    if (!ways) return -1;
    int counts[3], count = 0;
    for (int a = 0; a < 3; a++) counts[a] = axis_ways(o->extent[a], query_tile, hints[a], ways + a * MAX_CUTS);
    for (int i = 0; i < counts[0]; i++) {
        const way *t = &ways[i];
        for (int j = 0; j < counts[1]; j++) {
            const way *h = &ways[MAX_CUTS + j];
            if (t->cut.size * h->cut.size > query_tile) continue;
            for (int k = 0; k < counts[2]; k++) {
                const way *w = &ways[2 * MAX_CUTS + k];
                if (t->cut.size * h->cut.size * w->cut.size > query_tile) continue;
                const double expected = t->chunks * h->chunks * w->chunks * t->keys * h->keys * w->keys;
                if (count == room && expected >= out[count - 1].expected) continue;
                int at = count < room ? count++ : count - 1;
                for (; at > 0 && out[at - 1].expected > expected; at--) out[at] = out[at - 1];
                out[at] = (trial){{t->cut, h->cut, w->cut}, expected};
            }
        }
    }
    free(ways);
    return count;
}

/* Key tiles that the order visits, estimated from a sample; some number above most if it is more than that. */
static tsr_status cost_of(const tsr_order *o, tsr_tile_eval *eval, int32_t key_tile, double most, double *cost)
{
    int64_t rows[TSR_TILE_MAX];
    const uint64_t tiles = tsr_order_tiles(o), tried = tiles < SAMPLE ? tiles : SAMPLE;
    double sum = 0;
    for (uint64_t i = 0; i < tried && sum * (double)tiles <= most * (double)tried; i++) {
        /* Spread evenly, and shaken, so that no period of the grid is met. */
        const uint64_t at = tried == tiles ? i : (tiles * i + (i * 2654435761u >> 8) % tiles) / tried;
        int64_t keys;
        const tsr_status s = tsr_tile_eval_count(eval, rows, tsr_order_rows(o, at, rows), &keys);
        if (s != TSR_OK) return s;
        sum += (double)((keys + key_tile - 1) / key_tile);
    }
    *cost = tried ? sum * (double)tiles / (double)tried : 0;
    return TSR_OK;
}

/* Keys that one tile's evaluation looks at: few where the set is a product over the grid's axes. */
static int64_t trial_work(const tsr_sequence *s)
{
    for (size_t i = 0; i < s->set->node_count; i++) {
        const tsr_set_node *n = &s->set->nodes[i];
        const bool by_axis = (n->op == TSR_SET_LAW || n->op == TSR_SET_KEYS) && n->axis != TSR_AXIS_TOKEN;
        if (!by_axis && n->op != TSR_SET_QUERIES && n->op != TSR_SET_ALL_OF) return n->op == TSR_SET_EXPRESSION ? 16 * s->nk : s->nk + 1;
    }
    return 2000;
}

static tsr_status cut_as(tsr_order *o, const trial *t)
{
    tsr_status s = TSR_OK;
    for (int a = 0; a < 3 && s == TSR_OK; a++) s = tsr_order_cut(o, a, t->cut[a]);
    return s;
}

tsr_status tsr_order_choose(const tsr_sequence *s, tsr_tile_eval *eval, int32_t query_tile, int32_t key_tile, bool keep, tsr_order *out)
{
    const trial runs = {.cut = {{1, 1, 0}, {1, 1, 0}, {query_tile, 1, 0}}};
    tsr_order best = {.query_tile = query_tile}, o = {.query_tile = query_tile};
    *out = (tsr_order){0};
    caller_order(s, &best);
    tsr_status status = cut_as(&best, &runs);
    find_box(s, &o);
    const int64_t trials = work_limit / SAMPLE / trial_work(s);
    const int room = keep || s->nq <= query_tile || s->set->node_count == 0 ? 0 : trials < 6 ? 6 : trials > MAX_TRIED ? MAX_TRIED : (int)trials;
    trial *ranked = room && status == TSR_OK ? malloc((size_t)room * sizeof(*ranked)) : NULL;
    if (room && status == TSR_OK && !ranked) status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %d trials", room);
    double least = HUGE_VAL;
    int count = 0;
    if (ranked) {
        hint hints[3];
        for (int a = 0; a < 3; a++) hints[a] = axis_hint(s, &o, a);
        const bool line = o.extent[0] == 1 && o.extent[1] == 1 && hints[2].unit == 1 && hints[2].dilation == 1; /* runs suit it best */
        count = line ? 0 : rank_trials(&o, hints, query_tile, room, ranked);
        if (count < 0) status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory to rank trials");
        if (status == TSR_OK) status = cost_of(&best, eval, key_tile, HUGE_VAL, &least);
    }
    int chosen = -1;
    for (int i = 0; i < count && status == TSR_OK; i++) {
        double cost;
        if ((status = cut_as(&o, &ranked[i])) != TSR_OK || (status = cost_of(&o, eval, key_tile, least, &cost)) != TSR_OK) break;
        if (cost < least) least = cost, chosen = i;
    }
    if (status == TSR_OK && chosen >= 0) status = cut_as(&o, &ranked[chosen]);
    free(ranked);
    if (status == TSR_OK) *out = chosen >= 0 ? o : best;
    tsr_order_free(status == TSR_OK && chosen >= 0 ? &best : &o);
    if (status != TSR_OK) tsr_order_free(&best);
    return status;
}
