/* What the Vulkan backend's files share: the objects and their helpers. */
#ifndef TSR_VULKAN_INTERNAL_H
#define TSR_VULKAN_INTERNAL_H

#define VK_NO_PROTOTYPES
#include <stdbool.h>
#include <volk.h>

#include "backend.h"
#include "newer.h"

#define VK_INSTANCE_VERSION VK_API_VERSION_1_3 /* of our own instances; devices may be of 1.2 */
enum { VK_MAX_DEVICES = 32, VK_STAGING_BYTES = 8 << 20, VK_COMMAND_BUFFERS = 4, VK_TEXT = 512 };

typedef struct vk_state {
    const bk_services *services;
    VkInstance instance;
    bool stuck;     /* a device was left to the driver, and its instance with it */
    unsigned newer; /* what may be used: there is no validation layer, or one that knows it */
    VkDebugUtilsMessengerEXT messenger;
    PFN_vkDestroyDebugUtilsMessengerEXT destroy_messenger; /* volk's belongs to the first instance */
    size_t count;
    struct {
        VkPhysicalDevice physical;
        tsr_device_info info;
    } devices[VK_MAX_DEVICES];
} vk_state;

/* One recording: begun at the first dispatch, then submitted. */
typedef struct vk_recording {
    VkCommandBuffer commands;
    VkFence fence;
    bool pending;    /* submitted, not yet waited for */
    uint64_t number; /* as a submission */
    double seconds;  /* it took; below 0: not known */
} vk_recording;

struct bk_device {
    const bk_services *services;
    vk_state *state; /* NULL where the device is the application's */
    tsr_device_info info;
    VkInstance instance;
    VkPhysicalDevice physical;
    VkDevice device;
    bool borrowed; /* device and queue are the application's */
    struct VolkDeviceTable vk;
    VkPhysicalDeviceMemoryProperties memory;
    VkQueue queue;
    uint32_t family;            /* of the queue */
    void (*lock)(void *user);   /* around submissions; NULL: none */
    void (*unlock)(void *user); /* likewise */
    void *lock_user;
    VkCommandPool pool;
    vk_recording recordings[VK_COMMAND_BUFFERS];
    uint32_t current;
    bool recording;
    uint64_t submissions;
    VkQueryPool times;  /* two for each recording; VK_NULL_HANDLE: submissions are not timed */
    uint64_t time_mask; /* the bits that count */
    double time_step;   /* seconds */
    uint64_t patience;  /* nanoseconds; UINT64_MAX: no end */
    bool lost;
    bool stuck;         /* lost, with work that may still run: nothing that it may use can be destroyed */
    bk_buffer *staging; /* host-visible, made when first needed */
    bool size_control;  /* a pipeline may ask for its sub-group size */
    uint32_t max_groups;
    uint64_t used; /* bytes allocated */
};

struct bk_buffer {
    VkBuffer buffer;
    VkDeviceMemory memory;
    VkDeviceAddress address;
    uint64_t size;         /* bytes allocated, counted in the device's used */
    unsigned char *mapped; /* NULL: device-local only, reached through staging */
    bool cached;           /* the mapping is quick to read, not only to write */
    bool borrowed;         /* the application's, with its memory */
    uint64_t offset;       /* of our range in the application's buffer */
};

struct bk_kernel {
    VkShaderModule module;
    VkPipelineLayout layout;
    VkPipeline pipeline;
    uint32_t bindings;
};

/* Makes a status of a driver's result; remembers a lost device. */
tsr_status vk_status(bk_device *dev, VkResult result, const char *what);

/* open.c */
bool vk_load(VkInstance instance);     /* the loader's entry points, for this instance too; false: no loader */
tsr_status vk_prepare(bk_device *dev); /* what an opened VkDevice needs besides */

/* info.c: fills *info; false: lacks says why the device cannot run our kernels. */
bool vk_read_info(VkInstance instance, VkPhysicalDevice physical, size_t index, unsigned newer, tsr_device_info *info, char lacks[VK_TEXT]);
/* The matrices that a device has which was created with these features, for an instance of that version. */
void vk_read_matrices(VkInstance instance, uint32_t instance_version, VkPhysicalDevice physical, const VkPhysicalDeviceFeatures2 *enabled,
                      tsr_device_info *info);
bool vk_has_extension(VkPhysicalDevice physical, const char *name);
uint32_t vk_compute_family(VkPhysicalDevice physical); /* UINT32_MAX: none */
uint64_t vk_memory_left(const bk_device *dev);         /* bytes, as far as the driver tells */

