/* tessera stream: an endless stream through a cache of constant memory, by a recipe. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "recipe_file.h"
#include "stream_source.h"

static const char *const name = "stream";

enum { EARLY = 100, LATE = 100 }; /* chunks 10 to 109, and the last 100 */

typedef struct streaming {
    cli_device device;
    char *input, *grid, *dtype, *save, *load;
    long long chunks, frames, heads, heads_kv, dim, batch, seed;
    int json;
    tsr_tensors *file;
    tsr_stream_desc desc;
    tsr_stream *stream;
    stream_source source;
    tsr_buffer *out;
    double early[EARLY], late[LATE];
    long long done, filled;               /* chunks counted, and those before */
    uint64_t memory_before, memory_after; /* of the process */
    double seconds;
    bool interrupted, scored;
} streaming;

/* Bytes of this process in memory; 0 where the system does not tell. */
static uint64_t resident(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long long pages = 0;
    if (file && fscanf(file, "%*u %llu", &pages) != 1) pages = 0;
    if (file) fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static int read_recipe(streaming *s, const char *recipe)
{
    char *text = recipe_file_read_of(name, "stream/", recipe);
    if (!text) return EXIT_INPUT;
    const tsr_status status = tsr_stream_recipe(text, 0, &s->desc);
    free(text);
    return status == TSR_OK ? -1 : cli_error(name, EXIT_INPUT, "recipe '%s': %s", recipe, cli_reason(name));
}

static int parse_numbers(streaming *s)
{
    const struct {
        const char *option;
        long long value, least, most;
    } all[] = {{"--chunks", s->chunks, 0, 1000000000000}, {"--frames", s->frames, 1, 1 << 20}, {"--heads", s->heads, 1, 4096},
               {"--heads-kv", s->heads_kv, 1, 4096},      {"--dim", s->dim, 2, 1024},          {"--batch", s->batch, 1, 4096}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i].value < all[i].least || all[i].value > all[i].most)
            return cli_error(name, EXIT_INPUT, "argument %s is %lld; expected %lld to %lld", all[i].option, all[i].value, all[i].least, all[i].most);
    long long height = 0, width = 0;
    int used = 0;
    if (s->grid &&
        (sscanf(s->grid, "%lld,%lld%n", &height, &width, &used) != 2 || s->grid[used] || height < 1 || width < 1 || height > 65536 || width > 65536))
        return cli_error(name, EXIT_INPUT, "argument --grid is '%s'; expected HEIGHT,WIDTH in tokens", s->grid);
    if (s->grid) s->desc.rope.grid[0] = height, s->desc.rope.grid[1] = width;
    for (int i = 0; i < 2; i++)
        if (s->desc.rope.grid[i] == 0) s->desc.rope.grid[i] = 1;
    return -1;
}

/* The tensors' shapes and types, and what the recipe leaves open: frames are those of the grid (with several kinds, the last kind's),
 * and rotary position is split over time, height and width where there is a grid. */
