/* Parameter blocks of a kernel on the device, each written once and found again by its content: a run that repeats an earlier one
 * writes nothing, so does not wait. */
#ifndef TSR_DECODE_PARAMS_H
#define TSR_DECODE_PARAMS_H

#include "internal.h"

typedef struct tsr_params {
    tsr_device *dev;
    size_t size;        /* bytes of a block */
    size_t count, last; /* blocks there are, and the one found last: runs mostly ask for them in the same order */
    unsigned char *blocks;
    tsr_buffer **chunks; /* of TSR_PARAMS_CHUNK blocks each */
    size_t chunk_count;
} tsr_params;

enum { TSR_PARAMS_CHUNK = 32 };

/* For blocks of size bytes. Nothing is allocated yet, so a zeroed tsr_params may be freed as well. */
void tsr_params_init(tsr_params *params, tsr_device *dev, size_t size);
void tsr_params_free(tsr_params *params);
/* The block that equals this one bit for bit; made if there is none. Padding counts, so zero blocks before they are filled. */
tsr_status tsr_params_get(tsr_params *params, const void *block, bk_binding *out);
uint64_t tsr_params_bytes(const tsr_params *params); /* of the device */

#endif
