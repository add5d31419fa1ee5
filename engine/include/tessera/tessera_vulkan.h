/* Tessera on an application's own Vulkan objects: its device, its queue, its buffers.
 *
 *     VkPhysicalDeviceVulkan12Features f12 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
 *     VkPhysicalDeviceVulkan11Features f11 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, .pNext = &f12};
 *     VkPhysicalDeviceFeatures2 features = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &f11};
 *     (set what the application itself needs)
 *     tsr_vulkan_require(instance, physical, &features, &extensions, &count);
 *     vkCreateDevice(physical, &(VkDeviceCreateInfo){.pNext = &features, ...}, NULL, &device);
 *     tsr_device_from_vulkan(ctx, &(tsr_vulkan_device){instance, physical, device, queue, ..., .features = &features}, NULL, &dev);
 *     tsr_buffer_from_vulkan(dev, buffer, offset, size, &buf);
 *
 * Ownership: the application keeps all that it passes, and destroys it after what Tessera made of it. Tessera makes a command
 * pool, pipelines and memory of its own on the VkDevice; tsr_device_destroy waits for its own work and frees them. The
 * instance was made through the system's Vulkan loader, the one that Tessera opens.
 *
 * Threads are as in tessera.h. Tessera touches the queue only to submit, within calls that take one of its objects, in the
 * calling thread. Vulkan wants one thread at a time there: where the application uses the queue from other threads meanwhile, it
 * gives lock and unlock; without them it keeps apart from those calls itself.
 *
 * This header is installed, and its calls are in the library, where Tessera was built with its Vulkan backend. */
#ifndef TESSERA_VULKAN_H
#define TESSERA_VULKAN_H

#include <tessera/tessera.h>
#include <vulkan/vulkan.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Before vkCreateDevice: what Tessera needs of a device. Sets in features, and in the structs chained behind it, the flags of
 *   shaderInt64                                       VkPhysicalDeviceFeatures2
 *   storageBuffer16BitAccess                          VkPhysicalDeviceVulkan11Features, or ...16BitStorageFeatures
 *   storageBuffer8BitAccess, bufferDeviceAddress,     VkPhysicalDeviceVulkan12Features, or ...8BitStorageFeatures,
 *   scalarBlockLayout                                 ...BufferDeviceAddressFeatures, ...ScalarBlockLayoutFeatures
 * and, where the device has them and the chain has room, of
 *   subgroupSizeControl, computeFullSubgroups         VkPhysicalDeviceVulkan13Features, or ...SubgroupSizeControlFeatures
 *   vulkanMemoryModel                                 VkPhysicalDeviceVulkan12Features, or ...VulkanMemoryModelFeatures
 *   shaderFloat16, shaderInt8                         VkPhysicalDeviceVulkan12Features, or ...ShaderFloat16Int8Features
 *   cooperativeMatrix                                 VkPhysicalDeviceCooperativeMatrixFeaturesKHR
 * (matrix kernels need all of these six; where some are not enabled, the device is listed without matrices)
 *   shaderBFloat16Type, shaderBFloat16CooperativeMatrix  VkPhysicalDeviceShaderBfloat16FeaturesKHR
 * (matrix kernels of bf16 need these two besides; where they are not enabled, the device is listed without matrices of bf16)
 *   cooperativeMatrixReductions, cooperativeMatrixConversions  VkPhysicalDeviceCooperativeMatrix2FeaturesNV
 *   maintenance4                                      VkPhysicalDeviceVulkan13Features, or ...Maintenance4Features
 * (used where the layout of matrices is of no known kind, in instances for Vulkan 1.3 or later: TSR_FEATURE_MATRIX_REDUCED)
 * and leaves all other flags alone. *extensions becomes a constant list of the device extensions to be enabled with them;
 * *extension_count may be 0. The instance was made for Vulkan 1.2 or later.
 * TSR_ERROR_UNSUPPORTED, naming what is missing, if the device cannot run Tessera; TSR_ERROR_ARGUMENT, naming the structs, if
 * the chain has no room for a flag that is needed. Any thread. */
TSR_API tsr_status tsr_vulkan_require(VkInstance instance, VkPhysicalDevice physical, VkPhysicalDeviceFeatures2 *features,
                                      const char *const **extensions, uint32_t *extension_count);

typedef struct tsr_vulkan_device {
    VkInstance instance;
    VkPhysicalDevice physical; /* one of that instance */
    VkDevice device;
    VkQueue queue; /* of a family with compute */
    uint32_t queue_family;
    uint32_t api_version; /* VkApplicationInfo.apiVersion of the instance: VK_API_VERSION_1_2 or later */
    /* What device was created with, read in the call alone; a VkDevice cannot be asked. */
    const VkPhysicalDeviceFeatures2 *features;
    void (*lock)(void *user); /* both or none: around each vkQueueSubmit; they must not call Tessera */
    void (*unlock)(void *user);
    void *lock_user;
    uint64_t reserved[4];
} tsr_vulkan_device;

/* A device of the context on that VkDevice; limits may be NULL. TSR_ERROR_UNSUPPORTED, naming them, where features that
 * tsr_vulkan_require sets were not enabled. */
TSR_API tsr_status tsr_device_from_vulkan(tsr_context *ctx, const tsr_vulkan_device *app, const tsr_device_desc *limits, tsr_device **out);

/* The bytes [offset, offset + size) of a VkBuffer of the same VkDevice; offset is a multiple of 4. Tessera writes nothing outside
 * them. The VkBuffer has the usage SHADER_DEVICE_ADDRESS, also TRANSFER_DST or TRANSFER_SRC where tsr_buffer_write or
 * tsr_buffer_read is to be called, and is bound to memory allocated with DEVICE_ADDRESS; if it is of exclusive sharing, queue_family
 * owns it. The range counts in the device's memory budget. Several ranges of one VkBuffer may be given.
 *
 * Order: tsr_attention_run may return before anything is submitted. It sees what was submitted to the same queue before the call,
 * and what the host wrote until then; up to tsr_device_wait the application leaves the ranges alone. After tsr_device_wait all of it is done: what
 * was written is there for the host (which invalidates memory that is not coherent), for what is submitted to the queue from then on, and, with a
 * semaphore, for other queues. tsr_buffer_destroy waits likewise. */
TSR_API tsr_status tsr_buffer_from_vulkan(tsr_device *dev, VkBuffer buffer, uint64_t offset, uint64_t size, tsr_buffer **out);

/* The handles behind any Vulkan device, or behind one of its buffers (from *offset on), so that an application may work beside
 * Tessera on a device that Tessera opened. They live as long as the object. The rest of *out is 0. TSR_ERROR_ARGUMENT for the
 * objects of another backend. */
TSR_API tsr_status tsr_device_get_vulkan(const tsr_device *dev, tsr_vulkan_device *out);
TSR_API tsr_status tsr_buffer_get_vulkan(const tsr_buffer *buf, VkBuffer *out, uint64_t *offset);

#ifdef __cplusplus
}
#endif
#endif
