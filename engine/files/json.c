/* JSON texts from outside: encoding, nesting, size, and nothing around them. */
#include "json.h"

#include <math.h>
#include <string.h>

#define FAIL(format, ...) tsr_fail(TSR_ERROR_FILE, "%s: " format, owner, __VA_ARGS__)

bool tsr_json_whole(const cJSON *item, uint64_t *out)
{
    if (!cJSON_IsNumber(item)) return false;
    const double x = item->valuedouble;
    if (!(x >= 0) || x >= 9007199254740992.0 || floor(x) != x) return false;
    *out = (uint64_t)x;
    return true;
}

int tsr_json_count(const cJSON *object, const char *key)
{
    int n = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, object) n += strcmp(item->string, key) == 0;
    return n;
}

/* Bytes of the UTF-8 sequence at text; 0: not one (overlong, a surrogate, beyond U+10FFFF, cut off). */
static size_t utf8_length(const unsigned char *text, size_t size)
{
    const unsigned char lead = text[0];
    const size_t n = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : (lead & 0xf0) == 0xe0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
    if (n > size) return 0;
    for (size_t i = 1; i < n; i++)
        if ((text[i] & 0xc0) != 0x80) return 0;
    if ((lead == 0xe0 && text[1] < 0xa0) || (lead == 0xed && text[1] >= 0xa0) || (lead == 0xf0 && text[1] < 0x90) ||
        (lead == 0xf4 && text[1] >= 0x90))
        return 0;
    return n;
}

/* cJSON does not look at the encoding; it ends strings at the first NUL: an escaped one would make two names of one. It would also read
 * far too deep a nesting on the stack: its own limit is 1000. */
static tsr_status check_text(const char *owner, const char *part, const char *text, size_t size, tsr_json_limits limits)
{
    int depth = 0;
    size_t values = 1; /* the first of a container, or behind a comma */
    bool quoted = false;
    for (size_t i = 0, n = 0; i < size; i += n) {
        n = utf8_length((const unsigned char *)text + i, size - i);
        if (n == 0) return FAIL("%s is not UTF-8 at byte %zu", part, i);
    }
    for (size_t i = 0; i < size; i++) {
        values += !quoted && (text[i] == ',' || text[i] == '{' || text[i] == '[');
        if (text[i] == '\0') return FAIL("%s has a NUL byte at %zu", part, i);
        if (quoted && text[i] == '\\') {
            if (i + 5 < size && memcmp(text + i, "\\u0000", 6) == 0) return FAIL("%s has an escaped NUL at %zu", part, i);
            i++;
        } else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted && (text[i] == '{' || text[i] == '[') && ++depth > limits.depth)
            return FAIL("%s nests deeper than %d at %zu", part, limits.depth, i);
        else if (!quoted && (text[i] == '}' || text[i] == ']'))
            depth--;
    }
    if (values > limits.values) return FAIL("%s has %zu values; expected at most %zu", part, values, limits.values);
    if (limits.blanks)
        while (size > 0 && memchr(" \t\r\n", *text, 4)) text++, size--;
    if (size == 0 || text[0] != '{')
        return FAIL("%s is no JSON object: it begins with byte %d; expected '{'", part, size ? (unsigned char)text[0] : 0);
    return TSR_OK;
}

static int line_of(const char *text, const char *place)
{
    int line = 1;
    for (const char *p = text; p < place; p++) line += *p == '\n';
    return line;
}

tsr_status tsr_json_parse(const char *owner, const char *part, const char *text, size_t size, tsr_json_limits limits, cJSON **out)
{
    const tsr_status status = check_text(owner, part, text, size, limits);
    if (status != TSR_OK) return status;
    const char *end = NULL;
    cJSON *root = cJSON_ParseWithLengthOpts(text, size, &end, false);
    if (!root) return FAIL("%s is not JSON (line %d, byte %td of it)", part, line_of(text, end), end ? end - text : (ptrdiff_t)0);
    while (end < text + size && (*end == ' ' || *end == '\n' || *end == '\t' || *end == '\r')) end++;
    if (end != text + size) {
        cJSON_Delete(root);
        return FAIL("%td bytes follow the JSON of %s", text + size - end, part);
    }
    *out = root;
    return TSR_OK;
}
