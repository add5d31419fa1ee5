/* Windows on token grids: as sets, by their definition, in words; and windows of a wanted size. */
#include <math.h>
#include <stdio.h>

#include "bench_windows.h"

int64_t bench_window_tokens(const bench_window *w) { return w->grid[0] * w->grid[1] * w->grid[2]; }

int64_t bench_window_size(const bench_window *w) { return w->window[0] * w->window[1] * w->window[2]; }

tsr_status bench_window_set(const bench_window *w, tsr_set **out)
{
    tsr_set_node nodes[4] = {0};
    uint32_t count = 0;
    for (int a = 0; a < 3; a++) {
        if (w->grid[a] == 1) continue;
        const int64_t left = w->causal[a] ? w->window[a] - 1 : w->window[a] / 2;
        nodes[count++] = (tsr_set_node){.op = TSR_SET_LAW,
                                        .axis = (tsr_axis)(TSR_AXIS_T + a),
                                        .left = left,
                                        .right = w->window[a] - 1 - left,
                                        .stride = w->stride[a],
                                        .dilation = w->dilation[a],
                                        .flags = TSR_LAW_INWARD | (w->causal[a] ? TSR_LAW_CAUSAL : 0)};
    }
    if (count > 1) {
        nodes[count] = (tsr_set_node){.op = TSR_SET_ALL_OF, .count = count};
        count++;
    }
    const tsr_set_desc desc = {.nodes = nodes, .node_count = count, .grid = {w->grid[0], w->grid[1], w->grid[2]}};
    return tsr_set_create(&desc, out);
}

/* The keys of a place x on one axis: first, first + dilation, ...; how many. */
static int64_t axis_keys(const bench_window *w, int a, int64_t x, int64_t *first)
{
    const int64_t d = w->dilation[a], s = w->stride[a], size = w->window[a], class = x % d, p = x / d;
    const int64_t length = w->grid[a] / d + (class < w->grid[a] % d);
    int64_t leader = p / s * s + (w->causal[a] ? s - 1 : s / 2);
    if (leader > length - 1) leader = length - 1;
    int64_t start = leader - (w->causal[a] ? size - 1 : size / 2), end;
    if (!w->causal[a] && start > length - size) start = length - size;
    if (start < 0) start = 0;
    end = w->causal[a] ? p + 1 : start + size;
    *first = class + start * d;
    return end - start;
}

int64_t bench_window_keys(const bench_window *w, int64_t q, int64_t *keys)
{
    const int64_t place[3] = {q / w->grid[2] / w->grid[1], q / w->grid[2] % w->grid[1], q % w->grid[2]};
    int64_t first[3], seen[3], count = 0;
    for (int a = 0; a < 3; a++) seen[a] = axis_keys(w, a, place[a], &first[a]);
    for (int64_t t = 0; t < seen[0]; t++)
        for (int64_t y = 0; y < seen[1]; y++)
            for (int64_t x = 0; x < seen[2]; x++)
                keys[count++] =
                    ((first[0] + t * w->dilation[0]) * w->grid[1] + first[1] + y * w->dilation[1]) * w->grid[2] + first[2] + x * w->dilation[2];
    return count;
}

/* Adds " NAME AxBxC" for the axes that take part, unless all are idle. */
static void add_axes(char *text, size_t size, size_t *at, const char *name, const bench_window *w, const int64_t values[3], int64_t idle)
{
    bool told = idle == 0;
    for (int a = 0; a < 3; a++) told = told || (w->grid[a] > 1 && values[a] != idle);
    for (int a = 0; told && a < 3; a++) {
        if (w->grid[a] == 1 && a < 2) continue;
        if (*at < size) *at += (size_t)snprintf(text + *at, size - *at, "%s%lld", name, (long long)values[a]);
        name = "x";
    }
}

void bench_window_label(const bench_window *w, char *text, size_t size)
{
    size_t at = 0;
    add_axes(text, size, &at, "", w, w->grid, 0);
    add_axes(text, size, &at, " window ", w, w->window, 0);
    add_axes(text, size, &at, " stride ", w, w->stride, 1);
    add_axes(text, size, &at, " dilation ", w, w->dilation, 1);
    if ((w->causal[0] || w->causal[1] || w->causal[2]) && at < size) snprintf(text + at, size - at, " causal");
}

bench_window bench_window_near(const int64_t grid[3], const int64_t units[3], double share, int64_t multiple)
{
    bench_window best = {.grid = {grid[0], grid[1], grid[2]}, .stride = {units[0], units[1], units[2]}, .dilation = {1, 1, 1}};
    const int axes = (grid[0] > 1) + (grid[1] > 1) + (grid[2] > 1);
    const double side = pow(share, axes ? 1.0 / axes : 1), wanted = share * (double)bench_window_tokens(&best);
    double least = HUGE_VAL;
    for (int64_t t = units[0]; t <= grid[0]; t += units[0])
        for (int64_t y = units[1]; y <= grid[1]; y += units[1])
            for (int64_t x = units[2]; x <= grid[2]; x += units[2]) {
                const int64_t size[3] = {t, y, x};
                double cost = 10 * fabs(log((double)(t * y * x) / wanted));
                for (int a = 0; a < 3; a++)
                    if (grid[a] > 1) cost += fabs(log((double)size[a] / (side * (double)grid[a])));
                if (t * y * x % multiple) cost += 1000;
                if (cost >= least) continue;
                least = cost;
                for (int a = 0; a < 3; a++) best.window[a] = size[a];
            }
    return best;
}

bool bench_window_units(const int64_t grid[3], int64_t tile, int64_t units[3])
{
    int64_t surface = 0;
    for (int64_t t = 1; t <= tile; t++)
        for (int64_t y = 1; t * y <= tile; y++) {
            const int64_t x = tile / (t * y), sides = t * y + y * x + t * x;
            if (t * y * x != tile || grid[0] % t || grid[1] % y || grid[2] % x || (surface && sides >= surface)) continue;
            surface = sides;
            units[0] = t, units[1] = y, units[2] = x;
        }
    return surface > 0;
}
