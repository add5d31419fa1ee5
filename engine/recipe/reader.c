/* Values of a recipe's JSON with their paths in the errors. */
#include "reader.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"

/* More members than this no object of a recipe has: looking one up stays cheap in hostile texts. */
enum { MEMBERS_MAX = 256 };

static size_t append(tsr_reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static size_t append(tsr_reader *r, const char *format, ...)
{
    const size_t before = r->length;
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(r->path + r->length, sizeof(r->path) - r->length, format, args);
    va_end(args);
    if (n > 0) r->length = r->length + (size_t)n < sizeof(r->path) ? r->length + (size_t)n : sizeof(r->path) - 1;
    return before;
}

size_t tsr_reader_enter(tsr_reader *r, const char *key) { return append(r, "%s%.64s", r->length ? "." : "", key); }

size_t tsr_reader_enter_index(tsr_reader *r, size_t index) { return append(r, "[%zu]", index); }

void tsr_reader_leave(tsr_reader *r, size_t length)
{
    r->length = length;
    r->path[length] = '\0';
}

/* "line 7: steps.map", or the whole. */
static const char *place(const tsr_reader *r, char *out, size_t size)
{
    if (r->length && r->text)
        snprintf(out, size, "line %d: %s", tsr_json_line(r->text, r->text_size, r->path), r->path);
    else
        snprintf(out, size, "%s", r->length ? r->path : "the recipe");
    return out;
}

void tsr_reader_fail(tsr_reader *r, const char *format, ...)
{
    if (r->status != TSR_OK) return;
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    char where[sizeof(r->path) + 32];
    r->status = tsr_fail(TSR_ERROR_FILE, "%s %s", place(r, where, sizeof(where)), text);
}

void tsr_reader_pass(tsr_reader *r, tsr_status status)
{
    if (r->status != TSR_OK || status == TSR_OK) return;
    char text[1200];
    snprintf(text, sizeof(text), "%s", tsr_last_error());
    char where[sizeof(r->path) + 32];
    r->status = tsr_fail(status, "%s: %s", place(r, where, sizeof(where)), text);
}

const char *tsr_reader_kind(const cJSON *item)
{
    return cJSON_IsNumber(item)   ? "a number"
           : cJSON_IsString(item) ? "a string"
           : cJSON_IsArray(item)  ? "a list"
           : cJSON_IsObject(item) ? "an object"
           : cJSON_IsBool(item)   ? "true or false"
                                  : "null";
}

/* The number that an item is or, where formulas are known, stands for; NaN: it is none. */
static double number_of(tsr_reader *r, const cJSON *item)
{
    if (cJSON_IsNumber(item)) return item->valuedouble;
    return cJSON_IsString(item) && r->formula ? r->formula(r->user, item->valuestring) : NAN;
}

int64_t tsr_reader_whole(tsr_reader *r, const cJSON *item, int64_t lo, int64_t hi, const char *why)
{
    const double x = r->status == TSR_OK ? number_of(r, item) : 0;
    if (r->status != TSR_OK) return lo;
    char range[96];
    if (hi >= TSR_RECIPE_MAX && !(x > (double)hi)) /* a bound that few numbers meet */
        snprintf(range, sizeof(range), "%lld or more", (long long)lo);
    else if (lo == hi)
        snprintf(range, sizeof(range), "%lld", (long long)lo);
    else
        snprintf(range, sizeof(range), "%lld to %lld", (long long)lo, (long long)hi);
    if (isnan(x))
        tsr_reader_fail(r, "is %s; expected a whole number, %s%s", tsr_reader_kind(item), range, why);
    else if (!(fabs(x) < 9007199254740992.0) || floor(x) != x)
        tsr_reader_fail(r, "is %.17g; expected a whole number, %s%s", x, range, why);
    else if ((int64_t)x < lo || (int64_t)x > hi)
        tsr_reader_fail(r, "is %lld; expected %s%s", (long long)x, range, why);
    else
        return (int64_t)x;
    return lo;
}

tsr_fields tsr_fields_open(tsr_reader *r, const cJSON *object)
{
    if (!cJSON_IsObject(object)) tsr_reader_fail(r, "is %s; expected an object", tsr_reader_kind(object));
    int members = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, object) members++;
    if (members > MEMBERS_MAX) tsr_reader_fail(r, "has %d members; expected at most %d", members, MEMBERS_MAX);
    return (tsr_fields){.r = r, .object = object};
}

const cJSON *tsr_fields_get(tsr_fields *f, const char *name)
{
    if (f->count < TSR_FIELDS_MAX) f->names[f->count++] = name;
    return f->r->status == TSR_OK ? cJSON_GetObjectItemCaseSensitive(f->object, name) : NULL;
}

bool tsr_fields_has(const tsr_fields *f, const char *name)
{
    return f->r->status == TSR_OK && cJSON_GetObjectItemCaseSensitive(f->object, name) != NULL;
}

int64_t tsr_fields_whole(tsr_fields *f, const char *name, int64_t lo, int64_t hi, int64_t fallback)
{
    const cJSON *item = tsr_fields_get(f, name);
    if (!item) {
        if (fallback == TSR_REQUIRED) tsr_reader_fail(f->r, "has no '%s'", name);
        return fallback == TSR_REQUIRED ? lo : fallback;
    }
    const size_t up = tsr_reader_enter(f->r, name);
    const int64_t value = tsr_reader_whole(f->r, item, lo, hi, "");
    tsr_reader_leave(f->r, up);
    return value;
}

