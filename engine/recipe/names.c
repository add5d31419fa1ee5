/* What the expressions of a recipe may name: the caller's scalars and tensors, and the recipe's own behind them. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "recipe.h"

static void read_scalars(tsr_reader *r, const cJSON *object, tsr_names *names)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        const size_t up = tsr_reader_enter(r, item->string);
        if (!cJSON_IsNumber(item) || !(fabs(item->valuedouble) <= FLT_MAX)) tsr_reader_fail(r, "is no number within fp32's range");
        names->scalars[names->scalar_count++] = (tsr_named_scalar){item->string, (float)item->valuedouble};
        tsr_reader_leave(r, up);
    }
}

static float *read_data(tsr_reader *r, const cJSON *list, int64_t expected)
{
    int64_t count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list) count++;
    if (!cJSON_IsArray(list) || count != expected) {
        tsr_reader_fail(r, "has data of %lld numbers; expected %lld, the product of its shape", (long long)(cJSON_IsArray(list) ? count : 0),
                        (long long)expected);
        return NULL;
    }
    float *data = malloc(((size_t)count + 1) * sizeof(*data)), *at = data;
    if (!data && r->status == TSR_OK) r->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a tensor of %lld numbers", (long long)count);
    cJSON_ArrayForEach(item, list)
    {
        if (!data) break;
        if (!cJSON_IsNumber(item) || !(fabs(item->valuedouble) <= FLT_MAX))
            tsr_reader_fail(r, "has data[%td], which is no number within fp32's range", at - data);
        *at++ = (float)item->valuedouble;
    }
    return data;
}

static void read_tensor(tsr_reader *r, const cJSON *item, tsr_named_tensor *out)
{
    tsr_fields f = tsr_fields_open(r, item);
    const cJSON *shape = tsr_fields_get(&f, "shape"), *data = tsr_fields_get(&f, "data");
    if (!shape || !data) tsr_reader_fail(r, "has no '%s'", shape ? "data" : "shape");
    size_t rank = 0;
    int64_t *list = tsr_reader_list(r, shape, 0, TSR_RECIPE_MAX, &rank), product = 1;
    if (list && rank > 4) tsr_reader_fail(r, "has rank %zu; expected 1 to 4", rank);
    for (size_t i = 0; list && i < rank && r->status == TSR_OK; i++) {
        out->shape[i] = list[i];
        if (__builtin_mul_overflow(product, list[i], &product)) tsr_reader_fail(r, "has a shape whose product does not fit 64 bits");
    }
    free(list);
    out->rank = (uint32_t)rank;
    if (r->status == TSR_OK) out->data = read_data(r, data, product);
    tsr_fields_close(&f);
}

static void read_tensors(tsr_reader *r, const cJSON *object, tsr_names *names)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        if (r->status != TSR_OK) return;
        const size_t up = tsr_reader_enter(r, item->string);
        tsr_named_tensor *tensor = &names->tensors[names->tensor_count++];
        *tensor = (tsr_named_tensor){.name = item->string};
        names->own_tensors++;
        read_tensor(r, item, tensor);
        tsr_reader_leave(r, up);
    }
}

/* The members of an object whose names are the recipe's to choose; NULL: none. */
static const cJSON *read_named(tsr_reader *r, tsr_fields *f, const char *name, size_t *count)
{
    *count = 0;
    const cJSON *object = tsr_fields_get(f, name);
    if (!object) return NULL;
    const size_t up = tsr_reader_enter(r, name);
    const tsr_fields own = tsr_fields_open(r, object);
    const cJSON *item;
    cJSON_ArrayForEach(item, own.object)++ *count;
    tsr_reader_leave(r, up);
    return object;
}

void tsr_recipe_names(tsr_reader *r, tsr_fields *f, const tsr_recipe_desc *desc, tsr_names *names)
{
    size_t scalars, tensors;
    const cJSON *scalar = read_named(r, f, "scalars", &scalars), *tensor = read_named(r, f, "tensors", &tensors);
    if (r->status != TSR_OK) return;
    names->scalars = calloc(desc->scalar_count + scalars + 1, sizeof(*names->scalars));
    names->tensors = calloc(desc->tensor_count + tensors + 1, sizeof(*names->tensors));
    if (!names->scalars || !names->tensors) {
        r->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %zu names", desc->scalar_count + scalars + desc->tensor_count + tensors);
        return;
    }
    for (size_t i = 0; i < desc->scalar_count; i++) names->scalars[names->scalar_count++] = desc->scalars[i];
    for (size_t i = 0; i < desc->tensor_count; i++) names->tensors[names->tensor_count++] = desc->tensors[i];
    size_t up = tsr_reader_enter(r, "scalars");
    read_scalars(r, scalar, names);
    tsr_reader_leave(r, up);
    up = tsr_reader_enter(r, "tensors");
    read_tensors(r, tensor, names);
    tsr_reader_leave(r, up);
}

void tsr_recipe_names_free(tsr_names *names)
{
    for (size_t i = names->tensor_count - names->own_tensors; i < names->tensor_count; i++) free((void *)names->tensors[i].data);
    free(names->scalars);
    free(names->tensors);
}
