/* Streaming caches: published policies as recipes over a thousand chunks, against the whole history with fp64 arithmetic. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/stream_steps.h"
#include "suite.h"

enum { CHUNKS = 1000 };

static const char *const streaming_llm = "{\"kinds\": [{\"sink\": %d, \"window\": %d}], \"time\": \"closed\", \"causal\": true}";
static const char *const longlive = "{\"kinds\": [{\"sink\": %d, \"window\": %d, \"frame\": 4}], \"time\": \"kept\"}";
static const char *const reward_forcing = "{\"kinds\": [{\"sink\": %d, \"window\": %d, \"frame\": 4}], \"time\": \"closed\", \"ema\": 0.9}";
static const char *const motion_stream = "{\"kinds\": [{\"sink\": %d, \"window\": %d, \"frame\": 4}], \"time\": \"closed\"}";
static const char *const deep_forcing =
    "{\"kinds\": [{\"sink\": %d, \"window\": %d, \"frame\": 4, \"rule\": \"lowest score\", \"keep\": 4, \"recent\": 2}],"
    " \"time\": \"closed\", \"sink_overlap\": true}";
static const char *const streaming_vlm =
    "{\"kinds\": [{\"name\": \"text\", \"sink\": %d, \"window\": %d}, {\"name\": \"vision\", \"window\": 3, \"frame\": 4}],"
    " \"time\": \"closed\", \"causal\": true, \"rope\": {\"together\": true, \"joint\": true, \"half\": true}}";
static const char *const h2o =
    "{\"kinds\": [{\"sink\": %d, \"window\": %d, \"rule\": \"lowest score\", \"recent\": 2}], \"time\": \"closed\", \"causal\": true,"
    " \"probabilities\": true}";
static const char *const by_list = "{\"kinds\": [{\"sink\": %d, \"window\": %d, \"rule\": \"by list\"}], \"time\": \"closed\", \"causal\": true}";

static const stream_system systems[] = {
    {"streamingllm/f32", NAIVE_STREAMING_LLM, streaming_llm, TSR_F32},
    {"streamingllm/f16", NAIVE_STREAMING_LLM, streaming_llm, TSR_F16},
    {"longlive/f32", NAIVE_LONGLIVE, longlive, TSR_F32},
    {"longlive/bf16", NAIVE_LONGLIVE, longlive, TSR_BF16},
    {"rewardforcing/f32", NAIVE_REWARD_FORCING, reward_forcing, TSR_F32},
    {"rewardforcing/bf16", NAIVE_REWARD_FORCING, reward_forcing, TSR_BF16},
    {"motionstream/f32", NAIVE_MOTION_STREAM, motion_stream, TSR_F32},
    {"motionstream/f16", NAIVE_MOTION_STREAM, motion_stream, TSR_F16},
    {"deepforcing/f32", NAIVE_DEEP_FORCING, deep_forcing, TSR_F32},
    {"deepforcing/f16", NAIVE_DEEP_FORCING, deep_forcing, TSR_F16},
    {"streamingvlm/f32", NAIVE_STREAMING_VLM, streaming_vlm, TSR_F32},
    {"h2o/f32", NAIVE_H2O, h2o, TSR_F32},
    {"h2o/f16", NAIVE_H2O, h2o, TSR_F16},
    {"bylist/f32", NAIVE_BY_LIST, by_list, TSR_F32},
};

static tsr_status read_output(stream_run *f, tsr_stream *stream, tsr_stream_queries *in, unsigned char *out, uint64_t bytes)
{
    memset(out, 0xff, bytes);
    tsr_status status = tsr_buffer_write(f->o, in->o_span.offset, out, bytes);
    if (status == TSR_OK) status = tsr_stream_attend(stream, in);
    return status == TSR_OK ? tsr_buffer_read(f->o, in->o_span.offset, out, bytes) : status;
}

static suite_verdict attend(stream_run *f, suite_run_context *run, int64_t n, int chunk)
{
    const tsr_stream_desc *d = &f->naive.desc;
    tsr_stream_queries in = {.count = n};
    tsr_status status = stream_make_tensor(f, TSR_F32, d->heads_q, n, d->d, f->q, f->qd, &in.q, &in.q_span);
    in.o = (tsr_layout){TSR_F32, {d->batch, d->heads_q, n, d->dv}, {0}};
    in.o_span = (tsr_span){f->o, 4 * oracle_below(&f->r, 5)};
    in.score = d->probabilities;
    in.decay = 0.5 * oracle_below(&f->r, 3);
    const uint64_t values = (uint64_t)(d->batch * d->heads_q * n * d->dv);
    if (status == TSR_OK) status = read_output(f, f->stream, &in, f->first, values * 4);
    if (status == TSR_OK && f->copy) status = read_output(f, f->copy, &in, f->second, values * 4);
    if (status != TSR_OK) return suite_error(run, status, "attending");
    if (f->copy && memcmp(f->first, f->second, values * 4) != 0)
        return suite_say(run, SUITE_FAIL, "chunk %d: the loaded stream goes another way", chunk);
    double *sums = malloc((size_t)f->naive.count * sizeof(*sums));
    if (!sums || !naive_attend(&f->naive, n, f->qd, f->want, sums)) status = TSR_ERROR_HOST_MEMORY;
    if (status == TSR_OK && in.score) status = stream_adopt_scores(f, sums, in.decay);
    free(sums);
    if (status != TSR_OK) return suite_say(run, SUITE_FAIL, "chunk %d: scores by probabilities differ", chunk);
    for (uint64_t i = 0; i < values; i++) f->got[i] = oracle_load(TSR_F32, f->first, (int64_t)i);
    /* Values are normal and weights add up to 1: errors are told against 1, as sums may cancel. */
    double squares = 0;
    for (uint64_t i = 0; i < values; i++) squares += (f->got[i] - f->want[i]) * (f->got[i] - f->want[i]);
    const double error = sqrt(squares / (double)values), most = d->k_dtype == TSR_F32 ? 3e-6 : d->k_dtype == TSR_F16 ? 2e-3 : 1.5e-2;
    f->worst = error > f->worst ? error : f->worst;
    if (error <= most) return SUITE_PASS; /* not if it is NaN */
    return suite_say(run, SUITE_FAIL, "chunk %d, %" PRId64 " queries, %" PRId64 " tokens so far: error %.3g; expected at most %.1g", chunk, n,
                     f->naive.count, error, most);
}

