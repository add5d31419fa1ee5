/* tessera bench: rates of attention, windows and decoding beside the device's own ceiling and beside peers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"
#include "bench_peer.h"
#include "bench_sparse.h"
#include "bench_window_options.h"
#include "bench_windows.h"

static const char *const name = "bench";

/* Options as popt leaves them. */
typedef struct arguments {
    char *dtype, *peer_kv, *tensors;
    char **shapes;
    bench_window_texts windows;
    long long seed;
} arguments;

static int run_on(bench *b, const char *what, const char *path)
{
    int code = cli_open(name, &b->device);
    if (code >= 0) return code;
    cli_cancels(&b->device);
    tsr_status s = tsr_device_peak(b->device.dev, &b->peak);
    if (s == TSR_OK) s = tsr_device_matrix_peak(b->device.dev, &b->matrix);
    if (s == TSR_OK) s = tsr_device_bandwidth(b->device.dev, &b->copy);
    if (s != TSR_OK)
        code = cli_fail(name, s);
    else
        code = strcmp(what, "attention") == 0 ? bench_attention(b)
               : strcmp(what, "windows") == 0 ? bench_windows(b)
               : strcmp(what, "sparse") == 0  ? bench_sparse(b)
               : strcmp(what, "conv") == 0    ? bench_conv(b)
                                              : bench_decode(b, path);
    cli_close(&b->device);
    return code;
}

/* The ids of all devices, in one block of memory. */
static char (*all_ids(size_t *count))[32]
{
    tsr_context *ctx = NULL;
    char(*ids)[32] = NULL;
    *count = 0;
    if (tsr_context_create(NULL, &ctx) != TSR_OK) return NULL;
    ids = calloc(tsr_device_count(ctx) + 1, sizeof(*ids));
    for (size_t i = 0; ids && i < tsr_device_count(ctx); i++) {
        tsr_device_info info;
        if (tsr_device_get_info(ctx, i, &info) == TSR_OK) snprintf(ids[(*count)++], sizeof(ids[0]), "%s", info.id);
    }
    tsr_context_destroy(ctx);
    return ids;
}

static int run_all(bench *b, const char *what, const char *path)
{
    if (!b->device.selector || strcmp(b->device.selector, "all") != 0) return run_on(b, what, path);
    size_t count;
    int code = -1;
    char *const asked = b->device.selector;
    char(*ids)[32] = all_ids(&count);
    for (size_t i = 0; i < count && code < 0; i++) {
        b->device.selector = ids[i];
        code = run_on(b, what, path);
    }
    b->device.selector = asked;
    free(ids);
    return code;
}

static bool parse_shape(const char *text, bench_shape *out)
{
    long long s[5];
    int used = 0;
    if (sscanf(text, "%lld,%lld,%lld,%lld,%lld%n", &s[0], &s[1], &s[2], &s[3], &s[4], &used) != 5 || text[used]) return false;
    *out = (bench_shape){s[0], s[1], s[2], s[3], s[4]};
    return s[0] >= 1 && s[1] >= 1 && s[2] >= 1 && s[3] >= 1 && s[4] >= 1 && s[4] <= 1024;
}

static int take_shapes(bench *b, char **texts)
{
    static const bench_shape usual[4] = {{1, 4, 1024, 1024, 64}, {1, 4, 4096, 4096, 64}, {1, 4, 1024, 1024, 128}, {1, 4, 4096, 4096, 128}};
    int count = 0;
    while (texts && texts[count]) count++;
    b->shape_count = count ? count : 4;
    b->shapes = calloc((size_t)b->shape_count, sizeof(*b->shapes));
    if (!b->shapes) return cli_error(name, EXIT_INPUT, "no memory for %d shapes", b->shape_count);
    if (!count) memcpy(b->shapes, usual, sizeof(usual));
    for (int i = 0; i < count; i++)
        if (!parse_shape(texts[i], &b->shapes[i]))
            return cli_error(name, EXIT_INPUT, "argument --shape is '%s'; expected B,H,NQ,NK,D, each 1 or more, D at most 1024", texts[i]);
    return -1;
}

static int check_peers(char **peers)
{
    for (char **p = peers; p && *p; p++) {
        bool known = strcmp(*p, "auto") == 0;
        for (int i = 0; bench_peer_names[i]; i++) known = known || strcmp(*p, bench_peer_names[i]) == 0;
        if (!known)
            return cli_error(
                name, EXIT_INPUT,
                "argument --peer is '%s'; expected ggml-cpu, ggml-vulkan, torch-sdpa, torch-flex, torch-flash, torch-cudnn, torch-flex-gpu or auto",
                *p);
    }
    return -1;
}

