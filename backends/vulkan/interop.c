/* An application's own VkDevice and VkBuffers as ours, and ours as handles. */
#include "internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "adopt.h"
#include "tessera/tessera_vulkan.h"

extern const tsr_backend tsr_backend_vulkan;

static bool computes(VkPhysicalDevice physical, uint32_t family)
{
    VkQueueFamilyProperties families[32];
    uint32_t count = 32;
    vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, families);
    return family < count && (families[family].queueFlags & VK_QUEUE_COMPUTE_BIT);
}

/* Is physical one of the instance's? Handles of another instance, or of another loader, would crash later. */
static bool belongs(VkInstance instance, VkPhysicalDevice physical)
{
    VkPhysicalDevice all[VK_MAX_DEVICES];
    uint32_t count = VK_MAX_DEVICES;
    bool found = false;
    if (vkEnumeratePhysicalDevices(instance, &count, all) < 0) return false;
    for (uint32_t i = 0; i < count && !found; i++) found = all[i] == physical;
    return found;
}

static tsr_status check_physical(VkInstance instance, VkPhysicalDevice physical, const VkPhysicalDeviceFeatures2 *features, tsr_device_info *info)
{
    if (!vk_load(instance)) return tsr_fail(TSR_ERROR_UNSUPPORTED, "the Vulkan loader is not there");
    if (!belongs(instance, physical)) return tsr_fail(TSR_ERROR_ARGUMENT, "argument physical is none of the instance's physical devices");
    char lacks[VK_TEXT];
    if (!vk_read_info(instance, physical, 0, vk_features_ask(features), info, lacks))
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "the Vulkan device %s cannot run Tessera: under this instance it lacks %s", info->name, lacks);
    return TSR_OK;
}

tsr_status tsr_vulkan_require(VkInstance instance, VkPhysicalDevice physical, VkPhysicalDeviceFeatures2 *features, const char *const **extensions,
                              uint32_t *extension_count)
{
    if (!instance || !physical || !features || !extensions || !extension_count)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL",
                        !instance     ? "instance"
                        : !physical   ? "physical"
                        : !features   ? "features"
                        : !extensions ? "extensions"
                                      : "extension_count");
    if (features->sType != VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument features->sType is %d; expected VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2",
                        (int)features->sType);
    tsr_device_info info;
    const tsr_status status = check_physical(instance, physical, features, &info);
    if (status != TSR_OK) return status;
    char homeless[VK_TEXT];
    if (!vk_features_enable(physical, features, homeless))
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument features has no struct behind it for %s", homeless);
    *extension_count = vk_features_extensions(physical, features, extensions);
    return TSR_OK;
}

static tsr_status check(const tsr_vulkan_device *app)
{
    const char *missing = !app->instance   ? "instance"
                          : !app->physical ? "physical"
                          : !app->device   ? "device"
                          : !app->queue    ? "queue"
                          : !app->features ? "features"
                                           : NULL;
    if (missing) return tsr_fail(TSR_ERROR_ARGUMENT, "argument app->%s is NULL", missing);
    if (app->api_version < VK_API_VERSION_1_2)
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument app->api_version is Vulkan %u.%u; expected 1.2 or later",
                        VK_API_VERSION_MAJOR(app->api_version), VK_API_VERSION_MINOR(app->api_version));
    if (!app->lock != !app->unlock)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument app->%s is NULL; expected lock and unlock, or none", app->lock ? "unlock" : "lock");
    char lacks[VK_TEXT];
    if (!vk_features_complete(app->features, lacks))
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "argument app->features: the VkDevice was created without %s", lacks);
    return TSR_OK;
}

