/* Random formulas on the device. A mask leaves each query one key, so that its log-sum-exp is the score itself. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expression.h"
#include "oracle/expression.h"

enum { BATCH = 2, HEADS = 10, NQ = 6 * 5 * 4 + 3, NK = NQ + 17, DIM = 16, TEXT = 16384, TRIES = 12 };

static const float table_data[] = {1.5f, -2.0f, 3.25f, 0.5f, 8.0f, -0.75f}, vector_data[] = {4.0f, 5.0f, 6.0f, 7.0f};

typedef struct formulas {
    tsr_expression_desc desc;
    oracle_expression of[HEADS];
    char text[HEADS * TEXT], one[TEXT];
} formulas;

/* h == 0 ? first : h == 1 ? second : ... */
static bool make_text(formulas *f, oracle_rng *r)
{
    size_t at = 0;
    for (int h = 0; h < HEADS; h++) {
        f->of[h] = (oracle_expression){.desc = &f->desc, .smooth = true, .score = true};
        oracle_expression_make(&f->of[h], r, h % 4 == 0 ? 'w' : 'r', 4 + (int)oracle_below(r, 22), f->one, sizeof(f->one));
        if (h < HEADS - 1) at += (size_t)snprintf(f->text + at, sizeof(f->text) - at, "h == %d ? ", h);
        at += (size_t)snprintf(f->text + at, sizeof(f->text) - at, "(%s)%s", f->one, h < HEADS - 1 ? " :\n" : "");
        if (!f->one[0] || at >= sizeof(f->text)) return false;
    }
    return true;
}

static oracle_point point_at(const expression_problem *p, const tsr_set_desc *set, int64_t row, int64_t key)
{
    const int64_t q = row % NQ, h = row / NQ % HEADS, b = row / NQ / HEADS;
    oracle_point at = {{b, h, NQ, NK, q, -1, -1, -1, key, -1, -1, -1}, 0};
    for (int i = 0; i < 2; i++) {
        const int64_t token = (i ? key : q + set->query_first) - set->text_before, plane = set->grid[1] * set->grid[2];
        if (token < 0 || token >= set->grid[0] * plane) continue;
        at.variable[5 + 4 * i] = token / plane;
        at.variable[6 + 4 * i] = token / set->grid[2] % set->grid[1];
        at.variable[7 + 4 * i] = token % set->grid[2];
    }
    double dot = 0;
    for (int c = 0; c < DIM; c++) dot += (double)p->q[row * DIM + c] * p->k[((b * HEADS + h) * NK + key) * DIM + c];
    at.score = (float)(dot / sqrt(DIM));
    return at;
}

/* Is the value what the formula gives, where its own operations may round as they like? */
static bool is_close(oracle_expression *o, const oracle_point *at, float is, oracle_rng *r, float *want)
{
    const bool whole = o->terms[o->root].type == 'w';
    o->jitter = NULL;
    const oracle_value exact = oracle_expression_value(o, o->root, at);
    *want = whole ? (float)exact.whole : exact.real;
    float low = *want, high = *want;
    o->jitter = r;
    for (int i = 0; i < TRIES; i++) {
        oracle_point near = *at;
        near.score += (float)((int)oracle_below(r, 3) - 1) * 4e-6f;
        const oracle_value v = oracle_expression_value(o, o->root, &near);
        const float x = whole ? (float)v.whole : v.real;
        low = fminf(low, x);
        high = fmaxf(high, x);
    }
    if (!(high - low < INFINITY) || !(fabsf(*want) < 1e30f)) return true; /* no finite score */
    const float slack = 4 * (high - low) + 4e-7f * fabsf(*want) + 1e-30f;
    return is >= low - slack && is <= high + slack;
}

static suite_verdict check(formulas *f, const expression_problem *p, const int64_t *key_of, oracle_rng *r, suite_run_context *run)
{
    int finite = 0;
    for (int64_t row = 0; row < BATCH * HEADS * NQ; row++) {
        const int h = (int)(row / NQ % HEADS);
        const oracle_point at = point_at(p, &p->set, row, key_of[row % NQ]);
        float want;
        if (!is_close(&f->of[h], &at, p->lse[row], r, &want))
            return suite_say(run, SUITE_FAIL, "b %d h %d q %d kv %d score %g: %.9g; expected %.9g; %.600s", (int)at.variable[0], h,
                             (int)at.variable[4], (int)at.variable[8], (double)at.score, (double)p->lse[row], (double)want, f->text);
        finite += fabsf(want) < 1e30f;
    }
    if (finite < BATCH * NQ) return suite_say(run, SUITE_FAIL, "%d finite scores only", finite);
    return suite_say(run, SUITE_PASS, "%d scores", finite);
}

suite_verdict expression_random(const suite_case *c, suite_run_context *run)
{
    oracle_rng r = oracle_seed(run->seed * 1000003 + (uint64_t)c->number);
    static const tsr_named_scalar scalars[] = {{"slope", 0.25f}, {"window", 12.0f}};
    static const tsr_named_tensor tensors[] = {{"table", 2, {2, 3}, table_data}, {"vector", 1, {4}, vector_data}};
    const tsr_layout q = {.shape = {BATCH, HEADS, NQ, DIM}}, k = {.shape = {BATCH, HEADS, NK, DIM}};
    const tsr_attention_desc desc = {
        .q = q, .k = k, .v = k, .o = q, .lse = {.shape = {BATCH, HEADS, NQ, 1}}, .mask = {.dtype = TSR_U8, .shape = {1, 1, NQ, NK}}};
    formulas *f = calloc(1, sizeof(*f));
    expression_problem p;
    int64_t key_of[NQ];
    suite_verdict v = SUITE_FAIL;
    if (!expression_make(&p, &desc, &r) || !f) {
        v = suite_say(run, SUITE_FAIL, "no memory for the inputs");
    } else {
        f->desc = (tsr_expression_desc){.kind = TSR_EXPRESSION_SCORE, .scalars = scalars, .scalar_count = 2, .tensors = tensors, .tensor_count = 2};
        if (c->number > 0 && strcmp(tsr_device_info_of(run->dev)->backend, "vulkan") == 0) p.desc.tile = TSR_TILE_SIMT; /* as GPUs */
        memset(p.mask, 0, NQ * NK);
        for (int i = 0; i < NQ; i++) {
            key_of[i] = oracle_below(&r, NK);
            p.mask[i * NK + key_of[i]] = 1;
        }
        p.set = (tsr_set_desc){.grid = {6, 5, 4}, .text_before = 11, .text_after = NK - 11 - 6 * 5 * 4, .query_first = 5};
        if (!make_text(f, &r)) {
            v = suite_say(run, SUITE_FAIL, "a formula does not fit");
        } else {
            p.expression = f->desc;
            p.expression.text = f->text;
            const tsr_status s = expression_run(&p, run->dev);
            v = s == TSR_OK ? check(f, &p, key_of, &r, run) : suite_error(run, s, f->text);
        }
    }
    expression_free(&p);
    free(f);
    return v;
}
