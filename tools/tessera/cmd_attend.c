/* tessera attend: attention on the tensors of a safetensors file. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"

static const char *const name = "attend";

typedef struct attend {
    cli_device device;
    char *out, *layout, *window, *align, *tile, *out_dtype, *scale_text, *softcap_text;
    int causal, lse, splits, json;
    tsr_tensors *file;
    tsr_tensor_view q, k, v, bias, mask, sink;
    bool has_bias, has_mask, has_sink, bnhd;
    tsr_attention_desc desc;
    tsr_attention *plan;
    tsr_buffer *buffers[8]; /* q k v bias mask sink o lse */
    double seconds;
} attend;

/* The last four axes of a tensor of rank 2 to 4, as [B,H,N,D] whatever lies in the file. */
static bool to_layout(const tsr_tensor_view *t, bool bnhd, tsr_layout *out)
{
    if (t->rank < 2 || t->rank > 4) {
        cli_error(name, EXIT_INPUT, "tensor '%s' has rank %u; expected 2 to 4", t->name, t->rank);
        return false;
    }
    int64_t shape[4] = {1, 1, 1, 1}, stride[4], step = 1;
    for (uint32_t i = 0; i < t->rank; i++) shape[4 - t->rank + i] = t->shape[i];
    if (bnhd && t->rank == 2) shape[1] = shape[2], shape[2] = 1;
    for (int i = 3; i >= 0; i--) {
        stride[i] = step;
        step *= shape[i] > 0 ? shape[i] : 1;
    }
    *out = (tsr_layout){.dtype = t->dtype};
    static const int as_is[4] = {0, 1, 2, 3}, swapped[4] = {0, 2, 1, 3};
    for (int i = 0; i < 4; i++) {
        out->shape[i] = shape[(bnhd ? swapped : as_is)[i]];
        out->stride[i] = stride[(bnhd ? swapped : as_is)[i]];
    }
    return true;
}

static bool parse_window(attend *a)
{
    tsr_band *set = &a->desc.band;
    *set = (tsr_band){.left = TSR_UNBOUNDED, .right = TSR_UNBOUNDED};
    if (a->window) {
        long long left, right;
        int used = 0;
        if (sscanf(a->window, "%lld,%lld%n", &left, &right, &used) != 2 || a->window[used] || left < -1 || right < -1) {
            cli_error(name, EXIT_INPUT, "argument --window is '%s'; expected LEFT,RIGHT, each 0 or more or -1 for no bound", a->window);
            return false;
        }
        set->bounded = 1;
        if (left >= 0) set->left = left;
        if (right >= 0) set->right = right;
    }
    if (a->causal) set->bounded = 1, set->right = 0;
    if (a->align && strcmp(a->align, "top-left") == 0)
        set->align = TSR_ALIGN_TOP_LEFT;
    else if (a->align && strcmp(a->align, "bottom-right") != 0) {
        cli_error(name, EXIT_INPUT, "argument --align is '%s'; expected bottom-right or top-left", a->align);
        return false;
    }
    return true;
}

static bool parse_number(const char *option, const char *text, float *out)
{
    if (!text) return true;
    char *end;
    const float value = strtof(text, &end);
    if (end == text || *end) {
        cli_error(name, EXIT_INPUT, "argument %s is '%s'; expected a number", option, text);
        return false;
    }
    if (strcmp(option, "--scale") == 0 && value == 0) {
        cli_error(name, EXIT_INPUT, "argument --scale is 0; expected another number");
        return false;
    }
    *out = value;
    return true;
}

static bool parse_names(attend *a)
{
    static const char *const tiles[] = {"auto", "vector", "simt", "subgroup"};
    if (a->layout && strcmp(a->layout, "bnhd") != 0 && strcmp(a->layout, "bhnd") != 0) {
        cli_error(name, EXIT_INPUT, "argument --layout is '%s'; expected bhnd or bnhd", a->layout);
        return false;
    }
    a->bnhd = a->layout && strcmp(a->layout, "bnhd") == 0;
    for (uint32_t i = 0; a->tile && i < 4; i++)
        if (strcmp(a->tile, tiles[i]) == 0) {
            a->desc.tile = i;
            break;
        } else if (i == 3) {
            cli_error(name, EXIT_INPUT, "argument --tile is '%s'; expected auto, vector, simt or subgroup", a->tile);
            return false;
        }
    if (a->splits < 0) {
        cli_error(name, EXIT_INPUT, "argument --splits is %d; expected 0 or more", a->splits);
        return false;
    }
    a->desc.splits = (uint32_t)a->splits;
    return parse_number("--scale", a->scale_text, &a->desc.scale) && parse_number("--softcap", a->softcap_text, &a->desc.softcap) && parse_window(a);
}

