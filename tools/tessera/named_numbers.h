/* Numbers with names, as options give them: NAME=VALUE. */
#ifndef NAMED_NUMBERS_H
#define NAMED_NUMBERS_H

#include <stdbool.h>

#include "tessera/tessera_expression.h"

typedef struct named_numbers {
    tsr_named_scalar *numbers;
    char **names;
    size_t count;
} named_numbers;

/* texts: the last one NULL; NULL: none. -1: done; else the exit code. Freed in either case. */
int named_numbers_read(const char *command, const char *option, const char **texts, named_numbers *out);
void named_numbers_free(named_numbers *n);

/* Letters, digits and _, no digit in front. */
bool named_numbers_name(const char *text, size_t length);

#endif
