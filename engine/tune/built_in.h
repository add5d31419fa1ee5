/* Choices for devices that nobody tuned. */
#ifndef TSR_TUNE_BUILT_IN_H
#define TSR_TUNE_BUILT_IN_H

#include "tune.h"

/* The candidate that the table has for this device, by its name, its architecture, its maker, its kind, in this order; the first where
 * the table has none. why: the row's reason. */
size_t tsr_built_in_find(const tsr_device_info *info, const char *kernel, const tsr_tune_candidate *candidates, size_t count, char why[TSR_WHY]);

/* Does the card multiply fp16 values two at a time, twice as fast as fp32, in the code of its compiler too? */
bool tsr_built_in_pairs(const tsr_device_info *info);

/* Bytes of shared memory that all workgroups of a unit have together, at least; drivers tell what one of them may have. */
uint32_t tsr_built_in_shared(const tsr_device_info *info);

#endif
