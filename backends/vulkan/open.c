/* Lists and opens Vulkan devices. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

tsr_status vk_status(bk_device *dev, VkResult result, const char *what)
{
    if (dev->lost || result == VK_ERROR_DEVICE_LOST) {
        dev->lost = true;
        return tsr_fail(TSR_ERROR_DEVICE_LOST, "%s: the device stopped answering (%s)", dev->info.id, what);
    }
    if (result == VK_ERROR_OUT_OF_DEVICE_MEMORY) return tsr_fail(TSR_ERROR_DEVICE_MEMORY, "%s: not enough device memory in %s", dev->info.id, what);
    if (result == VK_ERROR_OUT_OF_HOST_MEMORY) return tsr_fail(TSR_ERROR_HOST_MEMORY, "%s: not enough host memory in %s", dev->info.id, what);
    return tsr_fail(TSR_ERROR_INTERNAL, "%s: %s failed (VkResult %d)", dev->info.id, what, (int)result);
}

static VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity, VkDebugUtilsMessageTypeFlagsEXT types,
                                                 const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
    const bk_services *services = user;
    (void)severity;
    (void)types;
    services->log(services->ctx, TSR_LOG_WARNING, "vulkan validation: %s", data->pMessage);
    return VK_FALSE;
}

/* The version of Vulkan that a layer was written for; 0: there is no such layer. */
static uint32_t layer_version(const char *name)
{
    VkLayerProperties layers[64];
    uint32_t count = 64;
    if (vkEnumerateInstanceLayerProperties(&count, layers) < 0) return 0;
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(layers[i].layerName, name) == 0) return layers[i].specVersion;
    return 0;
}

/* volk keeps its pointers in globals that contexts of several threads share: written once, under a lock.
 * The loader's entry points serve every instance; those of instance extensions are looked up for each. */
static pthread_mutex_t volk_lock = PTHREAD_MUTEX_INITIALIZER;
static bool volk_found, volk_loaded;

static bool find_loader(void)
{
    pthread_mutex_lock(&volk_lock);
    /* volk trusts a library of the loader's name to be one. */
    void *library = volk_found ? NULL : dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library && dlsym(library, "vkGetInstanceProcAddr")) volk_found = volkInitialize() == VK_SUCCESS;
    if (library) dlclose(library);
    const bool found = volk_found;
    pthread_mutex_unlock(&volk_lock);
    return found;
}

static void load_instance(VkInstance instance)
{
    pthread_mutex_lock(&volk_lock);
    if (!volk_loaded) volkLoadInstanceOnly(instance);
    volk_loaded = true;
    pthread_mutex_unlock(&volk_lock);
}

bool vk_load(VkInstance instance)
{
    if (!find_loader()) return false;
    load_instance(instance);
    return true;
}

static bool create_instance(vk_state *state)
{
    static const char *const validation_layer = "VK_LAYER_KHRONOS_validation", *const debug_utils = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
    const uint32_t layer = state->services->validation ? layer_version(validation_layer) : 0;
    const bool validate = layer != 0;
    /* An older layer takes structs, capabilities and SPIR-V that it does not know for mistakes. */
    if (!validate || layer >= VK_MAKE_API_VERSION(0, 1, 4, 304)) state->newer |= VK_NEWER_REDUCTIONS;
    if (!validate || layer >= VK_MAKE_API_VERSION(0, 1, 4, 320)) state->newer |= VK_NEWER_BFLOAT;
    if (!validate || layer >= VK_MAKE_API_VERSION(0, 1, 4, 344)) state->newer |= VK_NEWER_DOT;
    if (!(state->newer & VK_NEWER_BFLOAT))
        state->services->log(state->services->ctx, TSR_LOG_INFO, "vulkan: no matrices of bf16 beside a validation layer older than Vulkan 1.4.320");
    if (!(state->newer & VK_NEWER_DOT))
        state->services->log(state->services->ctx, TSR_LOG_INFO,
                             "vulkan: no dot products of fp16 beside a validation layer older than Vulkan 1.4.344");
    if (state->services->validation && !validate)
        state->services->log(state->services->ctx, TSR_LOG_WARNING, "vulkan: %s is not installed", validation_layer);
    const VkDebugUtilsMessengerCreateInfoEXT messenger = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT,
        .pfnUserCallback = on_message,
        .pUserData = (void *)state->services,
    };
    const VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .pEngineName = "tessera", .apiVersion = VK_INSTANCE_VERSION};
    const VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pNext = validate ? &messenger : NULL,
        .pApplicationInfo = &app,
        .enabledLayerCount = validate,
        .ppEnabledLayerNames = &validation_layer,
        .enabledExtensionCount = validate,
        .ppEnabledExtensionNames = &debug_utils,
    };
    if (vkCreateInstance(&info, NULL, &state->instance) != VK_SUCCESS) return false;
    load_instance(state->instance);
    if (!validate) return true;
    const PFN_vkCreateDebugUtilsMessengerEXT create =
        (PFN_vkCreateDebugUtilsMessengerEXT)vkGetInstanceProcAddr(state->instance, "vkCreateDebugUtilsMessengerEXT");
    state->destroy_messenger = (PFN_vkDestroyDebugUtilsMessengerEXT)vkGetInstanceProcAddr(state->instance, "vkDestroyDebugUtilsMessengerEXT");
    if (!create || !state->destroy_messenger || create(state->instance, &messenger, NULL, &state->messenger) != VK_SUCCESS)
        state->messenger = VK_NULL_HANDLE;
    return true;
}

