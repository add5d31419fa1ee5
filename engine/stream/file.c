/* A stream's exact state as a safetensors file, and back. A file may come from anywhere: all of it is checked before any of it
 * is taken over. Times and rotated keys follow from the rest and are made anew. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stream/stream.h"

enum { VERSION = 1, COUNTERS = 3 + 3 * TSR_STREAM_KINDS, TOKEN_FIELDS = 4 + TSR_STREAM_AXES, MAX_FIELDS = 96, MAX_TENSORS = 8 };

static const char *const desc_name = "stream.description", *const counters_name = "stream.counters", *const tokens_name = "stream.tokens",
                         *const scores_name = "stream.scores";

/* What a state depends on. */
static int64_t describe(const tsr_stream *s, int64_t *out)
{
    const tsr_stream_desc *d = &s->desc;
    int64_t n = 0;
    const int64_t head[] = {VERSION,       d->batch,         d->heads_kv,     d->d,         d->dv,        (int64_t)d->k_dtype, (int64_t)d->v_dtype,
                            d->kind_count, (int64_t)d->time, d->sink_overlap, d->rope.axes, d->rope.half, d->rope.joint,       d->rope.together};
    memcpy(out, head, sizeof(head));
    n = (int64_t)(sizeof(head) / sizeof(head[0]));
    memcpy(&out[n++], &d->ema, sizeof(d->ema));
    for (int a = 0; a < TSR_STREAM_AXES; a++) {
        out[n++] = d->rope.channels[a];
        memcpy(&out[n++], &d->rope.theta[a], sizeof(d->rope.theta[a]));
    }
    for (uint32_t k = 0; k < d->kind_count; k++) {
        const tsr_stream_kind *kind = &d->kinds[k];
        const int64_t fields[] = {kind->frame, kind->sink, kind->window, kind->keep, kind->recent, (int64_t)kind->rule};
        memcpy(&out[n], fields, sizeof(fields));
        n += (int64_t)(sizeof(fields) / sizeof(fields[0]));
    }
    return n;
}

/* The device's tensors that are stored. */
typedef struct stored {
    const char *name;
    tsr_buffer *buffer;
    tsr_layout layout;
    void *data;
} stored;

static int list_stored(const tsr_stream *s, stored *out)
{
    tsr_layout k = stream_key_layout(s), v = stream_value_layout(s);
    int n = 0;
    out[n++] = (stored){"keys", s->raw ? s->raw : s->k, k, NULL};
    out[n++] = (stored){"values", s->v, v, NULL};
    if (!s->exact_k) return n;
    k.shape[2] = v.shape[2] = s->sinks;
    k.dtype = v.dtype = TSR_F32;
    out[n++] = (stored){"sink_keys", s->exact_k, k, NULL};
    out[n++] = (stored){"sink_values", s->exact_v, v, NULL};
    return n;
}

static tsr_tensor_view view(const char *name, tsr_dtype dtype, int64_t rows, int64_t columns, const void *data)
{
    tsr_tensor_view v = {.name = name, .dtype = dtype, .rank = columns ? 2 : 1, .shape = {rows, columns}, .data = data};
    v.size = (uint64_t)rows * (uint64_t)(columns ? columns : 1) * tsr_dtype_size(dtype);
    return v;
}

static tsr_status save(tsr_stream *s, const char *path, int64_t *tokens, double *scores, stored *tensors, int count)
{
    int64_t desc[MAX_FIELDS], counters[COUNTERS];
    const int64_t fields = describe(s, desc);
    const stream_state *now = &s->now;
    const int64_t head[3] = {now->count, now->next_id, now->evicted};
    memcpy(counters, head, sizeof(head));
    memcpy(&counters[3], now->sunk, sizeof(now->sunk));
    memcpy(&counters[3 + TSR_STREAM_KINDS], now->kept, sizeof(now->kept));
    memcpy(&counters[3 + 2 * TSR_STREAM_KINDS], now->left, sizeof(now->left));
    for (int64_t i = 0; i < now->count; i++) {
        const stream_slot *slot = &now->slots[now->order[i]];
        const int64_t row[TOKEN_FIELDS] = {now->order[i], slot->id, slot->kind, slot->sink, slot->position[0], slot->position[1], slot->position[2]};
        memcpy(tokens + i * TOKEN_FIELDS, row, sizeof(row));
        scores[i] = slot->score;
    }
    tsr_tensor_view views[4 + MAX_TENSORS] = {view(desc_name, TSR_I64, fields, 0, desc), view(counters_name, TSR_I64, COUNTERS, 0, counters),
                                              view(tokens_name, TSR_I64, now->count, TOKEN_FIELDS, tokens),
                                              view(scores_name, TSR_F64, now->count, 0, scores)};
    for (int i = 0; i < count; i++) {
        const tsr_layout *l = &tensors[i].layout;
        const uint64_t size = tsr_buffer_size(tensors[i].buffer);
        if (!(tensors[i].data = malloc((size_t)size)))
            return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %" PRIu64 " bytes of %s", size, tensors[i].name);
        const tsr_status status = tsr_buffer_read(tensors[i].buffer, 0, tensors[i].data, size);
        if (status != TSR_OK) return status;
        tsr_tensor_view *v = &views[4 + i];
        *v = (tsr_tensor_view){.name = tensors[i].name, .dtype = l->dtype, .rank = 4, .data = tensors[i].data, .size = size};
        memcpy(v->shape, l->shape, sizeof(l->shape));
    }
    return tsr_tensors_save(path, views, 4 + (size_t)count);
}

