/* Selections that cannot be: errors that name step and value; NaN among scores. */
#include "flow_case.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Is this what went wrong? Then nothing did. */
static void expect_error(flow_case *f, tsr_status status, const char *what)
{
    if (!flow_case_ok(f)) return;
    f->compared = true;
    if (status == TSR_OK || !strstr(tsr_last_error(), what))
        flow_case_fail(f, "status %d, \"%s\"; expected an error with \"%s\"", (int)status, status == TSR_OK ? "" : tsr_last_error(), what);
}

typedef struct choice_error {
    const char *name, *members, *what;
} choice_error;

static const choice_error errors[] = {
    {"count-above-columns", "'count': 18", "steps.chosen.select.count is 18; expected a whole number, 0 to 17"},
    {"count-broken", "'count': 1.5", "steps.chosen.select.count is 1.5"},
    {"count-above-map", "'count': 'Nk * 14', 'scope': 'map'", "steps.chosen.select.count is 238; expected a whole number, 0 to 221"},
    {"share-above-1", "'share': 1.01", "steps.chosen.select has 'share' 1.01; expected 0 to 1"},
    {"mass-below-0", "'mass': -0.5", "steps.chosen.select has 'mass' -0.5; expected 0 to 1"},
    {"two-measures", "'mass': 0.5, 'count': 3", "steps.chosen.select has 2 of 'count', 'share' and 'mass'"},
    {"no-measure", "'least': 3", "steps.chosen.select has 0 of 'count', 'share' and 'mass'"},
    {"least-above-most", "'count': 3, 'least': 5, 'most': 4", "steps.chosen.select has 'least' 5 above 'most' 4"},
    {"counts-too-many", "'count': 'k'", "steps.chosen.select.count of and count: 13 rows beside 17"},
};

static suite_verdict run_error(const suite_case *sc, suite_run_context *run)
{
    const choice_error *e = sc->params;
    flow_case f;
    flow_case_begin(&f, run, sc->name, (flow_sizes){.b = 2, .h = 2, .hkv = 2, .nq = 13, .nk = 17, .d = 4});
    const tsr_status status = flow_case_prepare(
        &f, "{'steps': {'map': {'dot': {'a': 'q', 'b': 'k'}}, 'chosen': {'select': {'of': 'slice_of', %s}}, 'slice_of': 'map', 'o': '0 * q'}}",
        e->members);
    expect_error(&f, status, e->what);
    return flow_case_end(&f);
}

/* NaN among candidates is told of, once; what is chosen has none. */
static suite_verdict run_nan(const suite_case *sc, suite_run_context *run)
{
    flow_case f;
    flow_case_begin(&f, run, sc->name, (flow_sizes){.b = 1, .h = 2, .hkv = 2, .nq = 5, .nk = 70, .d = 4});
    flow_array *s = flow_case_input(&f, "s", TSR_F32, 1, 2, 5, 70);
    flow_case_start(&f, "{'inputs': {'s': {'shape': [1, 2, 5, 70]}}, 'steps': {'first': {'select': {'of': 's', 'count': 7}},"
                        " 'second': {'select': {'of': 'q', 'count': 3}}, 'o': '0 * q'}}");
    const int64_t at = flow_case_draw(&f, 0, 699);
    if (!flow_case_ok(&f)) return flow_case_end(&f);
    s->x[at] = NAN;
    flow_case_change(&f, "s");
    flow_case_run(&f, 1);
    if (flow_case_ok(&f))
        flow_case_fail(&f, "the report says nothing of NaN among the scores");
    else if (strstr(run->message, "steps.first.select"))
        f.verdict = SUITE_PASS; /* as it should be */
    const flow_array *chosen = flow_case_step(&f, "first");
    double sum = 0;
    for (int64_t i = 0; chosen && i < 700; i++) sum += chosen->x[i];
    if (chosen && (sum != 70 || chosen->x[at] != 0))
        flow_case_fail(&f, "%g elements chosen of 10 rows, NaN %g times; expected 70, 0", sum, chosen->x[at]);
    s->x[at] = 1;
    flow_case_change(&f, "s");
    flow_case_run(&f, 2);
    f.compared = true;
    return flow_case_end(&f);
}

int suite_add_flow_choice_errors(suite *s)
{
    char name[96];
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        snprintf(name, sizeof(name), "flow/choice/error-%s", errors[i].name);
        if (!suite_add(s, name, run_error, &errors[i], (int)i)) return 0;
    }
    return suite_add(s, "flow/choice/nan", run_nan, NULL, 0);
}
