/* What the files of attention over frames share. */
#ifndef TSR_DECODE_ATTEND_H
#define TSR_DECODE_ATTEND_H

#include "ops.h"
#include "params.h"

/* Frames in fp32 turn up among frames in fp16 where a result did not fit. */
enum { ATTEND_TYPES = 2, /* TSR_F32, TSR_F16 */ ATTEND_STATES = 3 };

typedef struct attend_keys {
    tsr_buffer *buffer; /* [pixels][2C]: keys, then values */
    tsr_dtype dtype;
} attend_keys;

struct tsr_attend {
    tsr_device *dev;
    bool history;
    int64_t channels, pixels;
    tsr_attention *direct[ATTEND_TYPES][ATTEND_TYPES];  /* a frame to itself, x to y */
    tsr_attention *partial[ATTEND_TYPES][ATTEND_TYPES]; /* q's type, that of keys: to a state */
    /* Partial results in fp32: of the frames so far, of the next one, and where they are merged; and their log-sum-exps. A merge reads two that are
     * neighbours, so those of the frames so far are first or last in turn. */
    tsr_buffer *states;
    attend_keys *keys;
    int64_t frames, room; /* frames that are there, and places for them */
    tsr_params merges, moves;
};

/* attend_history.c: the states, and their log-sum-exps. */
uint64_t tsr_attend_state_bytes(const tsr_attend *a); /* of all */
tsr_span tsr_attend_state(const tsr_attend *a, int64_t index);
tsr_span tsr_attend_sums(const tsr_attend *a, int64_t index);
/* Makes what follows ready for frames of a type. */
tsr_status tsr_attend_history(tsr_attend *a, tsr_dtype dtype);
/* Keys and values of a packed frame go to where they stay. */
tsr_status tsr_attend_keep(tsr_attend *a, const tsr_rows *x, const attend_keys *keys);
/* Merges the states first and first + 1 into y, or where y is NULL into the third one. */
tsr_status tsr_attend_merge(tsr_attend *a, int64_t first, const tsr_rows *y);

#endif