tsr_status tsr_stream_save(tsr_stream *s, const char *path)
{
    tsr_status status = stream_check_usable(s, path, "path");
    if (status != TSR_OK) return status;
    stored tensors[MAX_TENSORS];
    const int count = list_stored(s, tensors);
    int64_t *tokens = malloc((size_t)s->capacity * TOKEN_FIELDS * sizeof(*tokens));
    double *scores = malloc((size_t)s->capacity * sizeof(*scores));
    if (tokens && scores)
        status = save(s, path, tokens, scores, tensors, count);
    else
        status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %" PRId64 " tokens of a stream", s->capacity);
    for (int i = 0; i < count; i++) free(tensors[i].data);
    free(tokens);
    free(scores);
    return status;
}

#define REFUSE(...) return tsr_fail(TSR_ERROR_FILE, __VA_ARGS__)

/* A tensor of the file, which must have this type and shape; columns 0: rank 1; rows -1: any number up to most. */
static tsr_status find(const tsr_tensors *file, const char *path, const char *name, tsr_dtype dtype, int64_t rows, int64_t columns,
                       tsr_tensor_view *out)
{
    if (tsr_tensors_find(file, name, out) != TSR_OK) REFUSE("%s: tensor '%s' is not there; expected a saved stream", path, name);
    if (out->dtype != dtype || out->rank != (columns ? 2u : 1u) || out->shape[0] != rows || (columns && out->shape[1] != columns))
        REFUSE("%s: tensor '%s' is %s of rank %u, %" PRId64 " rows; expected %s with %" PRId64 " rows", path, name, tsr_dtype_name(out->dtype),
               out->rank, out->rank ? out->shape[0] : 0, tsr_dtype_name(dtype), rows);
    return TSR_OK;
}

static tsr_status read_counters(tsr_stream *s, const char *path, const tsr_tensors *file)
{
    int64_t mine[MAX_FIELDS], c[COUNTERS], left = 0, inside = 0;
    const int64_t fields = describe(s, mine);
    tsr_tensor_view v;
    tsr_status status = find(file, path, desc_name, TSR_I64, fields, 0, &v);
    if (status != TSR_OK) return status;
    if (memcmp(v.data, mine, (size_t)fields * sizeof(mine[0])) != 0) REFUSE("%s: was saved by a stream of another description", path);
    if ((status = find(file, path, counters_name, TSR_I64, COUNTERS, 0, &v)) != TSR_OK) return status;
    memcpy(c, v.data, sizeof(c));
    stream_state *n = &s->next;
    static const int64_t most = (int64_t)1 << 52;
    for (int i = 0; i < COUNTERS; i++)
        if (c[i] < 0 || c[i] > most) REFUSE("%s: counter %d is %" PRId64 "; expected 0 to 2^52", path, i, c[i]);
    n->count = c[0], n->next_id = c[1], n->evicted = c[2];
    memcpy(n->sunk, &c[3], sizeof(n->sunk));
    memcpy(n->kept, &c[3 + TSR_STREAM_KINDS], sizeof(n->kept));
    memcpy(n->left, &c[3 + 2 * TSR_STREAM_KINDS], sizeof(n->left));
    for (int k = 0; k < TSR_STREAM_KINDS; k++) {
        if (n->sunk[k] > s->sink_count[k] || n->kept[k] > s->window[k] || ((n->kept[k] || n->left[k]) && n->sunk[k] < s->sink_count[k]))
            REFUSE("%s: kind %d has %" PRId64 " sinks and %" PRId64 " tokens in its window; expected at most %" PRId64 " and %" PRId64, path, k,
                   n->sunk[k], n->kept[k], s->sink_count[k], s->window[k]);
        inside += n->sunk[k] + n->kept[k];
        left += n->left[k];
    }
    if (inside != n->count || left != n->evicted || n->next_id != n->count + n->evicted)
        REFUSE("%s: %" PRId64 " tokens appended, %" PRId64 " kept and %" PRId64 " gone do not add up", path, n->next_id, n->count, n->evicted);
    return TSR_OK;
}

