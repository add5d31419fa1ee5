/* A stream without a cache: the whole history is kept, and each read selects from it by the policy's definition. fp64. */
#ifndef STREAM_NAIVE_H
#define STREAM_NAIVE_H

#include "oracle/oracle.h"
#include "tessera/tessera_stream.h"

typedef enum naive_policy {
    NAIVE_STREAMING_LLM,  /* the first and the last tokens; position = place in the list of these */
    NAIVE_LONGLIVE,       /* the first and the last frames, at their own times */
    NAIVE_REWARD_FORCING, /* frames that leave are averaged into the first ones; time = place of the frame in the list */
    NAIVE_MOTION_STREAM,  /* the first and the last frames; time = place of the frame in the list */
    NAIVE_DEEP_FORCING,   /* sinks, tokens by score, recent frames; gaps closed, the sinks up against the next */
    NAIVE_STREAMING_VLM,  /* text and vision by windows of their own; gaps closed on all axes */
    NAIVE_H2O,            /* tokens by the sum of their probabilities, and recent ones; gaps closed */
    NAIVE_BY_LIST         /* what the caller evicts goes; gaps closed */
} naive_policy;

typedef struct naive_token {
    int64_t position[TSR_STREAM_AXES];
    int64_t ordinal; /* among its kind */
    int kind;
    bool gone; /* NAIVE_DEEP_FORCING, NAIVE_H2O, NAIVE_BY_LIST; else it follows from the ordinal */
    double score;
    double *k, *v; /* [batch heads_kv, d and dv] */
} naive_token;

typedef struct naive {
    naive_policy policy;
    tsr_stream_desc desc; /* defaults filled in */
    naive_token *tokens;  /* by id */
    int64_t count, room, total[TSR_STREAM_KINDS];
} naive;

void naive_destroy(naive *n);
/* Copies values of a token: k and v as stored. false: no memory. */
bool naive_append(naive *n, int kind, const int64_t *position, const double *k, const double *v);
/* Before a chunk with so many tokens of each kind comes: what the policy lets go. */
void naive_make_room(naive *n, const int64_t *fresh);
bool naive_kept(const naive *n, int64_t id);

/* o [batch, heads_q, count, dv] of q [batch, heads_q, count, d] for queries of the newest count tokens; sums [count of tokens]: of
 * the probabilities that they give each. */
bool naive_attend(const naive *n, int64_t count, const double *q, double *o, double *sums);

/* scores [count of tokens]: sum over these queries and heads of q.k, for the kept tokens. */
bool naive_participate(const naive *n, int64_t count, const double *q, double *scores);

#endif
