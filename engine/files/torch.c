/* Reads PyTorch's .pt and .pth files: a zip archive (since PyTorch 1.6) or the pickles in a row of before. No code is run. */
#include "torch.h"

#include <stdlib.h>
#include <string.h>

#define FAIL TSR_FILE_FAIL

/* The archive's folder: all before data.pkl, of which there is one at most one level down. */
static const tsr_zip_member *find_pickle(const tsr_zip *zip)
{
    static const char name[] = "data.pkl";
    const size_t size = sizeof(name) - 1;
    for (size_t i = 0; i < zip->count; i++) {
        const tsr_zip_member *m = &zip->members[i];
        if (m->name_length < size || memcmp(m->name + m->name_length - size, name, size) != 0) continue;
        const size_t folder = m->name_length - size;
        if (folder == 0 || memchr(m->name, '/', folder) == m->name + folder - 1) return m;
    }
    return NULL;
}

static tsr_status read_archive(tsr_tensors *file, const tsr_zip *zip, const tsr_zip_member *pickle)
{
    char prefix[256];
    const size_t folder = pickle->name_length - strlen("data.pkl");
    if (folder + sizeof("byteorder") > sizeof(prefix)) return FAIL(file, "the archive's folder has a name of %zu bytes", folder);
    memcpy(prefix, pickle->name, folder);
    memcpy(prefix + folder, "byteorder", strlen("byteorder"));
    const tsr_zip_member *order = tsr_zip_find(zip, prefix, folder + strlen("byteorder"));
    if (order && (order->size < 6 || memcmp(order->data, "little", 6) != 0)) return FAIL(file, "%s", "has numbers in big-endian order");
    memcpy(prefix + folder, "data/", strlen("data/"));
    tsr_pickle p = {.file = file, .reader = &tsr_torch_names, .bytes = pickle->data, .size = (size_t)pickle->size};
    uint32_t root = 0;
    tsr_status s = tsr_pickle_run(&p, &root);
    if (s == TSR_OK) s = tsr_torch_collect(file, &p, root, zip, prefix, folder + strlen("data/"));
    tsr_pickle_free(&p);
    return s;
}

static int by_key(const void *a, const void *b)
{
    const tsr_zip_member *x = a, *y = b;
    const int order = memcmp(x->name, y->name, x->name_length < y->name_length ? x->name_length : y->name_length);
    return order ? order : (x->name_length > y->name_length) - (x->name_length < y->name_length);
}

/* The storages that the pickle names, by key and with their sizes; each of them may be named many times. */
static tsr_status list_storages(tsr_tensors *file, const tsr_pickle *p, tsr_zip *out)
{
    tsr_torch_storage storage;
    size_t count = 0, kept = 0;
    for (uint32_t i = 0; i < p->value_count; i++) count += tsr_torch_get_storage(p, i, &storage);
    *out = (tsr_zip){.members = tsr_tensors_keep(file, (count + 1) * sizeof(*out->members))};
    if (!out->members) return TSR_ERROR_HOST_MEMORY;
    for (uint32_t i = 0; i < p->value_count; i++)
        if (tsr_torch_get_storage(p, i, &storage))
            out->members[out->count++] = (tsr_zip_member){.name = storage.key, .name_length = storage.key_length, .size = storage.size};
    qsort(out->members, out->count, sizeof(*out->members), by_key);
    for (size_t i = 0; i < out->count; i++) {
        if (kept > 0 && by_key(&out->members[kept - 1], &out->members[i]) == 0) {
            if (out->members[kept - 1].size != out->members[i].size) return FAIL(file, "%s", "a storage is named with two sizes");
        } else
            out->members[kept++] = out->members[i];
    }
    out->count = kept;
    return TSR_OK;
}

/* After the tensors' pickle: the keys of storages, and then for each its number of elements and its data. */
static tsr_status read_storages(tsr_tensors *file, tsr_pickle *p, uint32_t keys, tsr_zip *storages)
{
    if (p->values[keys].kind != TSR_PICKLE_LIST) return FAIL(file, "%s", "has no list of storages");
    for (uint32_t cell = p->values[keys].items.first; cell; cell = p->cells[cell].next) {
        size_t length = 0;
        const char *key = tsr_pickle_text(p, p->cells[cell].value, &length);
        tsr_zip_member *m = key ? (tsr_zip_member *)(uintptr_t)tsr_zip_find(storages, key, length) : NULL;
        if (!m || m->data) return FAIL(file, "lists storage '%.*s', which no tensor has, or twice", key ? (int)length : 0, key ? key : "");
        if (file->map_size - p->at < 8 || file->map_size - p->at - 8 < m->size)
            return FAIL(file, "storage '%.*s' has %llu bytes; the file ends before (truncated?)", (int)length, key, (unsigned long long)m->size);
        m->data = file->map + p->at + 8;
        p->at += 8 + (size_t)m->size;
    }
    for (size_t i = 0; i < storages->count; i++)
        if (!storages->members[i].data)
            return FAIL(file, "has no data of storage '%.*s'", (int)storages->members[i].name_length, storages->members[i].name);
    return TSR_OK;
}

static tsr_status read_pickles(tsr_tensors *file)
{
    static const unsigned char magic[] = {0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
    if (file->map_size < sizeof(magic) || memcmp(file->map, magic, sizeof(magic)) != 0) return FAIL(file, "%s", "is a pickle, but not PyTorch's");
    const size_t size = file->map_size < UINT32_MAX ? file->map_size : UINT32_MAX; /* pickles come first */
    tsr_pickle p = {.file = file, .reader = &tsr_torch_names, .bytes = file->map, .size = size, .at = sizeof(magic)};
    uint32_t values[4] = {0}; /* the protocol, the machine, the tensors, the storages' keys */
    tsr_zip storages = {NULL, 0};
    tsr_status s = TSR_OK;
    for (int i = 0; i < 4 && s == TSR_OK; i++) s = tsr_pickle_run(&p, &values[i]);
    if (s == TSR_OK) s = list_storages(file, &p, &storages);
    if (s == TSR_OK) s = read_storages(file, &p, values[3], &storages);
    if (s == TSR_OK) s = tsr_torch_collect(file, &p, values[2], &storages, "", 0);
    tsr_pickle_free(&p);
    return s;
}

tsr_status tsr_torch_read(tsr_tensors *file)
{
    if (file->map[0] != 'P') return read_pickles(file);
    tsr_zip zip;
    const tsr_status s = tsr_zip_read(file, &zip);
    if (s != TSR_OK) return s;
    const tsr_zip_member *pickle = find_pickle(&zip);
    if (!pickle) return FAIL(file, "%s", "is a zip archive without data.pkl; expected a file of torch.save");
    return read_archive(file, &zip, pickle);
}
