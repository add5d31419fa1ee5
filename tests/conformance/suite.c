/* The list of cases. */
#include "suite.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int suite_add(suite *s, const char *name, suite_verdict (*run)(const suite_case *, suite_run_context *), const void *params, int number)
{
    if (s->count == s->room) {
        const size_t room = s->room ? 2 * s->room : 64;
        suite_case *cases = realloc(s->cases, room * sizeof(*cases));
        if (!cases) return 0;
        s->cases = cases;
        s->room = room;
    }
    suite_case *c = &s->cases[s->count++];
    *c = (suite_case){.run = run, .params = params, .number = number};
    snprintf(c->name, sizeof(c->name), "%s", name);
    return 1;
}

void suite_mark_full(suite *s) { s->cases[s->count - 1].full = 1; }

void suite_mark_compiled(suite *s) { s->cases[s->count - 1].full = 2; }

void suite_mark_sampled(suite *s) { s->cases[s->count - 1].full = 3; }

suite_verdict suite_say(suite_run_context *run, suite_verdict verdict, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(run->message, run->size, format, args);
    va_end(args);
    return verdict;
}

bool suite_takes_minutes(suite_run_context *run, uint32_t tile)
{
    if (tile != TSR_TILE_SIMT || tsr_device_info_of(run->dev)->vector_width <= 1) return false;
    suite_say(run, SUITE_UNSUPPORTED, "workgroups that stage tiles take a compiler for wide vectors minutes");
    return true;
}

bool suite_lacks_matrices(suite_run_context *run)
{
    if (tsr_device_info_of(run->dev)->features & TSR_FEATURE_MATRIX) return false;
    suite_say(run, SUITE_UNSUPPORTED, "this device has no cooperative matrices");
    return true;
}

uint32_t suite_matrix_layers(const tsr_decoder *dec, uint32_t height, uint32_t width)
{
    const tsr_clip clip = {.height = height, .width = width, .latents = 1};
    tsr_decoder_layer layer;
    uint32_t count = 0;
    for (uint32_t i = 0; tsr_decoder_get_layer(dec, i, &clip, &layer) == TSR_OK; i++) count += strstr(layer.text, "matrix tile") != NULL;
    return count;
}

suite_verdict suite_error(suite_run_context *run, tsr_status status, const char *what)
{
    return suite_say(run, status == TSR_ERROR_UNSUPPORTED ? SUITE_UNSUPPORTED : SUITE_FAIL, "%s: %s", what, tsr_last_error());
}

uint64_t suite_seed_of(const char *name, uint64_t seed)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return hash ^ seed;
}

suite *suite_create(void)
{
    static int (*const themes[])(suite *) = {
        suite_add_memory,        suite_add_errors,      suite_add_arguments,     suite_add_attention,     suite_add_sets,
        suite_add_set_relations, suite_add_set_errors,  suite_add_expressions,   suite_add_skips,         suite_add_codes,
        suite_add_matrix,        suite_add_probe,       suite_add_streams,       suite_add_flow_selected, suite_add_flow_runs,
        suite_add_flow_moves,    suite_add_flow_scans,  suite_add_flow_joins,    suite_add_flow_choices,  suite_add_flow_choice_errors,
        suite_add_flow_matrix,   suite_add_flow_tiled,  suite_add_flow_tiles,    suite_add_flow_clusters, suite_add_decode,
        suite_add_golden,        suite_add_flow_values, suite_add_flow_quantize, suite_add_flow_reports,  suite_add_systems,
        suite_add_budget,
    };
    suite *s = calloc(1, sizeof(*s));
    for (size_t i = 0; s && i < sizeof(themes) / sizeof(themes[0]); i++) {
        if (themes[i](s)) continue;
        suite_destroy(s);
        s = NULL;
    }
    return s;
}

void suite_destroy(suite *s)
{
    if (s) free(s->cases);
    free(s);
}

size_t suite_count(const suite *s) { return s->count; }

const char *suite_name(const suite *s, size_t index) { return s->cases[index].name; }

int suite_full(const suite *s, size_t index) { return s->cases[index].full; }

suite_verdict suite_run(const suite *s, size_t index, tsr_context *ctx, tsr_device *dev, uint64_t seed, char *message, size_t size)
{
    suite_run_context run = {ctx, dev, seed, message, size};
    if (size > 0) message[0] = '\0';
    return s->cases[index].run(&s->cases[index], &run);
}
