/* Problems of the grid: layouts, buffers with guards, random contents. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "grid.h"

enum { GUARD = 37 }; /* elements before and after a tensor: odd, so that little is aligned by chance */

int64_t grid_elements(const grid_tensor *t)
{
    const int64_t *s = t->layout.shape;
    return s[0] * s[1] * s[2] * s[3];
}

uint64_t grid_place_of(const grid_tensor *t, int64_t element)
{
    int64_t at = 0;
    for (int i = 3; i >= 0; i--) {
        at += element % t->layout.shape[i] * t->layout.stride[i];
        element /= t->layout.shape[i];
    }
    return t->offset + (uint64_t)at * tsr_dtype_size(t->layout.dtype);
}

oracle_tensor grid_sent(const grid_run *g, int which)
{
    const grid_tensor *t = &g->t[which];
    return (oracle_tensor){t->layout, t->used ? g->b[t->buffer].sent + t->offset : NULL};
}

/* Strides from the innermost axis outwards. */
static void lay_out(grid_tensor *t, tsr_dtype dtype, const int64_t shape[4], grid_order order, int step, bool padded)
{
    static const int axes[][4] = {[BHND] = {3, 2, 1, 0}, [BNHD] = {3, 1, 2, 0}, [BHDN] = {2, 3, 1, 0}};
    int64_t extent = step ? step : 1;
    t->used = true;
    t->layout = (tsr_layout){.dtype = dtype, .shape = {shape[0], shape[1], shape[2], shape[3]}};
    for (int i = 0; i < 4; i++) {
        const int axis = axes[order][i];
        if (padded && i == 1) extent += 5;
        if (padded && i == 3) extent += 3;
        t->layout.stride[axis] = extent;
        extent *= shape[axis] > 0 ? shape[axis] : 1;
    }
}

static void lay_out_main(grid_run *g, int which, tsr_dtype dtype, int64_t heads, int64_t n, int64_t d)
{
    const grid_case *c = g->c;
    const bool odd = c->only == 0 || (c->only >> which & 1);
    lay_out(&g->t[which], dtype, (const int64_t[4]){c->batch, heads, n, d}, odd ? c->order : BHND, odd ? c->step : 1, c->padded);
    int64_t *stride = g->t[which].layout.stride;
    if (c->shared && (which == GRID_K || which == GRID_V)) stride[0] = stride[1] = 0;
    if (c->key_step && which == GRID_K) stride[2] = c->key_step;
    if (c->far && which == GRID_K) stride[0] = c->far;
}

static void lay_out_spread(grid_tensor *t, tsr_dtype dtype, grid_spread s, const grid_case *c)
{
    if (s == NONE) return;
    const bool full = s == FULL || s == HELD || s == TURNED;
    const int64_t shape[4] = {full || s == BATCH ? c->batch : 1, full || s == HEADS ? c->heads : 1, s == COLUMN ? 1 : c->nq, s == ROW ? 1 : c->nk};
    lay_out(t, dtype, shape, s == TURNED ? BHDN : BHND, 1, false);
    if (s == HELD) t->layout.stride[1] = 0;
}

static void lay_out_all(grid_run *g)
{
    const grid_case *c = g->c;
    lay_out_main(g, GRID_Q, c->q, c->heads, c->nq, c->d);
    lay_out_main(g, GRID_K, c->k, c->kv_heads, c->nk, c->d);
    lay_out_main(g, GRID_V, c->v, c->kv_heads, c->nk, c->dv);
    lay_out_main(g, GRID_O, c->o, c->heads, c->nq, c->dv);
    lay_out_spread(&g->t[GRID_BIAS], c->bias_dtype, c->bias, c);
    lay_out_spread(&g->t[GRID_MASK], TSR_U8, c->mask, c);
    if (c->sink) lay_out(&g->t[GRID_SINK], TSR_F32, (const int64_t[4]){1, c->heads, 1, 1}, BHND, 1, false);
    if (c->lse) lay_out(&g->t[GRID_LSE], TSR_F32, (const int64_t[4]){c->batch, c->heads, c->nq, 1}, BHND, 1, c->padded);
}

/* Gives every tensor its buffer and offset; all bytes become 0xff, a NaN in every floating type. */
static bool place_all(grid_run *g)
{
    for (int i = 0; i < GRID_TENSORS; i++) {
        grid_tensor *t = &g->t[i];
        if (!t->used) continue;
        const uint64_t size = tsr_dtype_size(t->layout.dtype);
        if (g->c->place != TOGETHER || g->buffers == 0) g->buffers++;
        t->buffer = g->buffers - 1;
        grid_buffer *b = &g->b[t->buffer];
        if (g->c->place != APART) b->bytes += GUARD * size;
        t->offset = (b->bytes + size - 1) / size * size;
        int64_t extent = 0;
        for (int axis = 0; grid_elements(t) > 0 && axis < 4; axis++) extent += (t->layout.shape[axis] - 1) * t->layout.stride[axis];
        b->bytes = t->offset + (uint64_t)(extent + 1 + GUARD) * size;
    }
    for (int i = 0; i < g->buffers; i++) {
        g->b[i].sent = malloc((size_t)g->b[i].bytes);
        g->b[i].back = malloc((size_t)g->b[i].bytes);
        if (!g->b[i].sent || !g->b[i].back) return false;
        memset(g->b[i].sent, 0xff, (size_t)g->b[i].bytes);
    }
    return true;
}

