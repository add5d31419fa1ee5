/* Attention whose schedule is computed from the data: recipes with steps (tools/recipes/steps.md), compiled for a device
 * and run on it as often as wanted. Recipes without steps (sets, heads) run too. */
#ifndef TESSERA_FLOW_H
#define TESSERA_FLOW_H

#include "tessera_set.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tsr_flow tsr_flow; /* prepared; threads as for plans */

/* A tensor that the recipe may name among its inputs; f32, f16 or bf16. What it does not name is not read. */
typedef struct tsr_flow_input {
    const char *name;
    tsr_layout layout;
} tsr_flow_input;

typedef struct tsr_flow_desc {
    const char *text; /* the recipe */
    size_t length;    /* 0: text ends with a NUL */
    /* q [B,Hq,Nq,D]  k [B,Hkv,Nk,D]  v [B,Hkv,Nk,Dv]  o [B,Hq,Nq,Dv]  lse [B,Hq,Nq,1] (all zero: not wanted), as for tsr_attention_desc */
    tsr_layout q, k, v, o, lse;
    int64_t grid[3]; /* replaces the recipe's own; all zero: as the recipe says */
    const tsr_flow_input *inputs;
    size_t input_count;
    const tsr_named_scalar *parameters; /* in place of the recipe's values; a name that it has not is an error */
    size_t parameter_count;
    uint32_t keep; /* 1: every step keeps its memory to itself, so that tsr_flow_read can fetch it after a run */
    uint32_t reserved[7];
} tsr_flow_desc;

/* Reads the recipe, checks it against the shapes, compiles the kernels of its steps and allocates all memory.
 * Errors name line and path in the recipe. */
TSR_API tsr_status tsr_flow_prepare(tsr_device *dev, const tsr_flow_desc *desc, tsr_flow **out);
TSR_API void tsr_flow_destroy(tsr_flow *flow);

typedef struct tsr_flow_info {
    const char *name;         /* of the recipe; lives as long as the flow */
    uint64_t workspace;       /* device bytes that the flow holds */
    uint64_t kept;            /* of these, what lives from run to run */
    uint32_t steps, launches; /* of the recipe; kernels in a run */
} tsr_flow_info;
TSR_API tsr_status tsr_flow_get_info(const tsr_flow *flow, tsr_flow_info *out);

typedef struct tsr_flow_args {
    tsr_span q, k, v, o, lse; /* as described */
    const tsr_span *inputs;   /* [input_count], in the order of the description */
    uint64_t run;             /* 0, 1, ...: the number of the run, for steps that remember */
    uint32_t timed;           /* 1: waits after each step, so that the report has times */
    uint32_t reserved[3];
} tsr_flow_args;

/* Enqueues; allocates nothing. Outputs must not overlap inputs. Run 0 begins anew: nothing is remembered before it. */
TSR_API tsr_status tsr_flow_run(tsr_flow *flow, const tsr_flow_args *args);

/* What the last run did; waits for it. TSR_ERROR_ARGUMENT, naming the step, where a selection met NaN among its scores. */
typedef struct tsr_flow_report {
    double density;         /* pairs attended / pairs, over the steps that attend to q and k of the call */
    uint64_t tiles_visited; /* query tile x key tile pairs that kernels walked */
    uint64_t tiles_dense;   /* as many as dense attention walks */
    double seconds_select;  /* of a timed run: all steps but those that attend, linear ones included */
    double seconds_attend;
} tsr_flow_report;
TSR_API tsr_status tsr_flow_get_report(tsr_flow *flow, tsr_flow_report *out);

/* Pairs attended by each batch and head, as shares: density [B Hq]. Waits. */
TSR_API tsr_status tsr_flow_density(tsr_flow *flow, double *density, size_t count);

/* The tensor that a step of a kept flow computed (name, NAME.lse, NAME.labels, ...): shape, and its elements, packed, where out is
 * not NULL and room suffices. Waits. */
TSR_API tsr_status tsr_flow_read(tsr_flow *flow, const char *name, int64_t shape[4], float *out, uint64_t room);

/* ---- Block lists ------------------------------------------------------------------------------- */

/* Lists of key tiles for each batch, head and query tile, as other programs keep them: counts [B,H,query tiles] and indices, one list
 * after another, ascending. Heads and batches of 1 hold for all. Checked and turned into the map that a recipe's input takes:
 * fp32 [B,H,query tiles,key tiles] of 0 and 1. TSR_ERROR_ARGUMENT names the list and the index that is out of range, not
 * ascending or there twice; map is then left as it was. */
typedef struct tsr_block_lists {
    int64_t b, h, query_tiles, key_tiles;
    const int32_t *counts;
    const int32_t *indices;
    uint64_t index_count; /* that indices has: the sum of counts */
} tsr_block_lists;
TSR_API tsr_status tsr_block_lists_to_map(const tsr_block_lists *lists, float *map, uint64_t room);

#ifdef __cplusplus
}
#endif
#endif
