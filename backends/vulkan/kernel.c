/* Compute pipelines from SPIR-V, with the driver's pipeline cache kept on disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* What a pipeline cache depends on. The kernel's code and constants are part of it: one entry for each
 * pipeline, so that entries stay small and never grow with use. */
typedef struct cache_identity {
    uint32_t vendor, device, driver_version, code_hash;
    uint8_t uuid[VK_UUID_SIZE];
    int32_t specs[BK_MAX_SPECS];
} cache_identity;

static cache_identity identify(const bk_device *dev, const bk_kernel_desc *desc, const vk_code *code)
{
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(dev->physical, &properties);
    cache_identity id;
    memset(&id, 0, sizeof(id));
    id.vendor = properties.vendorID;
    id.device = properties.deviceID;
    id.driver_version = properties.driverVersion;
    memcpy(id.uuid, properties.pipelineCacheUUID, VK_UUID_SIZE);
    memcpy(id.specs, desc->specs, desc->source->spec_count * sizeof(desc->specs[0]));
    id.code_hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < code->size / 4; i++) id.code_hash = (id.code_hash ^ code->words[i]) * 16777619u;
    return id;
}

/* Drivers should check the header themselves; not all do. */
static bool header_fits(const unsigned char *data, size_t size, const cache_identity *id)
{
    VkPipelineCacheHeaderVersionOne header;
    if (!data || size < sizeof(header)) return false;
    memcpy(&header, data, sizeof(header));
    return header.headerVersion == VK_PIPELINE_CACHE_HEADER_VERSION_ONE && header.vendorID == id->vendor && header.deviceID == id->device &&
           memcmp(header.pipelineCacheUUID, id->uuid, VK_UUID_SIZE) == 0;
}

static VkPipelineCache open_cache(bk_device *dev, const char *name, const cache_identity *id, size_t *loaded)
{
    size_t size = 0;
    unsigned char *data = dev->services->cache_load(dev->services->ctx, name, id, sizeof(*id), &size);
    const bool fits = header_fits(data, size, id);
    const VkPipelineCacheCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO, .initialDataSize = fits ? size : 0, .pInitialData = fits ? data : NULL};
    VkPipelineCache cache = VK_NULL_HANDLE;
    if (dev->vk.vkCreatePipelineCache(dev->device, &info, NULL, &cache) != VK_SUCCESS) cache = VK_NULL_HANDLE;
    free(data);
    *loaded = fits ? size : 0;
    return cache;
}

static void close_cache(bk_device *dev, VkPipelineCache cache, const char *name, const cache_identity *id, size_t loaded)
{
    size_t size = 0;
    if (!cache) return;
    if (loaded == 0 && dev->vk.vkGetPipelineCacheData(dev->device, cache, &size, NULL) == VK_SUCCESS && size > 0) {
        void *data = malloc(size);
        if (data && dev->vk.vkGetPipelineCacheData(dev->device, cache, &size, data) == VK_SUCCESS)
            dev->services->cache_store(dev->services->ctx, name, id, sizeof(*id), data, size);
        free(data);
    }
    dev->vk.vkDestroyPipelineCache(dev->device, cache, NULL);
}