tsr_status tsr_device_from_vulkan(tsr_context *ctx, const tsr_vulkan_device *app, const tsr_device_desc *limits, tsr_device **out)
{
    if (!ctx || !app || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !ctx ? "ctx" : !app ? "app" : "out");
    *out = NULL;
    tsr_device_info info;
    tsr_status status = check(app);
    if (status == TSR_OK) status = check_physical(app->instance, app->physical, app->features, &info);
    if (status != TSR_OK) return status;
    if (!computes(app->physical, app->queue_family))
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument app->queue_family is %u; expected a family with compute", app->queue_family);
    bk_device *dev = calloc(1, sizeof(*dev));
    if (!dev) return tsr_fail(TSR_ERROR_HOST_MEMORY, "vulkan: no memory for a device");
    snprintf(info.id, sizeof(info.id), "vulkan:app");
    vk_read_matrices(app->instance, app->api_version, app->physical, app->features, &info);
    if (!vk_features_dot(app->features)) info.features &= ~(uint32_t)TSR_FEATURE_F16_DOT;
    if (!vk_features_code_dot(app->features)) info.features &= ~(uint32_t)(TSR_FEATURE_INT8_DOT | TSR_FEATURE_INT8_DOT_FAST);
    dev->info = info;
    dev->services = tsr_context_services(ctx);
    dev->instance = app->instance;
    dev->physical = app->physical;
    dev->device = app->device;
    dev->queue = app->queue;
    dev->family = app->queue_family;
    dev->lock = app->lock;
    dev->unlock = app->unlock;
    dev->lock_user = app->lock_user;
    dev->size_control = vk_features_subgroup_size(app->features);
    dev->borrowed = true;
    volkLoadDeviceTable(&dev->vk, dev->device);
    status = vk_prepare(dev);
    if (status == TSR_OK) status = tsr_device_adopt(ctx, &tsr_backend_vulkan, dev, &dev->info, limits, out);
    if (status != TSR_OK) tsr_backend_vulkan.close(dev);
    return status;
}

tsr_status tsr_buffer_from_vulkan(tsr_device *dev, VkBuffer buffer, uint64_t offset, uint64_t size, tsr_buffer **out)
{
    if (!dev || !buffer || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !dev ? "dev" : !buffer ? "buffer" : "out");
    *out = NULL;
    bk_device *bk = tsr_device_of(dev, &tsr_backend_vulkan);
    if (!bk) return tsr_fail(TSR_ERROR_ARGUMENT, "argument dev is %s; expected a Vulkan device", tsr_device_info_of(dev)->id);
    VkMemoryRequirements whole;
    bk->vk.vkGetBufferMemoryRequirements(bk->device, buffer, &whole);
    const VkBufferDeviceAddressInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO, .buffer = buffer};
    const VkDeviceAddress address = bk->vk.vkGetBufferDeviceAddress(bk->device, &info);
    if (!address) return tsr_fail(TSR_ERROR_ARGUMENT, "argument buffer has no device address; expected one bound to memory, with that usage");
    bk_buffer *buf = calloc(1, sizeof(*buf));
    if (!buf) return tsr_fail(TSR_ERROR_HOST_MEMORY, "vulkan: no memory for a buffer object");
    buf->buffer = buffer;
    buf->offset = offset;
    buf->address = address + offset;
    buf->borrowed = true;
    const tsr_status status = tsr_buffer_adopt(dev, buf, offset, size, whole.size, out);
    if (status != TSR_OK) free(buf);
    return status;
}

tsr_status tsr_device_get_vulkan(const tsr_device *dev, tsr_vulkan_device *out)
{
    if (!dev || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", dev ? "out" : "dev");
    const bk_device *bk = tsr_device_of(dev, &tsr_backend_vulkan);
    if (!bk) return tsr_fail(TSR_ERROR_ARGUMENT, "argument dev is %s; expected a Vulkan device", tsr_device_info_of(dev)->id);
    *out =
        (tsr_vulkan_device){.instance = bk->instance, .physical = bk->physical, .device = bk->device, .queue = bk->queue, .queue_family = bk->family};
    return TSR_OK;
}

tsr_status tsr_buffer_get_vulkan(const tsr_buffer *buf, VkBuffer *out, uint64_t *offset)
{
    if (!buf || !out || !offset) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !buf ? "buf" : !out ? "out" : "offset");
    const bk_buffer *bk = tsr_buffer_of(buf, &tsr_backend_vulkan);
    if (!bk) return tsr_fail(TSR_ERROR_ARGUMENT, "argument buf belongs to another backend; expected a buffer of a Vulkan device");
    *out = bk->buffer;
    *offset = bk->offset;
    return TSR_OK;
}
