/* tessera bench windows: dense attention and windows in turn on the same tensors, each checked against fp64. */
#include "bench_windows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const name = "bench";

/* Attention prepared on the group's tensors: dense, or the window of a case. */
typedef struct contender {
    const bench_case *c; /* NULL: dense */
    tsr_set *set;
    bench_ours ours;
    bench_times times;
    double error;
} contender;

typedef struct group {
    bench *b;
    bench_problem *problem;
    bench_tensors tensors;
    const bench_pace *pace;
    contender *all; /* dense first */
    size_t count;
} group;

/* What a case lets attend; own has room for one set. */
static tsr_status sets_of(const group *g, contender *c, const tsr_set **own, bench_sets *out)
{
    const tsr_recipe_info *r = &g->b->ask.recipe_info;
    if (c->c->by_recipe) {
        const bool by_head = r->set_count > 1;
        *out = (bench_sets){r->sets, by_head ? r->set_of_head : NULL, r->set_count, by_head ? r->heads : 0};
        return TSR_OK;
    }
    const tsr_status status = bench_window_set(&c->c->window, &c->set);
    own[0] = c->set;
    *out = (bench_sets){.sets = own, .set_count = 1};
    return status;
}

static tsr_status prepare(group *g)
{
    tsr_status status = TSR_OK;
    for (size_t i = 0; i < g->count && status == TSR_OK; i++) {
        contender *c = &g->all[i];
        const tsr_set *own[1];
        bench_sets sets = {0};
        if (c->c) status = sets_of(g, c, own, &sets);
        /* Runs of up to a dozen seconds stay whole, dense and windows alike. */
        if (status == TSR_OK) status = bench_ours_prepare(&c->ours, g->b->device.dev, g->problem, &sets, 4 * g->pace->rate, &c->times.first);
    }
    return status;
}

/* A bench_keys of a window. */
static int64_t window_keys(void *user, int64_t head, int64_t query, int64_t *keys)
{
    (void)head;
    return bench_window_keys(&((const contender *)user)->c->window, query, keys);
}

/* A bench_keys of a recipe, pair by pair. */
static int64_t recipe_keys(void *user, int64_t head, int64_t query, int64_t *keys)
{
    const tsr_recipe_info *r = &((const group *)user)->b->ask.recipe_info;
    int64_t count = 0;
    for (int64_t k = 0; k < r->nk; k++) {
        int holds = 1;
        if (r->set_count && tsr_set_contains(r->sets[r->set_of_head[head]], r->nq, r->nk, query, k, &holds) != TSR_OK) holds = 0;
        if (holds) keys[count++] = k;
    }
    return count;
}

static bool reference(group *g, contender *c)
{
    if (!c->c) return bench_problem_reference(g->problem, NULL, NULL);
    return c->c->by_recipe ? bench_problem_reference(g->problem, recipe_keys, g) : bench_problem_reference(g->problem, window_keys, c);
}

/* The run that warms up is the one whose output is checked. */
static tsr_status warm_up(group *g, contender *c, bool *ok)
{
    double seconds = 0;
    tsr_status status = bench_tensors_spoil(&g->tensors);
    if (status == TSR_OK) status = bench_ours_run(&c->ours, g->b->device.dev, &g->tensors, &seconds);
    c->times.first += seconds;
    if (status != TSR_OK || cli_interrupted()) return status;
    *ok = *ok && reference(g, c);
    c->error = bench_problem_error(g->problem, bench_tensors_row, &g->tensors);
    return status;
}

static tsr_status run_turns(group *g, bool *ok)
{
    tsr_status status = TSR_OK;
    const double steps = (double)(g->b->runs + 1) * (double)g->count;
    char label[128];
    snprintf(label, sizeof(label), "%lld tokens", (long long)g->problem->shape.keys);
    for (int turn = -1; turn < g->b->runs && status == TSR_OK && *ok; turn++)
        for (size_t i = 0; i < g->count && status == TSR_OK && *ok && !cli_interrupted(); i++) {
            contender *c = &g->all[i];
            cli_progress(label, ((double)(turn + 1) * (double)g->count + (double)i) / steps);
            if (turn < 0)
                status = warm_up(g, c, ok);
            else
                status = bench_ours_run(&c->ours, g->b->device.dev, &g->tensors, &c->times.seconds[c->times.count++]);
        }
    cli_progress_end();
    return status;
}

