/* What the readers of tensor files share: the file behind tsr_tensors, mapped whole. Files come from anywhere: a reader checks every number
 * before it uses it. */
#ifndef TSR_TENSORS_H
#define TSR_TENSORS_H

#include <cjson/cJSON.h>

#include "internal.h"

enum { TSR_MAX_RANK = 8 };

typedef struct tsr_tensors_memory tsr_tensors_memory;

struct tsr_tensors {
    char *path;
    unsigned char *map;
    size_t map_size;
    tsr_tensor_view *views;
    size_t count;
    uint64_t data_at, data_size;
    cJSON *header;              /* safetensors: owns the names */
    const cJSON *metadata;      /* a part of it */
    tsr_tensors_memory *memory; /* of the other formats: names, and copies of what is not contiguous */
};

#define TSR_FILE_FAIL(file, format, ...) tsr_fail(TSR_ERROR_FILE, "%s: " format, (file)->path, __VA_ARGS__)

/* Readers fill views and count from map, or say what is wrong. */
tsr_status tsr_safetensors_read(tsr_tensors *file);
tsr_status tsr_npy_read(tsr_tensors *file);
tsr_status tsr_torch_read(tsr_tensors *file);

/* Memory that lives as long as the file; NULL, with the error set, if there is none. */
void *tsr_tensors_keep(tsr_tensors *file, size_t size);

/* Bytes of a tensor of that shape; false: the shape is negative or does not fit 64 bits. An axis of 0 makes 0 bytes of any others. */
bool tsr_tensors_size(const tsr_tensor_view *view, uint64_t *bytes);

/* Each name once. */
tsr_status tsr_tensors_check_names(const tsr_tensors *file);

#endif
