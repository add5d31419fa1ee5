/* Which heads a set is for: numbers, ranges, "even", "odd", "first half", "second half", "rest", "all". */
#include <stdlib.h>
#include <string.h>

#include "recipe.h"

static void take(tsr_reader *r, uint32_t head, uint32_t set, uint32_t *of_head)
{
    if (r->status == TSR_OK && of_head[head] != UINT32_MAX)
        tsr_reader_fail(r, "takes head %u, which has the set of heads[%u] already", head, of_head[head]);
    else
        of_head[head] = set;
}

/* "3" or "0-3" or "0-3,8"; false: not of that form. */
static bool ranges(tsr_reader *r, const char *text, uint32_t set, uint32_t *of_head, uint32_t heads)
{
    for (const char *at = text;; at++) {
        char *end;
        if (*at < '0' || *at > '9') return false;
        const unsigned long long first = strtoull(at, &end, 10);
        unsigned long long last = first;
        if (*end == '-') {
            at = end + 1;
            if (*at < '0' || *at > '9') return false;
            last = strtoull(at, &end, 10);
        }
        if (*end && *end != ',') return false;
        if (first > last || last >= heads) {
            tsr_reader_fail(r, "is '%.64s'; expected heads 0 to %u, the lower first", text, heads - 1);
            return true;
        }
        for (uint32_t h = (uint32_t)first; h <= (uint32_t)last; h++) take(r, h, set, of_head);
        if (!*end) return true;
        at = end;
    }
}

static bool named(tsr_reader *r, const char *name, uint32_t set, uint32_t *of_head, uint32_t heads)
{
    static const char *const names[] = {"all", "even", "odd", "first half", "second half", "rest"};
    for (int i = 0; i < 6; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        for (uint32_t h = 0; h < heads; h++) {
            const bool in[6] = {true, h % 2 == 0, h % 2 == 1, h < (heads + 1) / 2, h >= (heads + 1) / 2, of_head[h] == UINT32_MAX};
            if (in[i]) take(r, h, set, of_head);
        }
        return true;
    }
    return false;
}

void tsr_recipe_select(tsr_reader *r, const cJSON *selector, uint32_t set, uint32_t *of_head, uint32_t heads)
{
    if (cJSON_IsString(selector)) {
        const char *text = selector->valuestring;
        if (!named(r, text, set, of_head, heads) && !ranges(r, text, set, of_head, heads))
            tsr_reader_fail(r, "is '%.64s'; expected numbers, 'all', 'even', 'odd', 'first half', 'second half', 'rest' or ranges such as '0-3,8'",
                            text);
        return;
    }
    if (!cJSON_IsArray(selector)) {
        take(r, (uint32_t)tsr_reader_whole(r, selector, 0, (int64_t)heads - 1, ", the heads"), set, of_head);
        return;
    }
    size_t count;
    int64_t *list = tsr_reader_list(r, selector, 0, (int64_t)heads - 1, &count);
    for (size_t i = 0; list && i < count; i++) take(r, (uint32_t)list[i], set, of_head);
    free(list);
}
