/* The few names that a file of PyTorch tensors needs. All others are refused: nothing is imported, nothing run. */
#include <string.h>

#include "torch.h"

enum { ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER, STORAGES };

static const struct {
    const char *module, *name;
    uint32_t index;
} names[] = {
    {"collections", "OrderedDict", ORDERED_DICT},
    {"torch._utils", "_rebuild_tensor_v2", REBUILD_TENSOR},
    {"torch._utils", "_rebuild_parameter", REBUILD_PARAMETER},
    {"torch", "DoubleStorage", STORAGES + TSR_F64},
    {"torch", "FloatStorage", STORAGES + TSR_F32},
    {"torch", "HalfStorage", STORAGES + TSR_F16},
    {"torch", "BFloat16Storage", STORAGES + TSR_BF16},
    {"torch", "LongStorage", STORAGES + TSR_I64},
    {"torch", "IntStorage", STORAGES + TSR_I32},
    {"torch", "ShortStorage", STORAGES + TSR_I16},
    {"torch", "CharStorage", STORAGES + TSR_I8},
    {"torch", "ByteStorage", STORAGES + TSR_U8},
    {"torch", "BoolStorage", STORAGES + TSR_U8},
};

static bool equal(const char *text, size_t length, const char *name) { return strlen(name) == length && memcmp(text, name, length) == 0; }

static tsr_status find_name(tsr_pickle *p, const char *module, size_t module_length, const char *name, size_t name_length, uint32_t *index)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (equal(module, module_length, names[i].module) && equal(name, name_length, names[i].name)) return *index = names[i].index, TSR_OK;
    const int shown[2] = {module_length < 100 ? (int)module_length : 100, name_length < 100 ? (int)name_length : 100};
    return TSR_PICKLE_REFUSE(p, "wants '%.*s.%.*s'", shown[0], module, shown[1], name);
}

static tsr_status add_object(tsr_pickle *p, uint32_t index, uint32_t tuple, uint32_t *value)
{
    const tsr_status s = tsr_pickle_add(p, TSR_PICKLE_OBJECT, value);
    if (s != TSR_OK) return s;
    p->values[*value].index = index;
    p->values[*value].items = p->values[tuple].items;
    return TSR_OK;
}

/* ('storage', type, key, device, elements), and in the older format a view on another storage, which torch does not write any more. */
static tsr_status make_storage(tsr_pickle *p, uint32_t id, uint32_t *value)
{
    uint32_t items[6] = {0}, count = 0;
    size_t length = 0;
    const bool good = tsr_pickle_items(p, id, TSR_PICKLE_TUPLE, 5, 6, items, &count);
    const char *word = good ? tsr_pickle_text(p, items[0], &length) : NULL;
    if (!word || !equal(word, length, "storage") || (count == 6 && p->values[items[5]].kind != TSR_PICKLE_NONE))
        return TSR_PICKLE_FAIL(p, "refers to something that is no %s", "storage");
    const tsr_status s = add_object(p, TSR_TORCH_STORAGE, id, value);
    tsr_torch_storage storage;
    if (s == TSR_OK && !tsr_torch_get_storage(p, *value, &storage)) return TSR_PICKLE_FAIL(p, "has a storage without type, key or %s", "size");
    return s;
}

static bool is_object(const tsr_pickle *p, uint32_t value, uint32_t index)
{
    return p->values[value].kind == TSR_PICKLE_OBJECT && p->values[value].index == index;
}

static tsr_status call(tsr_pickle *p, uint32_t name, uint32_t arguments, uint32_t *value)
{
    uint32_t items[7] = {0};
    switch (name) {
    case ORDERED_DICT:
        if (tsr_pickle_items(p, arguments, TSR_PICKLE_TUPLE, 0, 0, items, NULL)) return tsr_pickle_add(p, TSR_PICKLE_DICT, value);
        break;
    case REBUILD_TENSOR:
        if (tsr_pickle_items(p, arguments, TSR_PICKLE_TUPLE, 6, 7, items, NULL) && is_object(p, items[0], TSR_TORCH_STORAGE))
            return add_object(p, TSR_TORCH_TENSOR, arguments, value);
        break;
    case REBUILD_PARAMETER:
        if (tsr_pickle_items(p, arguments, TSR_PICKLE_TUPLE, 1, 3, items, NULL) && is_object(p, items[0], TSR_TORCH_TENSOR))
            return *value = items[0], TSR_OK;
        break;
    default:
        return TSR_PICKLE_FAIL(p, "calls a type of %s", "storage");
    }
    return TSR_PICKLE_FAIL(p, "calls %s with other arguments than PyTorch does", names[name].name);
}

bool tsr_torch_get_storage(const tsr_pickle *p, uint32_t value, tsr_torch_storage *out)
{
    uint32_t items[6] = {0};
    if (!is_object(p, value, TSR_TORCH_STORAGE) || !tsr_pickle_items(p, value, TSR_PICKLE_OBJECT, 5, 6, items, NULL)) return false;
    const tsr_pickle_value *type = &p->values[items[1]], *count = &p->values[items[4]];
    out->key = tsr_pickle_text(p, items[2], &out->key_length);
    if (type->kind != TSR_PICKLE_NAME || type->index < STORAGES || !out->key || count->kind != TSR_PICKLE_INT || count->integer < 0) return false;
    out->dtype = (tsr_dtype)(type->index - STORAGES);
    return !__builtin_mul_overflow((uint64_t)count->integer, tsr_dtype_size(out->dtype), &out->size);
}

const tsr_pickle_reader tsr_torch_names = {find_name, make_storage, call};
