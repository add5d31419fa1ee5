/* Entries of the tuning database as JSON, and back: every value from a file is checked. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "files/json.h"
#include "tune.h"

static const char *const flash_names[] = {"lanes", "rm", "rn", "ln", "bc", "d_chunk", "kv_chunk", "dv_slice"};
static const char *const conv_names[] = {"lanes", "ln", "rm", "rn", "chunk", "subgroup", "mm", "mn", "mk"};
enum { MAX_NUMBER = 1 << 20 };

const char *const *tsr_tune_names(const char *kernel, size_t *count)
{
    if (strcmp(kernel, "flash") == 0) {
        *count = sizeof(flash_names) / sizeof(flash_names[0]);
        return flash_names;
    }
    if (strcmp(kernel, "conv") == 0 || strcmp(kernel, "depthwise") == 0) {
        *count = sizeof(conv_names) / sizeof(conv_names[0]);
        return conv_names;
    }
    *count = 0;
    return NULL;
}

bool tsr_tune_same(const tsr_tune_shape *a, const tsr_tune_shape *b)
{
    return a->tile == b->tile && memcmp(a->numbers, b->numbers, sizeof(a->numbers)) == 0;
}

bool tsr_tune_same_key(const tsr_tune_entry *a, const tsr_tune_entry *b)
{
    return strcmp(a->backend, b->backend) == 0 && strcmp(a->device, b->device) == 0 && strcmp(a->vendor, b->vendor) == 0 &&
           strcmp(a->driver, b->driver) == 0 && strcmp(a->driver_version, b->driver_version) == 0 && strcmp(a->kernel, b->kernel) == 0 &&
           strcmp(a->problem, b->problem) == 0;
}

/* The strings of an entry, by name. */
#define STRINGS(S) S(backend) S(device) S(vendor) S(driver) S(driver_version) S(kernel) S(problem) S(date)

static bool read_string(const cJSON *item, const char *name, char *out, size_t size)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, name);
    if (tsr_json_count(item, name) != 1 || !cJSON_IsString(value) || strlen(value->valuestring) >= size) return false;
    strcpy(out, value->valuestring);
    for (const unsigned char *p = (const unsigned char *)out; *p; p++)
        if (*p < 0x20 || *p == 0x7f) return false; /* they are shown on terminals */
    return true;
}

static bool read_version(const cJSON *item, uint64_t *out)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(item, "kernel_version");
    if (!cJSON_IsString(value) || strlen(value->valuestring) != 16) return false;
    *out = 0;
    for (const char *p = value->valuestring; *p; p++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = strchr(digits, *p);
        if (!digit) return false;
        *out = *out << 4 | (uint64_t)(digit - digits);
    }
    return true;
}

static bool read_measured(const cJSON *item, const char *kernel, tsr_tune_measured *out)
{
    size_t count;
    const char *const *names = tsr_tune_names(kernel, &count);
    const cJSON *tile = cJSON_GetObjectItemCaseSensitive(item, "tile"), *seconds = cJSON_GetObjectItemCaseSensitive(item, "seconds");
    *out = (tsr_tune_measured){.is_default = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "default"))};
    if (!names || !cJSON_IsString(tile) || !cJSON_IsNumber(seconds) || !(seconds->valuedouble > 0) || !isfinite(seconds->valuedouble)) return false;
    out->seconds = seconds->valuedouble;
    for (int i = TSR_TILE_AUTO + 1; i < TSR_TILE_COUNT; i++)
        if (strcmp(tile->valuestring, tsr_tile_name((tsr_tile)i)) == 0) out->shape.tile = (tsr_tile)i;
    for (size_t i = 0; i < count; i++) {
        uint64_t n;
        if (!tsr_json_whole(cJSON_GetObjectItemCaseSensitive(item, names[i]), &n) || n > MAX_NUMBER) return false;
        out->shape.numbers[i] = (int32_t)n;
    }
    return out->shape.tile != TSR_TILE_AUTO && read_version(item, &out->version);
}

bool tsr_tune_read(const cJSON *item, tsr_tune_entry *out)
{
    *out = (tsr_tune_entry){0};
#define READ(name)                                                                                                                                   \
    if (!read_string(item, #name, out->name, sizeof(out->name))) return false;
    STRINGS(READ)
#undef READ
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(item, "measured"), *one;
    if (!cJSON_IsArray(list)) return false;
    cJSON_ArrayForEach(one, list)
    {
        if (out->count == TSR_TUNE_SHAPES) break;
        tsr_tune_measured *m = &out->measured[out->count++];
        if (!read_measured(one, out->kernel, m) || (out->count > 1 && m->seconds < m[-1].seconds)) return false;
    }
    return out->count > 0;
}

static bool print_measured(cJSON *list, const tsr_tune_measured *m, const char *kernel)
{
    size_t count;
    const char *const *names = tsr_tune_names(kernel, &count);
    cJSON *item = cJSON_CreateObject();
    char version[17];
    snprintf(version, sizeof(version), "%016llx", (unsigned long long)m->version);
    bool ok = item && cJSON_AddStringToObject(item, "tile", tsr_tile_name(m->shape.tile));
    for (size_t i = 0; ok && i < count; i++) ok = cJSON_AddNumberToObject(item, names[i], m->shape.numbers[i]);
    ok = ok && cJSON_AddStringToObject(item, "kernel_version", version) && cJSON_AddNumberToObject(item, "seconds", m->seconds) &&
         (!m->is_default || cJSON_AddTrueToObject(item, "default"));
    if (ok && cJSON_AddItemToArray(list, item)) return true;
    cJSON_Delete(item);
    return false;
}

cJSON *tsr_tune_print(const tsr_tune_entry *e)
{
    cJSON *item = cJSON_CreateObject();
    bool ok = item != NULL;
#define PRINT(name) ok = ok && cJSON_AddStringToObject(item, #name, e->name);
    STRINGS(PRINT)
#undef PRINT
    cJSON *list = ok ? cJSON_AddArrayToObject(item, "measured") : NULL;
    ok = list != NULL;
    for (size_t i = 0; ok && i < e->count; i++) ok = print_measured(list, &e->measured[i], e->kernel);
    if (ok) return item;
    cJSON_Delete(item);
    return NULL;
}
