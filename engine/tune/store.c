/* A context's measured choices in memory, and the file behind them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tune.h"

struct tsr_tuning {
    pthread_mutex_t lock;
    char *path;
    tsr_tune_entry *entries;
    size_t count, room;
};

/* Under the lock. false: no memory. */
static bool take(tsr_tuning *t, const tsr_tune_entry *entry)
{
    for (size_t i = 0; i < t->count; i++)
        if (tsr_tune_same_key(&t->entries[i], entry)) {
            t->entries[i] = *entry;
            return true;
        }
    if (t->count == TSR_TUNE_ENTRIES) memmove(t->entries, t->entries + 1, --t->count * sizeof(*entry));
    if (t->count == t->room) {
        const size_t room = t->room ? 2 * t->room : 8;
        tsr_tune_entry *more = realloc(t->entries, room * sizeof(*more));
        if (!more) return false;
        t->entries = more;
        t->room = room;
    }
    t->entries[t->count++] = *entry;
    return true;
}

static void read_file(tsr_tuning *t, const bk_services *services)
{
    cJSON *root = NULL;
    if (tsr_tune_load(t->path, &root) != TSR_OK) {
        services->log(services->ctx, TSR_LOG_WARNING, "%s; it is ignored", tsr_last_error());
        return;
    }
    size_t damaged = 0;
    const cJSON *item;
    tsr_tune_entry entry;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(root, "entries")) damaged += !tsr_tune_read(item, &entry) || !take(t, &entry);
    if (damaged) services->log(services->ctx, TSR_LOG_WARNING, "tuning database '%s': %zu damaged entries are ignored", t->path, damaged);
    cJSON_Delete(root);
}

tsr_tuning *tsr_tuning_create(const bk_services *services, const char *path)
{
    tsr_tuning *t = calloc(1, sizeof(*t));
    if (!t) return NULL;
    if ((path && !(t->path = strdup(path))) || pthread_mutex_init(&t->lock, NULL) != 0) {
        free(t->path);
        free(t);
        return NULL;
    }
    if (path) read_file(t, services);
    return t;
}

void tsr_tuning_destroy(tsr_tuning *t)
{
    if (!t) return;
    pthread_mutex_destroy(&t->lock);
    free(t->entries);
    free(t->path);
    free(t);
}

const char *tsr_tuning_path(const tsr_tuning *t) { return t->path; }

bool tsr_tuning_get(tsr_tuning *t, size_t index, tsr_tune_entry *out)
{
    pthread_mutex_lock(&t->lock);
    const bool there = index < t->count;
    if (there) *out = t->entries[index];
    pthread_mutex_unlock(&t->lock);
    return there;
}

/* The folders that the file is to lie in; those that are there are fine. */
static void make_folders(const char *path)
{
    char *copy = strdup(path);
    for (char *p = copy ? copy + 1 : NULL; p && *p; p++) {
        if (*p != '/') continue;
        *p = '\0';
        mkdir(copy, 0700);
        *p = '/';
    }
    free(copy);
}

tsr_status tsr_tuning_put(tsr_tuning *t, const tsr_tune_entry *entry)
{
    pthread_mutex_lock(&t->lock);
    const bool taken = take(t, entry);
    pthread_mutex_unlock(&t->lock);
    if (!taken) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for an entry of %zu bytes", sizeof(*entry));
    if (!t->path) return TSR_OK;
    make_folders(t->path);
    return tsr_tune_merge(t->path, entry);
}

tsr_status tsr_tuning_check(const tsr_tuning *t)
{
    if (!t->path) return TSR_OK;
    cJSON *root = NULL;
    const tsr_status s = tsr_tune_load(t->path, &root);
    cJSON_Delete(root);
    if (s != TSR_OK) return s;
    make_folders(t->path);
    const char *slash = strrchr(t->path, '/');
    char *folder = slash ? strndup(t->path, slash == t->path ? 1 : (size_t)(slash - t->path)) : strdup(".");
    if (!folder) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a path");
    const bool writable = access(folder, W_OK) == 0 && (access(t->path, F_OK) != 0 || access(t->path, W_OK) == 0);
    const int error = errno;
    free(folder);
    return writable ? TSR_OK : tsr_fail(TSR_ERROR_FILE, "tuning database '%s' cannot be written: %s", t->path, strerror(error));
}
