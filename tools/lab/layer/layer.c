/* A Vulkan layer that has drivers tell what they made of every compute pipeline: it switches on
 * VK_KHR_pipeline_executable_properties, asks for statistics and texts, and keeps pipelines from coming out of a cache. */
#include "layer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vk_layer.h>

#define EXPORT __attribute__((visibility("default")))

enum { MOST_INSTANCES = 64, MOST_DEVICES = 64, MOST_MODULES = 65536 };

typedef struct lab_instance {
    void *key;
    VkInstance instance;
    PFN_vkGetInstanceProcAddr next;
} lab_instance;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static lab_instance instances[MOST_INSTANCES];
static lab_device devices[MOST_DEVICES];
static struct {
    VkShaderModule module;
    uint64_t code;
} modules[MOST_MODULES]; /* a ring: pipelines are made soon after their modules */
static size_t module_count;

static void *key_of(const void *handle)
{
    void *key;
    memcpy(&key, handle, sizeof(key));
    return key;
}

/* The entry with that key; NULL: a free one. Entries are never given back but by key. */
static lab_instance *instance_of(void *key)
{
    for (size_t i = 0; i < MOST_INSTANCES; i++)
        if (instances[i].key == key) return &instances[i];
    return NULL;
}

static lab_device *device_of(void *key)
{
    for (size_t i = 0; i < MOST_DEVICES; i++)
        if (devices[i].key == key) return &devices[i];
    return NULL;
}

/* FNV-1a over the words of a module. */
static uint64_t hash_code(const uint32_t *words, size_t bytes)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < bytes / sizeof(words[0]); i++) hash = (hash ^ words[i]) * 1099511628211u;
    return hash;
}

static const void *chained(const void *next, VkStructureType type)
{
    for (const VkBaseInStructure *s = next; s; s = s->pNext)
        if (s->sType == type) return s;
    return NULL;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info, const VkAllocationCallbacks *alloc, VkInstance *out)
{
    VkLayerInstanceCreateInfo *link = (VkLayerInstanceCreateInfo *)(uintptr_t)info->pNext;
    while (link && !(link->sType == VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO && link->function == VK_LAYER_LINK_INFO))
        link = (VkLayerInstanceCreateInfo *)(uintptr_t)link->pNext;
    if (!link) return VK_ERROR_INITIALIZATION_FAILED;
    const PFN_vkGetInstanceProcAddr next = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    const PFN_vkCreateInstance create = (PFN_vkCreateInstance)next(VK_NULL_HANDLE, "vkCreateInstance");
    const VkResult result = create(info, alloc, out);
    if (result != VK_SUCCESS) return result;
    pthread_mutex_lock(&lock);
    lab_instance *const entry = instance_of(NULL);
    if (entry) *entry = (lab_instance){.key = key_of(*out), .instance = *out, .next = next};
    pthread_mutex_unlock(&lock);
    return entry ? VK_SUCCESS : VK_ERROR_TOO_MANY_OBJECTS;
}

static VKAPI_ATTR void VKAPI_CALL destroy_instance(VkInstance instance, const VkAllocationCallbacks *alloc)
{
    if (!instance) return;
    pthread_mutex_lock(&lock);
    lab_instance *const entry = instance_of(key_of(instance));
    const PFN_vkDestroyInstance destroy = entry ? (PFN_vkDestroyInstance)entry->next(instance, "vkDestroyInstance") : NULL;
    if (entry) *entry = (lab_instance){0};
    pthread_mutex_unlock(&lock);
    if (destroy) destroy(instance, alloc);
}

/* Drivers whose kernel driver is played tell no name: that of the card is TESSERA_LAB_CARD. */
static VKAPI_ATTR void VKAPI_CALL get_properties(VkPhysicalDevice physical, VkPhysicalDeviceProperties *out)
{
    const char *const card = getenv("TESSERA_LAB_CARD");
    pthread_mutex_lock(&lock);
    const lab_instance *const found = instance_of(key_of(physical));
    const lab_instance in = found ? *found : (lab_instance){0};
    pthread_mutex_unlock(&lock);
    if (!found) return;
    ((PFN_vkGetPhysicalDeviceProperties)in.next(in.instance, "vkGetPhysicalDeviceProperties"))(physical, out);
    if (card) snprintf(out->deviceName, sizeof(out->deviceName), "%s", card);
}

