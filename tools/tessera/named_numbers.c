/* NAME=VALUE options. */
#include "named_numbers.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

bool named_numbers_name(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!isalpha((unsigned char)text[i]) && text[i] != '_' && (i == 0 || !isdigit((unsigned char)text[i]))) return false;
    return length > 0;
}

int named_numbers_read(const char *command, const char *option, const char **texts, named_numbers *out)
{
    size_t count = 0;
    while (texts && texts[count]) count++;
    out->numbers = calloc(count + 1, sizeof(*out->numbers));
    out->names = calloc(count + 1, sizeof(*out->names));
    if (!out->numbers || !out->names) return cli_error(command, EXIT_INPUT, "no memory for %zu numbers", count);
    for (size_t i = 0; i < count; i++) {
        const char *text = texts[i], *equals = strchr(text, '=');
        char *end = NULL;
        const float value = equals ? strtof(equals + 1, &end) : 0;
        if (!equals || !named_numbers_name(text, (size_t)(equals - text)) || end == equals + 1 || *end)
            return cli_error(command, EXIT_INPUT, "argument %s is '%s'; expected NAME=VALUE, as slope=0.5", option, text);
        if (!(out->names[i] = strndup(text, (size_t)(equals - text)))) return cli_error(command, EXIT_INPUT, "no memory for a number");
        out->numbers[out->count++] = (tsr_named_scalar){out->names[i], value};
    }
    return -1;
}

void named_numbers_free(named_numbers *n)
{
    for (size_t i = 0; i < n->count; i++) free(n->names[i]);
    free(n->numbers);
    free(n->names);
}
