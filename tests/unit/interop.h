/* What the interop tests share: one attention within an application's buffer, between guards, and its oracle. */
#ifndef INTEROP_H
#define INTEROP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tessera/tessera.h"

/* The buffer, in floats: guard, q k v, guard, o, guard. The guards make offsets that no wide load likes. */
enum {
    HEADS = 2,
    NQ = 33,
    NK = 75,
    DIM = 24,
    Q = HEADS * NQ * DIM,
    K = HEADS * NK * DIM,
    IN = Q + 2 * K,
    GUARD = 5,
    IN_AT = GUARD,
    OUT_AT = IN_AT + IN + GUARD,
    TOTAL = OUT_AT + Q + GUARD
};

extern float interop_image[TOTAL]; /* fresh inputs, the output poisoned */

int interop_setup(void **state);
void interop_attend(tsr_device *dev, tsr_buffer *in, tsr_buffer *out); /* and waits */
void interop_check(const float *got);                                  /* o against the oracle; all else as in the image */
void interop_refused(tsr_status status, tsr_status want, const char *says);
tsr_device *interop_host(tsr_context *ctx); /* a device of another backend */

#endif
