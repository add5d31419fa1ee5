/* The facts of a Vulkan device, and whether it can run our kernels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

bool vk_has_extension(VkPhysicalDevice physical, const char *name)
{
    uint32_t count = 0;
    if (vkEnumerateDeviceExtensionProperties(physical, NULL, &count, NULL) != VK_SUCCESS || count == 0) return false;
    VkExtensionProperties *all = calloc(count, sizeof(*all));
    bool found = false;
    if (all && vkEnumerateDeviceExtensionProperties(physical, NULL, &count, all) >= 0)
        for (uint32_t i = 0; i < count && !found; i++) found = strcmp(all[i].extensionName, name) == 0;
    free(all);
    return found;
}

static const char *vendor_name(uint32_t id)
{
    switch (id) {
    case 0x1002: return "AMD";
    case 0x10de: return "NVIDIA";
    case 0x8086: return "Intel";
    case 0x13b5: return "Arm";
    case 0x5143: return "Qualcomm";
    case 0x106b: return "Apple";
    case 0x10005: return "Mesa";
    }
    return "unknown";
}

static tsr_device_type device_type(VkPhysicalDeviceType type)
{
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_CPU: return TSR_DEVICE_CPU;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: return TSR_DEVICE_INTEGRATED;
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: return TSR_DEVICE_DISCRETE;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU: return TSR_DEVICE_VIRTUAL;
    default: return TSR_DEVICE_OTHER;
    }
}

static void read_memory(VkPhysicalDevice physical, tsr_device_info *info)
{
    VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
    VkPhysicalDeviceMemoryProperties2 memory = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
    const bool tells = vk_has_extension(physical, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
    if (tells) memory.pNext = &budget;
    vkGetPhysicalDeviceMemoryProperties2(physical, &memory);
    const VkPhysicalDeviceMemoryProperties *m = &memory.memoryProperties;
    for (uint32_t i = 0; i < m->memoryHeapCount; i++) {
        if (!(m->memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)) continue;
        info->memory_total += m->memoryHeaps[i].size;
        if (tells && budget.heapBudget[i] > budget.heapUsage[i]) info->memory_free += budget.heapBudget[i] - budget.heapUsage[i];
    }
}

#ifdef VK_KHR_cooperative_matrix
static const char *component_name(VkComponentTypeKHR type)
{
    switch (type) {
    case VK_COMPONENT_TYPE_FLOAT16_KHR: return "f16";
    case VK_COMPONENT_TYPE_FLOAT32_KHR: return "f32";
    case VK_COMPONENT_TYPE_FLOAT64_KHR: return "f64";
    case VK_COMPONENT_TYPE_SINT8_KHR: return "s8";
    case VK_COMPONENT_TYPE_UINT8_KHR: return "u8";
    case VK_COMPONENT_TYPE_SINT32_KHR: return "s32";
    case VK_COMPONENT_TYPE_UINT32_KHR: return "u32";
    default: return (int)type == 1000141000 ? "bf16" : "other"; /* VK_COMPONENT_TYPE_BFLOAT16_KHR, newer than some headers */
    }
}

static void read_matrices(VkPhysicalDevice physical, tsr_device_info *info)
{
    if (!vk_has_extension(physical, VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME) || !vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR) return;
    uint32_t count = 0;
    if (vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR(physical, &count, NULL) != VK_SUCCESS || count == 0) return;
    VkCooperativeMatrixPropertiesKHR *all = calloc(count, sizeof(*all));
    if (!all) return;
    for (uint32_t i = 0; i < count; i++) all[i].sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR;
    if (vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR(physical, &count, all) == VK_SUCCESS) {
        info->features |= TSR_FEATURE_MATRIX;
        info->matrix_count = count;
        for (uint32_t i = 0; i < count && i < 16; i++) {
            tsr_matrix_shape *s = &info->matrix[i];
            s->m = all[i].MSize;
            s->n = all[i].NSize;
            s->k = all[i].KSize;
            snprintf(s->a, sizeof(s->a), "%s", component_name(all[i].AType));
            snprintf(s->c, sizeof(s->c), "%s", component_name(all[i].CType));
        }
    }
    free(all);
}
#else
static void read_matrices(VkPhysicalDevice physical, tsr_device_info *info)
{
    (void)physical;
    (void)info;
}
#endif