static int describe(streaming *s)
{
    tsr_stream_desc *d = &s->desc;
    stream_source *source = &s->source;
    if (s->file && !stream_source_shapes(source, s->file)) return EXIT_INPUT;
    if (!s->file)
        *source = (stream_source){.dtype = TSR_F32, .batch = s->batch, .heads_q = s->heads, .heads_kv = s->heads_kv, .d = s->dim, .dv = s->dim};
    d->batch = source->batch;
    d->heads_q = source->heads_q;
    d->heads_kv = source->heads_kv;
    d->d = source->d;
    d->dv = source->dv;
    d->k_dtype = d->v_dtype = source->dtype;
    static const tsr_dtype dtypes[] = {TSR_F32, TSR_F16, TSR_BF16};
    for (int i = 0; s->dtype && i < 3; i++)
        if (strcmp(s->dtype, tsr_dtype_name(dtypes[i])) == 0) d->k_dtype = d->v_dtype = dtypes[i];
    if (s->dtype && strcmp(s->dtype, tsr_dtype_name(d->k_dtype)) != 0)
        return cli_error(name, EXIT_INPUT, "argument --dtype is '%s'; expected f32, f16 or bf16", s->dtype);
    const int64_t frame = d->rope.grid[0] * d->rope.grid[1];
    if (d->kind_count > 0 && frame > 1) d->kinds[d->kind_count - 1].frame = frame;
    if (d->rope.axes == 0 && d->d >= 2) {
        const int64_t third = frame > 1 || d->rope.together ? d->d / 6 * 2 : 0;
        d->rope.axes = third > 0 ? 3 : 1;
        d->rope.channels[0] = d->d / 2 * 2 - 2 * third;
        d->rope.channels[1] = d->rope.channels[2] = third;
    }
    for (uint32_t k = 0; k < d->kind_count; k++) s->scored = s->scored || d->kinds[k].rule == TSR_STREAM_LOWEST_SCORE;
    if (!stream_source_chunks(source, d, s->frames)) return cli_error(name, EXIT_INPUT, "not enough memory for a chunk");
    if (!s->file) source->tokens = 4 * source->chunk;
    if (source->tokens < source->chunk)
        return cli_error(name, EXIT_INPUT, "the file has %" PRId64 " tokens; expected at least a chunk of %" PRId64, source->tokens, source->chunk);
    d->queries[0] = source->chunk;
    return -1;
}

static int prepare(streaming *s)
{
    tsr_status status = tsr_stream_create(s->device.dev, &s->desc, &s->stream);
    const stream_source *source = &s->source;
    if (status == TSR_OK && s->load) status = tsr_stream_load(s->stream, s->load);
    if (status == TSR_OK)
        status = tsr_buffer_create(s->device.dev, (uint64_t)(source->batch * source->heads_q * source->chunk * source->dv) * sizeof(float), &s->out);
    if (status != TSR_OK) return cli_fail(name, status);
    tsr_stream_info info;
    tsr_stream_get_info(s->stream, &info);
    s->source.next = info.appended;
    s->source.clock = info.appended; /* on from a loaded stream: no less than any time that it has */
    return stream_source_fill(&s->source, s->device.dev, s->file, (uint64_t)s->seed);
}

static tsr_status step(streaming *s, double *took)
{
    tsr_stream_tokens tokens;
    tsr_stream_queries queries;
    stream_source_next(&s->source, &s->desc, s->out, &tokens, &queries);
    const double before = cli_now();
    tsr_status status = tsr_stream_append(s->stream, &tokens, NULL);
    queries.score = s->desc.probabilities;
    queries.decay = 1;
    if (status == TSR_OK) status = tsr_stream_attend(s->stream, &queries);
    if (status == TSR_OK && s->scored && !s->desc.probabilities) status = tsr_stream_participate(s->stream, &queries, 0);
    if (status == TSR_OK) status = tsr_device_wait(s->device.dev);
    *took = cli_now() - before;
    return status;
}

static void show(const streaming *s, double took)
{
    static double last;
    const double now = cli_now();
    if (s->device.quiet || !isatty(2) || now - last < 0.1) return;
    last = now;
    tsr_stream_info info;
    tsr_stream_get_info(s->stream, &info);
    fprintf(stderr, "\rchunk %lld: %.2f ms, keys %" PRId64 " of %" PRId64 " seen, device %.1f MiB, process %.1f MiB \033[K", s->done, took * 1e3,
            info.kept, info.appended, (double)info.device_bytes / 1048576, (double)resident() / 1048576);
    fflush(stderr);
}

