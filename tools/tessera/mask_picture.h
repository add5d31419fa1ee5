/* A picture of a set and of the tiles that its schedule visits. */
#ifndef MASK_PICTURE_H
#define MASK_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "tessera/tessera_set.h"

typedef struct mask_picture {
    uint8_t *rgb; /* the caller frees it */
    uint32_t width, height;
} mask_picture;

/* Left: queries down, keys across, in the caller's order; the darker, the more of a pixel's pairs are in the set. Right: queries in the
 * order of the tiles; blue: full tiles; orange: pairs of partial tiles that are in the set; pale: those that are not, and are visited
 * for nothing. set NULL: everyone. */
tsr_status mask_picture_draw(const tsr_set *set, const tsr_schedule *schedule, int64_t nq, int64_t nk, mask_picture *out);

#endif
