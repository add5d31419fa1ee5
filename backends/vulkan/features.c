/* The device features that our kernels need: what a chain of feature structs lacks of them, and enabling them in one. */
#include "internal.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

typedef struct place {
    VkStructureType type;
    size_t offset;
    const char *name; /* of the struct */
} place;

/* What a feature is for; of all but NEEDED a device may have none. */
typedef enum purpose { NEEDED, SIZES, MATRICES, BFLOATS, REDUCTIONS, DOTS, CODE_DOTS } purpose;

typedef struct feature {
    const char *name;
    purpose purpose;
    place in[2]; /* the structs that have it, the one to ask for first */
} feature;

#define FEATURES2(member)                                                                                                                            \
    {                                                                                                                                                \
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, offsetof(VkPhysicalDeviceFeatures2, features.member), "Features2"                              \
    }
#define IN(TYPE, Name, member)                                                                                                                       \
    {                                                                                                                                                \
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_##TYPE##_FEATURES, offsetof(VkPhysicalDevice##Name##Features, member), #Name "Features"                    \
    }
static const feature all[] = {
    {"shaderInt64", NEEDED, {FEATURES2(shaderInt64)}},
    {"storageBuffer16BitAccess",
     NEEDED,
     {IN(VULKAN_1_1, Vulkan11, storageBuffer16BitAccess), IN(16BIT_STORAGE, 16BitStorage, storageBuffer16BitAccess)}},
    {"storageBuffer8BitAccess", NEEDED, {IN(VULKAN_1_2, Vulkan12, storageBuffer8BitAccess), IN(8BIT_STORAGE, 8BitStorage, storageBuffer8BitAccess)}},
    {"bufferDeviceAddress",
     NEEDED,
     {IN(VULKAN_1_2, Vulkan12, bufferDeviceAddress), IN(BUFFER_DEVICE_ADDRESS, BufferDeviceAddress, bufferDeviceAddress)}},
    {"scalarBlockLayout", NEEDED, {IN(VULKAN_1_2, Vulkan12, scalarBlockLayout), IN(SCALAR_BLOCK_LAYOUT, ScalarBlockLayout, scalarBlockLayout)}},
    {"subgroupSizeControl",
     SIZES,
     {IN(VULKAN_1_3, Vulkan13, subgroupSizeControl), IN(SUBGROUP_SIZE_CONTROL, SubgroupSizeControl, subgroupSizeControl)}},
    {"computeFullSubgroups",
     SIZES,
     {IN(VULKAN_1_3, Vulkan13, computeFullSubgroups), IN(SUBGROUP_SIZE_CONTROL, SubgroupSizeControl, computeFullSubgroups)}},
#ifdef VK_KHR_cooperative_matrix
    {"vulkanMemoryModel", MATRICES, {IN(VULKAN_1_2, Vulkan12, vulkanMemoryModel), IN(VULKAN_MEMORY_MODEL, VulkanMemoryModel, vulkanMemoryModel)}},
    {"shaderFloat16", MATRICES, {IN(VULKAN_1_2, Vulkan12, shaderFloat16), IN(SHADER_FLOAT16_INT8, ShaderFloat16Int8, shaderFloat16)}},
    {"shaderInt8", MATRICES, {IN(VULKAN_1_2, Vulkan12, shaderInt8), IN(SHADER_FLOAT16_INT8, ShaderFloat16Int8, shaderInt8)}},
    {"cooperativeMatrix",
     MATRICES,
     {{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR, offsetof(VkPhysicalDeviceCooperativeMatrixFeaturesKHR, cooperativeMatrix),
       "CooperativeMatrixFeaturesKHR"}}},
    {"shaderBFloat16Type",
     BFLOATS,
     {{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_BFLOAT16_FEATURES_KHR, offsetof(VkPhysicalDeviceShaderBfloat16FeaturesKHR, shaderBFloat16Type),
       "ShaderBfloat16FeaturesKHR"}}},
    {"shaderBFloat16CooperativeMatrix",
     BFLOATS,
     {{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_BFLOAT16_FEATURES_KHR,
       offsetof(VkPhysicalDeviceShaderBfloat16FeaturesKHR, shaderBFloat16CooperativeMatrix), "ShaderBfloat16FeaturesKHR"}}},
    {"cooperativeMatrixReductions",
     REDUCTIONS,
     {{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV,
       offsetof(VkPhysicalDeviceCooperativeMatrix2FeaturesNV, cooperativeMatrixReductions), "CooperativeMatrix2FeaturesNV"}}},
    {"cooperativeMatrixConversions",
     REDUCTIONS,
     {{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV,
       offsetof(VkPhysicalDeviceCooperativeMatrix2FeaturesNV, cooperativeMatrixConversions), "CooperativeMatrix2FeaturesNV"}}},
    /* SPIR-V 1.6 has the workgroup's size as ids. */
    {"maintenance4", REDUCTIONS, {IN(VULKAN_1_3, Vulkan13, maintenance4), IN(MAINTENANCE_4, Maintenance4, maintenance4)}},
#endif
    {"shaderFloat16", DOTS, {IN(VULKAN_1_2, Vulkan12, shaderFloat16), IN(SHADER_FLOAT16_INT8, ShaderFloat16Int8, shaderFloat16)}},
    {"shaderMixedFloatDotProductFloat16AccFloat32",
     DOTS,
     {{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_MIXED_FLOAT_DOT_PRODUCT_FEATURES_VALVE,
       offsetof(VkPhysicalDeviceShaderMixedFloatDotProductFeaturesVALVE, shaderMixedFloatDotProductFloat16AccFloat32),
       "ShaderMixedFloatDotProductFeaturesVALVE"}}},
    {"shaderIntegerDotProduct",
     CODE_DOTS,
     {IN(VULKAN_1_3, Vulkan13, shaderIntegerDotProduct), IN(SHADER_INTEGER_DOT_PRODUCT, ShaderIntegerDotProduct, shaderIntegerDotProduct)}},
};
enum { COUNT = sizeof(all) / sizeof(all[0]), PLACES = 2 };

