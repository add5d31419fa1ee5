/* The streaming cache: what a policy knows of its tokens, kept on the host, and the keys and values in slots on the device. */
#ifndef TSR_STREAM_INTERNAL_H
#define TSR_STREAM_INTERNAL_H

#include "attention/attention.h"
#include "tessera/tessera_probe.h"
#include "tessera/tessera_stream.h"

/* A slot of the cache. */
typedef struct stream_slot {
    int64_t id;
    int64_t position[TSR_STREAM_AXES];
    int64_t time; /* that its key is rotated to */
    double score;
    int32_t kind;
    int32_t sink; /* row among the sinks of all kinds; -1: none */
} stream_slot;

typedef struct stream_state {
    stream_slot *slots; /* [capacity] */
    int32_t *order;     /* [capacity]: slots that hold a token, by id */
    uint8_t *used;      /* [capacity] */
    int64_t count, next_id, evicted;
    int64_t sunk[TSR_STREAM_KINDS]; /* sinks so far */
    int64_t kept[TSR_STREAM_KINDS]; /* tokens in the window */
    int64_t left[TSR_STREAM_KINDS]; /* tokens that ever left it */
} stream_state;

/* One sink that takes in one token. */
typedef struct stream_blend {
    int32_t sink, to, from; /* row among the sinks; slots */
} stream_blend;

/* The cosines and sines of one position on one axis, in the table of the call under way. */
typedef struct stream_angle {
    int64_t position;
    int32_t axis, at; /* at: the first of its floats */
    uint64_t call;
} stream_angle;

struct tsr_stream {
    tsr_device *dev;
    tsr_stream_desc desc;                                                                      /* checked, defaults filled in */
    int64_t capacity, sinks;                                                                   /* tokens */
    int64_t sink_of[TSR_STREAM_KINDS], sink_count[TSR_STREAM_KINDS], window[TSR_STREAM_KINDS]; /* tokens; sink_of: first row */
    int64_t keep[TSR_STREAM_KINDS], recent[TSR_STREAM_KINDS];
    int32_t pairs[TSR_STREAM_AXES], first_pair[TSR_STREAM_AXES], all_pairs;
    double *turns;          /* [all_pairs]: of a circle for each step of position */
    int32_t *sink_slot;     /* [sinks] */
    stream_state now, next; /* next: what a file says, until all of it is checked */
    bool broken;

    /* The call under way. */
    int32_t *gone;        /* [capacity]: slots that were emptied, by id */
    uint8_t *leaves;      /* [capacity] */
    uint8_t *stale;       /* [capacity]: keys to be rotated from raw */
    int32_t *candidates;  /* [capacity] */
    int32_t *targets;     /* [capacity]: the slots of the tokens given */
    stream_blend *blends; /* [capacity] */
    float *scores;        /* [capacity] */
    double *score_sums;   /* [capacity] */
    int64_t gone_count, blend_count;
    int64_t blends_of[TSR_STREAM_KINDS]; /* how the blends, in runs, belong to kinds */

    /* What a call sends to the device, in one piece. */
    unsigned char *staging;
    uint64_t staging_size, staged;
    uint64_t table_at; /* where the table begins; it is last */
    stream_angle *angles;
    uint64_t angle_room, calls; /* a power of two */

    int64_t part_rows, parts;                                          /* how rows of queries are summed */
    tsr_buffer *zeros;                                                 /* a row */
    tsr_buffer *sums, *dots;                                           /* NULL where no kind goes by score */
    tsr_buffer *block, *k, *raw, *v, *exact_k, *exact_v, *q, *o, *lse; /* raw: keys not rotated, NULL where k is that or it is not needed */
    tsr_tile tile;
    int32_t lanes;
    bk_kernel *rope, *blend, *query_sum, *key_dot;
    tsr_attention *plans[TSR_STREAM_PLANS]; /* as desc.queries: largest first */
    tsr_probe *probes[TSR_STREAM_PLANS];    /* of the same queries; NULL without probabilities */
    tsr_buffer *probabilities;              /* [batch, heads_q, capacity], fp32 */
    int64_t plan_keys[TSR_STREAM_PLANS];    /* slots that a plan looks at */
    int plan_count;
    uint64_t device_bytes, host_bytes;
    int64_t turned;
};

