/* tessera bench attention: ours and the peers in turn on the same inputs, each checked against fp64. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_ours.h"
#include "bench_peer.h"
#include "bench_windows.h"

static const char *const name = "bench";

typedef struct contest {
    bench *b;
    bench_problem problem;
    tsr_set *set; /* of the window; NULL: none */
    bench_peer peers[BENCH_MAX_PEERS];
    int peer_count;
    bench_result blank; /* who takes part, before any result */
} contest;

/* Before a turn that counts, in seconds: threads of the one before may spin for some milliseconds, and own ones that slept may all wake on one
 * core and stay there for as long. Runs that take longer than long_run care for neither. */
static const double warm_up = 0.02, long_run = 0.5;

static bool peer_row(void *user, uint64_t row, double *values)
{
    const bench_problem *p = user;
    const uint64_t d = (uint64_t)p->shape.dim;
    for (uint64_t i = 0; i < d; i++) values[i] = (double)p->o[row * d + i];
    return true;
}

/* A peer may compute in halves whatever its tensors hold. */
static const double peer_tolerance = 2e-2;

/* A peer that fails is left out of the rest of this problem. */
static void peer_failed(const bench_peer *p, bench_side *side) { snprintf(side->failure, sizeof(side->failure), "%s", p->error); }

/* One run of a contestant, where it counts behind such that do not. Turn -1 warms the device up. */
typedef bool run_once(void *user, double *seconds);

static bool take_turn(run_once *run, void *user, int turn, bench_times *times)
{
    double seconds = 0;
    if (turn >= 0 && (times->count == 0 || times->seconds[times->count - 1] < long_run)) {
        double spent = 0;
        for (int n = 0; n < 100 && spent < warm_up; n++) {
            if (!run(user, &seconds)) return false;
            spent += seconds;
        }
    }
    if (!run(user, &seconds)) return false;
    if (turn < 0)
        times->first += seconds;
    else
        times->seconds[times->count++] = seconds;
    return true;
}

static bool run_peer(void *user, double *seconds) { return bench_peer_run(user, seconds); }

typedef struct own_run {
    bench_ours *ours;
    tsr_device *dev;
    bench_tensors *tensors;
    tsr_status status;
} own_run;

static bool run_ours(void *user, double *seconds)
{
    own_run *r = user;
    r->status = bench_ours_run(r->ours, r->dev, r->tensors, seconds);
    return r->status == TSR_OK;
}

static void run_peers(contest *c, bench_result *r, int turn)
{
    for (int i = 0; i < c->peer_count && !cli_interrupted(); i++) {
        bench_side *side = &r->peers[i];
        if (!side->failure[0] && !take_turn(run_peer, &c->peers[i], turn, &side->times)) peer_failed(&c->peers[i], side);
    }
}

static void check_peers(contest *c, bench_result *r)
{
    bench_problem *p = &c->problem;
    for (int i = 0; i < c->peer_count; i++) {
        bench_side *side = &r->peers[i];
        if (side->failure[0]) continue;
        for (uint64_t n = 0; n < p->small; n++) p->o[n] = NAN;
        if (!bench_peer_output(&c->peers[i])) {
            peer_failed(&c->peers[i], side);
            continue;
        }
        side->tolerance = peer_tolerance;
        side->error = bench_problem_error(p, peer_row, p);
        bench_summarise(&side->times);
    }
}

/* Run -1 warms up; then everyone in turn. */
static tsr_status run_all(contest *c, bench_tensors *t, bench_ours *u, bench_result *r)
{
    tsr_device *const dev = c->b->device.dev;
    const tsr_set *const sets[] = {c->set};
    const bench_sets all = {.sets = sets, .set_count = c->set != NULL};
    tsr_status status = bench_ours_prepare(u, dev, &c->problem, &all, 0.1 * c->b->peak, &r->ours.times.first);
    if (status == TSR_OK) status = bench_tensors_upload(t, dev, &c->problem);
    for (int i = 0; i < c->peer_count && status == TSR_OK && !cli_interrupted(); i++)
        if (!bench_peer_prepare(&c->peers[i], &c->problem, c->b->peer_kv, r->peers[i].kv_dtype, &r->peers[i].times.first))
            peer_failed(&c->peers[i], &r->peers[i]);
    char label[128];
    bench_label(r, label, sizeof(label));
    own_run own = {u, dev, t, status};
    for (int turn = -1; turn < c->b->runs && own.status == TSR_OK && !cli_interrupted(); turn++) {
        cli_progress(label, (turn + 1.0) / (c->b->runs + 1.0));
        if (turn < 0) cli_waits_first(&c->b->device);
        const bool ran = take_turn(run_ours, &own, turn, &r->ours.times);
        if (turn < 0) cli_waits_end();
        if (ran) run_peers(c, r, turn);
    }
    cli_progress_end();
    return own.status;
}

static void describe(contest *c)
{
    const bench *b = c->b;
    bench_result *r = &c->blank;
    r->device = *tsr_device_info_of(b->device.dev);
    r->dtype = tsr_dtype_name(b->dtype);
    r->causal = b->causal && !b->windowed; /* a window has its own */
    r->window = b->windowed ? &b->ask.own : NULL;
    r->ours.tolerance = bench_tolerance(b->dtype);
    snprintf(r->ours.name, sizeof(r->ours.name), "tessera");
    snprintf(r->ours.version, sizeof(r->ours.version), "%s", tsr_version());
    snprintf(r->ours.device, sizeof(r->ours.device), "%.191s", r->device.name);
    snprintf(r->ours.kv_dtype, sizeof(r->ours.kv_dtype), "%s", r->dtype);
    r->peer_count = c->peer_count;
    for (int i = 0; i < c->peer_count; i++) {
        snprintf(r->peers[i].name, sizeof(r->peers[i].name), "%s", c->peers[i].name);
        snprintf(r->peers[i].version, sizeof(r->peers[i].version), "%s", c->peers[i].version);
        snprintf(r->peers[i].device, sizeof(r->peers[i].device), "%s", c->peers[i].device);
    }
}

