/* The tuning database on disk: read with distrust, written whole or not at all, entry by entry. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files/json.h"
#include "tune.h"

enum { MAX_BYTES = 16 << 20, MAX_VALUES = 1 << 20, MAX_DEPTH = 8 };

static tsr_status fail(const char *path, const char *what)
{
    return tsr_fail(TSR_ERROR_FILE, "tuning database '%s' %s: %s", path, what, strerror(errno));
}

/* All of an open file, malloc'd. */
static tsr_status read_all(int fd, const char *path, char **out, size_t *size)
{
    struct stat st;
    if (fstat(fd, &st) != 0) return fail(path, "cannot be read");
    if (!S_ISREG(st.st_mode) || st.st_size > MAX_BYTES)
        return tsr_fail(TSR_ERROR_FILE, "tuning database '%s' is no regular file of at most %d bytes", path, MAX_BYTES);
    char *text = malloc((size_t)st.st_size + 1);
    if (!text) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a tuning database of %lld bytes", (long long)st.st_size);
    *size = 0;
    while (*size < (size_t)st.st_size) {
        const ssize_t n = pread(fd, text + *size, (size_t)st.st_size - *size, (off_t)*size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            free(text);
            return fail(path, "cannot be read");
        }
        if (n == 0) break;
        *size += (size_t)n;
    }
    *out = text;
    return TSR_OK;
}

static cJSON *empty(void)
{
    cJSON *root = cJSON_CreateObject();
    if (root && cJSON_AddNumberToObject(root, "tessera_tuning", TSR_TUNE_VERSION) && cJSON_AddArrayToObject(root, "entries")) return root;
    cJSON_Delete(root);
    return NULL;
}

static tsr_status no_memory(void) { return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a tuning database"); }

static tsr_status read_root(int fd, const char *path, cJSON **root)
{
    char *text = NULL;
    size_t size = 0;
    uint64_t version;
    tsr_status s = read_all(fd, path, &text, &size);
    if (s != TSR_OK) return s;
    if (size == 0) {
        free(text);
        *root = empty();
        return *root ? TSR_OK : no_memory();
    }
    s = tsr_json_parse(path, "the tuning database", text, size, (tsr_json_limits){MAX_DEPTH, MAX_VALUES, true}, root);
    free(text);
    if (s != TSR_OK) return s;
    if (!tsr_json_whole(cJSON_GetObjectItemCaseSensitive(*root, "tessera_tuning"), &version) || version != TSR_TUNE_VERSION)
        s = tsr_fail(TSR_ERROR_FILE, "'%s' is no tuning database of version %d", path, TSR_TUNE_VERSION);
    else if (!cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(*root, "entries")))
        s = tsr_fail(TSR_ERROR_FILE, "tuning database '%s' has no list \"entries\"", path);
    if (s == TSR_OK) return s;
    cJSON_Delete(*root);
    *root = NULL;
    return s;
}

tsr_status tsr_tune_load(const char *path, cJSON **root)
{
    *root = NULL;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not block here */
    if (fd < 0 && errno == ENOENT) {
        *root = empty();
        return *root ? TSR_OK : no_memory();
    }
    if (fd < 0) return fail(path, "cannot be opened");
    const tsr_status s = read_root(fd, path, root);
    close(fd);
    return s;
}

/* Opens the file, which is made where it is missing, and locks it: the one that bears the name once the lock is ours. */
static int open_locked(const char *path, struct stat *st)
{
    for (;;) {
        const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
        struct stat now;
        if (fd < 0) return -1;
        int locked;
        do locked = flock(fd, LOCK_EX);
        while (locked != 0 && errno == EINTR);
        if (locked == 0 && fstat(fd, st) == 0) {
            if (stat(path, &now) == 0 && now.st_dev == st->st_dev && now.st_ino == st->st_ino) return fd;
            close(fd); /* another one was renamed over it */
            continue;
        }
        const int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
}

/* In place of older entries of the same key. */
static bool put(cJSON *root, const tsr_tune_entry *entry)
{
    cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "entries"), *item = list->child;
    while (item) {
        cJSON *next = item->next;
        tsr_tune_entry old;
        if (tsr_tune_read(item, &old) && tsr_tune_same_key(&old, entry)) cJSON_Delete(cJSON_DetachItemViaPointer(list, item));
        item = next;
    }
    while (cJSON_GetArraySize(list) >= TSR_TUNE_ENTRIES) cJSON_DeleteItemFromArray(list, 0); /* the oldest */
    cJSON *made = tsr_tune_print(entry);
    return made && cJSON_AddItemToArray(list, made);
}

static bool write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        const ssize_t n = write(fd, text, size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        text += n;
        size -= (size_t)n;
    }
    return true;
}

static tsr_status replace(const char *path, const char *text, mode_t mode)
{
    const size_t size = strlen(path) + sizeof(".XXXXXX");
    char *temp = malloc(size);
    if (!temp) return no_memory();
    snprintf(temp, size, "%s.XXXXXX", path);
    const int fd = mkstemp(temp);
    bool ok = fd >= 0;
    if (ok) {
        ok = write_all(fd, text, strlen(text)) && write_all(fd, "\n", 1) && fchmod(fd, mode & 0777) == 0;
        ok = close(fd) == 0 && ok;
        ok = ok && rename(temp, path) == 0;
        if (!ok) unlink(temp);
    }
    free(temp);
    return ok ? TSR_OK : fail(path, "cannot be written");
}

tsr_status tsr_tune_merge(const char *path, const tsr_tune_entry *entry)
{
    struct stat st;
    const int fd = open_locked(path, &st);
    if (fd < 0) return fail(path, "cannot be written");
    cJSON *root = NULL;
    tsr_status s = read_root(fd, path, &root);
    if (s == TSR_OK) {
        char *text = put(root, entry) ? cJSON_Print(root) : NULL;
        s = text ? replace(path, text, st.st_mode) : no_memory();
        cJSON_free(text);
        cJSON_Delete(root);
    }
    close(fd);
    return s;
}
