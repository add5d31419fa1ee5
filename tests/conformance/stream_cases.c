/* Streaming caches: published policies as recipes over a thousand chunks, against the whole history with fp64 arithmetic. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/stream_naive.h"
#include "suite.h"

enum { CHUNKS = 1000, MOST_KEPT = 512, MOST_TOKENS = 16, MOST_VALUES = 2 * 4 * MOST_TOKENS * 32 };

typedef struct system_params {
    const char *name;
    naive_policy policy;
    const char *recipe; /* with %d for: sinks, window, and what else there is */
    tsr_dtype dtype;
} system_params;

static const char *const streaming_llm = "{\"kinds\": [{\"sink\": %d, \"window\": %d}], \"time\": \"closed\", \"causal\": true}";
static const char *const longlive = "{\"kinds\": [{\"sink\": %d, \"window\": %d, \"frame\": 4}], \"time\": \"kept\"}";
static const char *const reward_forcing = "{\"kinds\": [{\"sink\": %d, \"window\": %d, \"frame\": 4}], \"time\": \"closed\", \"ema\": 0.9}";
static const char *const deep_forcing =
    "{\"kinds\": [{\"sink\": %d, \"window\": %d, \"frame\": 4, \"rule\": \"lowest score\", \"keep\": 4, \"recent\": 2}],"
    " \"time\": \"closed\", \"sink_overlap\": true}";
static const char *const streaming_vlm =
    "{\"kinds\": [{\"name\": \"text\", \"sink\": %d, \"window\": %d}, {\"name\": \"vision\", \"window\": 3, \"frame\": 4}],"
    " \"time\": \"closed\", \"causal\": true, \"rope\": {\"together\": true, \"joint\": true, \"half\": true}}";
static const char *const by_list = "{\"kinds\": [{\"sink\": %d, \"window\": %d, \"rule\": \"by list\"}], \"time\": \"closed\", \"causal\": true}";

static const system_params systems[] = {
    {"streamingllm/f32", NAIVE_STREAMING_LLM, streaming_llm, TSR_F32},
    {"streamingllm/f16", NAIVE_STREAMING_LLM, streaming_llm, TSR_F16},
    {"longlive/f32", NAIVE_LONGLIVE, longlive, TSR_F32},
    {"longlive/bf16", NAIVE_LONGLIVE, longlive, TSR_BF16},
    {"rewardforcing/f32", NAIVE_REWARD_FORCING, reward_forcing, TSR_F32},
    {"rewardforcing/bf16", NAIVE_REWARD_FORCING, reward_forcing, TSR_BF16},
    {"deepforcing/f32", NAIVE_DEEP_FORCING, deep_forcing, TSR_F32},
    {"deepforcing/f16", NAIVE_DEEP_FORCING, deep_forcing, TSR_F16},
    {"streamingvlm/f32", NAIVE_STREAMING_VLM, streaming_vlm, TSR_F32},
    {"bylist/f32", NAIVE_BY_LIST, by_list, TSR_F32},
};

typedef struct fixture {
    const system_params *system;
    oracle_rng r;
    naive naive;
    tsr_stream *stream, *copy; /* copy: loaded half-way, and given the same from there on */
    tsr_buffer *k, *v, *q, *o;
    unsigned char bytes[8 * MOST_VALUES];
    double kd[MOST_VALUES], vd[MOST_VALUES], qd[MOST_VALUES], want[MOST_VALUES], got[MOST_VALUES];
    unsigned char first[4 * MOST_VALUES], second[4 * MOST_VALUES];
    int64_t positions[3 * MOST_TOKENS], clock; /* of StreamingVLM's tokens */
    uint8_t kinds[MOST_TOKENS];
    double worst;
} fixture;

/* A tensor [batch, heads, n, channels] of normal values with axes 1 and 2 in either order and a gap behind the channels; values get what was stored.
 */
static tsr_status make_tensor(fixture *f, tsr_dtype dtype, int64_t heads, int64_t n, int64_t channels, tsr_buffer *buffer, double *values,
                              tsr_layout *layout, tsr_span *span)
{
    const int64_t b = f->naive.desc.batch, width = channels + oracle_below(&f->r, 3);
    const bool rows_first = oracle_below(&f->r, 2);
    *layout =
        (tsr_layout){dtype, {b, heads, n, channels}, {heads * n * width, rows_first ? width : n * width, rows_first ? heads * width : width, 1}};
    const uint64_t size = tsr_dtype_size(dtype), bytes = (uint64_t)(b * heads * n * width) * size;
    memset(f->bytes, 0xff, bytes); /* NaN between the rows */
    for (int64_t i = 0; i < b * heads * n * channels; i++) {
        const int64_t c = i % channels, t = i / channels % n, h = i / channels / n % heads, at = i / channels / n / heads;
        const int64_t index = at * layout->stride[0] + h * layout->stride[1] + t * layout->stride[2] + c;
        oracle_store(dtype, f->bytes, index, oracle_normal(&f->r));
        values[i] = oracle_load(dtype, f->bytes, index);
    }
    *span = (tsr_span){buffer, size * oracle_below(&f->r, 5)};
    return tsr_buffer_write(buffer, span->offset, f->bytes, bytes);
}

