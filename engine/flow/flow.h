/* Flows inside the engine: a recipe's steps turned into launches of kernels over tensors in one arena. */
#ifndef TSR_FLOW_INTERNAL_H
#define TSR_FLOW_INTERNAL_H

#include "attention/attention.h"
#include "recipe/recipe.h"
#include "tessera/tessera_flow.h"

enum { FLOW_BATCH, FLOW_HEADS, FLOW_ROWS, FLOW_COLUMNS, FLOW_AXES };

/* A tensor of four axes: elements of a buffer. Steps make packed fp32; views and callers' tensors have any strides, >= 0.
 * An axis of 1 is repeated where it meets a longer one, and heads of a number that divides the other are shared by groups. */
typedef struct flow_tensor {
    int32_t buffer;
    tsr_dtype dtype; /* TSR_F32; callers' also TSR_F16, TSR_BF16; TSR_I32 within tiles */
    int64_t offset;  /* elements */
    int64_t shape[4], stride[4];
} flow_tensor;

/* How tokens fall into tiles. Without order: runs of size tokens. */
typedef struct flow_tiles {
    int64_t tokens;      /* 0: any number */
    int64_t size;        /* tokens of a tile, the last may have fewer; 0: offsets tell */
    int64_t count;       /* tiles; 0: ceil(tokens / size), whatever tokens is */
    bool ordered;        /* has order and labels: tokens lie apart */
    flow_tensor order;   /* I32 [B or 1, H or 1, 1, tokens]: tokens, tile after tile */
    flow_tensor labels;  /* I32 [.., 1, tokens]: the tile of each token */
    flow_tensor offsets; /* I32 [.., 1, count + 1], where size is 0: where tiles begin in order */
    bool clustered;
    flow_tensor centroids; /* F32, of clusters */
} flow_tiles;

typedef enum flow_kind { FLOW_NOTHING, FLOW_TENSOR, FLOW_TILES, FLOW_STATE } flow_kind;

/* What a step gives. */
typedef struct flow_value {
    flow_kind kind;
    flow_tensor tensor; /* TENSOR; of a STATE its output */
    flow_tensor lse;    /* STATE: [B,H,rows,1] */
    flow_tensor select; /* STATE of an attend: the map that it selects by, the first of several; shape all 0 where there is none */
    flow_tiles tiles;   /* TILES */
} flow_value;

typedef struct flow_buffer {
    uint64_t size, offset; /* bytes; offset in the arena */
    int32_t first, last;   /* launches between which it is needed */
    int32_t external;      /* a span of the run's: FLOW_Q, ...; -1: in the arena */
    void *data;            /* contents that are uploaded once; owned */
    bool kept;             /* nothing else may lie there */
} flow_buffer;

enum { FLOW_Q, FLOW_K, FLOW_V, FLOW_O, FLOW_LSE, FLOW_INPUTS };

/* Limits for hostile recipes: steps, how deep they need each other, operations within operations. */
enum { FLOW_STEPS = 256, FLOW_DEPTH = 64, FLOW_NESTING = 128, FLOW_CHECKS = 256 };

/* One dispatch, or a run of a prepared attention. */
typedef struct flow_launch {
    bk_kernel *kernel;
    uint64_t params; /* offset of the kernel's parameters */
    uint64_t first, groups;
    int32_t buffers[BK_MAX_BINDINGS]; /* -1: null */
    int64_t offsets[BK_MAX_BINDINGS]; /* bytes */
    uint32_t bindings;
    tsr_attention *plan; /* NULL: a kernel; else its q, k, v, o, lse, bias, mask, sink are the bindings, in this order */
    bool listed;         /* a ninth binding has the plan's lists, and tiles [first, first + groups) are run */
    bool attends;        /* counted as attention, not as selection */
    int32_t memory;      /* which memory it belongs to, plus 1; 0: none: launched in every run */
} flow_launch;

/* What remember keeps: launches of its own run only now and then. */
typedef struct flow_memory {
    int64_t every; /* 0: at run 0 alone */
} flow_memory;

/* A tensor of the run before: kept, until the last launches put the step's new one there. */
typedef struct flow_recall {
    const char *name; /* of the step, while the flow is built */
    flow_tensor kept, now;
} flow_recall;

typedef struct flow_step {
    const char *name;
    const cJSON *item;
    int state; /* 0 not yet, 1 being made, 2 made */
    flow_value value;
    int32_t memory; /* of those being built around it */
} flow_step;

typedef struct flow_scalar {
    const char *name;
    double value;
} flow_scalar;

