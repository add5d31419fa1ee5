/* Device memory of the Vulkan backend: mapped where the device's memory is the host's, staged else. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

static uint32_t find_type(const bk_device *dev, uint32_t allowed, VkMemoryPropertyFlags wanted)
{
    for (uint32_t i = 0; i < dev->memory.memoryTypeCount; i++)
        if ((allowed & (1u << i)) && (dev->memory.memoryTypes[i].propertyFlags & wanted) == wanted) return i;
    return UINT32_MAX;
}

/* Best first: memory that is both the device's and visible, unless it is the small window of a discrete card. */
static uint32_t choose_type(const bk_device *dev, uint32_t allowed, bool staging)
{
    const VkMemoryPropertyFlags visible = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    const VkMemoryPropertyFlags local = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
    const VkMemoryPropertyFlags cached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
    const VkMemoryPropertyFlags for_staging[] = {visible | cached, visible}, unified[] = {visible | local | cached, visible | local, local, 0},
                                own[] = {local, 0};
    const bool is_unified = dev->info.features & TSR_FEATURE_UNIFIED;
    const VkMemoryPropertyFlags *wanted = staging ? for_staging : is_unified ? unified : own;
    const int count = !staging && is_unified ? 4 : 2;
    uint32_t type = UINT32_MAX;
    for (int i = 0; i < count && type == UINT32_MAX; i++) type = find_type(dev, allowed, wanted[i]);
    return type;
}

static VkResult allocate(bk_device *dev, uint64_t size, bool staging, bk_buffer *buf)
{
    if (size > dev->info.max_buffer) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                     .size = size ? size : 4,
                                     .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                                              VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT};
    VkResult result = dev->vk.vkCreateBuffer(dev->device, &info, NULL, &buf->buffer);
    if (result != VK_SUCCESS) return result;
    VkMemoryRequirements needs;
    dev->vk.vkGetBufferMemoryRequirements(dev->device, buf->buffer, &needs);
    const uint32_t type = choose_type(dev, needs.memoryTypeBits, staging);
    if (type == UINT32_MAX || needs.size > dev->memory.memoryHeaps[dev->memory.memoryTypes[type].heapIndex].size)
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    /* A software driver takes what the system promises, which may be more than there is. */
    if (dev->info.type == TSR_DEVICE_CPU && needs.size > vk_memory_left(dev)) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    const VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO, .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
    const VkMemoryAllocateInfo memory = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .pNext = &flags, .allocationSize = needs.size, .memoryTypeIndex = type};
    if ((result = dev->vk.vkAllocateMemory(dev->device, &memory, NULL, &buf->memory)) != VK_SUCCESS) return result;
    buf->size = needs.size;
    dev->used += buf->size;
    if ((result = dev->vk.vkBindBufferMemory(dev->device, buf->buffer, buf->memory, 0)) != VK_SUCCESS) return result;
    const VkMemoryPropertyFlags visible = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    const bool map = staging || (dev->info.features & TSR_FEATURE_UNIFIED);
    if (map && (dev->memory.memoryTypes[type].propertyFlags & visible) == visible) {
        void *mapped = NULL;
        if ((result = dev->vk.vkMapMemory(dev->device, buf->memory, 0, VK_WHOLE_SIZE, 0, &mapped)) != VK_SUCCESS) return result;
        buf->mapped = mapped;
        buf->cached = dev->memory.memoryTypes[type].propertyFlags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
    }
    const VkBufferDeviceAddressInfo address = {.sType = VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO, .buffer = buf->buffer};
    buf->address = dev->vk.vkGetBufferDeviceAddress(dev->device, &address);
    return VK_SUCCESS;
}

static void release(bk_device *dev, bk_buffer *buf)
{
    if (!dev->stuck) {
        if (!buf->borrowed) dev->vk.vkDestroyBuffer(dev->device, buf->buffer, NULL);
        dev->vk.vkFreeMemory(dev->device, buf->memory, NULL);
    }
    dev->used -= buf->size;
    free(buf);
}

static tsr_status create(bk_device *dev, uint64_t size, bool staging, bk_buffer **out)
{
    if (dev->lost) return vk_status(dev, VK_ERROR_DEVICE_LOST, "allocating memory");
    bk_buffer *buf = calloc(1, sizeof(*buf));
    if (!buf) return tsr_fail(TSR_ERROR_HOST_MEMORY, "vulkan: no memory for a buffer object");
    const VkResult result = allocate(dev, size, staging, buf);
    if (result == VK_SUCCESS) {
        *out = buf;
        return TSR_OK;
    }
    release(dev, buf);
    if (result == VK_ERROR_DEVICE_LOST) return vk_status(dev, result, "allocating memory");
    const uint64_t left = vk_memory_left(dev), most = left < dev->info.max_buffer ? left : dev->info.max_buffer;
    return tsr_fail(TSR_ERROR_DEVICE_MEMORY, "%s: not enough memory: %" PRIu64 " bytes needed, %" PRIu64 " available in one buffer (VkResult %d)",
                    dev->info.id, size, most, (int)result);
}

tsr_status vk_buffer_create(bk_device *dev, uint64_t size, bk_buffer **out) { return create(dev, size, false, out); }

void vk_buffer_destroy(bk_device *dev, bk_buffer *buf)
{
    vk_wait(dev); /* work in flight may still read it */
    release(dev, buf);
}

static tsr_status need_staging(bk_device *dev) { return dev->staging ? TSR_OK : create(dev, VK_STAGING_BYTES, true, &dev->staging); }

tsr_status vk_buffer_write(bk_device *dev, bk_buffer *buf, uint64_t offset, const void *src, uint64_t size)
{
    tsr_status status = vk_wait(dev);
    if (status != TSR_OK) return status;
    if (buf->mapped) {
        memcpy(buf->mapped + offset, src, (size_t)size);
        return TSR_OK;
    }
    if ((status = need_staging(dev)) != TSR_OK) return status;
    for (uint64_t done = 0; done < size && status == TSR_OK;) {
        const uint64_t part = size - done < VK_STAGING_BYTES ? size - done : VK_STAGING_BYTES;
        memcpy(dev->staging->mapped, (const unsigned char *)src + done, (size_t)part);
        status = vk_copy(dev, dev->staging, 0, buf, offset + done, part);
        done += part;
    }
    return status;
}

tsr_status vk_buffer_read(bk_device *dev, bk_buffer *buf, uint64_t offset, void *dst, uint64_t size)
{
    tsr_status status = vk_wait(dev);
    if (status != TSR_OK) return status;
    if (buf->mapped && buf->cached) { /* reading write-combined memory is slower than a copy by the device */
        memcpy(dst, buf->mapped + offset, (size_t)size);
        return TSR_OK;
    }
    if ((status = need_staging(dev)) != TSR_OK) return status;
    for (uint64_t done = 0; done < size && status == TSR_OK;) {
        const uint64_t part = size - done < VK_STAGING_BYTES ? size - done : VK_STAGING_BYTES;
        status = vk_copy(dev, buf, offset + done, dev->staging, 0, part);
        if (status == TSR_OK) memcpy((unsigned char *)dst + done, dev->staging->mapped, (size_t)part);
        done += part;
    }
    return status;
}