static void describe(const lab_instance *in, VkPhysicalDevice physical, lab_device *dev)
{
    const PFN_vkGetPhysicalDeviceProperties2 get = (PFN_vkGetPhysicalDeviceProperties2)in->next(in->instance, "vkGetPhysicalDeviceProperties2");
    VkPhysicalDeviceDriverProperties driver = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
    VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &driver};
    get(physical, &properties);
    memcpy(dev->name, properties.properties.deviceName, sizeof(dev->name));
    strcpy(dev->driver, driver.driverName);
    strcat(strcat(dev->driver, " "), driver.driverInfo);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice physical, const VkDeviceCreateInfo *info, const VkAllocationCallbacks *alloc,
                                                    VkDevice *out)
{
    VkLayerDeviceCreateInfo *link = (VkLayerDeviceCreateInfo *)(uintptr_t)info->pNext;
    while (link && !(link->sType == VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO && link->function == VK_LAYER_LINK_INFO))
        link = (VkLayerDeviceCreateInfo *)(uintptr_t)link->pNext;
    pthread_mutex_lock(&lock);
    const lab_instance *const found = instance_of(key_of(physical));
    const lab_instance in = found ? *found : (lab_instance){0};
    pthread_mutex_unlock(&lock);
    if (!link || !found) return VK_ERROR_INITIALIZATION_FAILED;
    const PFN_vkGetDeviceProcAddr next = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;

    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR feature = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR,
        .pNext = (void *)(uintptr_t)info->pNext,
        .pipelineExecutableInfo = VK_TRUE};
    const uint32_t count = info->enabledExtensionCount;
    const char **names = calloc((size_t)count + 1, sizeof(*names));
    if (!names) return VK_ERROR_OUT_OF_HOST_MEMORY;
    for (uint32_t i = 0; i < count; i++) names[i] = info->ppEnabledExtensionNames[i];
    names[count] = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
    VkDeviceCreateInfo more = *info;
    more.pNext = &feature;
    more.ppEnabledExtensionNames = names;
    more.enabledExtensionCount = count + 1;
    const PFN_vkCreateDevice create = (PFN_vkCreateDevice)in.next(in.instance, "vkCreateDevice");
    const VkResult result = create(physical, &more, alloc, out);
    free(names);
    if (result != VK_SUCCESS) return result;

    lab_device dev = {.key = key_of(*out), .device = *out, .next = next};
    describe(&in, physical, &dev);
    dev.destroy = (PFN_vkDestroyDevice)next(*out, "vkDestroyDevice");
    dev.create_module = (PFN_vkCreateShaderModule)next(*out, "vkCreateShaderModule");
    dev.create_pipelines = (PFN_vkCreateComputePipelines)next(*out, "vkCreateComputePipelines");
    dev.executables = (PFN_vkGetPipelineExecutablePropertiesKHR)next(*out, "vkGetPipelineExecutablePropertiesKHR");
    dev.statistics = (PFN_vkGetPipelineExecutableStatisticsKHR)next(*out, "vkGetPipelineExecutableStatisticsKHR");
    dev.representations = (PFN_vkGetPipelineExecutableInternalRepresentationsKHR)next(*out, "vkGetPipelineExecutableInternalRepresentationsKHR");
    pthread_mutex_lock(&lock);
    lab_device *const entry = device_of(NULL);
    if (entry) *entry = dev;
    pthread_mutex_unlock(&lock);
    if (!entry) dev.destroy(*out, alloc);
    return entry ? VK_SUCCESS : VK_ERROR_TOO_MANY_OBJECTS;
}

static lab_device known(VkDevice device)
{
    pthread_mutex_lock(&lock);
    const lab_device *const found = device_of(key_of(device));
    const lab_device dev = found ? *found : (lab_device){0};
    pthread_mutex_unlock(&lock);
    return dev;
}

