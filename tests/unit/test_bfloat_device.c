/* Matrices of bf16 from a driver that has none: what Tessera asks the driver about them is answered here, and what it gives to it is said in
 * 16-bit integers and fp32. Attention of bf16 then runs its matrix kernels, and is held to the bounds of the conformance suite.
 *   test_bfloat_device [CASE...]   other cases of the suite, by name */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bfloat_lower.h"
#include "conformance/conformance.h"
#include "vulkan/internal.h"

#include "tessera/tessera_vulkan.h"

/* What these functions stand before. */
static struct {
    PFN_vkEnumerateDeviceExtensionProperties extensions;
    PFN_vkGetPhysicalDeviceFeatures2 features;
    PFN_vkGetInstanceProcAddr instance_address;
    PFN_vkCreateDevice create;
    PFN_vkGetDeviceProcAddr device_address;
    PFN_vkCreateShaderModule module;
    PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR matrices;
} real;
static int enabled, lowered; /* devices with bf16; modules with it */

static VkResult VKAPI_CALL extensions(VkPhysicalDevice physical, const char *layer, uint32_t *count, VkExtensionProperties *out)
{
    uint32_t theirs = out ? *count - 1 : 0;
    const VkResult result = real.extensions(physical, layer, &theirs, out);
    if (out) snprintf(out[theirs].extensionName, sizeof(out[theirs].extensionName), "%s", VK_KHR_SHADER_BFLOAT16_EXTENSION_NAME);
    *count = theirs + 1;
    return result;
}

/* The struct before that of bf16 in a chain; NULL: it has none. */
static VkBaseOutStructure *before_bfloat(const void *chain)
{
    for (VkBaseOutStructure *at = (VkBaseOutStructure *)chain; at; at = at->pNext)
        if (at->pNext && at->pNext->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_BFLOAT16_FEATURES_KHR) return at;
    return NULL;
}

static void VKAPI_CALL features(VkPhysicalDevice physical, VkPhysicalDeviceFeatures2 *chain)
{
    real.features(physical, chain);
    VkBaseOutStructure *before = before_bfloat(chain);
    VkPhysicalDeviceShaderBfloat16FeaturesKHR *bfloat = before ? (void *)before->pNext : NULL;
    if (bfloat) bfloat->shaderBFloat16Type = bfloat->shaderBFloat16CooperativeMatrix = VK_TRUE;
}

/* Their fp16 matrices with fp32 sums, once more with bf16. */
static VkResult VKAPI_CALL matrices(VkPhysicalDevice physical, uint32_t *count, VkCooperativeMatrixPropertiesKHR *out)
{
    uint32_t theirs = out ? *count - 1 : 0;
    const VkResult result = real.matrices(physical, &theirs, out);
    for (uint32_t i = 0; out && i < theirs; i++) {
        if (out[i].AType != VK_COMPONENT_TYPE_FLOAT16_KHR || out[i].CType != VK_COMPONENT_TYPE_FLOAT32_KHR) continue;
        out[theirs] = out[i];
        out[theirs].AType = out[theirs].BType = VK_COMPONENT_TYPE_BFLOAT16_KHR;
    }
    *count = theirs + 1;
    return result;
}

