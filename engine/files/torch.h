/* PyTorch's files: what its pickles name, and the tensors that they make. */
#ifndef TSR_TORCH_H
#define TSR_TORCH_H

#include "pickle.h"
#include "zip.h"

/* What a value of kind OBJECT is; its items are those of the tuple that made it. */
enum { TSR_TORCH_STORAGE, TSR_TORCH_TENSOR };

/* The names that are known: an ordered dictionary, the makers of tensors and parameters, and the storages of each type. */
extern const tsr_pickle_reader tsr_torch_names;

typedef struct tsr_torch_storage {
    tsr_dtype dtype;
    const char *key;
    size_t key_length;
    uint64_t size; /* bytes */
} tsr_torch_storage;

/* false: the value is no storage, or its bytes do not fit 64 bits. */
bool tsr_torch_get_storage(const tsr_pickle *p, uint32_t value, tsr_torch_storage *out);

/* Views of all tensors that hang on a pickle's value. storages are looked up as prefix and key. */
tsr_status tsr_torch_collect(tsr_tensors *file, tsr_pickle *p, uint32_t root, const tsr_zip *storages, const char *prefix, size_t prefix_length);

#endif
