/* What the layer's files share: a device that was opened through it. */
#ifndef LAB_LAYER_H
#define LAB_LAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

typedef struct lab_device {
    void *key; /* what all handles of the device begin with: the loader's table */
    VkDevice device;
    PFN_vkGetDeviceProcAddr next;
    char name[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE], driver[VK_MAX_DRIVER_NAME_SIZE + VK_MAX_DRIVER_INFO_SIZE + 2];
    PFN_vkDestroyDevice destroy;
    PFN_vkCreateShaderModule create_module;
    PFN_vkCreateComputePipelines create_pipelines;
    PFN_vkGetPipelineExecutablePropertiesKHR executables;
    PFN_vkGetPipelineExecutableStatisticsKHR statistics;
    PFN_vkGetPipelineExecutableInternalRepresentationsKHR representations;
} lab_device;

/* capture.c. Creates a pipeline without a cache, asked to tell of itself, and writes a line about it to the folder that TESSERA_LAB names. */
VkResult lab_create(const lab_device *dev, const VkComputePipelineCreateInfo *asked, uint64_t code, const VkAllocationCallbacks *alloc,
                    VkPipeline *out);

#endif
