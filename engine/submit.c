/* The one way of the engine's kernels to the device. */
#include "internal.h"

tsr_status tsr_dispatch(tsr_device *dev, bk_kernel *kernel, const bk_binding *bindings, uint32_t first, uint32_t count)
{
    return dev->backend->dispatch(dev->bk, kernel, bindings, first, count);
}

tsr_status tsr_drain(tsr_device *dev) { return dev->backend->wait(dev->bk); }
