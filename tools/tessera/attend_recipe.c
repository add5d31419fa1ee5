/* The options of tessera attend that say who attends whom, put together as one recipe. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attend.h"
#include "recipe_file.h"

/* {"name": value} */
static cJSON *named(const char *name, cJSON *value)
{
    cJSON *o = cJSON_CreateObject();
    if (!cJSON_AddItemToObject(o, name, value)) cJSON_Delete(value);
    return o;
}

/* {"union": [a, b]} or {"intersection": [a, b]} */
static cJSON *both(const char *how, cJSON *a, cJSON *b)
{
    cJSON *list = cJSON_CreateArray();
    cJSON_AddItemToArray(list, a);
    cJSON_AddItemToArray(list, b);
    return named(how, list);
}

static cJSON *one_number(const char *pattern, const char *parameter, double value)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, parameter, value);
    return named(pattern, o);
}

/* --window and --causal as sets; bounds of the window, or the causal bound alone. */
static cJSON *window_set(const attend *a)
{
    cJSON *o = cJSON_CreateObject();
    if (a->desc.band.left != TSR_UNBOUNDED) cJSON_AddNumberToObject(o, "left", (double)a->desc.band.left);
    if (a->desc.band.right != TSR_UNBOUNDED) cJSON_AddNumberToObject(o, "right", (double)a->desc.band.right);
    if (a->align) cJSON_AddStringToObject(o, "align", a->align);
    return named("window", o);
}

static cJSON *causal_set(const attend *a)
{
    cJSON *o = cJSON_CreateObject();
    if (a->align) cJSON_AddStringToObject(o, "align", a->align);
    return named("causal", o);
}

/* "8,3,5" as a list; NULL: an error was printed. */
static cJSON *lengths(const char *text)
{
    cJSON *list = cJSON_CreateArray();
    for (const char *at = text;; at++) {
        char *end;
        const long long n = strtoll(at, &end, 10);
        if (end == at || n < 0 || (*end && *end != ',')) {
            cli_error(ATTEND_NAME, EXIT_INPUT, "argument --document-lengths is '%s'; expected lengths as 8,3,5", text);
            cJSON_Delete(list);
            return NULL;
        }
        cJSON_AddItemToArray(list, cJSON_CreateNumber((double)n));
        if (!*end) return list;
        at = end;
    }
}

/* ((set within the window, or a sink) and causal) and the expression and the document. set NULL: everyone. */
static cJSON *wrap(const attend *a, cJSON *set, const cJSON *documents)
{
    if (a->sinks) {
        if (!set) set = named("all", cJSON_CreateObject());
        if (a->desc.band.bounded) set = both("intersection", set, window_set(a));
        set = both("union", set, one_number("sinks", "tokens", a->sinks));
        if (a->desc.band.bounded && a->desc.band.right == 0) set = both("intersection", set, causal_set(a));
    }
    cJSON *more[2] = {a->mask_text ? named("expression", cJSON_CreateString(a->mask_text)) : NULL,
                      documents ? named("document", named("lengths", cJSON_Duplicate(documents, true))) : NULL};
    for (int i = 0; i < 2; i++)
        if (more[i]) set = set ? both("intersection", set, more[i]) : more[i];
    return set;
}

static char *compose(attend *a, const char *base, const cJSON *documents)
{
    cJSON *recipe = cJSON_Parse(base);
    if (!cJSON_IsObject(recipe)) { /* the recipe's reader says what is wrong with it */
        cJSON_Delete(recipe);
        return strdup(base);
    }
    const cJSON *heads = cJSON_GetObjectItemCaseSensitive(recipe, "heads");
    if (heads) {
        cJSON *entry;
        cJSON_ArrayForEach(entry, heads)
        {
            cJSON *set = cJSON_DetachItemFromObjectCaseSensitive(entry, "set");
            if (set) cJSON_AddItemToObject(entry, "set", wrap(a, set, documents));
        }
    } else {
        cJSON *set = wrap(a, cJSON_DetachItemFromObjectCaseSensitive(recipe, "set"), documents);
        if (set) cJSON_AddItemToObject(recipe, "set", set);
    }
    if (a->score) {
        cJSON_DeleteItemFromObjectCaseSensitive(recipe, "score");
        cJSON_AddStringToObject(recipe, "score", a->score);
    }
    char *text = cJSON_PrintUnformatted(recipe);
    cJSON_Delete(recipe);
    return text;
}

char *attend_recipe_text(attend *a, int *code)
{
    *code = EXIT_INPUT;
    if (a->sinks < 0) {
        cli_error(ATTEND_NAME, EXIT_INPUT, "argument --sinks is %d; expected 0 or more", a->sinks);
        return NULL;
    }
    if (a->recipe_name && a->set_text) {
        cli_error(ATTEND_NAME, EXIT_INPUT, "arguments --recipe and --set are both given; expected one of them");
        return NULL;
    }
    cJSON *documents = a->documents ? lengths(a->documents) : NULL;
    if (a->documents && !documents) return NULL;
    char *base = NULL, *text = NULL;
    if (a->recipe_name) {
        base = recipe_file_read(ATTEND_NAME, a->recipe_name);
    } else {
        const size_t size = (a->set_text ? strlen(a->set_text) : 0) + 16;
        base = malloc(size);
        if (base) snprintf(base, size, a->set_text ? "{\"set\":%s}" : "{%s}", a->set_text ? a->set_text : "");
    }
    const bool more = a->sinks || a->mask_text || a->score || documents;
    if (base && !more && !a->recipe_name && !a->set_text) {
        *code = -1;
    } else if (base) {
        text = more ? compose(a, base, documents) : strdup(base);
        if (!text) cli_error(ATTEND_NAME, EXIT_INPUT, "no memory for a recipe");
    }
    if (a->sinks) a->desc.band = (tsr_band){0};
    cJSON_Delete(documents);
    free(base);
    return text;
}
