/* Reads safetensors files. Such files come from anywhere: every number is checked before it is used. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "safetensors.h"

/* The format's own limit of the header's bytes; and ours of its JSON values, of which a tensor of rank 4 has ten. */
enum { HEADER_MAX = 100000000, VALUES_MAX = 1 << 20, HEADER_DEPTH = 8 };

#define FAIL TSR_FILE_FAIL

static tsr_status read_shape(const tsr_tensors *file, const cJSON *shape, tsr_tensor_view *view, uint64_t *bytes)
{
    if (!cJSON_IsArray(shape)) return FAIL(file, "tensor '%s' has no list 'shape'", view->name);
    const int rank = cJSON_GetArraySize(shape);
    if (rank > TSR_MAX_RANK) return FAIL(file, "tensor '%s' has rank %d; expected at most %d", view->name, rank, TSR_MAX_RANK);
    const cJSON *axis;
    cJSON_ArrayForEach(axis, shape)
    {
        uint64_t n;
        if (!cJSON_IsNumber(axis))
            return FAIL(file, "tensor '%s' has a shape with an axis that is no number; expected whole numbers below 2^53", view->name);
        if (!tsr_json_whole(axis, &n))
            return FAIL(file, "tensor '%s' has a shape with axis %g; expected whole numbers below 2^53", view->name, axis->valuedouble);
        view->shape[view->rank++] = (int64_t)n;
    }
    return tsr_tensors_size(view, bytes) ? TSR_OK : FAIL(file, "tensor '%s' has a shape whose bytes do not fit 64 bits", view->name);
}

static tsr_status read_offsets(const tsr_tensors *file, const cJSON *offsets, const char *name, uint64_t at[2])
{
    const cJSON *first = cJSON_GetArrayItem(offsets, 0), *last = cJSON_GetArrayItem(offsets, 1);
    if (!cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 || !cJSON_IsNumber(first) || !cJSON_IsNumber(last))
        return FAIL(file, "tensor '%s' has no 'data_offsets' of two numbers", name);
    if (!tsr_json_whole(first, &at[0]) || !tsr_json_whole(last, &at[1]))
        return FAIL(file, "tensor '%s' has 'data_offsets' %.17g to %.17g; expected whole numbers below 2^53", name, first->valuedouble,
                    last->valuedouble);
    return TSR_OK;
}

static tsr_status read_tensor(const tsr_tensors *file, const cJSON *item, tsr_tensor_view *view)
{
    *view = (tsr_tensor_view){.name = item->string, .dtype = TSR_DTYPE_COUNT};
    if (!cJSON_IsObject(item)) return FAIL(file, "entry '%s' is no object", view->name);
    const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(item, "dtype"), *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
    for (int i = 0; cJSON_IsString(dtype) && i < TSR_FILE_DTYPE_COUNT; i++)
        if (strcmp(dtype->valuestring, tsr_file_dtypes[i].name) == 0) view->dtype = tsr_file_dtypes[i].dtype;
    if (view->dtype == TSR_DTYPE_COUNT)
        return FAIL(file, "tensor '%s' has dtype '%s'; expected F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL", view->name,
                    cJSON_IsString(dtype) ? dtype->valuestring : "(none)");
    static const char *const keys[] = {"dtype", "shape", "data_offsets"};
    for (int i = 0; i < 3; i++)
        if (tsr_json_count(item, keys[i]) > 1) return FAIL(file, "tensor '%s' has '%s' twice", view->name, keys[i]);
    uint64_t bytes = 0, place[2] = {0, 0};
    tsr_status status = read_shape(file, cJSON_GetObjectItemCaseSensitive(item, "shape"), view, &bytes);
    if (status == TSR_OK) status = read_offsets(file, offsets, view->name, place);
    if (status != TSR_OK) return status;
    const uint64_t from = place[0], to = place[1];
    if (from > to || to > file->data_size)
        return FAIL(file, "tensor '%s' lies at %" PRIu64 " to %" PRIu64 "; the file has %" PRIu64 " bytes of data (truncated?)", view->name, from, to,
                    file->data_size);
    if (to - from != bytes)
        return FAIL(file, "tensor '%s' has %" PRIu64 " bytes of data; its shape and dtype need %" PRIu64, view->name, to - from, bytes);
    view->data = file->map + file->data_at + from;
    view->size = bytes;
    return TSR_OK;
}