/* desc.c: the description with its defaults, and the sizes that follow from it; or what is wrong with it. */
tsr_status stream_describe(const tsr_stream_desc *in, tsr_stream *s);

/* policy.c. Marks what must leave before a chunk of these kinds; says what does not fit. */
tsr_status stream_make_room(tsr_stream *s, int64_t count, const uint8_t *kinds);
void stream_remove_marked(tsr_stream *s);                          /* fills gone and blends */
void stream_place(tsr_stream *s, const tsr_stream_tokens *tokens); /* fills targets */
void stream_set_times(tsr_stream *s);                              /* marks stale what moves */
int32_t stream_find(const stream_state *state, int64_t id);        /* the slot; -1: not kept */
void stream_position(const tsr_stream *s, const tsr_stream_tokens *tokens, int64_t index, int64_t id, int64_t *out);

/* phase.c: where the position's cosines and sines lie in the table; adds them if they do not yet. */
int32_t stream_angle_at(tsr_stream *s, int axis, int64_t position);

/* work.c: building and sending what kernels read, and running them. */
void stream_stage_begin(tsr_stream *s);
void *stream_stage(tsr_stream *s, uint64_t bytes, uint64_t *offset);
tsr_status stream_send(tsr_stream *s);
typedef struct stream_tensor {
    tsr_layout layout; /* strides filled in */
    tsr_span span;
} stream_tensor;

/* A run of the rope kernel: staged before the table begins, run after all is sent. Its list has STREAM_ENTRY numbers a row. */
enum { STREAM_ENTRY = 5 };
typedef struct stream_move {
    stream_tensor src, dst;
    uint64_t params, list; /* in block */
    int64_t rows, heads;
    int32_t *entries;
} stream_move;
stream_move stream_stage_move(tsr_stream *s, stream_tensor src, stream_tensor dst, int64_t rows, bool turn);
void stream_entry(tsr_stream *s, int32_t *entry, int64_t from, int64_t to, const int64_t *position, int64_t time, bool turn);
tsr_status stream_run_move(tsr_stream *s, const stream_move *move);
tsr_status stream_kernels(tsr_stream *s);
/* Carries out on the device what was done to the state, with these tokens at targets unless fresh is NULL. */
typedef struct stream_new {
    int64_t count;
    stream_tensor k, v;
} stream_new;
tsr_status stream_commit(tsr_stream *s, const stream_new *fresh);

/* attend.c: queries as tsr_stream_attend takes them, outputs apart; their way into s->q as [batch, heads_q, rows, d]. */
tsr_status stream_check_queries(const tsr_stream *s, const tsr_stream_queries *in, stream_tensor *q);
stream_move stream_stage_queries(tsr_stream *s, const tsr_stream_queries *in, const stream_tensor *q, int64_t rows);
void stream_list_queries(tsr_stream *s, const tsr_stream_queries *in, const stream_move *move);

/* score.c: into how many parts the rows of the largest call fall. */
void stream_set_parts(tsr_stream *s);
bool stream_scored(const tsr_stream *s);
/* score = decay score + the sum over so many rows [rows, capacity] of a buffer. */
tsr_status stream_take_scores(tsr_stream *s, tsr_span span, int64_t rows, double decay);

/* create.c: a call begins, nothing marked; all tokens gone; layouts of the cache. */
void stream_begin(tsr_stream *s);
void stream_forget(tsr_stream *s);
tsr_layout stream_key_layout(const tsr_stream *s);
tsr_layout stream_value_layout(const tsr_stream *s);

/* change.c: is the stream there and its device well? The caller's tensor, checked. */
tsr_status stream_check_usable(const tsr_stream *s, const void *argument, const char *name);
tsr_status stream_check_tensor(const tsr_stream *s, const char *name, const tsr_layout *in, const tsr_span *span, const int64_t shape[4], bool output,
                               stream_tensor *out);

#endif
