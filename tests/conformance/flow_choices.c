/* Selections: sets that must be exactly those of the definition, ties, pins, bounds, sums and all, from scores that the test gives. */
#include "flow_case.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

typedef enum choice_scope { ROW, MAP, HEADS } choice_scope;
typedef enum choice_rule { COUNT, COUNTS, SHARE, MASS } choice_rule; /* COUNTS: a tensor */
typedef enum choice_scores { COARSE, FINE, PROBABILITIES, EQUAL, HOSTILE, GRAINS } choice_scores;

/* A row of the table; extents of 0 are drawn. */
typedef struct choice_case {
    const char *name;
    int64_t shape[4];
    choice_scope scope;
    choice_rule rule;
    double amount; /* the share; of counts: a part of the scope, above 1: more than there are */
    choice_scores scores;
    double pins, hidden; /* shares of the elements that are pinned, that are no candidates */
    bool extra, passing; /* passing: without the element that crosses */
    int64_t least, most; /* most 0: all */
    const char *round;
} choice_case;

static const choice_case table[] = {
    {.name = "row-count", .amount = 0.3, .hidden = 0.2},
    {.name = "row-count-fine", .amount = 0.1, .scores = FINE},
    {.name = "row-count-equal", .amount = 0.4, .scores = EQUAL, .hidden = 0.3},
    {.name = "row-count-hostile", .amount = 0.5, .scores = HOSTILE, .hidden = 0.1},
    {.name = "row-count-none", .amount = 0, .pins = 0.1},
    {.name = "row-count-more-than-candidates", .amount = 0.9, .hidden = 0.7},
    {.name = "row-count-pins", .amount = 0.3, .pins = 0.1, .hidden = 0.2},
    {.name = "row-count-pins-beyond", .amount = 0.05, .pins = 0.4},
    {.name = "row-count-pins-most", .amount = 0.05, .pins = 0.4, .most = 3},
    {.name = "row-count-extra", .amount = 0.2, .pins = 0.2, .hidden = 0.3, .extra = true},
    {.name = "row-count-least", .amount = 0.02, .least = 7},
    {.name = "row-count-one-element", .shape = {2, 3, 5, 1}, .amount = 1},
    {.name = "row-count-one-row", .shape = {1, 1, 1, 97}, .amount = 0.2},
    {.name = "row-count-wide", .shape = {1, 2, 3, 1031}, .amount = 0.1, .pins = 0.01},
    {.name = "row-count-parts", .shape = {1, 1, 2, 70001}, .amount = 0.1, .pins = 0.01, .hidden = 0.2},
    {.name = "row-count-parts-equal", .shape = {1, 1, 1, 66001}, .amount = 0.3, .scores = EQUAL, .hidden = 0.2},
    {.name = "row-counts", .rule = COUNTS, .amount = 1.4, .pins = 0.05, .hidden = 0.2},
    {.name = "row-share", .rule = SHARE, .amount = 0.3, .hidden = 0.3, .scores = FINE},
    {.name = "row-share-ceil", .rule = SHARE, .amount = 0.1, .round = "ceil", .hidden = 0.3},
    {.name = "row-share-nearest", .rule = SHARE, .amount = 0.5, .round = "nearest", .pins = 0.02},
    {.name = "row-share-tenths", .rule = SHARE, .shape = {1, 2, 3, 10}, .amount = 0.1},
    {.name = "row-share-none", .rule = SHARE, .amount = 0, .round = "ceil"},
    {.name = "row-share-all", .rule = SHARE, .amount = 1, .hidden = 0.5},
    {.name = "row-share-extra", .rule = SHARE, .amount = 0.25, .pins = 0.1, .extra = true, .most = 20},
    {.name = "row-mass", .rule = MASS, .amount = 0.9, .scores = PROBABILITIES},
    {.name = "row-mass-passing", .rule = MASS, .amount = 0.6, .scores = PROBABILITIES, .passing = true, .hidden = 0.2},
    {.name = "row-mass-pins", .rule = MASS, .amount = 0.5, .scores = PROBABILITIES, .pins = 0.1, .hidden = 0.1},
    {.name = "row-mass-extra", .rule = MASS, .amount = 0.95, .scores = PROBABILITIES, .pins = 0.1, .extra = true},
    {.name = "row-mass-bounds", .rule = MASS, .amount = 0.5, .scores = PROBABILITIES, .least = 4, .most = 9},
    {.name = "row-mass-none", .rule = MASS, .amount = 0, .scores = PROBABILITIES},
    {.name = "row-mass-all", .rule = MASS, .amount = 1, .scores = PROBABILITIES, .hidden = 0.3},
    {.name = "row-mass-equal", .rule = MASS, .shape = {1, 2, 3, 10}, .amount = 0.9, .scores = EQUAL},
    {.name = "row-mass-coarse", .rule = MASS, .amount = 0.7, .scores = COARSE, .hidden = 0.1},
    {.name = "row-mass-grains", .shape = {1, 2, 5, 37}, .rule = MASS, .amount = 1, .scores = GRAINS},
    {.name = "row-mass-hostile", .rule = MASS, .amount = 0.7, .scores = HOSTILE},
    {.name = "map-count", .scope = MAP, .amount = 0.2, .pins = 0.02, .hidden = 0.1},
    {.name = "map-counts", .scope = MAP, .rule = COUNTS, .amount = 1.1},
    {.name = "map-share", .scope = MAP, .rule = SHARE, .amount = 0.15, .scores = FINE},
    {.name = "map-mass", .scope = MAP, .rule = MASS, .amount = 0.8, .scores = PROBABILITIES, .hidden = 0.1},
    {.name = "map-share-parts", .scope = MAP, .shape = {1, 2, 300, 257}, .rule = SHARE, .amount = 0.1, .hidden = 0.1},
    {.name = "map-mass-parts", .scope = MAP, .shape = {2, 1, 267, 263}, .rule = MASS, .amount = 0.7, .scores = PROBABILITIES, .pins = 0.01},
    {.name = "heads-count", .scope = HEADS, .amount = 0.2, .hidden = 0.1},
    {.name = "heads-counts", .scope = HEADS, .rule = COUNTS, .amount = 0.8, .shape = {3, 2, 5, 7}},
    {.name = "heads-mass", .scope = HEADS, .rule = MASS, .amount = 0.6, .scores = PROBABILITIES, .passing = true},
    {.name = "heads-share-parts", .scope = HEADS, .shape = {2, 3, 167, 157}, .rule = SHARE, .amount = 0.12, .pins = 0.003},
};

