/* Runs a problem of the grid on a device. */
#include <string.h>

#include "grid.h"

static tsr_span span_of(const grid_run *g, int which)
{
    const grid_tensor *t = &g->t[which];
    return t->used ? (tsr_span){g->b[t->buffer].buf, t->offset} : (tsr_span){NULL, 0};
}

/* Pieces of random sizes, from the last but one down to the first; then the last, which also merges. */
static tsr_status run_pieces(grid_run *g, tsr_attention_args *args)
{
    tsr_attention_info info;
    tsr_status s = tsr_attention_get_info(g->plan, &info);
    if (s != TSR_OK || info.tile_count == 0) return s == TSR_OK ? tsr_attention_run(g->plan, args) : s;
    const uint64_t last = info.tile_count > 1 ? 1 + oracle_below(&g->rng, (uint32_t)info.tile_count - 1) : 0;
    for (uint64_t end = last; end > 0 && s == TSR_OK; end = args->first_tile) {
        args->tile_count = 1 + oracle_below(&g->rng, (uint32_t)(end < 16 ? end : (end + 15) / 16 + 1));
        args->first_tile = end - args->tile_count;
        s = tsr_attention_run(g->plan, args);
    }
    args->first_tile = last;
    args->tile_count = 0; /* all that is left */
    return s == TSR_OK ? tsr_attention_run(g->plan, args) : s;
}

tsr_status grid_run_device(grid_run *g, tsr_device *dev, bool pieces)
{
    tsr_status s = g->plan ? TSR_OK : grid_make_sets(g);
    if (s == TSR_OK && !g->plan) s = tsr_attention_prepare(dev, &g->desc, &g->plan);
    for (int i = 0; i < g->buffers && s == TSR_OK; i++) {
        if (!g->b[i].buf) s = tsr_buffer_create(dev, g->b[i].bytes, &g->b[i].buf);
        if (s == TSR_OK) s = tsr_buffer_write(g->b[i].buf, 0, g->b[i].sent, g->b[i].bytes);
    }
    tsr_attention_args args = {.q = span_of(g, GRID_Q),
                               .k = span_of(g, GRID_K),
                               .v = span_of(g, GRID_V),
                               .bias = span_of(g, GRID_BIAS),
                               .mask = span_of(g, GRID_MASK),
                               .sink = span_of(g, GRID_SINK),
                               .o = span_of(g, GRID_O),
                               .lse = span_of(g, GRID_LSE)};
    if (s == TSR_OK) s = pieces ? run_pieces(g, &args) : tsr_attention_run(g->plan, &args);
    for (int i = 0; i < g->buffers && s == TSR_OK; i++) {
        memset(g->b[i].back, 0, (size_t)g->b[i].bytes);
        s = tsr_buffer_read(g->b[i].buf, 0, g->b[i].back, g->b[i].bytes);
    }
    return s;
}
