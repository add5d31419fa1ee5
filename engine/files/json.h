/* JSON texts from outside: checked before the parser sees them. */
#ifndef TSR_JSON_H
#define TSR_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "backend.h"

/* Of nesting, and of values: each costs the parser a hundred bytes where the text spends two. */
typedef struct tsr_json_limits {
    int depth;
    size_t values;
    bool blanks; /* may stand before the object */
} tsr_json_limits;

/* An object, with nothing before or behind it. Errors (TSR_ERROR_FILE) begin with owner and name the part of it that the text is. */
tsr_status tsr_json_parse(const char *owner, const char *part, const char *text, size_t size, tsr_json_limits limits, cJSON **out);

/* Is it a whole number, from 0 to below 2^53? Numbers pass through doubles: from there on they may have been rounded. */
bool tsr_json_whole(const cJSON *item, uint64_t *out);

/* How often the key is there: cJSON keeps one that comes twice, and readers would differ in which one they take. */
int tsr_json_count(const cJSON *object, const char *key);

#endif