/* One scope, element by element in their order. */
typedef struct choice_part {
    const double *x, *where, *pin;
    int64_t n, count;
    double *out;
} choice_part;

static bool candidate(const choice_part *p, int64_t i) { return p->where[i] != 0 && !isnan(p->x[i]) && p->x[i] != -INFINITY; }

typedef struct ranked {
    double x;
    int64_t at;
} ranked;

static int by_rank(const void *a, const void *b)
{
    const ranked *l = a, *r = b;
    if (l->x != r->x) return l->x > r->x ? -1 : 1;
    return l->at < r->at ? -1 : 1;
}

/* Values in units of 2^-30 of the power of two below the largest. */
static uint64_t mass_of(double x, double largest)
{
    int exponent;
    if (!(x > 0)) return 0;
    (void)frexp(largest, &exponent);
    return (uint64_t)floor(ldexp(x, 31 - (exponent < -125 ? -125 : exponent)) + 0.5);
}

/* How many of the ranked, after so much that is there already, it takes to reach the share of all. */
static int64_t reach(const choice_case *c, const ranked *list, int64_t count, uint64_t there, uint64_t all, double largest)
{
    const wide low = (wide)all * (wide)(uint64_t)floor(c->amount * 0x1p32), high = (wide)all * (wide)(uint64_t)ceil(c->amount * 0x1p32);
    int64_t taken = 0;
    wide sum = (wide)there << 32;
    while (taken < count && list[taken].x > 0 && mass_of(list[taken].x, largest) > 0 && sum < low)
        sum += (wide)mass_of(list[taken++].x, largest) << 32;
    if (c->passing && taken > 0 && sum > high) taken--;
    return taken;
}