static VkResult create_pipeline(bk_device *dev, const bk_kernel_desc *desc, const vk_code *code, VkPipelineCache cache, bk_kernel *kernel)
{
    const bk_kernel_source *source = desc->source;
    const VkShaderModuleCreateInfo module = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = code->size, .pCode = code->words};
    VkResult result = dev->vk.vkCreateShaderModule(dev->device, &module, NULL, &kernel->module);
    if (result != VK_SUCCESS) return result;
    const VkPushConstantRange range = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
                                       .size = source->binding_count * (uint32_t)sizeof(uint64_t) + (uint32_t)sizeof(uint32_t)};
    const VkPipelineLayoutCreateInfo layout = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO, .pushConstantRangeCount = 1, .pPushConstantRanges = &range};
    if ((result = dev->vk.vkCreatePipelineLayout(dev->device, &layout, NULL, &kernel->layout)) != VK_SUCCESS) return result;
    VkSpecializationMapEntry entries[BK_MAX_SPECS];
    for (uint32_t i = 0; i < source->spec_count; i++) entries[i] = (VkSpecializationMapEntry){i, i * (uint32_t)sizeof(int32_t), sizeof(int32_t)};
    const VkSpecializationInfo specs = {source->spec_count, entries, source->spec_count * sizeof(int32_t), desc->specs};
    const bool matrix = source->tile == TSR_TILE_MATRIX;
    const VkPipelineShaderStageRequiredSubgroupSizeCreateInfo subgroup = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO,
        .requiredSubgroupSize = (uint32_t)desc->specs[matrix ? 1 : 0]};
    const bool fixed = (source->tile == TSR_TILE_SUBGROUP || matrix) && dev->size_control && dev->info.subgroup_min != dev->info.subgroup_max;
    const VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .pNext = fixed ? &subgroup : NULL,
                  .flags = matrix && dev->size_control ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT_EXT : 0,
                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                  .module = kernel->module,
                  .pName = "main",
                  .pSpecializationInfo = &specs},
        .layout = kernel->layout,
    };
    return dev->vk.vkCreateComputePipelines(dev->device, cache, 1, &info, NULL, &kernel->pipeline);
}

tsr_status vk_kernel_create(bk_device *dev, const bk_kernel_desc *desc, bk_kernel **out)
{
    if (desc->source->tile == TSR_TILE_MATRIX && !(dev->info.features & TSR_FEATURE_MATRIX))
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "%s: kernel %s needs cooperative matrices", dev->info.id, desc->source->name);
    if (desc->source->tile == TSR_TILE_VECTOR)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "%s: kernel %s has no form for this tile model", dev->info.id, desc->source->name);
    if (dev->lost) return vk_status(dev, VK_ERROR_DEVICE_LOST, "compiling");
    bk_kernel *kernel = calloc(1, sizeof(*kernel));
    if (!kernel) return tsr_fail(TSR_ERROR_HOST_MEMORY, "vulkan: no memory for a kernel");
    vk_code code;
    const tsr_status status = vk_code_get(dev, desc, &code);
    if (status != TSR_OK) {
        free(kernel);
        return status;
    }
    kernel->bindings = desc->source->binding_count;
    char name[64];
    snprintf(name, sizeof(name), "vulkan-%s-%d-%d", desc->source->name, (int)desc->source->tile, (int)desc->source->input);
    const cache_identity id = identify(dev, desc, &code);
    size_t loaded = 0;
    VkPipelineCache cache = open_cache(dev, name, &id, &loaded);
    const VkResult result = create_pipeline(dev, desc, &code, cache, kernel);
    vk_code_free(&code);
    if (result == VK_SUCCESS)
        close_cache(dev, cache, name, &id, loaded);
    else if (cache)
        dev->vk.vkDestroyPipelineCache(dev->device, cache, NULL);
    if (result != VK_SUCCESS) {
        vk_kernel_destroy(dev, kernel);
        const bool refused = result != VK_ERROR_DEVICE_LOST && result != VK_ERROR_OUT_OF_DEVICE_MEMORY && result != VK_ERROR_OUT_OF_HOST_MEMORY;
        return !refused ? vk_status(dev, result, "compiling")
                        : tsr_fail(TSR_ERROR_COMPILE, "%s: kernel %s was refused (VkResult %d)", dev->info.id, desc->source->name, (int)result);
    }
    *out = kernel;
    return TSR_OK;
}

void vk_kernel_destroy(bk_device *dev, bk_kernel *kernel)
{
    vk_wait(dev); /* work in flight may still run it */
    if (!dev->stuck) {
        dev->vk.vkDestroyPipeline(dev->device, kernel->pipeline, NULL);
        dev->vk.vkDestroyPipelineLayout(dev->device, kernel->layout, NULL);
        dev->vk.vkDestroyShaderModule(dev->device, kernel->module, NULL);
    }
    free(kernel);
}