static bool parse_dtype(const char *text, tsr_dtype *out)
{
    static const tsr_dtype dtypes[] = {TSR_F32, TSR_F16, TSR_BF16};
    for (int i = 0; i < 3; i++)
        if (strcmp(text, tsr_dtype_name(dtypes[i])) == 0) return *out = dtypes[i], true;
    return false;
}

static int take_dtypes(bench *b, const arguments *a)
{
    b->dtype = TSR_F32;
    if (a->dtype && !parse_dtype(a->dtype, &b->dtype))
        return cli_error(name, EXIT_INPUT, "argument --dtype is '%s'; expected f32, f16 or bf16", a->dtype);
    b->peer_kv = b->dtype;
    if (a->peer_kv && !parse_dtype(a->peer_kv, &b->peer_kv))
        return cli_error(name, EXIT_INPUT, "argument --peer-kv is '%s'; expected f32, f16 or bf16", a->peer_kv);
    return -1;
}

static int check_files(const bench *b)
{
    if (b->json && b->plot && strcmp(b->json, b->plot) == 0)
        return cli_error(name, EXIT_INPUT, "arguments --json and --plot are both '%s'; expected two files", b->json);
    if ((b->json && !cli_can_write(name, b->json, NULL)) || (b->plot && !cli_can_write(name, b->plot, ".svg"))) return EXIT_INPUT;
    return -1;
}

enum { ATTENTION = 1, WINDOWS = 2, DECODE = 4, SPARSE = 8, CONV = 16 };

static const struct {
    const char *name;
    int bit;
} measures[] = {{"attention", ATTENTION}, {"windows", WINDOWS}, {"sparse", SPARSE}, {"decode", DECODE}, {"conv", CONV}};
enum { MEASURES = sizeof(measures) / sizeof(measures[0]) };