static void choose(const choice_case *c, choice_part *p)
{
    ranked *list = malloc((size_t)(p->n + 1) * sizeof(*list));
    int64_t candidates = 0, pins = 0, others = 0;
    uint64_t all = 0, pinned = 0;
    double largest = 0;
    for (int64_t i = 0; i < p->n; i++)
        if (candidate(p, i) && p->x[i] > largest) largest = p->x[i];
    for (int64_t i = 0; list && i < p->n; i++) {
        p->out[i] = 0;
        pins += p->pin[i] != 0;
        candidates += candidate(p, i);
        if (candidate(p, i)) all += mass_of(p->x[i], largest);
        if (candidate(p, i) && p->pin[i] != 0) pinned += mass_of(p->x[i], largest);
        if (candidate(p, i) && p->pin[i] == 0) list[others++] = (ranked){p->x[i], i};
    }
    if (list) qsort(list, (size_t)others, sizeof(*list), by_rank);
    const double part = c->amount * (double)candidates;
    int64_t total = p->count;
    if (c->rule == SHARE)
        total = (int64_t)(!c->round ? floor(part + 1e-7) : strcmp(c->round, "ceil") == 0 ? ceil(part - 1e-7) : floor(part + 0.5 + 1e-7));
    if (c->rule == MASS)
        total = list ? reach(c, list, others, c->extra ? 0 : pinned, all, largest) + pins : 0;
    else if (c->extra)
        total += pins;
    if (total < c->least) total = c->least;
    if (total < pins) total = pins;
    if (c->most && total > c->most) total = c->most;
    for (int64_t i = 0; i < p->n && total > 0; i++)
        if (p->pin[i] != 0) p->out[i] = 1, total--;
    for (int64_t i = 0; i < others && total > 0; i++) p->out[list[i].at] = 1, total--;
    free(list);
}

static double draw_score(flow_case *f, choice_scores kind)
{
    const double normal = oracle_normal(&f->rng);
    switch (kind) {
    case FINE:
        return normal;
    case PROBABILITIES:
        return exp(2 * normal);
    case EQUAL:
        return 0.25;
    case HOSTILE:
        switch (oracle_below(&f->rng, 8)) {
        case 0:
            return -INFINITY;
        case 1:
            return 0;
        case 2:
            return -0.0;
        case 3:
            return 1e-42 * (double)oracle_below(&f->rng, 5);
        case 4:
            return 3e38;
        case 5:
            return -3e38;
        default:
            return 1e-5 * floor(normal * 3);
        }
    case GRAINS: { /* of the unit in which sums are made: those below half of it are nothing */
        static const double grains[] = {0x1p30, 0.25, 0.5, 0.75, 1.25};
        return grains[oracle_below(&f->rng, 5)] * 0x1p-40;
    }
    default:
        return floor(normal * 4) / 4;
    }
}

static void draw(flow_case *f, const choice_case *c, flow_array *s, flow_array *w, flow_array *p)
{
    for (int64_t i = 0; i < s->shape[0] * s->shape[1] * s->shape[2] * s->shape[3]; i++) {
        s->x[i] = draw_score(f, c->scores);
        w->x[i] = (double)oracle_below(&f->rng, 10000) >= c->hidden * 10000;
        p->x[i] = (double)oracle_below(&f->rng, 10000) < c->pins * 10000;
        if (w->x[i] == 0 && oracle_below(&f->rng, 3) == 0) s->x[i] = NAN; /* what is no candidate may be anything */
    }
}

