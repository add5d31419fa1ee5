/* A Vulkan driver that fails, by entry points of the device's own table. */
#include "loss.h"

#include "adopt.h"
#include "vulkan/internal.h"

extern const tsr_backend tsr_backend_vulkan;

static struct {
    struct VolkDeviceTable real;
    VkDevice device;
    loss_way way;
    int left; /* submissions until it fails */
} loss;

/* A lost device runs nothing any more. */
static void stop(void) { loss.real.vkDeviceWaitIdle(loss.device); }

static VkResult failing_submit(VkQueue queue, uint32_t count, const VkSubmitInfo *infos, VkFence fence)
{
    if (loss.left-- <= 0 && loss.way == LOSS_SUBMIT) {
        stop();
        return VK_ERROR_DEVICE_LOST;
    }
    return loss.real.vkQueueSubmit(queue, count, infos, fence);
}

static VkResult failing_wait(VkDevice device, uint32_t count, const VkFence *fences, VkBool32 all, uint64_t timeout)
{
    const bool fails = loss.left < 0 && loss.way != LOSS_SUBMIT;
    if (!fails) return loss.real.vkWaitForFences(device, count, fences, all, timeout);
    stop();
    return loss.way == LOSS_WAIT ? VK_ERROR_DEVICE_LOST : VK_TIMEOUT;
}

bool loss_arm_vulkan(tsr_device *dev, loss_way way, int at)
{
    bk_device *bk = tsr_device_of(dev, &tsr_backend_vulkan);
    if (!bk || way == LOSS_BACKEND) return false;
    loss.real = bk->vk;
    loss.device = bk->device;
    loss.way = way;
    loss.left = at;
    bk->vk.vkQueueSubmit = failing_submit;
    bk->vk.vkWaitForFences = failing_wait;
    return true;
}
