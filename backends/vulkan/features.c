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

typedef struct feature {
    const char *name;
    bool optional;
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
    {"shaderInt64", false, {FEATURES2(shaderInt64)}},
    {"storageBuffer16BitAccess",
     false,
     {IN(VULKAN_1_1, Vulkan11, storageBuffer16BitAccess), IN(16BIT_STORAGE, 16BitStorage, storageBuffer16BitAccess)}},
    {"storageBuffer8BitAccess", false, {IN(VULKAN_1_2, Vulkan12, storageBuffer8BitAccess), IN(8BIT_STORAGE, 8BitStorage, storageBuffer8BitAccess)}},
    {"bufferDeviceAddress",
     false,
     {IN(VULKAN_1_2, Vulkan12, bufferDeviceAddress), IN(BUFFER_DEVICE_ADDRESS, BufferDeviceAddress, bufferDeviceAddress)}},
    {"scalarBlockLayout", false, {IN(VULKAN_1_2, Vulkan12, scalarBlockLayout), IN(SCALAR_BLOCK_LAYOUT, ScalarBlockLayout, scalarBlockLayout)}},
    {"subgroupSizeControl",
     true,
     {IN(VULKAN_1_3, Vulkan13, subgroupSizeControl), IN(SUBGROUP_SIZE_CONTROL, SubgroupSizeControl, subgroupSizeControl)}},
    {"computeFullSubgroups",
     true,
     {IN(VULKAN_1_3, Vulkan13, computeFullSubgroups), IN(SUBGROUP_SIZE_CONTROL, SubgroupSizeControl, computeFullSubgroups)}},
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
        if (!all[i].optional && !(flag && *flag)) append(lacks, all[i].name, "");
    }
    return !lacks[0];
}

bool vk_features_subgroup_size(const VkPhysicalDeviceFeatures2 *chain)
{
    bool all_set = true;
    for (int i = 0; i < COUNT; i++) {
        const VkBool32 *flag = find(chain, &all[i]);
        if (all[i].optional) all_set = all_set && flag && *flag;
    }
    return all_set;
}

void vk_features_query(VkPhysicalDevice physical, vk_features *f)
{
    *f = (vk_features){.all = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &f->f11},
                       .f11 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, .pNext = &f->f12},
                       .f12 = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES},
                       .control = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES}};
    if (vk_has_extension(physical, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME)) f->f12.pNext = &f->control;
    vkGetPhysicalDeviceFeatures2(physical, &f->all);
}

bool vk_features_enable(VkPhysicalDevice physical, VkPhysicalDeviceFeatures2 *chain, char homeless[VK_TEXT])
{
    vk_features have;
    vk_features_query(physical, &have);
    homeless[0] = '\0';
    for (int i = 0; i < COUNT; i++) {
        VkBool32 *flag = find(chain, &all[i]);
        const VkBool32 *there = find(&have.all, &all[i]);
        if (flag && (!all[i].optional || (there && *there))) *flag = VK_TRUE;
        if (!flag && !all[i].optional) {
            char where[64];
            snprintf(where, sizeof(where), " (of VkPhysicalDevice%s)", all[i].in[0].name);
            append(homeless, all[i].name, where);
        }
    }
    return !homeless[0];
}