/* The feature's flag in a chain; NULL: no struct of the chain has it. */
static VkBool32 *find(const VkPhysicalDeviceFeatures2 *chain, const feature *f)
{
    VkBaseOutStructure head; /* of each struct */
    for (unsigned char *at = (unsigned char *)chain; at; at = (unsigned char *)head.pNext) {
        memcpy(&head, at, sizeof(head));
        for (int i = 0; i < PLACES && f->in[i].name; i++)
            if (head.sType == f->in[i].type) return (VkBool32 *)(at + f->in[i].offset);
    }
    return NULL;
}

static void append(char text[VK_TEXT], const char *name, const char *where)
{
    const size_t at = strlen(text);
    snprintf(text + at, VK_TEXT - at, "%s%s%s", at ? ", " : "", name, where);
}

bool vk_features_complete(const VkPhysicalDeviceFeatures2 *chain, char lacks[VK_TEXT])
{
    lacks[0] = '\0';
    for (int i = 0; i < COUNT; i++) {
        const VkBool32 *flag = find(chain, &all[i]);
        if (all[i].purpose == NEEDED && !(flag && *flag)) append(lacks, all[i].name, "");
    }
    return !lacks[0];
}

/* Is all set that serves the purpose? */
static bool serves(const VkPhysicalDeviceFeatures2 *chain, purpose purpose)
{
    bool any = false, all_set = true;
    for (int i = 0; i < COUNT; i++) {
        if (all[i].purpose != purpose) continue;
        const VkBool32 *flag = find(chain, &all[i]);
        any = true;
        all_set = all_set && flag && *flag;
    }
    return any && all_set;
}

bool vk_features_subgroup_size(const VkPhysicalDeviceFeatures2 *chain) { return serves(chain, SIZES); }

bool vk_features_matrices(const VkPhysicalDeviceFeatures2 *chain) { return serves(chain, SIZES) && serves(chain, MATRICES); }

bool vk_features_bfloat(const VkPhysicalDeviceFeatures2 *chain) { return vk_features_matrices(chain) && serves(chain, BFLOATS); }

bool vk_features_reductions(const VkPhysicalDeviceFeatures2 *chain) { return vk_features_matrices(chain) && serves(chain, REDUCTIONS); }

bool vk_features_dot(const VkPhysicalDeviceFeatures2 *chain) { return serves(chain, DOTS); }

bool vk_features_code_dot(const VkPhysicalDeviceFeatures2 *chain) { return serves(chain, CODE_DOTS); }

unsigned vk_features_ask(const VkPhysicalDeviceFeatures2 *chain)
{
    static const unsigned newer[] = {[BFLOATS] = VK_NEWER_BFLOAT, [REDUCTIONS] = VK_NEWER_REDUCTIONS, [DOTS] = VK_NEWER_DOT, [CODE_DOTS] = 0};
    unsigned asks = 0;
    for (int i = 0; i < COUNT; i++)
        if (!all[i].in[1].name && find(chain, &all[i])) asks |= newer[all[i].purpose];
    return asks;
}

