/* Which of the shapes that a device can run serves a description, and why. */
#include <stdio.h>

#include "attention.h"

/* No candidate is left: what the tile model that was asked for, or suits the device, lacks. */
static tsr_status none(const tsr_device_info *info, const tsr_attention_desc *d)
{
    const tsr_status s = tsr_attention_allows(info, d, d->tile ? (tsr_tile)d->tile : tsr_tile_for(info));
    return s != TSR_OK ? s : tsr_fail(TSR_ERROR_INTERNAL, "%s: no shape of the flash kernel is listed", info->id);
}

tsr_status tsr_attention_choose(tsr_device *dev, const tsr_attention_desc *d, tsr_choice *out)
{
    tsr_tiling all[TSR_MAX_CANDIDATES];
    const size_t count = tsr_attention_candidates(&dev->info, d, all);
    if (count == 0) return none(&dev->info, d);
    if (d->shape > count) return tsr_fail(TSR_ERROR_ARGUMENT, "argument shape is %u; expected 0 to %zu", d->shape, count);
    *out = (tsr_choice){.shape = all[d->shape ? d->shape - 1 : 0]};
    if (d->shape)
        snprintf(out->why, sizeof(out->why), "shape %u of %zu, asked for by the caller", d->shape, count);
    else if (d->tile)
        snprintf(out->why, sizeof(out->why), "tile model asked for by the caller; its default");
    else
        snprintf(out->why, sizeof(out->why), "the default of the tile model that suits the device; nothing was tuned");
    return TSR_OK;
}