/* features.c. A chain begins with VkPhysicalDeviceFeatures2 and may have any structs behind it. */
typedef struct vk_features {
    VkPhysicalDeviceFeatures2 all; /* the others are chained behind it */
    VkPhysicalDeviceVulkan11Features f11;
    VkPhysicalDeviceVulkan12Features f12;
    VkPhysicalDeviceSubgroupSizeControlFeatures control;         /* where the device has the extension */
    VkPhysicalDeviceShaderMixedFloatDotProductFeaturesVALVE dot; /* likewise */
    VkPhysicalDeviceShaderIntegerDotProductFeatures code_dot;    /* likewise */
#ifdef VK_KHR_cooperative_matrix
    VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrix;     /* likewise */
    VkPhysicalDeviceShaderBfloat16FeaturesKHR bfloat;        /* likewise */
    VkPhysicalDeviceCooperativeMatrix2FeaturesNV reductions; /* likewise, */
    VkPhysicalDeviceMaintenance4Features maintenance4;       /* and with it */
#endif
} vk_features;
/* newer: what else, of structs that not every validation layer knows: matrices of bf16, dot products of fp16, reductions of matrices. */
enum { VK_NEWER_BFLOAT = 1, VK_NEWER_DOT = 2, VK_NEWER_REDUCTIONS = 4 };
void vk_features_chain(VkPhysicalDevice physical, unsigned newer, vk_features *out);    /* no flag set */
void vk_features_query(VkPhysicalDevice physical, unsigned newer, vk_features *out);    /* what the device has */
unsigned vk_features_ask(const VkPhysicalDeviceFeatures2 *chain);                       /* which of these is there room for? */
bool vk_features_complete(const VkPhysicalDeviceFeatures2 *chain, char lacks[VK_TEXT]); /* false: lacks lists what we need */
bool vk_features_subgroup_size(const VkPhysicalDeviceFeatures2 *chain);                 /* may a pipeline ask for its sub-group size? */
bool vk_features_matrices(const VkPhysicalDeviceFeatures2 *chain);                      /* and use cooperative matrices? */
bool vk_features_bfloat(const VkPhysicalDeviceFeatures2 *chain);                        /* and those of bf16? */
bool vk_features_reductions(const VkPhysicalDeviceFeatures2 *chain);                    /* and the driver's reductions of those? */
bool vk_features_dot(const VkPhysicalDeviceFeatures2 *chain);                           /* and dot products of fp16 pairs? */
bool vk_features_code_dot(const VkPhysicalDeviceFeatures2 *chain);                      /* and of four int8 values? */
/* The device extensions that go with the flags set in a chain: how many, and the first of a constant list. */
uint32_t vk_features_extensions(VkPhysicalDevice physical, const VkPhysicalDeviceFeatures2 *chain, const char *const **out);
/* Sets what we need, and of what helps us that which the device has; false: homeless lists what has no struct in the chain. */
bool vk_features_enable(VkPhysicalDevice physical, VkPhysicalDeviceFeatures2 *chain, char homeless[VK_TEXT]);

/* buffer.c */
tsr_status vk_buffer_create(bk_device *dev, uint64_t size, bk_buffer **out);
void vk_buffer_destroy(bk_device *dev, bk_buffer *buf);
tsr_status vk_buffer_write(bk_device *dev, bk_buffer *buf, uint64_t offset, const void *src, uint64_t size);
tsr_status vk_buffer_read(bk_device *dev, bk_buffer *buf, uint64_t offset, void *dst, uint64_t size);

/* kernel.c */
tsr_status vk_kernel_create(bk_device *dev, const bk_kernel_desc *desc, bk_kernel **out);
void vk_kernel_destroy(bk_device *dev, bk_kernel *kernel);

/* compile.c: GLSL behind shaders/dialect/preamble.glsl becomes SPIR-V for that version of Vulkan, VK_API_VERSION_1_2 or _1_3, malloc'd. Errors
 * name the lines of text, as of a file of that name. Any thread. UNSUPPORTED in a build without glslang. */
tsr_status vk_compile_glsl(const char *name, const char *text, uint32_t vulkan, uint32_t **words, size_t *count);
extern const char vk_compiler[]; /* its name and version */

/* code.c: a kernel's SPIR-V. */
typedef struct vk_code {
    const uint32_t *words;
    size_t size;     /* bytes */
    uint32_t *owned; /* words, where they are to be freed */
} vk_code;
tsr_status vk_code_get(bk_device *dev, const bk_kernel_desc *desc, vk_code *out);
void vk_code_free(vk_code *code);

/* bfloat.c: SPIR-V whose 16-bit floats are bf16, from one with fp16, malloc'd. INTERNAL where that is damaged, or computes with them. */
tsr_status vk_bfloat(const char *name, const uint32_t *words, size_t count, uint32_t **out, size_t *out_count);

/* queue.c */
tsr_status vk_queue_create(bk_device *dev); /* asks for the queue unless it is borrowed */
void vk_queue_destroy(bk_device *dev);
tsr_status vk_dispatch(bk_device *dev, bk_kernel *kernel, const bk_binding *bindings, uint32_t first, uint32_t count);
tsr_status vk_copy(bk_device *dev, bk_buffer *src, uint64_t src_offset, bk_buffer *dst, uint64_t dst_offset, uint64_t size);
tsr_status vk_limit(bk_device *dev, const bk_limits *limits);
tsr_status vk_submit(bk_device *dev, uint64_t *number);
tsr_status vk_finish(bk_device *dev, uint64_t number, double *seconds);
void vk_drop(bk_device *dev);
tsr_status vk_wait(bk_device *dev);

#endif
