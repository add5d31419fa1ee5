/* The Vulkan entry points, loaded at run time: volk, compiled into the library. */
#define VOLK_IMPLEMENTATION
#define VK_NO_PROTOTYPES
#pragma GCC diagnostic ignored "-Wpedantic"
#include <volk.h>