/* A selection that attention used, for reports. */
typedef struct flow_attend {
    flow_tensor counts; /* I32 [B,H,query tiles,4], see shaders/flow/tile_scan_args.h; buffer -1: as the plan's info says */
    tsr_attention *plan;
    bool whole; /* it attends to the tokens of the call */
} flow_attend;

/* A named selection whose scores may have been NaN. */
typedef struct flow_check {
    char name[64];
} flow_check;

/* What row, column, rows, ... of expressions are of: see flow_around. */
typedef struct flow_surroundings {
    bool there;
    int64_t shape[4];
} flow_surroundings;

struct tsr_flow {
    tsr_device *dev;
    tsr_flow_desc desc; /* layouts checked, strides filled in */
    tsr_tile tile;
    int32_t lanes; /* of the workgroups of flow kernels */
    char *name;
    tsr_reader *r;    /* while it is built */
    tsr_build *build; /* the sequence, while it is built */
    flow_step *steps;
    int32_t step_count;
    const char *building[FLOW_DEPTH]; /* the steps that are being made, one for the next */
    int32_t depth, nesting;
    bool output;        /* the attend that is made next writes the call's o and lse */
    flow_value call[3]; /* q, k, v */
    flow_surroundings around;
    flow_scalar *scalars; /* parameters, then extents */
    int32_t scalar_count;
    flow_value *inputs; /* by name, as the recipe lists them */
    const char **input_names;
    int32_t input_count;
    flow_buffer *buffers;
    int32_t buffer_count, buffer_room;
    flow_launch *launches;
    int32_t launch_count, launch_room;
    flow_attend *attends;
    int32_t attend_count;
    flow_memory *memories;
    int32_t memory_count;
    flow_recall *recalls;
    int32_t recall_count;
    int32_t run;           /* buffer of the run's number; -1: nothing asks for it */
    int32_t memory;        /* that launches being added belong to, plus 1 */
    unsigned char *params; /* host copy while it is built */
    uint64_t params_size, params_room;
    tsr_buffer *params_buffer, *arena;
    int32_t flags; /* buffer of I32 [FLOW_CHECKS]: not 0 where a check's select met NaN; -1: none yet */
    flow_check *checks;
    int32_t check_count;
    tsr_attention **plans;
    int32_t plan_count;
    uint64_t kept_bytes;
    tsr_flow_input *own_inputs; /* [desc.input_count]: copies */
    bool own_names;             /* the steps' names are copies, kept for tsr_flow_read */
    bool *input_used;           /* [desc.input_count]: the recipe names it */
    bool begun;                 /* run 0 was there */
    double seconds_select, seconds_attend;
};

/* ---- tensors.c: what operations are written with. After a failure (f->r->status) they do nothing and give empty tensors. */

/* A new packed fp32 tensor. */
flow_tensor flow_new(tsr_flow *f, int64_t b, int64_t h, int64_t r, int64_t c);
flow_tensor flow_new_typed(tsr_flow *f, tsr_dtype dtype, int64_t b, int64_t h, int64_t r, int64_t c);
/* One with constant contents: data is malloc'd, of the tensor's size, and taken over. */
flow_tensor flow_constant(tsr_flow *f, tsr_dtype dtype, const int64_t shape[4], void *data);
bool flow_packed(const flow_tensor *t);
/* t, or a packed fp32 copy where it is not that. */
flow_tensor flow_pack(tsr_flow *f, flow_tensor t);
/* The extents of the element-wise result of two; false (and an error naming what) where they do not fit. */
bool flow_join(tsr_flow *f, const char *what, const int64_t a[4], const int64_t b[4], int64_t out[4]);

/* Strides of t, in elements, for a result of these extents: 0 where an axis of 1 is repeated. Heads shared by groups are read at h / *group. */
void flow_strides(const flow_tensor *t, const int64_t shape[4], int64_t stride[4], int64_t *group);

/* Adds a launch of kernel (specs[0] is set to lanes) with these parameters and bindings, in the order of its ARGS; writes: how many of the last
 * bindings it writes. groups may be more than a dispatch takes. */
void flow_add(tsr_flow *f, const char *kernel, const int32_t *specs, const void *params, size_t params_size, const flow_tensor *const *bindings,
              int count, int64_t groups);