/* Options that a measure does not take. */
static int check_options(const bench *b, const arguments *a, int bit)
{
    const struct {
        const char *name;
        bool given;
        int of;
        const char *whose;
    } options[] = {
        {"--shape", a->shapes, ATTENTION, "attention"},
        {"--peer", b->peers, ATTENTION, "attention"},
        {"--peer-kv", a->peer_kv, ATTENTION, "attention"},
        {"--dtype", a->dtype, ATTENTION | WINDOWS | SPARSE, "attention, windows and sparse"},
        {"--causal", b->causal, ATTENTION | WINDOWS, "attention and windows"},
        {"--plot", b->plot, ATTENTION | WINDOWS | SPARSE, "attention, windows and sparse"},
        {"--seed", a->seed, ATTENTION | WINDOWS | SPARSE, "attention, windows and sparse"},
        {"--grid", a->windows.grid, ATTENTION | WINDOWS, "attention and windows"},
        {"--window", a->windows.window, ATTENTION | WINDOWS, "attention and windows"},
        {"--stride", a->windows.stride, ATTENTION | WINDOWS, "attention and windows"},
        {"--dilation", a->windows.dilation, ATTENTION | WINDOWS, "attention and windows"},
        {"--recipe", a->windows.recipe, WINDOWS, "windows"},
        {"--tokens", b->ask.tokens, WINDOWS | SPARSE, "windows and sparse"},
        {"--heads", b->ask.heads, WINDOWS | SPARSE, "windows and sparse"},
        {"--head-dim", b->ask.dim, WINDOWS | SPARSE, "windows and sparse"},
        {"--tensors", a->tensors, SPARSE, "sparse"},
        {"--model", b->model, DECODE, "decode"},
        {"--quick", b->quick, CONV, "conv"},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (options[i].given && !(options[i].of & bit))
            return cli_error(name, EXIT_INPUT, "argument %s is for bench %s", options[i].name, options[i].whose);
    return -1;
}

/* Shapes of attention on a grid have its tokens. */
static int fit_shapes(bench *b, bool asked)
{
    const int64_t tokens = bench_window_tokens(&b->ask.own);
    if (!asked) {
        b->shape_count = 2;
        for (int i = 0; i < 2; i++) b->shapes[i] = (bench_shape){1, 4, tokens, tokens, 64 << i};
    }
    for (int i = 0; i < b->shape_count; i++)
        if (b->shapes[i].queries != tokens || b->shapes[i].keys != tokens)
            return cli_error(name, EXIT_INPUT, "argument --shape has %lld queries and %lld keys; expected the grid's %lld tokens",
                             (long long)b->shapes[i].queries, (long long)b->shapes[i].keys, (long long)tokens);
    return -1;
}

static int take_attention(bench *b, const arguments *a)
{
    int code = take_dtypes(b, a);
    if (code < 0) code = check_peers(b->peers);
    if (code < 0) code = take_shapes(b, a->shapes);
    const bench_window_texts *w = &a->windows;
    if (code >= 0 || !(w->grid || w->window || w->stride || w->dilation)) return code;
    if (!w->grid || !w->window) return cli_error(name, EXIT_INPUT, "attention on a grid takes --grid and --window together");
    b->windowed = true;
    return code = bench_take_windows(b, w), code < 0 ? fit_shapes(b, a->shapes != NULL) : code;
}

static int take_windows(bench *b, const arguments *a)
{
    const int code = take_dtypes(b, a);
    return code < 0 ? bench_take_windows(b, &a->windows) : code;
}

static int take_sparse(bench *b, const arguments *a)
{
    b->realistic = a->tensors && strcmp(a->tensors, "realistic") == 0;
    if (a->tensors && !b->realistic && strcmp(a->tensors, "random") != 0)
        return cli_error(name, EXIT_INPUT, "argument --tensors is '%s'; expected random or realistic", a->tensors);
    if (b->ask.heads > 1024) return cli_error(name, EXIT_INPUT, "argument --heads is %d; expected 1 to 1024", b->ask.heads);
    if (b->ask.dim > 1024 || (b->realistic && b->ask.dim && b->ask.dim < 8))
        return cli_error(name, EXIT_INPUT, "argument --head-dim is %d; expected %d to 1024", b->ask.dim, b->realistic ? 8 : 1);
    if (!(b->ask.seconds > 0)) return cli_error(name, EXIT_INPUT, "argument --seconds is %g; expected more than 0", b->ask.seconds);
    return take_dtypes(b, a);
}

/* Everything that can be wrong with the arguments, before the work starts. */
static int take_arguments(bench *b, const arguments *a, const char *const *rest)
{
    if (!rest[0]) return cli_error(name, EXIT_INPUT, "expected attention, windows, sparse, conv or decode; see tessera bench --help");
    int bit = 0;
    for (int i = 0; i < MEASURES; i++)
        if (strcmp(rest[0], measures[i].name) == 0) bit = measures[i].bit;
    if (!bit) return cli_error(name, EXIT_INPUT, "'%s' cannot be measured; expected attention, windows, sparse, conv or decode", rest[0]);
    if (b->runs < 1 || b->runs > BENCH_MAX_RUNS)
        return cli_error(name, EXIT_INPUT, "argument --runs is %d; expected 1 to %d", b->runs, BENCH_MAX_RUNS);
    if (b->peer_wait < 1) return cli_error(name, EXIT_INPUT, "argument --peer-wait is %d; expected 1 or more seconds", b->peer_wait);
    b->seed = a->seed ? (uint64_t)a->seed : (uint64_t)time(NULL);
    int code = check_options(b, a, bit);
    if (code >= 0) return code;
    if (bit == DECODE && (!b->model || !rest[1] || rest[2]))
        return cli_error(name, EXIT_INPUT, "expected tessera bench decode --model W.safetensors LATENT.safetensors");
    if (bit != DECODE && rest[1]) return cli_error(name, EXIT_INPUT, "argument '%s' is unexpected after bench %s", rest[1], rest[0]);
    code = bit == ATTENTION ? take_attention(b, a) : bit == WINDOWS ? take_windows(b, a) : bit == SPARSE ? take_sparse(b, a) : -1;
    return code < 0 ? check_files(b) : code;
}

static int run(bench *b, const arguments *a, const char *const *rest)
{
    int code = take_arguments(b, a, rest);
    if (code >= 0) return code;
    const time_t now = time(NULL);
    strftime(b->date, sizeof(b->date), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    cli_catch();
    code = run_all(b, rest[0], rest[1]);
    if (code >= 0) return code;
    if (b->json && !bench_save(b, b->json, bench_json_write)) return EXIT_INPUT;
    if (b->plot && !bench_save(b, b->plot, b->case_count ? bench_windows_plot : b->sparse_count ? bench_sparse_plot : bench_plot_write))
        return EXIT_INPUT;
    return b->failed ? EXIT_FAILED : EXIT_DONE;
}

static void free_list(char **list)
{
    for (char **p = list; p && *p; p++) free(*p);
    free(list);
}

int cmd_bench(int argc, const char **argv)
{
    bench b = {.runs = 7, .peer_wait = 300, .ask.seconds = 4, .json_rows = cJSON_CreateArray()};
    arguments a = {0};
    struct poptOption options[] = {
        {"shape", 0, POPT_ARG_ARGV, &a.shapes, 0, "attention: B,H,NQ,NK,D; repeatable; default H=4, N=1024 and 4096, D=64 and 128", "SHAPE"},
        {"dtype", 0, POPT_ARG_STRING, &a.dtype, 0, "attention, windows, sparse: f32 (default), f16 or bf16", "TYPE"},
        {"causal", 0, POPT_ARG_NONE, &b.causal, 0, "attention: causal; windows: along the first axis", NULL},
        {"peer", 0, POPT_ARG_ARGV, &b.peers, 0,
         "attention: measure in turn with ggml-cpu, ggml-vulkan, torch-sdpa, torch-flex (on the CPU), torch-flash, torch-cudnn or torch-flex-gpu (on "
         "CUDA), "
         "repeatable, or auto: all that are there. Every result is checked against fp64; "
         "exit code 1 if one is WRONG or missing",
         "PEER"},
        {"peer-kv", 0, POPT_ARG_STRING, &a.peer_kv, 0,
         "attention: what the peers keep keys and values in (f16 if they do not take it); default: as --dtype", "TYPE"},
        {"peer-wait", 0, POPT_ARG_INT, &b.peer_wait, 0, "attention: seconds that a peer may take for one answer; default 300", "SECONDS"},
        {"plot", 0, POPT_ARG_STRING, &b.plot, 0,
         "attention: also draw the rates as a bar chart; windows and sparse: time against the share of the keys", "FILE.svg"},
        {"seed", 0, POPT_ARG_LONGLONG, &a.seed, CLI_FROM_1, "attention, windows, sparse: of the random inputs; default: the time", "N"},
        {"grid", 0, POPT_ARG_STRING, &a.windows.grid, 0,
         "windows: tokens along each axis; default: 1-D, 3-D and NATTEN's published cases; attention: with --window, in place of everyone", "T,H,W"},
        {"window", 0, POPT_ARG_STRING, &a.windows.window, 0,
         "windows, attention: keys along each axis; default of windows: 5, 10 and 20 % of the grid", "T,H,W"},
        {"stride", 0, POPT_ARG_STRING, &a.windows.stride, 0, "windows, attention: queries that share a window, along each axis; default 1", "T,H,W"},
        {"dilation", 0, POPT_ARG_STRING, &a.windows.dilation, 0, "windows, attention: distance between a window's keys along each axis; default 1",
         "T,H,W"},
        {"recipe", 0, POPT_ARG_STRING, &a.windows.recipe, 0, "windows: the sets of a recipe, a file or the name of an installed one", "RECIPE"},
        {"tokens", 0, POPT_ARG_INT, &b.ask.tokens, CLI_FROM_1,
         "windows: for a recipe that has no grid; sparse: default 16384 and 32760, fewer on slow devices", "N"},
        {"heads", 0, POPT_ARG_INT, &b.ask.heads, CLI_FROM_1, "windows, sparse: default 1, of windows more on fast devices", "H"},
        {"head-dim", 0, POPT_ARG_INT, &b.ask.dim, CLI_FROM_1, "windows, sparse: default 128, of windows 64 on slow devices", "D"},
        {"seconds", 0, POPT_ARG_DOUBLE, &b.ask.seconds, 0, "windows, sparse: sizes are chosen so that a dense run takes no longer; default 4",
         "SECONDS"},
        {"tensors", 0, POPT_ARG_STRING, &a.tensors, 0, "sparse: random (default) or realistic, with the structure that papers report", "KIND"},
        {"model", 'm', POPT_ARG_STRING, &b.model, 0, "decode: the decoder's weights", "W.safetensors"},
        {"quick", 0, POPT_ARG_NONE, &b.quick, 0, "conv: smaller frames", NULL},
        {"runs", 'n', POPT_ARG_INT, &b.runs, 0, "measured runs, after one that warms up; their median counts; default 7", "N"},
        {"json", 0, POPT_ARG_STRING, &b.json, 0, "also write the results as JSON, with every time and where it was measured", "FILE"},
        CLI_DEVICE_OPTIONS(b.device),
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext parse;
    const char **rest;
    int code =
        cli_parse(name,
                  "bench attention | tessera bench windows | tessera bench sparse | tessera bench conv | tessera bench decode --model W.safetensors "
                  "LATENT.safetensors  (--device all: every device)",
                  argc, argv, options, &parse, &rest);
    if (code < 0) {
        code = run(&b, &a, rest);
        poptFreeContext(parse);
    }
    cJSON_Delete(b.json_rows);
    char *const owned[] = {b.json,           b.plot,
                           b.model,          a.dtype,
                           a.peer_kv,        a.tensors,
                           a.windows.grid,   a.windows.window,
                           a.windows.stride, a.windows.dilation,
                           a.windows.recipe, b.device.selector,
                           b.device.budget,  b.device.submission};
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) free(owned[i]);
    free_list(a.shapes);
    free_list(b.peers);
    free(b.shapes);
    free(b.results);
    free(b.cases);
    free(b.sparse);
    tsr_recipe_destroy(b.ask.recipe);
    return code;
}
