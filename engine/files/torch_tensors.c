/* From a pickle's values to views of tensors: names from dictionaries within dictionaries, shapes, and strides. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "torch.h"

#define FAIL TSR_FILE_FAIL

/* Keys of the path to a tensor are kept apart by a byte that keys may not have, until it is known which of them say nothing. */
enum { DEPTH_MAX = 8, PATH_MAX_BYTES = 512, APART = 1 };

typedef struct collector {
    tsr_tensors *file;
    tsr_pickle *p;
    const tsr_zip *storages;
    const char *prefix;
    size_t prefix_length, room;
    uint32_t visits;
    uint64_t copied;
    char path[PATH_MAX_BYTES];
} collector;

static bool whole_numbers(const tsr_pickle *p, uint32_t tuple, int64_t *out, uint32_t *count)
{
    uint32_t items[TSR_MAX_RANK];
    if (!tsr_pickle_items(p, tuple, TSR_PICKLE_TUPLE, 0, TSR_MAX_RANK, items, count)) return false;
    for (uint32_t i = 0; i < *count; i++) {
        if (p->values[items[i]].kind != TSR_PICKLE_INT || p->values[items[i]].integer < 0) return false;
        out[i] = p->values[items[i]].integer;
    }
    return true;
}

/* Row-major already? Axes of one element may have any stride. */
static bool contiguous(const tsr_tensor_view *v, const int64_t *stride)
{
    int64_t expected = 1;
    for (uint32_t i = v->rank; i-- > 0;) {
        if (v->shape[i] != 1 && stride[i] != expected) return false;
        expected *= v->shape[i];
    }
    return true;
}

/* Elements from the first to the last that the strides reach, in *out; false: not in 64 bits. */
static bool reach(const tsr_tensor_view *v, const int64_t *stride, int64_t *out)
{
    *out = v->size > 0;
    for (uint32_t i = 0; i < v->rank && v->size > 0; i++) {
        int64_t span;
        if (!tsr_mul(v->shape[i] - 1, stride[i], &span) || !tsr_add(*out, span, out)) return false;
    }
    return true;
}

/* A row-major copy. Overlapping elements would make much of a small file: copies may be as large as the file, all together. */
static tsr_status copy_strided(collector *c, tsr_tensor_view *v, const int64_t *stride)
{
    if (v->size > c->file->map_size - c->copied)
        return FAIL(c->file, "tensor '%s' has strides that repeat its data; save a .contiguous() one", v->name);
    c->copied += v->size;
    unsigned char *to = tsr_tensors_keep(c->file, (size_t)v->size + 1);
    if (!to) return TSR_ERROR_HOST_MEMORY;
    const size_t size = tsr_dtype_size(v->dtype);
    const unsigned char *from = v->data;
    int64_t index[TSR_MAX_RANK] = {0}, at = 0;
    v->data = to;
    for (uint64_t done = 0; done < v->size; done += size, to += size) {
        memcpy(to, from + (size_t)at * size, size);
        for (uint32_t i = v->rank; i-- > 0;) {
            at += stride[i];
            if (++index[i] < v->shape[i]) break;
            at -= stride[i] * v->shape[i];
            index[i] = 0;
        }
    }
    return TSR_OK;
}

static tsr_status find_storage(const collector *c, const tsr_tensor_view *v, const tsr_torch_storage *storage, const tsr_zip_member **out)
{
    char name[PATH_MAX_BYTES];
    const size_t length = c->prefix_length + storage->key_length;
    if (length > sizeof(name)) return FAIL(c->file, "tensor '%s' has a storage with a name of %zu bytes", v->name, length);
    memcpy(name, c->prefix, c->prefix_length);
    memcpy(name + c->prefix_length, storage->key, storage->key_length);
    *out = tsr_zip_find(c->storages, name, length);
    if (!*out) return FAIL(c->file, "tensor '%s' has its data in '%.*s', which is not there", v->name, (int)length, name);
    if ((*out)->size < storage->size)
        return FAIL(c->file, "tensor '%s' has its data in '%.*s' of %" PRIu64 " bytes; expected %" PRIu64, v->name, (int)length, name, (*out)->size,
                    storage->size);
    return TSR_OK;
}

static tsr_status fill_view(collector *c, uint32_t value, tsr_tensor_view *v)
{
    uint32_t items[7] = {0}, strides = 0;
    int64_t stride[TSR_MAX_RANK] = {0}, span = 0;
    tsr_torch_storage storage;
    const tsr_zip_member *member = NULL;
    tsr_pickle_items(c->p, value, TSR_PICKLE_OBJECT, 6, 7, items, NULL);
    tsr_torch_get_storage(c->p, items[0], &storage);
    const tsr_pickle_value *offset = &c->p->values[items[1]];
    if (offset->kind != TSR_PICKLE_INT || offset->integer < 0 || !whole_numbers(c->p, items[2], v->shape, &v->rank) ||
        !whole_numbers(c->p, items[3], stride, &strides) || strides != v->rank)
        return FAIL(c->file, "tensor '%s' has no offset, shape and strides of whole numbers, at most %d axes", v->name, TSR_MAX_RANK);
    v->dtype = storage.dtype;
    for (uint32_t i = 0; i < v->rank; i++)
        if (v->shape[i] == 1) stride[i] = 0; /* whatever the file says */
    if (!tsr_tensors_size(v, &v->size)) return FAIL(c->file, "tensor '%s' has a shape whose bytes do not fit 64 bits", v->name);
    const tsr_status s = find_storage(c, v, &storage, &member);
    if (s != TSR_OK) return s;
    const uint64_t size = tsr_dtype_size(v->dtype);
    if (!reach(v, stride, &span) || !tsr_add(span, offset->integer, &span) || (uint64_t)span > storage.size / size)
        return FAIL(c->file, "tensor '%s' reaches beyond its storage of %" PRIu64 " bytes", v->name, storage.size);
    v->data = member->data + (v->size > 0 ? (uint64_t)offset->integer * size : 0);
    return v->size == 0 || contiguous(v, stride) ? TSR_OK : copy_strided(c, v, stride);
}