static int by_place(const void *a, const void *b)
{
    const tsr_tensor_view *const *x = a, *const *y = b;
    const uintptr_t p = (uintptr_t)(*x)->data, q = (uintptr_t)(*y)->data;
    if (p != q) return p < q ? -1 : 1;
    return (*x)->size < (*y)->size ? -1 : (*x)->size > (*y)->size;
}

/* The format wants the data without overlaps and holes, and each name once. */
static tsr_status check_tensors(const tsr_tensors *file)
{
    tsr_status status = tsr_tensors_check_names(file);
    if (status != TSR_OK) return status;
    if (file->count == 0) return file->data_size == 0 ? TSR_OK : FAIL(file, "%" PRIu64 " bytes of data belong to no tensor", file->data_size);
    const tsr_tensor_view **order = malloc(file->count * sizeof(*order));
    if (!order) return tsr_fail(TSR_ERROR_HOST_MEMORY, "%s: no memory for %zu tensors", file->path, file->count);
    for (size_t i = 0; i < file->count; i++) order[i] = &file->views[i];
    qsort(order, file->count, sizeof(*order), by_place);
    const unsigned char *at = file->map + file->data_at;
    for (size_t i = 0; i < file->count && status == TSR_OK; i++) {
        const unsigned char *data = order[i]->data;
        if (data < at)
            status = FAIL(file, "tensors '%s' and '%s' overlap", order[i ? i - 1 : 0]->name, order[i]->name);
        else if (data > at)
            status = FAIL(file, "there is a hole of %zu bytes before tensor '%s'", (size_t)(data - at), order[i]->name);
        at = data + order[i]->size;
    }
    if (status == TSR_OK && at != file->map + file->map_size)
        status = FAIL(file, "%zu bytes after the last tensor belong to none", (size_t)(file->map + file->map_size - at));
    free(order);
    return status;
}

static tsr_status read_header(tsr_tensors *file)
{
    uint64_t length = 0;
    if (file->map_size < 8) return FAIL(file, "%zu bytes are no safetensors file; expected at least 8", file->map_size);
    for (int i = 7; i >= 0; i--) length = length << 8 | file->map[i];
    if (length > HEADER_MAX)
        return FAIL(file, "the header's length is %" PRIu64 "; expected at most %d: is it a safetensors file?", length, HEADER_MAX);
    if (length > file->map_size - 8)
        return FAIL(file, "the header's length is %" PRIu64 "; only %zu bytes follow (truncated?)", length, file->map_size - 8);
    const char *text = (const char *)file->map + 8;
    file->data_at = 8 + length;
    file->data_size = file->map_size - file->data_at;
    return tsr_json_parse(file->path, "the header", text, (size_t)length, (tsr_json_limits){HEADER_DEPTH, VALUES_MAX, false}, &file->header);
}

static tsr_status check_metadata(const tsr_tensors *file, const cJSON *metadata)
{
    if (!cJSON_IsObject(metadata)) return FAIL(file, "%s", "'__metadata__' is no object");
    const cJSON *item;
    cJSON_ArrayForEach(item, metadata) if (!cJSON_IsString(item)) return FAIL(file, "'__metadata__' entry '%s' is no string", item->string);
    return TSR_OK;
}

tsr_status tsr_safetensors_read(tsr_tensors *file)
{
    tsr_status status = read_header(file);
    if (status != TSR_OK) return status;
    const int entries = cJSON_GetArraySize(file->header);
    file->views = calloc((size_t)entries + 1, sizeof(*file->views));
    if (!file->views) return tsr_fail(TSR_ERROR_HOST_MEMORY, "%s: no memory for %d tensors", file->path, entries);
    const cJSON *item;
    cJSON_ArrayForEach(item, file->header)
    {
        if (strcmp(item->string, "__metadata__") == 0) {
            if (file->metadata) return FAIL(file, "%s", "'__metadata__' is there twice");
            file->metadata = item;
            if ((status = check_metadata(file, item)) != TSR_OK) return status;
            continue;
        }
        if ((status = read_tensor(file, item, &file->views[file->count])) != TSR_OK) return status;
        file->count++;
    }
    return check_tensors(file);
}
