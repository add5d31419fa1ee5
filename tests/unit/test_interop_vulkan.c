/* An application with its own Vulkan device: attention on its queue, within its buffer, between its own submissions. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define VK_NO_PROTOTYPES
#include <volk.h>

#include "interop.h"

#include "tessera/tessera_vulkan.h"

enum { API = VK_API_VERSION_1_2, BYTES = sizeof(float) * TOTAL };

typedef struct vulkan_app {
    VkInstance instance;
    VkDebugUtilsMessengerEXT messenger;
    VkPhysicalDevice physical;
    VkDevice device;
    VkQueue queue;
    VkCommandPool pool;
    uint32_t family;
    int messages, locks; /* of the validation layer; held now */
    bool locked;         /* ever */
} vulkan_app;

typedef struct vulkan_memory {
    VkBuffer buffer;
    VkDeviceMemory memory;
    float *mapped;
} vulkan_memory;

/* A feature chain with room for all that Tessera needs. */
typedef struct feature_chain {
    VkPhysicalDeviceFeatures2 all;
    VkPhysicalDeviceVulkan11Features f11;
    VkPhysicalDeviceVulkan12Features f12;
} feature_chain;

static vulkan_app app;
static feature_chain enabled;

static void chain_features(feature_chain *f)
{
    *f = (feature_chain){.all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &f->f11},
                         .f11 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, .pNext = &f->f12},
                         .f12 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES}};
}

static VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity, VkDebugUtilsMessageTypeFlagsEXT types,
                                                 const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
    (void)severity;
    (void)types;
    (void)user;
    print_message("validation: %s\n", data->pMessage);
    app.messages++;
    return VK_FALSE;
}

static bool open_instance(void)
{
    const char *layer = "VK_LAYER_KHRONOS_validation", *utils = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
    const VkDebugUtilsMessengerCreateInfoEXT messenger = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT,
        .pfnUserCallback = on_message};
    const VkApplicationInfo about = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = API};
    VkInstanceCreateInfo create = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                   .pNext = &messenger,
                                   .pApplicationInfo = &about,
                                   .enabledLayerCount = 1,
                                   .ppEnabledLayerNames = &layer,
                                   .enabledExtensionCount = 1,
                                   .ppEnabledExtensionNames = &utils};
    if (volkInitialize() != VK_SUCCESS) return false;
    if (vkCreateInstance(&create, NULL, &app.instance) == VK_SUCCESS) {
        volkLoadInstanceOnly(app.instance);
        return vkCreateDebugUtilsMessengerEXT(app.instance, &messenger, NULL, &app.messenger) == VK_SUCCESS;
    }
    if (TEST_REQUIRE) fail_msg("no %s", layer);
    print_message("no %s\n", layer);
    create.pNext = NULL;
    create.enabledLayerCount = create.enabledExtensionCount = 0;
    if (vkCreateInstance(&create, NULL, &app.instance) != VK_SUCCESS) return false;
    volkLoadInstanceOnly(app.instance);
    return true;
}

static bool open_app(void)
{
    if (!open_instance()) return false;
    uint32_t count = 1, families = 32;
    if (vkEnumeratePhysicalDevices(app.instance, &count, &app.physical) < 0 || count == 0) return false;
    VkQueueFamilyProperties family[32];
    vkGetPhysicalDeviceQueueFamilyProperties(app.physical, &families, family);
    while (app.family < families && !(family[app.family].queueFlags & VK_QUEUE_COMPUTE_BIT)) app.family++;
    const char *const *extensions = NULL;
    chain_features(&enabled);
    if (tsr_vulkan_require(app.instance, app.physical, &enabled.all, &extensions, &count) != TSR_OK) fail_msg("%s", tsr_last_error());
    const float priority = 1;
    const VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueFamilyIndex = app.family, .queueCount = 1, .pQueuePriorities = &priority};
    const VkDeviceCreateInfo create = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                       .pNext = &enabled.all,
                                       .queueCreateInfoCount = 1,
                                       .pQueueCreateInfos = &queue,
                                       .enabledExtensionCount = count,
                                       .ppEnabledExtensionNames = extensions};
    assert_int_equal(vkCreateDevice(app.physical, &create, NULL, &app.device), VK_SUCCESS);
    volkLoadDevice(app.device);
    vkGetDeviceQueue(app.device, app.family, 0, &app.queue);
    const VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO, .queueFamilyIndex = app.family};
    assert_int_equal(vkCreateCommandPool(app.device, &pool, NULL, &app.pool), VK_SUCCESS);
    return true;
}

