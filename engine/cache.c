/* The cache of compiled programs on disk: one file for each entry, written whole or not at all.
 *
 * File: magic, version, sizes and hash of what follows, identity bytes, data bytes. Anything that does
 * not match is no entry; failing to write is no error. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

typedef struct cache_header {
    char magic[8];
    uint64_t identity_size, data_size, hash;
} cache_header;

static const char cache_magic[8] = "TSRCAC1";

enum { CACHE_MAX_BYTES = 256 << 20 };

/* FNV-1a, 64 bits. */
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static const uint64_t hash_start = UINT64_C(0xcbf29ce484222325);

char *tsr_cache_dir_default(void)
{
    const char *base = getenv("XDG_CACHE_HOME"), *middle = "";
    if (!base || base[0] != '/') {
        base = getenv("HOME");
        middle = "/.cache";
    }
    if (!base || base[0] != '/') return NULL;
    const size_t size = strlen(base) + strlen(middle) + sizeof("/tessera");
    char *dir = malloc(size);
    if (dir) snprintf(dir, size, "%s%s/tessera", base, middle);
    return dir;
}

/* The path of an entry; the library's version keeps releases apart. */
static char *entry_path(const tsr_context *ctx, const char *name, const void *identity, size_t identity_size)
{
    if (!ctx->cache_dir) return NULL;
    const size_t size = strlen(ctx->cache_dir) + strlen(name) + 64;
    char *path = malloc(size);
    if (!path) return NULL;
    const uint64_t hash = hash_bytes(hash_start, identity, identity_size);
    snprintf(path, size, "%s/%s-%s-%016llx", ctx->cache_dir, name, tsr_version(), (unsigned long long)hash);
    return path;
}

static bool read_exactly(int fd, void *dst, size_t size)
{
    unsigned char *p = dst;
    while (size > 0) {
        const ssize_t n = read(fd, p, size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        p += n;
        size -= (size_t)n;
    }
    return true;
}

static bool write_exactly(int fd, const void *src, size_t size)
{
    const unsigned char *p = src;
    while (size > 0) {
        const ssize_t n = write(fd, p, size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        p += n;
        size -= (size_t)n;
    }
    return true;
}

void *tsr_cache_load(void *user, const char *name, const void *identity, size_t identity_size, size_t *size)
{
    char *path = entry_path(user, name, identity, identity_size);
    if (!path) return NULL;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not block here */
    free(path);
    if (fd < 0) return NULL;
    unsigned char *bytes = NULL;
    void *data = NULL;
    cache_header header;
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && read_exactly(fd, &header, sizeof(header)) &&
        memcmp(header.magic, cache_magic, sizeof(cache_magic)) == 0 && header.identity_size == identity_size && header.data_size <= CACHE_MAX_BYTES &&
        (uint64_t)st.st_size == sizeof(header) + identity_size + header.data_size && (bytes = malloc(identity_size + (size_t)header.data_size + 1)) &&
        read_exactly(fd, bytes, identity_size + (size_t)header.data_size) && memcmp(bytes, identity, identity_size) == 0 &&
        hash_bytes(hash_start, bytes, identity_size + (size_t)header.data_size) == header.hash) {
        memmove(bytes, bytes + identity_size, (size_t)header.data_size);
        *size = (size_t)header.data_size;
        data = bytes;
        bytes = NULL;
    }
    free(bytes);
    close(fd);
    return data;
}

/* mkdir -p; existing folders are fine. */
static void make_folders(const char *path)
{
    char *copy = strdup(path);
    if (!copy) return;
    for (char *p = copy + 1; *p; p++) {
        if (*p != '/') continue;
        *p = '\0';
        mkdir(copy, 0700);
        *p = '/';
    }
    mkdir(copy, 0700);
    free(copy);
}

void tsr_cache_store(void *user, const char *name, const void *identity, size_t identity_size, const void *data, size_t size)
{
    const tsr_context *ctx = user;
    if (size > CACHE_MAX_BYTES) return;
    char *path = entry_path(ctx, name, identity, identity_size);
    if (!path) return;
    make_folders(ctx->cache_dir);
    const size_t temp_size = strlen(path) + sizeof(".XXXXXX");
    char *temp = malloc(temp_size);
    if (temp) {
        snprintf(temp, temp_size, "%s.XXXXXX", path);
        const int fd = mkstemp(temp);
        if (fd >= 0) {
            cache_header header = {.identity_size = identity_size, .data_size = size};
            memcpy(header.magic, cache_magic, sizeof(cache_magic));
            header.hash = hash_bytes(hash_bytes(hash_start, identity, identity_size), data, size);
            bool ok = write_exactly(fd, &header, sizeof(header)) && write_exactly(fd, identity, identity_size) && write_exactly(fd, data, size);
            ok = close(fd) == 0 && ok;
            if (!ok || rename(temp, path) != 0) unlink(temp);
        }
        free(temp);
    }
    free(path);
}
