/* The cases of attention over sets: names, sizes and the order of their themes. */
#include <stdio.h>

#include "conformance/set_case.h"

static const set_theme *const themes[] = {&set_natten, &set_natten_extended, &set_natten_heads, &set_natten_random, &set_flash,   &set_decode,
                                          &set_masks,  &set_varlen,          &set_mixed,        &set_random,        &set_machine, &set_matrix,        &set_packed};

void set_size(set_case *s, tsr_dtype type, int heads, int kv_heads, int64_t nq, int64_t nk, int d, int dv)
{
    s->c = (grid_case){GRID_TYPE(type), GRID_HEADS(1, heads, kv_heads), GRID_SIZE((int)nq, (int)nk, d, dv), .lse = true};
}

void set_cost(set_case *s, double pairs)
{
    const double quick = 5e8, most = 6e8; /* pairs times channels: a second or so on a slow device; in the reference */
    const double cost = pairs * s->c.d;
    if (cost > quick) s->full = true;
    if (cost > most) s->c.row_step = (int64_t)(cost / most) + 1;
}

double set_natten_pairs(const oracle_pattern *p)
{
    double pairs = 1;
    for (int a = 0; a < ORACLE_AXES; a++)
        if (p->axis[a].window) pairs *= (double)p->axis[a].extent * (double)p->axis[a].window;
    return pairs;
}

/* Appends what the case was to what went wrong with it. */
static void say_parameters(const set_case *s, suite_run_context *run)
{
    char text[1024];
    size_t at = 0;
    while (at < run->size && run->message[at]) at++;
    if (at < run->size)
        at += (size_t)snprintf(run->message + at, run->size - at, "; %s, %d.%d heads, %d queries, %d keys, D %d.%d, row step %lld",
                               tsr_dtype_name(s->c.q), s->c.heads, s->c.kv_heads, s->c.nq, s->c.nk, s->c.d, s->c.dv, (long long)s->c.row_step);
    for (int i = 0; i < s->count && at < run->size; i++) {
        set_describe(&s->set[i], text, sizeof(text));
        at += (size_t)snprintf(run->message + at, run->size - at, "; set %d: %s", i, text);
    }
}

static suite_verdict run_theme(const suite_case *c, suite_run_context *run)
{
    const set_theme *theme = c->params;
    const uint64_t seed = suite_seed_of(c->name, run->seed);
    set_case s = {.full = false};
    theme->make(c->number, seed, &s);
    if (suite_takes_minutes(run, s.c.tile)) return SUITE_UNSUPPORTED;
    s.c.sets = s.set;
    s.c.set_count = s.count;
    const suite_verdict v = grid_verdict(&s.c, seed, run);
    if (v == SUITE_FAIL) say_parameters(&s, run);
    return v;
}

int suite_add_sets(suite *suite)
{
    char name[112];
    for (size_t t = 0; t < sizeof(themes) / sizeof(themes[0]); t++) {
        const int count = themes[t] == &set_matrix ? set_matrix_count() : themes[t]->count;
        for (int i = 0; i < count; i++) {
            set_case s = {.full = false};
            themes[t]->make(i, 0, &s);
            snprintf(name, sizeof(name), "sets/%s/%s", themes[t]->name, s.name);
            if (!suite_add(suite, name, run_theme, themes[t], i)) return 0;
            if (s.full) suite_mark_full(suite);
        }
    }
    return 1;
}
