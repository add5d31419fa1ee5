/* Relations that must hold whatever the numbers are: two ways to the same attention, without a reference between them. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "conformance/set_case.h"
#include "conformance/set_encode.h"

enum { D = 64, ALL_HEADS = 3 };

/* A problem of ALL_HEADS heads in host memory, and one answer to it. */
typedef struct problem {
    int64_t n; /* queries and keys */
    float *q, *k, *v;
} problem;

typedef struct answer {
    float *o, *lse;
} answer;

static size_t values(const problem *p) { return (size_t)(ALL_HEADS * p->n * D); }

static float *room(size_t count) { return calloc(count + 1, sizeof(float)); }

static bool make_problem(problem *p, int64_t n, oracle_rng *r)
{
    *p = (problem){.n = n};
    p->q = room(values(p));
    p->k = room(values(p));
    p->v = room(values(p));
    if (!p->q || !p->k || !p->v) return false;
    for (size_t i = 0; i < values(p); i++) {
        p->q[i] = (float)oracle_normal(r);
        p->k[i] = (float)oracle_normal(r);
        p->v[i] = (float)oracle_normal(r);
    }
    return true;
}

static void free_problem(problem *p)
{
    free(p->q);
    free(p->k);
    free(p->v);
}

static void free_answer(answer *a)
{
    free(a->o);
    free(a->lse);
}

typedef struct device_run {
    tsr_buffer *buffer[5];
    tsr_attention *plan;
} device_run;

static tsr_status run_plan(device_run *d, const problem *p, const answer *a, tsr_device *dev)
{
    const float *const in[3] = {p->q, p->k, p->v};
    const uint64_t bytes = values(p) * sizeof(float), lse_bytes = bytes / D;
    tsr_status s = TSR_OK;
    for (int i = 0; i < 5 && s == TSR_OK; i++) {
        s = tsr_buffer_create(dev, i < 4 ? bytes : lse_bytes, &d->buffer[i]);
        if (s == TSR_OK && i < 3) s = tsr_buffer_write(d->buffer[i], 0, in[i], bytes);
    }
    const tsr_attention_args args = {
        .q = {d->buffer[0], 0}, .k = {d->buffer[1], 0}, .v = {d->buffer[2], 0}, .o = {d->buffer[3], 0}, .lse = {d->buffer[4], 0}};
    if (s == TSR_OK) s = tsr_attention_run(d->plan, &args);
    if (s == TSR_OK) s = tsr_buffer_read(d->buffer[3], 0, a->o, bytes);
    if (s == TSR_OK) s = tsr_buffer_read(d->buffer[4], 0, a->lse, lse_bytes);
    return s;
}

/* Head h takes sets[of[h]]; of NULL: all the first; count 0: everyone. */
static tsr_status attend(const problem *p, const oracle_set *sets, uint32_t count, const uint32_t *of, uint32_t splits, tsr_device *dev, answer *a)
{
    const tsr_layout l = {.shape = {1, ALL_HEADS, p->n, D}}, lse = {.shape = {1, ALL_HEADS, p->n, 1}};
    tsr_set *made[GRID_SETS] = {NULL};
    device_run d = {.plan = NULL};
    tsr_status s = TSR_OK;
    *a = (answer){room(values(p)), room(values(p) / D)};
    if (!a->o || !a->lse) s = TSR_ERROR_HOST_MEMORY;
    for (uint32_t i = 0; i < count && s == TSR_OK; i++) {
        set_encoding e;
        s = set_encode(&sets[i], p->n, p->n, &e) ? tsr_set_create(&e.desc, &made[i]) : TSR_ERROR_HOST_MEMORY;
        set_encoding_free(&e);
    }
    const tsr_attention_desc desc = {.q = l,
                                     .k = l,
                                     .v = l,
                                     .o = l,
                                     .lse = lse,
                                     .sets = count ? (const tsr_set *const *)made : NULL,
                                     .set_count = count,
                                     .set_of = of,
                                     .set_of_count = of ? ALL_HEADS : 0,
                                     .splits = splits};
    if (s == TSR_OK) s = tsr_attention_prepare(dev, &desc, &d.plan);
    if (s == TSR_OK) s = run_plan(&d, p, a, dev);
    tsr_attention_destroy(d.plan);
    for (int i = 0; i < 5; i++) tsr_buffer_destroy(d.buffer[i]);
    for (uint32_t i = 0; i < count; i++) tsr_set_destroy(made[i]);
    return s;
}

