/* The in-order queue: dispatches are recorded, submitted in batches, and separated by barriers. */
#include <math.h>
#include <string.h>

#include "internal.h"

#define ACCESS (VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT)

tsr_status vk_queue_create(bk_device *dev)
{
    if (!dev->borrowed) dev->vk.vkGetDeviceQueue(dev->device, dev->family, 0, &dev->queue);
    const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                          .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                          .queueFamilyIndex = dev->family};
    VkResult result = dev->vk.vkCreateCommandPool(dev->device, &pool, NULL, &dev->pool);
    for (int i = 0; i < VK_COMMAND_BUFFERS && result == VK_SUCCESS; i++) {
        const VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                                  .commandPool = dev->pool,
                                                  .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                                  .commandBufferCount = 1};
        const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
        result = dev->vk.vkAllocateCommandBuffers(dev->device, &info, &dev->recordings[i].commands);
        if (result == VK_SUCCESS) result = dev->vk.vkCreateFence(dev->device, &fence, NULL, &dev->recordings[i].fence);
    }
    return result == VK_SUCCESS ? TSR_OK : vk_status(dev, result, "creating the queue");
}

tsr_status vk_limit(bk_device *dev, const bk_limits *limits)
{
    VkPhysicalDeviceProperties properties;
    VkQueueFamilyProperties families[32];
    uint32_t count = 32;
    dev->patience = limits->patience < 1e9 ? (uint64_t)(limits->patience * 1e9) : UINT64_MAX;
    if (!limits->timed) return TSR_OK;
    vkGetPhysicalDeviceProperties(dev->physical, &properties);
    vkGetPhysicalDeviceQueueFamilyProperties(dev->physical, &count, families);
    const uint32_t bits = dev->family < count ? families[dev->family].timestampValidBits : 0;
    if (bits == 0) return TSR_OK;
    dev->time_mask = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;
    dev->time_step = (double)properties.limits.timestampPeriod * 1e-9;
    const VkQueryPoolCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO, .queryType = VK_QUERY_TYPE_TIMESTAMP, .queryCount = 2 * VK_COMMAND_BUFFERS};
    const VkResult result = dev->vk.vkCreateQueryPool(dev->device, &info, NULL, &dev->times);
    return result == VK_SUCCESS ? TSR_OK : vk_status(dev, result, "making the queries of times");
}

void vk_queue_destroy(bk_device *dev)
{
    dev->vk.vkDestroyQueryPool(dev->device, dev->times, NULL);
    for (int i = 0; i < VK_COMMAND_BUFFERS; i++) dev->vk.vkDestroyFence(dev->device, dev->recordings[i].fence, NULL);
    dev->vk.vkDestroyCommandPool(dev->device, dev->pool, NULL);
}

/* The recording begins after, or ends before, this point of its commands. */
static void write_time(bk_device *dev, VkCommandBuffer commands, uint32_t end)
{
    const uint32_t at = 2 * dev->current;
    if (!dev->times) return;
    if (!end) dev->vk.vkCmdResetQueryPool(commands, dev->times, at, 2);
    dev->vk.vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, dev->times, at + end);
}

static double read_times(bk_device *dev, uint32_t recording)
{
    uint64_t t[2] = {0, 0};
    if (!dev->times || dev->vk.vkGetQueryPoolResults(dev->device, dev->times, 2 * recording, 2, sizeof(t), t, sizeof(t[0]), VK_QUERY_RESULT_64_BIT))
        return -1;
    return (double)((t[1] - t[0]) & dev->time_mask) * dev->time_step;
}

static VkResult finish(bk_device *dev, uint32_t recording)
{
    vk_recording *r = &dev->recordings[recording];
    if (!r->pending) return VK_SUCCESS;
    VkResult result = dev->lost ? VK_ERROR_DEVICE_LOST : dev->vk.vkWaitForFences(dev->device, 1, &r->fence, VK_TRUE, dev->patience);
    if (result == VK_TIMEOUT) {
        dev->stuck = true;
        result = VK_ERROR_DEVICE_LOST;
    }
    if (result == VK_SUCCESS) r->seconds = read_times(dev, recording);
    if (result == VK_SUCCESS) result = dev->vk.vkResetFences(dev->device, 1, &r->fence);
    r->pending = result != VK_SUCCESS && result != VK_ERROR_DEVICE_LOST; /* else it may still run */
    return result;
}

static VkResult submit(bk_device *dev)
{
    if (!dev->recording) return VK_SUCCESS;
    vk_recording *r = &dev->recordings[dev->current];
    /* A fence alone does not make what was written visible to the host, nor to what an application submits here later. */
    const VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                     .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
                                     .dstAccessMask = VK_ACCESS_HOST_READ_BIT | VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT};
    dev->vk.vkCmdPipelineBarrier(r->commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
                                 VK_PIPELINE_STAGE_HOST_BIT | VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 1, &barrier, 0, NULL, 0, NULL);
    write_time(dev, r->commands, 1);
    dev->recording = false;
    dev->current = (dev->current + 1) % VK_COMMAND_BUFFERS;
    VkResult result = dev->vk.vkEndCommandBuffer(r->commands);
    if (result != VK_SUCCESS) return result;
    const VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &r->commands};
    if (dev->lock) dev->lock(dev->lock_user);
    result = dev->vk.vkQueueSubmit(dev->queue, 1, &info, r->fence);
    if (dev->unlock) dev->unlock(dev->lock_user);
    r->pending = result == VK_SUCCESS;
    r->number = ++dev->submissions;
    return result;
}

