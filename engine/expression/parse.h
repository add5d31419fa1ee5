/* From an expression's text to its program. */
#ifndef TSR_EXPRESSION_PARSE_H
#define TSR_EXPRESSION_PARSE_H

#include "build.h"

/* Does a variable or a function have that name? */
bool tsr_expression_is_builtin(const char *name, size_t length);

/* desc is checked but for its text. *root: a truth value for a mask, a real for a score. TSR_ERROR_COMPILE. */
tsr_status tsr_expression_parse(const tsr_expression_desc *desc, size_t length, tsr_builder *builder, uint16_t *root);

#endif