static VKAPI_ATTR void VKAPI_CALL destroy_device(VkDevice device, const VkAllocationCallbacks *alloc)
{
    if (!device) return;
    const lab_device dev = known(device);
    pthread_mutex_lock(&lock);
    lab_device *const entry = device_of(dev.key);
    if (dev.key && entry) *entry = (lab_device){0};
    pthread_mutex_unlock(&lock);
    if (dev.destroy) dev.destroy(device, alloc);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_module(VkDevice device, const VkShaderModuleCreateInfo *info, const VkAllocationCallbacks *alloc,
                                                    VkShaderModule *out)
{
    const VkResult result = known(device).create_module(device, info, alloc, out);
    if (result != VK_SUCCESS) return result;
    pthread_mutex_lock(&lock);
    modules[module_count % MOST_MODULES].module = *out;
    modules[module_count++ % MOST_MODULES].code = hash_code(info->pCode, info->codeSize);
    pthread_mutex_unlock(&lock);
    return result;
}

/* Of the newest module with that handle, which drivers use again; or of the code that stands in its place. */
static uint64_t code_of(const VkPipelineShaderStageCreateInfo *stage)
{
    const VkShaderModuleCreateInfo *const inlined = chained(stage->pNext, VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);
    if (!stage->module && inlined) return hash_code(inlined->pCode, inlined->codeSize);
    uint64_t code = 0;
    pthread_mutex_lock(&lock);
    for (size_t i = module_count; i > 0 && i + MOST_MODULES > module_count && !code; i--)
        if (modules[(i - 1) % MOST_MODULES].module == stage->module) code = modules[(i - 1) % MOST_MODULES].code;
    pthread_mutex_unlock(&lock);
    return code;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_pipelines(VkDevice device, VkPipelineCache cache, uint32_t count,
                                                       const VkComputePipelineCreateInfo *infos, const VkAllocationCallbacks *alloc, VkPipeline *out)
{
    (void)cache;
    const lab_device dev = known(device);
    VkResult all = VK_SUCCESS;
    for (uint32_t i = 0; i < count; i++) {
        const VkResult result = lab_create(&dev, &infos[i], code_of(&infos[i].stage), alloc, &out[i]);
        if (result != VK_SUCCESS) all = result;
    }
    return all;
}

static PFN_vkVoidFunction own(const char *name)
{
    static const struct {
        const char *name;
        PFN_vkVoidFunction call;
    } calls[] = {{"vkDestroyDevice", (PFN_vkVoidFunction)destroy_device},
                 {"vkCreateShaderModule", (PFN_vkVoidFunction)create_module},
                 {"vkCreateComputePipelines", (PFN_vkVoidFunction)create_pipelines},
                 {"vkCreateInstance", (PFN_vkVoidFunction)create_instance},
                 {"vkDestroyInstance", (PFN_vkVoidFunction)destroy_instance},
                 {"vkGetPhysicalDeviceProperties", (PFN_vkVoidFunction)get_properties},
                 {"vkCreateDevice", (PFN_vkVoidFunction)create_device}};
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        if (strcmp(name, calls[i].name) == 0) return calls[i].call;
    return NULL;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL device_proc(VkDevice device, const char *name)
{
    if (strcmp(name, "vkGetDeviceProcAddr") == 0) return (PFN_vkVoidFunction)device_proc;
    const PFN_vkVoidFunction call = own(name);
    return call ? call : known(device).next(device, name);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL instance_proc(VkInstance instance, const char *name)
{
    if (strcmp(name, "vkGetInstanceProcAddr") == 0) return (PFN_vkVoidFunction)instance_proc;
    if (strcmp(name, "vkGetDeviceProcAddr") == 0) return (PFN_vkVoidFunction)device_proc;
    const PFN_vkVoidFunction call = own(name);
    if (call || !instance) return call;
    pthread_mutex_lock(&lock);
    const lab_instance *const in = instance_of(key_of(instance));
    const PFN_vkGetInstanceProcAddr next = in ? in->next : NULL;
    pthread_mutex_unlock(&lock);
    return next ? next(instance, name) : NULL;
}

EXPORT VKAPI_ATTR VkResult VKAPI_CALL vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface *version)
{
    version->loaderLayerInterfaceVersion = 2;
    version->pfnGetInstanceProcAddr = instance_proc;
    version->pfnGetDeviceProcAddr = device_proc;
    version->pfnGetPhysicalDeviceProcAddr = NULL;
    return VK_SUCCESS;
}