static tsr_status make_tokens(fixture *f, int64_t n, tsr_stream_tokens *t)
{
    static const tsr_dtype types[] = {TSR_F32, TSR_F16, TSR_BF16};
    const tsr_stream_desc *d = &f->naive.desc;
    const tsr_dtype dtype = f->system->dtype == TSR_F32 ? types[oracle_below(&f->r, 3)] : f->system->dtype; /* so that storing rounds nothing */
    *t = (tsr_stream_tokens){.count = n};
    const tsr_status status = make_tensor(f, dtype, d->heads_kv, n, d->d, f->k, f->kd, &t->k, &t->k_span);
    return status == TSR_OK ? make_tensor(f, dtype, d->heads_kv, n, d->dv, f->v, f->vd, &t->v, &t->v_span) : status;
}

/* Row i of a tensor of n tokens, for all heads. */
static void row_of(const double *values, int64_t heads, int64_t n, int64_t channels, int64_t i, double *out)
{
    for (int64_t h = 0; h < heads; h++) memcpy(out + h * channels, values + (h * n + i) * channels, (size_t)channels * sizeof(*out));
}

static void token_values(const fixture *f, int64_t n, int64_t i, double *k, double *v)
{
    const tsr_stream_desc *d = &f->naive.desc;
    row_of(f->kd, d->batch * d->heads_kv, n, d->d, i, k);
    row_of(f->vd, d->batch * d->heads_kv, n, d->dv, i, v);
}

/* Text moves on by one on all axes; a frame of 2 x 2 tokens stands at the next place in time and spreads on the others. */
static int64_t next_vlm(fixture *f)
{
    int64_t n = 0;
    for (uint32_t blocks = oracle_below(&f->r, 3) + 1; blocks > 0; blocks--) {
        const bool vision = oracle_below(&f->r, 2) && n + 4 <= 12;
        for (int64_t i = 0; i < (vision ? 4 : 1); i++, n++) {
            f->kinds[n] = vision;
            f->positions[3 * n] = f->clock;
            f->positions[3 * n + 1] = f->clock + (vision ? i / 2 : 0);
            f->positions[3 * n + 2] = f->clock + (vision ? i % 2 : 0);
        }
        f->clock += vision ? 2 : 1;
    }
    return n;
}

static tsr_status update_scores(fixture *f)
{
    tsr_stream_info info;
    tsr_stream_token list[MOST_KEPT];
    size_t count;
    float values[2 * MOST_KEPT] = {0};
    tsr_status status = tsr_stream_get_info(f->stream, &info);
    if (status == TSR_OK) status = tsr_stream_list(f->stream, list, MOST_KEPT, &count);
    const double decay = 0.5 * oracle_below(&f->r, 3);
    for (size_t i = 0; i < count && status == TSR_OK; i++) {
        naive_token *t = &f->naive.tokens[list[i].id];
        t->score *= decay;
        for (int row = 0; row < 2; row++) {
            float *x = &values[row * info.capacity + list[i].slot];
            *x = (float)oracle_below(&f->r, 64) / 8; /* sums are exact, and ties are many */
            t->score += (double)*x;
        }
    }
    tsr_stream_scores scores = {.rows = 2, .decay = decay, .host = values};
    if (oracle_below(&f->r, 2)) {
        scores.host = NULL;
        scores.span = (tsr_span){f->q, 8};
        if (status == TSR_OK) status = tsr_buffer_write(f->q, 8, values, 2 * (uint64_t)info.capacity * sizeof(float));
    }
    if (status == TSR_OK) status = tsr_stream_score(f->stream, &scores);
    return status == TSR_OK && f->copy ? tsr_stream_score(f->copy, &scores) : status;
}