/* The command buffer to record into, with a barrier after all that came before, on any queue order. */
static VkResult record(bk_device *dev, VkCommandBuffer *out)
{
    vk_recording *r = &dev->recordings[dev->current];
    VkResult result = VK_SUCCESS;
    const bool begins = !dev->recording;
    const VkPipelineStageFlags ours = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
    VkPipelineStageFlags before = ours;
    VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER, .srcAccessMask = ACCESS, .dstAccessMask = ACCESS};
    if (begins) { /* what an application submitted to the queue may be of any stage */
        before = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
        barrier.srcAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT;
        const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                                .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
        result = finish(dev, dev->current);
        if (result == VK_SUCCESS) result = dev->vk.vkBeginCommandBuffer(r->commands, &begin);
        if (result != VK_SUCCESS) return result;
        dev->recording = true;
    }
    dev->vk.vkCmdPipelineBarrier(r->commands, before, ours, 0, 1, &barrier, 0, NULL, 0, NULL);
    if (begins) write_time(dev, r->commands, 0);
    *out = r->commands;
    return VK_SUCCESS;
}

tsr_status vk_dispatch(bk_device *dev, bk_kernel *kernel, const bk_binding *bindings, uint32_t first, uint32_t count)
{
    if (dev->lost) return vk_status(dev, VK_ERROR_DEVICE_LOST, "recording a kernel");
    struct {
        uint64_t address[BK_MAX_BINDINGS];
        uint32_t base;
    } push;
    for (uint32_t i = 0; i < kernel->bindings; i++) push.address[i] = bindings[i].buffer ? bindings[i].buffer->address + bindings[i].offset : 0;
    const uint32_t pointers = kernel->bindings * (uint32_t)sizeof(uint64_t);
    while (count > 0) {
        VkCommandBuffer commands;
        const VkResult result = record(dev, &commands);
        if (result != VK_SUCCESS) return vk_status(dev, result, "recording a kernel");
        const uint32_t groups = count < dev->max_groups ? count : dev->max_groups;
        push.base = first;
        dev->vk.vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, kernel->pipeline);
        dev->vk.vkCmdPushConstants(commands, kernel->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, pointers, push.address);
        dev->vk.vkCmdPushConstants(commands, kernel->layout, VK_SHADER_STAGE_COMPUTE_BIT, pointers, sizeof(push.base), &push.base);
        dev->vk.vkCmdDispatch(commands, groups, 1, 1);
        first += groups;
        count -= groups;
    }
    return TSR_OK;
}

tsr_status vk_copy(bk_device *dev, bk_buffer *src, uint64_t src_offset, bk_buffer *dst, uint64_t dst_offset, uint64_t size)
{
    VkCommandBuffer commands;
    const VkResult result = record(dev, &commands);
    if (result != VK_SUCCESS) return vk_status(dev, result, "recording a copy");
    const VkBufferCopy region = {.srcOffset = src->offset + src_offset, .dstOffset = dst->offset + dst_offset, .size = size};
    dev->vk.vkCmdCopyBuffer(commands, src->buffer, dst->buffer, 1, &region);
    return vk_wait(dev);
}

tsr_status vk_submit(bk_device *dev, uint64_t *number)
{
    if (dev->lost) return vk_status(dev, VK_ERROR_DEVICE_LOST, "submitting");
    const bool any = dev->recording;
    const VkResult result = submit(dev);
    *number = any ? dev->submissions : 0;
    return result == VK_SUCCESS ? TSR_OK : vk_status(dev, result, "submitting");
}

static const char *waiting(const bk_device *dev) { return dev->stuck ? "no work was done for as long as patience_ms allows" : "waiting"; }

tsr_status vk_finish(bk_device *dev, uint64_t number, double *seconds)
{
    for (uint32_t i = 0; i < VK_COMMAND_BUFFERS; i++) {
        if (dev->recordings[i].number != number) continue;
        const VkResult result = finish(dev, i);
        if (result != VK_SUCCESS) return vk_status(dev, result, waiting(dev));
        if (dev->recordings[i].seconds >= 0) *seconds = dev->recordings[i].seconds;
    }
    return TSR_OK;
}

void vk_drop(bk_device *dev)
{
    if (!dev->recording || dev->lost) return;
    dev->recording = false;
    dev->vk.vkEndCommandBuffer(dev->recordings[dev->current].commands); /* begun anew, it is empty */
}

/* Also where the device is lost: then no fence is waited for. */
tsr_status vk_wait(bk_device *dev)
{
    VkResult result = dev->lost ? VK_ERROR_DEVICE_LOST : submit(dev);
    for (uint32_t i = 0; i < VK_COMMAND_BUFFERS; i++) {
        const VkResult done = finish(dev, (dev->current + i) % VK_COMMAND_BUFFERS); /* the oldest first */
        if (done == VK_ERROR_DEVICE_LOST) dev->lost = true;
        if (result == VK_SUCCESS) result = done;
    }
    return result == VK_SUCCESS && !dev->lost ? TSR_OK : vk_status(dev, result, waiting(dev));
}
