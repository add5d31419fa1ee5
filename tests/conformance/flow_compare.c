/* Families of cases, and steps of recipes beside what they should be, in fp64. */
#include "flow_case.h"

#include <math.h>
#include <stdio.h>

double flow_at(const flow_array *a, int64_t b, int64_t h, int64_t r, int64_t c)
{
    if (!a) return NAN;
    const int64_t at[4] = {b, h, r, c};
    int64_t e = 0;
    for (int i = 0; i < 4; i++) {
        const int64_t x = a->shape[i] == 1 ? 0 : at[i];
        if (x < 0 || x >= a->shape[i]) return NAN;
        e = e * a->shape[i] + x;
    }
    return a->x[e];
}

double flow_at_head(const flow_array *a, int64_t b, int64_t h, int64_t heads, int64_t r, int64_t c)
{
    return a ? flow_at(a, b, h / (heads / a->shape[1]), r, c) : NAN;
}

/* The error as a part of what is allowed. */
static double part_of(double got, double want, double tolerance)
{
    if (got == want) return 0;
    if (isnan(got) || isnan(want) || isinf(got) || isinf(want)) return INFINITY;
    return fabs(got - want) / (tolerance * fmax(1, fabs(want)));
}

static void expect(flow_case *f, const char *name, const flow_array *a, const int64_t shape[4], flow_value_of value, const void *user,
                   double tolerance)
{
    if (!a) return;
    f->compared = true;
    for (int i = 0; i < 4; i++)
        if (a->shape[i] != shape[i]) {
            flow_case_fail(f, "%s is [%lld,%lld,%lld,%lld]; expected [%lld,%lld,%lld,%lld]", name, (long long)a->shape[0], (long long)a->shape[1],
                           (long long)a->shape[2], (long long)a->shape[3], (long long)shape[0], (long long)shape[1], (long long)shape[2],
                           (long long)shape[3]);
            return;
        }
    const double *x = a->x;
    for (int64_t b = 0; b < shape[0]; b++)
        for (int64_t h = 0; h < shape[1]; h++)
            for (int64_t r = 0; r < shape[2]; r++)
                for (int64_t c = 0; c < shape[3]; c++) {
                    const double got = *x++, want = value(user, b, h, r, c), error = part_of(got, want, tolerance);
                    if (error > f->worst || !f->worst_name[0]) {
                        f->worst = error;
                        snprintf(f->worst_name, sizeof(f->worst_name), "%s", name);
                    }
                    if (!(error <= 1))
                        flow_case_fail(f, "%s[%lld,%lld,%lld,%lld] of [%lld,%lld,%lld,%lld] is %.9g; expected %.9g", name, (long long)b, (long long)h,
                                       (long long)r, (long long)c, (long long)shape[0], (long long)shape[1], (long long)shape[2], (long long)shape[3],
                                       got, want);
                }
}

void flow_case_expect(flow_case *f, const char *name, const int64_t shape[4], flow_value_of value, const void *user, double tolerance)
{
    expect(f, name, flow_case_step(f, name), shape, value, user, tolerance);
}

void flow_case_expect_output(flow_case *f, const char *name, flow_value_of value, const void *user, double tolerance)
{
    const flow_array *a = flow_case_output(f, name);
    if (a) expect(f, name, a, a->shape, value, user, tolerance);
}

static double of_array(const void *user, int64_t b, int64_t h, int64_t r, int64_t c) { return flow_at(user, b, h, r, c); }

void flow_case_compare(flow_case *f, const char *name, const flow_array *expected, double tolerance)
{
    if (!expected)
        flow_case_fail(f, "the test has nothing to compare %s with", name);
    else
        flow_case_expect(f, name, expected->shape, of_array, expected, tolerance);
}

static suite_verdict run_family(const suite_case *c, suite_run_context *run)
{
    const flow_family *family = c->params;
    flow_sizes n = family->n;
    n.strided = c->number & 1;
    n.dtype = (tsr_dtype)(c->number % 3);
    flow_case f;
    flow_case_begin(&f, run, c->name, n);
    if (flow_case_ok(&f)) family->run(&f, c->number);
    return flow_case_end(&f);
}

int flow_case_add(suite *s, const flow_family *families, size_t count)
{
    char name[112];
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < families[i].count; k++) {
            snprintf(name, sizeof(name), "flow/%s/%d", families[i].name, k);
            if (!suite_add(s, name, run_family, &families[i], k)) return 0;
        }
    return 1;
}
