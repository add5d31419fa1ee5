/* What the user asks of tessera bench windows. */
#include <stdlib.h>

#include "bench_window_options.h"
#include "bench_windows.h"
#include "recipe_file.h"

static const char *const name = "bench";

/* How many numbers an option gives. */
static int numbers(const char *text)
{
    int count = 1;
    for (; *text; text++) count += *text == ',';
    return count;
}

/* As many numbers as the grid has. */
static int take_axes(const char *option, const char *text, const char *grid, int64_t out[3])
{
    if (!text) return -1;
    if (numbers(text) != numbers(grid))
        return cli_error(name, EXIT_INPUT, "argument %s is '%s'; expected a number for each of the grid's %d axes", option, text, numbers(grid));
    return recipe_parse_axes(name, option, text, out) ? -1 : EXIT_INPUT;
}

/* Does the window fit its grid? The library says it best. */
static int check_own(const bench_window *own)
{
    tsr_set *set = NULL;
    tsr_status status = bench_window_set(own, &set);
    if (status == TSR_OK) status = tsr_set_check(set, bench_window_tokens(own), bench_window_tokens(own));
    tsr_set_destroy(set);
    return status == TSR_OK ? -1 : cli_error(name, EXIT_INPUT, "the window asked for: %s", cli_reason(name));
}

/* A window of one's own, or a grid for the usual ones. */
static int take_grid(bench *b, const bench_window_texts *t)
{
    bench_window *own = &b->ask.own;
    int64_t tokens;
    if (!recipe_parse_axes(name, "--grid", t->grid, own->grid)) return EXIT_INPUT;
    if (__builtin_mul_overflow(own->grid[0], own->grid[1], &tokens) || __builtin_mul_overflow(tokens, own->grid[2], &tokens) || tokens > INT32_MAX)
        return cli_error(name, EXIT_INPUT, "argument --grid is '%s'; expected fewer than 2^31 tokens", t->grid);
    if (!t->window) {
        if (t->stride || t->dilation || b->causal) return cli_error(name, EXIT_INPUT, "a window of one's own needs --window beside --grid");
        return -1;
    }
    for (int a = 0; a < 3; a++) own->stride[a] = own->dilation[a] = 1;
    int code = take_axes("--window", t->window, t->grid, own->window);
    if (code < 0) code = take_axes("--stride", t->stride, t->grid, own->stride);
    if (code < 0) code = take_axes("--dilation", t->dilation, t->grid, own->dilation);
    own->causal[3 - numbers(t->grid)] = b->causal;
    return code < 0 ? check_own(own) : code;
}

static int take_recipe(bench_ask *ask, const bench_window_texts *t)
{
    tsr_recipe_desc desc = {.nq = ask->tokens, .nk = ask->tokens, .heads = (uint32_t)ask->heads};
    if (!recipe_parse_axes(name, "--grid", t->grid, desc.grid)) return EXIT_INPUT;
    char *text = recipe_file_read(name, t->recipe);
    if (!text) return EXIT_INPUT;
    desc.text = text;
    tsr_status status = tsr_recipe_parse(&desc, &ask->recipe);
    free(text);
    if (status == TSR_OK) status = tsr_recipe_get_info(ask->recipe, &ask->recipe_info);
    if (status != TSR_OK) return recipe_fail(name, status);
    tsr_recipe_info *info = &ask->recipe_info;
    if (!info->name[0]) info->name = t->recipe;
    if (info->nq == 0 || info->nk == 0)
        return cli_error(name, EXIT_INPUT, "recipe '%s' tells no number of tokens; expected --tokens N or --grid T,H,W", t->recipe);
    if (info->score || info->softcap != 0)
        return cli_error(name, EXIT_INPUT, "recipe '%s' has a score or a soft cap; expected sets alone, whose cost is measured here", t->recipe);
    return -1;
}

int bench_take_windows(bench *b, const bench_window_texts *t)
{
    bench_ask *ask = &b->ask;
    const bool own = t->window || t->stride || t->dilation || b->causal;
    if (ask->heads > 1024) return cli_error(name, EXIT_INPUT, "argument --heads is %d; expected 1 to 1024", ask->heads);
    if (ask->dim > 1024) return cli_error(name, EXIT_INPUT, "argument --head-dim is %d; expected 1 to 1024", ask->dim);
    if (!(ask->seconds > 0)) return cli_error(name, EXIT_INPUT, "argument --seconds is %g; expected more than 0", ask->seconds);
    if (t->recipe && own) return cli_error(name, EXIT_INPUT, "arguments --recipe and --window are both given; expected one of them");
    if (ask->tokens && !t->recipe) return cli_error(name, EXIT_INPUT, "argument --tokens is for --recipe; expected --grid N");
    if (own && !t->grid) return cli_error(name, EXIT_INPUT, "a window of one's own needs --grid beside --window");
    return t->recipe ? take_recipe(ask, t) : t->grid ? take_grid(b, t) : -1;
}
