/* Words of an expression's text. */
#ifndef TSR_EXPRESSION_LEXER_H
#define TSR_EXPRESSION_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum tsr_token_kind { TSR_TOKEN_END, TSR_TOKEN_WHOLE, TSR_TOKEN_REAL, TSR_TOKEN_NAME, TSR_TOKEN_SIGN, TSR_TOKEN_BAD } tsr_token_kind;

/* A sign of one or two characters as one number. */
#define TSR_SIGN(a, b) ((unsigned char)(a) | (unsigned char)(b) << 8)

typedef struct tsr_token {
    tsr_token_kind kind;
    int line, column; /* from 1; a column is a character of UTF-8 */
    const char *text;
    size_t length;
    int sign;
    int64_t whole;
    float real;
    double number; /* the same, of whole numbers too */
    const char *expected; /* TSR_TOKEN_BAD: what would have been right */
} tsr_token;

typedef struct tsr_lexer {
    const char *at, *end;
    int line, column;
} tsr_lexer;

void tsr_lexer_next(tsr_lexer *lexer, tsr_token *out);

/* A letter or _, then letters, digits and _. */
bool tsr_is_name(const char *text, size_t length);

#endif
