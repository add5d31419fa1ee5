/* The recipes as the suite carries them, and what the cases of systems are run with. */
#ifndef RECIPES_H
#define RECIPES_H

#include "conformance/suite.h"
#include "system.h"

enum { SYSTEM_TITLES = 86 };

/* A system that has to have a recipe. Those in stream/ are caches, whose tests are the streams'. */
typedef struct system_title {
    const char *title, *recipe;
} system_title;
extern const system_title system_titles[SYSTEM_TITLES];

/* The texts of tools/recipes, generated at build time; a NULL name ends them. */
typedef struct system_recipe {
    const char *name, *text; /* "adamas", "stream/h2o" */
} system_recipe;
extern const system_recipe system_recipes[];
const char *system_recipe_text(const char *name); /* NULL: no such recipe */

/* draw.c: q [B,H,Nq,D], k and v of a case, as fp32 holds them: normal, or with structure (oracle/realistic.h) where the case's shape is
 * that of a sequence or a grid and its last queries. false: no memory. */
bool system_can_structure(const system_case *c);
bool system_draw(const system_case *c, bool structured, oracle_rng *r, double *q, double *k, double *v);

/* recipes.c: a case for each title. */
int suite_add_titles(suite *s);

/* A recipe prepared on a device. Each function says in run's message what went wrong. */
typedef struct system_flow system_flow;
suite_verdict system_flow_open(suite_run_context *run, const system_case *c, system_flow **out);
suite_verdict system_flow_run(system_flow *f, const system_problem *p, double *o);
void system_flow_close(system_flow *f);

#endif