double tsr_fields_number(tsr_fields *f, const char *name, double fallback)
{
    const cJSON *item = tsr_fields_get(f, name);
    if (!item) return fallback;
    const size_t up = tsr_reader_enter(f->r, name);
    const double x = f->r->status == TSR_OK ? number_of(f->r, item) : 0;
    if (isnan(x))
        tsr_reader_fail(f->r, "is %s; expected a number", tsr_reader_kind(item));
    else if (!(fabs(x) <= FLT_MAX))
        tsr_reader_fail(f->r, "is %g; expected a number within fp32's range", x);
    tsr_reader_leave(f->r, up);
    return f->r->status == TSR_OK ? x : fallback;
}

bool tsr_fields_flag(tsr_fields *f, const char *name, bool fallback)
{
    const cJSON *item = tsr_fields_get(f, name);
    if (!item) return fallback;
    const size_t up = tsr_reader_enter(f->r, name);
    if (!cJSON_IsBool(item)) tsr_reader_fail(f->r, "is %s; expected true or false", tsr_reader_kind(item));
    tsr_reader_leave(f->r, up);
    return cJSON_IsTrue(item);
}

int tsr_fields_choice(tsr_fields *f, const char *name, const char *const *choices, int fallback)
{
    const cJSON *item = tsr_fields_get(f, name);
    if (!item) return fallback;
    char list[256] = "";
    for (int i = 0; choices[i]; i++) {
        if (cJSON_IsString(item) && strcmp(item->valuestring, choices[i]) == 0) return i;
        const size_t used = strlen(list);
        snprintf(list + used, sizeof(list) - used, "%s'%s'", i == 0 ? "" : choices[i + 1] ? ", " : " or ", choices[i]);
    }
    const size_t up = tsr_reader_enter(f->r, name);
    if (cJSON_IsString(item))
        tsr_reader_fail(f->r, "is '%.64s'; expected %s", item->valuestring, list);
    else
        tsr_reader_fail(f->r, "is %s; expected %s", tsr_reader_kind(item), list);
    tsr_reader_leave(f->r, up);
    return fallback;
}

static bool known(const tsr_fields *f, const char *key)
{
    for (int i = 0; i < f->count; i++)
        if (strcmp(f->names[i], key) == 0) return true;
    return false;
}

void tsr_fields_close(tsr_fields *f)
{
    if (f->r->status != TSR_OK) return;
    const cJSON *item;
    cJSON_ArrayForEach(item, f->object)
    {
        for (const cJSON *other = item->next; other; other = other->next)
            if (strcmp(item->string, other->string) == 0) {
                tsr_reader_fail(f->r, "has '%.64s' twice", item->string);
                return;
            }
        if (known(f, item->string)) continue;
        char list[512] = "";
        for (int i = 0; i < f->count; i++) {
            const size_t used = strlen(list);
            snprintf(list + used, sizeof(list) - used, "%s%s", i == 0 ? "" : i + 1 < f->count ? ", " : " or ", f->names[i]);
        }
        tsr_reader_enter(f->r, item->string);
        tsr_reader_fail(f->r, "is not known; expected %s", f->count ? list : "nothing here");
        return;
    }
}

char *tsr_reader_text(tsr_reader *r, const cJSON *item)
{
    if (r->status != TSR_OK) return NULL;
    size_t size = 1, at = 0, index = 0;
    const cJSON *line;
    if (cJSON_IsString(item)) size += strlen(item->valuestring) + 1;
    cJSON_ArrayForEach(line, item)
    {
        if (!cJSON_IsArray(item) || !cJSON_IsString(line)) {
            const size_t up = tsr_reader_enter_index(r, index);
            tsr_reader_fail(r, "is %s; expected a string, one line", tsr_reader_kind(line));
            tsr_reader_leave(r, up);
            return NULL;
        }
        size += strlen(line->valuestring) + 1;
        index++;
    }
    if (!cJSON_IsString(item) && index == 0) {
        tsr_reader_fail(r, "is %s; expected a string, or a list of lines", cJSON_IsArray(item) ? "an empty list" : tsr_reader_kind(item));
        return NULL;
    }
    char *text = malloc(size);
    if (!text) {
        r->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a text of %zu bytes", size);
        return NULL;
    }
    text[0] = '\0';
    if (cJSON_IsString(item)) memcpy(text, item->valuestring, strlen(item->valuestring) + 1);
    cJSON_ArrayForEach(line, item)
    {
        const size_t length = strlen(line->valuestring);
        if (line != item->child) text[at++] = '\n';
        memcpy(text + at, line->valuestring, length + 1);
        at += length;
    }
    return text;
}

int64_t *tsr_reader_list(tsr_reader *r, const cJSON *item, int64_t lo, int64_t hi, size_t *count)
{
    *count = 0;
    if (r->status != TSR_OK) return NULL;
    size_t n = 0;
    const cJSON *value;
    cJSON_ArrayForEach(value, item) n++;
    if (!cJSON_IsArray(item) || n == 0) {
        tsr_reader_fail(r, "is %s; expected a list of whole numbers", cJSON_IsArray(item) ? "an empty list" : tsr_reader_kind(item));
        return NULL;
    }
    int64_t *list = malloc(n * sizeof(*list));
    if (!list) {
        r->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a list of %zu numbers", n);
        return NULL;
    }
    cJSON_ArrayForEach(value, item)
    {
        const size_t up = tsr_reader_enter_index(r, *count);
        list[(*count)++] = tsr_reader_whole(r, value, lo, hi, "");
        tsr_reader_leave(r, up);
    }
    if (r->status == TSR_OK) return list;
    free(list);
    return NULL;
}
