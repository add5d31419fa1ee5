/* Tile model matrix beside what only some kernels compute, a user's score expression; and each of the shapes that a tuner may choose of it and of
 * tile model packed. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tessera/tessera_expression.h"
#include "whole.h"

enum { NQ = 45, NK = 203, D = 40 };

static double score(const void *user, double s, int64_t b, int64_t h, int64_t i, int64_t j)
{
    (void)user;
    (void)b;
    return s * 0.5 - 0.1 * fabs((double)(i - j)) + (double)h;
}

static suite_verdict compare(const whole *a, double (*rewrite)(const void *, double, int64_t, int64_t, int64_t, int64_t), suite_run_context *run)
{
    tsr_attention_desc exact = a->desc;
    exact.q.dtype = exact.k.dtype = exact.v.dtype = TSR_F32; /* as they are held here */
    const oracle_attention_inputs in = {
        .q = whole_tensor(&exact.q, a->q), .k = whole_tensor(&exact.k, a->k), .v = whole_tensor(&exact.v, a->v), .score = rewrite};
    const size_t values = whole_size(&exact.o), rows = whole_size(&exact.lse);
    double *want = malloc(values * sizeof(*want)), *lse = malloc(rows * sizeof(*lse)), *is = malloc(values * sizeof(*is));
    suite_verdict v = suite_say(run, SUITE_FAIL, "no memory for the reference");
    if (want && lse && is && oracle_attention(&exact, &in, want, lse)) {
        double worst = 0;
        for (size_t i = 0; i < rows; i++) worst = fmax(worst, fabs((double)a->lse[i] - lse[i]) / fmax(1, fabs(lse[i])));
        for (size_t i = 0; i < values; i++) is[i] = (double)a->o[i];
        const double error = oracle_error(is, want, values);
        v = suite_say(run, error <= exp2(-11) && worst <= 1e-5 ? SUITE_PASS : SUITE_FAIL, "error %.1e (at most 2^-11), log-sum-exp %.1e (1e-5)",
                      error, worst);
    }
    free(want);
    free(lse);
    free(is);
    return v;
}

static suite_verdict run_score(const suite_case *c, suite_run_context *run)
{
    oracle_rng rng = oracle_seed(suite_seed_of(c->name, run->seed));
    whole a;
    suite_verdict v = SUITE_FAIL;
    tsr_expression *expression = NULL;
    const tsr_expression_desc text = {.kind = TSR_EXPRESSION_SCORE, .text = "score * 0.5 - 0.1 * abs(q - kv) + h"};
    if (!whole_make(&a, 1, 4, 2, NQ, NK, D, D, &rng)) {
        v = suite_say(run, SUITE_FAIL, "no memory");
    } else {
        whole_inputs_f16(&a);
        a.desc.tile = TSR_TILE_MATRIX;
        tsr_status s = tsr_expression_create(&text, &expression);
        a.desc.score = expression;
        if (s == TSR_OK) s = whole_run(&a, run->dev);
        v = s == TSR_OK ? compare(&a, score, run) : suite_error(run, s, "running");
    }
    tsr_expression_destroy(expression);
    whole_free(&a);
    return v;
}

/* Every second shape with keys hidden from some queries, which is another kernel. */
static suite_verdict run_shapes(whole *a, suite_run_context *run)
{
    suite_verdict v = SUITE_PASS;
    for (a->desc.shape = 1; v == SUITE_PASS; a->desc.shape++) {
        a->desc.band = a->desc.shape % 2 ? (tsr_band){0} : (tsr_band){.bounded = 1, .left = TSR_UNBOUNDED};
        const tsr_status s = whole_run(a, run->dev);
        if (s == TSR_ERROR_ARGUMENT && a->desc.shape > 1) return suite_say(run, SUITE_PASS, "%u shapes", a->desc.shape - 1);
        v = s == TSR_OK ? compare(a, NULL, run) : suite_error(run, s, a->info.kernel);
    }
    return v;
}

/* Heads for each list of shapes; of packed: of chunks that stay, that come anew, and of long ones. */
static const struct {
    tsr_tile tile;
    int dim;
} candidates[] = {{TSR_TILE_MATRIX, 40}, {TSR_TILE_MATRIX, 136}, {TSR_TILE_MATRIX, 200}, {TSR_TILE_PACKED, 40}, {TSR_TILE_PACKED, 200}};

static suite_verdict run_candidates(const suite_case *c, suite_run_context *run)
{
    const tsr_tile tile = candidates[c->number].tile;
    if (tile == TSR_TILE_PACKED && tsr_device_info_of(run->dev)->vector_width > 1)
        return suite_say(run, SUITE_UNSUPPORTED, "shapes that stage tiles take a compiler for wide vectors minutes");
    oracle_rng rng = oracle_seed(suite_seed_of(c->name, run->seed));
    whole a;
    suite_verdict v = SUITE_FAIL;
    if (!whole_make(&a, 1, 2, 1, NQ, NK, candidates[c->number].dim, 24, &rng)) {
        v = suite_say(run, SUITE_FAIL, "no memory");
    } else {
        whole_inputs_f16(&a);
        a.desc.tile = tile;
        v = run_shapes(&a, run);
    }
    whole_free(&a);
    return v;
}

int suite_add_matrix(suite *s)
{
    int added = suite_add(s, "matrix/score-expression/45x203", run_score, NULL, 0);
    for (int i = 0; added && i < (int)(sizeof(candidates) / sizeof(candidates[0])); i++) {
        char name[64];
        snprintf(name, sizeof(name), "attention/%s/candidates/d%d", tsr_tile_name(candidates[i].tile), candidates[i].dim);
        added = suite_add(s, name, run_candidates, NULL, i);
        if (added) suite_mark_compiled(s);
    }
    return added;
}