static suite_verdict compare_kept(const stream_run *f, suite_run_context *run, int chunk)
{
    tsr_stream_token list[MOST_KEPT];
    size_t count = 0;
    if (tsr_stream_list(f->stream, list, MOST_KEPT, &count) != TSR_OK) return suite_error(run, TSR_ERROR_INTERNAL, "listing");
    size_t kept = 0;
    for (int64_t id = 0; id < f->naive.count; id++) {
        if (!naive_kept(&f->naive, id)) continue;
        if (kept >= count || list[kept].id != id)
            return suite_say(run, SUITE_FAIL, "chunk %d: token %" PRId64 " should be kept; the cache has %" PRId64 " there", chunk, id,
                             kept < count ? list[kept].id : -1);
        kept++;
    }
    return kept == count ? SUITE_PASS : suite_say(run, SUITE_FAIL, "chunk %d: %zu tokens should be kept, %zu are", chunk, kept, count);
}

static tsr_status save_and_load(stream_run *f, tsr_device *dev)
{
    char path[] = P_tmpdir "/tessera-stream-XXXXXX";
    const int fd = mkstemp(path);
    if (fd < 0) return TSR_ERROR_FILE;
    close(fd);
    tsr_status status = tsr_stream_create(dev, &f->naive.desc, &f->copy);
    if (status == TSR_OK) status = tsr_stream_save(f->stream, path);
    if (status == TSR_OK) status = tsr_stream_load(f->copy, path);
    unlink(path);
    return status;
}