/* |a - b| / |b|, with a key of each row in both; NaN is no agreement. */
static double difference(const float *a, const float *b, size_t count)
{
    double apart = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        if (a[i] == b[i]) continue; /* infinities too */
        apart += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    }
    for (size_t i = 0; i < count; i++) size += isinf(b[i]) ? 0 : (double)b[i] * b[i];
    return apart == 0 ? 0 : sqrt(apart / size);
}

/* Sums in another order differ by a few units in the last place. */
static suite_verdict agree(const problem *p, const answer *a, const answer *b, suite_run_context *run)
{
    const double o = difference(a->o, b->o, values(p)), lse = difference(a->lse, b->lse, values(p) / D);
    if (!(o <= 1e-6) || !(lse <= 1e-6)) return suite_say(run, SUITE_FAIL, "the two differ by %.2e, their log-sum-exp by %.2e; expected 1e-6", o, lse);
    return suite_say(run, SUITE_PASS, "differ by %.1e", o);
}

static suite_verdict two_ways(const oracle_set *a, uint32_t a_count, uint32_t a_splits, const oracle_set *b, uint32_t b_count, int64_t n,
                              suite_run_context *run)
{
    oracle_rng r = oracle_seed(run->seed);
    problem p;
    answer x = {NULL, NULL}, y = {NULL, NULL};
    suite_verdict v = SUITE_FAIL;
    tsr_status s = make_problem(&p, n, &r) ? attend(&p, a, a_count, NULL, a_splits, run->dev, &x) : TSR_ERROR_HOST_MEMORY;
    if (s == TSR_OK) s = attend(&p, b, b_count, NULL, 1, run->dev, &y);
    v = s == TSR_OK ? agree(&p, &x, &y, run) : suite_error(run, s, "attending");
    free_answer(&x);
    free_answer(&y);
    free_problem(&p);
    return v;
}

static oracle_set one(oracle_pattern p) { return (oracle_set){.count = 1, .gridded = true, .of = {p}}; }

static suite_verdict whole_is_dense(const suite_case *c, suite_run_context *run)
{
    (void)c;
    const oracle_set whole = one((oracle_pattern){.kind = ORACLE_NATTEN, .axis = {{5, 5, 2, 0, 0, 0}, {9, 9, 0, 0, 0, 0}, {13, 13, 4, 0, 0, 0}}});
    return two_ways(&whole, 1, 0, NULL, 0, set_tokens(&whole), run);
}

static suite_verdict tiles_are_strides(const suite_case *c, suite_run_context *run)
{
    (void)c;
    const oracle_set tiles = one((oracle_pattern){.kind = ORACLE_STA, .axis = {{6, 3, 2, 0, 0, 0}, {12, 1, 4, 0, 0, 0}, {12, 2, 4, 0, 0, 0}}});
    const oracle_set strides = one((oracle_pattern){.kind = ORACLE_NATTEN, .axis = {{6, 6, 2, 0, 0, 0}, {12, 4, 4, 0, 0, 0}, {12, 12, 4, 0, 0, 0}}});
    return two_ways(&tiles, 1, 0, &strides, 1, set_tokens(&tiles), run);
}

static suite_verdict order_of_union(const suite_case *c, suite_run_context *run)
{
    (void)c;
    oracle_set a = one((oracle_pattern){.kind = ORACLE_NATTEN, .axis = {{0}, {21, 5, 0, 3, 0, 0}, {31, 7, 2, 1, 0, 1}}});
    a.count = 3;
    a.of[1] = (oracle_pattern){.kind = ORACLE_FLASH, .axis = {{0}, {.extent = 21}, {.extent = 31}}, .left = 20, .right = 3, .prefix = 7};
    a.of[2] = (oracle_pattern){.kind = ORACLE_DILATED, .axis = {{0}, {.extent = 21}, {.extent = 31}}, .count = 13, .left = 30};
    oracle_set b = a;
    b.of[0] = a.of[2];
    b.of[2] = a.of[0];
    return two_ways(&a, 1, 0, &b, 1, set_tokens(&a), run);
}