static void close_app(void)
{
    if (app.device) {
        vkDestroyCommandPool(app.device, app.pool, NULL);
        vkDestroyDevice(app.device, NULL);
    }
    if (app.messenger) vkDestroyDebugUtilsMessengerEXT(app.instance, app.messenger, NULL);
    if (app.instance) vkDestroyInstance(app.instance, NULL);
}

static vulkan_memory allocate(void)
{
    vulkan_memory m = {VK_NULL_HANDLE, VK_NULL_HANDLE, NULL};
    const VkBufferCreateInfo create = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                       .size = BYTES,
                                       .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT |
                                                VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT};
    assert_int_equal(vkCreateBuffer(app.device, &create, NULL, &m.buffer), VK_SUCCESS);
    VkMemoryRequirements needs;
    vkGetBufferMemoryRequirements(app.device, m.buffer, &needs);
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(app.physical, &memory);
    const VkMemoryPropertyFlags visible = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    uint32_t type = 0;
    while (type < memory.memoryTypeCount && (!(needs.memoryTypeBits & 1u << type) || (memory.memoryTypes[type].propertyFlags & visible) != visible))
        type++;
    const VkMemoryAllocateFlagsInfo flags = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO, .flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT};
    const VkMemoryAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .pNext = &flags, .allocationSize = needs.size, .memoryTypeIndex = type};
    assert_int_equal(vkAllocateMemory(app.device, &info, NULL, &m.memory), VK_SUCCESS);
    assert_int_equal(vkBindBufferMemory(app.device, m.buffer, m.memory, 0), VK_SUCCESS);
    void *mapped = NULL;
    assert_int_equal(vkMapMemory(app.device, m.memory, 0, VK_WHOLE_SIZE, 0, &mapped), VK_SUCCESS);
    m.mapped = mapped;
    return m;
}

static void release(vulkan_memory m)
{
    vkDestroyBuffer(app.device, m.buffer, NULL);
    vkFreeMemory(app.device, m.memory, NULL);
}

/* The application's own submission, not waited for. */
static void submit_copy(vulkan_memory from, vulkan_memory to)
{
    VkCommandBuffer commands;
    const VkCommandBufferAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                              .commandPool = app.pool,
                                              .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                              .commandBufferCount = 1};
    const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    const VkBufferCopy whole = {.size = BYTES};
    const VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
    assert_int_equal(vkAllocateCommandBuffers(app.device, &info, &commands), VK_SUCCESS);
    assert_int_equal(vkBeginCommandBuffer(commands, &begin), VK_SUCCESS);
    vkCmdCopyBuffer(commands, from.buffer, to.buffer, 1, &whole);
    assert_int_equal(vkEndCommandBuffer(commands), VK_SUCCESS);
    assert_int_equal(vkQueueSubmit(app.queue, 1, &submit, VK_NULL_HANDLE), VK_SUCCESS);
}

static void on_lock(void *user)
{
    assert_ptr_equal(user, &app);
    assert_int_equal(app.locks++, 0);
    app.locked = true;
}

static void on_unlock(void *user)
{
    assert_ptr_equal(user, &app);
    assert_int_equal(--app.locks, 0);
}

static tsr_vulkan_device handles(void)
{
    return (tsr_vulkan_device){.instance = app.instance,
                               .physical = app.physical,
                               .device = app.device,
                               .queue = app.queue,
                               .queue_family = app.family,
                               .api_version = API,
                               .features = &enabled.all,
                               .lock = on_lock,
                               .unlock = on_unlock,
                               .lock_user = &app};
}

