/* The facts of a Vulkan device, and whether it can run our kernels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

uint32_t vk_compute_family(VkPhysicalDevice physical)
{
    VkQueueFamilyProperties families[32];
    uint32_t count = 32;
    vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, families);
    for (uint32_t i = 0; i < count; i++)
        if (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) return i;
    return UINT32_MAX;
}

static const char *vendor_name(uint32_t id)
{
    switch (id) {
    case 0x1002:
        return "AMD";
    case 0x10de:
        return "NVIDIA";
    case 0x8086:
        return "Intel";
    case 0x13b5:
        return "Arm";
    case 0x5143:
        return "Qualcomm";
    case 0x106b:
        return "Apple";
    case 0x10005:
        return "Mesa";
    }
    return "unknown";
}

static tsr_device_type device_type(VkPhysicalDeviceType type)
{
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
        return TSR_DEVICE_CPU;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
        return TSR_DEVICE_INTEGRATED;
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
        return TSR_DEVICE_DISCRETE;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
        return TSR_DEVICE_VIRTUAL;
    default:
        return TSR_DEVICE_OTHER;
    }
}

static uint64_t host_memory(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
}

/* Totals over the device's heaps; the largest heap bounds one allocation. */
static void read_memory(VkPhysicalDevice physical, tsr_device_info *info)
{
    uint64_t largest = 0;
    VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
    VkPhysicalDeviceMemoryProperties2 memory = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
    const bool tells = vk_has_extension(physical, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
    if (tells) memory.pNext = &budget;
    vkGetPhysicalDeviceMemoryProperties2(physical, &memory);
    const VkPhysicalDeviceMemoryProperties *m = &memory.memoryProperties;
    for (uint32_t i = 0; i < m->memoryHeapCount; i++) {
        if (!(m->memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)) continue;
        info->memory_total += m->memoryHeaps[i].size;
        if (m->memoryHeaps[i].size > largest) largest = m->memoryHeaps[i].size;
        if (tells && budget.heapBudget[i] > budget.heapUsage[i]) info->memory_free += budget.heapBudget[i] - budget.heapUsage[i];
    }
    if (info->max_buffer > largest) info->max_buffer = largest;
    /* A software driver's heap is the host's memory, whatever round number it claims. */
    if (info->type == TSR_DEVICE_CPU && !tells && host_memory() > info->memory_total) info->memory_total = host_memory();
}

uint64_t vk_memory_left(const bk_device *dev)
{
    tsr_device_info now = {.type = dev->info.type};
    read_memory(dev->physical, &now);
    const uint64_t left = now.memory_total > dev->used ? now.memory_total - dev->used : 0;
    return now.memory_free && now.memory_free < left ? now.memory_free : left;
}

/* Vulkan itself does not tell; some vendors do. Only the splitting of short jobs depends on it. */
static uint32_t compute_units(VkPhysicalDevice physical, tsr_device_type type)
{
    enum { GUESS = 16 };
    VkPhysicalDeviceShaderSMBuiltinsPropertiesNV nvidia = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SM_BUILTINS_PROPERTIES_NV};
    VkPhysicalDeviceShaderCoreProperties2AMD amd = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_PROPERTIES_2_AMD};
    VkPhysicalDeviceShaderCoreBuiltinsPropertiesARM arm = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_BUILTINS_PROPERTIES_ARM};
    VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
    if (type == TSR_DEVICE_CPU) {
        const long cores = sysconf(_SC_NPROCESSORS_ONLN);
        return cores > 0 ? (uint32_t)cores : GUESS;
    }
    if (vk_has_extension(physical, VK_NV_SHADER_SM_BUILTINS_EXTENSION_NAME))
        properties.pNext = &nvidia;
    else if (vk_has_extension(physical, VK_AMD_SHADER_CORE_PROPERTIES_2_EXTENSION_NAME))
        properties.pNext = &amd;
    else if (vk_has_extension(physical, VK_ARM_SHADER_CORE_BUILTINS_EXTENSION_NAME))
        properties.pNext = &arm;
    vkGetPhysicalDeviceProperties2(physical, &properties);
    const uint32_t told = nvidia.shaderSMCount + amd.activeComputeUnitCount + arm.shaderCoreCount; /* two of them are 0 */
    return told ? told : GUESS;
}

