/* libFuzzer entry: any bytes as a safetensors file. Build with -fsanitize=fuzzer,address,undefined. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tessera/tessera.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0) return 0;
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
    return 0;
}
