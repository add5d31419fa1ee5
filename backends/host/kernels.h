/* The kernels as compiled into the library, one table for each instruction set. */
#ifndef TSR_HOST_KERNELS_H
#define TSR_HOST_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "backend.h"

/* What a kernel gets for one workgroup. */
typedef struct hk_call {
    unsigned char *params;
    unsigned char *args[14]; /* as many as BK_MAX_BINDINGS */
    const int32_t *specs;
    uint32_t group;
    unsigned char *shared;
    const bk_user *user; /* NULL: none */
    void *user_scratch;
} hk_call;

typedef struct hk_entry {
    const char *name;
    void (*run)(const hk_call *call);
    size_t (*shared)(const int32_t *specs); /* bytes of workgroup memory */
    /* Constants fixed when it was compiled: specs[first_shape + i] must be shape[i]. */
    uint32_t first_shape, shapes;
    int32_t shape[4];
} hk_entry;

typedef struct hk_isa {
    const char *name;
    uint32_t vector_width; /* fp32 lanes */
    const hk_entry *entries;
    size_t count;
} hk_isa;

extern const hk_isa hk_isa_baseline, hk_isa_avx2, hk_isa_avx512;

#endif
