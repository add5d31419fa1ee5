/* What the files of cases share. */
#ifndef SUITE_H
#define SUITE_H

#include "conformance.h"
#include "oracle/oracle.h"
#include "tessera/tessera_decode.h"

typedef struct suite_run_context {
    tsr_context *ctx;
    tsr_device *dev;
    uint64_t seed;
    char *message;
    size_t size;
} suite_run_context;

typedef struct suite_case suite_case;
struct suite_case {
    char name[112];
    suite_verdict (*run)(const suite_case *c, suite_run_context *run);
    const void *params; /* lives as long as the program, or is owned by its file's table */
    int number;
    int full; /* 1: too large for a quick run; 2: on a device whose driver compiles kernels, seconds for each of many; 3: a third of these on such a device, drawn by the seed */
};

struct suite {
    suite_case *cases;
    size_t count, room;
};

/* Appends a case; 0: no memory. */
int suite_add(suite *s, const char *name, suite_verdict (*run)(const suite_case *, suite_run_context *), const void *params, int number);

/* Keeps the case appended last for full runs. */
void suite_mark_full(suite *s);
void suite_mark_compiled(suite *s);
void suite_mark_sampled(suite *s);

/* Writes the message and returns the verdict. */
suite_verdict suite_say(suite_run_context *run, suite_verdict verdict, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Does a compiler for wide vectors take minutes for this tile, whose workgroups stage tiles? Then the message says so, and the case is left out. */
bool suite_takes_minutes(suite_run_context *run, uint32_t tile);
/* Has the device no cooperative matrices? Then the message says so, and the case is left out. */
bool suite_lacks_matrices(suite_run_context *run);
/* Layers of a decoder that run in tile model matrix, as it says itself. */
uint32_t suite_matrix_layers(const tsr_decoder *dec, uint32_t height, uint32_t width);
/* SUITE_UNSUPPORTED for TSR_ERROR_UNSUPPORTED, else SUITE_FAIL, with the library's text. */
suite_verdict suite_error(suite_run_context *run, tsr_status status, const char *what);


int suite_add_memory(suite *s);
int suite_add_errors(suite *s);
int suite_add_arguments(suite *s);
int suite_add_attention(suite *s);
int suite_add_sets(suite *s);
int suite_add_set_relations(suite *s);
int suite_add_set_errors(suite *s);
int suite_add_expressions(suite *s);
int suite_add_skips(suite *s);
int suite_add_codes(suite *s);
int suite_add_matrix(suite *s);
int suite_add_probe(suite *s);
int suite_add_streams(suite *s);
int suite_add_flow_selected(suite *s);
int suite_add_flow_runs(suite *s);
int suite_add_flow_moves(suite *s);
int suite_add_flow_scans(suite *s);
int suite_add_flow_joins(suite *s);
int suite_add_flow_choices(suite *s);
int suite_add_flow_choice_errors(suite *s);
int suite_add_flow_matrix(suite *s);
int suite_add_flow_tiled(suite *s);
int suite_add_flow_tiles(suite *s);
int suite_add_flow_clusters(suite *s);
int suite_add_decode(suite *s);
int suite_add_golden(suite *s);
int suite_add_flow_values(suite *s);
int suite_add_flow_quantize(suite *s);
int suite_add_flow_reports(suite *s);
int suite_add_systems(suite *s);
int suite_add_budget(suite *s);

#endif