/* A place [1,1,1,1] of I32 for the operation being made, 0 until its kernel finds NaN and writes something else; the report names it. */
flow_tensor flow_flag(tsr_flow *f);
/* What flow_add is made of, for launches of other kinds. */
int32_t flow_buffer_add(tsr_flow *f, uint64_t size, int32_t external);
uint64_t flow_params_add(tsr_flow *f, const void *params, size_t size);
flow_launch *flow_launch_add(tsr_flow *f); /* NULL: failed before */
void flow_bind(tsr_flow *f, flow_launch *l, const flow_tensor *t);
/* plan.c: an attention over whole sets, prepared now and run in its turn; bindings: q, k, v, o, lse, bias, mask, sink. */
void flow_plan(tsr_flow *f, const tsr_attention_desc *desc, const flow_tensor *const *bindings, int count);
/* An attention that reports are to count; whole: of the call's tokens. NULL: failed before. */
flow_attend *flow_attend_add(tsr_flow *f, tsr_attention *plan, bool whole);
/* The tensor that a layout describes, in a buffer; the layout of a tensor, and a plan that the flow owns from now on. */
flow_tensor flow_laid_out(const tsr_layout *l, int32_t buffer);
tsr_layout flow_layout(const flow_tensor *t);
void flow_plan_keep(tsr_flow *f, tsr_attention *plan);
/* arena.c: places for all tensors, the arena, constants and parameters in it. */
tsr_status flow_allocate(tsr_flow *f);
/* Groups of f->lanes elements. */
int64_t flow_groups(const tsr_flow *f, int64_t elements);
/* Elements of a tensor; fails where there are 2^31 or more. */
int64_t flow_elements(tsr_flow *f, const int64_t shape[4]);

/* ---- arguments.c: members of an operation's object. The path of errors is that of the object. */

/* A tensor; required: its absence is an error, else buffer is -1. */
flow_tensor flow_tensor_of(tsr_flow *f, tsr_fields *p, const char *name, bool required);
bool flow_given(const flow_tensor *t);
/* A NUMBER; whole numbers within [lo, hi]. Fallback as in tsr_fields_whole; NAN: required. */
double flow_number_of(tsr_flow *f, tsr_fields *p, const char *name, double fallback);
int64_t flow_whole_of(tsr_flow *f, tsr_fields *p, const char *name, int64_t lo, int64_t hi, int64_t fallback);
/* "shape": four NUMBERs, 0 or more; false: failed. */
bool flow_shape_of(tsr_flow *f, tsr_fields *p, int64_t shape[4]);
/* TILES; a whole axis of tokens where the member is not there and required is false (size 0, count 0). */
flow_tiles flow_tiles_of(tsr_flow *f, tsr_fields *p, const char *name, bool required);
/* The same of an item: what a step or an argument is. */
flow_value flow_item(tsr_flow *f, const cJSON *item);
/* A NUMBER's value from its item. */
double flow_number(tsr_flow *f, const cJSON *item);
int flow_axis_of(tsr_flow *f, tsr_fields *p, const char *name, int fallback); /* fallback -1: required */
flow_tensor flow_number_tensor(tsr_flow *f, double value);                    /* [1,1,1,1] */
/* Tiles that so many tokens make. */
int64_t flow_tile_count(const flow_tiles *t, int64_t tokens);
/* A name: step, input, q, k, v; with .lse, .labels, .sizes, .centroids. false: there is none (no error). */
bool flow_find(tsr_flow *f, const char *name, flow_value *out);
/* May a parameter, an input or a step of this name be told apart from what is there already? */
bool flow_name_taken(const tsr_flow *f, const char *name);
/* A parameter or an extent. */
bool flow_scalar_find(const tsr_flow *f, const char *name, double *out);

/* inputs.c: a tensor of the call's; extents and parameters, and then tensors, that steps may name. */
flow_tensor flow_external(tsr_flow *f, const tsr_layout *l, int32_t which);
void flow_read_extents(tsr_flow *f);
void flow_read_parameters(tsr_flow *f, tsr_fields *fields);
void flow_read_inputs(tsr_flow *f, tsr_fields *fields);
/* steps.c: the steps by name; those that the result needs, and the result in o and lse of the call. */
void flow_list_steps(tsr_flow *f, const cJSON *object);
void flow_build_output(tsr_flow *f, tsr_fields *fields);

/* previous.c: the number of the run [1,1,1,1]; at the end, what the next run recalls, from the first-th recall on. */
flow_tensor flow_run_number(tsr_flow *f);
void flow_build_recalls(tsr_flow *f, int32_t first);
/* remember.c: opens a memory; its number plus 1, or 0 after a failure. */
int32_t flow_memory_open(tsr_flow *f, int64_t every);

/* ---- value.c: expressions. */

/* The tensor of an expression; a lone name is what it names, without a copy. */
flow_tensor flow_expression(tsr_flow *f, const char *text);
/* From here on expressions among the members of an operation, such as "row == column", are worked out for tensors of these extents:
 * places that they name are of these, and the result has the axes that are named. The member "of" does so by itself; operations within begin
 * without. */
