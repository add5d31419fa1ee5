/* libFuzzer entry: any bytes as a file of tensors, and as the pickle within one of PyTorch. Build with -fsanitize=fuzzer,address,undefined. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tessera/tessera.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void try_bytes(const uint8_t *bytes, size_t size)
{
    const int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0) return;
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    tsr_tensors *file = NULL;
    if (write(fd, bytes, size) == (ssize_t)size && tsr_tensors_open(path, &file) == TSR_OK) {
        tsr_tensor_view v;
        volatile uint8_t sum = 0;
        for (size_t i = 0; i < tsr_tensors_count(file); i++)
            if (tsr_tensors_at(file, i, &v) == TSR_OK)
                for (uint64_t b = 0; b < v.size; b++) sum = (uint8_t)(sum + ((const uint8_t *)v.data)[b]);
    }
    tsr_tensors_close(file);
    close(fd);
}

static uint8_t *put(uint8_t *at, const char *text, size_t length, uint64_t number, size_t width)
{
    memcpy(at, text, length);
    for (size_t i = 0; i < width; i++) at[length + i] = (uint8_t)(i < 8 ? number >> (8 * i) : 0);
    return at + length + width;
}

/* One member's head, in the file (30 bytes) or in the directory (46). */
static uint8_t *put_head(uint8_t *at, bool directory, const char *name, size_t size, size_t place)
{
    at = directory ? put(at, "PK\1\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, size, 4) : put(at, "PK\3\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 18, size, 4);
    at = put(at, "", 0, size, 4);
    at = put(at, "", 0, strlen(name), directory ? 14 : 4);
    return put(at, "", 0, place, directory ? 4 : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char pickle[] = "a/data.pkl", data[] = "a/data/0";
    enum { DATA = 96 };
    try_bytes(bytes, size);
    uint8_t *archive = calloc(size + DATA + 512, 1), *at = archive;
    if (!archive) return 0;
    at = put(put_head(at, false, pickle, size, 0), pickle, sizeof(pickle) - 1, 0, 0);
    if (size) memcpy(at, bytes, size);
    const size_t second = (size_t)(at + size - archive);
    at = put(put_head(at + size, false, data, DATA, 0), data, sizeof(data) - 1, 0, DATA);
    const size_t directory = (size_t)(at - archive);
    at = put(put_head(at, true, pickle, size, 0), pickle, sizeof(pickle) - 1, 0, 0);
    at = put(put_head(at, true, data, DATA, second), data, sizeof(data) - 1, 0, 0);
    const size_t length = (size_t)(at - archive) - directory;
    at = put(at, "PK\5\6\0\0\0\0\0\0", 10, 2, 2);
    at = put(put(at, "", 0, length, 4), "", 0, directory, 4);
    try_bytes(archive, (size_t)(at + 2 - archive));
    free(archive);
    return 0;
}
