/* The one interface between the engine and a backend. Arguments arrive checked by the engine. */
#ifndef TSR_BACKEND_H
#define TSR_BACKEND_H

#include <stdatomic.h>

#include "tessera/tessera.h"

/* Sets this thread's error text (printf-like) and returns status. Lives in engine/status.c. */
tsr_status tsr_fail(tsr_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What a backend may use of the context: log lines and the cache on disk. Lives in the engine. */
typedef struct bk_services {
    void *ctx;
    int validation;
    void (*log)(void *ctx, tsr_log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
    /* A cache entry by name (letters, digits, '-', '_') and identity: the bytes that must agree for the
     * entry to be of use (device, driver, source, ...). load returns malloc'd bytes or NULL; store never
     * fails loudly. A damaged or foreign entry loads as NULL. */
    void *(*cache_load)(void *ctx, const char *name, const void *identity, size_t identity_size, size_t *size);
    void (*cache_store)(void *ctx, const char *name, const void *identity, size_t identity_size, const void *data, size_t size);
} bk_services;

typedef struct bk_device bk_device; /* each backend defines its own */
typedef struct bk_buffer bk_buffer;
typedef struct bk_kernel bk_kernel;

enum { BK_MAX_BINDINGS = 14, BK_MAX_SPECS = 32 };

/* A kernel of the catalogue (shaders/catalogue.h), in every language it was compiled to. */
typedef struct bk_kernel_source {
    const char *name; /* "flash" */
    tsr_tile tile;
    tsr_dtype input;               /* of tile models matrix and packed: what is multiplied, f16, bf16 or i8; f32 elsewhere */
    uint32_t binding_count;        /* buffers, the parameter buffer among them */
    const char *const *spec_names; /* the specialisation constants, constant_id = index */
    uint32_t spec_count;
    const uint32_t *spirv; /* NULL where the tile model has none, or it is made of the text */
    size_t spirv_size;     /* bytes */
    const char *opencl;    /* OpenCL C 1.2 source, NULL where the tile model has none */
    int dpas;              /* of tile model matrix: that source is for TSR_FEATURE_DPAS; else it is GLSL alone */
    int reduced;           /* likewise: by TSR_FEATURE_MATRIX_REDUCED */
    tsr_dtype values;      /* of tile model packed: what probabilities and values are multiplied as, f32, f16 or i8; f32 elsewhere */
    tsr_dtype sums;        /* f16: a few of their products are summed in fp16 (TSR_FEATURE_F16); f32 elsewhere */
    /* The same as spirv for devices with all of these features, dot products; NULL: there is no such form. */
    uint32_t dots;
    const uint32_t *dot_spirv;
    size_t dot_spirv_size; /* bytes */
} bk_kernel_source;

/* A name in a kernel's text and the number that it stands for. */
typedef struct bk_define {
    const char *name;
    int32_t value;
} bk_define;

enum { BK_DEFINES = 8 };

/* Which form of a kernel its text is to become: the tile model, and what is multiplied as what. dots: dot products that the device's language has
 * (TSR_FEATURE_*). Lives in engine/kernel.c. */
void tsr_kernel_defines(const bk_kernel_source *source, uint32_t dots, bk_define out[BK_DEFINES]);

/* Queries q [queries] of head h of batch b against keys kv [keys]. */
typedef struct bk_user_tile {
    int32_t b, h, queries, keys;
    const int32_t *q, *kv;
    int32_t pitch; /* of scores: from one key to the next */
} bk_user_tile;

/* A user's score expression: its text for backends that compile kernels, a program for the one that does not. It lives as
 * long as the kernel. */
typedef struct bk_user {
    const char *text; /* lines to stand in front of the kernel's own */
    const void *program;
    size_t scratch; /* bytes that score needs for each thread, aligned to 64 */
    /* Replaces scores [keys][pitch]; user: the words that the kernel's argument of that name points to. */
    void (*score)(const void *program, void *scratch, const void *user, const bk_user_tile *tile, float *scores);
} bk_user;

/* Spec 0 is always LANES, the workgroup's size; spec 1 of tile model matrix SUBGROUP, the size of its sub-groups. */
typedef struct bk_kernel_desc {
    const bk_kernel_source *source;
    const int32_t *specs; /* source->spec_count values */
    const bk_user *user;  /* NULL: none */
} bk_kernel_desc;

typedef struct bk_binding {
    bk_buffer *buffer; /* NULL: a null pointer that the kernel does not read */
    uint64_t offset;   /* bytes */
} bk_binding;

/* How a device is to be used. */
typedef struct bk_limits {
    int timed;                    /* submissions are to be timed */
    double patience;              /* seconds without one done after which waiting finds the device lost; INFINITY: none */
    const atomic_bool *cancelled; /* set by another thread: what has not begun may be left out */
} bk_limits;

/* One entry point for each line. All but probe take an open device. Streams: one in-order queue for
 * each device; every dispatch sees the writes of the earlier ones. */
typedef struct tsr_backend {
    const char *name;

    /* Lists devices. Loads the driver's loader on first use; a missing one gives count 0. *state is the
     * backend's own, freed by release. Fills at most cap infos, returns the number of devices. */
    size_t (*probe)(const bk_services *services, void **state, tsr_device_info *infos, size_t cap);
    void (*release)(void *state);

    tsr_status (*open)(void *state, size_t index, bk_device **out);
    /* Called once, before all else; without the entry point the limits do not matter to the backend. */
    tsr_status (*limit)(bk_device *dev, const bk_limits *limits);
    /* Never waits for a lost device: what may still be in its hands is left to the driver. */
    void (*close)(bk_device *dev);

    tsr_status (*buffer_create)(bk_device *dev, uint64_t size, bk_buffer **out);
    void (*buffer_destroy)(bk_device *dev, bk_buffer *buf);
    tsr_status (*buffer_write)(bk_device *dev, bk_buffer *buf, uint64_t offset, const void *src, uint64_t size);
    tsr_status (*buffer_read)(bk_device *dev, bk_buffer *buf, uint64_t offset, void *dst, uint64_t size);

    tsr_status (*kernel_create)(bk_device *dev, const bk_kernel_desc *desc, bk_kernel **out);
    void (*kernel_destroy)(bk_device *dev, bk_kernel *kernel);

    /* Enqueues the workgroups [first, first + count) of a one-dimensional grid; the kernel reads its
     * number as GROUP. The backend cuts the range where its driver limits grids. */
    tsr_status (*dispatch)(bk_device *dev, bk_kernel *kernel, const bk_binding *bindings, uint32_t first, uint32_t count);
    /* Starts what was dispatched since the last submission. *number: of this submission, counting up from 1; 0: there was nothing. */
    tsr_status (*submit)(bk_device *dev, uint64_t *number);
    /* Waits for a submission, one of the last three; submissions are finished in order. *seconds: what the device took for it; left
     * alone where that is not known. */
    tsr_status (*finish)(bk_device *dev, uint64_t number, double *seconds);
    /* Forgets what was dispatched since; without the entry point that has begun, and runs. */
    void (*drop)(bk_device *dev);
    /* Waits for all there is, submitted or not. */
    tsr_status (*wait)(bk_device *dev);

    /* Iterations that all loops of an invocation may make together before the driver ends them, results
     * wrong and unreported (llvmpipe: 65535). 0 or no entry point: as many as it takes. */
    uint32_t (*loop_limit)(const bk_device *dev);
} tsr_backend;

/* NULL-terminated, in the order of preference. Lives in backends/list.c. */
extern const tsr_backend *const tsr_backends[];

#endif
