/* Attention over sets: a problem of the grid whose heads have published patterns. */
#ifndef SET_CASE_H
#define SET_CASE_H

#include "grid.h"
#include "oracle/patterns.h"

typedef struct set_case {
    char name[72];
    bool full;   /* too large for a quick run */
    grid_case c; /* its sets are the ones below */
    int count;
    oracle_set set[GRID_SETS];
} set_case;

/* Cases of one theme. The names do not depend on the seed; the numbers of random cases do. */
typedef struct set_theme {
    const char *name;
    int count;
    void (*make)(int number, uint64_t seed, set_case *out);
} set_theme;

extern const set_theme set_natten, set_natten_extended, set_natten_heads, set_natten_random, set_flash, set_decode, set_masks, set_varlen, set_mixed,
    set_random, set_machine, set_matrix, set_packed;
int set_matrix_count(void); /* its cases are those of others */

/* Fills in a case of so many heads; keys are shared by groups of heads. */
void set_size(set_case *s, tsr_dtype type, int heads, int kv_heads, int64_t nq, int64_t nk, int d, int dv);
/* Large cases are not for quick runs, the largest are compared in a sample of their rows. pairs: visited by all heads. */
void set_cost(set_case *s, double pairs);

/* set_draw.c. A random set of any kind over at most so many queries and keys, and their numbers; and a random NATTEN pattern of so
 * many axes, as NATTEN's own tests draw it. */
void set_draw(oracle_rng *r, int64_t most, oracle_set *out, int64_t *nq, int64_t *nk);
oracle_pattern set_draw_natten(oracle_rng *r, int rank, int64_t most);
/* A number from low to high. */
int64_t set_between(oracle_rng *r, int64_t low, int64_t high);

int64_t set_tokens(const oracle_set *s);
/* Pairs of one head with a NATTEN pattern, causal or not. */
double set_natten_pairs(const oracle_pattern *p);

/* The parameters in words, for messages. */
void set_describe(const oracle_set *s, char *text, size_t size);

#endif
