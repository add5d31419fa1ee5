/* Published systems by their own definitions, in fp64 and apart from their recipes: what these definitions share. */
#ifndef SYSTEM_H
#define SYSTEM_H

#include "oracle/oracle.h"

enum { SYSTEM_INPUTS = 8, SYSTEM_PARAMETERS = 12, SYSTEM_CHANNELS = 128 }; /* channels: the most that D of a case may be */

/* A tensor that a recipe names among its inputs. */
typedef struct system_input {
    const char *name; /* NULL: no more */
    int64_t shape[4];
    double scale;  /* normal random values times this */
    double offset; /* plus this */
    double *data;  /* packed; filled in by the runner */
} system_input;

typedef struct system_parameter {
    const char *name; /* NULL: no more */
    double value;
} system_parameter;

/* One run: what the device gets, and what it should give. Packed, [B,H,N,D] and so on; rounded to fp32 where the device reads fp32. */
typedef struct system_problem {
    int64_t b, h, hkv, nq, nk, d, dv, grid[3], text_before, text_after;
    const double *q, *k, *v;
    system_input inputs[SYSTEM_INPUTS];
    system_parameter parameters[SYSTEM_PARAMETERS]; /* what the case overrides, for the definition to read too */
    int64_t run;                                    /* 0, 1, ...: systems that remember are run several times, q, k and v drawn anew each time */
    void *state;                                    /* NULL at run 0; the definition's own, malloc'd, freed by the runner after the last run */
    double *o;                                      /* [B,H,Nq,Dv]: to fill in */
    double margin;                                  /* 1 at first: the least relative gap of a choice; near ties are drawn anew */
} system_problem;

/* A row of the table of a file of systems. */
typedef struct system_case {
    const char *recipe;                        /* name of the file without .json */
    int64_t b, h, hkv, nq, nk, d, dv, grid[3]; /* grid all 0: as the recipe's tokens say, nq and nk */
    int64_t text_before, text_after;
    system_parameter parameters[SYSTEM_PARAMETERS];
    system_input inputs[SYSTEM_INPUTS];
    int runs;                          /* 0: 1 */
    double tolerance;                  /* relative error of o; 0: 1e-5 */
    bool random;                       /* on random tensors alone: so many choices that structured ones always have a near tie */
    bool (*define)(system_problem *p); /* false: no memory */
} system_case;

/* What definitions are written with. */
double system_value(const system_problem *p, const char *parameter);   /* NaN where the case does not override it: then use the paper's default */
const double *system_data(const system_problem *p, const char *input); /* NULL: none */
const double *system_q(const system_problem *p, int64_t b, int64_t h, int64_t i); /* [D] */
const double *system_k(const system_problem *p, int64_t b, int64_t h, int64_t j); /* of query head h: its group's key head */
const double *system_v(const system_problem *p, int64_t b, int64_t h, int64_t j);
double *system_o(const system_problem *p, int64_t b, int64_t h, int64_t i);
double system_dot(const double *a, const double *b, int64_t n);
/* Mean of rows [first, last) of x [.., d]. */
void system_mean(const double *x, int64_t first, int64_t last, int64_t d, double *out);
/* x [n] in place; those of see (NULL: all) that are 0 become 0. Returns the log-sum-exp. */
double system_softmax(double *x, const uint8_t *see, int64_t n);
/* Softmax attention of one query over the keys that see [Nk] (NULL: all) allows, scale 1/sqrt(D), into o [Dv]; returns the log-sum-exp. */
double system_attend(const system_problem *p, int64_t b, int64_t h, int64_t i, const uint8_t *see, double *o);
/* o of every query by attention to the keys that choose marks in see [Nk], all 0 before. choose returns false: no memory. */
bool system_choose(system_problem *p, bool (*choose)(system_problem *p, int64_t b, int64_t h, int64_t i, uint8_t *see));
/* Mean query of [q, q + tile) times mean key of [k, k + tile), tiles cut at the end; neither scaled. */
double system_pooled(const system_problem *p, int64_t b, int64_t h, int64_t q, int64_t query_tile, int64_t k, int64_t key_tile);
/* Lowers p->margin to |gap| / scale: for a choice by a threshold. A gap of 0 is a tie by construction, which the lower index settles. */
void system_gap(system_problem *p, double gap, double scale);
/* Chooses the count largest of x [n] among those that may (NULL: all), lower index first among equals, and neither -inf nor NaN.
 * Those chosen before are no candidates; adds to chosen [n]; lowers p->margin by the gap to the next, of the largest |x|. */
void system_top(system_problem *p, const double *x, const uint8_t *may, int64_t n, int64_t count, uint8_t *chosen);
/* The same, the largest until their sum reaches mass times the total of the candidates; crossing: with the one that crosses it. */
void system_top_mass(system_problem *p, const double *x, const uint8_t *may, int64_t n, double mass, bool crossing, uint8_t *chosen);

/* The tables of definitions/NAME.c, each named systems_NAME and ended by a NULL recipe; the list is generated from the files' names. */
extern const system_case *const system_tables[];

#endif
