/* A fixture's weight file, drawn. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>

#include "golden/golden.h"
#include "oracle/oracle.h"

/* A row of "tensors": [name, shape, scale, shift], then for each further scheme a name, and a shape where that is another. */
typedef struct row {
    const char *draw, *name;
    const cJSON *shape;
    float scale, shift;
} row;

static const cJSON *row_at(const golden *g, int index) { return cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(g->root, "tensors"), index); }

static bool read_row(const cJSON *item, int scheme, row *out)
{
    const cJSON *name = cJSON_GetArrayItem(item, 0), *shape = cJSON_GetArrayItem(item, 1);
    const cJSON *scale = cJSON_GetArrayItem(item, 2), *shift = cJSON_GetArrayItem(item, 3);
    if (!cJSON_IsString(name) || !cJSON_IsArray(shape) || !cJSON_IsNumber(scale) || !cJSON_IsNumber(shift)) return false;
    *out = (row){name->valuestring, name->valuestring, shape, (float)scale->valuedouble, (float)shift->valuedouble};
    const cJSON *next = shift->next;
    for (int i = 1; i <= scheme; i++) {
        if (!cJSON_IsString(next)) return false;
        out->name = next->valuestring;
        next = next->next;
        out->shape = cJSON_IsArray(next) ? next : shape;
        if (cJSON_IsArray(next)) next = next->next;
    }
    return true;
}

const char *golden_tensor(const golden *g, int scheme, int index)
{
    const cJSON *item = row_at(g, index);
    row r;
    return item && read_row(item, scheme, &r) ? r.name : NULL;
}

static int64_t elements(const row *r)
{
    int64_t n = 1;
    const cJSON *extent = NULL;
    cJSON_ArrayForEach(extent, r->shape) n *= (int64_t)extent->valuedouble;
    return n;
}

static char *header(const golden *g, int scheme, tsr_dtype dtype)
{
    cJSON *root = cJSON_CreateObject();
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(g->root, "config"), *item = NULL;
    if (root && config && scheme > 0) {
        char *said = cJSON_PrintUnformatted(config);
        cJSON *metadata = cJSON_AddObjectToObject(root, "__metadata__");
        if (said) cJSON_AddStringToObject(metadata, "config", said);
        cJSON_free(said);
    }
    double at = 0;
    const char *type = dtype == TSR_F32 ? "F32" : dtype == TSR_F16 ? "F16" : "BF16";
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(g->root, "tensors"))
    {
        row r;
        if (!root || !read_row(item, scheme, &r)) break;
        cJSON *tensor = cJSON_AddObjectToObject(root, r.name);
        cJSON_AddStringToObject(tensor, "dtype", type);
        cJSON_AddItemToObject(tensor, "shape", cJSON_Duplicate(r.shape, true));
        cJSON *offsets = cJSON_AddArrayToObject(tensor, "data_offsets");
        cJSON_AddItemToArray(offsets, cJSON_CreateNumber(at));
        at += (double)elements(&r) * (double)tsr_dtype_size(dtype);
        cJSON_AddItemToArray(offsets, cJSON_CreateNumber(at));
    }
    char *text = root ? cJSON_PrintUnformatted(root) : NULL;
    cJSON_Delete(root);
    return text;
}

enum { BLOCK = 1 << 16 };

static bool write_tensor(const golden *g, const row *r, tsr_dtype dtype, bool spoil, float *numbers, void *bytes, FILE *f)
{
    const int64_t n = elements(r);
    for (int64_t first = 0; first < n; first += BLOCK) {
        const int64_t count = n - first < BLOCK ? n - first : BLOCK;
        golden_draw(r->draw, g->seed, r->scale, r->shift, (uint64_t)first, (uint64_t)count, numbers);
        for (int64_t i = 0; i < count; i++) {
            float rounded;
            oracle_store(g->storage, &rounded, 0, (double)numbers[i]);
            const double x = oracle_load(g->storage, &rounded, 0);
            oracle_store(dtype, bytes, i, spoil ? -x : x);
        }
        if (fwrite(bytes, tsr_dtype_size(dtype), (size_t)count, f) != (size_t)count) return false;
    }
    return true;
}

bool golden_write(const golden *g, int scheme, tsr_dtype dtype, const char *spoiled, const char *path)
{
    char *text = header(g, scheme, dtype);
    float *numbers = malloc(BLOCK * sizeof(float)), *bytes = malloc(BLOCK * sizeof(float));
    FILE *f = fopen(path, "wb");
    bool ok = text && numbers && bytes && f;
    const uint64_t length = text ? strlen(text) : 0;
    unsigned char little[8];
    for (int i = 0; i < 8; i++) little[i] = (unsigned char)(length >> 8 * i);
    ok = ok && fwrite(little, 1, 8, f) == 8 && fwrite(text, 1, length, f) == length;
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(g->root, "tensors"))
    {
        row r;
        ok = ok && read_row(item, scheme, &r) && write_tensor(g, &r, dtype, spoiled && strcmp(spoiled, r.draw) == 0, numbers, bytes, f);
    }
    if (f && fclose(f) != 0) ok = false;
    cJSON_free(text);
    free(numbers);
    free(bytes);
    return ok;
}