static suite_verdict run_choice(const suite_case *sc, suite_run_context *run)
{
    const choice_case *c = sc->params;
    static const char *const scopes[] = {"row", "map", "heads"};
    flow_case f;
    flow_case_begin(&f, run, sc->name, (flow_sizes){.b = 1, .h = 1, .hkv = 1, .nq = 3, .nk = 3, .d = 4});
    int64_t n[4];
    for (int i = 0; i < 4; i++) n[i] = c->shape[i] ? c->shape[i] : flow_case_draw(&f, 1, (const int64_t[]){2, 3, 37, 131}[i]);
    f.n.strided = oracle_below(&f.rng, 2) == 1;
    flow_array *s = flow_case_input(&f, "s", TSR_F32, n[0], n[1], n[2], n[3]), *w = flow_case_input(&f, "w", TSR_F32, n[0], n[1], n[2], n[3]);
    flow_array *p = flow_case_input(&f, "p", TSR_F32, n[0], n[1], n[2], n[3]);
    const int64_t heads = c->scope == HEADS ? 1 : n[1], rows = c->scope == ROW ? n[2] : 1, all = n[0] * n[1] * n[2] * n[3];
    const int64_t scopes_count = n[0] * heads * rows, size = all / scopes_count;
    flow_array *k = flow_case_input(&f, "k_of", TSR_F32, n[0], heads, rows, 1), *want = flow_case_array(&f, n[0], n[1], n[2], n[3]);
    if (!flow_case_ok(&f)) return flow_case_end(&f);
    draw(&f, c, s, w, p);
    const int64_t count = (int64_t)floor(c->amount * (double)size);
    for (int64_t i = 0; i < scopes_count; i++) k->x[i] = (double)oracle_below(&f.rng, (uint32_t)(c->amount * (double)size) + 2);
    char amount[64], more[256] = "";
    snprintf(amount, sizeof(amount),
             c->rule == COUNT    ? "'count': %.0f"
             : c->rule == COUNTS ? "'count': 'k_of'"
             : c->rule == SHARE  ? "'share': %.9g"
                                 : "'mass': %.9g",
             c->rule == COUNT ? (double)count : c->amount);
    char *at = more;
    if (c->hidden > 0) at += sprintf(at, ", 'where': 'w'");
    if (c->pins > 0) at += sprintf(at, ", 'pin': 'p'");
    if (c->extra) at += sprintf(at, ", 'extra': true");
    if (c->passing) at += sprintf(at, ", 'crossing': false");
    if (c->least) at += sprintf(at, ", 'least': %lld", (long long)c->least);
    if (c->most) at += sprintf(at, ", 'most': %lld", (long long)c->most);
    if (c->round) at += sprintf(at, ", 'round': '%s'", c->round);
    flow_case_start(&f,
                    "{'inputs': {'s': {'shape': [%lld,%lld,%lld,%lld]}, 'w': {'shape': [%lld,%lld,%lld,%lld]}, 'p': {'shape': [%lld,%lld,%lld,%lld]},"
                    " 'k_of': {'shape': [%lld,%lld,%lld,1]}}, 'steps': {'chosen': {'select': {'of': 's', %s, 'scope': '%s'%s}}, 'o': '0 * q'}}",
                    (long long)n[0], (long long)n[1], (long long)n[2], (long long)n[3], (long long)n[0], (long long)n[1], (long long)n[2],
                    (long long)n[3], (long long)n[0], (long long)n[1], (long long)n[2], (long long)n[3], (long long)n[0], (long long)heads,
                    (long long)rows, amount, scopes[c->scope], more);
    for (int64_t i = 0; i < scopes_count && flow_case_ok(&f); i++) {
        if (c->rule == COUNTS && k->x[i] > (double)size) k->x[i] = (double)size;
        choice_part part = {s->x + i * size,   w->x + i * size, p->x + i * size, size, c->rule == COUNTS ? (int64_t)k->x[i] : count,
                            want->x + i * size};
        choose(c, &part);
    }
    if (flow_case_ok(&f)) flow_case_compare(&f, "chosen", want, 0);
    return flow_case_end(&f);
}

int suite_add_flow_choices(suite *s)
{
    char name[96];
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        snprintf(name, sizeof(name), "flow/choice/%s", table[i].name);
        if (!suite_add(s, name, run_choice, &table[i], (int)i)) return 0;
    }
    return 1;
}