static tsr_status add_tensor(collector *c, uint32_t value, size_t length)
{
    tsr_tensors *file = c->file;
    if (file->count == c->room) {
        const size_t room = c->room ? 2 * c->room : 256;
        void *more = realloc(file->views, room * sizeof(*file->views));
        if (!more) return tsr_fail(TSR_ERROR_HOST_MEMORY, "%s: no memory for %zu tensors", file->path, room);
        file->views = more;
        c->room = room;
    }
    char *name = tsr_tensors_keep(file, length + 8);
    if (!name) return TSR_ERROR_HOST_MEMORY;
    if (length > 0)
        memcpy(name, c->path, length);
    else
        length = (size_t)sprintf(name, "tensor");
    name[length] = '\0';
    file->views[file->count++] = (tsr_tensor_view){.name = name, .size = value}; /* filled when names are final */
    return TSR_OK;
}

static tsr_status add_key(collector *c, uint32_t key, size_t *length)
{
    char number[24];
    size_t size = 0;
    const char *text = tsr_pickle_text(c->p, key, &size);
    if (!text && c->p->values[key].kind == TSR_PICKLE_INT) {
        size = (size_t)snprintf(number, sizeof(number), "%" PRId64, c->p->values[key].integer);
        text = number;
    }
    if (!text) return FAIL(c->file, "a dictionary has a key that is neither text nor number, in '%.*s'", (int)*length, c->path);
    if (size + 2 > PATH_MAX_BYTES - *length) return FAIL(c->file, "a tensor's name has more than %d bytes", PATH_MAX_BYTES);
    if (*length > 0) c->path[(*length)++] = APART;
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < ' ') return FAIL(c->file, "a dictionary has a key with byte %d in it", text[i]);
        c->path[(*length)++] = text[i];
    }
    return TSR_OK;
}

/* Values may be shared, even hold themselves: depth and visits end that. */
static tsr_status visit(collector *c, uint32_t value, size_t length, int depth)
{
    const tsr_pickle_value *v = &c->p->values[value];
    if (v->kind == TSR_PICKLE_OBJECT) return v->index == TSR_TORCH_TENSOR ? add_tensor(c, value, length) : TSR_OK;
    if (v->kind != TSR_PICKLE_DICT && v->kind != TSR_PICKLE_LIST && v->kind != TSR_PICKLE_TUPLE) return TSR_OK;
    if (depth == DEPTH_MAX) return FAIL(c->file, "containers nest deeper than %d", DEPTH_MAX);
    tsr_status s = TSR_OK;
    int64_t index = 0;
    for (uint32_t cell = v->items.first; cell && s == TSR_OK; cell = c->p->cells[cell].next) {
        if (++c->visits > TSR_PICKLE_VALUES) return FAIL(c->file, "containers have more than %d values", TSR_PICKLE_VALUES);
        size_t inner = length;
        if (c->p->values[value].kind == TSR_PICKLE_DICT) {
            s = add_key(c, c->p->cells[cell].value, &inner);
            cell = c->p->cells[cell].next;
        } else {
            const int size = snprintf(c->path + length, PATH_MAX_BYTES - length, length ? "\1%" PRId64 : "%" PRId64, index++);
            inner += (size_t)size;
            if (inner >= PATH_MAX_BYTES) s = FAIL(c->file, "a tensor's name has more than %d bytes", PATH_MAX_BYTES);
        }
        if (s == TSR_OK) s = visit(c, c->p->cells[cell].value, inner, depth + 1);
    }
    return s;
}

/* Dictionaries around all tensors, as {'state_dict': ..}, are left out of the names; keys within are joined by dots. */
static void name_tensors(tsr_tensors *file)
{
    for (bool common = file->count > 0; common;) {
        const char *first = file->views[0].name, *end = strchr(first, APART);
        for (size_t i = 0; i < file->count && common; i++) common = end && strncmp(file->views[i].name, first, (size_t)(end - first) + 1) == 0;
        const size_t skip = common ? (size_t)(end - first) + 1 : 0;
        for (size_t i = 0; i < file->count; i++) file->views[i].name += skip;
    }
    for (size_t i = 0; i < file->count; i++)
        for (char *at = (char *)(uintptr_t)file->views[i].name; *at; at++)
            if (*at == APART) *at = '.';
}

tsr_status tsr_torch_collect(tsr_tensors *file, tsr_pickle *p, uint32_t root, const tsr_zip *storages, const char *prefix, size_t prefix_length)
{
    collector c = {.file = file, .p = p, .storages = storages, .prefix = prefix, .prefix_length = prefix_length};
    tsr_status s = visit(&c, root, 0, 0);
    if (s != TSR_OK) return s;
    if (file->count == 0) return FAIL(file, "%s", "has no tensor");
    name_tensors(file);
    for (size_t i = 0; i < file->count && s == TSR_OK; i++) s = fill_view(&c, (uint32_t)file->views[i].size, &file->views[i]);
    return s == TSR_OK ? tsr_tensors_check_names(file) : s;
}