static size_t vk_probe(const bk_services *services, void **out, tsr_device_info *infos, size_t cap)
{
    *out = NULL;
    if (!find_loader()) {
        services->log(services->ctx, TSR_LOG_INFO, "vulkan: no loader");
        return 0;
    }
    vk_state *state = calloc(1, sizeof(*state));
    if (!state) return 0;
    state->services = services;
    if (!create_instance(state)) {
        free(state);
        return 0;
    }
    VkPhysicalDevice all[VK_MAX_DEVICES];
    uint32_t count = VK_MAX_DEVICES;
    if (vkEnumeratePhysicalDevices(state->instance, &count, all) < 0) count = 0;
    for (uint32_t i = 0; i < count; i++) {
        tsr_device_info *info = &state->devices[state->count].info;
        char lacks[VK_TEXT];
        if (!vk_read_info(state->instance, all[i], state->count, state->newer, info, lacks)) {
            services->log(services->ctx, TSR_LOG_INFO, "vulkan: %s is not listed: it lacks %s", info->name, lacks);
            continue;
        }
        state->devices[state->count].physical = all[i];
        if (state->count < cap) infos[state->count] = *info;
        state->count++;
    }
    *out = state;
    return state->count;
}

static void vk_release(void *user)
{
    vk_state *state = user;
    if (!state) return;
    if (state->messenger) state->destroy_messenger(state->instance, state->messenger, NULL);
    if (!state->stuck) vkDestroyInstance(state->instance, NULL);
    free(state);
}

static VkResult create_device(bk_device *dev)
{
    const float priority = 1.0f;
    const VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueFamilyIndex = dev->family, .queueCount = 1, .pQueuePriorities = &priority};
    vk_features features;
    vk_features_chain(dev->physical, dev->state->newer, &features);
    char homeless[VK_TEXT]; /* none: the chain has every struct */
    vk_features_enable(dev->physical, &features.all, homeless);
    dev->size_control = vk_features_subgroup_size(&features.all);
    const char *const *extensions;
    const uint32_t extension_count = vk_features_extensions(dev->physical, &features.all, &extensions);
    const VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                     .pNext = &features.all,
                                     .queueCreateInfoCount = 1,
                                     .pQueueCreateInfos = &queue,
                                     .enabledExtensionCount = extension_count,
                                     .ppEnabledExtensionNames = extensions};
    const VkResult result = vkCreateDevice(dev->physical, &info, NULL, &dev->device);
    if (result == VK_SUCCESS) volkLoadDeviceTable(&dev->vk, dev->device);
    return result;
}

static void vk_close(bk_device *dev)
{
    if (dev->device) vk_wait(dev);
    if (dev->stuck && dev->state) dev->state->stuck = true;
    if (dev->device && !dev->stuck) {
        vk_queue_destroy(dev);
        if (dev->staging) vk_buffer_destroy(dev, dev->staging);
        if (!dev->borrowed) dev->vk.vkDestroyDevice(dev->device, NULL);
    }
    free(dev);
}

tsr_status vk_prepare(bk_device *dev)
{
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceMemoryProperties(dev->physical, &dev->memory);
    vkGetPhysicalDeviceProperties(dev->physical, &properties);
    dev->patience = UINT64_MAX;
    dev->max_groups = properties.limits.maxComputeWorkGroupCount[0];
    return vk_queue_create(dev);
}

static tsr_status vk_open(void *user, size_t index, bk_device **out)
{
    vk_state *state = user;
    bk_device *dev = calloc(1, sizeof(*dev));
    if (!dev) return tsr_fail(TSR_ERROR_HOST_MEMORY, "vulkan: no memory for a device");
    dev->services = state->services;
    dev->state = state;
    dev->info = state->devices[index].info;
    dev->instance = state->instance;
    dev->physical = state->devices[index].physical;
    dev->family = vk_compute_family(dev->physical);
    const VkResult result = create_device(dev);
    const tsr_status status = result == VK_SUCCESS ? vk_prepare(dev) : vk_status(dev, result, "opening the device");
    if (status != TSR_OK) {
        vk_close(dev);
        return status;
    }
    *out = dev;
    return TSR_OK;
}

static uint32_t vk_loop_limit(const bk_device *dev) { return strstr(dev->info.name, "llvmpipe") ? 65535 : 0; }

const tsr_backend tsr_backend_vulkan = {
    .name = "vulkan",
    .probe = vk_probe,
    .release = vk_release,
    .open = vk_open,
    .limit = vk_limit,
    .close = vk_close,
    .buffer_create = vk_buffer_create,
    .buffer_destroy = vk_buffer_destroy,
    .buffer_write = vk_buffer_write,
    .buffer_read = vk_buffer_read,
    .kernel_create = vk_kernel_create,
    .kernel_destroy = vk_kernel_destroy,
    .dispatch = vk_dispatch,
    .submit = vk_submit,
    .finish = vk_finish,
    .drop = vk_drop,
    .wait = vk_wait,
    .loop_limit = vk_loop_limit,
};