static void put(grid_run *g, int which, int64_t element, double value)
{
    const grid_tensor *t = &g->t[which];
    oracle_store(t->layout.dtype, g->b[t->buffer].sent + grid_place_of(t, element), 0, value);
}

/* Weighted values are summed before they are divided. */
static double largest(const grid_case *c) { return c->v == TSR_F16 ? 65000 : 3e38 / (double)c->nk; }

/* Below the smallest normal number of the type, and within the precision that is left there. */
static double subnormal(tsr_dtype dtype, oracle_rng *r) { return (dtype == TSR_F16 ? 0x1p-16 : 0x1p-130) * oracle_normal(r); }

static double key_value(grid_run *g, int64_t e)
{
    const grid_case *c = g->c;
    if (c->values == QK_SUBNORMAL) return subnormal(c->k, &g->rng);
    if (c->values == KEYS_EQUAL) return (double)(e % c->d % 7) - 3;
    return oracle_normal(&g->rng);
}

static double value_value(grid_run *g, int64_t e)
{
    const grid_case *c = g->c;
    if (c->values == V_SUBNORMAL) return subnormal(c->v, &g->rng);
    if (c->values == V_LARGEST) return e % c->dv % 2 ? -largest(c) : largest(c);
    if (c->values == V_LARGEST_MIX) return oracle_below(&g->rng, 2) ? -largest(c) : largest(c);
    return 0.25 + oracle_normal(&g->rng);
}

static double bias_value(grid_run *g, int64_t e)
{
    const grid_case *c = g->c;
    const bool dead = e / g->t[GRID_BIAS].layout.shape[3] % 4 == 3 || oracle_below(&g->rng, 3) == 0;
    if (c->values == BIAS_DEAD && dead) return -INFINITY;
    if (c->values == BIAS_LOWEST && dead) return c->bias_dtype == TSR_F16 ? -65504 : -(double)FLT_MAX;
    return 1.5 * oracle_normal(&g->rng);
}

/* About a third hidden, and some rows wholly; what may be seen is any byte but 0. */
static double mask_value(grid_run *g, int64_t e)
{
    const int64_t keys = g->t[GRID_MASK].layout.shape[3];
    const bool first = g->c->values == MASK_FIRST && e % keys < 100;
    const bool dead = g->c->values == MASK_ALL || first || e / keys % 7 == 3 || oracle_below(&g->rng, 3) == 0;
    return dead ? 0 : 1 + oracle_below(&g->rng, 255);
}

static double sink_value(grid_run *g, int64_t e)
{
    if (g->c->values == SINK_OFF && e % 2) return -INFINITY;
    if (g->c->values == SINK_LOUD) return e % 2 ? -1e4 : 1e4;
    return 2 * oracle_normal(&g->rng);
}

static double query_value(grid_run *g, int64_t e)
{
    (void)e;
    if (g->c->values == QK_SUBNORMAL) return subnormal(g->c->q, &g->rng);
    return (g->c->loud != 0 ? (double)g->c->loud : 1) * oracle_normal(&g->rng);
}

bool grid_make(grid_run *g, const grid_case *c, uint64_t seed)
{
    static double (*const values[GRID_O])(grid_run *, int64_t) = {query_value, key_value, value_value, bias_value, mask_value, sink_value};
    *g = (grid_run){.c = c, .rng = oracle_seed(seed)};
    if (c->row_step > 1) g->rows = (oracle_rows){oracle_below(&g->rng, (uint32_t)c->row_step), c->row_step};
    lay_out_all(g);
    if (!place_all(g) || !grid_make_pairs(g)) return false;
    for (int i = 0; i < GRID_O; i++)
        for (int64_t e = 0; g->t[i].used && e < grid_elements(&g->t[i]); e++) put(g, i, e, values[i](g, e));
    const grid_tensor *t = g->t;
    g->desc = (tsr_attention_desc){.q = t[GRID_Q].layout,
                                   .k = t[GRID_K].layout,
                                   .v = t[GRID_V].layout,
                                   .o = t[GRID_O].layout,
                                   .lse = t[GRID_LSE].layout,
                                   .bias = t[GRID_BIAS].layout,
                                   .mask = t[GRID_MASK].layout,
                                   .sink = t[GRID_SINK].layout,
                                   .scale = c->scale,
                                   .softcap = c->softcap,
                                   .band = c->band,
                                   .splits = c->splits,
                                   .tile = c->tile};
    return true;
}

void grid_free(grid_run *g)
{
    tsr_attention_destroy(g->plan);
    grid_free_heads(g);
    for (int i = 0; i < g->buffers; i++) {
        tsr_buffer_destroy(g->b[i].buf);
        free(g->b[i].sent);
        free(g->b[i].back);
    }
}
