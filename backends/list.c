/* The backends of this build, in the order of preference. */
#include "backend.h"

extern const tsr_backend tsr_backend_vulkan, tsr_backend_opencl, tsr_backend_host;

const tsr_backend *const tsr_backends[] = {
#ifdef TSR_WITH_VULKAN
    &tsr_backend_vulkan,
#endif
#ifdef TSR_WITH_OPENCL
    &tsr_backend_opencl,
#endif
    &tsr_backend_host,
    NULL,
};