/* Until the cache is full chunks see less: they come before those that are counted. */
static int run(streaming *s)
{
    tsr_stream_info info;
    double took;
    for (int64_t kept = -1;; kept = info.kept, s->filled++) {
        tsr_stream_get_info(s->stream, &info);
        if (info.kept <= kept || info.kept == info.capacity || cli_interrupted()) break;
        const tsr_status status = step(s, &took);
        if (status != TSR_OK) return cli_fail(name, status);
        show(s, took);
    }
    s->memory_before = resident();
    const double start = cli_now();
    while ((s->chunks == 0 || s->done < s->chunks) && !cli_interrupted()) {
        const tsr_status status = step(s, &took);
        if (status != TSR_OK) return cli_fail(name, status);
        if (s->done >= 10 && s->done < 10 + EARLY) s->early[s->done - 10] = took;
        s->late[s->done % LATE] = took;
        s->done++;
        show(s, took);
    }
    s->seconds = cli_now() - start;
    s->memory_after = resident();
    s->interrupted = cli_interrupted();
    if (!s->device.quiet && isatty(2)) fprintf(stderr, "\r\033[K");
    return -1;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof(*values), ascending);
    return count ? (values[(count - 1) / 2] + values[count / 2]) / 2 : 0;
}

static void report(streaming *s)
{
    const int early_count = s->done >= 10 + EARLY ? EARLY : s->done > 10 ? (int)s->done - 10 : 0, late_count = s->done < LATE ? (int)s->done : LATE;
    const double early = median(s->early, early_count), late = median(s->late, late_count);
    tsr_stream_info info;
    tsr_stream_get_info(s->stream, &info);
    if (!s->json) {
        if (s->device.quiet) return;
        fprintf(stderr,
                "%lld chunks of %" PRId64 " tokens in %.2f s; %" PRId64 " of %" PRId64
                " tokens kept; device %.1f MiB, process %+.1f MiB since the cache was full\n",
                s->done, s->source.chunk, s->seconds, info.kept, info.appended, (double)info.device_bytes / 1048576,
                ((double)s->memory_after - (double)s->memory_before) / 1048576);
        if (early > 0)
            fprintf(stderr, "a chunk takes %.3f ms (%d from the 10th on), %.3f ms (the last %d): %.3f x\n", early * 1e3, early_count, late * 1e3,
                    late_count, late / early);
        return;
    }
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "device", tsr_device_info_of(s->device.dev)->id);
    cJSON_AddNumberToObject(o, "chunks", (double)s->done);
    cJSON_AddNumberToObject(o, "chunks_to_fill", (double)s->filled);
    cJSON_AddNumberToObject(o, "chunk_tokens", (double)s->source.chunk);
    cJSON_AddNumberToObject(o, "tokens_kept", (double)info.kept);
    cJSON_AddNumberToObject(o, "tokens_appended", (double)info.appended);
    cJSON_AddNumberToObject(o, "capacity", (double)info.capacity);
    cJSON_AddNumberToObject(o, "device_bytes", (double)info.device_bytes);
    cJSON_AddNumberToObject(o, "host_bytes", (double)info.host_bytes);
    cJSON_AddNumberToObject(o, "process_bytes_full", (double)s->memory_before);
    cJSON_AddNumberToObject(o, "process_bytes_end", (double)s->memory_after);
    cJSON_AddNumberToObject(o, "seconds", s->seconds);
    if (early > 0) cJSON_AddNumberToObject(o, "seconds_early_chunks", early);
    cJSON_AddNumberToObject(o, "seconds_last_chunks", late);
    if (early > 0) cJSON_AddNumberToObject(o, "flatness", late / early);
    cJSON_AddBoolToObject(o, "interrupted", s->interrupted);
    char *text = cJSON_Print(o);
    puts(text ? text : "{}");
    cJSON_free(text);
    cJSON_Delete(o);
}