/* The optional tensor of that name, as four axes. */
static bool optional(attend *a, const char *tensor, tsr_tensor_view *view, bool *there, tsr_layout *layout)
{
    *there = tsr_tensors_find(a->file, tensor, view) == TSR_OK;
    return !*there || to_layout(view, false, layout);
}

static int describe(attend *a)
{
    tsr_status s = tsr_tensors_find(a->file, "q", &a->q);
    if (s == TSR_OK) s = tsr_tensors_find(a->file, "k", &a->k);
    if (s == TSR_OK) s = tsr_tensors_find(a->file, "v", &a->v);
    if (s != TSR_OK) return cli_fail(name, s);
    tsr_attention_desc *d = &a->desc;
    if (!to_layout(&a->q, a->bnhd, &d->q) || !to_layout(&a->k, a->bnhd, &d->k) || !to_layout(&a->v, a->bnhd, &d->v)) return EXIT_INPUT;
    if (!optional(a, "bias", &a->bias, &a->has_bias, &d->bias) || !optional(a, "mask", &a->mask, &a->has_mask, &d->mask)) return EXIT_INPUT;
    a->has_sink = tsr_tensors_find(a->file, "sinks", &a->sink) == TSR_OK;
    if (a->has_sink) {
        if (a->sink.rank != 1)
            return cli_error(name, EXIT_INPUT, "tensor 'sinks' has rank %u; expected 1, a logit for each query head", a->sink.rank);
        d->sink = (tsr_layout){.dtype = a->sink.dtype, .shape = {1, a->sink.shape[0], 1, 1}};
    }
    d->o = d->q;
    d->o.shape[3] = d->v.shape[3];
    for (uint32_t i = 0; a->out_dtype && i < TSR_DTYPE_COUNT; i++)
        if (strcmp(a->out_dtype, tsr_dtype_name((tsr_dtype)i)) == 0) {
            d->o.dtype = (tsr_dtype)i;
            break;
        } else if (i + 1 == TSR_DTYPE_COUNT)
            return cli_error(name, EXIT_INPUT, "argument --out-dtype is '%s'; expected f32, f16 or bf16", a->out_dtype);
    /* o lies packed, in the order of axes of q. */
    const int64_t h = d->o.shape[1] > 0 ? d->o.shape[1] : 1, n = d->o.shape[2] > 0 ? d->o.shape[2] : 1, dv = d->o.shape[3] > 0 ? d->o.shape[3] : 1;
    d->o.stride[3] = 1;
    d->o.stride[2] = a->bnhd ? h * dv : dv;
    d->o.stride[1] = a->bnhd ? dv : n * dv;
    d->o.stride[0] = h * n * dv;
    if (a->lse) d->lse = (tsr_layout){.dtype = TSR_F32, .shape = {d->q.shape[0], d->q.shape[1], d->q.shape[2], 1}};
    return -1;
}

static uint64_t layout_bytes(const tsr_layout *l)
{
    return (uint64_t)l->shape[0] * (uint64_t)l->shape[1] * (uint64_t)l->shape[2] * (uint64_t)l->shape[3] * tsr_dtype_size(l->dtype);
}

static tsr_status upload(attend *a)
{
    const tsr_tensor_view *const inputs[6] = {
        &a->q, &a->k, &a->v, a->has_bias ? &a->bias : NULL, a->has_mask ? &a->mask : NULL, a->has_sink ? &a->sink : NULL};
    for (int i = 0; i < 6; i++) {
        if (!inputs[i]) continue;
        tsr_status s = tsr_buffer_create(a->device.dev, inputs[i]->size, &a->buffers[i]);
        if (s == TSR_OK) s = tsr_buffer_write(a->buffers[i], 0, inputs[i]->data, inputs[i]->size);
        if (s != TSR_OK) return s;
    }
    const tsr_status s = tsr_buffer_create(a->device.dev, layout_bytes(&a->desc.o), &a->buffers[6]);
    return s == TSR_OK && a->lse ? tsr_buffer_create(a->device.dev, layout_bytes(&a->desc.lse), &a->buffers[7]) : s;
}