void vk_features_chain(VkPhysicalDevice physical, unsigned newer, vk_features *f)
{
    *f = (vk_features){.all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &f->f11},
                       .f11 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, .pNext = &f->f12},
                       .f12 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES},
                       .control = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES}};
    if (vk_has_extension(physical, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME)) f->f12.pNext = &f->control;
    f->code_dot.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES;
    f->code_dot.pNext = f->f12.pNext;
    if (vk_has_extension(physical, VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME)) f->f12.pNext = &f->code_dot;
    f->dot.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_MIXED_FLOAT_DOT_PRODUCT_FEATURES_VALVE;
    f->dot.pNext = f->f12.pNext;
    if ((newer & VK_NEWER_DOT) && vk_has_extension(physical, VK_VALVE_SHADER_MIXED_FLOAT_DOT_PRODUCT_EXTENSION_NAME)) f->f12.pNext = &f->dot;
#ifdef VK_KHR_cooperative_matrix
    f->matrix.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR;
    f->matrix.pNext = f->f12.pNext;
    if (vk_has_extension(physical, VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME)) f->f12.pNext = &f->matrix;
    f->bfloat.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_BFLOAT16_FEATURES_KHR;
    f->bfloat.pNext = f->f12.pNext;
    if ((newer & VK_NEWER_BFLOAT) && vk_has_extension(physical, VK_KHR_SHADER_BFLOAT16_EXTENSION_NAME)) f->f12.pNext = &f->bfloat;
    f->reductions.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_2_FEATURES_NV;
    f->reductions.pNext = f->f12.pNext;
    f->maintenance4.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_FEATURES;
    f->maintenance4.pNext = &f->reductions;
    if ((newer & VK_NEWER_REDUCTIONS) && vk_has_extension(physical, VK_NV_COOPERATIVE_MATRIX_2_EXTENSION_NAME)) f->f12.pNext = &f->maintenance4;
#endif
}

void vk_features_query(VkPhysicalDevice physical, unsigned newer, vk_features *f)
{
    vk_features_chain(physical, newer, f);
    vkGetPhysicalDeviceFeatures2(physical, &f->all);
}

bool vk_features_enable(VkPhysicalDevice physical, VkPhysicalDeviceFeatures2 *chain, char homeless[VK_TEXT])
{
    vk_features have;
    vk_features_query(physical, vk_features_ask(chain), &have);
    homeless[0] = '\0';
    for (int i = 0; i < COUNT; i++) {
        VkBool32 *flag = find(chain, &all[i]);
        const VkBool32 *there = find(&have.all, &all[i]);
        const bool of_matrices = all[i].purpose == BFLOATS || all[i].purpose == REDUCTIONS;
        const bool used = all[i].purpose == NEEDED || (there && *there && (!of_matrices || serves(chain, MATRICES)));
        if (flag && used) *flag = VK_TRUE;
        if (!flag && all[i].purpose == NEEDED) {
            char where[64];
            snprintf(where, sizeof(where), " (of VkPhysicalDevice%s)", all[i].in[0].name);
            append(homeless, all[i].name, where);
        }
    }
    return !homeless[0];
}

uint32_t vk_features_extensions(VkPhysicalDevice physical, const VkPhysicalDeviceFeatures2 *chain, const char *const **out)
{
    /* An application keeps the list: each case is a run of one constant array. */
#define CODE_DOT VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME
#define DOT VK_VALVE_SHADER_MIXED_FLOAT_DOT_PRODUCT_EXTENSION_NAME
#define SIZE VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME
#ifdef VK_KHR_cooperative_matrix
#define REDUCED VK_NV_COOPERATIVE_MATRIX_2_EXTENSION_NAME
#define MATRIX VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME, VK_KHR_SHADER_BFLOAT16_EXTENSION_NAME
#else
#define REDUCED NULL
#define MATRIX NULL
#endif
    static const char *const names[2][2][2][6] = {
        {{{CODE_DOT, MATRIX}, {CODE_DOT, SIZE, MATRIX}}, {{CODE_DOT, DOT, MATRIX}, {CODE_DOT, DOT, SIZE, MATRIX}}},
        {{{CODE_DOT, REDUCED, MATRIX}, {CODE_DOT, SIZE, REDUCED, MATRIX}},
         {{CODE_DOT, DOT, REDUCED, MATRIX}, {CODE_DOT, DOT, SIZE, REDUCED, MATRIX}}}};
    const bool dot = serves(chain, DOTS), matrices = serves(chain, MATRICES), reduced = matrices && serves(chain, REDUCTIONS);
    const bool code_dot = serves(chain, CODE_DOTS) && vk_has_extension(physical, VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME);
    const bool sizes = serves(chain, SIZES) && vk_has_extension(physical, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
    *out = names[reduced][dot][sizes] + !code_dot;
    return (uint32_t)code_dot + (uint32_t)dot + (uint32_t)sizes + (uint32_t)reduced + (uint32_t)matrices +
           (uint32_t)(matrices && serves(chain, BFLOATS));
}