static bool is_failed(const bench_result *r)
{
    bool failed = !bench_has_rate(&r->ours);
    for (int i = 0; i < r->peer_count; i++) failed = failed || !bench_has_rate(&r->peers[i]);
    return failed;
}

static bench_result *add_result(contest *c, const bench_shape *shape, uint64_t seed)
{
    bench *b = c->b;
    bench_result *more = realloc(b->results, (b->count + 1) * sizeof(*more));
    if (!more) return NULL;
    b->results = more;
    bench_result *r = &more[b->count++];
    *r = c->blank;
    r->shape = *shape;
    r->seed = seed;
    return r;
}

static int64_t keys_seen(void *user, int64_t head, int64_t query, int64_t *keys)
{
    (void)head;
    return bench_window_keys(user, query, keys);
}

static int bench_one(contest *c, const bench_shape *shape)
{
    bench *b = c->b;
    const uint64_t seed = b->seed + b->count;
    if (!bench_problem_fill(&c->problem, shape, b->dtype, c->blank.causal, seed, bench_memory_free(b))) return EXIT_INPUT;
    bench_result *r = add_result(c, shape, seed);
    if (!r) return cli_error(name, EXIT_INPUT, "no memory for the results");
    bench_tensors tensors = {.problem = &c->problem};
    bench_ours u = {0};
    int code = -1;
    tsr_status status = run_all(c, &tensors, &u, r);
    if (status == TSR_OK && !cli_interrupted()) status = bench_measure_peak(b);
    if (status != TSR_OK) {
        code = cli_fail(name, status);
    } else if (!cli_interrupted()) {
        tsr_attention_info info;
        tsr_attention_get_info(u.plan, &info);
        snprintf(r->kernel, sizeof(r->kernel), "%s", info.kernel);
        r->peak = b->peak;
        r->flops = (double)info.flops;
        r->bytes = (double)info.bytes;
        const double most = info.tile != TSR_TILE_MATRIX ? b->peak : b->matrix > 0 ? b->matrix : INFINITY; /* 0: not known */
        r->roof = fmin(most, b->copy * r->flops / r->bytes);
        if (!bench_problem_reference(&c->problem, b->windowed ? keys_seen : NULL, &b->ask.own)) code = EXIT_INPUT;
        r->ours.error = bench_problem_error(&c->problem, bench_tensors_row, &tensors);
        bench_summarise(&r->ours.times);
        check_peers(c, r);
    }
    if (code < 0 && cli_interrupted()) code = cli_error(name, EXIT_INTERRUPTED, "interrupted");
    if (code < 0) {
        bench_print_result(r);
        bench_json_result(b, r);
        b->failed = b->failed || is_failed(r);
    }
    bench_ours_release(&u);
    bench_tensors_release(&tensors);
    return code;
}

static int start_peer(contest *c, const char *peer, bool optional)
{
    for (int i = 0; i < c->peer_count; i++)
        if (strcmp(c->peers[i].name, peer) == 0) return -1;
    const tsr_device_info *info = tsr_device_info_of(c->b->device.dev);
    int index = 0; /* the same GPU as ours */
    if (sscanf(info->id, "vulkan:%d", &index) != 1) index = 0;
    bench_peer *p = &c->peers[c->peer_count];
    if (bench_peer_start(p, peer, &c->problem, index, c->b->peer_wait)) {
        c->peer_count++;
        return -1;
    }
    if (cli_interrupted()) return cli_error(name, EXIT_INTERRUPTED, "interrupted");
    if (!optional) return cli_error(name, EXIT_INPUT, "peer %s: %s", peer, p->error);
    if (!c->b->device.quiet) fprintf(stderr, "peer %s left out: %s\n", peer, p->error);
    return -1;
}

static int start_peers(contest *c)
{
    int code = -1;
    for (char **asked = c->b->peers; asked && *asked && code < 0; asked++) {
        if (strcmp(*asked, "auto") != 0)
            code = start_peer(c, *asked, false);
        else
            for (int i = 0; bench_peer_names[i] && code < 0; i++) code = start_peer(c, bench_peer_names[i], true);
    }
    return code;
}

int bench_attention(bench *b)
{
    contest *c = calloc(1, sizeof(*c));
    if (!c) return cli_error(name, EXIT_INPUT, "no memory for the contest");
    if (!bench_problem_open(&c->problem)) {
        free(c);
        return EXIT_INPUT;
    }
    c->b = b;
    c->problem.window = b->windowed ? &b->ask.own : NULL;
    int code = b->windowed && bench_window_set(&b->ask.own, &c->set) != TSR_OK ? cli_error(name, EXIT_INPUT, "%s", cli_reason(name)) : start_peers(c);
    if (code < 0) {
        describe(c);
        bench_print_head(b, &c->blank);
    }
    for (int i = 0; i < b->shape_count && code < 0; i++) code = bench_one(c, &b->shapes[i]);
    for (int i = 0; i < c->peer_count; i++) bench_peer_stop(&c->peers[i]);
    bench_problem_close(&c->problem);
    tsr_set_destroy(c->set);
    free(c);
    return code;
}