static suite_verdict splits_are_whole(const suite_case *c, suite_run_context *run)
{
    const oracle_set set = one((oracle_pattern){.kind = ORACLE_NATTEN, .axis = {{0}, {23, 11, 0, 2, 0, 0}, {29, 16, 5, 0, 0, 0}}});
    return two_ways(&set, 1, (uint32_t)c->number, &set, 1, set_tokens(&set), run);
}

/* The half-open ranges of keys before and from the middle on, each by itself, and merged here in fp64. */
static void merge(const problem *p, answer *a, const answer *b)
{
    for (int64_t row = 0; row < ALL_HEADS * p->n; row++) {
        const double la = a->lse[row], lb = b->lse[row], top = fmax(la, lb);
        if (top == -INFINITY) continue;
        const double wa = exp(la - top), wb = exp(lb - top);
        for (int64_t c = row * D; c < (row + 1) * D; c++) a->o[c] = (float)((wa * a->o[c] + wb * b->o[c]) / (wa + wb));
        a->lse[row] = (float)(top + log(wa + wb));
    }
}

static suite_verdict halves_are_whole(const suite_case *c, suite_run_context *run)
{
    (void)c;
    oracle_set whole = one((oracle_pattern){.kind = ORACLE_NATTEN, .axis = {{0}, {23, 11, 0, 2, 0, 1}, {29, 16, 5, 0, 0, 0}}});
    const int64_t n = set_tokens(&whole), middle = n / 2 + 5;
    oracle_set before = whole, after = whole;
    before.all = after.all = true;
    before.count = after.count = 2;
    before.of[1] = (oracle_pattern){.kind = ORACLE_KEYS, .left = 0, .right = middle};
    after.of[1] = (oracle_pattern){.kind = ORACLE_KEYS, .left = middle, .right = -1};
    oracle_rng r = oracle_seed(run->seed);
    problem p;
    answer x = {NULL, NULL}, y = {NULL, NULL}, z = {NULL, NULL};
    tsr_status s = make_problem(&p, n, &r) ? attend(&p, &before, 1, NULL, 1, run->dev, &x) : TSR_ERROR_HOST_MEMORY;
    if (s == TSR_OK) s = attend(&p, &after, 1, NULL, 1, run->dev, &y);
    if (s == TSR_OK) s = attend(&p, &whole, 1, NULL, 1, run->dev, &z);
    suite_verdict v = SUITE_PASS;
    if (s == TSR_OK) {
        merge(&p, &x, &y);
        v = agree(&p, &x, &z, run);
    } else {
        v = suite_error(run, s, "attending");
    }
    free_answer(&x);
    free_answer(&y);
    free_answer(&z);
    free_problem(&p);
    return v;
}

/* Heads that trade places with their sets, and inputs with them, give the same bits. */
static suite_verdict heads_trade(const suite_case *c, suite_run_context *run)
{
    (void)c;
    oracle_set sets[ALL_HEADS];
    for (int h = 0; h < ALL_HEADS; h++)
        sets[h] = one((oracle_pattern){.kind = ORACLE_NATTEN, .axis = {{0}, {17, 3 + 4 * h, 1 + h, 1, 0, h == 1}, {23, 5 + h, 0, 1 + h, 0, 0}}});
    static const uint32_t of[ALL_HEADS] = {0, 1, 2}, moved[ALL_HEADS] = {1, 2, 0};
    const int64_t n = set_tokens(&sets[0]);
    const size_t head = (size_t)(n * D);
    oracle_rng r = oracle_seed(run->seed);
    problem p, turned;
    answer x = {NULL, NULL}, y = {NULL, NULL};
    const bool made = make_problem(&p, n, &r), ok = make_problem(&turned, n, &r) && made;
    for (int h = 0; ok && h < ALL_HEADS; h++) {
        memcpy(turned.q + h * head, p.q + moved[h] * head, head * sizeof(float));
        memcpy(turned.k + h * head, p.k + moved[h] * head, head * sizeof(float));
        memcpy(turned.v + h * head, p.v + moved[h] * head, head * sizeof(float));
    }
    tsr_status s = ok ? attend(&p, sets, ALL_HEADS, of, 1, run->dev, &x) : TSR_ERROR_HOST_MEMORY;
    if (s == TSR_OK) s = attend(&turned, sets, ALL_HEADS, moved, 1, run->dev, &y);
    suite_verdict v = s == TSR_OK ? SUITE_PASS : suite_error(run, s, "attending");
    for (int h = 0; v == SUITE_PASS && h < ALL_HEADS; h++)
        if (memcmp(y.o + h * head, x.o + moved[h] * head, head * sizeof(float)) != 0) v = suite_say(run, SUITE_FAIL, "head %d gives other bits", h);
    free_answer(&x);
    free_answer(&y);
    free_problem(&p);
    free_problem(&turned);
    return v;
}

