/* One run of a policy: the stream and its naive twin, and the steps that both take. */
#ifndef STREAM_STEPS_H
#define STREAM_STEPS_H

#include "conformance/stream_naive.h"

enum { MOST_KEPT = 512, MOST_TOKENS = 16, MOST_VALUES = 2 * 4 * MOST_TOKENS * 32 };

typedef struct stream_system {
    const char *name;
    naive_policy policy;
    const char *recipe; /* with %d for: sinks, window, and what else there is */
    tsr_dtype dtype;
} stream_system;

typedef struct stream_run {
    const stream_system *system;
    oracle_rng r;
    naive naive;
    tsr_stream *stream, *copy; /* copy: loaded half-way, and given the same from there on */
    tsr_buffer *k, *v, *q, *o;
    unsigned char bytes[8 * MOST_VALUES];
    double kd[MOST_VALUES], vd[MOST_VALUES], qd[MOST_VALUES], want[MOST_VALUES], got[MOST_VALUES];
    unsigned char first[4 * MOST_VALUES], second[4 * MOST_VALUES];
    int64_t positions[3 * MOST_TOKENS], clock; /* of StreamingVLM's tokens */
    uint8_t kinds[MOST_TOKENS];
    double worst;
} stream_run;

/* A tensor [batch, heads, n, channels] of normal values with axes 1 and 2 in either order and a gap behind the channels; values get
 * what was stored. */
tsr_status stream_make_tensor(stream_run *f, tsr_dtype dtype, int64_t heads, int64_t n, int64_t channels, tsr_buffer *buffer, double *values,
                              tsr_layout *layout, tsr_span *span);

/* The stream's scores should be decay times the old ones and these [count of tokens]; taken over, so that near ties are cut alike. */
tsr_status stream_adopt_scores(stream_run *f, const double *sums, double decay);

/* Scores for a policy that goes by them. */
tsr_status stream_step_score(stream_run *f);
/* A chunk of fresh tokens. */
tsr_status stream_step_append(stream_run *f, int64_t *appended);
/* New keys and values for some of what is kept, or for the newest tokens. */
tsr_status stream_step_replace(stream_run *f);

#endif