static tsr_status describe(stream_run *f, tsr_device *dev)
{
    tsr_stream_desc *d = &f->naive.desc;
    char text[512];
    const naive_policy policy = f->system->policy;
    const bool frames = policy == NAIVE_LONGLIVE || (policy >= NAIVE_REWARD_FORCING && policy <= NAIVE_DEEP_FORCING);
    const int sink = policy == NAIVE_REWARD_FORCING || policy == NAIVE_DEEP_FORCING ? 1 + (int)oracle_below(&f->r, 3) : (int)oracle_below(&f->r, 5);
    /* Of one key tile, or of several. */
    const int more = oracle_below(&f->r, 3) ? 0 : frames ? 40 : 170;
    const int window = more + (int)(frames ? 4 + oracle_below(&f->r, 4) + (policy == NAIVE_DEEP_FORCING) : 12 + oracle_below(&f->r, 20));
    snprintf(text, sizeof(text), f->system->recipe, sink, window);
    *d = (tsr_stream_desc){.batch = 1 + oracle_below(&f->r, 2), .heads_kv = 1 + oracle_below(&f->r, 2), .dv = 1 + oracle_below(&f->r, 20)};
    d->heads_q = d->heads_kv * (1 + oracle_below(&f->r, 2));
    d->d = 12 + 2 * oracle_below(&f->r, 8);
    d->k_dtype = d->v_dtype = f->system->dtype;
    d->rope.axes = frames || policy == NAIVE_STREAMING_VLM ? 3 : 1;
    for (uint32_t a = 0; a < d->rope.axes; a++) d->rope.channels[a] = d->rope.axes == 1 ? d->d - 2 * oracle_below(&f->r, 2) : 4;
    d->rope.theta[0] = oracle_below(&f->r, 2) ? 500 : 0;
    d->rope.half = oracle_below(&f->r, 2);
    if (frames) d->rope.grid[0] = d->rope.grid[1] = 2;
    d->queries[0] = 1;
    d->queries[1] = MOST_TOKENS;
    const tsr_status status = tsr_stream_recipe(text, 0, d);
    for (uint32_t k = 0; k < d->kind_count; k++)
        if (d->kinds[k].frame == 0) d->kinds[k].frame = 1;
    return status == TSR_OK ? tsr_stream_create(dev, d, &f->stream) : status;
}

static suite_verdict run_chunks(stream_run *f, suite_run_context *run)
{
    tsr_stream_info before, after;
    tsr_status status = tsr_stream_get_info(f->stream, &before);
    suite_verdict verdict = SUITE_PASS;
    for (int chunk = 0; chunk < CHUNKS && verdict == SUITE_PASS && status == TSR_OK; chunk++) {
        int64_t n = 0;
        if (chunk > 0 && f->system->policy == NAIVE_DEEP_FORCING) status = stream_step_score(f);
        if (status == TSR_OK) status = stream_step_append(f, &n);
        if (status == TSR_OK && oracle_below(&f->r, 16) == 0) status = stream_step_replace(f);
        if (status == TSR_OK && chunk == CHUNKS / 2) status = save_and_load(f, run->dev);
        if (status != TSR_OK) break;
        verdict = compare_kept(f, run, chunk);
        if (verdict == SUITE_PASS) verdict = attend(f, run, oracle_below(&f->r, 4) ? n : 1, chunk);
    }
    if (status == TSR_OK) status = tsr_stream_get_info(f->stream, &after);
    if (status != TSR_OK) return suite_error(run, status, "streaming");
    if (verdict == SUITE_PASS && (before.device_bytes != after.device_bytes || before.host_bytes != after.host_bytes))
        return suite_say(run, SUITE_FAIL, "memory grew");
    return verdict == SUITE_PASS ? suite_say(run, SUITE_PASS, "%" PRId64 " tokens, error %.2g", after.appended, f->worst) : verdict;
}

static suite_verdict run_system(const suite_case *c, suite_run_context *run)
{
    stream_run *f = calloc(1, sizeof(*f));
    if (!f) return suite_say(run, SUITE_FAIL, "no memory");
    f->system = c->params;
    f->naive.policy = f->system->policy;
    f->r = oracle_seed(run->seed);
    tsr_buffer **const buffers[] = {&f->k, &f->v, &f->q, &f->o};
    tsr_status status = describe(f, run->dev);
    for (int i = 0; i < 4 && status == TSR_OK; i++) status = tsr_buffer_create(run->dev, 8 * MOST_VALUES, buffers[i]);
    const suite_verdict verdict = status == TSR_OK ? run_chunks(f, run) : suite_error(run, status, "creating a stream");
    tsr_stream_destroy(f->stream);
    tsr_stream_destroy(f->copy);
    for (int i = 0; i < 4; i++) tsr_buffer_destroy(*buffers[i]);
    naive_destroy(&f->naive);
    free(f);
    return verdict;
}

int suite_add_streams(suite *s)
{
    for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++) {
        char name[64];
        snprintf(name, sizeof(name), "stream/%s", systems[i].name);
        if (!suite_add(s, name, run_system, &systems[i], 0)) return 0;
    }
    return 1;
}
