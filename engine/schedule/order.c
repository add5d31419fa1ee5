/* The order of queries: a sequence in tiles that are boxes of tokens, of one residue class where that is wanted. */
#include <stdlib.h>
#include <string.h>

#include "schedule.h"

size_t tsr_cut_axis(int64_t extent, tsr_cut c, tsr_chunk *out)
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

tsr_status tsr_order_cut(tsr_order *o, int axis, tsr_cut c)
{
    const size_t count = tsr_cut_axis(o->extent[axis], c, NULL);
    free(o->chunks[axis]);
    o->chunks[axis] = malloc((count ? count : 1) * sizeof(tsr_chunk));
    if (!o->chunks[axis]) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %zu chunks", count);
    o->chunk_count[axis] = tsr_cut_axis(o->extent[axis], c, o->chunks[axis]);
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
