/* tessera attend, in parts: what the options say, which sets and scores that makes, the run, the report. */
#ifndef ATTEND_H
#define ATTEND_H

#include "cli.h"
#include "flow/compare.h"
#include "tessera/tessera_flow.h"
#include "tessera/tessera_set.h"

#define ATTEND_NAME "attend"

enum { ATTEND_LOOKS = 3 }; /* key sums, block sums, rows of the map */

/* What a run did, and how far it is from dense attention. */
typedef struct attend_summary {
    double density, *by_head; /* [heads]: of each batch, the first first; NULL: not known */
    size_t heads;
    uint64_t tiles_visited, tiles_dense;
    tsr_flow_report flow; /* of recipes with steps */
    tsr_flow_info flow_info;
    bool steps, compared, dense_causal;
    double dense_seconds;
    flow_difference difference;
} attend_summary;

typedef struct attend {
    cli_device device;
    char *out, *layout, *window, *align, *tile, *out_dtype, *scale_text, *softcap_text;
    char *recipe_name, *set_text, *grid_text, *documents, *score, *mask_text;
    const char **scalar_texts, **parameter_texts; /* NAME=VALUE, the last one NULL */
    char *block_sums, *map_rows;
    int causal, lse, splits, sinks, json, key_sums, compare, explain;
    int64_t blocks[2], row_count;
    tsr_tensor_view looks[ATTEND_LOOKS]; /* rank 0: not wanted */
    tsr_buffer *look_buffers[ATTEND_LOOKS];
    tsr_tensors *file;
    tsr_tensor_view q, k, v, bias, mask, sink;
    bool has_bias, has_mask, has_sink, bnhd;
    tsr_attention_desc desc;
    tsr_recipe *recipe;
    tsr_attention *plan;
    tsr_buffer *buffers[8]; /* q k v bias mask sink o lse */
    double seconds;
    attend_summary summary;
} attend;

/* attend_explain.c: prints what a prepared plan would do, and why so. Returns the exit code. */
int attend_explain(const attend *a);

/* attend_options.c: checks what the options say. */
bool attend_options(attend *a);

/* attend_tensors.c: the file's tensors as layouts of the description. -1: done; else the exit code. */
int attend_describe(attend *a);

/* attend_recipe.c: the text of the recipe that the options make together, malloc'd; NULL and *code -1: none; else the exit code. The
 * window goes into it where sinks have to be seen past it. */
char *attend_recipe_text(attend *a, int *code);

/* attend_sets.c: the recipe's sets, score and numbers become the description's. -1: done; else the exit code. */
int attend_sets(attend *a);

/* attend_probe.c: what the options say of it; is anything wanted; the look itself, after the run. -1: done; else the exit code. */
bool attend_probe_options(attend *a);
bool attend_looks(const attend *a);
int attend_probe(attend *a);

/* attend_run.c. -1: done; else the exit code. */
tsr_status attend_upload(attend *a);
int attend_run(attend *a);
int attend_save(attend *a);

/* flow/attend_flow.c: the whole of it, where the recipe has steps. -1: it has not; else the exit code. */
int attend_flow(attend *a);

/* flow/attend_compare.c: what the plan's schedules say; with --compare-dense how far o is from attention over all pairs, or over all before
 * the query where causal. -1: done; else the exit code. */
tsr_status attend_summarise(attend *a);
bool attend_sees_no_future(const attend *a);
int attend_compare(attend *a, bool causal);

/* flow/attend_report.c */
void attend_report(const attend *a);

#endif
