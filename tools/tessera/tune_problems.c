/* The problems that tessera tune races shapes of. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tune.h"

enum { MAX_NUMBERS = 16, TILE = 64 /* queries of a workgroup, about */ };

typedef struct numbers {
    long values[MAX_NUMBERS];
    size_t count;
} numbers;

/* Whole numbers between commas. */
static bool parse_numbers(const char *option, const char *text, long most, numbers *out)
{
    out->count = 0;
    for (const char *at = text; out->count < MAX_NUMBERS; at++) {
        char *end;
        const long n = strtol(at, &end, 10);
        if (end == at || n < 1 || n > most || (*end && *end != ',')) break;
        out->values[out->count++] = n;
        at = end;
        if (!*end) return true;
    }
    cli_error(TUNE_NAME, EXIT_INPUT, "argument %s is '%s'; expected up to %d numbers from 1 to %ld, separated by commas", option, text, MAX_NUMBERS,
              most);
    return false;
}

static bool parse_types(const char *text, numbers *out)
{
    static const tsr_dtype types[] = {TSR_F32, TSR_F16, TSR_BF16};
    out->count = 0;
    for (const char *at = text; out->count < MAX_NUMBERS;) {
        const size_t length = strcspn(at, ",");
        size_t i = 0;
        while (i < 3 && (strlen(tsr_dtype_name(types[i])) != length || strncmp(at, tsr_dtype_name(types[i]), length) != 0)) i++;
        if (i == 3) break;
        out->values[out->count++] = (long)types[i];
        at += length;
        if (!*at++) return true;
    }
    cli_error(TUNE_NAME, EXIT_INPUT, "argument --type is '%s'; expected f32, f16 or bf16, separated by commas", text);
    return false;
}

/* As many heads as make four times the work that keeps a device busy. */
static int64_t heads_for(const tune *t, long queries)
{
    if (t->heads > 0) return t->heads;
    const int64_t wanted = 4 * (int64_t)tsr_device_info_of(t->device.dev)->compute_units, tiles = (queries + TILE - 1) / TILE;
    const int64_t heads = (wanted + tiles - 1) / tiles;
    return heads < 1 ? 1 : heads > 64 ? 64 : heads;
}

static void add_attention(tune *t, tsr_dtype type, long dim, long queries, long keys)
{
    if (t->count == TUNE_MAX_PROBLEMS) return;
    const int64_t heads = heads_for(t, queries);
    const tsr_layout q = {.dtype = type, .shape = {1, heads, queries, dim}}, k = {.dtype = type, .shape = {1, heads, keys, dim}};
    t->problems[t->count++].attention = (tsr_attention_desc){.q = q, .k = k, .v = k, .o = q, .tile = t->model};
}

static int list_attention(tune *t)
{
    const bool cpu = tsr_device_info_of(t->device.dev)->type == TSR_DEVICE_CPU;
    numbers dims, types, tokens, queries = {{0}, 1};
    const char *usual_types = t->full ? "f32,f16,bf16" : cpu ? "f32" : "f16";
    const char *usual_tokens = t->full ? "128,1024,4096" : t->quick ? "1024" : "1024,4096";
    if (!parse_numbers("--dim", t->dims ? t->dims : "64,128", 1024, &dims) || !parse_types(t->types ? t->types : usual_types, &types) ||
        !parse_numbers("--tokens", t->tokens ? t->tokens : usual_tokens, 1 << 20, &tokens) ||
        (t->queries && !parse_numbers("--queries", t->queries, 1 << 20, &queries)))
        return EXIT_INPUT;
    for (size_t i = 0; i < types.count; i++)
        for (size_t d = 0; d < dims.count; d++)
            for (size_t n = 0; n < tokens.count; n++) {
                for (size_t q = 0; q < queries.count; q++)
                    add_attention(t, (tsr_dtype)types.values[i], dims.values[d], t->queries ? queries.values[q] : tokens.values[n], tokens.values[n]);
                if (t->full && !t->queries) add_attention(t, (tsr_dtype)types.values[i], dims.values[d], 1, tokens.values[n]);
            }
    return -1;
}

/* What the decoders of video models are made of. */
static int list_conv(tune *t)
{
    static const tsr_tune_conv usual[] = {
        {3, 3, 3, 96, 96, 0, 0, 240, 416, TSR_F32},   {3, 3, 3, 384, 384, 0, 0, 60, 104, TSR_F32}, {3, 3, 3, 192, 192, 0, 0, 120, 208, TSR_F32},
        {1, 3, 3, 192, 96, 1, 0, 120, 208, TSR_F32},  {3, 1, 1, 384, 768, 0, 0, 60, 104, TSR_F32}, {1, 1, 1, 384, 1152, 0, 0, 60, 104, TSR_F32},
        {3, 3, 3, 128, 128, 0, 0, 128, 128, TSR_F32}, {1, 3, 3, 512, 512, 0, 0, 64, 64, TSR_F32},  {1, 3, 3, 256, 256, 0, 0, 128, 128, TSR_F32},
        {1, 3, 3, 128, 128, 0, 0, 256, 256, TSR_F32}, {3, 3, 3, 96, 3, 0, 0, 240, 416, TSR_F32},
    };
    const bool cpu = tsr_device_info_of(t->device.dev)->type == TSR_DEVICE_CPU;
    numbers types;
    if (!parse_types(t->types ? t->types : cpu ? "f32" : "f16", &types)) return EXIT_INPUT;
    const size_t most = t->quick ? 2 : t->full ? sizeof(usual) / sizeof(usual[0]) : 6;
    for (size_t i = 0; i < types.count; i++)
        for (size_t n = 0; n < most && t->count < TUNE_MAX_PROBLEMS; n++) {
            if (types.values[i] == TSR_BF16) continue;
            tsr_tune_conv *c = &t->problems[t->count++].conv;
            *c = usual[n];
            c->dtype = (tsr_dtype)types.values[i];
            if (cpu) c->height = (c->height + 3) / 4;
        }
    return -1;
}

int tune_list(tune *t)
{
    const char *what = t->what ? t->what : "all";
    const bool attention = strcmp(what, "attention") == 0, conv = strcmp(what, "conv") == 0;
    if (!attention && !conv && strcmp(what, "all") != 0)
        return cli_error(TUNE_NAME, EXIT_INPUT, "argument --what is '%s'; expected attention, conv or all", what);
    if (t->quick && t->full) return cli_error(TUNE_NAME, EXIT_INPUT, "arguments --quick and --full are both given; expected one");
    if (t->heads < 0) return cli_error(TUNE_NAME, EXIT_INPUT, "argument --heads is %d; expected 0 or more", t->heads);
    if (!(t->seconds >= 0)) return cli_error(TUNE_NAME, EXIT_INPUT, "argument --seconds is %g; expected 0 or more", t->seconds);
    if (t->tile && !cli_parse_tile(TUNE_NAME, t->tile, &t->model)) return EXIT_INPUT;
    int code = -1;
    if (!conv) code = list_attention(t);
    if (code < 0 && !attention) code = list_conv(t);
    return code;
}