static PFN_vkVoidFunction VKAPI_CALL instance_address(VkInstance instance, const char *name)
{
    const PFN_vkVoidFunction address = real.instance_address(instance, name);
    if (!address || strcmp(name, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR") != 0) return address;
    real.matrices = (PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR)address;
    return (PFN_vkVoidFunction)matrices;
}

static VkResult VKAPI_CALL create(VkPhysicalDevice physical, const VkDeviceCreateInfo *info, const VkAllocationCallbacks *memory, VkDevice *out)
{
    VkDeviceCreateInfo theirs = *info;
    VkBaseOutStructure *before = before_bfloat(info->pNext), *bfloat = before ? before->pNext : NULL;
    const uint32_t last = info->enabledExtensionCount - 1;
    if (bfloat && strcmp(info->ppEnabledExtensionNames[last], VK_KHR_SHADER_BFLOAT16_EXTENSION_NAME) == 0) {
        theirs.enabledExtensionCount = last;
        before->pNext = bfloat->pNext;
        enabled++;
    }
    const VkResult result = real.create(physical, &theirs, memory, out);
    if (bfloat) before->pNext = bfloat;
    return result;
}

static VkResult VKAPI_CALL module(VkDevice device, const VkShaderModuleCreateInfo *info, const VkAllocationCallbacks *memory, VkShaderModule *out)
{
    size_t count = 0;
    uint32_t *words = bfloat_lower(info->pCode, info->codeSize / sizeof(*words), &count);
    VkShaderModuleCreateInfo theirs = *info;
    if (words) {
        theirs.pCode = words;
        theirs.codeSize = count * sizeof(*words);
        lowered++;
    }
    const VkResult result = real.module(device, &theirs, memory, out);
    free(words);
    return result;
}

static PFN_vkVoidFunction VKAPI_CALL device_address(VkDevice device, const char *name)
{
    const PFN_vkVoidFunction address = real.device_address(device, name);
    if (strcmp(name, "vkCreateShaderModule") != 0) return address;
    real.module = (PFN_vkCreateShaderModule)address;
    return (PFN_vkVoidFunction)module;
}

#define STAND_BEFORE(entry, own) (real.own = entry, entry = own)

static void stand_before_driver(void)
{
    STAND_BEFORE(vkEnumerateDeviceExtensionProperties, extensions);
    STAND_BEFORE(vkGetPhysicalDeviceFeatures2, features);
    STAND_BEFORE(vkGetInstanceProcAddr, instance_address);
    STAND_BEFORE(vkCreateDevice, create);
    STAND_BEFORE(vkGetDeviceProcAddr, device_address);
}

/* The first Vulkan device that has matrices. */
static tsr_device *open_device(tsr_context *ctx)
{
    for (size_t i = 0; i < tsr_device_count(ctx); i++) {
        tsr_device_info info;
        tsr_device *dev = NULL;
        if (tsr_device_get_info(ctx, i, &info) != TSR_OK || strcmp(info.backend, "vulkan") != 0 || !(info.features & TSR_FEATURE_MATRIX)) continue;
        if (tsr_device_open(ctx, info.id, NULL, &dev) != TSR_OK) fail_msg("%s", tsr_last_error());
        return dev;
    }
    return NULL;
}

static bool lists_bfloat(const tsr_device_info *info)
{
    bool lists = false;
    for (uint32_t i = 0; i < info->matrix_count; i++) lists = lists || strcmp(info->matrix[i].a, "bf16") == 0;
    return lists;
}

/* An application that asks what its device is to be created with: for bf16 or not, for the driver's reductions or not. */
static void check_application(const tsr_device *dev)
{
    const bool reduces = tsr_device_info_of(dev)->features & TSR_FEATURE_MATRIX_REDUCED;
    tsr_vulkan_device app;
    assert_int_equal(tsr_device_get_vulkan(dev, &app), TSR_OK);
    for (unsigned asks = 0; asks <= (VK_NEWER_BFLOAT | VK_NEWER_REDUCTIONS); asks++) {
        if (asks & VK_NEWER_DOT) continue;
        const bool bfloat = asks & VK_NEWER_BFLOAT, reduced = reduces && (asks & VK_NEWER_REDUCTIONS);
        vk_features chain;
        const char *const *names = NULL;
        uint32_t count = 0;
        bool bfloat_named = false, reduced_named = false;
        vk_features_chain(app.physical, asks, &chain);
        assert_int_equal(tsr_vulkan_require(app.instance, app.physical, &chain.all, &names, &count), TSR_OK);
        for (uint32_t i = 0; i < count; i++) {
            bfloat_named = bfloat_named || strcmp(names[i], VK_KHR_SHADER_BFLOAT16_EXTENSION_NAME) == 0;
            reduced_named = reduced_named || strcmp(names[i], VK_NV_COOPERATIVE_MATRIX_2_EXTENSION_NAME) == 0;
        }
        assert_int_equal(bfloat_named, bfloat);
        assert_int_equal(reduced_named, reduced);
        assert_int_equal(vk_features_bfloat(&chain.all), bfloat);
        assert_int_equal(vk_features_reductions(&chain.all), reduced);
    }
}

static void run(tsr_context *ctx, tsr_device *dev, const char *name)
{
    suite *s = suite_create();
    bool found = false;
    assert_non_null(s);
    for (size_t i = 0; i < suite_count(s); i++) {
        char message[512];
        if (strcmp(suite_name(s, i), name) != 0) continue;
        found = true;
        const suite_verdict verdict = suite_run(s, i, ctx, dev, 20261122, message, sizeof(message));
        print_message("%s: %s\n", name, message);
        assert_int_equal(verdict, SUITE_PASS);
    }
    assert_true(found);
    suite_destroy(s);
}

static void run_all(const char *layout, const char *const *names, size_t count)
{
    tsr_context *ctx = NULL;
    setenv("TESSERA_MATRIX_LAYOUT", layout, 1);
    assert_int_equal(tsr_context_create(&(tsr_context_desc){.cache_dir = ""}, &ctx), TSR_OK);
    tsr_device *dev = open_device(ctx);
    assert_non_null(dev);
    assert_true(lists_bfloat(tsr_device_info_of(dev)));
    check_application(dev);
    lowered = 0;
    for (size_t i = 0; i < count; i++) run(ctx, dev, names[i]);
    assert_true(lowered > 0);
    tsr_device_destroy(dev);
    tsr_context_destroy(ctx);
}

/* Each is compiled for seconds: values too large for fp16, and probabilities that go through memory. Others by name. */
static const char *const cases[] = {"attention/matrix/hostile.values-largest-bf16/65x129", "attention/matrix/layout.step3-bf16/35x67"};
static const char *const *named = cases;
static size_t named_count = 1;

static void test_attention(void **state)
{
    tsr_context *ctx = NULL;
    (void)state;
    assert_int_equal(tsr_context_create(NULL, &ctx), TSR_OK); /* loads the loader */
    tsr_device *dev = open_device(ctx);
    const bool lists = dev && lists_bfloat(tsr_device_info_of(dev));
    tsr_device_destroy(dev);
    tsr_context_destroy(ctx);
    if (!dev || lists) skip(); /* nothing to add to */
    stand_before_driver();
    run_all("", named, named_count);
    run_all("memory", cases + 1, 1);
    run_all("reduced", cases + 1, 1);
    assert_int_equal(enabled, 3);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_attention)};
    if (argc > 1) {
        named = (const char *const *)argv + 1;
        named_count = (size_t)argc - 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