void flow_around(tsr_flow *f, const int64_t shape[4]);
/* The value of a formula of numbers alone. */
double flow_formula(tsr_flow *f, const char *text);
/* The element-wise result of text over tensors given by name, for operations that are made of others. */
typedef struct flow_named {
    const char *name;
    flow_tensor tensor;
} flow_named;
flow_tensor flow_compute(tsr_flow *f, const char *text, const flow_named *tensors, int count);

/* ---- The operations, one function each; p is the opened object (closed by the caller). Their building blocks for others are below. */
typedef struct flow_operation {
    const char *name;
    flow_value (*make)(tsr_flow *f, tsr_fields *p);
} flow_operation;
extern const flow_operation flow_operations[]; /* operations.c; ends with NULL */

flow_value flow_op_pool(tsr_flow *f, tsr_fields *p);   /* pool.c */
flow_value flow_op_spread(tsr_flow *f, tsr_fields *p); /* pool.c */
flow_value flow_op_scan(tsr_flow *f, tsr_fields *p);   /* scan.c */
flow_value flow_op_slice(tsr_flow *f, tsr_fields *p);  /* move.c, as the next ones */
flow_value flow_op_concat(tsr_flow *f, tsr_fields *p);
flow_value flow_op_reshape(tsr_flow *f, tsr_fields *p);
flow_value flow_op_permute(tsr_flow *f, tsr_fields *p);
flow_value flow_op_pad(tsr_flow *f, tsr_fields *p);
flow_value flow_op_group_rows(tsr_flow *f, tsr_fields *p);
flow_value flow_op_gather(tsr_flow *f, tsr_fields *p);
flow_value flow_op_diagonals(tsr_flow *f, tsr_fields *p); /* diagonals.c */
flow_value flow_op_slashes(tsr_flow *f, tsr_fields *p);
flow_value flow_op_blocks(tsr_flow *f, tsr_fields *p);   /* blocks.c */
flow_value flow_op_constant(tsr_flow *f, tsr_fields *p); /* constant.c */
flow_value flow_op_quantize(tsr_flow *f, tsr_fields *p); /* quantize.c */
flow_value flow_op_dot(tsr_flow *f, tsr_fields *p);      /* matrix.c */
flow_value flow_op_product(tsr_flow *f, tsr_fields *p);
flow_value flow_op_softmax(tsr_flow *f, tsr_fields *p); /* softmax.c */
flow_value flow_op_lse(tsr_flow *f, tsr_fields *p);
flow_value flow_op_select(tsr_flow *f, tsr_fields *p);   /* select.c */
flow_value flow_op_tiles(tsr_flow *f, tsr_fields *p);    /* tiles.c */
flow_value flow_op_cluster(tsr_flow *f, tsr_fields *p);  /* cluster.c */
flow_value flow_op_attend(tsr_flow *f, tsr_fields *p);   /* attend.c */
flow_value flow_op_merge(tsr_flow *f, tsr_fields *p);    /* merge.c */
flow_value flow_op_previous(tsr_flow *f, tsr_fields *p); /* previous.c */
flow_value flow_op_remember(tsr_flow *f, tsr_fields *p); /* remember.c */

typedef enum flow_pool_kind { FLOW_MEAN, FLOW_SUM, FLOW_MAX, FLOW_MIN, FLOW_FIRST, FLOW_LAST, FLOW_ARGMAX } flow_pool_kind;
/* axis of t in tiles; of empty tiles the mean, sum, ... is 0, or other's element where other is given (of the result's extents). */
flow_tensor flow_pool(tsr_flow *f, flow_tensor t, int axis, const flow_tiles *tiles, flow_pool_kind kind, const flow_tensor *other);
/* A packed fp32 copy of t (any strides, float types, TSR_I32 becomes numbers) into to, which may be a part of a larger tensor (strided). */
void flow_copy(tsr_flow *f, flow_tensor t, flow_tensor to);
flow_tensor flow_dot(tsr_flow *f, flow_tensor a, flow_tensor b, double scale, bool l1);
flow_tensor flow_product(tsr_flow *f, flow_tensor a, flow_tensor b, bool transpose_a);
/* Rows and columns swapped: a view. */
flow_tensor flow_transposed(flow_tensor t);
/* F32 [.., 1, tiles]: tokens in each tile. */
flow_tensor flow_tile_sizes(tsr_flow *f, const flow_tiles *tiles); /* tiles.c */
/* Tokens by ascending label (0 .. count - 1), stable: order, labels, offsets. labels: F32 [.., 1, n]. */
flow_tiles flow_tiles_by_label(tsr_flow *f, flow_tensor labels, int64_t count);

#endif