static tsr_status read_token(tsr_stream *s, const char *path, int64_t i, const int64_t *row, double score, int64_t counts[2][TSR_STREAM_KINDS])
{
    static const int64_t most = (int64_t)1 << 52;
    stream_state *n = &s->next;
    const int64_t at = row[0], id = row[1], kind = row[2], sink = row[3];
    const stream_slot *last = i > 0 ? &n->slots[n->order[i - 1]] : NULL;
    if (at < 0 || at >= s->capacity || n->used[at]) REFUSE("%s: token %" PRId64 " has slot %" PRId64 "; expected a free one", path, i, at);
    if (id < 0 || id >= n->next_id || (last && id <= last->id)) REFUSE("%s: token %" PRId64 " has id %" PRId64 "; expected rising ids", path, i, id);
    if (kind < 0 || kind >= s->desc.kind_count) REFUSE("%s: token %" PRId64 " has kind %" PRId64, path, i, kind);
    if (sink != -1 && sink != s->sink_of[kind] + counts[0][kind])
        REFUSE("%s: token %" PRId64 " has sink %" PRId64 "; expected sinks in order", path, i, sink);
    if (!isfinite(score)) REFUSE("%s: token %" PRId64 " has score %g; expected a finite number", path, i, score);
    for (uint32_t a = 0; a < TSR_STREAM_AXES; a++)
        if (row[4 + a] > most || row[4 + a] < -most || (a >= s->desc.rope.axes && row[4 + a] != 0))
            REFUSE("%s: token %" PRId64 " has position %" PRId64 " on axis %u", path, i, row[4 + a], a);
    if (s->desc.time == TSR_STREAM_TIME_CLOSED && last && row[4] < last->position[0]) REFUSE("%s: token %" PRId64 " goes back in time", path, i);
    counts[sink < 0][kind]++;
    if (counts[0][kind] > n->sunk[kind] || counts[1][kind] > n->kept[kind])
        REFUSE("%s: more tokens of kind %" PRId64 " than were counted", path, kind);
    n->slots[at] = (stream_slot){.id = id, .kind = (int32_t)kind, .sink = (int32_t)sink, .score = score, .time = row[4]};
    memcpy(n->slots[at].position, &row[4], sizeof(n->slots[at].position));
    n->used[at] = 1;
    n->order[i] = (int32_t)at;
    s->stale[at] = 1;
    return TSR_OK;
}

static tsr_status read_tokens(tsr_stream *s, const char *path, const tsr_tensors *file)
{
    const int64_t count = s->next.count;
    tsr_tensor_view tokens, scores;
    tsr_status status = find(file, path, tokens_name, TSR_I64, count, TOKEN_FIELDS, &tokens);
    if (status == TSR_OK) status = find(file, path, scores_name, TSR_F64, count, 0, &scores);
    if (status != TSR_OK) return status;
    int64_t counts[2][TSR_STREAM_KINDS] = {{0}};
    memset(s->next.used, 0, (size_t)s->capacity);
    for (int64_t i = 0; i < count && status == TSR_OK; i++) {
        int64_t row[TOKEN_FIELDS];
        double score;
        memcpy(row, (const unsigned char *)tokens.data + (size_t)i * sizeof(row), sizeof(row));
        memcpy(&score, (const unsigned char *)scores.data + (size_t)i * sizeof(score), sizeof(score));
        status = read_token(s, path, i, row, score, counts);
    }
    return status;
}

static tsr_status load(tsr_stream *s, const char *path, const tsr_tensors *file)
{
    stored tensors[MAX_TENSORS];
    tsr_tensor_view views[MAX_TENSORS];
    const int count = list_stored(s, tensors);
    stream_begin(s);
    tsr_status status = read_counters(s, path, file);
    if (status == TSR_OK) status = read_tokens(s, path, file);
    if (status != TSR_OK) return status;
    for (int i = 0; i < count; i++) {
        const tsr_layout *l = &tensors[i].layout;
        if (tsr_tensors_find(file, tensors[i].name, &views[i]) != TSR_OK || views[i].dtype != l->dtype || views[i].rank != 4 ||
            memcmp(views[i].shape, l->shape, sizeof(l->shape)) != 0)
            REFUSE("%s: tensor '%s' is not there in the shape of the cache", path, tensors[i].name);
    }
    for (int i = 0; i < count && status == TSR_OK; i++) status = tsr_buffer_write(tensors[i].buffer, 0, views[i].data, views[i].size);
    if (status != TSR_OK) {
        s->broken = true;
        return status;
    }
    const stream_state old = s->now;
    s->now = s->next;
    s->next = old;
    for (int64_t i = 0; i < s->now.count; i++)
        if (s->now.slots[s->now.order[i]].sink >= 0) s->sink_slot[s->now.slots[s->now.order[i]].sink] = s->now.order[i];
    stream_set_times(s);
    status = stream_commit(s, NULL);
    if (status == TSR_OK) s->broken = false;
    return status;
}

tsr_status tsr_stream_load(tsr_stream *s, const char *path)
{
    if (!s || !path) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", s ? "path" : "stream");
    tsr_tensors *file = NULL;
    tsr_status status = tsr_tensors_open(path, &file);
    if (status == TSR_OK) status = load(s, path, file);
    tsr_tensors_close(file);
    return status;
}
