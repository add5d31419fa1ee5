/* Files of tensors: opened, told apart by their first bytes, looked up. */
#include "tensors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct tsr_tensors_memory {
    tsr_tensors_memory *next;
    _Alignas(max_align_t) unsigned char bytes[];
};

void *tsr_tensors_keep(tsr_tensors *file, size_t size)
{
    tsr_tensors_memory *m = size < SIZE_MAX - sizeof(*m) ? malloc(sizeof(*m) + size) : NULL;
    if (!m) {
        tsr_fail(TSR_ERROR_HOST_MEMORY, "%s: no memory for %zu bytes", file->path, size);
        return NULL;
    }
    m->next = file->memory;
    file->memory = m;
    return m->bytes;
}

bool tsr_tensors_size(const tsr_tensor_view *view, uint64_t *bytes)
{
    uint64_t size = tsr_dtype_size(view->dtype);
    bool overflow = false, empty = false;
    for (uint32_t i = 0; i < view->rank; i++) {
        if (view->shape[i] < 0) return false;
        empty = empty || view->shape[i] == 0;
        overflow = __builtin_mul_overflow(size, (uint64_t)view->shape[i], &size) || overflow;
    }
    *bytes = empty ? 0 : size;
    return empty || !overflow;
}

static int by_name(const void *a, const void *b)
{
    const tsr_tensor_view *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

tsr_status tsr_tensors_check_names(const tsr_tensors *file)
{
    const tsr_tensor_view **order = malloc((file->count + 1) * sizeof(*order));
    if (!order) return tsr_fail(TSR_ERROR_HOST_MEMORY, "%s: no memory for %zu tensors", file->path, file->count);
    for (size_t i = 0; i < file->count; i++) order[i] = &file->views[i];
    tsr_status status = TSR_OK;
    qsort(order, file->count, sizeof(*order), by_name);
    for (size_t i = 1; i < file->count && status == TSR_OK; i++)
        if (strcmp(order[i - 1]->name, order[i]->name) == 0) status = TSR_FILE_FAIL(file, "tensor '%s' is there twice", order[i]->name);
    free(order);
    return status;
}

static tsr_status map_file(tsr_tensors *file)
{
    const int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not block here */
    if (fd < 0) return TSR_FILE_FAIL(file, "cannot be read: %s", strerror(errno));
    struct stat st;
    tsr_status status = TSR_OK;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        status = TSR_FILE_FAIL(file, "%s", "is not a regular file");
    else if (st.st_size < 8 || (uint64_t)st.st_size > SIZE_MAX)
        status = TSR_FILE_FAIL(file, "%lld bytes are no safetensors file; expected at least 8", (long long)st.st_size);
    if (status == TSR_OK) {
        void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED)
            status = TSR_FILE_FAIL(file, "cannot be mapped: %s", strerror(errno));
        else
            file->map = map, file->map_size = (size_t)st.st_size;
    }
    close(fd);
    return status;
}

static tsr_status read_any(tsr_tensors *file)
{
    static const struct {
        const char *bytes;
        tsr_status (*read)(tsr_tensors *file);
    } formats[] = {{"PK\3\4", tsr_torch_read}, {"\x80\2\x8a\n", tsr_torch_read}, {"\x93NUMPY", tsr_npy_read}};
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (memcmp(file->map, formats[i].bytes, strlen(formats[i].bytes)) == 0) return formats[i].read(file);
    if (memcmp(file->map, "GGUF", 4) == 0)
        return TSR_FILE_FAIL(file, "%s", "is a GGUF file; expected safetensors, PyTorch's .pt or .pth, or NumPy's .npy");
    return tsr_safetensors_read(file);
}

tsr_status tsr_tensors_open(const char *path, tsr_tensors **out)
{
    if (!path || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", path ? "out" : "path");
    *out = NULL;
    tsr_tensors *file = calloc(1, sizeof(*file));
    if (file) file->path = strdup(path);
    if (!file || !file->path) {
        free(file);
        return tsr_fail(TSR_ERROR_HOST_MEMORY, "%s: no memory to open it", path);
    }
    tsr_status status = map_file(file);
    if (status == TSR_OK) status = read_any(file);
    if (status != TSR_OK) {
        tsr_tensors_close(file);
        return status;
    }
    *out = file;
    return TSR_OK;
}

void tsr_tensors_close(tsr_tensors *file)
{
    if (!file) return;
    cJSON_Delete(file->header);
    while (file->memory) {
        tsr_tensors_memory *next = file->memory->next;
        free(file->memory);
        file->memory = next;
    }
    if (file->map) munmap(file->map, file->map_size);
    free(file->views);
    free(file->path);
    free(file);
}

size_t tsr_tensors_count(const tsr_tensors *file) { return file ? file->count : 0; }

tsr_status tsr_tensors_at(const tsr_tensors *file, size_t index, tsr_tensor_view *out)
{
    if (!file || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", file ? "out" : "file");
    if (index >= file->count) return tsr_fail(TSR_ERROR_ARGUMENT, "argument index is %zu; %s has %zu tensors", index, file->path, file->count);
    *out = file->views[index];
    return TSR_OK;
}

tsr_status tsr_tensors_find(const tsr_tensors *file, const char *name, tsr_tensor_view *out)
{
    if (!file || !name || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", !file ? "file" : !name ? "name" : "out");
    for (size_t i = 0; i < file->count; i++) {
        if (strcmp(file->views[i].name, name) == 0) {
            *out = file->views[i];
            return TSR_OK;
        }
    }
    return tsr_fail(TSR_ERROR_ARGUMENT, "%s has no tensor '%s'", file->path, name);
}

const char *tsr_tensors_metadata(const tsr_tensors *file, const char *key)
{
    const char *value = NULL;
    const cJSON *item;
    if (!file || !file->metadata || !key) return NULL;
    cJSON_ArrayForEach(item, file->metadata) if (strcmp(item->string, key) == 0) value = item->valuestring;
    return value;
}
