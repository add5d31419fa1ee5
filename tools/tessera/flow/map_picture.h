/* Pictures of maps: a panel for each head. */
#ifndef MAP_PICTURE_H
#define MAP_PICTURE_H

#include <stdbool.h>

#include "mask_picture.h"

/* map [heads][rows][columns], drawn from 0 (white) to the largest (dark); rows down, columns across, heads side by side in a square of
 * panels. false: no memory. */
bool map_picture_draw(const float *map, int64_t heads, int64_t rows, int64_t columns, mask_picture *out);

#endif