#ifdef VK_KHR_cooperative_matrix
static const char *component_name(VkComponentTypeKHR type)
{
    switch (type) {
    case VK_COMPONENT_TYPE_FLOAT16_KHR:
        return "f16";
    case VK_COMPONENT_TYPE_FLOAT32_KHR:
        return "f32";
    case VK_COMPONENT_TYPE_FLOAT64_KHR:
        return "f64";
    case VK_COMPONENT_TYPE_SINT8_KHR:
        return "s8";
    case VK_COMPONENT_TYPE_UINT8_KHR:
        return "u8";
    case VK_COMPONENT_TYPE_SINT32_KHR:
        return "s32";
    case VK_COMPONENT_TYPE_UINT32_KHR:
        return "u32";
    default:
        break;
    }
    switch ((int)type) { /* newer than some headers */
    case VK_COMPONENT_TYPE_BFLOAT16_KHR:
        return "bf16";
    case 1000491002:
        return "e4m3"; /* VK_COMPONENT_TYPE_FLOAT8_E4M3_EXT */
    case 1000491003:
        return "e5m2"; /* VK_COMPONENT_TYPE_FLOAT8_E5M2_EXT */
    }
    return "other";
}

/* One input type, wrapping sums, a sub-group's: mixed signs and saturation are variants of these. */
static bool plain_shape(const VkCooperativeMatrixPropertiesKHR *p)
{
    return p->AType == p->BType && p->CType == p->ResultType && !p->saturatingAccumulation && p->scope == VK_SCOPE_SUBGROUP_KHR;
}

/* Kernels that use them are SPIR-V 1.6. */
static bool may_reduce(VkPhysicalDevice physical, const VkPhysicalDeviceFeatures2 *enabled, uint32_t instance_version)
{
    VkPhysicalDeviceProperties basic;
    vkGetPhysicalDeviceProperties(physical, &basic);
    return vk_features_reductions(enabled) && instance_version >= VK_API_VERSION_1_3 && basic.apiVersion >= VK_API_VERSION_1_3;
}

void vk_read_matrices(VkInstance instance, uint32_t instance_version, VkPhysicalDevice physical, const VkPhysicalDeviceFeatures2 *enabled,
                      tsr_device_info *info)
{
    info->features &= ~(uint32_t)(TSR_FEATURE_MATRIX | TSR_FEATURE_MATRIX_REDUCED);
    info->matrix_count = 0;
    memset(info->matrix, 0, sizeof(info->matrix));
    if (!vk_features_matrices(enabled)) return;
    const bool bfloat = vk_features_bfloat(enabled);
    const PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR list =
        (PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR)vkGetInstanceProcAddr(instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
    uint32_t count = 0;
    if (!list || list(physical, &count, NULL) != VK_SUCCESS || count == 0) return;
    VkCooperativeMatrixPropertiesKHR *all = calloc(count, sizeof(*all));
    if (!all) return;
    for (uint32_t i = 0; i < count; i++) all[i].sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR;
    if (list(physical, &count, all) != VK_SUCCESS) count = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!plain_shape(&all[i]) || ((int)all[i].AType == VK_COMPONENT_TYPE_BFLOAT16_KHR && !bfloat) || info->matrix_count++ >= 16) continue;
        tsr_matrix_shape *s = &info->matrix[info->matrix_count - 1];
        s->m = all[i].MSize;
        s->n = all[i].NSize;
        s->k = all[i].KSize;
        snprintf(s->a, sizeof(s->a), "%s", component_name(all[i].AType));
        snprintf(s->c, sizeof(s->c), "%s", component_name(all[i].CType));
    }
    if (info->matrix_count > 0)
        info->features |= TSR_FEATURE_MATRIX | (may_reduce(physical, enabled, instance_version) ? TSR_FEATURE_MATRIX_REDUCED : 0);
    free(all);
}
#else
void vk_read_matrices(VkInstance instance, uint32_t instance_version, VkPhysicalDevice physical, const VkPhysicalDeviceFeatures2 *enabled,
                      tsr_device_info *info)
{
    (void)instance;
    (void)instance_version;
    (void)physical;
    (void)enabled;
    (void)info;
}
#endif

/* Of devices that have dot products of int8 at all. */
static bool fast_code_dot(VkPhysicalDevice physical)
{
    VkPhysicalDeviceShaderIntegerDotProductProperties dot = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES};
    VkPhysicalDeviceProperties2 query = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &dot};
    vkGetPhysicalDeviceProperties2(physical, &query);
    return dot.integerDotProduct4x8BitPackedSignedAccelerated;
}

