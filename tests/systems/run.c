/* Runs the cases of published systems, on random and on structured tensors: recipe against definition, drawn anew where a choice would be
 * a near tie. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recipes.h"

enum { ATTEMPTS = 200, MOST_RUNS = 16 };
enum { RANDOM, STRUCTURED };
static const double MARGIN = 3e-5, TOLERANCE = 1e-5;

/* All runs of a case: what each draws and gives. */
typedef struct draws {
    system_problem run[MOST_RUNS];
    double *memory[MOST_RUNS]; /* q, k, v, o of a run */
    double *inputs;
} draws;

static int64_t elements(const int64_t shape[4]) { return shape[0] * shape[1] * shape[2] * shape[3]; }

static void drop(draws *d, int runs)
{
    for (int i = 0; i < runs; i++) free(d->memory[i]);
    free(d->inputs);
    free(d);
}

/* The definition's runs from one seed; *margin: the least of them. false: no memory. */
static bool define(const system_case *c, bool structured, int runs, uint64_t seed, draws *d, double *margin)
{
    oracle_rng r = oracle_seed(seed);
    const int64_t q = c->b * c->h * c->nq * c->d, k = c->b * c->hkv * c->nk * c->d, v = c->b * c->hkv * c->nk * c->dv,
                  o = c->b * c->h * c->nq * c->dv;
    system_problem p = {.b = c->b, .h = c->h, .hkv = c->hkv, .nq = c->nq, .nk = c->nk, .d = c->d, .dv = c->dv};
    memcpy(p.grid, c->grid, sizeof(p.grid));
    p.text_before = c->text_before;
    p.text_after = c->text_after;
    memcpy(p.parameters, c->parameters, sizeof(p.parameters));
    memcpy(p.inputs, c->inputs, sizeof(p.inputs));
    int64_t size = 1;
    for (int i = 0; i < SYSTEM_INPUTS && p.inputs[i].name; i++) size += elements(p.inputs[i].shape);
    double *at = d->inputs = malloc((size_t)size * sizeof(*at));
    if (!at) return false;
    for (int i = 0; i < SYSTEM_INPUTS && p.inputs[i].name; i++) {
        p.inputs[i].data = at;
        for (int64_t n = elements(p.inputs[i].shape); n > 0; n--) *at++ = (double)(float)(p.inputs[i].offset + p.inputs[i].scale * oracle_normal(&r));
    }
    *margin = 1;
    bool ok = true;
    for (int n = 0; ok && n < runs; n++) {
        double *x = d->memory[n] = malloc((size_t)(q + k + v + o + 1) * sizeof(*x));
        if (!(ok = x)) break;
        p.run = n;
        p.q = x;
        p.k = x + q;
        p.v = x + q + k;
        p.o = x + q + k + v;
        for (int64_t i = 0; i < o; i++) p.o[i] = NAN;
        p.margin = 1;
        ok = system_draw(c, structured, &r, x, x + q, x + q + k) && c->define(&p);
        *margin = fmin(*margin, p.margin);
        d->run[n] = p;
    }
    free(p.state);
    return ok;
}

/* How far the definition is from attention to all: tells whether a case leaves anything out. NaN: no memory. */
static double from_dense(const system_problem *p)
{
    const int64_t rows = p->b * p->h * p->nq;
    double *o = malloc((size_t)(rows * p->dv + 1) * sizeof(*o));
    if (!o) return NAN;
    for (int64_t r = 0; r < rows; r++) system_attend(p, r / (p->h * p->nq), r / p->nq % p->h, r % p->nq, NULL, o + r * p->dv);
    const double error = oracle_error(p->o, o, (uint64_t)(rows * p->dv));
    free(o);
    return error;
}

static suite_verdict compare(suite_run_context *run, const system_case *c, const draws *d, int runs, system_flow *flow)
{
    const uint64_t n = (uint64_t)(c->b * c->h * c->nq * c->dv);
    const double tolerance = c->tolerance > 0 ? c->tolerance : TOLERANCE;
    double *o = malloc((size_t)(n + 1) * sizeof(*o)), worst = 0;
    suite_verdict verdict = o ? SUITE_PASS : suite_say(run, SUITE_FAIL, "no memory");
    for (int i = 0; verdict == SUITE_PASS && i < runs; i++) {
        verdict = system_flow_run(flow, &d->run[i], o);
        if (verdict != SUITE_PASS) break;
        const double error = oracle_error(o, d->run[i].o, n);
        if (!(error <= worst)) worst = error;
        if (!(error < tolerance)) verdict = suite_say(run, SUITE_FAIL, "run %d of %d: relative error %.1e (%.0e allowed)", i, runs, error, tolerance);
    }
    free(o);
    if (verdict != SUITE_PASS) return verdict;
    return suite_say(run, SUITE_PASS, "relative error %.1e (%.0e allowed); %.2g from dense", worst, tolerance, from_dense(&d->run[0]));
}

static suite_verdict run_system(const suite_case *sc, suite_run_context *run)
{
    const system_case *c = sc->params;
    const int runs = c->runs > 0 ? c->runs : 1;
    double margin = 0, widest = 0;
    draws *d = NULL;
    for (int attempt = 0; attempt < ATTEMPTS && margin < MARGIN; attempt++) {
        if (d) drop(d, runs);
        d = calloc(1, sizeof(*d));
        if (!d) return suite_say(run, SUITE_FAIL, "no memory");
        if (!define(c, sc->number == STRUCTURED, runs, suite_seed_of(c->recipe, run->seed + (uint64_t)attempt), d, &margin)) {
            drop(d, runs);
            return suite_say(run, SUITE_FAIL, "no memory for the definition");
        }
        widest = fmax(widest, margin);
    }
    system_flow *flow = NULL;
    suite_verdict verdict = SUITE_FAIL;
    if (margin < MARGIN)
        suite_say(run, SUITE_FAIL, "every draw has a near tie: the widest margin of %d is %.1e", ATTEMPTS, widest);
    else
        verdict = system_flow_open(run, c, &flow);
    if (verdict == SUITE_PASS) verdict = compare(run, c, d, runs, flow);
    system_flow_close(flow);
    drop(d, runs);
    return verdict;
}

int suite_add_systems(suite *s)
{
    char name[128];
    for (const system_case *const *table = system_tables; *table; table++) {
        int again = 1;
        for (const system_case *c = *table; c->recipe; c++) {
            again = c > *table && strcmp(c->recipe, c[-1].recipe) == 0 ? again + 1 : 1;
            snprintf(name, sizeof(name), again > 1 ? "systems/%s/%d" : "systems/%s", c->recipe, again);
            if (!suite_add(s, name, run_system, c, RANDOM)) return 0;
            suite_mark_sampled(s);
            snprintf(name, sizeof(name), again > 1 ? "systems/%s/structured/%d" : "systems/%s/structured", c->recipe, again);
            if (!system_can_structure(c)) continue;
            if (!suite_add(s, name, run_system, c, STRUCTURED)) return 0;
            suite_mark_sampled(s);
        }
    }
    return suite_add_titles(s);
}