/* What an application may get wrong about its device. */
static void refuse_devices(tsr_context *ctx)
{
    tsr_device *dev = (tsr_device *)&app;
    feature_chain features;
    const char *const *extensions;
    uint32_t count;
    tsr_vulkan_device bad;
#define REFUSED(change, status, says)                                                                                                                \
    bad = handles(), change, interop_refused(tsr_device_from_vulkan(ctx, &bad, NULL, &dev), status, says), assert_null(dev)
    REFUSED(bad.instance = VK_NULL_HANDLE, TSR_ERROR_ARGUMENT, "app->instance is NULL");
    REFUSED(bad.physical = VK_NULL_HANDLE, TSR_ERROR_ARGUMENT, "app->physical is NULL");
    REFUSED(bad.device = VK_NULL_HANDLE, TSR_ERROR_ARGUMENT, "app->device is NULL");
    REFUSED(bad.queue = VK_NULL_HANDLE, TSR_ERROR_ARGUMENT, "app->queue is NULL");
    REFUSED(bad.features = NULL, TSR_ERROR_ARGUMENT, "app->features is NULL");
    REFUSED(bad.unlock = NULL, TSR_ERROR_ARGUMENT, "app->unlock is NULL");
    REFUSED(bad.queue_family = 31, TSR_ERROR_ARGUMENT, "queue_family is 31");
    REFUSED(bad.physical = (VkPhysicalDevice)&app, TSR_ERROR_ARGUMENT, "none of the instance's");
    REFUSED(bad.api_version = VK_API_VERSION_1_1, TSR_ERROR_UNSUPPORTED, "Vulkan 1.1; expected 1.2");
    features = enabled, features.all.pNext = &features.f11, features.f11.pNext = &features.f12;
    features.f12.scalarBlockLayout = features.f11.storageBuffer16BitAccess = VK_FALSE;
    REFUSED(bad.features = &features.all, TSR_ERROR_UNSUPPORTED, "created without storageBuffer16BitAccess, scalarBlockLayout");
    features.all.pNext = NULL;
    REFUSED(bad.features = &features.all, TSR_ERROR_UNSUPPORTED,
            "storageBuffer16BitAccess, storageBuffer8BitAccess, bufferDeviceAddress, scalarBlockLayout");
#undef REFUSED
    interop_refused(tsr_device_from_vulkan(ctx, NULL, NULL, &dev), TSR_ERROR_ARGUMENT, "app is NULL");
    interop_refused(tsr_vulkan_require(app.instance, app.physical, NULL, &extensions, &count), TSR_ERROR_ARGUMENT, "features is NULL");
    interop_refused(tsr_vulkan_require(app.instance, app.physical, &features.all, &extensions, &count), TSR_ERROR_ARGUMENT,
                    "bufferDeviceAddress (of VkPhysicalDeviceVulkan12Features)");
    features.all.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
    interop_refused(tsr_vulkan_require(app.instance, app.physical, &features.all, &extensions, &count), TSR_ERROR_ARGUMENT, "features->sType");
}

