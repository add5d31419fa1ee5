/* What the files of norms share. */
#ifndef TSR_DECODE_NORM_H
#define TSR_DECODE_NORM_H

#include "ops.h"
#include "params.h"

struct tsr_norm {
    tsr_device *dev;
    tsr_tile tile;
    int32_t channels, groups;
    tsr_norm_kind kind;
    tsr_act act;
    float eps;
    tsr_buffer *factors; /* fp32: scale, then shift, as far as there are any; NULL: neither */
    bool has_scale, has_shift, modulated;
    tsr_params runs;
    /* TSR_NORM_GROUP */
    tsr_buffer *stat, *found; /* for each channel what runs read, then the groups' state; moments of chunks */
    bool empty;               /* nothing was added since the statistic was cleared */
    tsr_params sums, merges;
};

/* norm_group.c */
tsr_status tsr_norm_group_create(tsr_norm *norm);

/* x from row on. */
bk_binding tsr_rows_at(const tsr_rows *rows, int32_t row, int32_t width, int32_t channels);
/* The least power of two that is not below n, at most most (a power of two). */
int32_t tsr_team_of(int32_t n, int32_t most);

#endif
