/* Random expressions with their values, worked out one point at a time from the definitions. */
#ifndef ORACLE_EXPRESSION_H
#define ORACLE_EXPRESSION_H

#include "oracle.h"
#include "tessera/tessera_expression.h"

enum { ORACLE_EXPRESSION_NODES = 256, ORACLE_VARIABLES = 12 };

/* b h nq nk q qt qh qw kv kt kh kw */
typedef struct oracle_point {
    int64_t variable[ORACLE_VARIABLES];
    float score;
} oracle_point;

/* A formula as a tree; ops are characters. */
typedef struct oracle_term {
    char op, type; /* type: t truth, w whole, r real */
    int arg[3];
    int64_t whole;
    float real;
} oracle_term;

typedef struct oracle_expression {
    oracle_term terms[ORACLE_EXPRESSION_NODES];
    int count, root;
    const tsr_expression_desc *desc; /* its scalars and tensors are used; tensors of rank 1 and 2 */
    bool smooth;                     /* without steps where reals round: no floor of reals, no comparison of them; else without tanh */
    bool score;                      /* may use score */
    oracle_rng *jitter;              /* not NULL: values of real operations are off by up to 2^-21, as a device's may be */
} oracle_expression;

/* type: of the result. The text is written to text, an empty one where it does not fit. */
void oracle_expression_make(oracle_expression *e, oracle_rng *r, char type, int size, char *text, size_t room);

/* The value of a term: whole for truth values (0 or 1) and whole numbers. */
typedef struct oracle_value {
    int64_t whole;
    float real;
} oracle_value;
oracle_value oracle_expression_value(const oracle_expression *e, int term, const oracle_point *at);

#endif