/* In parts of about a fifth of a second, so that progress shows and Ctrl-C is heard. */
static int run(attend *a)
{
    tsr_buffer **b = a->buffers;
    tsr_attention_args args = {
        .q = {b[0], 0}, .k = {b[1], 0}, .v = {b[2], 0}, .bias = {b[3], 0}, .mask = {b[4], 0}, .sink = {b[5], 0}, .o = {b[6], 0}, .lse = {b[7], 0}};
    tsr_attention_info info;
    tsr_attention_get_info(a->plan, &info);
    const double start = cli_now();
    uint64_t part = info.flops < 1000000000 ? info.tile_count : info.tile_count / 64 + 1;
    while (args.first_tile < info.tile_count) {
        if (cli_interrupted()) return cli_error(name, EXIT_INTERRUPTED, "interrupted; nothing was written");
        args.tile_count = part < info.tile_count - args.first_tile ? part : info.tile_count - args.first_tile;
        const double before = cli_now();
        tsr_status s = tsr_attention_run(a->plan, &args);
        if (s == TSR_OK) s = tsr_device_wait(a->device.dev);
        if (s != TSR_OK) return cli_fail(name, s);
        const double took = cli_now() - before;
        args.first_tile += args.tile_count;
        if (took < 0.1)
            part *= 2;
        else if (took > 0.4 && part > 1)
            part /= 2;
        cli_progress("attend", (double)args.first_tile / (double)info.tile_count);
    }
    a->seconds = cli_now() - start;
    cli_progress_end();
    return -1;
}

static int save(attend *a)
{
    tsr_tensor_view out[2] = {a->q, {.name = "lse", .dtype = TSR_F32}};
    out[0].name = "o";
    out[0].dtype = a->desc.o.dtype;
    out[0].shape[a->q.rank - 1] = a->desc.o.shape[3];
    out[0].size = tsr_buffer_size(a->buffers[6]);
    out[1].rank = a->q.rank - 1;
    out[1].size = tsr_buffer_size(a->buffers[7]);
    for (uint32_t i = 0; i < out[1].rank; i++) out[1].shape[i] = a->desc.q.shape[3 - out[1].rank + i]; /* [B,H,N] */
    void *data[2] = {malloc(out[0].size + 1), malloc(out[1].size + 1)};
    tsr_status s = data[0] && data[1] ? TSR_OK : TSR_ERROR_HOST_MEMORY;
    int code = s == TSR_OK ? -1 : cli_error(name, EXIT_INPUT, "not enough memory for an output of %llu bytes", (unsigned long long)out[0].size);
    if (s == TSR_OK) s = tsr_buffer_read(a->buffers[6], 0, data[0], out[0].size);
    if (s == TSR_OK && a->lse) s = tsr_buffer_read(a->buffers[7], 0, data[1], out[1].size);
    out[0].data = data[0];
    out[1].data = data[1];
    if (s == TSR_OK) s = tsr_tensors_save(a->out, out, a->lse ? 2 : 1);
    if (s != TSR_OK && code < 0) code = cli_fail(name, s);
    free(data[0]);
    free(data[1]);
    return code;
}

static void report(const attend *a)
{
    tsr_attention_info info;
    tsr_attention_get_info(a->plan, &info);
    const double rate = a->seconds > 0 ? (double)info.flops / a->seconds / 1e9 : 0;
    if (a->json) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "device", tsr_device_info_of(a->device.dev)->id);
        cJSON_AddStringToObject(o, "kernel", info.kernel);
        cJSON_AddNumberToObject(o, "seconds", a->seconds);
        cJSON_AddNumberToObject(o, "flops", (double)info.flops);
        cJSON_AddNumberToObject(o, "gflops_per_second", rate);
        cJSON_AddNumberToObject(o, "density", info.density);
        cJSON_AddNumberToObject(o, "tiles_visited", (double)info.tiles_visited);
        cJSON_AddNumberToObject(o, "splits", info.splits);
        cJSON_AddNumberToObject(o, "workspace_bytes", (double)info.workspace);
        char *text = cJSON_Print(o);
        puts(text ? text : "{}");
        cJSON_free(text);
        cJSON_Delete(o);
    } else if (!a->device.quiet) {
        fprintf(stderr, "%s: %.3f s, %.1f GFLOP/s, %s, density %.3g\n", a->out, a->seconds, rate, info.kernel, info.density);
    }
}