static void refuse_buffers(tsr_context *ctx, tsr_device *dev, VkBuffer buffer)
{
    tsr_device *host = interop_host(ctx);
    tsr_buffer *buf = NULL, *ours = NULL;
    tsr_vulkan_device out;
    uint64_t offset = 0;
    interop_refused(tsr_buffer_from_vulkan(dev, buffer, 0, 1 << 30, &buf), TSR_ERROR_ARGUMENT, "size 1073741824");
    interop_refused(tsr_buffer_from_vulkan(dev, buffer, 1 << 30, 4, &buf), TSR_ERROR_ARGUMENT, "offset is 1073741824");
    interop_refused(tsr_buffer_from_vulkan(dev, buffer, 4, UINT64_MAX - 2, &buf), TSR_ERROR_ARGUMENT, "within the buffer's");
    interop_refused(tsr_buffer_from_vulkan(dev, buffer, 0, 0, &buf), TSR_ERROR_ARGUMENT, "size 0");
    interop_refused(tsr_buffer_from_vulkan(dev, buffer, 6, 4, &buf), TSR_ERROR_ARGUMENT, "offset is 6; expected a multiple of 4");
    interop_refused(tsr_buffer_from_vulkan(dev, buffer, 0, BYTES, &buf), TSR_ERROR_DEVICE_MEMORY, "budget");
    interop_refused(tsr_buffer_from_vulkan(dev, VK_NULL_HANDLE, 0, 4, &buf), TSR_ERROR_ARGUMENT, "buffer is NULL");
    interop_refused(tsr_buffer_from_vulkan(host, buffer, 0, 4, &buf), TSR_ERROR_ARGUMENT, "dev is host");
    assert_null(buf);
    interop_refused(tsr_device_get_vulkan(host, &out), TSR_ERROR_ARGUMENT, "dev is host");
    assert_int_equal(tsr_buffer_create(host, 4, &ours), TSR_OK);
    interop_refused(tsr_buffer_get_vulkan(ours, &buffer, &offset), TSR_ERROR_ARGUMENT, "another backend");
    tsr_buffer_destroy(ours);
    tsr_device_destroy(host);
}

/* What Tessera made, as handles. */
static void check_handles(tsr_device *dev, tsr_buffer *adopted, VkBuffer buffer)
{
    tsr_vulkan_device out = {.queue_family = 99};
    tsr_buffer *ours = NULL;
    VkBuffer got = VK_NULL_HANDLE;
    uint64_t offset = 99;
    assert_int_equal(tsr_device_get_vulkan(dev, &out), TSR_OK);
    assert_true(out.instance == app.instance && out.physical == app.physical && out.device == app.device && out.queue == app.queue);
    assert_int_equal(out.queue_family, app.family);
    assert_int_equal(tsr_buffer_get_vulkan(adopted, &got, &offset), TSR_OK);
    assert_true(got == buffer);
    assert_int_equal(offset, sizeof(float) * OUT_AT);
    assert_int_equal(tsr_buffer_create(dev, 64, &ours), TSR_OK);
    assert_int_equal(tsr_buffer_get_vulkan(ours, &got, &offset), TSR_OK);
    assert_true(got != VK_NULL_HANDLE && got != buffer && offset == 0);
    tsr_buffer_destroy(ours);
}

static void attention(void **state)
{
    (void)state;
    static float copy[Q];
    tsr_context *ctx = NULL;
    tsr_device *dev = NULL;
    tsr_buffer *in = NULL, *out = NULL;
    const tsr_device_desc limits = {.memory_budget = BYTES + 4096};
    const tsr_vulkan_device own = handles();
    assert_int_equal(tsr_context_create(NULL, &ctx), TSR_OK);
    if (tsr_device_from_vulkan(ctx, &own, &limits, &dev) != TSR_OK) fail_msg("%s", tsr_last_error());
    vulkan_memory staged = allocate(), work = allocate(), result = allocate();
    memcpy(staged.mapped, interop_image, BYTES);
    submit_copy(staged, work);
    assert_int_equal(tsr_buffer_from_vulkan(dev, work.buffer, sizeof(float) * IN_AT, sizeof(float) * IN, &in), TSR_OK);
    assert_int_equal(tsr_buffer_from_vulkan(dev, work.buffer, sizeof(float) * OUT_AT, sizeof(float) * Q, &out), TSR_OK);
    assert_int_equal(tsr_buffer_size(in), sizeof(float) * IN);
    interop_attend(dev, in, out);
    interop_check(work.mapped);
    assert_true(app.locked);
    /* Copies keep to the range, too. */
    assert_int_equal(tsr_buffer_read(out, 0, copy, sizeof(copy)), TSR_OK);
    assert_memory_equal(copy, work.mapped + OUT_AT, sizeof(copy));
    const float mark = -5, was = work.mapped[OUT_AT + 1];
    assert_int_equal(tsr_buffer_write(out, 4, &mark, 4), TSR_OK);
    assert_true(work.mapped[OUT_AT + 1] == mark);
    assert_int_equal(tsr_buffer_write(out, 4, &was, 4), TSR_OK);
    check_handles(dev, out, work.buffer);
    refuse_buffers(ctx, dev, work.buffer);
    refuse_devices(ctx);
    tsr_buffer_destroy(out);
    tsr_buffer_destroy(in);
    tsr_device_destroy(dev);
    tsr_context_destroy(ctx);
    /* All is still the application's. */
    submit_copy(work, result);
    assert_int_equal(vkDeviceWaitIdle(app.device), VK_SUCCESS);
    interop_check(result.mapped);
    release(staged), release(work), release(result);
}

