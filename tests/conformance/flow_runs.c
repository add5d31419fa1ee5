/* What runs know of those before them: their number, and the tensors of the run before. */
#include <string.h>

#include "flow_case.h"

/* The means of k's rows. */
static void add_means(const flow_case *f, flow_array *sum, double factor, double more)
{
    const flow_sizes *n = &f->n;
    for (int64_t b = 0; b < n->b; b++)
        for (int64_t h = 0; h < n->hkv; h++)
            for (int64_t c = 0; c < n->d; c++) {
                double mean = 0, *const to = &sum->x[(b * n->hkv + h) * n->d + c];
                for (int64_t r = 0; r < n->nk; r++) mean += flow_at(f->k, b, h, r, c) / (double)n->nk;
                *to = *to * factor + mean + more;
            }
}

/* A decaying sum over the runs, to which each adds its number. */
static suite_verdict run_sums(const suite_case *c, suite_run_context *run)
{
    static const uint64_t numbers[] = {0, 1, 2, 5, 6};
    flow_case f;
    flow_case_begin(&f, run, c->name, (flow_sizes){.nq = 7, .nk = flow_case_draw(&(flow_case){.rng = oracle_seed(run->seed)}, 1, 70)});
    flow_array *sum = flow_case_array(&f, f.n.b, f.n.hkv, 1, f.n.d), *doubled = flow_case_array(&f, f.n.b, f.n.hkv, 1, f.n.d);
    flow_case_start(&f,
                    "{'steps': {'was': {'previous': {'of': 'sum', 'like': 'mean', 'first': 0.5}}, 'mean': {'pool': {'of': 'k'}}, 'twice': '2 * was', "
                    "'sum': '0.75 * was + mean + run', 'o': 'q'}}");
    for (int64_t i = 0; flow_case_ok(&f) && i < f.n.b * f.n.hkv * f.n.d; i++) sum->x[i] = 0.5;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]) && flow_case_ok(&f); i++) {
        if (i > 0) {
            for (int64_t e = 0; e < f.n.b * f.n.hkv * f.n.nk * f.n.d; e++) f.k->x[e] = oracle_normal(&f.rng);
            flow_case_change(&f, "k");
            flow_case_run(&f, numbers[i]);
        }
        for (int64_t e = 0; e < f.n.b * f.n.hkv * f.n.d; e++) doubled->x[e] = 2 * sum->x[e];
        flow_case_compare(&f, "twice", doubled, 2e-6);
        add_means(&f, sum, 0.75, (double)numbers[i]);
        flow_case_compare(&f, "sum", sum, 2e-6);
    }
    return flow_case_end(&f);
}

static suite_verdict run_errors(const suite_case *c, suite_run_context *run)
{
    static const struct {
        const char *steps, *text;
    } wrong[] = {
        {"'m': {'previous': {'of': 'none', 'like': 'q'}}, 'o': 'q + m'", "has no tensor 'none'"},
        {"'m': {'previous': {'like': 'q'}}, 'o': 'q + m'", "steps.m.previous has no 'of'"},
        {"'m': {'previous': {'of': 'o'}}, 'o': 'q + m'", "steps.m.previous has no 'like'"},
        {"'m': {'previous': {'of': 'o', 'like': 'k'}}, 'o': 'q'", "has 'o' of other extents"},
        {"'m': {'previous': {'of': 'o', 'like': 1, 'first': 'q'}}, 'o': 'q + m'", "has 'first' of more elements"},
        {"'m': {'remember': {'of': {'previous': {'of': 'o', 'like': 'q'}}}}, 'o': 'q + m'", "stands within what is remembered"},
        {"'run': 'q', 'o': 'q'", "steps.run has the name of"},
    };
    flow_case f;
    flow_case_begin(&f, run, c->name, (flow_sizes){.b = 1, .h = 2, .hkv = 2, .nq = 5, .nk = 9, .d = 8, .dv = 8});
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]) && flow_case_ok(&f); i++) {
        const tsr_status status = flow_case_prepare(&f, "{'steps': {%s}}", wrong[i].steps);
        f.compared = true;
        if (status == TSR_OK || !strstr(tsr_last_error(), wrong[i].text))
            flow_case_fail(&f, "%s: status %d, \"%s\"; expected an error with \"%s\"", wrong[i].steps, (int)status, tsr_last_error(), wrong[i].text);
    }
    return flow_case_end(&f);
}

int suite_add_flow_runs(suite *s)
{
    return suite_add(s, "flow/runs/sums", run_sums, NULL, 0) && suite_add(s, "flow/runs/errors", run_errors, NULL, 0);
}
