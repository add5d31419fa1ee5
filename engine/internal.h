/* What the engine's files share: the objects behind the public handles. */
#ifndef TSR_INTERNAL_H
#define TSR_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "backend.h"
#include "catalogue.h"
#include "submit.h"

enum { TSR_MAX_DEVICES = 64, TSR_MAX_BACKENDS = 8 };

struct tsr_context {
    tsr_context_desc desc;
    char *cache_dir; /* NULL: no cache on disk */
    bk_services services;
    struct tsr_tuning *tuning; /* tune/tune.h */
    void *backend_state[TSR_MAX_BACKENDS];
    size_t device_count;
    struct {
        const tsr_backend *backend;
        void *state;
        size_t index; /* within its backend */
        tsr_device_info info;
    } devices[TSR_MAX_DEVICES];
};

typedef struct tsr_kernel_entry tsr_kernel_entry;
typedef struct tsr_matrix_entry tsr_matrix_entry;

struct tsr_device {
    tsr_context *ctx;
    const tsr_backend *backend;
    bk_device *bk;
    tsr_device_info info;
    uint64_t budget, used;      /* bytes */
    tsr_kernel_entry *kernels;  /* compiled so far, shared by all plans */
    tsr_matrix_entry *matrices; /* layouts asked so far: matrix/layout.h */
    tsr_queue queue;
};

struct tsr_buffer {
    tsr_device *dev;
    bk_buffer *bk;
    uint64_t size;
    uint64_t begins; /* where it begins in what an application lent; else 0 */
};

/* cache.c */
char *tsr_cache_dir_default(void); /* malloc'd, NULL if the environment names no home */
void *tsr_cache_load(void *ctx, const char *name, const void *identity, size_t identity_size, size_t *size);
void tsr_cache_store(void *ctx, const char *name, const void *identity, size_t identity_size, const void *data, size_t size);

/* policy.c: the index of the device that policy prefers among those of backend (NULL: all). */
size_t tsr_policy_choose(tsr_context *ctx, const char *backend);

/* device.c: opens the index-th device of the list. */
/* Is there room for so many bytes more? DEVICE_MEMORY, with both numbers, where the device or its budget tells that there is not. */
tsr_status tsr_device_room(const tsr_device *dev, uint64_t size);
tsr_status tsr_device_open_index(tsr_context *ctx, size_t index, const tsr_device_desc *desc, tsr_device **out);

/* submit.c: every kernel is run through here, never by the backend's own entry point: workgroups [first, first + count). */
tsr_status tsr_dispatch(tsr_device *dev, bk_kernel *kernel, const bk_binding *bindings, uint32_t first, uint32_t count);
/* Waits for all that was dispatched, as tsr_device_wait does for callers. */
tsr_status tsr_drain(tsr_device *dev);

/* kernel.c: a compiled kernel, from memory if it was asked for before. Owned by the device. */
tsr_status tsr_kernel_get(tsr_device *dev, const char *name, tsr_tile tile, const int32_t *specs, bk_kernel **out);
/* The same with a user's expression in it (NULL: none): one kernel for all expressions of the same kernel text. */
tsr_status tsr_kernel_get_scored(tsr_device *dev, const char *name, tsr_tile tile, const int32_t *specs, const tsr_expression *user, bk_kernel **out);
/* The same in tile model matrix, for matrices of f16, bf16 or i8; UNSUPPORTED where tsr_kernel_matrix_built is false. */
tsr_status tsr_kernel_get_matrix(tsr_device *dev, const char *name, tsr_dtype input, const int32_t *specs, const tsr_expression *user,
                                 bk_kernel **out);
bool tsr_kernel_matrix_built(const char *name, tsr_dtype input);
/* The same in tile model packed, for what tsr_kernel_packed_source names. */
tsr_status tsr_kernel_get_packed(tsr_device *dev, const char *name, tsr_dtype input, tsr_dtype values, tsr_dtype sums, const int32_t *specs,
                                 const tsr_expression *user, bk_kernel **out);
void tsr_kernels_free(tsr_device *dev);

/* Bytes of a text that says why a kernel was chosen; as tsr_attention_info.why. */
enum { TSR_WHY = 256 };

/* The tile model that suits a device. */
tsr_tile tsr_tile_for(const tsr_device_info *info);

/* kernel.c: see tsr_backend.loop_limit. */
uint32_t tsr_loop_limit(const tsr_device *dev);

/* layout.c */
tsr_status tsr_layout_check(const char *name, const tsr_layout *in, bool output, tsr_layout *out);
bool tsr_layout_empty(const tsr_layout *layout);     /* zero elements */
int64_t tsr_layout_extent(const tsr_layout *layout); /* elements from the first to past the last */

/* Seconds of a clock that only runs forward. */
static inline double tsr_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* a * b and a + b, or false if the result does not fit */
static inline bool tsr_mul(int64_t a, int64_t b, int64_t *out) { return !__builtin_mul_overflow(a, b, out); }
static inline bool tsr_add(int64_t a, int64_t b, int64_t *out) { return !__builtin_add_overflow(a, b, out); }

/* a / b, rounded up; both 0 or more. */
static inline int64_t tsr_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

#endif
