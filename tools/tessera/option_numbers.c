/* What popt would not tell well, checked before it reads the arguments: numbers (it names no option, and takes an empty text for 0), empty names. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static unsigned kind_of(const struct poptOption *o) { return o->argInfo & POPT_ARG_MASK; }

static bool takes_number(const struct poptOption *o)
{
    const unsigned kind = kind_of(o);
    return kind == POPT_ARG_INT || kind == POPT_ARG_LONG || kind == POPT_ARG_LONGLONG || kind == POPT_ARG_DOUBLE;
}

/* The option that an argument names, or the last of several letters; *value is what stands in the same argument behind it, or NULL. */
static const struct poptOption *find(const struct poptOption *options, const char *argument, const char **value)
{
    const bool named = argument[0] == '-' && argument[1] == '-';
    const char *at = argument + 1 + named;
    *value = NULL;
    if (argument[0] != '-' || !*at) return NULL;
    const size_t length = strcspn(at, "=");
    if (named && at[length]) *value = at + length + 1;
    while (*at) {
        const struct poptOption *o = options;
        while ((o->longName || o->shortName || o->arg) &&
               (named ? !o->longName || strlen(o->longName) != length || strncmp(o->longName, at, length) != 0 : o->shortName != *at))
            o++;
        if (!o->longName && !o->shortName) return NULL;
        if (named) return o;
        at++;
        if (kind_of(o) == POPT_ARG_NONE && *at) continue;
        if (*at) *value = at + (*at == '=');
        return o;
    }
    return NULL;
}

static int check(const char *command, const struct poptOption *o, const char *text)
{
    const bool whole = kind_of(o) != POPT_ARG_DOUBLE, narrow = kind_of(o) == POPT_ARG_INT;
    const long long least = o->val == CLI_FROM_1 ? 1 : o->val == CLI_FROM_0 ? 0 : narrow ? INT_MIN : LLONG_MIN, most = narrow ? INT_MAX : LLONG_MAX;
    char *end;
    errno = 0;
    const double real = whole ? 0 : strtod(text, &end);
    const long long n = whole ? strtoll(text, &end, 0) : 0;
    const bool beyond = errno == ERANGE;
    if (end == text || *end || !isfinite(real))
        return cli_error(command, EXIT_INPUT, "argument --%s is '%s'; expected a %snumber%s", o->longName, text, whole ? "whole " : "",
                         o->val == CLI_FROM_1   ? ", 1 or more"
                         : o->val == CLI_FROM_0 ? ", 0 or more"
                                                : "");
    if (!whole || (n >= least && n <= most && !beyond)) return -1;
    return n < least || n < 0 ? cli_error(command, EXIT_INPUT, "argument --%s is %s; expected %lld or more", o->longName, text, least)
                              : cli_error(command, EXIT_INPUT, "argument --%s is %s; expected at most %lld", o->longName, text, most);
}

int cli_check_numbers(const char *command, int argc, const char *const *argv, const struct poptOption *options)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *value;
        if (!argv[i][0]) return cli_error(command, EXIT_INPUT, "an argument is empty; expected a name; see tessera %s --help", command);
        const struct poptOption *o = find(options, argv[i], &value);
        if (!o || kind_of(o) == POPT_ARG_NONE || (!value && ++i == argc)) continue;
        const int code = takes_number(o) ? check(command, o, value ? value : argv[i]) : -1;
        if (code >= 0) return code;
    }
    return -1;
}
