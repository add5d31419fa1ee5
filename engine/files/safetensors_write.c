/* Writes safetensors files: under a temporary name first, so that the target is whole or as it was. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "safetensors.h"

/* One entry of the header; false: no memory. */
static bool add_entry(cJSON *header, const tsr_tensor_view *t, uint64_t at)
{
    const char *dtype = NULL;
    for (int i = 0; i < TSR_FILE_DTYPE_COUNT && !dtype; i++)
        if (tsr_file_dtypes[i].dtype == t->dtype) dtype = tsr_file_dtypes[i].name;
    cJSON *entry = cJSON_AddObjectToObject(header, t->name);
    if (!entry || !cJSON_AddStringToObject(entry, "dtype", dtype)) return false;
    cJSON *shape = cJSON_AddArrayToObject(entry, "shape"), *offsets = cJSON_AddArrayToObject(entry, "data_offsets");
    if (!shape || !offsets) return false;
    for (uint32_t i = 0; i < t->rank; i++)
        if (!cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)t->shape[i]))) return false;
    return cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)at)) && cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)(at + t->size)));
}

static tsr_status check(const tsr_tensor_view *tensors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const tsr_tensor_view *t = &tensors[i];
        uint64_t size = tsr_dtype_size(t->dtype);
        if (!t->name || !t->name[0]) return tsr_fail(TSR_ERROR_ARGUMENT, "argument tensors[%zu].name is empty", i);
        if (strcmp(t->name, "__metadata__") == 0)
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument tensors[%zu].name is '__metadata__'; the format keeps it for itself", i);
        if (size == 0) return tsr_fail(TSR_ERROR_ARGUMENT, "argument tensors[%zu].dtype is %d; expected a tsr_dtype", i, (int)t->dtype);
        if (t->rank > TSR_MAX_RANK)
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument tensors[%zu].rank is %u; expected at most %d", i, t->rank, TSR_MAX_RANK);
        for (uint32_t a = 0; a < t->rank; a++)
            if (t->shape[a] < 0 || __builtin_mul_overflow(size, (uint64_t)t->shape[a], &size))
                return tsr_fail(TSR_ERROR_ARGUMENT, "argument tensors[%zu].shape[%u] is %lld; expected a size that fits 64 bits", i, a,
                                (long long)t->shape[a]);
        if (size != t->size || (size > 0 && !t->data))
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument tensors[%zu] ('%s') has %llu bytes; its shape and dtype need %llu", i, t->name,
                            (unsigned long long)t->size, (unsigned long long)size);
        for (size_t j = 0; j < i; j++)
            if (strcmp(tensors[j].name, t->name) == 0)
                return tsr_fail(TSR_ERROR_ARGUMENT, "argument tensors[%zu].name is '%s', as of tensors[%zu]", i, t->name, j);
    }
    return TSR_OK;
}

static char *make_header(const tsr_tensor_view *tensors, size_t count)
{
    cJSON *header = cJSON_CreateObject();
    bool ok = header != NULL;
    uint64_t at = 0;
    for (size_t i = 0; i < count && ok; i++) {
        ok = add_entry(header, &tensors[i], at);
        at += tensors[i].size;
    }
    char *text = ok ? cJSON_PrintUnformatted(header) : NULL;
    cJSON_Delete(header);
    return text;
}

static bool write_file(FILE *file, const char *header, const tsr_tensor_view *tensors, size_t count)
{
    const size_t length = strlen(header), padded = (length + 7) / 8 * 8;
    unsigned char size[8];
    for (int i = 0; i < 8; i++) size[i] = (unsigned char)((uint64_t)padded >> (8 * i));
    bool ok = fwrite(size, 1, 8, file) == 8 && fwrite(header, 1, length, file) == length;
    for (size_t i = length; i < padded; i++) ok = ok && fputc(' ', file) != EOF;
    for (size_t i = 0; i < count && ok; i++)
        ok = tensors[i].size == 0 || fwrite(tensors[i].data, 1, (size_t)tensors[i].size, file) == tensors[i].size;
    return fflush(file) == 0 && ok && fsync(fileno(file)) == 0;
}

tsr_status tsr_tensors_save(const char *path, const tsr_tensor_view *tensors, size_t count)
{
    if (!path || (!tensors && count > 0)) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", path ? "tensors" : "path");
    const tsr_status status = check(tensors, count);
    if (status != TSR_OK) return status;
    struct stat there; /* the new file takes the place of what path names: not that of a folder or a device */
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode))
        return tsr_fail(TSR_ERROR_FILE, "%s: cannot be written: it is %s", path, S_ISDIR(there.st_mode) ? "a folder" : "not a regular file");
    char *header = make_header(tensors, count);
    char *temp = malloc(strlen(path) + 32);
    if (!header || !temp) {
        cJSON_free(header);
        free(temp);
        return tsr_fail(TSR_ERROR_HOST_MEMORY, "%s: no memory for its header", path);
    }
    int fd = -1;
    for (int n = 0; fd < 0 && n < 100 && (n == 0 || errno == EEXIST); n++) { /* another thread, or one left by a crash */
        sprintf(temp, "%s.tmp%ld-%d", path, (long)getpid(), n);
        fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    bool ok = file != NULL && write_file(file, header, tensors, count);
    int error = errno;
    if (file && fclose(file) != 0 && ok) ok = false, error = errno;
    if (ok && rename(temp, path) != 0) ok = false, error = errno;
    if (!ok && fd >= 0) {
        if (!file) close(fd);
        unlink(temp);
    }
    free(temp);
    cJSON_free(header);
    return ok ? TSR_OK : tsr_fail(TSR_ERROR_FILE, "%s: cannot be written: %s", path, strerror(error));
}
