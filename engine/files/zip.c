/* Reads zip archives whose members are stored, not compressed, as PyTorch writes them; with the 64-bit extension. Checksums are not
 * looked at: they would read all of a large file. */
#include "zip.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FAIL TSR_FILE_FAIL

enum { END_SIZE = 22, LOCATOR_SIZE = 20, END64_SIZE = 56, ENTRY_SIZE = 46, LOCAL_SIZE = 30, COMMENT_MAX = 65535, MEMBERS_MAX = 1 << 20 };

static uint64_t number(const unsigned char *at, int bytes)
{
    uint64_t x = 0;
    for (int i = bytes - 1; i >= 0; i--) x = x << 8 | at[i];
    return x;
}

typedef struct directory {
    uint64_t at, size, entries;
} directory;

/* Where 32 bits do not do, a second end record has the numbers; a locator before the first one tells its place. */
static tsr_status find_directory(const tsr_tensors *file, directory *out)
{
    const unsigned char *map = file->map, *end = NULL;
    for (size_t back = END_SIZE; back <= file->map_size && back <= END_SIZE + COMMENT_MAX && !end; back++)
        if (memcmp(map + file->map_size - back, "PK\5\6", 4) == 0) end = map + file->map_size - back;
    if (!end) return FAIL(file, "%s", "begins as a zip archive and has no end of one (truncated?)");
    *out = (directory){.at = number(end + 16, 4), .size = number(end + 12, 4), .entries = number(end + 10, 2)};
    const unsigned char *locator = (size_t)(end - map) >= LOCATOR_SIZE ? end - LOCATOR_SIZE : NULL;
    if (locator && memcmp(locator, "PK\6\7", 4) == 0) {
        const uint64_t at = number(locator + 8, 8);
        if (at > file->map_size || file->map_size - at < END64_SIZE || memcmp(map + at, "PK\6\6", 4) != 0)
            return FAIL(file, "the zip archive's 64-bit end is told to be at %" PRIu64 " and is not there", at);
        *out = (directory){.at = number(map + at + 48, 8), .size = number(map + at + 40, 8), .entries = number(map + at + 32, 8)};
    }
    if (out->at > file->map_size || out->size > file->map_size - out->at)
        return FAIL(file, "the zip archive's directory lies at %" PRIu64 ", %" PRIu64 " bytes; the file has %zu", out->at, out->size, file->map_size);
    if (out->entries > MEMBERS_MAX || out->entries > out->size / ENTRY_SIZE)
        return FAIL(file, "the zip archive tells of %" PRIu64 " members in a directory of %" PRIu64 " bytes", out->entries, out->size);
    return TSR_OK;
}

typedef struct entry {
    uint64_t packed, size, local;
} entry;

/* Numbers of all ones stand in the extra field of kind 1, in this order. */
static bool widen(entry *e, const unsigned char *extra, size_t length)
{
    uint64_t *const fields[] = {&e->size, &e->packed, &e->local};
    bool wide = false;
    for (int i = 0; i < 3; i++) wide = wide || *fields[i] == UINT32_MAX;
    if (!wide) return true;
    while (length >= 4) {
        const size_t kind = number(extra, 2), size = number(extra + 2, 2);
        if (size > length - 4) return false;
        size_t at = 4;
        if (kind == 1) {
            for (int i = 0; i < 3; i++) {
                if (*fields[i] != UINT32_MAX) continue;
                if (at + 8 > size + 4) return false;
                *fields[i] = number(extra + at, 8);
                at += 8;
            }
            return true;
        }
        extra += 4 + size, length -= 4 + size;
    }
    return false;
}

static tsr_status read_member(const tsr_tensors *file, const unsigned char *at, uint64_t left, tsr_zip_member *m, size_t *used)
{
    if (left < ENTRY_SIZE || memcmp(at, "PK\1\2", 4) != 0) return FAIL(file, "%s", "the zip archive's directory is damaged");
    const size_t extra = number(at + 30, 2), comment = number(at + 32, 2);
    const unsigned flags = (unsigned)number(at + 8, 2), method = (unsigned)number(at + 10, 2);
    m->name_length = number(at + 28, 2);
    m->name = (const char *)at + ENTRY_SIZE;
    *used = ENTRY_SIZE + m->name_length + extra + comment;
    if (*used > left) return FAIL(file, "%s", "the zip archive's directory is damaged");
    const int shown = m->name_length < 200 ? (int)m->name_length : 200;
    entry e = {.packed = number(at + 20, 4), .size = number(at + 24, 4), .local = number(at + 42, 4)};
    if (!widen(&e, at + ENTRY_SIZE + m->name_length, extra))
        return FAIL(file, "member '%.*s' of the zip archive has no 64-bit numbers", shown, m->name);
    if (method != 0 || e.packed != e.size)
        return FAIL(file, "member '%.*s' of the zip archive is compressed (method %u); expected stored ones, as torch.save writes", shown, m->name,
                    method);
    if (flags & 1) return FAIL(file, "member '%.*s' of the zip archive is encrypted", shown, m->name);
    if (e.local > file->map_size || file->map_size - e.local < LOCAL_SIZE || memcmp(file->map + e.local, "PK\3\4", 4) != 0)
        return FAIL(file, "member '%.*s' of the zip archive is told to be at %" PRIu64 " and is not there", shown, m->name, e.local);
    const unsigned char *local = file->map + e.local;
    const uint64_t head = LOCAL_SIZE + number(local + 26, 2) + number(local + 28, 2), room = file->map_size - e.local;
    if (head > room || e.size > room - head)
        return FAIL(file, "member '%.*s' of the zip archive has %" PRIu64 " bytes; the file ends before (truncated?)", shown, m->name, e.size);
    m->data = local + head;
    m->size = e.size;
    return TSR_OK;
}

static int compare(const char *a, size_t a_length, const char *b, size_t b_length)
{
    const int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
    return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int by_name(const void *a, const void *b)
{
    const tsr_zip_member *x = a, *y = b;
    return compare(x->name, x->name_length, y->name, y->name_length);
}

tsr_status tsr_zip_read(tsr_tensors *file, tsr_zip *out)
{
    directory d = {0};
    tsr_status status = find_directory(file, &d);
    if (status != TSR_OK) return status;
    *out = (tsr_zip){.members = tsr_tensors_keep(file, (size_t)(d.entries + 1) * sizeof(*out->members))};
    if (!out->members) return TSR_ERROR_HOST_MEMORY;
    size_t used = 0;
    for (uint64_t at = 0; out->count < d.entries; at += used) {
        status = read_member(file, file->map + d.at + at, d.size - at, &out->members[out->count], &used);
        if (status != TSR_OK) return status;
        out->count++;
    }
    qsort(out->members, out->count, sizeof(*out->members), by_name);
    for (size_t i = 1; i < out->count; i++)
        if (by_name(&out->members[i - 1], &out->members[i]) == 0)
            return FAIL(file, "member '%.*s' is twice in the zip archive", (int)out->members[i].name_length, out->members[i].name);
    return TSR_OK;
}

const tsr_zip_member *tsr_zip_find(const tsr_zip *zip, const char *name, size_t length)
{
    const tsr_zip_member key = {.name = name, .name_length = length};
    return bsearch(&key, zip->members, zip->count, sizeof(key), by_name);
}
