/* The order of queries: cuts a sequence into tiles so that the queries of a tile see nearly the same keys.
 *
 * A tile is a box of the token grid, of one residue class where windows are dilated; its size, and whether boxes
 * are even parts of an axis or lie on multiples of the stride, are tried on a sample of tiles. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "schedule.h"

enum { MAX_CUTS = 24, SAMPLE = 24 };

/* One way to cut an axis. */
typedef struct cut {
    int32_t size, step, phase; /* step: residue classes; phase: even parts if -1, else where multiples of size begin */
} cut;

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

/* The chunks of an axis; NULL out: only counted. */
static size_t cut_axis(int64_t extent, cut c, tsr_chunk *out)
{
    size_t count = 0;
    for (int32_t g = 0; g < c.step && g < extent; g++) {
        const int64_t length = (extent - g + c.step - 1) / c.step;
        const int64_t parts = c.phase < 0 ? (length + c.size - 1) / c.size : (length + (c.size - c.phase) % c.size + c.size - 1) / c.size;
        for (int64_t i = 0; i < parts; i++) {
            int64_t first = c.phase < 0 ? length * i / parts : i * c.size - (c.size - c.phase) % c.size;
            const int64_t end = c.phase < 0 ? length * (i + 1) / parts : min64(first + c.size, length);
            if (first < 0) first = 0;
            if (end <= first) continue;
            if (out) out[count] = (tsr_chunk){(int32_t)(g + first * c.step), c.step, (int32_t)(end - first)};
            count++;
        }
    }
    return count;
}

static tsr_status set_axis(tsr_order *o, int axis, cut c)
{
    const size_t count = cut_axis(o->extent[axis], c, NULL);
    free(o->chunks[axis]);
    o->chunks[axis] = malloc((count ? count : 1) * sizeof(tsr_chunk));
    if (!o->chunks[axis]) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %zu chunks", count);
    o->chunk_count[axis] = cut_axis(o->extent[axis], c, o->chunks[axis]);
    o->size[axis] = c.size;
    return TSR_OK;
}

void tsr_order_free(tsr_order *o)
{
    for (int a = 0; a < 3; a++) free(o->chunks[a]);
    memset(o, 0, sizeof(*o));
}

static uint64_t runs(int64_t tokens, int32_t size) { return (uint64_t)((tokens + size - 1) / size); }

uint64_t tsr_order_tiles(const tsr_order *o)
{
    return runs(o->before, o->query_tile) + runs(o->after, o->query_tile) + (uint64_t)o->chunk_count[0] * o->chunk_count[1] * o->chunk_count[2];
}

static int run_rows(int64_t first, int64_t tokens, int32_t size, uint64_t index, int64_t *rows)
{
    const int64_t begin = (int64_t)index * size, count = min64(size, tokens - begin);
    for (int64_t i = 0; i < count; i++) rows[i] = first + begin + i;
    return (int)count;
}

int tsr_order_rows(const tsr_order *o, uint64_t index, int64_t *rows)
{
    const uint64_t before = runs(o->before, o->query_tile);
    if (index < before) return run_rows(0, o->before, o->query_tile, index, rows);
    index -= before;
    const uint64_t boxes = (uint64_t)o->chunk_count[0] * o->chunk_count[1] * o->chunk_count[2];
    if (index >= boxes) return run_rows(o->box_first + o->extent[0] * o->extent[1] * o->extent[2], o->after, o->query_tile, index - boxes, rows);
    const tsr_chunk *const w = &o->chunks[2][index % o->chunk_count[2]];
    const tsr_chunk *const h = &o->chunks[1][index / o->chunk_count[2] % o->chunk_count[1]];
    const tsr_chunk *const t = &o->chunks[0][index / o->chunk_count[2] / o->chunk_count[1]];
    int count = 0;
    for (int32_t i = 0; i < t->count; i++)
        for (int32_t j = 0; j < h->count; j++)
            for (int32_t k = 0; k < w->count; k++)
                rows[count++] = o->box_first + ((t->first + (int64_t)i * t->step) * o->extent[1] + h->first + (int64_t)j * h->step) * o->extent[2] +
                                w->first + (int64_t)k * w->step;
    return count;
}

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

/* What laws suggest for an axis: the unit that boxes should be multiples of, where it begins, and the classes. */
typedef struct hint {
    int64_t unit, phase, step;
} hint;

