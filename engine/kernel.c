/* Compiled kernels of a device, kept so that plans share them; and the tile model that suits it. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

struct tsr_kernel_entry {
    tsr_kernel_entry *next;
    const bk_kernel_source *source;
    int32_t specs[BK_MAX_SPECS];
    bk_kernel *kernel;
};

tsr_tile tsr_tile_for(const tsr_device_info *info)
{
    if (info->vector_width >= 4) return TSR_TILE_VECTOR;
    /* A CPU behind a GPU interface runs a sub-group as one vector and pays dearly for barriers. */
    if (info->type == TSR_DEVICE_CPU && (info->features & TSR_FEATURE_SUBGROUP) && info->subgroup_min == info->subgroup_max &&
        info->subgroup_max <= 32)
        return TSR_TILE_SUBGROUP;
    return TSR_TILE_SIMT;
}

uint32_t tsr_loop_limit(const tsr_device *dev) { return dev->backend->loop_limit ? dev->backend->loop_limit(dev->bk) : 0; }

tsr_status tsr_kernel_get(tsr_device *dev, const char *name, tsr_tile tile, const int32_t *specs, bk_kernel **out)
{
    const bk_kernel_source *source = tsr_kernel_source(name, tile);
    if (!source) return tsr_fail(TSR_ERROR_INTERNAL, "kernel %s has no tile model %d", name, (int)tile);
    const size_t bytes = source->spec_count * sizeof(specs[0]);
    for (tsr_kernel_entry *e = dev->kernels; e; e = e->next) {
        if (e->source == source && memcmp(e->specs, specs, bytes) == 0) {
            *out = e->kernel;
            return TSR_OK;
        }
    }
    tsr_kernel_entry *entry = calloc(1, sizeof(*entry));
    if (!entry) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a kernel entry of %zu bytes", sizeof(*entry));
    const bk_kernel_desc desc = {.source = source, .specs = specs};
    const tsr_status status = dev->backend->kernel_create(dev->bk, &desc, &entry->kernel);
    if (status != TSR_OK) {
        free(entry);
        return status;
    }
    entry->source = source;
    memcpy(entry->specs, specs, bytes);
    entry->next = dev->kernels;
    dev->kernels = entry;
    *out = entry->kernel;
    return TSR_OK;
}

void tsr_kernels_free(tsr_device *dev)
{
    while (dev->kernels) {
        tsr_kernel_entry *next = dev->kernels->next;
        dev->backend->kernel_destroy(dev->bk, dev->kernels->kernel);
        free(dev->kernels);
        dev->kernels = next;
    }
}