static int stream_recipe(streaming *s, const char *recipe)
{
    int code = read_recipe(s, recipe);
    if (code >= 0 || (code = parse_numbers(s)) >= 0) return code;
    if (s->save && (cli_same_file(recipe, s->save) || (s->input && cli_same_file(s->input, s->save))))
        return cli_error(name, EXIT_INPUT, "file '%s' to save to is an input; expected another file", s->save);
    if (s->save && !cli_can_write(name, s->save, ".safetensors")) return EXIT_INPUT;
    if (s->input) {
        const tsr_status status = tsr_tensors_open(s->input, &s->file);
        if (status != TSR_OK) return cli_fail(name, status);
    }
    if ((code = describe(s)) >= 0 || (code = cli_open(name, &s->device)) >= 0 || (code = prepare(s)) >= 0) return code;
    cli_catch();
    if ((code = run(s)) >= 0) return code;
    report(s);
    if (s->save) {
        const tsr_status status = tsr_stream_save(s->stream, s->save);
        if (status != TSR_OK) return cli_fail(name, status);
    }
    return s->interrupted && s->chunks > 0 ? EXIT_INTERRUPTED : EXIT_DONE;
}

int cmd_stream(int argc, const char **argv)
{
    streaming s = {.chunks = 1000, .frames = 1, .heads = 8, .heads_kv = 8, .dim = 64, .batch = 1, .seed = 1};
    struct poptOption options[] = {
        {"chunks", 'n', POPT_ARG_LONGLONG, &s.chunks, 0, "chunks once the cache is full; 0: until Ctrl-C; default 1000", "N"},
        {"frames", 0, POPT_ARG_LONGLONG, &s.frames, 0, "frames (of each kind) in a chunk; default 1", "N"},
        {"grid", 0, POPT_ARG_STRING, &s.grid, 0, "tokens of a frame; default: as the recipe says", "HEIGHT,WIDTH"},
        {"input", 'i', POPT_ARG_STRING, &s.input, 0, "tensors q, k, v [B,H,N,D], over and over; default: random", "IN.safetensors"},
        {"heads", 0, POPT_ARG_LONGLONG, &s.heads, 0, "random: heads of queries; default 8", "N"},
        {"heads-kv", 0, POPT_ARG_LONGLONG, &s.heads_kv, 0, "random: heads of keys and values; default 8", "N"},
        {"dim", 0, POPT_ARG_LONGLONG, &s.dim, 0, "random: channels of a head; default 64", "N"},
        {"batch", 0, POPT_ARG_LONGLONG, &s.batch, 0, "random: streams side by side; default 1", "N"},
        {"seed", 0, POPT_ARG_LONGLONG, &s.seed, 0, "random: where the numbers begin; default 1", "N"},
        {"dtype", 0, POPT_ARG_STRING, &s.dtype, 0, "how keys and values are kept: f32, f16 or bf16; default: as they come", "TYPE"},
        {"load", 0, POPT_ARG_STRING, &s.load, 0, "go on from a saved cache of the same recipe and shapes", "STATE.safetensors"},
        {"save", 0, POPT_ARG_STRING, &s.save, 0, "save the cache at the end", "STATE.safetensors"},
        {"json", 0, POPT_ARG_NONE, &s.json, 0, "print a report as JSON", NULL},
        CLI_DEVICE_OPTIONS(s.device),
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext parse;
    const char **rest;
    int code = cli_parse(name, "stream RECIPE  (streamingllm, longlive, reward_forcing, deep_forcing, streamingvlm, h2o, or a file)", argc, argv,
                         options, &parse, &rest);
    if (code >= 0) return code;
    if (!rest[0] || rest[1])
        code = cli_error(name, EXIT_INPUT, "expected one recipe; see tessera stream --help");
    else
        code = stream_recipe(&s, rest[0]);
    tsr_stream_destroy(s.stream);
    tsr_buffer_destroy(s.out);
    stream_source_free(&s.source);
    cli_close(&s.device);
    tsr_tensors_close(s.file);
    char *const owned[] = {s.input, s.grid, s.dtype, s.save, s.load, s.device.selector, s.device.budget, s.device.submission};
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) free(owned[i]);
    poptFreeContext(parse);
    return code;
}