/* The chain of an application that names each feature's own struct, and wants others beside ours. */
static void separate_structs(void **state)
{
    (void)state;
    VkPhysicalDeviceSubgroupSizeControlFeatures control = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES};
    VkPhysicalDeviceScalarBlockLayoutFeatures scalar = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SCALAR_BLOCK_LAYOUT_FEATURES, .pNext = &control};
    VkPhysicalDeviceBufferDeviceAddressFeatures address = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_BUFFER_DEVICE_ADDRESS_FEATURES,
                                                           .pNext = &scalar};
    VkPhysicalDevice8BitStorageFeatures byte = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_8BIT_STORAGE_FEATURES, .pNext = &address};
    VkPhysicalDevice16BitStorageFeatures half = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES, .pNext = &byte, .storagePushConstant16 = VK_TRUE};
    VkPhysicalDeviceFeatures2 all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &half};
    VkPhysicalDeviceSubgroupSizeControlFeatures have = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES};
    VkPhysicalDeviceFeatures2 query = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &have};
    const char *const *extensions = NULL;
    uint32_t count = 99;
    if (tsr_vulkan_require(app.instance, app.physical, &all, &extensions, &count) != TSR_OK) fail_msg("%s", tsr_last_error());
    assert_true(all.features.shaderInt64 && half.storageBuffer16BitAccess && byte.storageBuffer8BitAccess && address.bufferDeviceAddress &&
                scalar.scalarBlockLayout);
    assert_true(half.storagePushConstant16 && !half.storageInputOutput16 && !all.features.geometryShader);
    vkGetPhysicalDeviceFeatures2(app.physical, &query);
    assert_int_equal(control.subgroupSizeControl, have.subgroupSizeControl);
    assert_int_equal(control.computeFullSubgroups, have.computeFullSubgroups);
    assert_int_equal(count, have.subgroupSizeControl && have.computeFullSubgroups);
    if (count) assert_string_equal(extensions[0], VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
}

/* An instance made for Vulkan 1.0 hides what the device has. */
static void old_instance(void **state)
{
    (void)state;
    const VkApplicationInfo about = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_0};
    const VkInstanceCreateInfo create = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &about};
    VkInstance old = VK_NULL_HANDLE;
    VkPhysicalDevice physical = VK_NULL_HANDLE;
    feature_chain features;
    const char *const *extensions = NULL;
    uint32_t count = 1;
    assert_int_equal(vkCreateInstance(&create, NULL, &old), VK_SUCCESS);
    assert_true(vkEnumeratePhysicalDevices(old, &count, &physical) >= 0);
    chain_features(&features);
    interop_refused(tsr_vulkan_require(old, physical, &features.all, &extensions, &count), TSR_ERROR_UNSUPPORTED, "under this instance it lacks");
    interop_refused(tsr_vulkan_require(app.instance, physical, &features.all, &extensions, &count), TSR_ERROR_ARGUMENT, "none of the instance's");
    vkDestroyInstance(old, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(old_instance), cmocka_unit_test(separate_structs), cmocka_unit_test(attention)};
    if (!open_app()) {
        close_app();
        puts("no Vulkan device");
        return TEST_REQUIRE ? 1 : 77;
    }
    const int failed = cmocka_run_group_tests_name("interop with Vulkan", tests, interop_setup, NULL);
    close_app();
    if (app.messages) printf("%d validation messages\n", app.messages);
    return failed || app.messages;
}
