/* What the user asks of tessera bench windows. */
#include <stdio.h>

#include "bench_window_options.h"
#include "bench_windows.h"

static const char *const name = "bench";

/* T,H,W or H,W or W: one to three numbers of at least 1; how many, or 0. The axes that are left out get 1. */
static int parse_axes(const char *text, int64_t out[3])
{
    long long v[3];
    int used[3] = {0}, count = 0;
    sscanf(text, "%lld%n,%lld%n,%lld%n", &v[0], &used[0], &v[1], &used[1], &v[2], &used[2]);
    for (int i = 0; i < 3; i++)
        if (used[i] && !text[used[i]]) count = i + 1;
    out[0] = out[1] = out[2] = 1;
    for (int i = 0; i < count; i++) {
        if (v[i] < 1 || v[i] > INT32_MAX) return 0;
        out[3 - count + i] = v[i];
    }
    return count;
}

static int take_axes(const char *option, const char *text, int rank, int64_t out[3])
{
    if (!text) return -1;
    if (parse_axes(text, out) == rank) return -1;
    return cli_error(name, EXIT_INPUT, "argument %s is '%s'; expected a number of 1 or more for each of the grid's %d axes", option, text, rank);
}

/* Does the window fit its grid? The library says it best. */
static int check_own(const bench_window *own)
{
    tsr_set *set = NULL;
    tsr_status status = bench_window_set(own, &set);
    if (status == TSR_OK) status = tsr_set_check(set, bench_window_tokens(own), bench_window_tokens(own));
    tsr_set_destroy(set);
    return status == TSR_OK ? -1 : cli_error(name, EXIT_INPUT, "the window asked for: %s", tsr_last_error());
}

int bench_take_windows(bench *b, const bench_window_texts *t)
{
    bench_ask *ask = &b->ask;
    bench_window *own = &ask->own;
    if (ask->heads < 0 || ask->heads > 1024) return cli_error(name, EXIT_INPUT, "argument --heads is %d; expected 1 to 1024", ask->heads);
    if (ask->dim < 0 || ask->dim > 1024) return cli_error(name, EXIT_INPUT, "argument --head-dim is %d; expected 1 to 1024", ask->dim);
    if (!(ask->seconds > 0)) return cli_error(name, EXIT_INPUT, "argument --seconds is %g; expected more than 0", ask->seconds);
    if (!t->grid && (t->window || t->stride || t->dilation || b->causal))
        return cli_error(name, EXIT_INPUT, "a window of one's own needs --grid beside --window");
    if (!t->grid) return -1;
    const int rank = parse_axes(t->grid, own->grid);
    int64_t tokens;
    if (!rank) return cli_error(name, EXIT_INPUT, "argument --grid is '%s'; expected T,H,W or H,W or W, each 1 or more", t->grid);
    if (__builtin_mul_overflow(own->grid[0], own->grid[1], &tokens) || __builtin_mul_overflow(tokens, own->grid[2], &tokens) || tokens > INT32_MAX)
        return cli_error(name, EXIT_INPUT, "argument --grid is '%s'; expected fewer than 2^31 tokens", t->grid);
    if (!t->window) {
        if (t->stride || t->dilation || b->causal) return cli_error(name, EXIT_INPUT, "a window of one's own needs --window beside --grid");
        return -1;
    }
    for (int a = 0; a < 3; a++) own->window[a] = own->stride[a] = own->dilation[a] = 1;
    int code = take_axes("--window", t->window, rank, own->window);
    if (code < 0) code = take_axes("--stride", t->stride, rank, own->stride);
    if (code < 0) code = take_axes("--dilation", t->dilation, rank, own->dilation);
    own->causal[3 - rank] = b->causal;
    return code < 0 ? check_own(own) : code;
}