static const char *read_features(VkPhysicalDevice physical, tsr_device_info *info)
{
    VkPhysicalDeviceVulkan12Features f12 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
    VkPhysicalDeviceVulkan11Features f11 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, .pNext = &f12};
    VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &f11};
    VkPhysicalDeviceShaderIntegerDotProductFeatures dot = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES};
    if (vk_has_extension(physical, VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME)) f12.pNext = &dot;
    vkGetPhysicalDeviceFeatures2(physical, &features);
    if (!f12.bufferDeviceAddress) return "it lacks bufferDeviceAddress";
    if (!f12.scalarBlockLayout) return "it lacks scalarBlockLayout";
    if (!features.features.shaderInt64) return "it lacks shaderInt64";
    if (!f11.storageBuffer16BitAccess) return "it lacks storageBuffer16BitAccess";
    if (!f12.storageBuffer8BitAccess) return "it lacks storageBuffer8BitAccess";
    if (f12.shaderFloat16) info->features |= TSR_FEATURE_F16;
    if (dot.shaderIntegerDotProduct) info->features |= TSR_FEATURE_INT8_DOT;
    if (vk_has_extension(physical, "VK_KHR_shader_bfloat16")) info->features |= TSR_FEATURE_BF16;
    return NULL;
}

const char *vk_read_info(VkPhysicalDevice physical, size_t index, tsr_device_info *info)
{
    memset(info, 0, sizeof(*info));
    VkPhysicalDeviceSubgroupSizeControlProperties sizes = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES};
    VkPhysicalDeviceSubgroupProperties subgroup = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
    VkPhysicalDeviceMaintenance3Properties limits3 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES, .pNext = &subgroup};
    VkPhysicalDeviceDriverProperties driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES, .pNext = &limits3};
    VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &driver};
    if (vk_has_extension(physical, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME)) subgroup.pNext = &sizes;
    VkPhysicalDeviceProperties basic;
    vkGetPhysicalDeviceProperties(physical, &basic);
    snprintf(info->id, sizeof(info->id), "vulkan:%zu", index);
    snprintf(info->backend, sizeof(info->backend), "vulkan");
    snprintf(info->name, sizeof(info->name), "%s", basic.deviceName);
    if (basic.apiVersion < VK_API_VERSION_1_2) return "it is older than Vulkan 1.2";
    vkGetPhysicalDeviceProperties2(physical, &properties);
    const VkPhysicalDeviceLimits *limits = &properties.properties.limits;
    snprintf(info->vendor, sizeof(info->vendor), "%s", vendor_name(basic.vendorID));
    snprintf(info->driver, sizeof(info->driver), "%.127s", driver.driverName);
    snprintf(info->version, sizeof(info->version), "%.127s", driver.driverInfo[0] ? driver.driverInfo : "unknown");
    info->type = device_type(basic.deviceType);
    const char *missing = read_features(physical, info);
    if (missing) return missing;
    read_memory(physical, info);
    info->max_buffer = limits3.maxMemoryAllocationSize;
    info->max_workgroup = limits->maxComputeWorkGroupInvocations;
    info->shared_bytes = limits->maxComputeSharedMemorySize;
    info->subgroup_min = sizes.minSubgroupSize ? sizes.minSubgroupSize : subgroup.subgroupSize;
    info->subgroup_max = sizes.maxSubgroupSize ? sizes.maxSubgroupSize : subgroup.subgroupSize;
    const VkSubgroupFeatureFlags wanted = VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_BALLOT_BIT;
    if ((subgroup.supportedOperations & wanted) == wanted && (subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT)) info->features |= TSR_FEATURE_SUBGROUP;
    if (info->type == TSR_DEVICE_CPU || info->type == TSR_DEVICE_INTEGRATED) info->features |= TSR_FEATURE_UNIFIED;
    info->vector_width = 1;
    info->compute_units = 16; /* Vulkan does not tell; only the splitting of short jobs depends on it */
    read_matrices(physical, info);
    return NULL;
}