static hint axis_hint(const tsr_sequence *s, const tsr_order *o, int axis)
{
    hint h = {1, 0, 1};
    const tsr_axis own = s->set->gridded && (o->extent[0] > 1 || o->extent[1] > 1) ? (tsr_axis)(axis + 1) : TSR_AXIS_TOKEN;
    for (size_t i = 0; i < s->set->node_count; i++) {
        const tsr_set_node *n = &s->set->nodes[i];
        if (n->op != TSR_SET_LAW || (n->axis != own && !(axis == 2 && n->axis == TSR_AXIS_W))) continue;
        if (n->stride * n->div > h.unit) h.unit = n->stride * n->div, h.phase = (h.unit - n->origin % h.unit) % h.unit;
        if (n->dilation * n->div > h.step && n->dilation * n->div <= 1024 && n->div == 1) h.step = n->dilation;
    }
    return h;
}

static void add_cut(cut *cuts, int *count, int64_t size, int64_t step, int64_t phase)
{
    cuts[(*count)++] = (cut){(int32_t)size, (int32_t)step, phase < 0 ? -1 : (int32_t)(phase % size)};
}

/* The ways to cut an axis into chunks of at most room places. */
static int axis_cuts(int64_t extent, int64_t room, hint h, cut *cuts)
{
    int count = 0;
    for (int64_t step = 1; step <= h.step; step += h.step > 1 ? h.step - 1 : 1) {
        const int64_t most = min64(min64(extent, room), (extent + step - 1) / step);
        add_cut(cuts, &count, most, step, -1);
        if (h.unit == 1) continue;
        add_cut(cuts, &count, most, step, h.phase);
        if (h.unit < most && most % h.unit) add_cut(cuts, &count, most / h.unit * h.unit, step, h.phase);
        for (int64_t part = 2; h.unit > most && part < 64; part++) /* the largest even part of a unit */
            if (h.unit % part == 0 && h.unit / part <= most) {
                add_cut(cuts, &count, h.unit / part, step, h.phase);
                break;
            }
    }
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

tsr_status tsr_order_choose(const tsr_sequence *s, tsr_tile_eval *eval, int32_t query_tile, int32_t key_tile, bool keep, tsr_order *out)
{
    tsr_order o = {.query_tile = query_tile};
    find_box(s, &o);
    if (keep) o.before = o.after = o.box_first = 0, o.extent[0] = o.extent[1] = 1, o.extent[2] = s->nq;
    *out = (tsr_order){0};
    hint hints[3];
    for (int a = 0; a < 3; a++) hints[a] = keep ? (hint){1, 0, 1} : axis_hint(s, &o, a);
    cut best[3] = {{1, 1, 0}, {1, 1, 0}, {query_tile, 1, 0}};
    const bool choice = !keep && s->nq > query_tile && s->set->node_count > 0;
    double least = -1;
    tsr_status status = TSR_OK;
    for (int64_t t = 1; choice && status == TSR_OK && t <= min64(query_tile, o.extent[0]); t++) {
        cut t_cuts[MAX_CUTS], h_cuts[MAX_CUTS], w_cuts[MAX_CUTS];
        const int t_count = axis_cuts(o.extent[0], t, hints[0], t_cuts);
        for (int i = 0; i < t_count && status == TSR_OK; i++) {
            if (t_cuts[i].size < min64(t, o.extent[0]) && t > 1 && t_cuts[i].step == 1) continue; /* met before, at a smaller t */
            if ((status = set_axis(&o, 0, t_cuts[i])) != TSR_OK) break;
            for (int64_t y = 1; status == TSR_OK && y <= min64(query_tile / t, o.extent[1]); y++) {
                const int h_count = axis_cuts(o.extent[1], y, hints[1], h_cuts),
                          w_count = axis_cuts(o.extent[2], query_tile / (t * y), hints[2], w_cuts);
                for (int j = 0; j < h_count && status == TSR_OK; j++) {
                    if (h_cuts[j].size < min64(y, o.extent[1]) && y > 1 && h_cuts[j].step == 1) continue;
                    if ((status = set_axis(&o, 1, h_cuts[j])) != TSR_OK) break;
                    for (int k = 0; k < w_count && status == TSR_OK; k++) {
                        double cost;
                        if ((status = set_axis(&o, 2, w_cuts[k])) != TSR_OK ||
                            (status = cost_of(&o, eval, key_tile, least < 0 ? HUGE_VAL : least, &cost)) != TSR_OK)
                            break;
                        if (least >= 0 && cost >= least) continue;
                        least = cost;
                        best[0] = t_cuts[i], best[1] = h_cuts[j], best[2] = w_cuts[k];
                    }
                }
            }
        }
    }
    if (least < 0 && (o.extent[0] > 1 || o.extent[1] > 1)) o.before = o.after = o.box_first = 0, o.extent[0] = o.extent[1] = 1, o.extent[2] = s->nq;
    for (int a = 0; a < 3 && status == TSR_OK; a++) status = set_axis(&o, a, best[a]);
    if (status == TSR_OK)
        *out = o;
    else
        tsr_order_free(&o);
    return status;
}
