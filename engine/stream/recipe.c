/* Policies as JSON texts, which may come from anywhere: length, names, types and ranges are checked; what the numbers mean
 * together is for tsr_stream_create to judge. */
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream/stream.h"

enum { MAX_TEXT = 1 << 16 };

#define REFUSE(...) return tsr_fail(TSR_ERROR_ARGUMENT, __VA_ARGS__)

static tsr_status whole(const cJSON *item, const char *where, int64_t *out)
{
    const double x = item->valuedouble;
    if (!cJSON_IsNumber(item)) REFUSE("argument text: %s.%s is no number; expected a whole one, 0 to 1000000000", where, item->string);
    if (!(x >= 0) || x > 1e9 || floor(x) != x)
        REFUSE("argument text: %s.%s is %.17g; expected a whole number, 0 to 1000000000", where, item->string, x);
    *out = (int64_t)x;
    return TSR_OK;
}

static tsr_status truth(const cJSON *item, const char *where, uint32_t *out)
{
    if (!cJSON_IsBool(item)) REFUSE("argument text: %s.%s is not true or false", where, item->string);
    *out = cJSON_IsTrue(item) ? 1 : 0;
    return TSR_OK;
}

/* One of the names, as its number. */
static tsr_status word(const cJSON *item, const char *where, const char *const *names, int count, int *out)
{
    for (int i = 0; i < count && cJSON_IsString(item); i++) {
        if (strcmp(item->valuestring, names[i]) != 0) continue;
        *out = i;
        return TSR_OK;
    }
    char list[64] = "";
    for (int i = 0; i < count; i++)
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", names[i]);
    REFUSE("argument text: %s.%s is %.64s; expected %s", where, item->string, cJSON_IsString(item) ? item->valuestring : "no text", list);
}

/* An object whose members have names, each its own. */
static tsr_status members(const cJSON *object, const char *where)
{
    if (!cJSON_IsObject(object)) REFUSE("argument text: %s is not an object", where);
    int count = 0;
    const cJSON *a, *b;
    cJSON_ArrayForEach(a, object)
    {
        if (++count > 64) REFUSE("argument text: %s has more than 64 members", where);
        for (b = a->next; b; b = b->next)
            if (strcmp(a->string, b->string) == 0) REFUSE("argument text: %s.%.64s comes twice", where, a->string);
    }
    return TSR_OK;
}

static tsr_status read_kind(const cJSON *object, tsr_stream_kind *kind)
{
    static const char *const rules[] = {"oldest", "lowest score", "by list"};
    tsr_status status = members(object, "kinds");
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        if (status != TSR_OK) return status;
        int rule = 0;
        if (strcmp(item->string, "frame") == 0)
            status = whole(item, "kinds", &kind->frame);
        else if (strcmp(item->string, "sink") == 0)
            status = whole(item, "kinds", &kind->sink);
        else if (strcmp(item->string, "window") == 0)
            status = whole(item, "kinds", &kind->window);
        else if (strcmp(item->string, "keep") == 0)
            status = whole(item, "kinds", &kind->keep);
        else if (strcmp(item->string, "recent") == 0)
            status = whole(item, "kinds", &kind->recent);
        else if (strcmp(item->string, "rule") == 0) {
            status = word(item, "kinds", rules, 3, &rule);
            kind->rule = (tsr_stream_evict_rule)rule;
        } else if (strcmp(item->string, "name") != 0)
            REFUSE("argument text: kinds.%.64s is unknown; expected name, frame, sink, window, keep, recent or rule", item->string);
    }
    return status;
}

static tsr_status read_kinds(const cJSON *list, tsr_stream_desc *d)
{
    const int count = cJSON_GetArraySize(list);
    if (!cJSON_IsArray(list) || count < 1 || count > TSR_STREAM_KINDS)
        REFUSE("argument text: kinds is not a list of 1 to %d kinds", TSR_STREAM_KINDS);
    memset(d->kinds, 0, sizeof(d->kinds));
    d->kind_count = 0;
    tsr_status status = TSR_OK;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (status == TSR_OK) status = read_kind(item, &d->kinds[d->kind_count++]);
    }
    return status;
}

