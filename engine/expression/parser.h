/* The state of a parse, and how values are made of values: types are checked here. */
#ifndef TSR_EXPRESSION_PARSER_H
#define TSR_EXPRESSION_PARSER_H

#include "build.h"
#include "lexer.h"

enum { TSR_PARSE_MAX_ARGS = 4 };

typedef struct tsr_parse_name {
    const char *text;
    size_t length;
    uint16_t node;
} tsr_parse_name;

typedef struct tsr_parser {
    tsr_lexer lexer;
    tsr_token now, next;
    const tsr_expression_desc *desc;
    tsr_builder *builder;
    int depth;
    bool failed;
    uint32_t named;
    tsr_parse_name names[TSR_EXPRESSION_MAX_NAMES];
} tsr_parser;

/* A node and where its text begins. */
typedef struct tsr_parsed {
    uint16_t node;
    tsr_token at;
} tsr_parsed;

/* Sets the error, if it is the first, and ends the text, so that everybody returns. */
void tsr_parse_refuse(tsr_parser *p, const tsr_token *at, const char *found, const char *format, ...) __attribute__((format(printf, 4, 5)));
void tsr_parse_refuse_token(tsr_parser *p, const tsr_token *t, const char *expected);

/* Refuses a program of too many operations. */
void tsr_parse_refuse_full(tsr_parser *p);

/* Each refuses values of the wrong type. sign: see TSR_SIGN. */
tsr_parsed tsr_parse_make_binary(tsr_parser *p, int sign, tsr_parsed a, tsr_parsed b);
tsr_parsed tsr_parse_make_not(tsr_parser *p, tsr_parsed a);
tsr_parsed tsr_parse_make_negative(tsr_parser *p, tsr_parsed a);
tsr_parsed tsr_parse_make_select(tsr_parser *p, tsr_parsed c, tsr_parsed yes, tsr_parsed no);
tsr_parsed tsr_parse_make_tensor(tsr_parser *p, uint16_t slot, const tsr_parsed *indices, int count);

/* A function of count arguments; real: of reals alone. MIN of three is clamp. */
tsr_parsed tsr_parse_make_call(tsr_parser *p, tsr_expression_op op, bool real, const tsr_parsed *args, int count);

/* What the whole text gives: a truth value for a mask, a real for a score. */
tsr_parsed tsr_parse_make_result(tsr_parser *p, tsr_parsed v);

#endif