static void take_results(group *g, bench_case *cases)
{
    for (size_t i = 0; i < g->count; i++) bench_summarise(&g->all[i].times);
    tsr_attention_info dense;
    tsr_attention_get_info(g->all[0].ours.plan, &dense);
    for (size_t i = 1; i < g->count; i++) {
        bench_case *c = &cases[i - 1];
        tsr_attention_get_info(g->all[i].ours.plan, &c->plan);
        c->device = *tsr_device_info_of(g->b->device.dev);
        c->dtype = tsr_dtype_name(g->b->dtype);
        c->peak = g->b->peak;
        c->dense_flops = (double)dense.flops;
        c->times = g->all[i].times;
        c->dense = g->all[0].times;
        c->error = g->all[i].error;
        c->dense_error = g->all[0].error;
        c->tolerance = bench_tolerance(g->b->dtype);
        g->b->failed = g->b->failed || bench_case_is_wrong(c);
    }
}

/* Cases of the same shape, which share tensors and the dense run that they are measured against. */
static int run_group(bench *b, bench_problem *problem, const bench_pace *pace, bench_case *cases, size_t count)
{
    group g = {.b = b, .problem = problem, .pace = pace, .count = count + 1};
    for (size_t i = 0; i < count; i++) cases[i].seed = b->seed;
    if (!bench_problem_fill(problem, &cases->shape, b->dtype, false, b->seed, bench_memory_free(b))) return EXIT_INPUT;
    g.all = calloc(g.count, sizeof(*g.all));
    if (!g.all) return cli_error(name, EXIT_INPUT, "no memory for %zu cases", count);
    for (size_t i = 1; i < g.count; i++) g.all[i].c = &cases[i - 1];
    bool ok = true;
    tsr_status status = bench_tensors_upload(&g.tensors, b->device.dev, problem);
    if (status == TSR_OK) status = prepare(&g);
    if (status == TSR_OK) status = run_turns(&g, &ok);
    if (status == TSR_OK && ok && !cli_interrupted()) status = bench_measure_peak(b);
    int code = ok ? -1 : EXIT_INPUT;
    if (status != TSR_OK)
        code = cli_fail(name, status);
    else if (cli_interrupted())
        code = cli_error(name, EXIT_INTERRUPTED, "interrupted");
    if (code < 0) {
        take_results(&g, cases);
        bench_windows_print_group(cases, count);
        for (size_t i = 0; i < count; i++) bench_windows_json(b, &cases[i]);
    }
    for (size_t i = 0; i < g.count; i++) {
        bench_ours_release(&g.all[i].ours);
        tsr_set_destroy(g.all[i].set);
    }
    bench_tensors_release(&g.tensors);
    free(g.all);
    return code;
}

int bench_windows(bench *b)
{
    bench_problem problem;
    bench_pace pace;
    if (!bench_problem_open(&problem)) return EXIT_INPUT;
    int code = bench_measure_pace(b, &problem, &pace);
    size_t at = b->case_count;
    const size_t first = at;
    if (code < 0 && !bench_windows_cases(b, &pace)) code = EXIT_INPUT;
    if (code < 0) bench_windows_print_device(b, &pace);
    while (at < b->case_count && code < 0) {
        const bench_shape *shape = &b->cases[at].shape;
        size_t count = 1;
        while (at + count < b->case_count && b->cases[at + count].shape.keys == shape->keys) count++;
        code = run_group(b, &problem, &pace, &b->cases[at], count);
        at += count;
    }
    if (code < 0) bench_windows_print_published(b->cases + first, b->case_count - first);
    bench_problem_close(&problem);
    return code;
}