static tsr_status read_axes(const cJSON *list, tsr_stream_rope *rope)
{
    const int count = cJSON_GetArraySize(list);
    if (!cJSON_IsArray(list) || count > TSR_STREAM_AXES) REFUSE("argument text: rope.axes is not a list of at most %d axes", TSR_STREAM_AXES);
    memset(rope->channels, 0, sizeof(rope->channels));
    memset(rope->theta, 0, sizeof(rope->theta));
    rope->axes = 0;
    const cJSON *axis, *item;
    cJSON_ArrayForEach(axis, list)
    {
        tsr_status status = members(axis, "rope.axes");
        cJSON_ArrayForEach(item, axis)
        {
            if (status != TSR_OK) return status;
            if (strcmp(item->string, "channels") == 0)
                status = whole(item, "rope.axes", &rope->channels[rope->axes]);
            else if (strcmp(item->string, "theta") == 0 && cJSON_IsNumber(item))
                rope->theta[rope->axes] = item->valuedouble;
            else
                REFUSE("argument text: rope.axes.%.64s is unknown or no number; expected channels or theta", item->string);
        }
        if (status != TSR_OK) return status;
        rope->axes++;
    }
    return TSR_OK;
}

static tsr_status read_grid(const cJSON *list, tsr_stream_rope *rope)
{
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != 2) REFUSE("argument text: rope.grid is not a list of two numbers");
    for (int i = 0; i < 2; i++) {
        const double x = cJSON_GetNumberValue(cJSON_GetArrayItem(list, i));
        if (!(x >= 1) || x > 1e9 || floor(x) != x) REFUSE("argument text: rope.grid[%d] is not a whole number; expected 1 or more", i);
        rope->grid[i] = (int64_t)x;
    }
    return TSR_OK;
}

static tsr_status read_rope(const cJSON *object, tsr_stream_rope *rope)
{
    tsr_status status = members(object, "rope");
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        if (status != TSR_OK) return status;
        if (strcmp(item->string, "half") == 0)
            status = truth(item, "rope", &rope->half);
        else if (strcmp(item->string, "joint") == 0)
            status = truth(item, "rope", &rope->joint);
        else if (strcmp(item->string, "together") == 0)
            status = truth(item, "rope", &rope->together);
        else if (strcmp(item->string, "axes") == 0)
            status = read_axes(item, rope);
        else if (strcmp(item->string, "grid") == 0)
            status = read_grid(item, rope);
        else
            REFUSE("argument text: rope.%.64s is unknown; expected half, joint, together, axes or grid", item->string);
    }
    return status;
}

/* Is it one of the members that are for readers of the file? */
static bool for_readers(const char *name)
{
    static const char *const words[] = {"name", "system", "paper", "exact", "simplified", "note"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(name, words[i]) == 0) return true;
    return false;
}

static tsr_status read_recipe(const cJSON *root, tsr_stream_desc *d)
{
    static const char *const times[] = {"kept", "closed"};
    tsr_status status = members(root, "the recipe");
    const cJSON *item;
    cJSON_ArrayForEach(item, root)
    {
        if (status != TSR_OK) return status;
        int time = 0;
        if (strcmp(item->string, "kinds") == 0)
            status = read_kinds(item, d);
        else if (strcmp(item->string, "time") == 0) {
            status = word(item, "the recipe", times, 2, &time);
            d->time = (tsr_stream_time)time;
        } else if (strcmp(item->string, "probabilities") == 0)
            status = truth(item, "the recipe", &d->probabilities);
        else if (strcmp(item->string, "sink_overlap") == 0)
            status = truth(item, "the recipe", &d->sink_overlap);
        else if (strcmp(item->string, "causal") == 0)
            status = truth(item, "the recipe", &d->causal);
        else if (strcmp(item->string, "ema") == 0 && cJSON_IsNumber(item))
            d->ema = item->valuedouble;
        else if (strcmp(item->string, "rope") == 0)
            status = read_rope(item, &d->rope);
        else if (!for_readers(item->string))
            REFUSE("argument text: %.64s is unknown or of a wrong type; expected name, system, paper, exact, simplified, note, kinds, time, "
                   "sink_overlap, ema, probabilities, causal or rope",
                   item->string);
    }
    return status;
}

tsr_status tsr_stream_recipe(const char *text, size_t length, tsr_stream_desc *desc)
{
    if (!text || !desc) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", text ? "desc" : "text");
    if (length == 0) length = strnlen(text, MAX_TEXT + 1);
    if (length > MAX_TEXT) REFUSE("argument text is longer than %d bytes; expected a recipe", MAX_TEXT);
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(text, length, &end, 0);
    while (root && end < text + length && *end && strchr(" \t\r\n", *end)) end++;
    const bool whole_text = root && (end == text + length || *end == '\0');
    tsr_stream_desc copy = *desc;
    const tsr_status status =
        whole_text ? read_recipe(root, &copy)
                   : tsr_fail(TSR_ERROR_ARGUMENT, "argument text is not JSON from byte %zu on", end ? (size_t)(end - text) : (size_t)0);
    cJSON_Delete(root);
    if (status == TSR_OK) *desc = copy;
    return status;
}
