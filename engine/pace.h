/* How much of a dispatch goes into one submission. The rates of kernels are learnt from submissions that are done; no device is
 * called here. */
#ifndef TSR_PACE_H
#define TSR_PACE_H

#include <stdbool.h>

#include "backend.h"

enum { TSR_BATCH = 32 /* pieces of a submission at most */, TSR_RATES = 1024 };

/* A kernel with its parameters takes about as long for each workgroup, run after run. */
typedef struct tsr_pace_key {
    const bk_kernel *kernel;
    const bk_buffer *params;
    uint64_t offset;
} tsr_pace_key;

typedef struct tsr_rate {
    tsr_pace_key key;
    double seconds; /* of a workgroup, others beside it; 0: the place is free */
    uint32_t most;  /* workgroups in the largest piece that was measured */
} tsr_rate;

typedef struct tsr_piece {
    tsr_pace_key key;
    uint32_t groups;
    bool known;      /* its rate had been measured */
    double expected; /* seconds */
} tsr_piece;

typedef struct tsr_submission {
    uint64_t number; /* of the backend */
    double at;       /* when it was submitted */
    double expected; /* seconds */
    uint32_t count;
    tsr_piece pieces[TSR_BATCH];
} tsr_submission;

typedef struct tsr_pace {
    double limit;    /* seconds of a submission */
    uint32_t least;  /* workgroups below which a piece leaves a part of the device idle and takes no less time */
    tsr_rate *rates; /* [TSR_RATES]; NULL: nothing is cut */
} tsr_pace;

/* Of count workgroups, how many go into the submission now; 0: it is full. */
uint32_t tsr_pace_fit(const tsr_pace *pace, const tsr_submission *now, const tsr_pace_key *key, uint32_t count);
void tsr_pace_add(const tsr_pace *pace, tsr_submission *now, const tsr_pace_key *key, uint32_t groups);
bool tsr_pace_full(const tsr_pace *pace, const tsr_submission *now);

/* A submission took so long. */
void tsr_pace_learn(tsr_pace *pace, const tsr_submission *done, double seconds);
/* Memory that is freed may come back with other parameters in it. */
void tsr_pace_forget(tsr_pace *pace, const bk_buffer *params);

#endif