/* Rows of a tensor of ALL_HEADS x n rows, from the order (h, w) of a grid to (w, h). */
static void transpose(float *to, const float *from, int64_t n, int64_t width, int64_t channels)
{
    for (int64_t row = 0; row < ALL_HEADS * n; row++) {
        const int64_t token = row % n, moved = token % width * (n / width) + token / width;
        memcpy(to + (row - token + moved) * channels, from + row * channels, (size_t)channels * sizeof(float));
    }
}

/* A grid on its side: tokens in another order, axes exchanged, the same attention. */
static suite_verdict axes_trade(const suite_case *c, suite_run_context *run)
{
    (void)c;
    const oracle_axis h = {27, 9, 4, 2, 0, true}, w = {38, 6, 1, 3, 0, false};
    const oracle_set upright = one((oracle_pattern){.kind = ORACLE_NATTEN, .axis = {{0}, h, w}});
    const oracle_set lying = one((oracle_pattern){.kind = ORACLE_NATTEN, .axis = {{0}, w, h}});
    const int64_t n = set_tokens(&upright);
    oracle_rng r = oracle_seed(run->seed);
    problem p, turned;
    answer x = {NULL, NULL}, y = {NULL, NULL}, back = {room((size_t)(ALL_HEADS * n * D)), room((size_t)(ALL_HEADS * n))};
    const bool made = make_problem(&p, n, &r), ok = make_problem(&turned, n, &r) && made && back.o && back.lse;
    if (ok) {
        transpose(turned.q, p.q, n, w.extent, D);
        transpose(turned.k, p.k, n, w.extent, D);
        transpose(turned.v, p.v, n, w.extent, D);
    }
    tsr_status s = ok ? attend(&p, &upright, 1, NULL, 1, run->dev, &x) : TSR_ERROR_HOST_MEMORY;
    if (s == TSR_OK) s = attend(&turned, &lying, 1, NULL, 1, run->dev, &y);
    suite_verdict v = SUITE_FAIL;
    if (s == TSR_OK) {
        transpose(back.o, x.o, n, w.extent, D);
        transpose(back.lse, x.lse, n, w.extent, 1);
        v = agree(&p, &y, &back, run);
    } else {
        v = suite_error(run, s, "attending");
    }
    free_answer(&x);
    free_answer(&y);
    free_answer(&back);
    free_problem(&p);
    free_problem(&turned);
    return v;
}

int suite_add_set_relations(suite *s)
{
    return suite_add(s, "sets/relations/whole-window-is-dense", whole_is_dense, NULL, 0) &&
           suite_add(s, "sets/relations/tiles-are-strides", tiles_are_strides, NULL, 0) &&
           suite_add(s, "sets/relations/order-of-union", order_of_union, NULL, 0) &&
           suite_add(s, "sets/relations/3-splits-are-whole", splits_are_whole, NULL, 3) &&
           suite_add(s, "sets/relations/17-splits-are-whole", splits_are_whole, NULL, 17) &&
           suite_add(s, "sets/relations/halves-are-whole", halves_are_whole, NULL, 0) &&
           suite_add(s, "sets/relations/heads-trade", heads_trade, NULL, 0) && suite_add(s, "sets/relations/axes-trade", axes_trade, NULL, 0);
}
