/* tessera bench sparse: dense attention, given tiles and chosen tiles in turn on the same tensors, each checked against fp64. */
#include "bench_sparse.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_pace.h"
#include "oracle/oracle.h"
#include "oracle/realistic.h"

static const char *const name = "bench";
static const double shares[] = {0.05, 0.1, 0.2, 0.5};
enum { SHARES = sizeof(shares) / sizeof(shares[0]) };

static const char *const given_recipe = "{\"inputs\": {\"map\": {\"shape\": [\"B\", \"H\", \"ceil(Nq / 64)\", \"ceil(Nk / 64)\"]}},"
                                        " \"steps\": {\"o\": {\"attend\": {\"select\": \"map\", \"tiles\": 64}}}}";
static const char *const chosen_recipe =
    "{\"parameters\": {\"keep\": 0.1},"
    " \"steps\": {\"scores\": {\"dot\": {\"a\": {\"pool\": {\"of\": \"q\", \"tiles\": 64}}, \"b\": {\"pool\": {\"of\": \"k\", \"tiles\": 64}}}},"
    " \"chosen\": {\"select\": {\"of\": \"scores\", \"share\": \"keep\", \"round\": \"nearest\", \"least\": 1}},"
    " \"o\": {\"attend\": {\"select\": \"chosen\", \"tiles\": 64}}}}";

/* A case while it is measured. */
typedef struct contender {
    bench_sparse_case *c;
    tsr_flow *flow;
    tsr_buffer *buffer; /* of the given map */
    float *map;         /* [heads, tiles, tiles]: what is attended */
    int64_t tiles;
} contender;

typedef struct group {
    bench *b;
    bench_problem *problem;
    bench_tensors tensors;
    bench_ours dense;
    bench_times dense_times;
    contender *all;
    size_t count;
} group;

/* Structure in place of noise: q, k and v of every head. */
static bool fill_realistic(bench_problem *p, uint64_t seed)
{
    const bench_shape *s = &p->shape;
    const realistic_desc d = {.batch = s->batch,
                              .heads = s->heads,
                              .heads_kv = s->heads,
                              .d = s->dim,
                              .dv = s->dim,
                              .grid = {1, 1, s->keys},
                              .mass = 0.8,
                              .noise = 0.3,
                              .seed = seed};
    for (int64_t h = 0; h < s->heads; h++) {
        const size_t at = (size_t)h * (size_t)s->keys * (size_t)s->dim;
        realistic_head head;
        if (!realistic_make(&d, 0, h, p->q + at, p->k + at, p->v + at, &head)) return false;
    }
    return true;
}

static tsr_status prepare_case(group *g, contender *c)
{
    const bench_shape *s = &c->c->shape;
    const bool given = c->c->choice == BENCH_GIVEN;
    const tsr_layout t = {.dtype = g->b->dtype, .shape = {s->batch, s->heads, s->keys, s->dim}};
    const tsr_flow_input input = {"map", {TSR_F32, {s->batch, s->heads, c->tiles, c->tiles}, {0}}};
    const tsr_named_scalar keep = {"keep", (float)c->c->share};
    const tsr_flow_desc desc = {.text = given ? given_recipe : chosen_recipe,
                                .q = t,
                                .k = t,
                                .v = t,
                                .o = t,
                                .inputs = &input,
                                .input_count = given,
                                .parameters = &keep,
                                .parameter_count = !given};
    const uint64_t size = (uint64_t)(s->batch * s->heads * c->tiles * c->tiles);
    c->map = calloc(size, sizeof(*c->map));
    if (!c->map) return TSR_ERROR_HOST_MEMORY;
    const double start = cli_now();
    tsr_status status = tsr_flow_prepare(g->b->device.dev, &desc, &c->flow);
    c->c->times.first = cli_now() - start;
    if (status != TSR_OK || !given) return status;
    /* As many tiles in each row as a selection of that share would take, drawn anew for each. */
    oracle_rng rng = oracle_seed(g->b->seed ^ (uint64_t)(c->c->share * 1000));
    const int64_t count = (int64_t)fmax(1, round(c->c->share * (double)c->tiles));
    for (int64_t row = 0; row < s->batch * s->heads * c->tiles; row++)
        for (int64_t i = 0, left = count; i < c->tiles; i++)
            if (oracle_below(&rng, (uint32_t)(c->tiles - i)) < left) c->map[row * c->tiles + i] = 1, left--;
    status = tsr_buffer_create(g->b->device.dev, size * sizeof(float), &c->buffer);
    return status == TSR_OK ? tsr_buffer_write(c->buffer, 0, c->map, size * sizeof(float)) : status;
}

