/* Parameter blocks of a kernel on the device, each written once and found again by its content: a run that repeats an earlier one
 * writes nothing, so does not wait. */
#ifndef TSR_DECODE_PARAMS_H
#define TSR_DECODE_PARAMS_H

#include "internal.h"

enum { TSR_PARAMS_BLOCKS = 48 }; /* more than a layer has unless its frames are cut into many stripes */

typedef struct tsr_params {
    tsr_device *dev;
    size_t size;              /* bytes of a block */
    size_t count, last, next; /* blocks there are, the one found last (runs mostly ask for them in the same order), the one to be replaced */
    unsigned char *blocks;
    tsr_buffer *buffer;
} tsr_params;

/* For blocks of size bytes. Nothing is allocated yet, so a zeroed tsr_params may be freed as well. */
void tsr_params_init(tsr_params *params, tsr_device *dev, size_t size);
void tsr_params_free(tsr_params *params);
/* The block that equals this one bit for bit; made if there is none, in place of the oldest where all are taken. Padding counts, so zero blocks
 * before they are filled. */
tsr_status tsr_params_get(tsr_params *params, const void *block, bk_binding *out);
/* Of the device, once there is a block. Always the same, so that plans can count it. */
uint64_t tsr_params_bytes(const tsr_params *params);

#endif
