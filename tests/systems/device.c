/* Recipes on a device, for the cases of systems. */
#include <math.h>
#include <stdlib.h>

#include "recipes.h"

struct system_flow {
    suite_run_context *run;
};

suite_verdict system_flow_open(suite_run_context *run, const system_case *c, const system_problem *p, system_flow **out)
{
    (void)p;
    *out = NULL;
    return suite_say(run, system_recipe_text(c->recipe) ? SUITE_UNSUPPORTED : SUITE_FAIL, "no recipe %s", c->recipe);
}

suite_verdict system_flow_run(system_flow *flow, const system_problem *p, double *o)
{
    (void)p;
    o[0] = NAN;
    return suite_say(flow->run, SUITE_UNSUPPORTED, "no flows");
}

void system_flow_close(system_flow *flow) { free(flow); }