/* Scores from queries of the newest tokens; taken over once they agree, so that near ties are cut alike. */
static tsr_status participate(fixture *f)
{
    const tsr_stream_desc *d = &f->naive.desc;
    const double decay = 0.5 * oracle_below(&f->r, 3);
    tsr_stream_queries in = {.count = 1 + oracle_below(&f->r, 4)};
    tsr_stream_token list[MOST_KEPT];
    size_t count = 0;
    double *sums = malloc((size_t)f->naive.count * sizeof(*sums));
    tsr_status status = sums ? make_tensor(f, TSR_F16, d->heads_q, in.count, d->d, f->q, f->qd, &in.q, &in.q_span) : TSR_ERROR_HOST_MEMORY;
    if (status == TSR_OK && !naive_participate(&f->naive, in.count, f->qd, sums)) status = TSR_ERROR_HOST_MEMORY;
    if (status == TSR_OK) status = tsr_stream_participate(f->stream, &in, decay);
    if (status == TSR_OK && f->copy) status = tsr_stream_participate(f->copy, &in, decay);
    if (status == TSR_OK) status = tsr_stream_list(f->stream, list, MOST_KEPT, &count);
    for (size_t i = 0; i < count && status == TSR_OK; i++) {
        naive_token *t = &f->naive.tokens[list[i].id];
        const double want = decay * t->score + sums[list[i].id], most = (d->k_dtype == TSR_F32 ? 1e-4 : 5e-2) * (1 + fabs(t->score));
        if (!(fabs(list[i].score - want) <= most)) status = TSR_ERROR_INTERNAL;
        t->score = list[i].score;
    }
    free(sums);
    return status;
}

/* Frees room for n tokens, and now and then for more, in any order. */
static tsr_status evict_by_list(fixture *f, int64_t n)
{
    tsr_stream_token list[MOST_KEPT];
    size_t count;
    int64_t ids[MOST_KEPT], chosen = 0;
    tsr_status status = tsr_stream_list(f->stream, list, MOST_KEPT, &count);
    const tsr_stream_kind *kind = &f->naive.desc.kinds[0];
    int64_t need = (int64_t)count + n - kind->sink - kind->window;
    need = need < 0 ? 0 : need + oracle_below(&f->r, 3);
    for (; status == TSR_OK && chosen < need && (int64_t)count > kind->sink; chosen++) {
        const uint32_t at = (uint32_t)kind->sink + oracle_below(&f->r, (uint32_t)((int64_t)count - kind->sink));
        ids[chosen] = list[at].id;
        f->naive.tokens[ids[chosen]].gone = true;
        list[at] = list[--count];
    }
    if (status != TSR_OK || chosen == 0) return status;
    status = tsr_stream_evict(f->stream, ids, (size_t)chosen);
    return status == TSR_OK && f->copy ? tsr_stream_evict(f->copy, ids, (size_t)chosen) : status;
}

/* New keys and values for all that is kept, or for the newest tokens. */
static tsr_status replace(fixture *f)
{
    tsr_stream_token list[MOST_KEPT];
    size_t count;
    int64_t ids[MOST_TOKENS];
    double k[256], v[256];
    tsr_stream_tokens tokens;
    tsr_status status = tsr_stream_list(f->stream, list, MOST_KEPT, &count);
    const bool newest = oracle_below(&f->r, 2);
    int64_t n = 1 + oracle_below(&f->r, MOST_TOKENS - 4);
    if (n > (int64_t)count) n = (int64_t)count;
    if (status == TSR_OK) status = make_tokens(f, n, &tokens);
    for (int64_t i = 0; i < n && status == TSR_OK; i++) {
        const size_t left = count - (size_t)i, at = newest ? count - (size_t)(n - i) : oracle_below(&f->r, (uint32_t)left);
        ids[i] = list[at].id;
        if (!newest) list[at] = list[left - 1];
        token_values(f, n, i, k, v);
        naive_token *t = &f->naive.tokens[ids[i]];
        memcpy(t->k, k, (size_t)(f->naive.desc.batch * f->naive.desc.heads_kv * f->naive.desc.d) * sizeof(*k));
        memcpy(t->v, v, (size_t)(f->naive.desc.batch * f->naive.desc.heads_kv * f->naive.desc.dv) * sizeof(*v));
    }
    if (status == TSR_OK) status = tsr_stream_replace(f->stream, &tokens, newest ? NULL : ids);
    return status == TSR_OK && f->copy ? tsr_stream_replace(f->copy, &tokens, newest ? NULL : ids) : status;
}

