/* Reports of flows: pairs that were attended to, counted by definition. */
#include <math.h>

#include "flow_case.h"

/* Does the query see the key? */
typedef bool (*report_sees)(int64_t i, int64_t j);

static void expect_density(flow_case *f, report_sees sees)
{
    double pairs = 0, density[64];
    const size_t heads = (size_t)(f->n.b * f->n.h);
    for (int64_t i = 0; i < f->n.nq; i++)
        for (int64_t j = 0; j < f->n.nk; j++) pairs += sees(i, j);
    const double expected = pairs / (double)(f->n.nq * f->n.nk);
    tsr_flow_report report;
    if (!flow_case_ok(f)) return;
    if (tsr_flow_get_report(f->flow, &report) != TSR_OK || tsr_flow_density(f->flow, density, heads) != TSR_OK)
        flow_case_fail(f, "%s", tsr_last_error());
    else if (!(fabs(report.density - expected) < 1e-9))
        flow_case_fail(f, "density %g; expected %g", report.density, expected);
    for (size_t h = 0; h < heads && flow_case_ok(f); h++)
        if (!(fabs(density[h] - expected) < 1e-9)) flow_case_fail(f, "head %zu of %zu has density %g; expected %g", h, heads, density[h], expected);
}

static suite_verdict finish(flow_case *f, report_sees sees)
{
    expect_density(f, sees);
    f->compared = true;
    return flow_case_end(f);
}

static bool sees_window(int64_t i, int64_t j) { return j <= i && i - j <= 3; }

/* A selection and an attention that the result does not need are checked and never run: their counts and flags say nothing. */
static suite_verdict run_unneeded(const suite_case *c, suite_run_context *run)
{
    flow_case f;
    flow_case_begin(&f, run, c->name, (flow_sizes){.b = 2, .h = 4, .hkv = 2, .nq = 45, .nk = 45, .d = 16, .dv = 16});
    f.sparing = true;
    flow_case_start(&f, "{'steps': {'map': {'dot': {'a': {'pool': {'of': 'q', 'tiles': 8}}, 'b': {'pool': {'of': 'k', 'tiles': 8}}}},"
                        " 'chosen': {'select': {'of': 'map', 'count': 1}}, 'other': {'attend': {'select': 'chosen', 'tiles': 8}},"
                        " 'o': {'attend': {'v': 'v + 100', 'causal': true, 'window': [3, 0]}}}}");
    return finish(&f, sees_window);
}

static bool sees_parts(int64_t i, int64_t j) { return i < 30 ? j <= i && i - j <= 5 : j <= i; }

/* Attention of a part of the queries counts as much as that part. */
static suite_verdict run_parts(const suite_case *c, suite_run_context *run)
{
    flow_case f;
    flow_case_begin(&f, run, c->name, (flow_sizes){.b = 1, .h = 3, .hkv = 1, .nq = 41, .nk = 41, .d = 16, .dv = 8});
    flow_case_start(&f, "{'steps': {'early': {'attend': {'q': {'slice': {'of': 'q', 'axis': 'rows', 'last': 30}}, 'align': 'top-left',"
                        " 'window': [5, 0]}}, 'late': {'attend': {'q': {'slice': {'of': 'q', 'axis': 'rows', 'first': 30}}, 'causal': true}},"
                        " 'o': {'concat': {'of': ['early', 'late'], 'axis': 'rows'}}}}");
    return finish(&f, sees_parts);
}

static bool sees_past(int64_t i, int64_t j) { return j <= i; }

/* Tiles whose tokens lie apart are cut by the band key by key. */
static suite_verdict run_gathered(const suite_case *c, suite_run_context *run)
{
    flow_case f;
    flow_case_begin(&f, run, c->name, (flow_sizes){.b = 1, .h = 2, .hkv = 2, .nq = 150, .nk = 150, .d = 16, .dv = 8});
    flow_case_start(&f, "{'steps': {'apart': {'tiles': {'labels': 'column %% 5', 'count': 5}}, 'all': '1 + 0 * apart.sizes',"
                        " 'o': {'attend': {'select': 'all', 'query_tiles': 150, 'key_tiles': 'apart', 'causal': true}}}}");
    return finish(&f, sees_past);
}

/* Without keys nothing is chosen from and nothing counted. */
static suite_verdict run_empty(const suite_case *c, suite_run_context *run)
{
    flow_case f;
    tsr_flow_report report;
    flow_case_begin(&f, run, c->name, (flow_sizes){.b = 1, .h = 2, .hkv = 2, .nq = 5, .nk = 3, .d = 8, .dv = 8});
    flow_case_start(&f,
                    "{'steps': {'none': {'slice': {'of': 'k', 'axis': 'rows', 'last': 0}}, 'm': {'select': {'of': {'dot': {'a': 'q', 'b': 'none'}},"
                    " 'share': 1}}, 'o': {'attend': {'k': 'none', 'v': 'none', 'select': 'm'}}}}");
    if (flow_case_ok(&f) && tsr_flow_get_report(f.flow, &report) != TSR_OK) flow_case_fail(&f, "%s", tsr_last_error());
    flow_case_compare(&f, "o", flow_case_array(&f, 1, 2, 5, 8), 0);
    return flow_case_end(&f);
}

int suite_add_flow_reports(suite *s)
{
    return suite_add(s, "flow/report/gathered", run_gathered, NULL, 0) && suite_add(s, "flow/report/empty", run_empty, NULL, 0) &&
           suite_add(s, "flow/report/unneeded", run_unneeded, NULL, 0) && suite_add(s, "flow/report/parts", run_parts, NULL, 0);
}