static tsr_status run_case(const group *g, contender *c, bool timed, double *seconds)
{
    const tsr_span map = {c->buffer, 0};
    tsr_buffer *const *b = g->tensors.buffers;
    const tsr_flow_args args = {.q = {b[0], 0}, .k = {b[1], 0}, .v = {b[2], 0}, .o = {b[3], 0}, .inputs = &map, .timed = timed};
    const double start = cli_now();
    tsr_status status = tsr_flow_run(c->flow, &args);
    if (status == TSR_OK) status = tsr_device_wait(g->b->device.dev);
    *seconds = cli_now() - start;
    return status;
}

/* The tiles that a flow chose: the same recipe once more, with its steps kept. */
static tsr_status read_choice(group *g, contender *c)
{
    const bench_shape *s = &c->c->shape;
    const tsr_layout t = {.dtype = g->b->dtype, .shape = {s->batch, s->heads, s->keys, s->dim}};
    const tsr_named_scalar keep = {"keep", (float)c->c->share};
    const tsr_flow_desc desc = {.text = chosen_recipe, .q = t, .k = t, .v = t, .o = t, .parameters = &keep, .parameter_count = 1, .keep = 1};
    contender kept = {.c = c->c};
    int64_t shape[4];
    double seconds;
    tsr_status status = tsr_flow_prepare(g->b->device.dev, &desc, &kept.flow);
    if (status == TSR_OK) status = run_case(g, &kept, false, &seconds);
    if (status == TSR_OK) status = tsr_flow_read(kept.flow, "chosen", shape, c->map, (uint64_t)(s->batch * s->heads * c->tiles * c->tiles));
    tsr_flow_destroy(kept.flow);
    return status;
}

/* A bench_keys of a map. */
static int64_t map_keys(void *user, int64_t head, int64_t query, int64_t *keys)
{
    const contender *c = user;
    const float *row = c->map + (head * c->tiles + query / BENCH_TILE) * c->tiles;
    int64_t count = 0;
    for (int64_t k = 0; k < c->c->shape.keys; k++)
        if (row[k / BENCH_TILE] != 0) keys[count++] = k;
    return count;
}

/* The run that warms up is the one whose output is checked. */
static tsr_status warm_up(group *g, contender *c, bool *ok)
{
    double seconds = 0;
    tsr_flow_info info;
    tsr_status status = c->c->choice == BENCH_CHOSEN ? read_choice(g, c) : TSR_OK;
    if (status == TSR_OK) status = bench_tensors_spoil(&g->tensors);
    if (status == TSR_OK) status = run_case(g, c, false, &seconds);
    c->c->times.first += seconds;
    if (status == TSR_OK) status = tsr_flow_get_info(c->flow, &info);
    if (status != TSR_OK || cli_interrupted()) return status;
    c->c->workspace = info.workspace;
    *ok = *ok && bench_problem_reference(g->problem, map_keys, c);
    c->c->error = bench_problem_error(g->problem, bench_tensors_row, &g->tensors);
    return status;
}

/* One turn: dense, then every case; those that choose once more with a clock on each step. */
static tsr_status run_turn(group *g, int turn, bool *ok)
{
    double seconds = 0;
    tsr_status status = bench_ours_run(&g->dense, g->b->device.dev, &g->tensors, &seconds);
    if (turn >= 0) g->dense_times.seconds[g->dense_times.count++] = seconds;
    for (size_t i = 0; i < g->count && status == TSR_OK && *ok && !cli_interrupted(); i++) {
        contender *c = &g->all[i];
        bench_sparse_case *s = c->c;
        if (turn < 0) {
            status = warm_up(g, c, ok);
            continue;
        }
        status = run_case(g, c, false, &s->times.seconds[s->times.count++]);
        if (status == TSR_OK) status = run_case(g, c, true, &seconds);
        if (status == TSR_OK) status = tsr_flow_get_report(c->flow, &s->report);
        if (status == TSR_OK) s->select.seconds[s->select.count++] = s->report.seconds_select;
    }
    return status;
}

static void take_results(group *g)
{
    tsr_attention_info dense;
    tsr_attention_get_info(g->dense.plan, &dense);
    bench_summarise(&g->dense_times);
    for (size_t i = 0; i < g->count; i++) {
        bench_sparse_case *c = g->all[i].c;
        bench_summarise(&c->times);
        bench_summarise(&c->select);
        c->dense = g->dense_times;
        c->dense_flops = (double)dense.flops;
        c->device = *tsr_device_info_of(g->b->device.dev);
        c->dtype = tsr_dtype_name(g->b->dtype);
        c->peak = g->b->peak;
        c->seed = g->b->seed;
        c->tolerance = bench_tolerance(g->b->dtype);
        g->b->failed = g->b->failed || bench_sparse_is_wrong(c);
    }
}