static bool read_features(VkPhysicalDevice physical, const vk_features *features, tsr_device_info *info, char lacks[VK_TEXT])
{
    if (features->f12.shaderFloat16) info->features |= TSR_FEATURE_F16;
    if (vk_features_dot(&features->all)) info->features |= TSR_FEATURE_F16_DOT;
    if (vk_features_code_dot(&features->all)) info->features |= TSR_FEATURE_INT8_DOT | (fast_code_dot(physical) ? TSR_FEATURE_INT8_DOT_FAST : 0);
    if (vk_has_extension(physical, VK_KHR_SHADER_BFLOAT16_EXTENSION_NAME)) info->features |= TSR_FEATURE_BF16;
    return vk_features_complete(&features->all, lacks);
}

static bool refuse(char lacks[VK_TEXT], const char *why)
{
    snprintf(lacks, VK_TEXT, "%s", why);
    return false;
}

bool vk_read_info(VkInstance instance, VkPhysicalDevice physical, size_t index, unsigned newer, tsr_device_info *info, char lacks[VK_TEXT])
{
    memset(info, 0, sizeof(*info));
    VkPhysicalDeviceSubgroupSizeControlProperties sizes = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES};
    VkPhysicalDeviceSubgroupProperties subgroup = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
    VkPhysicalDeviceMaintenance3Properties limits3 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES, .pNext = &subgroup};
    VkPhysicalDeviceMaintenance4Properties limits4 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES, .pNext = &subgroup};
    VkPhysicalDeviceDriverProperties driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES, .pNext = &limits3};
    VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &driver};
    if (vk_has_extension(physical, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME)) subgroup.pNext = &sizes;
    if (vk_has_extension(physical, VK_KHR_MAINTENANCE_4_EXTENSION_NAME)) limits3.pNext = &limits4;
    VkPhysicalDeviceProperties basic;
    vkGetPhysicalDeviceProperties(physical, &basic);
    snprintf(info->id, sizeof(info->id), "vulkan:%zu", index);
    snprintf(info->backend, sizeof(info->backend), "vulkan");
    snprintf(info->name, sizeof(info->name), "%s", basic.deviceName);
    if (basic.apiVersion < VK_API_VERSION_1_2) return refuse(lacks, "Vulkan 1.2");
    vkGetPhysicalDeviceProperties2(physical, &properties);
    const VkPhysicalDeviceLimits *limits = &properties.properties.limits;
    snprintf(info->vendor, sizeof(info->vendor), "%s", vendor_name(basic.vendorID));
    snprintf(info->driver, sizeof(info->driver), "%.127s", driver.driverName);
    snprintf(info->version, sizeof(info->version), "%.127s", driver.driverInfo[0] ? driver.driverInfo : "unknown");
    info->type = device_type(basic.deviceType);
    if (vk_compute_family(physical) == UINT32_MAX) return refuse(lacks, "a compute queue");
    vk_features features;
    vk_features_query(physical, newer, &features);
    if (!read_features(physical, &features, info, lacks)) return false;
    info->max_buffer = limits3.maxMemoryAllocationSize;
    if (limits4.maxBufferSize && limits4.maxBufferSize < info->max_buffer) info->max_buffer = limits4.maxBufferSize;
    read_memory(physical, info);
    info->max_workgroup = limits->maxComputeWorkGroupInvocations;
    info->shared_bytes = limits->maxComputeSharedMemorySize;
    info->subgroup_min = sizes.minSubgroupSize ? sizes.minSubgroupSize : subgroup.subgroupSize;
    info->subgroup_max = sizes.maxSubgroupSize ? sizes.maxSubgroupSize : subgroup.subgroupSize;
    const VkSubgroupFeatureFlags wanted = VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_BALLOT_BIT;
    if ((subgroup.supportedOperations & wanted) == wanted && (subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT))
        info->features |= TSR_FEATURE_SUBGROUP;
    if (info->type == TSR_DEVICE_CPU || info->type == TSR_DEVICE_INTEGRATED) info->features |= TSR_FEATURE_UNIFIED;
    info->vector_width = 1;
    info->compute_units = compute_units(physical, info->type);
    vk_read_matrices(instance, VK_INSTANCE_VERSION, physical, &features.all, info);
    return true;
}
