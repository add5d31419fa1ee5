/* Which of the shapes that a device can run serves a convolution, and why. */
#include <stdio.h>

#include "conv.h"

tsr_status tsr_conv_choose(tsr_conv *conv, uint32_t wanted)
{
    tsr_conv_shape all[TSR_MAX_CONV_SHAPES];
    const size_t count = tsr_conv_shapes(conv, all);
    if (wanted > count) return tsr_fail(TSR_ERROR_ARGUMENT, "argument shape is %u; expected 0 to %zu", wanted, count);
    conv->shape = all[wanted ? wanted - 1 : 0];
    if (wanted)
        snprintf(conv->why, sizeof(conv->why), "shape %u of %zu, asked for by the caller", wanted, count);
    else
        snprintf(conv->why, sizeof(conv->why), "the default of the tile model that suits the device; nothing was tuned");
    conv->block_units = (int32_t)tsr_ceil_div(conv->made, conv->shape.columns);
    return TSR_OK;
}