static int run_group(bench *b, bench_problem *problem, const bench_pace *pace, bench_sparse_case *cases, size_t count)
{
    group g = {.b = b, .problem = problem, .count = count, .all = calloc(count, sizeof(contender))};
    if (!g.all) return cli_error(name, EXIT_INPUT, "no memory for %zu cases", count);
    bool ok = bench_problem_fill(problem, &cases->shape, b->dtype, false, b->seed, bench_memory_free(b));
    if (ok && b->realistic && !(ok = fill_realistic(problem, b->seed))) cli_error(name, EXIT_INPUT, "no memory for realistic tensors");
    int code = ok ? -1 : EXIT_INPUT;
    tsr_status status = ok ? bench_tensors_upload(&g.tensors, b->device.dev, problem) : TSR_OK;
    double seconds;
    if (status == TSR_OK && ok) status = bench_ours_prepare(&g.dense, b->device.dev, problem, &(bench_sets){0}, 4 * pace->rate, &seconds);
    for (size_t i = 0; i < count && status == TSR_OK && ok; i++) {
        g.all[i] = (contender){.c = &cases[i], .tiles = (cases[i].shape.keys + BENCH_TILE - 1) / BENCH_TILE};
        status = prepare_case(&g, &g.all[i]);
    }
    for (int turn = -1; turn < b->runs && status == TSR_OK && ok && !cli_interrupted(); turn++) {
        char label[64];
        snprintf(label, sizeof(label), "%lld tokens", (long long)cases->shape.keys);
        cli_progress(label, (double)(turn + 1) / (double)(b->runs + 1));
        status = run_turn(&g, turn, &ok);
    }
    cli_progress_end();
    if (status == TSR_OK && ok && !cli_interrupted()) status = bench_measure_peak(b);
    if (status != TSR_OK)
        code = cli_fail(name, status);
    else if (cli_interrupted())
        code = cli_error(name, EXIT_INTERRUPTED, "interrupted");
    else if (!ok)
        code = EXIT_INPUT;
    if (code < 0) {
        take_results(&g);
        bench_sparse_print(cases, count);
        for (size_t i = 0; i < count; i++) bench_sparse_json(b, &cases[i]);
    }
    for (size_t i = 0; i < count; i++) {
        tsr_flow_destroy(g.all[i].flow);
        tsr_buffer_destroy(g.all[i].buffer);
        free(g.all[i].map);
    }
    bench_ours_release(&g.dense);
    bench_tensors_release(&g.tensors);
    free(g.all);
    return code;
}

/* The cases of one length. */
static bool add_cases(bench *b, int64_t tokens, int64_t heads, int64_t dim)
{
    bench_sparse_case *p = realloc(b->sparse, (b->sparse_count + 2 * SHARES) * sizeof(*p));
    if (!p) {
        cli_error(name, EXIT_INPUT, "no memory for %zu cases", b->sparse_count + 2 * SHARES);
        return false;
    }
    b->sparse = p;
    for (int choice = 0; choice < 2; choice++)
        for (int i = 0; i < SHARES; i++) {
            bench_sparse_case *c = &b->sparse[b->sparse_count++];
            *c = (bench_sparse_case){.choice = (bench_choice)choice,
                                     .share = shares[i],
                                     .shape = {1, heads, tokens, tokens, dim},
                                     .tensors = b->realistic ? "realistic" : "random"};
            snprintf(c->label, sizeof(c->label), "%lld tokens, %s, %g %%", (long long)tokens, choice == BENCH_GIVEN ? "given" : "chosen",
                     shares[i] * 100);
        }
    return true;
}

int bench_sparse(bench *b)
{
    static const int64_t usual[] = {16384, 32760};
    bench_problem problem;
    bench_pace pace;
    if (!bench_problem_open(&problem)) return EXIT_INPUT;
    int code = bench_measure_pace(b, &problem, &pace);
    const int64_t heads = b->ask.heads ? b->ask.heads : 1, dim = b->ask.dim ? b->ask.dim : 128;
    const size_t first = b->sparse_count;
    for (int i = 0; i < 2 && code < 0; i++) {
        int64_t tokens = b->ask.tokens ? b->ask.tokens : usual[i];
        /* On slow devices so few that a dense run takes the seconds asked for. */
        while (!b->ask.tokens && tokens > 2048 && 4.0 * (double)(heads * dim) * (double)tokens * (double)tokens > b->ask.seconds * pace.rate)
            tokens /= 2;
        if (i > 0 && (b->ask.tokens || tokens <= b->sparse[first].shape.keys)) break;
        if (!add_cases(b, tokens, heads, dim)) code = EXIT_INPUT;
    }
    for (size_t at = first; at < b->sparse_count && code < 0; at += 2 * SHARES) code = run_group(b, &problem, &pace, &b->sparse[at], 2 * SHARES);
    bench_problem_close(&problem);
    return code;
}