static tsr_status append(fixture *f, int64_t *appended)
{
    const naive_policy policy = f->system->policy;
    const tsr_stream_desc *d = &f->naive.desc;
    int64_t n = policy == NAIVE_STREAMING_LLM || policy == NAIVE_BY_LIST ? (oracle_below(&f->r, 3) ? 1 : 1 + oracle_below(&f->r, 9))
                                                                         : 4 * (1 + oracle_below(&f->r, 2));
    tsr_stream_tokens tokens;
    memset(f->kinds, 0, sizeof(f->kinds));
    if (policy == NAIVE_STREAMING_VLM) n = next_vlm(f);
    tsr_status status = policy == NAIVE_BY_LIST ? evict_by_list(f, n) : TSR_OK;
    if (status == TSR_OK) status = make_tokens(f, n, &tokens);
    if (status != TSR_OK) return status;
    int64_t fresh[TSR_STREAM_KINDS] = {0}, id = -1;
    if (policy == NAIVE_STREAMING_VLM) tokens.positions = f->positions, tokens.kinds = f->kinds;
    for (int64_t i = 0; i < n; i++) fresh[f->kinds[i]]++;
    const int64_t first = f->naive.count;
    naive_make_room(&f->naive, fresh);
    for (int64_t i = 0; i < n; i++) {
        double k[256], v[256];
        const int64_t t = first + i, frame = d->kinds[0].frame;
        const int64_t position[3] = {frame == 4 ? t / 4 : t, t / 2 % 2, t % 2};
        token_values(f, n, i, k, v);
        if (!naive_append(&f->naive, f->kinds[i], tokens.positions ? f->positions + 3 * i : position, k, v)) return TSR_ERROR_HOST_MEMORY;
    }
    status = tsr_stream_append(f->stream, &tokens, &id);
    if (status == TSR_OK && id != first) return TSR_ERROR_INTERNAL;
    if (status == TSR_OK && f->copy) status = tsr_stream_append(f->copy, &tokens, NULL);
    *appended = n;
    return status;
}

static tsr_status read_output(fixture *f, tsr_stream *stream, tsr_stream_queries *in, unsigned char *out, uint64_t bytes)
{
    memset(out, 0xff, bytes);
    tsr_status status = tsr_buffer_write(f->o, in->o_span.offset, out, bytes);
    if (status == TSR_OK) status = tsr_stream_attend(stream, in);
    return status == TSR_OK ? tsr_buffer_read(f->o, in->o_span.offset, out, bytes) : status;
}

static suite_verdict attend(fixture *f, suite_run_context *run, int64_t n, int chunk)
{
    const tsr_stream_desc *d = &f->naive.desc;
    tsr_stream_queries in = {.count = n};
    tsr_status status = make_tensor(f, TSR_F32, d->heads_q, n, d->d, f->q, f->qd, &in.q, &in.q_span);
    in.o = (tsr_layout){TSR_F32, {d->batch, d->heads_q, n, d->dv}, {0}};
    in.o_span = (tsr_span){f->o, 4 * oracle_below(&f->r, 5)};
    const uint64_t values = (uint64_t)(d->batch * d->heads_q * n * d->dv);
    if (status == TSR_OK) status = read_output(f, f->stream, &in, f->first, values * 4);
    if (status == TSR_OK && f->copy) status = read_output(f, f->copy, &in, f->second, values * 4);
    if (status != TSR_OK) return suite_error(run, status, "attending");
    if (f->copy && memcmp(f->first, f->second, values * 4) != 0)
        return suite_say(run, SUITE_FAIL, "chunk %d: the loaded stream goes another way", chunk);
    if (!naive_attend(&f->naive, n, f->qd, f->want)) return suite_say(run, SUITE_FAIL, "no memory");
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

static suite_verdict compare_kept(const fixture *f, suite_run_context *run, int chunk)
{
    tsr_stream_token list[MOST_KEPT];
    size_t count;
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

static tsr_status save_and_load(fixture *f, tsr_device *dev)
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

static tsr_status describe(fixture *f, tsr_device *dev)
{
    tsr_stream_desc *d = &f->naive.desc;
    char text[512];
    const naive_policy policy = f->system->policy;
    const bool frames = policy == NAIVE_LONGLIVE || policy == NAIVE_REWARD_FORCING || policy == NAIVE_DEEP_FORCING;
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

static suite_verdict run_chunks(fixture *f, suite_run_context *run)
{
    tsr_stream_info before, after;
    tsr_status status = tsr_stream_get_info(f->stream, &before);
    suite_verdict verdict = SUITE_PASS;
    for (int chunk = 0; chunk < CHUNKS && verdict == SUITE_PASS && status == TSR_OK; chunk++) {
        int64_t n = 0;
        if (chunk > 0 && f->system->policy == NAIVE_DEEP_FORCING) status = oracle_below(&f->r, 2) ? update_scores(f) : participate(f);
        if (status == TSR_OK) status = append(f, &n);
        if (status == TSR_OK && oracle_below(&f->r, 16) == 0) status = replace(f);
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
    fixture *f = calloc(1, sizeof(*f));
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
