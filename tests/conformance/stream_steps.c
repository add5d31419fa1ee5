/* See stream_steps.h. */
#include "conformance/stream_steps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

tsr_status stream_make_tensor(stream_run *f, tsr_dtype dtype, int64_t heads, int64_t n, int64_t channels, tsr_buffer *buffer, double *values,
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

static tsr_status make_tokens(stream_run *f, int64_t n, tsr_stream_tokens *t)
{
    static const tsr_dtype types[] = {TSR_F32, TSR_F16, TSR_BF16};
    const tsr_stream_desc *d = &f->naive.desc;
    const tsr_dtype dtype = f->system->dtype == TSR_F32 ? types[oracle_below(&f->r, 3)] : f->system->dtype; /* so that storing rounds nothing */
    *t = (tsr_stream_tokens){.count = n};
    const tsr_status status = stream_make_tensor(f, dtype, d->heads_kv, n, d->d, f->k, f->kd, &t->k, &t->k_span);
    return status == TSR_OK ? stream_make_tensor(f, dtype, d->heads_kv, n, d->dv, f->v, f->vd, &t->v, &t->v_span) : status;
}

/* Row i of a tensor of n tokens, for all heads. */
static void row_of(const double *values, int64_t heads, int64_t n, int64_t channels, int64_t i, double *out)
{
    for (int64_t h = 0; h < heads; h++) memcpy(out + h * channels, values + (h * n + i) * channels, (size_t)channels * sizeof(*out));
}

static void token_values(const stream_run *f, int64_t n, int64_t i, double *k, double *v)
{
    const tsr_stream_desc *d = &f->naive.desc;
    row_of(f->kd, d->batch * d->heads_kv, n, d->d, i, k);
    row_of(f->vd, d->batch * d->heads_kv, n, d->dv, i, v);
}

/* Text moves on by one on all axes; a frame of 2 x 2 tokens stands at the next place in time and spreads on the others. */
static int64_t next_vlm(stream_run *f)
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

static tsr_status update_scores(stream_run *f)
{
    tsr_stream_info info;
    tsr_stream_token list[MOST_KEPT];
    size_t count = 0;
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

tsr_status stream_adopt_scores(stream_run *f, const double *sums, double decay)
{
    tsr_stream_token list[MOST_KEPT];
    size_t count = 0;
    tsr_status status = tsr_stream_list(f->stream, list, MOST_KEPT, &count);
    for (size_t i = 0; i < count && status == TSR_OK; i++) {
        naive_token *t = &f->naive.tokens[list[i].id];
        const double want = decay * t->score + sums[list[i].id], most = (f->naive.desc.k_dtype == TSR_F32 ? 1e-4 : 5e-2) * (1 + fabs(t->score));
        if (!(fabs(list[i].score - want) <= most)) status = TSR_ERROR_INTERNAL;
        t->score = list[i].score;
    }
    return status;
}

/* Scores from queries of the newest tokens. */
static tsr_status participate(stream_run *f)
{
    const tsr_stream_desc *d = &f->naive.desc;
    const double decay = 0.5 * oracle_below(&f->r, 3);
    tsr_stream_queries in = {.count = 1 + oracle_below(&f->r, 4)};
    double *sums = malloc((size_t)f->naive.count * sizeof(*sums));
    tsr_status status = sums ? stream_make_tensor(f, TSR_F16, d->heads_q, in.count, d->d, f->q, f->qd, &in.q, &in.q_span) : TSR_ERROR_HOST_MEMORY;
    if (status == TSR_OK && !naive_participate(&f->naive, in.count, f->qd, sums)) status = TSR_ERROR_HOST_MEMORY;
    if (status == TSR_OK) status = tsr_stream_participate(f->stream, &in, decay);
    if (status == TSR_OK && f->copy) status = tsr_stream_participate(f->copy, &in, decay);
    if (status == TSR_OK) status = stream_adopt_scores(f, sums, decay);
    free(sums);
    return status;
}

tsr_status stream_step_score(stream_run *f) { return oracle_below(&f->r, 2) ? update_scores(f) : participate(f); }

/* Frees room for n tokens, and now and then for more, in any order. */
static tsr_status evict_by_list(stream_run *f, int64_t n)
{
    tsr_stream_token list[MOST_KEPT];
    size_t count = 0;
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

tsr_status stream_step_replace(stream_run *f)
{
    tsr_stream_token list[MOST_KEPT];
    size_t count = 0;
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

tsr_status stream_step_append(stream_run *f, int64_t *appended)
{
    const naive_policy policy = f->system->policy;
    const tsr_stream_desc *d = &f->naive.desc;
    int64_t n = policy == NAIVE_STREAMING_LLM || policy == NAIVE_H2O || policy == NAIVE_BY_LIST
                    ? (oracle_below(&f->r, 3) ? 1 : 1 + oracle_below(&f->r, 9))
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