static int attend_file(attend *a, const char *in)
{
    if (!parse_names(a)) return EXIT_INPUT;
    if (cli_same_file(in, a->out)) return cli_error(name, EXIT_INPUT, "output '%s' is the input; expected another file", a->out);
    if (!cli_can_write(name, a->out)) return EXIT_INPUT;
    tsr_status s = tsr_tensors_open(in, &a->file);
    if (s != TSR_OK) return cli_fail(name, s);
    int code = describe(a);
    if (code >= 0) return code;
    if ((code = cli_open(name, &a->device)) >= 0) return code;
    if ((s = tsr_attention_prepare(a->device.dev, &a->desc, &a->plan)) != TSR_OK || (s = upload(a)) != TSR_OK) return cli_fail(name, s);
    cli_catch();
    if ((code = run(a)) >= 0 || (code = save(a)) >= 0) return code;
    report(a);
    return EXIT_DONE;
}

int cmd_attend(int argc, const char **argv)
{
    attend a = {0};
    struct poptOption options[] = {
        {"output", 'o', POPT_ARG_STRING, &a.out, 0, "file to write: o, and lse with --lse", "OUT.safetensors"},
        {"layout", 0, POPT_ARG_STRING, &a.layout, 0, "order of axes of q, k, v: bhnd (default) or bnhd", "ORDER"},
        {"scale", 0, POPT_ARG_STRING, &a.scale_text, 0, "factor on q.k; default 1/sqrt(head dim)", "X"},
        {"softcap", 0, POPT_ARG_STRING, &a.softcap_text, 0, "scores become c tanh(score / c)", "C"},
        {"causal", 0, POPT_ARG_NONE, &a.causal, 0, "keys after the query are not seen", NULL},
        {"window", 0, POPT_ARG_STRING, &a.window, 0, "keys from LEFT before to RIGHT after the query; -1: no bound", "LEFT,RIGHT"},
        {"align", 0, POPT_ARG_STRING, &a.align, 0, "bottom-right (default): the last query stands at the last key; or top-left", "WHERE"},
        {"splits", 0, POPT_ARG_INT, &a.splits, 0, "parts of the key range, merged at the end; 0: chosen", "N"},
        {"tile", 0, POPT_ARG_STRING, &a.tile, 0, "tile model: auto, vector, simt or subgroup", "MODEL"},
        {"out-dtype", 0, POPT_ARG_STRING, &a.out_dtype, 0, "f32, f16 or bf16; default that of q", "TYPE"},
        {"lse", 0, POPT_ARG_NONE, &a.lse, 0, "also write the log-sum-exp of each row", NULL},
        {"json", 0, POPT_ARG_NONE, &a.json, 0, "print a report as JSON", NULL},
        CLI_DEVICE_OPTIONS(a.device),
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext parse;
    const char **rest;
    int code = cli_parse(name, "attend IN.safetensors -o OUT.safetensors  (tensors q, k, v; optional bias, mask, sinks)", argc, argv, options, &parse,
                         &rest);
    if (code >= 0) return code;
    if (!rest[0] || rest[1] || !a.out)
        code = cli_error(name, EXIT_INPUT, "expected one input file and -o OUT.safetensors; see tessera attend --help");
    else
        code = attend_file(&a, rest[0]);
    tsr_attention_destroy(a.plan);
    for (int i = 0; i < 8; i++) tsr_buffer_destroy(a.buffers[i]);
    cli_close(&a.device);
    tsr_tensors_close(a.file);
    char *const owned[] = {a.out, a.layout, a.window, a.align, a.tile, a.out_dtype, a.scale_text, a.softcap_text, a.device.selector, a.device.budget};
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) free(owned[i]);
    poptFreeContext(parse);
    return code;
}
