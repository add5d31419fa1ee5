/* Follows a path through a JSON text, which is valid. */
#include "line.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* As much of a key as paths hold. */
enum { KEY_MAX = 64 };

typedef struct cursor {
    const char *at, *end;
} cursor;

static char peek(const cursor *c) { return c->at < c->end ? *c->at : '\0'; }

static void skip_blanks(cursor *c)
{
    while (c->at < c->end && memchr(" \t\r\n,:", *c->at, 6)) c->at++;
}

static void skip_string(cursor *c)
{
    for (c->at++; c->at < c->end && *c->at != '"'; c->at++)
        if (*c->at == '\\' && c->at + 1 < c->end) c->at++;
    if (c->at < c->end) c->at++;
}

static void skip_value(cursor *c)
{
    int depth = 0;
    skip_blanks(c);
    do {
        const char x = peek(c);
        if (x == '"') {
            skip_string(c);
            continue;
        }
        if (x == '{' || x == '[') depth++;
        if (x == '}' || x == ']') depth--;
        if (depth < 0) return; /* the end of what the value is missing from */
        c->at++;
    } while (c->at < c->end && (depth > 0 || !memchr(" \t\r\n,:]}", *c->at, 8)));
}

/* The rest of the path behind this key; NULL: it names another. */
static const char *behind_key(const char *path, const char *key, size_t length)
{
    if (length > KEY_MAX) length = KEY_MAX;
    if (strncmp(path, key, length) != 0) return NULL;
    return path[length] == '\0' || path[length] == '.' || path[length] == '[' ? path + length : NULL;
}

/* To the member of an object that the path names, whose key is then at key; false: there is none. */
static bool enter_member(cursor *c, const char **path, const char **key)
{
    if (**path == '.') (*path)++;
    if (peek(c) != '{') return false;
    for (c->at++, skip_blanks(c); peek(c) == '"'; skip_blanks(c)) {
        const char *begin = c->at;
        skip_string(c);
        const char *rest = c->at - begin >= 2 ? behind_key(*path, begin + 1, (size_t)(c->at - begin) - 2) : NULL;
        skip_blanks(c);
        if (rest) {
            *path = rest, *key = begin;
            return true;
        }
        skip_value(c);
    }
    return false;
}

static bool enter_element(cursor *c, const char **path, const char **key)
{
    char *end;
    const long long index = strtoll(*path + 1, &end, 10);
    if (peek(c) != '[' || *end != ']') return false;
    c->at++;
    skip_blanks(c);
    for (long long i = 0; i < index && peek(c) && peek(c) != ']'; i++) {
        skip_value(c);
        skip_blanks(c);
    }
    *path = end + 1, *key = c->at;
    return peek(c) != '\0' && peek(c) != ']';
}

int tsr_json_line(const char *text, size_t size, const char *path)
{
    cursor c = {text, text + size};
    const char *found = NULL;
    skip_blanks(&c);
    found = c.at;
    while (*path)
        if (!(*path == '[' ? enter_element(&c, &path, &found) : enter_member(&c, &path, &found))) break;
    int line = 1;
    for (const char *p = text; p < found; p++) line += *p == '\n';
    return line;
}
