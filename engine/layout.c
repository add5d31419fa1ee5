/* Tensor layouts: defaults, and the checks that strides neither overflow nor overlap. */
#include <inttypes.h>

#include "internal.h"

bool tsr_layout_empty(const tsr_layout *l) { return l->shape[0] == 0 || l->shape[1] == 0 || l->shape[2] == 0 || l->shape[3] == 0; }

int64_t tsr_layout_extent(const tsr_layout *l)
{
    if (tsr_layout_empty(l)) return 0;
    int64_t last = 0;
    for (int i = 0; i < 4; i++) last += (l->shape[i] - 1) * l->stride[i];
    return last + 1;
}

/* Distinct elements at distinct places: by growing stride, each axis steps over all before it. */
static bool overlaps(const tsr_layout *l)
{
    bool done[4] = {false};
    int64_t reach = 0;
    for (int round = 0; round < 4; round++) {
        int axis = -1;
        for (int i = 0; i < 4; i++)
            if (!done[i] && (axis < 0 || l->stride[i] < l->stride[axis])) axis = i;
        done[axis] = true;
        if (l->shape[axis] <= 1) continue;
        if (l->stride[axis] <= reach) return true;
        reach += (l->shape[axis] - 1) * l->stride[axis];
    }
    return false;
}

tsr_status tsr_layout_check(const char *name, const tsr_layout *in, bool output, tsr_layout *out)
{
    tsr_layout l = *in;
    bool packed = true;
    for (int i = 0; i < 4; i++) {
        if (l.shape[i] < 0 || l.shape[i] > INT32_MAX)
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s.shape[%d] is %" PRId64 "; expected 0 to %d", name, i, l.shape[i], INT32_MAX);
        if (l.stride[i] < 0) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s.stride[%d] is %" PRId64 "; expected 0 or more", name, i, l.stride[i]);
        packed = packed && l.stride[i] == 0;
    }
    int64_t extent = 1;
    if (packed) {
        for (int i = 3; i >= 0; i--) {
            l.stride[i] = extent;
            if (!tsr_mul(extent, l.shape[i] > 0 ? l.shape[i] : 1, &extent))
                return tsr_fail(TSR_ERROR_ARGUMENT,
                                "argument %s.shape is [%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "]; expected fewer than 2^63 elements", name,
                                l.shape[0], l.shape[1], l.shape[2], l.shape[3]);
        }
    }
    extent = 1;
    for (int i = 0; i < 4; i++) {
        int64_t span = 0;
        if (l.shape[i] > 1 && (!tsr_mul(l.shape[i] - 1, l.stride[i], &span) || !tsr_add(extent, span, &extent)))
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s.stride[%d] is %" PRId64 "; expected an extent that fits 63 bits", name, i, l.stride[i]);
    }
    if (extent > INT64_MAX / 8)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s.stride spans %" PRId64 " elements; expected an extent that fits 63 bits in bytes", name,
                        extent);
    if (output && !tsr_layout_empty(&l) && overlaps(&l))
        return tsr_fail(TSR_ERROR_ARGUMENT,
                        "argument %s.stride is [%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64
                        "]; expected strides under which no two elements of an output overlap",
                        name, l.stride[0], l.stride[1], l.stride[2], l.stride[3]);
    *out = l;
    return TSR_OK;
}
