/* Recipes as commands take them: a file, or the name of one that is installed with the command. */
#ifndef RECIPE_FILE_H
#define RECIPE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "tessera/tessera.h"

/* The text, malloc'd, with a NUL behind it. NULL: an error was printed. */
char *recipe_file_read(const char *command, const char *name);
/* The same for recipes of another kind, installed in a folder of that name ("stream/"). */
char *recipe_file_read_of(const char *command, const char *family, const char *name);

/* T,H,W or H,W or W, as an option gives them; axes that are left out get 1. false: an error was printed. text NULL: all zero. */
bool recipe_parse_axes(const char *command, const char *option, const char *text, int64_t axes[3]);

/* As cli_fail, for what a recipe's reader refused: an expression that does not compile is bad input too. */
int recipe_fail(const char *command, tsr_status status);

#endif
